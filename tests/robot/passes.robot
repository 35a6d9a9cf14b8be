*** Settings ***
Documentation       Nothing goes wrong.

Library             harness.Hil    rig=${RIG}

Test Setup          Power Up


*** Test Cases ***
Supply Works
    [Documentation]    PASS
    [Tags]    req:PWR-001
    Wait    2 s
    Supply Voltage Should Be Between    13 V    14 V
