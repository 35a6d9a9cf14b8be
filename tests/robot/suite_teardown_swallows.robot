*** Settings ***
Documentation       A judgement fails where no test can take it any more.

Library             harness.Hil    rig=${RIG}

Suite Teardown      Run Keyword And Ignore Error    Supply Voltage Should Be Between    13 V    14 V


*** Test Cases ***
First
    [Documentation]    PASS
    No Operation
