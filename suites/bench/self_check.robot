*** Settings ***
Documentation       The rig itself, before it judges anything. What fails here is the rig and not the product: ERROR.

Resource            ../car.resource

Suite Setup         Car Is Awake

Test Tags           system:rig


*** Test Cases ***
Instruments Say Who They Are
    [Documentation]    Manufacturer, model, serial number and version: a report names what has measured.
    [Tags]    req:RIG-IDN-001    needs:supply    needs:switches    needs:ammeter    needs:voltmeter
    FOR    ${instrument}    IN    supply    switches    ammeter    voltmeter
        ${identity} =    Get Instrument Identity    ${instrument}
        ${serial} =    Evaluate    $identity.split(",")[2].strip()
        Should Not Be Empty    ${serial}    ${instrument} names no serial number: ${identity}
    END

Supply Delivers What It Is Set To
    [Documentation]    Set and read back, within the 2 % that LV 124 allows a bench.
    [Tags]    req:RIG-SUP-001    needs:supply
    FOR    ${volts}    IN    10    12    14
        Set Supply Voltage    ${volts} V
        Wait    100 ms
        ${measured} =    Measure Supply Voltage
        Should Be Near    ${measured}    ${volts}    0.02    supply
    END

Meter Agrees With Supply
    [Documentation]    What the multimeter measures behind the wiring is what the supply says, within 2 %.
    [Tags]    req:RIG-MTR-001    needs:supply    needs:head-unit-voltage
    Set Supply Voltage    13.5 V
    Wait    100 ms
    ${at_supply} =    Measure Supply Voltage
    ${at_head_unit} =    Measure Voltage    head unit voltage
    Should Be Near    ${at_head_unit}    ${at_supply}    0.02    head unit voltage

Chassis Bus Works Both Ways
    [Documentation]    A frame of the tester gets onto the bus, and those of others come.
    [Tags]    req:RIG-CAN-001    needs:chassis
    Prove Bus Both Ways    chassis

Body Bus Works Both Ways
    [Documentation]    A frame of the tester gets onto the bus, and those of others come.
    [Tags]    req:RIG-CAN-001    needs:body
    Prove Bus Both Ways    body

Backbone Works Both Ways
    [Documentation]    A frame of the tester gets onto the bus, and those of others come.
    [Tags]    req:RIG-CAN-001    needs:backbone
    Prove Bus Both Ways    backbone

Time Stamps Are Right
    [Documentation]    Frames are stamped in their order, and not in the future.
    [Tags]    req:RIG-CAN-002    needs:chassis    needs:body
    Prove Time Stamps    chassis
    Prove Time Stamps    body


*** Keywords ***
Should Be Near
    [Documentation]    Fails where a reading is off by more than a part of what is expected.
    [Arguments]    ${actual}    ${expected}    ${part}    ${what}
    ${off} =    Evaluate    abs(${actual} - ${expected}) / ${expected}
    Should Be True    ${off} <= ${part}    ${what}: ${actual} V instead of ${expected} V
