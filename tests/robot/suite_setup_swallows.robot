*** Settings ***
Documentation       The setup of the suite swallows what it finds.

Library             harness.Hil    rig=${RIG}

Suite Setup         Run Keyword And Ignore Error    Supply Voltage Should Be Between    13 V    14 V


*** Test Cases ***
First
    [Documentation]    FAIL
    No Operation

Needs What The Rig Lacks
    [Documentation]    SKIPPED
    [Tags]    needs:nothing-like-this
    No Operation
