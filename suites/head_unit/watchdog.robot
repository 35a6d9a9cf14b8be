*** Settings ***
Documentation       The watchdog of the head unit.

Resource            ../car.resource

Test Tags           system:head-unit    needs:head-unit    needs:head-unit-console


*** Test Cases ***
Watchdog Ends A Hang
    [Documentation]    A processor that hangs is reset once, and the head unit is back within its boot time.
    [Tags]    req:IVI-WDG-001
    [Setup]    Car Is Awake
    ${resets} =    Get Signal    HeadUnit.ResetCounter
    Send Line    head unit console    hang
    Log Should Contain    head unit console    watchdog: reset    within=watchdog_time
    Signal Should Become    HeadUnit.BootState    Running    within=boot_time
    ${expected} =    Evaluate    (${resets} + 1) % 256
    Signal Should Be    HeadUnit.ResetCounter    ${expected}
