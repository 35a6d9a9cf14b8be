*** Settings ***
Documentation       What the head unit draws from the battery over a time in which the car is parked.

Resource            ../head_unit/head_unit.resource

Test Tags           system:head-unit    needs:supply    needs:head-unit    needs:head-unit-parked-current


*** Test Cases ***
Head Unit Draws Little On Average While Parked
    [Documentation]    A unit that wakes up for moments empties a battery as well: the mean counts. The boot current
    ...    passes the source meter by. A car that is not parked is judged by its supply, before the meter is in line.
    [Tags]    req:IVI-PWR-006
    [Setup]    Head Unit Has Booted
    Switch Ignition    off
    Wait    10 s
    Supply Current Should Meet    parked_supply_current
    Mean Current Should Meet    head unit parked current    quiescent_current    during=20 s
