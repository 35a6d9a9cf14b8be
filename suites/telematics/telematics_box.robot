*** Settings ***
Documentation       The telematics box on its bus and its console. Its cloud is somebody who types at the console.

Resource            ../car.resource

Test Tags           system:telematics    needs:telematics-box    needs:backbone    needs:telematics-console


*** Variables ***
${LOCKS}    Vehicle.Cabin.Door.Row1.DriverSide.IsLocked


*** Test Cases ***
Telematics Box Goes Online
    [Documentation]    It registers with the network when terminal 30 comes.
    [Tags]    req:TBX-PWR-001
    [Setup]    Car Starts Anew
    Signal Should Become    TelematicsBox.State    Online    within=registration_time

Telematics Box Says What It Is
    [Documentation]    Its console answers with part and software.
    [Tags]    req:TBX-LOG-001
    [Setup]    Car Is Awake
    Send Line    telematics console    version
    Log Should Contain    telematics console    software model of this harness    within=1 s

Position Is Kept Without Satellites
    [Documentation]    In a tunnel the last position is sent on, and marked as old.
    [Tags]    req:TBX-GNS-001
    [Setup]    Car Is Awake
    Signal Should Be    TelematicsBox.GnssFix    Valid
    ${latitude} =    Get Signal    Vehicle.CurrentLocation.Latitude
    Send Line    telematics console    gnss off
    Signal Should Become    TelematicsBox.GnssFix    Invalid    within=1 s
    Wait    500 ms
    Signal Should Be    Vehicle.CurrentLocation.Latitude    ${latitude} degree

Cloud Locks The Doors
    [Documentation]    From the command over backbone, gateway and body bus to the locks.
    [Tags]    req:TBX-REM-001    needs:body    needs:body-controller
    [Setup]    Car Is Awake
    Send Line    telematics console    unlock
    Wait    3 s
    Send Line    telematics console    lock
    Signal Should Become    ${LOCKS}    Locked    within=remote_command_time

Cloud Locks The Doors Of A Car That Sleeps
    [Documentation]    The command wakes the buses, and the locks follow.
    [Tags]    req:TBX-REM-002    needs:body    needs:body-controller
    [Setup]    Car Sleeps
    Send Line    telematics console    unlock
    Signal Should Become    ${LOCKS}    Unlocked    within=remote_wake_time
    Wait    3 s
    Send Line    telematics console    lock
    Signal Should Become    ${LOCKS}    Locked    within=remote_wake_time
