"""What is known to be wrong with a rig before anything of it is opened."""

import re
from collections.abc import Callable
from pathlib import Path

import can
import pytest

from harness.errors import RigFileError
from harness.instruments.registry import DRIVERS, SERIAL_DRIVERS, driver_class
from harness.rig.check_rig import check_rig

RIGS = [
    path
    for path in sorted((Path(__file__).parents[2] / "rigs").rglob("*.yaml"))
    if "vehicles" not in path.relative_to(Path(__file__).parents[2]).parts
]
ADAPTER = "chassis: {channel: simulated}"
SOCKETCAND = "chassis: {{channel: {{interface: socketcand, channel: can0, parameters: {{{}}}}}}}"
IDENTITY = "    identity: {part: simulated head unit, hardware: none, software: model of this harness}\n"
BY_SIGNAL = "signals: {software: HeadUnit.BootState}"
SUPPLY = "    model: rohde-schwarz-hmp4040\n"


@pytest.mark.parametrize("path", RIGS, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_any_rig_of_ours(path: Path) -> None:
    rig, vehicle = check_rig(path)
    assert rig.path == path
    assert set(rig.buses) <= set(vehicle.buses)


def test_there_are_example_benches() -> None:
    examples = [check_rig(path)[0] for path in RIGS if path.parent.name == "examples"]
    assert {rig.name for rig in examples} >= {"rx5-bench-vector", "rx5-bench-peak"}
    assert all(not rig.is_virtual and rig.resources for rig in examples)


MISTAKES = {
    "interface": (
        (ADAPTER, "chassis: {channel: {interface: vectr, channel: 0}}"),
        r"buses\.chassis\.channel\.interface: no interface of python-can 'vectr'; did you mean 'vector'\? Known: ",
    ),
    "CAN FD on an adapter for classic frames": (
        ("backbone: {channel: simulated}", "backbone: {channel: {interface: socketcan, channel: can2}}"),
        r"buses\.backbone\.channel: Roewe RX5 has CAN FD on backbone, and socketcan .* allowed is .* with fd: true,",
    ),
    "VISA name": (
        (SUPPLY, SUPPLY + "    resource: TCPIP:192.0.2.1::5025::SOCKET\n"),
        r"instruments\.supply\.resource: no VISA resource name and not 'simulated': Could not parse",
    ),
    "misspelt simulated": (
        (SUPPLY, SUPPLY + "    resource: simulatd\n"),
        r"instruments\.supply\.resource: no VISA resource name and not 'simulated': Could not parse simulatd",
    ),
    "VISA port": (
        (SUPPLY, SUPPLY + "    resource: TCPIP::192.0.2.1::70000::SOCKET\n"),
        r"instruments\.supply\.resource: port 70000: must be from 1 to 65535",
    ),
    "VISA port that is no number": (
        (SUPPLY, SUPPLY + "    resource: TCPIP::192.0.2.1::scpi::SOCKET\n"),
        r"instruments\.supply\.resource: port scpi: must be from 1 to 65535",
    ),
    "port of a stream that does not exist": (
        ("head unit, resource: simulated}", "head unit, resource: 'tcp://host:99999'}"),
        r"streams\.head unit console\.resource: port 99999: must be from 1 to 65535",
    ),
    "socketcand without parameters": (
        (ADAPTER, "chassis: {channel: {interface: socketcand, channel: can0}}"),
        r".*\.channel\.parameters\.host: missing key; socketcand needs host and port\n.*\.port: missing key; ",
    ),
    "socketcand without port": (
        (ADAPTER, SOCKETCAND.format("host: 192.0.2.1")),
        r"buses\.chassis\.channel\.parameters\.port: missing key; socketcand needs host and port$",
    ),
    "socketcand without host": (
        (ADAPTER, SOCKETCAND.format("host: '', port: 29536")),
        r"buses\.chassis\.channel\.parameters\.host: must be a name or an address, came ''$",
    ),
    "port of socketcand": (
        (ADAPTER, SOCKETCAND.format("host: 192.0.2.1, port: 65536")),
        r"buses\.chassis\.channel\.parameters\.port: port 65536: must be from 1 to 65535$",
    ),
    "port of socketcand that is no number": (
        (ADAPTER, SOCKETCAND.format("host: 192.0.2.1, port: true")),
        r"buses\.chassis\.channel\.parameters\.port: port True: must be from 1 to 65535$",
    ),
    "another parameter of socketcand": (
        (ADAPTER, SOCKETCAND.format("host: 192.0.2.1, port: 29536, hots: 192.0.2.2")),
        r".*\.channel\.parameters\.hots: no parameter of socketcand 'hots'; did you mean 'host'\? Known: host, port$",
    ),
    "identity of an unknown signal": (
        (IDENTITY, IDENTITY + "    identity_from: {signals: {software: HeadUnit.BootStat}}\n"),
        r"ecus\..*\.signals\.software: no signal 'HeadUnit\.BootStat'; did you mean 'HeadUnit\.BootState'.*Known: ",
    ),
    "identity of an unknown signal of a message": (
        (IDENTITY, IDENTITY + "    identity_from: {signals: {software: HU_Status.BootStat}}\n"),
        r"ecus\.head unit\.identity_from\.signals\.software: .*'BootStat'",
    ),
    "identity without a question": (
        (IDENTITY, IDENTITY + "    identity_from: {stream: head unit console, answers: {part: part *}}\n"),
        r"ecus\.head unit\.identity_from\.ask: missing key; a console needs `stream`, `ask` and `answers`$",
    ),
    "identity by signals, and a console without answers": (
        (IDENTITY, IDENTITY + f"    identity_from: {{stream: head unit console, ask: version, {BY_SIGNAL}}}\n"),
        r"ecus\.head unit\.identity_from\.answers: missing key; a console needs `stream`, `ask` and `answers`$",
    ),
    "port of a stream": (
        ("head unit, resource: simulated}", "head unit, resource: 'tcp://192.0.2.1:0'}"),
        r"streams\.head unit console\.resource: port 0: must be from 1 to 65535",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_address_that_nothing_knows_is_named_with_its_line(mistake: str, change: Callable[..., Path]) -> None:
    changed, reason = MISTAKES[mistake]
    path = change(changed)
    with pytest.raises(RigFileError) as error:
        check_rig(path)
    assert re.search(rf"^{re.escape(str(path))}:[1-9][0-9]+: {reason}", str(error.value)), error.value


REAL_SUPPLY = (SUPPLY, SUPPLY + "    resource: TCPIP::192.0.2.1::5025::SOCKET\n")
REAL_SWITCHES = ("    model: keysight-34970a", "    model: keysight-34970a\n    resource: GPIB0::9::INSTR")
OUTPUT = "{fed_by: supply.1,"
RELAY = "relay: switches.101"
CHANNELS = "101 to 120, 201 to 220, 301 to 320"
LIMITED = ("resource: GPIB0::9::INSTR", "resource: GPIB0::9::INSTR\n    limits: {voltage: 18 V, current: 10 A}")
METER = "{instrument: ammeter, current_in"
BYPASS = "bypass: relay card.1"


@pytest.mark.parametrize("real", [(), (REAL_SUPPLY, REAL_SWITCHES)], ids=["simulated", "real"])
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        # Terminals that the model lacks
        (
            (OUTPUT, "{fed_by: supply.9,"),
            r"nets\.KL30\.fed_by: supply is a rohde-schwarz-hmp4040: it has no output 9; there are 1 to 4$",
        ),
        ((OUTPUT, "{fed_by: supply.0,"), r"nets\.KL30\.fed_by: .* no output 0; there are 1 to 4$"),
        (
            (RELAY, "relay: switches.999"),
            rf"nets\.ACC\.relay: switches is a keysight-34970a: it has no channel 999; there are {CHANNELS}$",
        ),
        ((RELAY, "relay: switches.221"), rf"nets\.ACC\.relay: .* no channel 221; there are {CHANNELS}$"),
        ((RELAY, "relay: switches.100"), rf"nets\.ACC\.relay: .* no channel 100; there are {CHANNELS}$"),
        (
            (RELAY, "relay: supply.1"),
            r"nets\.ACC\.relay: supply is a rohde-schwarz-hmp4040: it has no channel 1; there are none$",
        ),
        # Meters that are none, and wrong bypasses
        (
            (METER, "{instrument: supply, current_in"),
            r"meters\.head unit current\.instrument: supply is a rohde-schwarz-hmp4040: it is no ammeter$",
        ),
        (
            ("{instrument: voltmeter, voltage_at", "{instrument: switches, voltage_at"),
            r"meters\.head unit voltage\.instrument: switches is a keysight-34970a: it is no voltmeter$",
        ),
        (
            ("source meter, current_in: HeadUnit.KL30, " + BYPASS, "source meter, voltage_at: HeadUnit.KL30"),
            r"meters\.head unit parked current\.instrument: source meter is a keithley-2450: it is no voltmeter$",
        ),
        (
            (BYPASS, "bypass: supply.1"),
            r"meters\.head unit parked current\.bypass: supply is a .*: it has no channel 1; there are none$",
        ),
        (
            (BYPASS, "bypass: switches.999"),
            rf"meters\.head unit parked current\.bypass: switches is .* no channel 999; there are {CHANNELS}$",
        ),
        (
            (BYPASS, "bypass: swiches.105"),
            r"meters\.head unit parked current\.bypass: no instrument 'swiches'; did you mean",
        ),
        (
            (BYPASS, "bypass: switches.101"),
            r"meters\.head unit parked current\.bypass: switches\.101 switches ACC already$",
        ),
        (
            ("voltmeter, voltage_at: HeadUnit.KL30}", "voltmeter, voltage_at: HeadUnit.KL30, bypass: switches.106}"),
            r"meters\.head unit voltage\.bypass: only a meter of current has a bypass$",
        ),
    ],
)
def test_what_the_wiring_asks_of_an_instrument_and_it_lacks_is_named_with_its_line(
    real: tuple[tuple[str, str], ...], wrong: tuple[str, str], reason: str, change: Callable[..., Path]
) -> None:
    path = change(*real, wrong)
    (line,) = [number for number, text in enumerate(path.read_text().splitlines(), 1) if wrong[1] in text]
    with pytest.raises(RigFileError) as error:
        check_rig(path)
    assert re.search(rf"^{re.escape(str(path))}:{line}: {reason}", str(error.value)), error.value


CARD = "    model: modbus-relay-card\n"


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (
            "TCPIP::192.0.2.1::5025::SOCKET",
            r"'TCPIP::.*' is no line; expected 'simulated', a serial port such as /dev/",
        ),
        ("simulatd", r"'simulatd' is no line; expected 'simulated'"),
        ("tcp://192.0.2.1:70000", r"port 70000: must be from 1 to 65535$"),
    ],
)
def test_a_line_that_a_relay_card_cannot_be_on_is_named(
    resource: str, reason: str, change: Callable[..., Path]
) -> None:
    with pytest.raises(RigFileError, match=rf":[1-9][0-9]*: instruments\.relay card\.resource: {reason}"):
        check_rig(change((CARD, f"{CARD}    resource: '{resource}'\n")))


@pytest.mark.parametrize("resource", ["/dev/ttyUSB1", "COM4", "tcp://192.0.2.1:4001", "simulated"])
def test_a_relay_of_a_card_stands_where_one_of_a_switch_matrix_does(resource: str, change: Callable[..., Path]) -> None:
    card = f"{CARD}    resource: '{resource}'\n    baud_rate: 19200\n    unit: 17\n"
    check_rig(change((CARD, card), ("relay: switches.102", "relay: relay card.2")))
    with pytest.raises(RigFileError, match=r"nets\.KL15\.relay: relay card is a .* no channel 9; there are 1 to 8$"):
        check_rig(change(("relay: relay card.2", "relay: relay card.9")))


@pytest.mark.parametrize("unit", [0, 248])
def test_a_unit_is_from_1_to_247(unit: int, change: Callable[..., Path]) -> None:
    with pytest.raises(RigFileError, match=r"instruments\.relay card\.unit: "):
        check_rig(change((CARD, f"{CARD}    unit: {unit}\n")))


PROBE = "{instrument: scope, channel: 1, voltage_at: HeadUnit.KL30}"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (PROBE.replace("scope", "voltmeter"), r"\.instrument: voltmeter is a keysight-34465a: it is no oscilloscope$"),
        (PROBE.replace("scope", "scpe"), r"\.instrument: no instrument 'scpe'; did you mean 'scope'"),
        (PROBE.replace("1", "5"), r"\.channel: scope has no input 5; there are 1 to 4$"),
        (PROBE.replace("KL30", "KL31"), r"\.voltage_at: no net 'HeadUnit\.KL31'; did you mean"),
        (f"{PROBE}\n  another: {PROBE}", r"another\.channel: scope sees head unit terminal 30 there already$"),
        (
            f"{PROBE}\n  head unit voltage: {PROBE.replace('1', '2')}",
            r"head unit voltage: a meter is called head unit voltage",
        ),
    ],
)
def test_a_probe_that_cannot_be_is_named(wrong: str, reason: str, change: Callable[..., Path]) -> None:
    with pytest.raises(RigFileError) as error:
        check_rig(change((PROBE, wrong)))
    assert re.search(rf"yaml:[1-9][0-9]*: probes\..*{reason}", str(error.value)), error.value


def test_a_net_cannot_be_fed_by_a_switch_matrix(change: Callable[..., Path]) -> None:
    path = change(REAL_SWITCHES, LIMITED, (OUTPUT, "{fed_by: switches.105,"))
    with pytest.raises(RigFileError, match=r"KL30\.fed_by: switches is a keysight-34970a: it has no output 105"):
        check_rig(path)


@pytest.mark.parametrize("output", [1, 4])
@pytest.mark.parametrize("channel", [101, 120, 201, 220, 301, 320])
def test_every_terminal_of_a_real_instrument_may_be_named(
    output: int, channel: int, change: Callable[..., Path]
) -> None:
    wiring = ((OUTPUT, f"{{fed_by: supply.{output},"), ("relay: switches.102", f"relay: switches.{channel}"))
    check_rig(change(REAL_SUPPLY, REAL_SWITCHES, (RELAY, "relay: switches.110"), *wiring))


@pytest.mark.parametrize("model", DRIVERS | SERIAL_DRIVERS)
def test_every_driver_of_a_supply_or_matrix_states_what_it_has(model: str) -> None:
    driver = driver_class(model, "instrument")
    assert bool(driver.outputs) == hasattr(driver, "switch_output")
    assert bool(driver.channels) == hasattr(driver, "close_channel")


@pytest.mark.parametrize("source", [BY_SIGNAL, "signals: {software: HU_Status.BootState}"])
def test_an_identity_may_come_from_any_signal(source: str, change: Callable[..., Path]) -> None:
    check_rig(change((IDENTITY, f"{IDENTITY}    identity_from: {{{source}}}\n")))


@pytest.mark.parametrize("port", ["29536", "'29536'", "1", "65535"])
def test_socketcand_needs_host_and_port(port: str, change: Callable[..., Path]) -> None:
    check_rig(change((ADAPTER, SOCKETCAND.format(f"host: 192.0.2.1, port: {port}"))))


@pytest.mark.parametrize("interface", sorted({*can.VALID_INTERFACES} - {"socketcand"}))
def test_every_interface_of_python_can_may_be_named(interface: str, change: Callable[..., Path]) -> None:
    check_rig(change((ADAPTER, f"chassis: {{channel: {{interface: {interface}, channel: 0}}}}")))


def test_an_adapter_may_be_opened_for_can_fd(change: Callable[..., Path]) -> None:
    fd = "{interface: socketcan, channel: can2, parameters: {fd: true}}"
    check_rig(change(("backbone: {channel: simulated}", f"backbone: {{channel: {fd}}}")))
