*** Settings ***
Documentation       What the head unit makes of its supply voltage: one test for each row of the table.

Resource            head_unit.resource
Library             harness.Table    supply_states.csv
...                     supply state=Normal|Undervoltage|Overvoltage    audio state=Playing|Muted

Test Setup          Head Unit Has Booted

Test Tags           system:head-unit    needs:supply    needs:head-unit


*** Test Cases ***
Supply <name>
    [Documentation]    <voltage> at the supply; the wiring of the rig takes about 0.06 V.
    [Tags]    req:IVI-PWR-016
    Set Supply Voltage    <voltage>
    Signal Should Become    HeadUnit.SupplyState    <supply state>    within=supply_state_time
    Signal Should Stay    HeadUnit.AudioState    <audio state>    during=1 s
