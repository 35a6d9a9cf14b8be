"""The command `hil`."""

import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from harness.errors import HarnessError, TestError
from harness.quantities import Duration
from harness.results.verdict import NOT_TO_BE_TRUSTED, NOTHING_RAN
from harness.terminal import outlast_readers

if TYPE_CHECKING:
    from rich.console import Console

_INTERRUPTED = 130
"""What typer makes of Ctrl-C."""
_WIDTH_OF_A_LOG = 160

UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""What typer raises for any wrong command line; it does not export it."""

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Tests cars with hardware in the loop.")
new = typer.Typer(no_args_is_help=True, help="Write the beginning of a suite or of an ECU model.")
app.add_typer(new, name="new")


def main() -> None:
    """Run the command line and exit: 0 all passed, 1 the product failed, 2 something else went wrong, 3 nothing ran."""
    outlast_readers()
    try:
        code = app(prog_name="hil", standalone_mode=False)
    except UsageError as error:
        error.show()
        code = NOTHING_RAN
    except HarnessError as error:
        typer.echo(error, err=True)
        code = NOTHING_RAN
    except Exception:  # noqa: BLE001  Python's own exit code, 1, would be a verdict on the product
        traceback.print_exc()
        code = NOT_TO_BE_TRUSTED
    if code == _INTERRUPTED:
        typer.echo("Stopped by Ctrl-C; there is no report, or it is not complete.", err=True)
        code = NOT_TO_BE_TRUSTED
    sys.exit(code)


def _print_version(asked: bool) -> None:
    if asked:
        from harness import __version__

        typer.echo(f"hil {__version__}")
        raise typer.Exit


def _duration(text: str) -> Duration:
    try:
        return Duration.parse(text)
    except TestError as error:
        raise typer.BadParameter(str(error)) from error


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None: ...


@app.command()
def run(  # noqa: PLR0917  typer gives them by name
    context: typer.Context,
    suites: Annotated[
        list[Path] | None, typer.Argument(help="Suites: files or folders.", show_default="suites", metavar="SUITES...")
    ] = None,
    rig: Annotated[
        str | None,
        typer.Option(help="A rig file, or the name of one in the folder rigs.", show_default="the only rig there"),
    ] = None,
    include: Annotated[list[str] | None, typer.Option(help="Only tests with this tag.", metavar="TAG")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="No tests with this tag.", metavar="TAG")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 1,
    answers: Annotated[
        Path | None, typer.Option(help="Answers of the operator, a YAML file.", show_default="asks on the terminal")
    ] = None,
    output: Annotated[Path, typer.Option(help="Where the folder of the run is made.")] = Path("reports"),
    wait: Annotated[
        Duration,
        typer.Option(
            help="How long to wait for a rig that is in use.",
            parser=_duration,
            metavar="DURATION",
            show_default="does not wait",
        ),
    ] = Duration(0),
    repeat: Annotated[
        int | None,
        typer.Option(min=1, help="How often to run them, each time with the next seed.", metavar="N", show_default="1"),
    ] = None,
    until_fail: Annotated[
        bool, typer.Option("--until-fail", help="Run them until a test fails, N times at most with --repeat N.")
    ] = False,
    pause_on_fail: Annotated[
        bool, typer.Option("--pause-on-fail", help="Hold at each test that fails, and take keywords at a prompt.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with an interrupted run: run what has no verdict yet.", metavar="FOLDER", show_default="no"
        ),
    ] = None,
) -> None:
    """Run suites on a rig.

    Exit code: 0 all passed or skipped; 1 the product failed; 2 something else went wrong; 3 nothing ran.
    """
    if resume:
        _only_with_resume(context)
        from harness.resume import resume as resume_run

        raise typer.Exit(resume_run(resume, output=output, wait=wait, console=_console()))
    if pause_on_fail and (repeat or until_fail):
        raise UsageError("--pause-on-fail cannot be given with --repeat and --until-fail")
    from harness.run import run as run_suites

    code = run_suites(
        suites or (),
        rig=rig,
        include=include or (),
        exclude=exclude or (),
        seed=seed,
        answers=answers,
        output=output,
        wait=wait,
        repetitions=repeat or (None if until_fail else 1),
        until_fail=until_fail,
        pause_on_fail=pause_on_fail,
        console=_console(),
    )
    raise typer.Exit(code)


def _only_with_resume(context: typer.Context) -> None:
    """Refuse what an interrupted run has been told when it began."""
    allowed = {"resume", "output", "wait"}
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name not in allowed and source is not None and source.name == "COMMANDLINE":
            given = parameter.opts[0] if parameter.opts[0].startswith("-") else "SUITES"
            raise UsageError(f"{given} cannot be given with --resume: the run goes on with what it began with")


@app.command()
def rigs(folder: Annotated[Path, typer.Option(help="Folder of rig files.")] = Path("rigs")) -> None:
    """List the rigs, and say what is wrong with those that are broken."""
    from harness.rig_list import list_rigs

    raise typer.Exit(list_rigs(folder, _console()))


@app.command()
def check(rig: Annotated[str, typer.Argument(help="A rig file, or the name of one in the folder rigs.")]) -> None:
    """Say what a rig is and what is wrong with its files; opens nothing.

    Exit code: 0 nothing is wrong; 3 something is.
    """
    from harness.rig_check import show_rig

    show_rig(rig, _console())


@app.command()
def shell(
    rig: Annotated[str, typer.Argument(help="A rig file, or the name of one in the folder rigs.")],
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 1,
    output: Annotated[Path, typer.Option(help="Where the folder of the session is made.")] = Path("reports"),
) -> None:
    """Open a rig and take keywords at a prompt; leaving brings the rig to its safe state.

    Exit code: 0 the rig is safe; 2 it may not be, or a signal ended it; 3 the rig could not be opened.
    """
    from harness.shell import shell as open_shell

    raise typer.Exit(open_shell(rig, output=output, seed=seed, console=_console()))


@app.command()
def serve(  # noqa: PLR0917  typer gives them by name
    rig: Annotated[str, typer.Argument(help="A rig file, or the name of one in the folder rigs.")],
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Behind --: what to run meanwhile; its exit code is returned.", metavar="-- COMMAND..."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Simulate this ECU only; may be given again.", metavar="ECU", show_default="all"),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Where to listen.", show_default="127.0.0.1")] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(
            help="Port of an instrument, a stream, or of can; may be given again.",
            metavar="NAME=PORT",
            show_default="free ones",
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Listen where this rig looks for what is served.", metavar="RIG")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say where everything is as one line of JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 1,
) -> None:
    """Serve a simulated rig in wall time behind sockets: SCPI, socketcand and consoles, for any program.

    Exit code: 0 ended by a signal, or that of COMMAND; 2 the simulation failed; 3 nothing was served.
    """
    from harness.serve.served_rig import plan
    from harness.serve.served_rig import serve as serve_rig

    planned = plan(rig, only=only or (), host=host, ports=port or (), at=at, seed=seed)
    code = serve_rig(
        planned,
        as_json=as_json,
        command=command or (),
        show=partial(typer.echo, err=bool(command)),
        log=partial(typer.echo, err=True),
    )
    sys.exit(code)  # unlike typer's own way out, it leaves 130 of a command as it is


@app.command()
def docs(output: Annotated[Path, typer.Option(help="The page to write.")] = Path("reports/keywords.html")) -> None:
    """Write the documentation of the keywords as an HTML page."""
    from robot.libdoc import LibDoc  # type: ignore[import-untyped]  # Robot has types for its api only

    output.parent.mkdir(parents=True, exist_ok=True)
    LibDoc().main(["harness.Hil::any", str(output)], quiet=True)
    typer.echo(output)


@app.command()
def schema(output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("docs/schema")) -> None:
    """Write the JSON Schemas of rig and vehicle files, for editors."""
    import json

    from harness.rig.rig_file import RigFile
    from harness.vehicle import VehicleFile
    from harness.yaml_file import json_schema

    output.mkdir(parents=True, exist_ok=True)
    for name, model in (("rig", RigFile), ("vehicle", VehicleFile)):
        path = output / f"{name}.schema.json"
        text = json.dumps(json_schema(model, path.name), indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8", newline="\n")
        typer.echo(path)


@new.command("suite")
def new_suite(
    name: Annotated[str, typer.Argument(help="What it is about, such as 'rear view'.", metavar="NAME")],
    folder: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("suites"),
) -> None:
    """Write a suite with one test that runs as it is."""
    from harness.new import new_suite as write_suite

    typer.echo(write_suite(name, folder), nl=False)


@new.command("ecu")
def new_ecu(
    name: Annotated[str, typer.Argument(help="What a car has it for, such as 'seat heater'.", metavar="NAME")],
) -> None:
    """Write the model of an ECU with its test, in a checkout of the harness."""
    from harness.new import new_ecu as write_ecu

    typer.echo(write_ecu(name), nl=False)


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_LOG)
