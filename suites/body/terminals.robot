*** Settings ***
Documentation       Terminals, power mode, and keys at the steering wheel, as the body controller reports them.

Resource            ../car.resource

Test Setup          Car Is Awake

Test Tags           system:body    needs:body-controller    needs:body


*** Test Cases ***
Terminal 15 Is Reported On
    [Documentation]    What the body controller measures at its pin is on the bus at once.
    [Tags]    req:BCM-PWR-001
    Switch Ignition    off
    Wait    500 ms
    Switch Ignition    on
    Signal Should Become    BodyController.MeasuredTerminal15    On    within=terminal_report_time

Terminal 15 Is Reported Off
    [Documentation]    Whoever saves his state before the supply goes must know in time.
    [Tags]    req:BCM-PWR-001
    Signal Should Be    BodyController.MeasuredTerminal15    On
    Switch Ignition    off
    Signal Should Become    BodyController.MeasuredTerminal15    Off    within=terminal_report_time

Power Mode Goes With The Ignition
    [Documentation]    The power mode on the chassis bus is that of the key.
    [Tags]    req:BCM-PWR-002
    Signal Should Be    Vehicle.LowVoltageSystemState    Run
    Switch Ignition    accessory
    Signal Should Be    Vehicle.LowVoltageSystemState    Accessory
    Switch Ignition    on
    Signal Should Be    Vehicle.LowVoltageSystemState    Run

Stuck Key Is Ignored
    [Documentation]    A key that stays pressed for a minute is broken: it is reported as such, and as not pressed.
    [Tags]    req:BCM-KEY-001    needs:steering-column
    Set Signal    Switches.SteeringWheelKey    Next
    Wait    500 ms
    Signal Should Be    BodyController.Key    Next
    Signal Should Become    BodyController.KeyFault    Stuck    within=key_stuck_time
    Signal Should Be    BodyController.Key    None
