*** Settings ***
Documentation       What the car draws from its battery while it is parked.

Resource            ../head_unit/head_unit.resource

Test Tags           system:head-unit    needs:supply    needs:head-unit    needs:head-unit-current


*** Test Cases ***
Head Unit Draws Next To Nothing Asleep
    [Documentation]    After the after-run the head unit leaves the battery alone, so that the car starts after weeks.
    ...    That the meter is in the line at all shows before, while the head unit runs.
    [Tags]    req:IVI-PWR-005
    [Setup]    Head Unit Has Booted
    ${running} =    Measure Current    head unit current
    Should Be True    ${running} > 0.1    The ammeter is not in the line of the head unit: it measures ${running} A.
    Switch Ignition    off
    Wait    10 s
    Current Should Meet    head unit current    quiescent_current
