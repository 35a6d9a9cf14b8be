"""Keyword for judgements that are meant to fail."""

from typing import TYPE_CHECKING

from robot.api import logger
from robot.api.deco import keyword

from harness.errors import TestError
from harness.keywords.judgement import Allowed, judge

if TYPE_CHECKING:
    from harness.keywords.session import Session


class ExpectationKeywords:
    """Judgements that are meant to fail, as in a suite that tests the rig itself."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def judgement_should_fail(self, name: str, *arguments: str) -> str:
        """Runs a judging keyword that is meant to fail, and returns its message; fails when it passes.

        A keyword that judges nothing is an error: it says nothing of the product.

        A failure that a suite swallows in any other way still counts against the product.

        Example:
        | `Judgement Should Fail`    Signal Should Be    HeadUnit.BootState    Off
        """
        session = self._session
        outer, session.expects_failure = session.expects_failure, True
        outer_failures, session.expected_failures = session.expected_failures, []
        message, judgements = "", session.judgements
        try:
            session.runner.run_keyword(name, *arguments)
        except Exception as error:
            message = str(error)
            if message not in session.expected_failures:
                raise
            logger.info(f"failed, as expected: {message}")
        finally:
            session.expects_failure = outer
            # Only the one that came out was declared.
            session.test.failures += [failure for failure in session.expected_failures if failure != message]
            session.expected_failures = outer_failures
        if not message and session.judgements == judgements:
            raise TestError(
                f"Argument 'name': {name} is no judging keyword: it judged nothing; "
                "allowed are keywords of the harness with Should in their name, and keywords that use them"
            )
        if not message:
            judge(
                session,
                " ".join((name, *arguments)),
                value="passed",
                allowed=Allowed(expected="to fail"),
                holds=False,
                actual="it passed",
                source="verdict of the keyword",
            )
        return message
