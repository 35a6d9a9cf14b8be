"""What holds for every vehicle in `rigs/vehicles`. A new one is found by its folder."""

from pathlib import Path
from typing import get_args

import cantools
import pytest
from cantools.database.can import Database, Message

from harness.vehicle import PowerMode, SignalStep, Vehicle, read_vehicle

_FOLDERS = sorted(path.parent for path in (Path(__file__).parents[2] / "rigs/vehicles").glob("*/vehicle.yaml"))


@pytest.fixture(scope="module", params=_FOLDERS, ids=lambda folder: folder.name)
def vehicle(request: pytest.FixtureRequest) -> Vehicle:
    return read_vehicle(request.param)


@pytest.fixture(scope="module")
def databases(vehicle: Vehicle) -> dict[str, Database]:
    return {bus: _load(vehicle.database_path(bus)) for bus in vehicle.buses}


def _load(path: Path) -> Database:
    database = cantools.database.load_file(path, strict=True)
    assert isinstance(database, Database)
    return database


def _message(databases: dict[str, Database], name: str) -> Message:
    (found,) = [message for database in databases.values() for message in database.messages if message.name == name]
    return found


def test_there_are_vehicles() -> None:
    assert _FOLDERS


def test_each_signal_resolves(vehicle: Vehicle, databases: dict[str, Database]) -> None:
    for name, address in vehicle.signals.items():
        message = databases[address.bus].get_message_by_name(address.message)
        assert address.signal in message.signal_tree, f"{name}: {address}"


def test_no_two_logical_signals_share_an_address(vehicle: Vehicle) -> None:
    assert len(set(vehicle.signals.values())) == len(vehicle.signals)


def test_each_protection_resolves(vehicle: Vehicle, databases: dict[str, Database]) -> None:
    for name, protection in vehicle.protection.items():
        signals = _message(databases, name).signal_tree
        assert protection.counters or protection.checksum, f"{name}: protected by nothing"
        assert set(protection.counters) <= set(signals), name
        assert protection.checksum is None or protection.checksum.signal in signals, name


def test_each_limit_has_a_source(vehicle: Vehicle) -> None:
    for limit in vehicle.limits.values():
        assert limit.source.strip()
        assert limit.tag in "VKBP"
        assert (limit.source == "proposed by us") == (limit.tag == "P"), limit.name


def test_each_power_mode_exists(vehicle: Vehicle, databases: dict[str, Database]) -> None:
    assert set(vehicle.power_modes) == set(get_args(PowerMode))
    for steps in vehicle.power_modes.values():
        for step in steps:
            for name, value in step.signal.items() if isinstance(step, SignalStep) else ():
                address = vehicle.signals[name]
                message = databases[address.bus].get_message_by_name(address.message)
                choices = message.get_signal_by_name(address.signal).choices
                assert not isinstance(value, str) or value in map(str, (choices or {}).values()), (name, value)


def test_each_cyclic_message_has_a_cycle_time(databases: dict[str, Database]) -> None:
    for database in databases.values():
        for message in database.messages:
            assert message.send_type != "Cyclic" or message.cycle_time, message.name


def test_start_values_and_value_names_are_in_range(databases: dict[str, Database]) -> None:
    for database in databases.values():
        for message in database.messages:
            for signal in message.signals:
                where = f"{message.name}.{signal.name}"
                start = signal.raw_initial or 0
                assert all(0 <= value < 1 << signal.length for value in (start, *(signal.choices or ()))), where
                physical = start * signal.scale + signal.offset
                assert signal.minimum is None or signal.minimum <= physical, where
                assert signal.maximum is None or physical <= signal.maximum, where


def test_the_bus_load_leaves_room(vehicle: Vehicle, databases: dict[str, Database]) -> None:
    for bus, database in databases.items():
        bits_a_second = sum(
            _longest_frame(message) * 1000 / message.cycle_time for message in database.messages if message.cycle_time
        )
        assert bits_a_second / vehicle.buses[bus].bitrate < 0.7, bus


def _longest_frame(message: Message) -> int:
    """Bits with most stuffing and the interframe space (Davis, Burns, Bril, Lukkien, 2007, equations 1 and 2)."""
    stuffed = (54 if message.is_extended_frame else 34) + 8 * int(message.length)
    return stuffed + 13 + (stuffed - 1) // 4
