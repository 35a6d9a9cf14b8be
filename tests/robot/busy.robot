*** Settings ***
Documentation       Takes some seconds, to be stopped at any moment of them. Nothing goes wrong.

Library             harness.Hil    rig=${RIG}

Suite Setup         Power Up
Test Setup          Switch Ignition    on
Test Teardown       Switch Ignition    off


*** Test Cases ***
First
    [Documentation]    PASS
    Wait    60 s
    Wait    60 s

Second
    [Documentation]    PASS
    Wait    60 s
    Wait    60 s

Third
    [Documentation]    PASS
    Wait    60 s
    Wait    60 s
