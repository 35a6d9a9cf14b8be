*** Settings ***
Documentation       For a rig that cannot be opened.

Library             harness.Hil    rig=${RIG}


*** Test Cases ***
Touches No Rig
    [Documentation]    ERROR
    No Operation

Handles All Failures
    [Documentation]    ERROR
    Run Keyword And Ignore Error    Power Up
    [Teardown]    Power Up
