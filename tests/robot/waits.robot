*** Settings ***
Documentation       To be stopped by Ctrl-C.

Library             harness.Hil    rig=${RIG}

Test Setup          Power Up


*** Test Cases ***
Fails Before
    [Documentation]    FAIL
    Supply Voltage Should Be Between    20 V    30 V

Waits
    [Documentation]    ABORTED
    Log To Console    waiting
    Wait    100000 h

Comes After
    [Documentation]    NOT RUN
    No Operation
