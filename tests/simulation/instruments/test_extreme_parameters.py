"""Whatever a program sends to a simulated instrument, the simulation goes on: its kernel runs whole rigs."""

import re
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from harness.clock import MILLISECOND, SECOND
from harness.protocols.scpi_faults import ScpiFault
from harness.simulation.instruments.registry import METERS, OSCILLOSCOPES, SUPPLIES, SWITCH_MATRICES, build_instrument
from harness.simulation.instruments.scpi_instrument import Command, ScpiInstrument
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant
from harness.simulation.series_input import SeriesInput

MODELS = {**SUPPLIES, **SWITCH_MATRICES, **METERS, **OSCILLOSCOPES}
MESSAGES = 1500
EXTREMES = (
    *("0", "-0.0", "5E-324", "-5E-324", "1E-300", "1E-9", "0.5", "1", "-1", "12", "1E5", "9.9E37"),
    *("1E300", "-1E300", "1.7E308", "1E400", "12345678901234567890123456789", "NAN", "INF", "NINF"),
    *("1E300EXV", "-1E300EXV", "1E300EXA", "1E300EXS", "1E-320AV", "1E-320AA", "1E-320AS"),
    *("MIN", "MAX", "DEF", "UP", "DOWN", "ON", "OFF", "AUTO"),
    *("CHAN1", "CHAN4", "OUT4", "'CURR'", "NORM", "RAW", "BYTE", "ASC", "LEFT", "CENT", "RIGH", "POS", "NEG", "PROT"),
    *("(@101)", "(@120:101)", "(@101:999999999)", "(@999999999:101)", "(@0)"),
)
NUMBERS = ("", "1", "2", "4", "0", "9", "999999")


class Rig:
    """One instrument on one net with a load, and the supply that feeds it."""

    def __init__(self, model: str) -> None:
        self.kernel = Kernel()
        plant = Plant(self.kernel)
        self.output = plant.add_output("supply.1", slew=1000.0)
        net = plant.add_net("KL30", fed_by=self.output, resistance=0.025)
        self.load = plant.add_load(net)
        self.instrument = build_instrument(
            "instrument",
            model,
            self.kernel,
            outputs={1: self.output} if model in SUPPLIES else {},
            relays={101: plant.relay("KL15")} if model in SWITCH_MATRICES else {},
            inputs={"current": SeriesInput(net)} if model in METERS else {},
            probes={1: net, 2: net} if model in OSCILLOSCOPES else {},
        )
        self.output.program(voltage=12.0, on=True)

    def say(self, message: str) -> list[str]:
        answers: list[str] = []
        self.kernel.wait(self.instrument.receive(message, answers.append), 1000 * SECOND)
        return answers


Header = tuple[str, tuple[int | None, ...]]
"""As it may be sent, and where its numbers stand."""


def headers(instrument: ScpiInstrument) -> list[tuple[Command, list[Header]]]:
    """Return all that it can do, and every header for each."""

    def below(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[int | None, ...], Command]]:
        for is_query, leaf in node.leaves.items():
            yield ":".join(path) + "?" * is_query, leaf.numbered, leaf.target
        for mnemonic, child in node.children.items():
            yield from below(child, (*path, mnemonic))

    found: dict[int, tuple[Command, list[Header]]] = {}
    for header, numbered, command in below(instrument._commands._root, ()):
        found.setdefault(id(command), (command, []))[1].append((header, numbered))
    return list(found.values())


def accepted(command: Command, position: int) -> list[str]:
    """Return the extremes that a parameter takes, so that what is behind it is reached as well."""
    taken = []
    for text in EXTREMES:
        try:
            command.readers[position](text)
        except ScpiFault:
            continue
        taken.append(text)
    return taken or list(EXTREMES)


def drawn(random: Random, rig: Rig) -> Iterator[str]:
    """Yield messages with legal headers and a legal number of parameters, most of them of the right kind."""
    known = headers(rig.instrument)
    while True:
        command, spellings = random.choice(known)
        header, numbered = random.choice(spellings)
        nodes = header.split(":")
        for at in (at for at in numbered if at is not None):
            nodes[at] = re.sub(r"\??$", lambda end: random.choice(NUMBERS) + end[0], nodes[at], count=1)
        count = random.randint(command.required, len(command.readers))
        parameters = [
            random.choice(accepted(command, position) if random.random() < 0.9 else EXTREMES)
            for position in range(count)
        ]
        yield f"{':'.join(nodes)} {','.join(parameters)}".strip()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("model", sorted(MODELS))
def test_no_parameter_ends_the_simulation(model: str, seed: int) -> None:
    random = Random(seed)
    rig, sent = Rig(model), []
    messages = drawn(random, rig)
    try:
        for _ in range(MESSAGES):
            sent.append(next(messages))
            answers = rig.say(sent[-1])
            assert not re.search(r"nan|inf(?!i)", " ".join(answers), re.IGNORECASE), answers
            rig.kernel.sleep(random.choice((0, MILLISECOND, SECOND)))
            if random.random() < 0.1:
                rig.load.draw(random.choice((0.0, 0.5, 3.0)))
    except Exception as error:
        error.add_note(f"the last of {len(sent)} messages of seed {seed}: {'; '.join(sent[-8:])}")
        raise
    rig.say("*CLS")
    assert rig.say("*IDN?") == [rig.instrument.identity]
