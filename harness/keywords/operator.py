"""Keyword that asks the person at the bench."""

import sys
from typing import TYPE_CHECKING

from robot.api import SkipExecution, logger
from robot.api.deco import keyword

from harness.errors import TestError

if TYPE_CHECKING:
    from harness.keywords.session import Session


class OperatorKeywords:
    """Questions that only a person can answer."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def ask_operator(self, question: str, *answers: str) -> str:
        """Asks the operator, and returns the answer: one of ``answers``, or any text when none are given.

        The answer is taken from the file of answers if there is one and it has the question (a YAML file,
        ``question: answer``). Otherwise the question is put on the terminal. Without a terminal the test is skipped.

        Example:
        | ${seen} =    `Ask Operator`    Is the display free of stripes?    yes    no
        """
        given = self._given(question)
        if given is not None:
            if answers and given not in answers:
                raise TestError(f"{question!r} is answered {given!r} in the file; allowed: {', '.join(answers)}")
            logger.info(f"{question} {given} (from the file of answers)")
            return given
        if not sys.stdin or not sys.stdin.isatty():
            raise SkipExecution(f"needs an operator, and there is no terminal to ask on: {question}")
        answer = _ask(question, answers)
        logger.info(f"{question} {answer} (from the operator)")
        return answer

    def _given(self, question: str) -> str | None:
        path = self._session.runner.answers_file
        return None if path is None else self._session.answers(path).get(question)


def _ask(question: str, answers: tuple[str, ...]) -> str:
    terminal = sys.__stdout__ or sys.stdout
    allowed = f" [{'/'.join(answers)}]" if answers else ""
    while True:
        print(f"\n{question}{allowed} ", end="", flush=True, file=terminal)
        answer = sys.stdin.readline()
        if not answer:
            raise SkipExecution(f"needs an operator, and none answered: {question}")
        answer = answer.strip()
        if not answers or answer in answers:
            return answer
