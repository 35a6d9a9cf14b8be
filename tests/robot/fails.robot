*** Settings ***
Documentation       The product is found outside its limit.

Library             harness.Hil    rig=${RIG}

Test Setup          Power Up


*** Test Cases ***
Boots In Time
    [Documentation]    FAIL
    [Tags]    req:PWR-002
    Switch Defect On    head unit    boots slowly
    Switch Ignition    off
    Wait    10 s
    Switch Ignition    on
    Signal Should Become    HeadUnit.BootState    Running    within=boot_time
