*** Settings ***
Documentation       After the last test the supply can no longer be reached.

Library             harness.Hil    rig=${RIG}
Library             ${CURDIR}/RigFaults.py

Suite Teardown      Break The Supply
Test Setup          Power Up


*** Test Cases ***
First
    [Documentation]    PASS
    Supply Voltage Should Be Between    13 V    14 V
