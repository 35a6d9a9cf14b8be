*** Settings ***
Documentation       All messages of a bus come, as regularly as its database says.

Resource            ../car.resource

Test Setup          Car Is Awake
Test Template       All Messages Should Be Regular

Test Tags           system:network


*** Test Cases ***
Chassis Bus Is Complete And Regular
    [Tags]    req:NET-CYC-010    needs:chassis
    chassis

Body Bus Is Complete And Regular
    [Tags]    req:NET-CYC-011    needs:body
    body

Backbone Is Complete And Regular
    [Tags]    req:NET-CYC-012    needs:backbone
    backbone
