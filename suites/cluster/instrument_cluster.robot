*** Settings ***
Documentation       What the instrument cluster shows of what the buses say.

Resource            ../car.resource

Test Setup          Car Is Awake

Test Tags           system:cluster    needs:instrument-cluster    needs:body    needs:gateway


*** Test Cases ***
Cluster Never Shows Too Little
    [Documentation]    UN R39, 5.4: not less than the speed, and at most a tenth and 4 km/h more.
    [Tags]    req:IPK-SPD-001    needs:brake-control
    FOR    ${speed}    IN    30    50    120
        Vehicle Drives At    ${speed} km/h
        ${middle} =    Evaluate    round(1.05 * ${speed} + 2, 3)
        ${width} =    Evaluate    round(0.05 * ${speed} + 2, 3)
        Signal Should Be    InstrumentCluster.DisplayedSpeed    ${middle} km/h    tolerance=${width} km/h
    END

Cluster Shows Dashes For A Lost Speed
    [Documentation]    Without the gateway nobody knows the speed; the last one would be a lie.
    [Tags]    req:IPK-SPD-002
    Signal Should Be    InstrumentCluster.DisplayedSpeedValid    Valid
    Silence ECU    gateway
    Signal Should Become    InstrumentCluster.DisplayedSpeedValid    Invalid    within=cluster_time

Cluster Shows The Indicator
    [Documentation]    The telltale flashes with the lamp.
    [Tags]    req:IPK-TEL-001    needs:steering-column
    Set Signal    Switches.Indicator    Left
    Signal Should Become    InstrumentCluster.LeftIndicator    On    within=cluster_time
    Signal Should Become    InstrumentCluster.LeftIndicator    Off    within=1 s

Cluster Warns Of An Open Door
    [Documentation]    From the switch in the door over its module and the body controller.
    [Tags]    req:IPK-TEL-002    needs:rear-right-door
    Set Signal    Switches.RearRightDoor    Open
    Signal Should Become    InstrumentCluster.DoorOpen    On    within=cluster_time

Cluster Warns Of An Open Belt
    [Documentation]    The telltale at once, the chime from 20 km/h on. The belt is known on the backbone only.
    [Tags]    req:IPK-TEL-003    needs:airbag    needs:brake-control
    Set Signal    Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted    Open
    Signal Should Become    InstrumentCluster.SeatBelt    On    within=cluster_time
    Signal Should Be    InstrumentCluster.Chime    None
    Set Signal    Vehicle.Speed    25 km/h
    Signal Should Become    InstrumentCluster.Chime    SeatBelt    within=cluster_time

Cluster Warns Of A Collision
    [Documentation]    What the driver assistance asks for on the backbone is shown and heard.
    [Tags]    req:IPK-TEL-004    needs:driver-assistance
    Set Signal    Sensors.CollisionWarning    Urgent
    Signal Should Become    InstrumentCluster.CollisionWarning    On    within=cluster_time
    Signal Should Be    InstrumentCluster.Chime    Collision
