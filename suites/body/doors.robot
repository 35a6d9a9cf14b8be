*** Settings ***
Documentation       Doors, locks and the light in the cabin.

Resource            ../car.resource

Test Setup          Car Is Awake

Test Tags           system:body    needs:body-controller    needs:body


*** Test Cases ***
Driver's Door Is Reported
    [Documentation]    Whoever warns of an open door hears of it from the body controller.
    [Tags]    req:BCM-DRS-001
    Door Should Be Reported    Switches.DriverDoor    Vehicle.Cabin.Door.Row1.DriverSide.IsOpen

Passenger's Door Is Reported
    [Documentation]    Whoever warns of an open door hears of it from the body controller.
    [Tags]    req:BCM-DRS-001
    Door Should Be Reported    Switches.PassengerDoor    Vehicle.Cabin.Door.Row1.PassengerSide.IsOpen

Rear Left Door Is Reported
    [Documentation]    Whoever warns of an open door hears of it from the body controller.
    [Tags]    req:BCM-DRS-001
    Door Should Be Reported    Switches.RearLeftDoor    Vehicle.Cabin.Door.Row2.DriverSide.IsOpen

Rear Right Door Is Reported
    [Documentation]    Whoever warns of an open door hears of it from the body controller.
    [Tags]    req:BCM-DRS-001
    Door Should Be Reported    Switches.RearRightDoor    Vehicle.Cabin.Door.Row2.PassengerSide.IsOpen

Interior Light Comes With A Door
    [Documentation]    Nobody gets in in the dark.
    [Tags]    req:BCM-LGT-010
    Wait    20 s
    Signal Should Be    Vehicle.Cabin.Lights.IsDomeOn    Off
    Set Signal    Switches.RearLeftDoor    Open
    Signal Should Become    Vehicle.Cabin.Lights.IsDomeOn    On    within=door_report_time

Interior Light Goes After A While
    [Documentation]    It stays on for at least 5 s when the last door is closed, and goes before it drains the battery.
    [Tags]    req:BCM-LGT-011
    Set Signal    Switches.DriverDoor    Open
    Wait    500 ms
    Start Stopwatch    Vehicle.Cabin.Door.Row1.DriverSide.IsOpen    Closed
    Set Signal    Switches.DriverDoor    Closed
    Signal Should Stay    Vehicle.Cabin.Lights.IsDomeOn    On    during=5 s
    Response Time Should Be Below    interior_light_time    Vehicle.Cabin.Lights.IsDomeOn    Off

Doors Lock At Speed
    [Documentation]    From 15 km/h on nobody opens a door from outside.
    [Tags]    req:BCM-LCK-001
    Signal Should Be    Vehicle.Cabin.Door.Row1.DriverSide.IsLocked    Unlocked
    Set Signal    Vehicle.Speed    20 km/h
    Signal Should Become    Vehicle.Cabin.Door.Row1.DriverSide.IsLocked    Locked    within=lock_time
    Signal Should Be    BodyController.LockReason    Speed
    [Teardown]    Switch Ignition    off

Doors Unlock Without Ignition
    [Documentation]    What the speed has locked is open when the driver switches off.
    [Tags]    req:BCM-LCK-002
    Vehicle Drives At    20 km/h
    Wait    500 ms
    Signal Should Be    Vehicle.Cabin.Door.Row1.DriverSide.IsLocked    Locked
    Set Signal    Vehicle.Speed    0 km/h
    Wait    200 ms
    Switch Ignition    off
    Signal Should Become    Vehicle.Cabin.Door.Row1.DriverSide.IsLocked    Unlocked    within=lock_time


*** Keywords ***
Door Should Be Reported
    [Documentation]    Opens a door, and judges that the body controller says so; and again when it is closed.
    [Arguments]    ${switch}    ${report}
    Set Signal    ${switch}    Open
    Signal Should Become    ${report}    Open    within=door_report_time
    Set Signal    ${switch}    Closed
    Signal Should Become    ${report}    Closed    within=door_report_time
