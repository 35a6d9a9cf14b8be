*** Settings ***
Documentation       Some seconds of all that a signal may come into. Nothing goes wrong.

Library             harness.Hil    rig=${RIG}

Suite Setup         Power Up


*** Test Cases ***
Signals And Measurements
    [Documentation]    PASS
    Send Frame    chassis    0x7DF    02 01 00
    FOR    ${speed}    IN RANGE    10    12
        Set Signal    Vehicle.Speed    ${speed} km/h
        Supply Voltage Should Be Between    12 V    15 V
        Supply Current Should Be Between    0 A    8 A
    END
    Signal Should Become    Vehicle.LowVoltageSystemState    Run    within=5 s
    Send Line    head unit console    version
    [Teardown]    Switch Ignition    off

Lines And Waits
    [Documentation]    PASS
    Open Line    HeadUnit.KL15
    Wait    50 ms
    Open Line    HeadUnit.KL30
    Frame Should Not Arrive    HU_Status    during=50 ms
    Close Line    HeadUnit.KL30
    Interrupt Line For    HeadUnit.KL30    30 ms
