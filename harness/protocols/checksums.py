"""Checksums of messages: each a function of what a message carries, by the name that `vehicle.yaml` uses."""

from collections.abc import Callable, Mapping

_H2F = 0x2F
"""Polynomial of CRC8H2F: AUTOSAR, Specification of CRC Routines."""


def _crc8h2f_table() -> bytes:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc << 1 ^ _H2F if crc & 0x80 else crc << 1) & 0xFF
        table.append(crc)
    return bytes(table)


_CRC8H2F = _crc8h2f_table()


def crc8h2f(data: bytes) -> int:
    """Return the CRC8H2F of data: polynomial 0x2F, initial value 0xFF, result inverted.

    Source: AUTOSAR, Specification of CRC Routines, CRC8H2F [V by its check values].
    """
    crc = 0xFF
    for byte in data:
        crc = _CRC8H2F[crc ^ byte]
    return crc ^ 0xFF


def e2e_profile_2(values: Mapping[str, int], data: bytes, data_id: int) -> int:
    """Return the checksum of AUTOSAR's E2E profile 2: over all bytes behind it, and the data ID of the counter's value.

    It stands in byte 0, and the counter of four bits in the low half of byte 1. Here all sixteen entries of the list of
    data IDs are the same [P].

    Source: AUTOSAR, Specification of the E2E library, profile 2 [V by its examples].
    """
    del values
    return crc8h2f(data[1:] + bytes([data_id]))


def saic_lka(values: Mapping[str, int], data: bytes = b"", data_id: int = 0) -> int:
    """Return the protection value of SAIC's lane keeping request (0x1FD), `LKAReqToqPVHSC2`.

    The 14-bit two's complement of status, torque and validity, laid out as in the frame, plus the rolling counter.
    Source: commaai/opendbc, opendbc/car/mg/mgcan.py [V].
    """
    del data, data_id
    covered = values["LKAReqToqStsHSC2"] << 12 | values["LKAReqToqHSC2"] << 1 | values["LKAReqToqVHSC2"]
    return -(covered + values["LKAAlvRCHSC2"]) & 0x3FFF


Algorithm = Callable[[Mapping[str, int], bytes, int], int]
"""Takes raw values by signal, the data with a checksum of 0, and the data ID of the message."""

CHECKSUMS: Mapping[str, Algorithm] = {"e2e-p02": e2e_profile_2, "saic-lka": saic_lka}
