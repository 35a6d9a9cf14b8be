*** Settings ***
Documentation       To be stopped by Ctrl-C twice.

Library             harness.Hil    rig=${RIG}

Test Setup          Power Up


*** Test Cases ***
Waits
    [Documentation]    ABORTED
    Log To Console    waiting
    Wait    100000 h
    [Teardown]    Run Keywords    Log To Console    tearing down    AND    Wait    100000 h
