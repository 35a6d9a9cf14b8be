"""Who runs the keywords: Robot Framework, unless a test in Python or a prompt says otherwise."""

from typing import Protocol

from robot.libraries.BuiltIn import BuiltIn

ANSWERS_VARIABLE = "${HIL_ANSWERS}"
"""Variable that names the file of answers, from `hil run --answers` or `robot --variable HIL_ANSWERS:FILE`."""


class Runner(Protocol):
    """What keywords need to know of whoever runs them."""

    @property
    def answers_file(self) -> str | None:
        """The file of answers that stands in for an operator; None where there is none."""

    def run_keyword(self, name: str, *arguments: str) -> object:
        """Run a keyword by the name that suites have for it, with arguments as suites have them."""


class RobotRunner:
    """Robot Framework, while it runs a suite."""

    @property
    def answers_file(self) -> str | None:
        """The value of the variable that names the file."""
        path = BuiltIn().get_variable_value(ANSWERS_VARIABLE)
        return None if path is None else str(path)

    def run_keyword(self, name: str, *arguments: str) -> object:
        """Run a keyword of any library or of the suite itself."""
        result: object = BuiltIn().run_keyword(name, *arguments)
        return result
