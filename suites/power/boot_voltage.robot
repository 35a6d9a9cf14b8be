*** Settings ***
Documentation       What the head unit does to its supply when it begins to boot, as an oscilloscope sees it.

Resource            ../head_unit/head_unit.resource

Test Setup          Head Unit Sleeps

Test Tags           system:head-unit    needs:supply    needs:head-unit    needs:head-unit-terminal-30


*** Test Cases ***
Head Unit Boots Without A Deep Drop
    [Documentation]    An inrush pulls the rail down for all that hang on it; a deep one resets its neighbours.
    [Tags]    req:IVI-PWR-007
    Arm Capture    head unit terminal 30    falling    13.46 V    lasting=100 ms    low=13 V    high=14 V
    Switch Ignition    on
    Captured Drop Should Meet    head unit terminal 30    boot_voltage_drop

Head Unit Boots Without A Long Inrush
    [Documentation]    13.40 V: 15 mV below what 30 mohm of wiring leave while the whole car boots.
    [Tags]    req:IVI-PWR-008
    Arm Capture    head unit terminal 30    falling    13.46 V    lasting=200 ms    low=13 V    high=14 V
    Switch Ignition    on
    Captured Time Below Should Meet    head unit terminal 30    13.40 V    inrush_time
