*** Settings ***
Documentation       One test for each way in which a test can end, in one world, one after the other.

Library             harness.Hil    rig=${RIG}
Library             ${CURDIR}/RigFaults.py

Test Setup          Power Up


*** Test Cases ***
Holds
    [Documentation]    PASS
    Supply Voltage Should Be Between    13 V    14 V

Fails
    [Documentation]    FAIL
    Supply Voltage Should Be Between    20 V    30 V

Fails In A Keyword Of The Suite
    [Documentation]    FAIL
    Voltage Is Far Too High

Fails And Is Swallowed
    [Documentation]    FAIL
    Run Keyword And Ignore Error    Supply Voltage Should Be Between    20 V    30 V

Fails And Is Caught
    [Documentation]    FAIL
    TRY
        Supply Voltage Should Be Between    20 V    30 V
    EXCEPT    *    type=GLOB
        No Operation
    END

Fails And Is Skipped
    [Documentation]    FAIL
    Run Keyword And Ignore Error    Supply Voltage Should Be Between    20 V    30 V
    Skip    hides it

Fails And Passes Execution
    [Documentation]    FAIL
    Run Keyword And Continue On Failure    Supply Voltage Should Be Between    20 V    30 V
    Pass Execution    hides it

Fails In Its Teardown
    [Documentation]    FAIL
    No Operation
    [Teardown]    Supply Voltage Should Be Between    20 V    30 V

Fails As Expected
    [Documentation]    PASS
    ${message} =    Judgement Should Fail    Supply Voltage Should Be Between    20 V    30 V
    Should Start With    ${message}    supply voltage: expected 20 V to 30 V

Does Not Fail As Expected
    [Documentation]    FAIL
    Judgement Should Fail    Supply Voltage Should Be Between    13 V    14 V

Fails By A Keyword Of Robot
    [Documentation]    ERROR
    Fail    out of order

Fails First, Then By A Keyword Of Robot
    [Documentation]    ERROR
    Run Keyword And Continue On Failure    Supply Voltage Should Be Between    20 V    30 V
    Fail    out of order

Names An Unknown Signal
    [Documentation]    ERROR
    Signal Should Be    HeadUnit.BotState    Running

Names An Unknown Keyword
    [Documentation]    ERROR
    Supply Voltage Should Be Betwen    13 V    14 V

Gives A Current For A Voltage
    [Documentation]    ERROR
    Set Supply Voltage    13.5 A

Gives A Comma
    [Documentation]    ERROR
    Set Supply Voltage    8,0 V

Gives No Number
    [Documentation]    ERROR
    Set Supply Voltage    nan V

Goes Beyond The Limit Of The Rig
    [Documentation]    ERROR
    Set Supply Voltage    18.1 V

Sends Nothing Where A Voltage Is Refused
    [Documentation]    PASS
    FOR    ${voltage}    IN    13.5 A    8,0 V    nan V    18.1 V    -1 V
        Run Keyword And Expect Error    *    Set Supply Voltage    ${voltage}
    END
    Programmed Voltage Is    13.5

Meets A Rig Fault
    [Documentation]    ERROR
    Leave An Error In The Supply

Fails Before A Rig Fault
    [Documentation]    ERROR
    Run Keyword And Continue On Failure    Supply Voltage Should Be Between    20 V    30 V
    Leave An Error In The Supply

Needs What The Rig Lacks
    [Documentation]    SKIPPED
    [Tags]    needs:nothing-like-this
    [Setup]    Fail    must not run
    Fail    must not run
    [Teardown]    Fail    must not run

Takes Too Long
    [Documentation]    ERROR
    [Timeout]    300 ms
    Wait    100000 h

Comes After The One That Took Too Long
    [Documentation]    PASS
    Wait    4 s
    Signal Should Be    HeadUnit.BootState    Running

Errs In Its Teardown
    [Documentation]    ERROR
    No Operation
    [Teardown]    Silence ECU    nobody

Fails, Then Errs In Its Teardown
    [Documentation]    ERROR
    Supply Voltage Should Be Between    20 V    30 V
    [Teardown]    Silence ECU    nobody

Leaves A Defect On
    [Documentation]    PASS
    Switch Defect On    head unit    does not sleep
    Silence ECU    gateway

Finds The Rig As It Was
    [Documentation]    PASS
    Wait    4 s
    Frame Should Arrive    GW_HSC2_SDM_FrP00    within=100 ms
    Switch Ignition    off
    Message Should Stop    HU_Status    within=after_run_time


*** Keywords ***
Voltage Is Far Too High
    [Documentation]    A judgement inside a keyword of the suite.
    Supply Voltage Should Be Between    20 V    30 V
