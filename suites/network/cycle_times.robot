*** Settings ***
Documentation       Messages come as regularly as the database says, and their counters count.

Library             harness.Hil    rig=${RIG}

Suite Setup         Power Up
Test Setup          Wait    4 s
Test Template       Message Should Be Regular

Test Tags           system:network    needs:chassis


*** Variables ***
${RIG}      rx5-virtual


*** Test Cases ***
Vehicle Speed Is Regular
    [Tags]    req:NET-CYC-001
    SCS_HSC2_FrP19

Airbag State Is Regular
    [Tags]    req:NET-CYC-002
    GW_HSC2_SDM_FrP00

Steering Angle Is Regular
    [Tags]    req:NET-CYC-003
    SAS_HSC2_FrP00

Power Mode Is Regular
    [Tags]    req:NET-CYC-004
    BCM_PowerMode

Head Unit Status Is Regular
    [Tags]    req:NET-CYC-005
    HU_Status


*** Keywords ***
Message Should Be Regular
    [Documentation]    Judges cycle time and counters of a message.
    [Arguments]    ${message}
    Cycle Time Should Be    ${message}    during=2 s
    Counters Should Count    ${message}    during=2 s
