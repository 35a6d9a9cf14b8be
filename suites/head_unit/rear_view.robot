*** Settings ***
Documentation       The rear view image and reverse gear.

Resource            head_unit.resource

Test Setup          Head Unit Has Booted

Test Tags           system:head-unit    needs:head-unit    needs:gateway


*** Variables ***
${GEAR}     Vehicle.Powertrain.Transmission.SelectedGear


*** Test Cases ***
Rear View Appears In Reverse Gear
    [Documentation]    FMVSS 111 asks for the complete image within 2 s of reverse gear.
    [Tags]    req:IVI-RVC-001
    Start Stopwatch    ${GEAR}    Reverse
    Set Signal    ${GEAR}    Reverse
    Response Time Should Be Below    rear_view_time    HeadUnit.RearView    Shown

Rear View Appears While The Head Unit Boots
    [Documentation]    A driver who reverses at once does not wait for the boot: the image has its own early path.
    [Tags]    req:IVI-RVC-002
    [Setup]    Head Unit Sleeps
    Set Signal    ${GEAR}    Reverse
    Switch Ignition    on
    Signal Should Become    HeadUnit.RearView    Shown    within=rear_view_time

Rear View Goes With Reverse Gear
    [Documentation]    The image is removed when reverse gear is left.
    [Tags]    req:IVI-RVC-003
    Set Signal    ${GEAR}    Reverse
    Wait    4 s
    Signal Should Be    HeadUnit.RearView    Shown
    Set Signal    ${GEAR}    ForwardA
    Signal Should Become    HeadUnit.RearView    Hidden    within=rear_view_linger_time

Rear View Ignores An Invalid Gear
    [Documentation]    A gear that its sender marks as invalid is no reverse gear.
    [Tags]    req:IVI-RVC-004
    Set Signal    ${GEAR}.Valid    Invalid
    Wait    100 ms
    Set Signal    ${GEAR}    Reverse
    Signal Should Stay    HeadUnit.RearView    Hidden    during=5 s
