"""The Robot Framework library of the harness."""

from typing import Any

from robotlibcore import DynamicCore

from harness import __version__
from harness.keywords.arguments import reads_quantities, shown_arguments, shown_types
from harness.keywords.bench import BenchKeywords
from harness.keywords.capturing import CapturingKeywords
from harness.keywords.consoles import ConsoleKeywords
from harness.keywords.ecus import EcuKeywords
from harness.keywords.expectation import ExpectationKeywords
from harness.keywords.measuring import MeasuringKeywords
from harness.keywords.messages import MessageKeywords
from harness.keywords.operator import OperatorKeywords
from harness.keywords.power import PowerKeywords
from harness.keywords.session import Session
from harness.keywords.signals import SignalKeywords
from harness.keywords.sleep import SleepKeywords
from harness.keywords.timing import TimingKeywords
from harness.keywords.traffic import TrafficKeywords
from harness.listener import Listener


class Hil(DynamicCore):  # type: ignore[misc]  # robotlibcore has no types
    """Drives a rig: the supply and terminals of a car, the signals and messages of its buses, its simulated ECUs.

    Importing touches no hardware; the rig is opened when the first suite with tests starts. A virtual rig starts each
    suite in a new world.

    = Quantities =

    Quantities carry units: ``13.5 V``, ``500 ms``, ``50 km/h``. The number has a decimal point.

    = Judging =

    Keywords with ``Should`` judge the product. Each makes a measurement, kept in ``measurements.jsonl``. Only they
    make a test FAIL; when any other keyword fails, or the rig itself is not healthy, the verdict is ERROR. A failure
    that a suite swallows still counts, unless `Judgement Should Fail` declares it as expected.

    = Tags =

    ``req:ID`` names a requirement that a test is evidence for. ``needs:NAME`` names an instrument, bus or ECU that it
    needs: where the rig lacks it, the test is skipped.
    """

    ROBOT_LIBRARY_SCOPE = "GLOBAL"
    ROBOT_LIBRARY_VERSION = __version__

    def __init__(self, rig: str) -> None:
        """``rig`` is the path of a rig file, or the name of one in ``rigs`` of the working folder.

        | Library    harness.Hil    rig=${RIG}
        """
        session = Session(rig)
        self.ROBOT_LIBRARY_LISTENER = Listener(session)
        super().__init__(
            [
                PowerKeywords(session),
                MeasuringKeywords(session),
                CapturingKeywords(session),
                SignalKeywords(session),
                MessageKeywords(session),
                TrafficKeywords(session),
                SleepKeywords(session),
                EcuKeywords(session),
                ConsoleKeywords(session),
                TimingKeywords(session),
                OperatorKeywords(session),
                ExpectationKeywords(session),
                BenchKeywords(session),
            ]
        )
        for name, spec in self.keywords_spec.items():
            if name in self.keywords:
                self.keywords[name] = reads_quantities(self.keywords[name], spec.argument_types or {})

    def get_keyword_arguments(self, name: str) -> list[Any]:
        """Return the arguments of a keyword as Robot shows them."""
        return shown_arguments(super().get_keyword_arguments(name))

    def get_keyword_types(self, name: str) -> dict[str, object]:
        """Return the types of a keyword's arguments as Robot shows them."""
        return shown_types(super().get_keyword_types(name) or {})
