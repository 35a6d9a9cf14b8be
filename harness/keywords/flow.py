"""Keywords for the course of a test: let time pass, and declare a failure as expected."""

from typing import TYPE_CHECKING

from robot.api import logger
from robot.api.deco import keyword
from robot.libraries.BuiltIn import BuiltIn

from harness.errors import JudgementFailure
from harness.quantities import Duration

if TYPE_CHECKING:
    from harness.keywords.session import Session


class FlowKeywords:
    """Time of the rig, and judgements that are meant to fail."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def wait(self, duration: Duration) -> None:
        """Lets time of the rig pass. A virtual rig takes only as long as its events take.

        Robot's own `Sleep` waits on the wall clock, and a virtual rig stands still in it.

        Example:
        | `Wait`    500 ms
        """
        self._session.rig.clock.sleep(duration.ns)

    @keyword
    def judgement_should_fail(self, name: str, *arguments: str) -> str:
        """Runs a judging keyword that is meant to fail, and returns its message; fails when it passes.

        A failure that a suite swallows in any other way still counts against the product.

        Example:
        | `Judgement Should Fail`    Signal Should Be    HeadUnit.BootState    Off
        """
        session = self._session
        outer, session.expects_failure = session.expects_failure, True
        try:
            BuiltIn().run_keyword(name, *arguments)
        except Exception as error:
            message = str(error)
            if message not in session.expected_failures:
                raise
            logger.info(f"failed, as expected: {message}")
            return message
        finally:
            session.expects_failure = outer
        message = f"{name} {' '.join(arguments)}: expected to fail, but it passed"
        session.test.failures.append(message)
        raise JudgementFailure(message)
