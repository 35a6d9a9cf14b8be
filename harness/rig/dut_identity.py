"""Asks the devices under test who they are, before the first test: a report on the wrong software is worth nothing."""

from collections.abc import Mapping

from harness.clock import SECOND
from harness.consoles.lines import Line
from harness.errors import BenchError
from harness.rig.rig import Rig
from harness.rig.rig_file import VALUE, IdentitySource

ANSWER_TIME = SECOND
"""How long a device may take to answer a question [P]."""
QUESTIONS = 10
"""How often it is asked: at first it may still be booting [P]."""


def read_identities(rig: Rig) -> dict[str, dict[str, str]]:
    """Switch the car on, ask each device under test that can say who it is, and switch the car off.

    Returns:
        By ECU and field, such as `software`, what the device says; empty when none can be asked.

    Raises:
        BenchError: one does not answer, or is not what the rig file declares.
    """
    sources = {name: ecu.identity_from for name, ecu in rig.facts.ecus.items() if ecu.identity_from}
    if not sources:
        return {}
    try:
        rig.power_up()
        rig.switch_power_mode("on")
        found = {name: _read(rig, name, source) for name, source in sources.items()}
    finally:
        rig.power_down()
    wrong = [
        f"{ecu} says that its {field} is {value!r}; the rig file declares {declared!r}"
        for ecu, fields in found.items()
        for field, value in fields.items()
        if (declared := getattr(rig.facts.ecus[ecu].identity, field)) not in {"", value}
    ]
    if wrong:
        raise BenchError(f"another device is connected than {rig.facts.path} declares: {'; '.join(wrong)}")
    return found


def _read(rig: Rig, ecu: str, source: IdentitySource) -> dict[str, str]:
    found: dict[str, str] = {}
    if source.stream:
        found |= _ask(rig, ecu, source)
    for field, name in source.signals.items():
        signal = rig.signals.find(name)
        frame = signal.bus.watch(signal.message, lambda _: True, QUESTIONS * ANSWER_TIME).frame
        if frame is None:
            raise BenchError(f"{ecu} does not say its {field}: no frame of {signal.message.name} came")
        try:
            raw = signal.signal.raw_of(bytes(frame.data))
        except ValueError as error:  # a frame shorter than the database has it: another device, or other software
            raise BenchError(f"{ecu} does not say its {field}: {error}") from error
        found[field] = signal.text(raw)
    return found


def _ask(rig: Rig, ecu: str, source: IdentitySource) -> Mapping[str, str]:
    found: dict[str, str] = {}

    def is_complete(line: Line) -> bool:
        for field, answer in source.answers.items():
            # Of a line that has not ended the value may not be whole.
            if line.is_ended and (value := _value(line.text, answer)):
                found[field] = value
        return len(found) == len(source.answers)

    console = rig.console(source.stream or "")
    for _ in range(QUESTIONS):
        if console.ask(source.ask, is_complete, ANSWER_TIME):
            return found
    missing = ", ".join(sorted(set(source.answers) - set(found)))
    last = f"the last line was {console.last_line.text!r}" if console.last_line else "it has never said anything"
    raise BenchError(f"{ecu} does not say its {missing}: asked {source.ask!r} on {console.name}, {last}")


def _value(line: str, answer: str) -> str:
    """Return what stands in a line where its answer has `VALUE`; empty where the line is another one."""
    before, _, behind = answer.partition(VALUE)
    _, _, rest = line.partition(before)
    end = rest.find(behind) if behind else len(rest)
    return rest[: max(end, 0)].strip()
