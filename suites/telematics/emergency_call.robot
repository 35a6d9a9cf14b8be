*** Settings ***
Documentation       What the car does by itself after a crash.

Resource            ../car.resource

Test Setup          Car Starts Anew

Test Tags           system:telematics    needs:airbag    needs:backbone    needs:gateway


*** Test Cases ***
Crash Calls For Help
    [Documentation]    The telematics box begins to call within 5 s, and keeps calling when somebody answers.
    [Tags]    req:TBX-ECL-001    needs:telematics-box
    Wait    4 s
    Signal Should Be    TelematicsBox.EmergencyCall    Idle
    Set Signal    Sensors.Crash    Deployed
    Signal Should Become    TelematicsBox.EmergencyCall    Dialling    within=emergency_call_time
    Signal Should Become    TelematicsBox.EmergencyCall    Connected    within=10 s

Crash Unlocks The Doors
    [Documentation]    Helpers open the doors, and see the car.
    [Tags]    req:BCM-LCK-003    needs:body-controller    needs:body
    Wait    4 s
    Vehicle Drives At    50 km/h
    Wait    500 ms
    Signal Should Be    Vehicle.Cabin.Door.Row1.DriverSide.IsLocked    Locked
    Set Signal    Sensors.Crash    Deployed
    Signal Should Become    Vehicle.Cabin.Door.Row1.DriverSide.IsLocked    Unlocked    within=crash_unlock_time
    Signal Should Be    Vehicle.Body.Lights.Hazard.IsSignaling    On
