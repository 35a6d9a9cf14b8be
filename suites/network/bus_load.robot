*** Settings ***
Documentation       The buses have room: in the mean, and in any 100 ms.

Resource            ../car.resource

Test Setup          Car Is Awake
Test Template       Bus Load Should Meet

Test Tags           system:network


*** Test Cases ***
Chassis Bus Has Room
    [Tags]    req:NET-LOD-001    needs:chassis
    chassis

Body Bus Has Room
    [Tags]    req:NET-LOD-002    needs:body
    body

Backbone Has Room
    [Tags]    req:NET-LOD-003    needs:backbone
    backbone
