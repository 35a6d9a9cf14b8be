*** Settings ***
Documentation       Runs while something fails on the rig. Each test says `now` where that may happen,
...                 and takes SECONDS from there.

Library             OperatingSystem
Library             harness.Hil    rig=${RIG}

Test Setup          Power Up


*** Test Cases ***
Value That Never Comes
    [Documentation]    A dead bus never brings it either.
    [Tags]    value
    Log To Console    now
    Signal Should Become    HeadUnit.BootState    Off    within=%{SECONDS} s

Value That Stays
    [Documentation]    Every frame for a time, none missing.
    [Tags]    steady
    Signal Should Become    HeadUnit.BootState    Running    within=3 s
    Log To Console    now
    Signal Should Stay    HeadUnit.BootState    Running    during=%{SECONDS} s

Frames That Never Come
    [Documentation]    The judgement itself holds, whatever happens to the bus.
    [Tags]    silence
    Silence ECU    front camera
    Wait    200 ms
    Log To Console    now
    Frame Should Not Arrive    FVCM_HSC2_FrP03    during=%{SECONDS} s

Regular Message
    [Documentation]    Of an ECU that the runner simulates.
    [Tags]    regular
    Wait    1 s
    Log To Console    now
    Cycle Time Should Be    FVCM_HSC2_FrP03    during=%{SECONDS} s

Line That Never Comes
    [Documentation]    A dead console never brings it either.
    [Tags]    line
    Log To Console    now
    Log Should Contain    head unit console    no such line    within=%{SECONDS} s

Lines That Must Not Come
    [Documentation]    The judgement itself holds, whatever happens to the console.
    [Tags]    no-line
    Log To Console    now
    Log Should Not Contain    head unit console    no such line    during=%{SECONDS} s

Readings
    [Documentation]    The supply is asked all the time.
    [Tags]    readings
    Log To Console    now
    FOR    ${_}    IN RANGE    %{SECONDS}0
        Wait    100 ms
        Supply Voltage Should Be Between    13 V    14 V
    END
    [Teardown]    Wait    %{SECONDS} s

Lines That Open And Close
    [Documentation]    The switches are told to move all the time.
    [Tags]    lines
    Log To Console    now
    FOR    ${_}    IN RANGE    %{SECONDS}0
        Interrupt Line For    HeadUnit.KL15    100 ms
    END
    [Teardown]    Wait    %{SECONDS} s

Only Time
    [Documentation]    Nothing is asked of the rig until the test ends.
    [Tags]    time
    Log To Console    now
    Wait    %{SECONDS} s

Until Told
    [Documentation]    Somebody makes the file when the test may go on.
    [Tags]    told
    Log To Console    now
    Wait Until Created    told    timeout=%{SECONDS} s
    Supply Voltage Should Be Between    13 V    14 V

Comes Behind
    [Documentation]    Needs the bus and the instruments.
    [Tags]    behind
    Signal Should Become    HeadUnit.BootState    Running    within=3 s
    Supply Voltage Should Be Between    13 V    14 V
