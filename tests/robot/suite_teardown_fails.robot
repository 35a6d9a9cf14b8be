*** Settings ***
Documentation       The teardown of the suite does not work.

Library             harness.Hil    rig=${RIG}

Suite Teardown      Silence ECU    nobody


*** Test Cases ***
First
    [Documentation]    ERROR
    No Operation
