*** Settings ***
Documentation       Boot, after-run and sleep of the head unit.

Resource            head_unit.resource

Test Tags           system:head-unit    needs:supply    needs:head-unit


*** Test Cases ***
Head Unit Boots From Terminal 15
    [Documentation]    The head unit runs within its boot time after terminal 15 has come on.
    [Tags]    req:IVI-PWR-001
    [Setup]    Head Unit Sleeps
    Switch Ignition    on
    Signal Should Become    HeadUnit.BootState    Running    within=boot_time

Head Unit Sends Soon After Its Wake-Up
    [Documentation]    Others on the bus hear of the head unit long before it has booted.
    [Tags]    req:IVI-NET-001
    [Setup]    Head Unit Sleeps
    Switch Ignition    on
    Frame Should Arrive    HU_Status    within=first_frame_time

Head Unit Falls Silent After Its After-Run
    [Documentation]    Without terminal 15 the head unit shuts down and leaves the bus, so that the battery lasts.
    [Tags]    req:IVI-PWR-002
    [Setup]    Head Unit Has Booted
    Switch Ignition    off
    Signal Should Become    HeadUnit.BootState    ShuttingDown    within=shutdown_report_time
    Message Should Stop    HU_Status    within=after_run_time

Head Unit Returns During Its After-Run
    [Documentation]    Ignition off and on again within the after-run: the head unit is back at once, without a reset.
    [Tags]    req:IVI-PWR-003
    [Setup]    Head Unit Has Booted
    Signal Should Be    HeadUnit.BootState    Running
    ${resets} =    Get Signal    HeadUnit.ResetCounter
    Switch Ignition    off
    Wait    2 s
    Switch Ignition    on
    Signal Should Become    HeadUnit.BootState    Running    within=return_time
    Signal Should Be    HeadUnit.ResetCounter    ${resets}

Car Draws Its Running Current
    [Documentation]    Neither an ECU that is off nor a short circuit goes unnoticed.
    [Tags]    req:IVI-PWR-004
    [Setup]    Head Unit Has Booted
    Supply Current Should Meet    running_current
