*** Settings ***
Documentation       The wipers and their stalk.

Resource            ../car.resource

Test Setup          Car Is Awake

Test Tags           system:body    needs:body-controller    needs:body    needs:steering-column


*** Test Cases ***
Wipers Follow The Stalk
    [Documentation]    Each position of the stalk has its mode.
    [Tags]    req:BCM-WIP-001
    FOR    ${mode}    IN    Interval    Slow    Fast    Off
        Set Signal    Switches.Wiper    ${mode}
        Signal Should Become    Vehicle.Body.Windshield.Front.Wiping.Mode    ${mode}    within=wiper_time
    END

Wipers Stop Without Terminal 15
    [Documentation]    Whoever cleans the windscreen of a parked car keeps all fingers.
    [Tags]    req:BCM-WIP-002
    Set Signal    Switches.Wiper    Fast
    Wait    500 ms
    Signal Should Be    Vehicle.Body.Windshield.Front.Wiping.Mode    Fast
    Switch Ignition    off
    Signal Should Become    Vehicle.Body.Windshield.Front.Wiping.Mode    Off    within=wiper_time
