*** Settings ***
Documentation       The head unit comes back each time that terminal 30 has been away.
...                 How often is tried is the variable CYCLES: 500 on a virtual rig. In wall time that is a quarter of
...                 an hour; on a bench choose fewer, or leave the test out by its tag.

Resource            ../car.resource

Test Tags           system:head-unit    level:endurance    needs:supply    needs:head-unit


*** Variables ***
${CYCLES}       500


*** Test Cases ***
Head Unit Survives Power Cycles
    [Documentation]    Each cycle it boots in time, and it counts each reset once.
    [Tags]    req:IVI-END-001
    [Setup]    Car Is Awake
    ${resets} =    Get Signal    HeadUnit.ResetCounter
    FOR    ${_}    IN RANGE    ${CYCLES}
        Interrupt Supply    200 ms
        Signal Should Become    HeadUnit.BootState    Running    within=boot_time
    END
    ${expected} =    Evaluate    (${resets} + ${CYCLES}) % 256
    Signal Should Be    HeadUnit.ResetCounter    ${expected}
