"""Checksums of carmakers: each a function of a message's raw values, by the name that `vehicle.yaml` uses."""

from collections.abc import Callable, Mapping


def saic_lka(values: Mapping[str, int]) -> int:
    """Return the protection value of SAIC's lane keeping request (0x1FD), `LKAReqToqPVHSC2`.

    The 14-bit two's complement of status, torque and validity, laid out as in the frame, plus the rolling counter.
    Source: commaai/opendbc, opendbc/car/mg/mgcan.py [V].
    """
    covered = values["LKAReqToqStsHSC2"] << 12 | values["LKAReqToqHSC2"] << 1 | values["LKAReqToqVHSC2"]
    return -(covered + values["LKAAlvRCHSC2"]) & 0x3FFF


CHECKSUMS: Mapping[str, Callable[[Mapping[str, int]], int]] = {"saic-lka": saic_lka}
