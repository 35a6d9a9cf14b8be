"""A rig whose bus carries CAN FD: from `vehicle.yaml` and the database to frames on the bus."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import RigFileError
from harness.rig.check_rig import check_rig
from harness.rig.open_rig import open_rig

if TYPE_CHECKING:
    import can

VEHICLE = "vehicles/roewe-rx5/vehicle.yaml"
DATABASE = "vehicles/roewe-rx5/chassis.dbc"
MESSAGE = "GW_HSC2_BCM_FrP04"


@pytest.fixture
def fd_rig(rig_path: Path) -> Path:
    """The virtual rig, with a message of the gateway on its classic bus that is an FD one of 64 bytes."""
    database = rig_path.parent / DATABASE
    text = database.read_text(encoding="cp1252")
    (head,) = [line for line in text.splitlines() if line.startswith("BO_ ") and f" {MESSAGE}:" in line]
    number = head.split()[1]
    text = text.replace(head, head.replace(f"{MESSAGE}: 8 ", f"{MESSAGE}: 64 "))
    text += (
        'BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","StandardCAN_FD","ExtendedCAN_FD";\n'
        f'BA_DEF_DEF_ "VFrameFormat" "StandardCAN";\nBA_ "VFrameFormat" BO_ {number} 2;\n'
    )
    database.write_text(text, encoding="cp1252")
    return rig_path


def test_an_fd_message_needs_a_bus_with_a_data_bit_rate(fd_rig: Path) -> None:
    reason = rf"vehicle\.yaml:\d+: buses\.chassis: chassis\.dbc has the CAN FD message {MESSAGE}; .*data_bitrate"
    for look in (check_rig, open_rig):
        with pytest.raises(RigFileError, match=reason):
            look(fd_rig)


def test_the_gateway_sends_its_fd_message_on_a_bus_with_a_data_bit_rate(fd_rig: Path) -> None:
    vehicle = fd_rig.parent / VEHICLE
    text = vehicle.read_text(encoding="utf-8")
    vehicle.write_text(
        text.replace("bitrate: 500000", "bitrate: 500000\n    data_bitrate: 2000000", 1), encoding="utf-8"
    )
    rig = open_rig(fd_rig)
    try:
        frames: list[can.Message] = []
        bus = rig.buses["chassis"]
        bus.channel.listen(frames.append, [bus.database.message(MESSAGE).identifier])
        rig.ecu("gateway").wake()
        rig.clock.sleep(1_000_000_000)
    finally:
        rig.close()
    assert len(frames) > 5
    for frame in frames:
        assert (frame.is_fd, frame.bitrate_switch, len(frame.data)) == (True, True, 64)
