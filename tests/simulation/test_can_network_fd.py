"""The simulated bus with CAN FD.

At 500 kbit/s and 2 Mbit/s a bit takes 2 us or 0.5 us. The longest frame has 32 and 678 bits, so 403 us with interframe
space, 397 without; see the tests of harness.protocols.can_fd_frame.
"""

import can
import pytest

from harness.clock import MICROSECOND, MILLISECOND
from harness.errors import BusError
from harness.protocols.can_fd_frame import new_fd_frame
from harness.protocols.can_frame import new_frame
from harness.simulation.can_network import CanNetwork
from harness.simulation.kernel import Kernel
from tests.simulation.ear import BIT, PLAIN, Ear, joined, plain_frame

LONGEST = b"\x87" * 64
DATA_BIT = 500


@pytest.fixture
def fd_network(kernel: Kernel) -> CanNetwork:
    return CanNetwork(kernel, "adas", 500_000, 2_000_000)


def test_an_fd_frame_is_stamped_with_its_end_and_handed_over_after_the_interframe_space(
    kernel: Kernel, fd_network: CanNetwork
) -> None:
    sender, ear = joined(fd_network, "sender"), Ear(kernel)
    joined(fd_network, "ear").listen(ear)
    kernel.at(MILLISECOND, lambda: sender.send(new_fd_frame(0x078, LONGEST)))
    kernel.sleep(2 * MILLISECOND)
    assert (ear.stamps, ear.at) == ([MILLISECOND + 397 * MICROSECOND], [MILLISECOND + 403 * MICROSECOND])
    assert (ear.frames[0].is_fd, ear.frames[0].bitrate_switch, bytes(ear.frames[0].data)) == (True, True, LONGEST)


def test_fd_and_classic_frames_follow_each_other(kernel: Kernel, fd_network: CanNetwork) -> None:
    sender, ear = joined(fd_network, "sender"), Ear(kernel)
    joined(fd_network, "ear").listen(ear)
    sender.send(plain_frame())
    sender.send(new_fd_frame(0x2AA, b"\x55" * 8))  # no stuff bits: 29 and 97 bits
    sender.send(new_fd_frame(0x2AA, b"\x55" * 8, bitrate_switch=False))
    sender.send(plain_frame())
    kernel.sleep(2 * MILLISECOND)
    fast, slow = 29 * BIT + 97 * DATA_BIT, (29 + 97) * BIT
    starts = [0, 111 * BIT, 222 * BIT, 222 * BIT + fast]
    assert ear.identifiers == [PLAIN, PLAIN, 0x2AA, 0x2AA]
    assert ear.stamps == [starts[0] + 108 * BIT, starts[1] + 108 * BIT, starts[3] - 3 * BIT, starts[3] + slow - 3 * BIT]


def test_a_classic_frame_goes_before_an_fd_frame_of_the_same_identifier(kernel: Kernel, fd_network: CanNetwork) -> None:
    nodes, ear = [joined(fd_network, name) for name in "abcd"], Ear(kernel)
    joined(fd_network, "ear").listen(ear)
    frames = [
        new_fd_frame(0x123 << 18, b"", extended=True),
        new_frame(0x123 << 18, b"", extended=True),
        new_fd_frame(0x123, b""),
        new_frame(0x123, b""),
    ]
    for node, frame in zip(nodes, frames, strict=True):
        node.send(frame)
    kernel.sleep(MILLISECOND)
    assert [(frame.is_extended_id, frame.is_fd) for frame in ear.frames] == [
        (False, False),
        (False, True),
        (True, False),
        (True, True),
    ]


def test_listeners_ask_for_identifiers_whether_frames_are_fd_or_not(kernel: Kernel, fd_network: CanNetwork) -> None:
    sender, ear = joined(fd_network, "sender"), Ear(kernel)
    joined(fd_network, "ear").listen(ear, [0x123])
    for identifier in (0x122, 0x123):
        sender.send(new_frame(identifier, b""))
        sender.send(new_fd_frame(identifier, b""))
    kernel.sleep(2 * MILLISECOND)
    assert [(frame.arbitration_id, frame.is_fd) for frame in ear.frames] == [(0x123, False), (0x123, True)]


def test_an_fd_frame_of_pythons_can_library_takes_as_long_as_our_own(kernel: Kernel, fd_network: CanNetwork) -> None:
    sender, ear = joined(fd_network, "sender"), Ear(kernel)
    joined(fd_network, "ear").listen(ear)
    theirs = can.Message(
        arbitration_id=0x078, data=LONGEST, is_extended_id=False, is_fd=True, bitrate_switch=True, check=True
    )
    sender.send(theirs)
    sender.send(new_fd_frame(0x078, LONGEST))
    kernel.sleep(MILLISECOND)
    assert ear.frames[0] is theirs
    assert ear.stamps == [397 * MICROSECOND, 800 * MICROSECOND]


def test_a_lone_node_repeats_its_fd_frame(kernel: Kernel, fd_network: CanNetwork) -> None:
    lone, second, ear = joined(fd_network, "lone"), fd_network.node("second"), Ear(kernel)
    second.listen(ear)
    lone.send(new_fd_frame(0x078, LONGEST))
    # 21 and 678 bits to the end of the acknowledge slot, 17 bits of error flag, delimiter and interframe space.
    attempt = (21 + 17) * BIT + 678 * DATA_BIT
    kernel.at(attempt + 1, second.join)
    kernel.sleep(2 * MILLISECOND)
    assert ear.stamps == [2 * attempt + 397 * MICROSECOND]


def test_an_fd_frame_on_a_classic_bus_is_refused(kernel: Kernel) -> None:
    network, ear = CanNetwork(kernel, "chassis", 500_000), Ear(kernel)
    joined(network, "ear").listen(ear)
    reason = "node cannot send CAN FD frame 0x123 on chassis: the bus has no data bit rate and carries classic frames"
    node = joined(network, "node")
    with pytest.raises(BusError, match=reason):
        node.send(new_fd_frame(0x123, b""))
    kernel.sleep(MILLISECOND)
    assert ear.frames == []


def test_an_fd_frame_of_a_length_that_there_is_not_is_refused(fd_network: CanNetwork) -> None:
    frame = can.Message(arbitration_id=0x123, is_fd=True, data=bytes(10))
    with pytest.raises(BusError, match="on adas: it has 10 bytes; allowed: 0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20"):
        joined(fd_network, "node").send(frame)
