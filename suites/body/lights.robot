*** Settings ***
Documentation       Lamps of the car, and what switches them.

Resource            ../car.resource

Test Setup          Car Is Awake

Test Tags           system:body    needs:body-controller    needs:body    needs:steering-column


*** Variables ***
${LEFT}     Vehicle.Body.Lights.DirectionIndicator.Left.IsSignaling


*** Test Cases ***
Indicator Flashes At Its Rate
    [Documentation]    UN R48 asks for 90 flashes a minute, 30 more or fewer.
    [Tags]    req:BCM-LGT-001
    Set Signal    Switches.Indicator    Left
    Signal Should Become    ${LEFT}    On    within=lamp_time
    Period Should Meet    ${LEFT}    On    indicator_period

Hazard Lights Work Without Ignition
    [Documentation]    A car that has broken down is seen.
    [Tags]    req:BCM-LGT-002
    Switch Ignition    off
    Set Signal    Switches.Hazard    On
    Signal Should Become    Vehicle.Body.Lights.DirectionIndicator.Right.IsSignaling    On    within=1 s
    Signal Should Be    Vehicle.Body.Lights.Hazard.IsSignaling    On

Low Beam Comes In The Dark
    [Documentation]    With the switch on automatic the light sensor decides.
    [Tags]    req:BCM-LGT-003
    Set Signal    Switches.Lights    Auto
    Wait    200 ms
    Signal Should Be    Vehicle.Body.Lights.Beam.Low.IsOn    Off
    Set Signal    Sensors.Dark    Yes
    Signal Should Become    Vehicle.Body.Lights.Beam.Low.IsOn    On    within=lamp_time

High Beam Needs Low Beam
    [Documentation]    The stalk does nothing by day; with low beam it switches the high beam on.
    [Tags]    req:BCM-LGT-004
    Set Signal    Switches.HighBeam    On
    Signal Should Stay    Vehicle.Body.Lights.Beam.High.IsOn    Off    during=500 ms
    Set Signal    Switches.Lights    Low
    Signal Should Become    Vehicle.Body.Lights.Beam.High.IsOn    On    within=lamp_time

Reverse Light Comes With Reverse Gear
    [Documentation]    Others see that the car is about to move backwards.
    [Tags]    req:BCM-LGT-005    needs:gateway
    Set Signal    Vehicle.Powertrain.Transmission.SelectedGear    Reverse
    Signal Should Become    Vehicle.Body.Lights.Backup.IsOn    On    within=lamp_time
