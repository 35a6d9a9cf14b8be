*** Settings ***
Documentation       Video distracts: it is shown in a parked car only.

Resource            ../car.resource

Test Setup          Car Is Awake

Test Tags           system:head-unit    needs:head-unit    needs:body    needs:brake-control


*** Test Cases ***
Video Is Allowed In A Parked Car
    [Documentation]    At standstill and in park nobody is distracted.
    [Tags]    req:IVI-HMI-010
    Signal Should Become    HeadUnit.Video    Allowed    within=video_lock_time

Video Is Blocked While Driving
    [Documentation]    From 8 km/h on (5 mph in the NHTSA driver distraction guidelines).
    [Tags]    req:IVI-HMI-010
    Signal Should Be    HeadUnit.Video    Allowed
    Set Signal    Vehicle.Speed    10 km/h
    Signal Should Become    HeadUnit.Video    Blocked    within=video_lock_time

Video Comes Back In Park
    [Documentation]    The lock-out ends when the car stands in park again.
    [Tags]    req:IVI-HMI-011
    Vehicle Drives At    30 km/h
    Signal Should Be    HeadUnit.Video    Blocked
    Set Signal    Vehicle.Speed    0 km/h
    Signal Should Become    HeadUnit.Video    Allowed    within=video_lock_time

Video Is Blocked When The Speed Is Lost
    [Documentation]    A head unit that does not know the speed must take the car for driving.
    [Tags]    req:IVI-HMI-012
    Signal Should Be    HeadUnit.Video    Allowed
    Silence ECU    brake control
    Signal Should Become    HeadUnit.Video    Blocked    within=video_lock_time
