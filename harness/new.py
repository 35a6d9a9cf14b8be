"""What `hil new` does: writes the beginning of a suite or of an ECU model, and says what is left to do."""

import builtins
import keyword
import re
from pathlib import Path
from string import Template

from harness.errors import HarnessError

_RIG = "rx5-virtual"
_MODELS = Path("harness/simulation/ecus")
_REGISTRY = _MODELS / "registry.py"
_TESTS = Path("tests/simulation/ecus")
_DEFECTS = Path("tests/suites/defects.yaml")
_LONGEST_SUITE, _LONGEST_ECU = 60, 24
"""Letters of a name, so that no line becomes longer than the linters allow."""
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)\d")
"""Names that no file has on Windows
(https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file#naming-conventions)."""

_SUITE = Template("""\
*** Settings ***
Documentation       What these tests judge, in one sentence.

Library             harness.Hil    rig=$${RIG}

Test Setup          Power Up

Test Tags           system:head-unit    needs:supply    needs:head-unit


*** Variables ***
$${RIG}      $rig


*** Test Cases ***
Example Of $title
    [Documentation]    What must hold: the head unit runs within its boot time.
    [Tags]    req:NAME-THE-REQUIREMENT
    Signal Should Become    HeadUnit.BootState    Running    within=boot_time
""")

_ECU = Template('''\
"""$title: sends the messages of its node; whatever else it does is still to be written.

All times are our own [P].
"""

from collections.abc import Mapping
from typing import ClassVar

from harness.clock import MILLISECOND
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.rest_bus import RestBus

LATE = 500 * MILLISECOND
"""How much later it begins to send with the defect `starts late`."""


class $class_name(RestBus):
    """The $words, as far as its start goes."""

    DEFECTS: ClassVar[Mapping[str, str]] = {
        **RestBus.DEFECTS,
        "starts late": "begins to send 500 ms late",
    }

    def __init__(self, context: EcuContext) -> None:
        self._late_start = context.kernel.timer(super().wake)
        super().__init__(context)

    def wake(self) -> None:
        """Join the buses and begin to send."""
        if self.has("starts late"):
            self._late_start.start(LATE)
        else:
            super().wake()

    def sleep(self) -> None:
        """Stop sending and leave the buses."""
        self._late_start.stop()
        super().sleep()
''')

_ECU_TEST = Template('''\
"""The $words by what can be seen of it: its messages. Each named defect is held to what it says."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.ecus.conftest import Car

NODE, MESSAGE = "BCM", "BCM_PowerMode"
"""Those of the body controller, until the database has some of the $words."""


def frames(car: "Car", milliseconds: float) -> int:
    """How many frames of its message come within a time from now."""
    begin = car.kernel.now
    car.run(milliseconds)
    return len(car.of(MESSAGE, since=begin))


def test_it_sends_while_it_has_supply(car: "Car") -> None:
    car.add("$model", NODE, ("KL30",))
    assert frames(car, 1_000) == 0
    car.supply(13.5)
    assert frames(car, 1_050) == 11
    car.supply(0)
    car.run(10)
    assert frames(car, 1_000) == 0


def test_it_starts_late_with_the_defect_of_that_name(car: "Car") -> None:
    ecu = car.add("$model", NODE, ("KL30",))
    for defective, expected in ((True, 0), (False, 5)):
        ecu.switch_defect("starts late", on=defective)
        car.supply(13.5)
        assert frames(car, 450) == expected
        assert frames(car, 1_000) == 10
        car.supply(0)
        car.run(10)
''')

_AFTER_SUITE = Template("""\
$path
What is left to do:
1. Run it: hil run --rig $rig $path
2. Write what it judges, and put the requirement in the place of NAME-THE-REQUIREMENT. `hil docs` lists the keywords.
3. Give it a defect, to see it fail: make `Switch Defect On    head unit    hangs while booting` the first step of the
   test, run it, and take the step out again.
""")
_THEN_DEFECTS = f"4. List each of its tests in {_DEFECTS.as_posix()}, under every defect that fails it.\n"

_AFTER_ECU = Template("""\
$path
$test
$registry: $model
What is left to do:
1. Run its test: python -m pytest $test
   It needs pytest: pip install -e '.[dev]'
2. Database of the car: give its node the messages that it sends. Put their counters and checksums under `protection`
   of vehicle.yaml. Give its test that node and one of those messages.
3. Rig file: put it under `ecus`, as {model: $model, node: NODE, pins: {KL30: KL30}}.
4. If it is on $rig: list each of its defects in $defects, with the tests of `suites` that it fails.
""")


def new_suite(name: str, folder: Path) -> str:
    """Write a suite that runs as it is, and return what to tell its author.

    Raises:
        HarnessError: the name makes no file name, or the file is there already; nothing has been written.
    """
    module = _module_name(name, "suite", _LONGEST_SUITE)
    path = folder / f"{module}.robot"
    title = module.replace("_", " ").title()
    _write({path: _SUITE.substitute(title=title, rig=_RIG)})
    told = _AFTER_SUITE.substitute(path=path.as_posix(), rig=_RIG)
    return told + (_THEN_DEFECTS if _DEFECTS.is_file() else "")


def new_ecu(name: str) -> str:
    """Write the model of an ECU with its test, enter it in the registry, and return what to tell its author.

    Raises:
        HarnessError: the working folder is no checkout of the harness, the name makes no module, or there is such a
            model already; nothing has been written.
    """
    if not (_REGISTRY.is_file() and _TESTS.is_dir()):
        raise HarnessError(
            f"{Path.cwd()}: no checkout of the harness, which has {_REGISTRY.as_posix()} and {_TESTS.as_posix()}; "
            f"an ECU model is a part of the harness, and is written there"
        )
    module = _module_name(name, "ECU model", _LONGEST_ECU)
    words, model = module.replace("_", " "), module.replace("_", "-")
    class_name = words.title().replace(" ", "")
    imported = re.findall(r"^from \S+ import (\w+)$", _ECU.template, re.MULTILINE)
    if class_name in imported or hasattr(builtins, class_name) or keyword.iskeyword(module):
        raise HarnessError(f"ECU model {name!r}: Python has this name for something else; take another one")
    registry = _REGISTRY.read_text(encoding="utf-8")
    entry = f'    "{model}": "{_MODELS.as_posix().replace("/", ".")}.{module}:{class_name}",\n'
    head, models, rest = registry.partition("MODELS = {\n")
    listed, end, tail = rest.partition("}\n")
    if not (models and end):
        raise HarnessError(f"{_REGISTRY.as_posix()}: there is no dictionary MODELS to enter the model in")
    if f'"{model}":' in listed:
        raise HarnessError(f"{_REGISTRY.as_posix()}: there is a model {model!r} already")
    path, test = _MODELS / f"{module}.py", _TESTS / f"test_{module}.py"
    names = {"title": words.capitalize(), "words": words, "model": model, "class_name": class_name}
    _write({path: _ECU.substitute(names), test: _ECU_TEST.substitute(names)})
    _write_text(_REGISTRY, head + models + listed + entry + end + tail)
    written = {"path": path.as_posix(), "test": test.as_posix(), "registry": _REGISTRY.as_posix()}
    return _AFTER_ECU.substitute(names | written, rig=_RIG, defects=_DEFECTS.as_posix())


def _module_name(name: str, what: str, longest: int) -> str:
    """Return a name as files have it: `Rear view` is `rear_view`."""
    module = re.sub("[ _-]+", "_", name.strip().lower())
    if len(module) > longest or not re.fullmatch("[a-z][a-z0-9_]*[a-z0-9]", module) or _RESERVED.fullmatch(module):
        raise HarnessError(
            f"{what} {name!r}: this makes no file name; allowed are 2 to {longest} letters from a to z, digits, and "
            f"between them spaces, '-' and '_', beginning with a letter, but for names that Windows reserves, such as "
            f"'aux'"
        )
    return module


def _write(texts: dict[Path, str]) -> None:
    """Write new files, all or none."""
    for path in texts:
        if path.exists():
            raise HarnessError(f"{path.as_posix()} is there already, and is not overwritten; take another name")
    for path, text in texts.items():
        _write_text(path, text)


def _write_text(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise HarnessError(f"{path.as_posix()} cannot be written: {error}") from error
