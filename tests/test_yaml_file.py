from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from harness.errors import RigFileError
from harness.quantities import Voltage
from harness.yaml_file import json_schema, read_yaml_file, refuse


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Supply(_Model):
    model: str
    channels: int = 1
    highest: Voltage = Voltage(60)


class _Real(_Model):
    kind: Literal["real"]
    pins: tuple[int, ...] = ()


class _Simulated(_Model):
    kind: Literal["simulated"]
    behaviour: str = ""


class _Close(_Model):
    close: str


class _Wait(_Model):
    wait: float


def _step(data: object) -> str | None:
    return next(iter(data)) if isinstance(data, dict) and len(data) == 1 else None


_Step = Annotated[
    Annotated[_Close, Tag("close")] | Annotated[_Wait, Tag("wait")],
    Discriminator(_step, custom_error_type="step", custom_error_message="a step is one of: close, wait"),
]


class _Rig(_Model):
    name: str
    virtual: bool = False
    note: str | None = None
    instruments: Mapping[str, _Supply] = {}
    ecus: Mapping[str, Annotated[_Real | _Simulated, Field(discriminator="kind")]] = {}
    steps: tuple[_Step, ...] = ()
    main: str | None = None

    @model_validator(mode="after")
    def _main_exists(self) -> Self:
        if self.main is not None and self.main not in self.instruments:
            refuse({("main",): f"no instrument {self.main!r}"})
        return self


def _write(folder: Path, content: str | bytes) -> Path:
    path = folder / "rig.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _problems(folder: Path, content: str | bytes) -> list[str]:
    path = _write(folder, content)
    with pytest.raises(RigFileError) as error:
        read_yaml_file(path, _Rig)
    lines = str(error.value).split("\n")
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def test_reads_a_file(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        """\ufeff# a rig
name: bench 1
virtual: true
note: off
instruments:
  supply: {model: E36312A, channels: 0x3, highest: 25 V}
ecus:
  camera: {kind: simulated}
steps:
  - close: KL15
  - wait: 0.5
main: supply
""",
    )
    rig = read_yaml_file(path, _Rig)
    assert rig.virtual is True
    assert rig.note == "off"
    assert rig.instruments["supply"] == _Supply(model="E36312A", channels=3, highest=Voltage(25))
    assert rig.ecus["camera"] == _Simulated(kind="simulated")
    assert rig.steps == (_Close(close="KL15"), _Wait(wait=0.5))


@pytest.mark.parametrize("text", ["no", "on", "1:30", "2026-01-02", "012:5"])
def test_text_that_other_yaml_turns_into_something_else_stays_text(tmp_path: Path, text: str) -> None:
    assert read_yaml_file(_write(tmp_path, f"name: {text}\n"), _Rig).name == text


def test_lists_all_problems_in_the_order_of_their_lines(tmp_path: Path) -> None:
    assert _problems(
        tmp_path,
        """nam: bench 1
virtual: maybe
instruments:
  supply:
    modell: E36312A
    channels: three
  meter:
    model: 34465A
    highest: 13.5 A
ecus:
  camera: {kind: simulated, pins: [1]}
  gateway:
    kind: real
    pins:
      - 1
      - one
  radar: {kind: imaginary}
  lidar: {}
steps:
  - wait: long
  - open: KL15
""",
    ) == [
        "1: name: missing key",
        "1: nam: unknown key; did you mean 'name'? Allowed: ecus, instruments, main, name, note, steps, virtual",
        "2: virtual: must be a valid boolean, unable to interpret input, came 'maybe'",
        "4: instruments.supply.model: missing key",
        "5: instruments.supply.modell: unknown key; did you mean 'model'? Allowed: channels, highest, model",
        "6: instruments.supply.channels: must be a valid integer, unable to parse string as an integer, came 'three'",
        "9: instruments.meter.highest: 13.5 A is a current; this needs a voltage, such as '13.5 V'",
        "11: ecus.camera.pins: unknown key. Allowed: behaviour, kind",
        "16: ecus.gateway.pins[1]: must be a valid integer, unable to parse string as an integer, came 'one'",
        "17: ecus.radar.kind: must be one of 'real', 'simulated', came 'imaginary'",
        "18: ecus.lidar.kind: missing key",
        "20: steps[0].wait: must be a valid number, unable to parse string as a number, came 'long'",
        "21: steps[1]: a step is one of: close, wait",
    ]


def test_a_contradiction_stands_at_its_key(tmp_path: Path) -> None:
    assert _problems(tmp_path, "name: x\n\nmain: suply\n") == ["3: main: no instrument 'suply'"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("name: [1, 2\n", "2: not YAML, column 1: expected ',' or ']', but got '<stream end>'"),
        ("name: [1, 2\n", "while parsing a flow sequence from line 1"),
        ("name: x\n\tvirtual: true\n", "2: not YAML, column 1: found character '\\t'"),
        ("name: x\nvirtual: true\nname: y\n", "3: name: duplicate key; first on line 1"),
        ("note: &a x\nname: x\n", "1: anchor &a is not allowed; write the value out where it is used"),
        ("name: *a\n", "1: alias *a is not allowed; write the value out"),
        ("name: !!python/object/apply:os.system [ls]\n", "tag "),
        ("name: ! x\n", "1: tag ! is not allowed"),
        ("%YAML 1.1\n---\nname: on\n", "directives (%YAML, %TAG) are not allowed"),
        ("name: x\n---\nname: y\n", "a second document begins here; a file holds one"),
        ("? [a]\n: x\n", "1: a key must be text"),
        ("", "1: the file is empty"),
        ("# nothing\n", "1: the file is empty"),
        ("---\n", "1: must be a mapping (key: value), came nothing"),
        ("- name\n", "1: must be a mapping (key: value), came ['name']"),
        ("name: x\ninstruments: supply\n", "2: instruments: must be a mapping (key: value), came 'supply'"),
        ("name:\n", "1: name: must be a valid string, came nothing"),
        ("<<: {name: x}\n", "unknown key. Allowed:"),
        (f"name: {'9' * 5000}\n", "1: not a number: '999"),
        ("[" * 100_000, "1: nested deeper than 32 levels"),
        ("{a: " * 100_000, "1: nested deeper than 32 levels"),
        ("- " * 100_000, "1: nested deeper than 32 levels"),
        (b"name: x\nnote: \xe9\n", "2: not UTF-8 text: byte 0xE9"),
        ("name: x".encode("utf-16"), "1: not UTF-8 text: byte 0xFF"),
        (b"name: x\n\nnote: \x00\n", "3: not text: character U+0000"),
    ],
)
def test_says_what_is_wrong_with_a_damaged_or_hostile_file(tmp_path: Path, content: str | bytes, problem: str) -> None:
    assert any(problem in line for line in _problems(tmp_path, content))


def test_an_alias_bomb_is_refused_at_its_first_anchor(tmp_path: Path) -> None:
    bomb = "a0: &a0 [lol, lol]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 20)
    )
    assert _problems(tmp_path, bomb)[0].startswith("1: anchor &a0 is not allowed")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, "#" * 1_000_001)
    with pytest.raises(RigFileError, match="larger than 1,000,000 bytes"):
        read_yaml_file(path, _Rig)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(RigFileError, match=r"cannot be read: (No such file|Is a directory)"):
        read_yaml_file(tmp_path / name, _Rig)


_YAML_LIKE = st.lists(
    st.sampled_from([*"-?:,[]{}#&*!|>'\"%@` \n\t\r~<=.e0x", "name", "a: ", "- ", "\u2028", "---\n", "é"])
).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=500, derandomize=True)
@given(content=st.one_of(st.binary(max_size=200), _YAML_LIKE.map(str.encode)))
def test_whatever_a_file_holds_the_answer_is_a_rig_file_error(tmp_path: Path, content: bytes) -> None:
    path = _write(tmp_path, content)
    with suppress(RigFileError):
        read_yaml_file(path, _Rig)


def test_the_schema_holds_for_what_the_model_takes() -> None:
    schema = json_schema(_Rig, "https://example.org/rig.schema.json")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert schema["$id"] == "https://example.org/rig.schema.json"
    assert validator.is_valid({"name": "x", "instruments": {"s": {"model": "m", "highest": "25 V"}}})
    assert not validator.is_valid({"name": "x", "instruments": {"s": {"model": "m", "highest": 25}}})
    assert not validator.is_valid({"name": "x", "unknown": 1})
