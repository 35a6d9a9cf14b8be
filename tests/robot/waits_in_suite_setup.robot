*** Settings ***
Documentation       To be stopped by Ctrl-C before the first test.

Library             harness.Hil    rig=${RIG}

Suite Setup         Run Keywords    Power Up    AND    Log To Console    waiting    AND    Wait    100000 h


*** Test Cases ***
Comes After
    [Documentation]    NOT RUN
    No Operation
