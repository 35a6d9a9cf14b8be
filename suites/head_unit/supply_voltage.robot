*** Settings ***
Documentation       The head unit within its supply range, outside of it, and after an interruption.

Resource            head_unit.resource

Test Setup          Head Unit Has Booted

Test Tags           system:head-unit    needs:supply    needs:head-unit


*** Test Cases ***
Head Unit Works At The Lower End Of Its Supply Range
    [Documentation]    9 V at its pins: ISO 16750-2, code C. The wiring of the rig takes about 0.06 V.
    [Tags]    req:IVI-PWR-010
    Set Supply Voltage    9.06 V
    Signal Should Stay    HeadUnit.BootState    Running    during=2 s
    Signal Should Stay    HeadUnit.AudioState    Playing    during=2 s

Head Unit Works At The Upper End Of Its Supply Range
    [Documentation]    16 V at its pins: ISO 16750-2, code C. The wiring of the rig takes about 0.06 V.
    [Tags]    req:IVI-PWR-010
    Set Supply Voltage    16.06 V
    Signal Should Stay    HeadUnit.BootState    Running    during=2 s
    Signal Should Stay    HeadUnit.AudioState    Playing    during=2 s

Undervoltage Mutes Audio
    [Documentation]    Below its supply range the head unit says so and mutes, before the amplifier distorts.
    [Tags]    req:IVI-PWR-011
    Set Supply Voltage    8.5 V
    Signal Should Become    HeadUnit.SupplyState    Undervoltage    within=supply_state_time
    Signal Should Be    HeadUnit.AudioState    Muted

Audio Plays Again After Undervoltage
    [Documentation]    What undervoltage has muted comes back by itself: functional status B of ISO 16750-1.
    [Tags]    req:IVI-PWR-012
    Set Supply Voltage    8.5 V
    Wait    1 s
    Set Supply Voltage    13.5 V
    Signal Should Become    HeadUnit.AudioState    Playing    within=supply_state_time
    Signal Should Be    HeadUnit.SupplyState    Normal

Overvoltage Mutes Audio
    [Documentation]    Above its supply range the head unit says so and mutes.
    [Tags]    req:IVI-PWR-013
    Set Supply Voltage    17 V
    Signal Should Become    HeadUnit.SupplyState    Overvoltage    within=supply_state_time
    Signal Should Be    HeadUnit.AudioState    Muted

Head Unit Reports Its Supply Voltage
    [Documentation]    What the head unit measures agrees with what the supply delivers, less the drop of the wiring.
    [Tags]    req:IVI-PWR-014
    Set Supply Voltage    12 V
    Wait    200 ms
    Signal Should Be    Vehicle.LowVoltageBattery.CurrentVoltage    11.95 V    tolerance=supply_reading_tolerance

Head Unit Restarts After An Interruption
    [Documentation]    Terminal 30 open for 500 ms resets the head unit once; it is back within its boot time.
    [Tags]    req:IVI-PWR-015
    Signal Should Be    HeadUnit.BootState    Running
    ${resets} =    Get Signal    HeadUnit.ResetCounter
    Interrupt Line For    HeadUnit.KL30    500 ms
    Signal Should Become    HeadUnit.BootState    Running    within=boot_time
    ${expected} =    Evaluate    (${resets} + 1) % 256
    Signal Should Be    HeadUnit.ResetCounter    ${expected}
