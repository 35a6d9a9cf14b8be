*** Settings ***
Documentation       Volume and mute by the keys at the steering wheel.

Resource            ../car.resource

Test Setup          Car Is Awake

Test Tags           system:head-unit    needs:head-unit    needs:body    needs:steering-column    needs:body-controller


*** Variables ***
${KEY}          Switches.SteeringWheelKey
${VOLUME}       HeadUnit.Volume


*** Test Cases ***
Volume Key Raises The Volume
    [Documentation]    One step for one press, before the driver presses again.
    [Tags]    req:IVI-AUD-001
    ${wanted} =    Volume Changed By    1
    Set Signal    ${KEY}    VolumeUp
    Signal Should Become    ${VOLUME}    ${wanted}    within=key_time

Volume Key Lowers The Volume
    [Documentation]    One step for one press.
    [Tags]    req:IVI-AUD-001
    ${wanted} =    Volume Changed By    -1
    Set Signal    ${KEY}    VolumeDown
    Signal Should Become    ${VOLUME}    ${wanted}    within=key_time

Key That Is Held Counts Once
    [Documentation]    A key that stays pressed does not turn the radio up to the end.
    [Tags]    req:IVI-AUD-002
    ${wanted} =    Volume Changed By    1
    Set Signal    ${KEY}    VolumeUp
    Wait    1 s
    Signal Should Stay    ${VOLUME}    ${wanted}    during=2 s

Mute Key Mutes And Plays Again
    [Documentation]    Pressed once the radio is silent, pressed again it plays.
    [Tags]    req:IVI-AUD-003
    Set Signal    ${KEY}    Mute
    Signal Should Become    HeadUnit.Mute    On    within=key_time
    Set Signal    ${KEY}    None
    Wait    500 ms
    Set Signal    ${KEY}    Mute
    Signal Should Become    HeadUnit.Mute    Off    within=key_time

Bounce Of A Key Changes Nothing
    [Documentation]    A contact that closes for less than 50 ms is no press.
    [Tags]    req:IVI-AUD-004
    ${wanted} =    Volume Changed By    0
    Set Signal    ${KEY}    VolumeUp
    Wait    25 ms
    Set Signal    ${KEY}    None
    Wait    500 ms
    Signal Should Be    ${VOLUME}    ${wanted}

Volume Survives The Night
    [Documentation]    The head unit comes back as loud as it was.
    [Tags]    req:IVI-AUD-005
    ${wanted} =    Volume Changed By    1
    Set Signal    ${KEY}    VolumeUp
    Wait    500 ms
    Set Signal    ${KEY}    None
    Switch Ignition    off
    Wait    10 s
    Switch Ignition    on
    Signal Should Become    HeadUnit.BootState    Running    within=boot_time
    Signal Should Be    ${VOLUME}    ${wanted}


*** Keywords ***
Volume Changed By
    [Documentation]    Returns the volume as it is now and a number of steps more.
    [Arguments]    ${steps}
    ${now} =    Get Signal    ${VOLUME}
    ${changed} =    Evaluate    int(${now}) + ${steps}
    RETURN    ${changed}
