"""A mistake in a rig file is found before anything is opened, with file, line and what is allowed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import RigFileError
from harness.rig.open_rig import open_rig
from harness.rig.rig_file import find_rig, read_rig_file

Change = tuple[str, str]

MISTAKES: dict[str, tuple[tuple[Change, ...], str, str]] = {
    # changes; a piece of the line that is at fault; key and reason
    "unknown key": (
        (("identity: {part", "identty: {part"),),
        "identty",
        r"identty: unknown key; did you mean 'identity'\? Allowed: identity, identity_from, model, node, pins",
    ),
    "unknown key at the top": ((("buses:", "busses:"),), "busses:", "busses: unknown key; did you mean 'buses'"),
    "missing key": ((("supply: {net: KL30, ", "supply: {"),), "supply: {", r"supply\.net: missing key"),
    "unknown net of a pin": (
        (("KL15: HeadUnit.KL15}", "KL15: HeadUnit.KL16}"),),
        "KL16",
        r"ecus\.head unit\.pins\.KL15: no net 'HeadUnit\.KL16'; did you mean 'HeadUnit\.KL15'.*Known: ACC, ",
    ),
    "unknown net of the supply": (
        (("supply: {net: KL30", "supply: {net: KL31"),),
        "KL31",
        r"supply\.net: no net 'KL31'; did you mean 'KL30'",
    ),
    "unknown feed": (
        (("{fed_by: supply.1", "{fed_by: suply.1"),),
        "suply.1",
        r"nets\.KL30\.fed_by: no net or supply output 'suply\.1'; did you mean 'supply\.1'",
    ),
    "nets in a circle": (
        (("{fed_by: supply.1", "{fed_by: KL15"),),
        "fed_by: KL15",
        r"nets\.KL30\.fed_by: KL30 feeds itself",
    ),
    "unknown switch matrix": (
        (("relay: switches.101", "relay: swiches.101"),),
        "swiches.101",
        r"nets\.ACC\.relay: no instrument 'swiches'; did you mean 'switches'.*Known: ammeter, relay card, scope",
    ),
    "relay without number": ((("relay: switches.101", "relay: switches"),), "relay: switches}", r"nets\.ACC\.relay: "),
    "unknown vehicle": (
        (("vehicle: roewe-rx5", "vehicle: roewe-rx8"),),
        "vehicle: roewe",
        "vehicle: no vehicle 'roewe-rx8'; did you mean 'roewe-rx5'",
    ),
    "unknown bus": (
        (("  chassis: {channel", "  chasis: {channel"),),
        "chasis: {",
        r"buses\.chasis: Roewe RX5 has no bus 'chasis'; did you mean 'chassis'",
    ),
    "unknown channel": (
        (("chassis: {channel: simulated}", "chassis: {channel: socketcan}"),),
        "socketcan",
        r"buses\.chassis\.channel: must be 'simulated', came 'socketcan'",
    ),
    "node without messages": (
        (("node: FDR", "node: FDX"),),
        "node: FDX",
        r"ecus\.front radar\.node: no node that sends 'FDX'; did you mean 'FDR'",
    ),
    "unknown ECU model": (
        (("{model: rest-bus, node: FDR", "{model: rest-buss, node: FDR"),),
        "rest-buss",
        r"ecus\.front radar\.model: front radar: no ECU model 'rest-buss'; did you mean 'rest-bus'",
    ),
    "head unit without ignition": (
        ((", KL15: HeadUnit.KL15}", "}"),),
        "model: head-unit",
        r"ecus\.head unit\.model: head unit: a head unit needs the pins KL30 and KL15; missing: KL15",
    ),
    "unknown instrument model": (
        (("model: rohde-schwarz-hmp4040", "model: rohde-schwarz-hmp4004"),),
        "hmp4004",
        r"instruments\.supply\.model: no instrument model 'rohde-schwarz-hmp4004'; did you mean",
    ),
    "supply without limits": (
        (("    limits: {voltage: 18 V, current: 10 A}\n", ""),),
        "  supply:",
        r"instruments\.supply\.limits: missing key; supply feeds a net, and a supply needs limits",
    ),
    "output that the supply lacks": (
        (("{fed_by: supply.1", "{fed_by: supply.5"),),
        "  supply:",
        r"instruments\.supply: supply: HMP4040 has outputs 1 to 4, not \[5\]",
    ),
    "channel that the matrix lacks": (
        (("relay: switches.101", "relay: switches.121"),),
        "  switches:",
        r"instruments\.switches: switches: .*has channels 101 to 120, not \[121\]",
    ),
    "relay on the supply": (
        (("relay: switches.101", "relay: supply.3"),),
        "  supply:",
        r"instruments\.supply: supply is a rohde-schwarz-hmp4040: it has no relays, but the wiring names \[3\]",
    ),
    "terminal 30 from the switch matrix": (
        (("{fed_by: supply.1", "{fed_by: switches.103"),),
        "  switches:",
        r"instruments\.switches\.limits: missing key; switches feeds a net, and a supply needs limits",
    ),
    "unknown meter": (
        (("{instrument: ammeter,", "{instrument: ameter,"),),
        "ameter,",
        r"meters\.head unit current\.instrument: no instrument 'ameter'; did you mean 'ammeter'.*Known: ammeter, ",
    ),
    "unknown net of a meter": (
        (("voltmeter, voltage_at: HeadUnit.KL30", "voltmeter, voltage_at: HeadUnit.KL31"),),
        "HeadUnit.KL31",
        r"meters\.head unit voltage\.voltage_at: no net 'HeadUnit\.KL31'; did you mean 'HeadUnit\.KL30'",
    ),
    "two places of one meter": (
        (("{instrument: voltmeter,", "{instrument: ammeter,"),),
        "voltage_at",
        r"meters\.head unit voltage\.instrument: ammeter measures head unit current already; a meter has one place",
    ),
    "meter at two nets": (
        (("current_in: HeadUnit.KL30}", "current_in: HeadUnit.KL30, voltage_at: KL30}"),),
        "voltage_at: KL30}",
        r"meters\.head unit current: give either `current_in` or `voltage_at`",
    ),
    "meter at no net": (
        ((", current_in: HeadUnit.KL30}", "}"),),
        "head unit current",
        r"meters\.head unit current: give either `current_in` or `voltage_at`",
    ),
    "unknown key of a meter": (
        (("current_in: HeadUnit.KL30}", "curent_in: HeadUnit.KL30}"),),
        "curent_in",
        r"meters\.head unit current\.curent_in: unknown key; did you mean 'current_in'",
    ),
    "supply that is to measure": (
        (("{instrument: voltmeter,", "{instrument: supply,"),),
        "  supply:",
        r"instruments\.supply: supply is a rohde-.*: it has no inputs of a meter, but the wiring names \['voltage'\]",
    ),
    "relay on a meter": (
        (("relay: switches.101", "relay: ammeter.1"),),
        "  ammeter:",
        r"instruments\.ammeter: ammeter is a keysight-34465a: it has no relays, but the wiring names \[1\]",
    ),
    "no relay for the ignition": (
        ((", relay: switches.102", ""),),
        "nets:",
        "nets: power mode 'off' switches KL15, but no relay of the rig does",
    ),
    "unknown ECU with a defect": (
        (("supply: {net", "defects: {hed unit: [silent]}\nsupply: {net"),),
        "hed unit",
        r"defects\.hed unit: no ECU, instrument or bus 'hed unit'; did you mean 'head unit'",
    ),
    "unknown defect": (
        (("supply: {net", "defects:\n  head unit:\n    - silent\n    - boots slowy\nsupply: {net"),),
        "boots slowy",
        r"defects\.head unit\[1\]: head unit has no defect 'boots slowy'; did you mean 'boots slowly'",
    ),
    **{
        f"unknown defect of the {part}": (
            (("supply: {net", f"defects: {{{part}: [banana]}}\nsupply: {{net"),),
            "banana",
            rf"defects\.{part}.*no defect 'banana'",
        )
        for part in ("gateway", "supply", "switches", "ammeter", "source meter", "scope", "relay card", "chassis")
    },
    "defect of a real ECU": (
        (
            ("supply: {net", "defects: {body controller: [silent]}\nsupply: {net"),
            ("{model: body-controller, node: BCM", "{node: BCM"),
        ),
        "defects:",
        r"defects\.body controller: body controller is real; only what is simulated has named defects",
    ),
    "wrong unit": (
        (("{voltage: 18 V, current", "{voltage: 18 A, current"),),
        "18 A",
        r"instruments\.supply\.limits\.voltage: .*voltage",
    ),
    "resistance without unit": ((("resistance: 25 mohm", "resistance: 25"),), "resistance: 25}", r"nets\.KL30\.resist"),
    "name with a slash": ((("vehicle: roewe-rx5", "vehicle: ../roewe-rx5"),), "../roewe", "vehicle: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_file_line_key_and_what_is_allowed(
    change: Callable[..., Path], mistake: str
) -> None:
    changes, culprit, reason = MISTAKES[mistake]
    path = change(*changes)
    text = path.read_text(encoding="utf-8")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if culprit in line]
    with pytest.raises(RigFileError) as error:
        open_rig(path)
    found = [line for line in str(error.value).splitlines() if re.search(reason, line)]
    assert found, str(error.value)
    assert any(found[0].startswith(f"{path}:{line}: ") for line in lines), found[0]


def test_all_mistakes_of_a_file_are_reported_at_once(change: Callable[..., Path]) -> None:
    path = change(
        ("buses:\n  chassis", "buses:\n  chasis"),
        ("model: keysight-34970a", "model: keysight-34970b"),
        (", relay: switches.101", ""),
    )
    with pytest.raises(RigFileError) as error:
        open_rig(path)
    assert len(str(error.value).splitlines()) == 3


def test_the_rig_file_says_what_there_is(rig_path: Path) -> None:
    facts = read_rig_file(rig_path)
    assert (facts.name, facts.path, facts.is_virtual) == ("rx5-virtual", rig_path, True)
    assert set(facts.duts) == {"head unit"}
    assert facts.duts["head unit"].part == "simulated head unit"


@pytest.mark.parametrize(
    "change_of",
    [
        ("{model: body-controller, node: BCM", "{node: BCM"),
        ("model: keysight-34970a", "model: keysight-34970a\n    resource: TCPIP::192.0.2.1::5025::SOCKET"),
    ],
)
def test_a_rig_with_anything_real_is_not_virtual(change: Callable[..., Path], change_of: Change) -> None:
    assert not read_rig_file(change(change_of)).is_virtual


# Finding one


def test_a_rig_is_found_by_path_or_by_name(rig_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_rig(str(rig_path)) == rig_path
    assert find_rig("rx5-virtual", rig_path.parent) == rig_path
    monkeypatch.chdir(rig_path.parent.parent)
    assert find_rig("rx5-virtual") == Path("rigs/rx5-virtual.yaml")
    assert find_rig("rigs/rx5-virtual.yaml") == Path("rigs/rx5-virtual.yaml")


def test_an_unknown_rig_is_answered_with_the_known_ones(rig_path: Path) -> None:
    with pytest.raises(RigFileError, match="no rig 'rx5-virtuel'; did you mean 'rx5-virtual'"):
        find_rig("rx5-virtuel", rig_path.parent)
    with pytest.raises(RigFileError, match="no rig ''"):
        find_rig("", rig_path.parent)
    for missing in ("no/such/rig", "rig.yaml", str(rig_path.parent)):
        with pytest.raises(RigFileError, match=f"{missing}: there is no such rig file"):
            find_rig(missing)
