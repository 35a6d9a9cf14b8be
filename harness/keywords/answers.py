"""The file of answers: what an operator would say, for runs without one."""

from pathlib import Path

from pydantic import RootModel

from harness.yaml_file import read_yaml_file


class _Answers(RootModel[dict[str, str]]):
    """Question: answer."""


def read_answers(path: Path) -> dict[str, str]:
    """Return the answers by question.

    Raises:
        RigFileError: the file is missing or damaged.
    """
    return read_yaml_file(path, _Answers).root
