from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from harness.errors import RigFileError
from harness.quantities import Duration
from harness.vehicle import (
    Bus,
    Checksum,
    CloseStep,
    Limit,
    OpenStep,
    Protection,
    SignalAddress,
    SignalStep,
    SupplyStep,
    VehicleFile,
    WaitStep,
    read_vehicle,
)
from harness.yaml_file import json_schema

_VEHICLE = """\
name: Test car
synthetic: all of it
buses:
  body: {bitrate: 125000, database: body.dbc}
signals:
  Vehicle.Speed: body Dash.Speed
protection:
  Dash:
    counters: [Counter]
    checksum: {signal: Crc, algorithm: crc8}
power_modes:
  off:
    - open: KL15
  accessory: []
  on:
    - supply: on
    - close: KL15
    - wait: 20 ms
    - signal: {Vehicle.Speed: 0}
limits:
  boot_time:
    high: 1500 ms
    source: proposed by us
    tag: P
    description: time to boot
after_run: 5 s
"""


def _folder(folder: Path, text: str = _VEHICLE) -> Path:
    (folder / "vehicle.yaml").write_text(text, encoding="utf-8")
    return folder


def _problems(folder: Path, old: str, new: str) -> list[str]:
    assert old in _VEHICLE
    with pytest.raises(RigFileError) as error:
        read_vehicle(_folder(folder, _VEHICLE.replace(old, new)))
    return str(error.value).replace(f"{folder / 'vehicle.yaml'}:", "").split("\n")


def test_reads_all_facts(tmp_path: Path) -> None:
    vehicle = read_vehicle(_folder(tmp_path))
    assert vehicle.folder == tmp_path
    assert (vehicle.name, vehicle.synthetic) == ("Test car", "all of it")
    assert vehicle.buses == {"body": Bus(bitrate=125_000, database="body.dbc")}
    assert vehicle.signals == {"Vehicle.Speed": SignalAddress("body", "Dash", "Speed")}
    assert vehicle.protection == {
        "Dash": Protection(counters=("Counter",), checksum=Checksum(signal="Crc", algorithm="crc8"))
    }
    assert vehicle.power_modes == {
        "off": (OpenStep(open="KL15"),),
        "accessory": (),
        "on": (
            SupplyStep(supply="on"),
            CloseStep(close="KL15"),
            WaitStep(wait=Duration(0.02)),
            SignalStep(signal={"Vehicle.Speed": 0}),
        ),
    }
    assert vehicle.limits == {"boot_time": Limit("boot_time", None, 1.5, "s", "proposed by us", "P", "time to boot")}


def test_a_bus_may_have_a_data_bit_rate(tmp_path: Path) -> None:
    text = _VEHICLE.replace("bitrate: 125000", "bitrate: 500000, data_bitrate: 2000000")
    bus = read_vehicle(_folder(tmp_path, text)).buses["body"]
    assert (bus.bitrate, bus.data_bitrate) == (500_000, 2_000_000)


def test_the_database_lies_in_the_folder_of_the_vehicle(tmp_path: Path) -> None:
    vehicle = read_vehicle(_folder(tmp_path))
    assert vehicle.database_path("body") == tmp_path / "body.dbc"
    with pytest.raises(RigFileError, match="vehicle Test car: no bus 'boddy'; did you mean 'body'"):
        vehicle.database_path("boddy")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("9 V", "16 V", (9.0, 16.0, "V")),
        ("500 mA", None, (0.5, None, "A")),
        ("-10 %", "10 %", (-10.0, 10.0, "%")),
        (None, "8 km/h", (None, 8.0, "km/h")),
        (None, "5", (None, 5.0, "")),
        ("0.5 min", "40 s", (30.0, 40.0, "s")),
    ],
)
def test_the_bounds_of_a_limit_come_in_one_unit(
    tmp_path: Path, low: str | None, high: str | None, expected: tuple[float | None, float | None, str]
) -> None:
    bounds = (f"low: {low}\n    " if low else "") + (f"high: {high}" if high else "")
    limit = read_vehicle(_folder(tmp_path, _VEHICLE.replace("high: 1500 ms", bounds))).limits["boot_time"]
    assert (limit.low, limit.high, limit.unit) == expected


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "body Dash.Speed",
            "boddy Dash.Speed",
            "6: signals.Vehicle.Speed: no bus 'boddy'; did you mean 'body'? Known: body",
        ),
        (
            "body Dash.Speed",
            "Dash.Speed",
            "6: signals.Vehicle.Speed: must be a bus, a message and a signal, such as 'chassis HU_Status.Display'",
        ),
        (
            "signal: {Vehicle.Speed: 0}",
            "signal: {Vehicle.Sped: 0}",
            "19: power_modes.on[3].signal.Vehicle.Sped: no signal 'Vehicle.Sped'; did you mean 'Vehicle.Speed'?",
        ),
        (
            "- open: KL15",
            "- {open: KL15, close: ACC}",
            "13: power_modes.off[0]: a step has exactly one of these keys: supply, close, open, wait, signal",
        ),
        ("supply: on", "supply: up", "16: power_modes.on[0].supply: must be 'on' or 'off', came 'up'"),
        (
            "wait: 20 ms",
            "wait: 20 mV",
            "18: power_modes.on[2].wait: 20 mV is a voltage; this needs a duration, such as '500 ms'",
        ),
        ("  accessory: []\n", "", "11: power_modes.accessory: missing key"),
        (
            "accessory: []",
            "acc: []",
            "14: power_modes.acc: must be 'off', 'accessory' or 'on', came 'acc'",
        ),
        ("high: 1500 ms", "hihg: 1500 ms", "22: limits.boot_time.hihg: unknown key; did you mean 'high'?"),
        (
            "    high: 1500 ms\n",
            "",
            "21: limits.boot_time: has neither low nor high; one of them is needed",
        ),
        (
            "high: 1500 ms",
            "high: 1500 ms\n    low: 1 V",
            "21: limits.boot_time: low is 1 V and high is 1.5 s: they need the same kind of unit",
        ),
        (
            "high: 1500 ms",
            "high: 1500 ms\n    low: 2 s",
            "21: limits.boot_time: low, 2 s, is above high, 1.5 s",
        ),
        ("high: 1500 ms", "high: 1500 parsnips", "22: limits.boot_time.high: must be a quantity with its unit"),
        ("high: 1500 ms", "high: true", "22: limits.boot_time.high: must be a quantity with its unit"),
        ("    source: proposed by us\n", "", "21: limits.boot_time.source: missing key"),
        ("tag: P", "tag: X", "24: limits.boot_time.tag: must be 'V', 'K', 'B' or 'P', came 'X'"),
        (
            "bitrate: 125000",
            "bitrate: 125 kbit",
            "4: buses.body.bitrate: must be a valid integer, came '125 kbit'",
        ),
        (
            "bitrate: 125000",
            "bitrate: 500000, data_bitrate: 250000",
            "4: buses.body: data_bitrate, 250000, is below bitrate, 500000",
        ),
        (
            "bitrate: 125000",
            "bitrate: 500000, data_bitrate: 12000000",
            "4: buses.body.data_bitrate: ",
        ),
        ("database: body.dbc", "database: ../body.dbc", "4: buses.body.database: String should match pattern"),
        (
            "counters: [Counter]",
            "counter: Counter",
            "9: protection.Dash.counter: unknown key; did you mean 'counters'? Allowed: checksum, counters",
        ),
    ],
)
def test_says_where_a_vehicle_file_is_wrong(tmp_path: Path, old: str, new: str, problem: str) -> None:
    problems = _problems(tmp_path, old, new)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_a_folder_without_a_vehicle_file(tmp_path: Path) -> None:
    with pytest.raises(RigFileError, match=r"vehicle\.yaml: cannot be read: No such file"):
        read_vehicle(tmp_path)


def test_the_schema_for_editors_takes_what_is_read() -> None:
    schema = json_schema(VehicleFile, "vehicle.schema.json")
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(YAML(typ="safe").load(_VEHICLE))
    wrong = YAML(typ="safe").load(_VEHICLE.replace("body Dash.Speed", "Dash.Speed"))
    assert not Draft202012Validator(schema).is_valid(wrong)
