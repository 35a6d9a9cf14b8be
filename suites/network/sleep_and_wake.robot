*** Settings ***
Documentation       Buses sleep when nobody needs them, and wake together.

Resource            ../car.resource

Test Tags           system:network    needs:gateway


*** Test Cases ***
Body Bus Falls Asleep
    [Documentation]    Ignition off, after-runs over: no frame any more.
    [Tags]    req:NET-NM-001    needs:body
    [Setup]    Car Is Awake
    Switch Ignition    off
    Bus Should Fall Asleep    body    within=bus_sleep_time

Backbone Falls Asleep
    [Documentation]    Ignition off, after-runs over: no frame any more.
    [Tags]    req:NET-NM-002    needs:backbone
    [Setup]    Car Is Awake
    Switch Ignition    off
    Bus Should Fall Asleep    backbone    within=bus_sleep_time

Buses Stay Asleep
    [Documentation]    A bus that wakes by itself drains the battery.
    [Tags]    req:NET-NM-003    needs:body    needs:backbone    level:endurance
    [Setup]    Car Is Parked
    Bus Should Stay Asleep    body    during=10 min
    Bus Should Stay Asleep    backbone    during=10 min

Terminal 15 Wakes The Body Bus
    [Documentation]    The body controller sees terminal 15, and all others wake with it.
    [Tags]    req:NET-NM-004    needs:body    needs:backbone
    [Setup]    Car Sleeps
    Switch Ignition    on
    Bus Should Wake Up    body    within=wake_up_time
    Wait    2 s
    All Messages Should Be Regular    body

Cloud Wakes All Buses
    [Documentation]    The telematics box wakes the backbone, and the gateway passes that on to the body bus.
    [Tags]    req:NET-NM-005    needs:body    needs:backbone    needs:telematics-console
    [Setup]    Car Sleeps
    Send Line    telematics console    wake
    Bus Should Wake Up    body    within=wake_up_time
    Frame Should Arrive    DDM_Switches    within=wake_up_time
    Signal Should Be    TelematicsBox.WakeReason    Cloud
    Bus Should Fall Asleep    body    within=20 s

Tester Wakes The Backbone From The Body Bus
    [Documentation]    One message of network management on one bus wakes the other through the gateway.
    [Tags]    req:NET-NM-006    needs:body    needs:backbone
    [Setup]    Car Sleeps
    Send Frame    body    0x57E    7E 10 00 00 00 00 00 00
    Bus Should Wake Up    backbone    within=wake_up_time
    Frame Should Arrive    IMU_Rates    within=wake_up_time
    Bus Should Fall Asleep    backbone    within=bus_sleep_time
