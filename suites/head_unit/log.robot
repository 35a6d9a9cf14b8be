*** Settings ***
Documentation       What the head unit writes to its console, for those who look for the cause of a fault.

Resource            head_unit.resource

Test Tags           system:head-unit    needs:supply    needs:head-unit    needs:head-unit-console


*** Test Cases ***
Head Unit Logs Its Boot
    [Documentation]    The log says that the boot is complete within the boot time.
    [Tags]    req:IVI-LOG-001
    [Setup]    Head Unit Sleeps
    Switch Ignition    on
    Log Should Contain    head unit console    boot: complete    within=boot_time

Head Unit Logs Undervoltage
    [Documentation]    Whoever reads the log finds undervoltage in it, and not only what comes of it.
    [Tags]    req:IVI-LOG-002
    [Setup]    Head Unit Has Booted
    Set Supply Voltage    8.5 V
    Log Should Contain    head unit console    power: undervoltage    within=supply_state_time
