*** Settings ***
Documentation       What the whole car draws from its battery while it is parked.

Resource            ../car.resource

Test Tags           system:power    needs:supply    needs:body-controller


*** Test Cases ***
Car Draws Next To Nothing Asleep
    [Documentation]    All ECUs together: so the car starts after weeks at an airport.
    [Tags]    req:VEH-PWR-001    needs:body    needs:backbone
    [Setup]    Car Sleeps
    Supply Current Should Meet    car_quiescent_current
