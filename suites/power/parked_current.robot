*** Settings ***
Documentation       What the head unit draws from the battery over a time in which the car is parked.

Resource            ../head_unit/head_unit.resource

Test Tags           system:head-unit    needs:supply    needs:head-unit    needs:head-unit-parked-current


*** Test Cases ***
Head Unit Draws Little On Average While Parked
    [Documentation]    A unit that wakes up for moments empties a battery as well: the mean counts. The boot current
    ...    passes the source meter by. A car that is not parked is judged by its supply, before the meter is in line.
    ...    10 uA, of which a unit that keeps its memory needs more [P], show that the meter is in the line at all.
    [Tags]    req:IVI-PWR-006
    [Setup]    Head Unit Has Booted
    Switch Ignition    off
    Wait    10 s
    Supply Current Should Meet    parked_supply_current
    ${parked} =    Measure Current    head unit parked current
    Should Be True    ${parked} > 0.00001    The source meter is not in the line: it measures ${parked} A.
    Mean Current Should Meet    head unit parked current    quiescent_current    during=20 s
