*** Settings ***
Documentation       Every route of the gateway: it passes all on, in time, and unchanged.

Resource            ../car.resource

Suite Setup         Car Is Awake

Test Tags           system:network    needs:gateway


*** Variables ***
${TO_CHASSIS}       GW_HSC2_BCM_FrP04
${AIRBAG}           GW_HSC2_SDM_FrP00


*** Test Cases ***
Vehicle Speed Reaches The Body Bus
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-001    needs:chassis    needs:body
    Gateway Latency Should Meet    vehicle speed to body

Vehicle Speed Reaches The Backbone
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-002    needs:chassis    needs:backbone
    Gateway Latency Should Meet    vehicle speed to backbone

Brake Reaches The Body Bus
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-003    needs:chassis    needs:body
    Gateway Latency Should Meet    brake to body

Steering Angle Reaches The Backbone
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-004    needs:chassis    needs:backbone
    Gateway Latency Should Meet    steering angle to backbone

Head Unit Reaches The Backbone
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-005    needs:chassis    needs:backbone
    Gateway Latency Should Meet    head unit to backbone    during=2 s

Terminals Reach The Backbone
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-006    needs:body    needs:backbone
    Gateway Latency Should Meet    terminals to backbone

Doors Reach The Backbone
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-007    needs:body    needs:backbone
    Gateway Latency Should Meet    doors to backbone    during=2 s

Crash Reaches The Body Bus
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-008    needs:body    needs:backbone
    Gateway Latency Should Meet    crash to body

Belts Reach The Body Bus
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-009    needs:body    needs:backbone
    Gateway Latency Should Meet    belts to body    during=2 s

Warnings Reach The Body Bus
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-010    needs:body    needs:backbone
    Gateway Latency Should Meet    warnings to body

Remote Commands Reach The Body Bus
    [Documentation]    Each frame as it is, in time.
    [Tags]    req:GW-RTE-011    needs:body    needs:backbone
    Gateway Latency Should Meet    remote commands to body    during=2 s

Doors Reach The Chassis Bus
    [Documentation]    As a signal of a message that the gateway sends at a cycle time of its own.
    [Tags]    req:GW-RTE-012    needs:chassis    needs:body    needs:driver-door
    Start Stopwatch    Vehicle.Cabin.Door.Row1.DriverSide.IsOpen    Open
    Set Signal    Switches.DriverDoor    Open
    Response Time Should Be Below    gateway_signal_latency    ${TO_CHASSIS}.DrvrDoorOpenStsHSC2    Open

Lights Reach The Chassis Bus
    [Documentation]    As a signal of a message that the gateway sends at a cycle time of its own.
    [Tags]    req:GW-RTE-013    needs:chassis    needs:body    needs:steering-column
    Start Stopwatch    Vehicle.Body.Lights.Beam.Low.IsOn    On
    Set Signal    Switches.Lights    Low
    Response Time Should Be Below    gateway_signal_latency    ${TO_CHASSIS}.DipdBeamLghtOnHSC2    On

Belts Reach The Chassis Bus
    [Documentation]    As a signal of a message that the gateway sends at a cycle time of its own.
    [Tags]    req:GW-RTE-014    needs:chassis    needs:backbone    needs:airbag
    Start Stopwatch    Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted    Open
    Set Signal    Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted    Open
    Response Time Should Be Below    gateway_signal_latency    ${AIRBAG}.DrvrSbltAtcHSC2    Open

Crash Reaches The Chassis Bus
    [Documentation]    As a signal of a message that the gateway sends at a cycle time of its own. The last test here:
    ...    the body controller does not forget a crash.
    [Tags]    req:GW-RTE-015    needs:chassis    needs:backbone    needs:airbag
    Start Stopwatch    Sensors.Crash    Deployed
    Set Signal    Sensors.Crash    Deployed
    Response Time Should Be Below    gateway_signal_latency    ${AIRBAG}.AirbagDplHSC2    Deployed
