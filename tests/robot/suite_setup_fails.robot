*** Settings ***
Documentation       The setup of the suite finds the product outside its limit.

Library             harness.Hil    rig=${RIG}

Suite Setup         Supply Voltage Should Be Between    13 V    14 V


*** Test Cases ***
First
    [Documentation]    FAIL
    No Operation

Second
    [Documentation]    FAIL
    No Operation
