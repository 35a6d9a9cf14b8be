*** Settings ***
Documentation       The speed on the display of the head unit.

Resource            head_unit.resource

Test Setup          Head Unit Has Booted

Test Tags           system:head-unit    needs:head-unit    needs:brake-control


*** Test Cases ***
Displayed Speed Follows The Vehicle's
    [Documentation]    The display shows what the brake control sends.
    [Tags]    req:IVI-HMI-001
    FOR    ${speed}    IN    0 km/h    50 km/h    120 km/h
        Set Signal    Vehicle.Speed    ${speed}
        Wait    200 ms
        Signal Should Be    HeadUnit.DisplayedSpeed    ${speed}    tolerance=speed_display_tolerance
    END

Lost Speed Is Not Shown
    [Documentation]    When the speed message is lost the display shows dashes, never the last speed.
    [Tags]    req:IVI-HMI-002
    Set Signal    Vehicle.Speed    80 km/h
    Wait    200 ms
    Signal Should Be    HeadUnit.DisplayedSpeedValid    Valid
    Silence ECU    brake control
    Signal Should Become    HeadUnit.DisplayedSpeedValid    Invalid    within=speed_loss_time
