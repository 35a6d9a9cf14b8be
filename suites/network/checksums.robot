*** Settings ***
Documentation       Messages that safety depends on are protected: a receiver can tell a damaged one.

Resource            ../car.resource

Test Setup          Car Is Awake
Test Template       Message Should Be Protected

Test Tags           system:network


*** Test Cases ***
Lane Keeping Request Is Protected
    [Tags]    req:NET-E2E-001    needs:chassis    needs:front-camera
    FVCM_HSC2_FrP03

Doors Are Protected
    [Tags]    req:NET-E2E-002    needs:body    needs:body-controller
    BCM_Doors

Stalks Are Protected
    [Tags]    req:NET-E2E-003    needs:body    needs:steering-column
    SCM_Stalks

Displayed Speed Is Protected
    [Tags]    req:NET-E2E-004    needs:body    needs:instrument-cluster
    IPK_Speed

Crash Is Protected On The Backbone
    [Tags]    req:NET-E2E-005    needs:backbone    needs:airbag
    SDM_Crash

Crash Is Protected On The Body Bus
    [Documentation]    The gateway passes counter and checksum on as they are.
    [Tags]    req:NET-E2E-006    needs:body    needs:gateway    needs:airbag
    GW_B_Crash

Turn Rates Are Protected
    [Tags]    req:NET-E2E-007    needs:backbone    needs:inertial-sensor
    IMU_Rates

Emergency Call Is Protected
    [Tags]    req:NET-E2E-008    needs:backbone    needs:telematics-box
    TBOX_EmergencyCall


*** Keywords ***
Message Should Be Protected
    [Documentation]    Judges the counter and the checksum of a message.
    [Arguments]    ${message}
    Counters Should Count    ${message}
    Checksums Should Be Right    ${message}
