"""Frames of Modbus RTU, held to published ones and to pymodbus."""

import pytest
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, WriteMultipleCoilsRequest, WriteSingleCoilRequest

from harness.protocols.modbus_rtu import ModbusException, coil_bits, crc16, exception, framed, request_length

FRAMER = FramerRTU(DecodePDU(is_server=False))


def test_the_crc_has_its_published_check_value() -> None:
    """CRC-16/MODBUS of "123456789" is 0x4B37, in the catalogue of parametrised CRC algorithms; low byte first."""
    assert crc16(b"123456789") == bytes.fromhex("37 4B")


@pytest.mark.parametrize(
    ("body", "frame"),
    [
        ("05 0000 FF00", "01 05 00 00 FF 00 8C 3A"),
        ("05 0000 0000", "01 05 00 00 00 00 CD CA"),
        ("01 0000 0008", "01 01 00 00 00 08 3D CC"),
        ("0F 0000 0008 01 FF", "01 0F 00 00 00 08 01 FF BE D5"),
    ],
)
def test_frames_are_those_that_makers_of_relay_cards_print(body: str, frame: str) -> None:
    assert framed(1, bytes.fromhex(body)) == bytes.fromhex(frame)


@pytest.mark.parametrize(
    "request_",
    [
        ReadCoilsRequest(dev_id=1, address=0, count=8),
        WriteSingleCoilRequest(dev_id=1, address=7, bits=[True]),
        WriteMultipleCoilsRequest(dev_id=247, address=0, bits=[True, False] * 4),
        WriteMultipleCoilsRequest(dev_id=1, address=0, bits=[True] * 9),
    ],
)
def test_lengths_are_those_of_pymodbus(request_: object) -> None:
    frame = FRAMER.buildFrame(request_)  # type: ignore[arg-type]
    assert frame == framed(frame[0], frame[1:-2])
    assert request_length(frame) == len(frame)
    assert all(request_length(frame[:cut]) in {0, len(frame)} for cut in range(len(frame)))


def test_an_unknown_function_has_no_length() -> None:
    assert request_length(bytes.fromhex("01 03 00 00")) is None


def test_exceptions_are_read_by_pymodbus() -> None:
    frame = exception(1, 5, ModbusException.ILLEGAL_ADDRESS)
    used, answer = FRAMER.handleFrame(frame, 1, 0)
    assert answer
    assert (used, answer.function_code, answer.exception_code) == (len(frame), 0x85, 2)


def test_coils_are_packed_as_in_the_standards_example() -> None:
    """Application protocol 1.1b3, chapter 6.1: coils 27 to 20 on, on, off, off, on, on, off, on are CD hex."""
    assert coil_bits([True, False, True, True, False, False, True, True]) == b"\xcd"
    assert coil_bits([True] * 9) == b"\xff\x01"
