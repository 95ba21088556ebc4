"""The tree of commands, and the one place where whatever goes wrong becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from fettle.cli import quick

if TYPE_CHECKING:
    from cyclopts import App

DAY = (
    ("demo", "Run the whole loop on real data: train, serve, watch, retrain."),
    ("up", "Take a data file to a served, monitored model."),
    ("init", "Start a project in this folder."),
    ("run", "Run this project's pipeline; unchanged steps are not run again."),
    ("serve", "Serve this project's endpoint and pages, and keep its loop going."),
    ("down", "Stop what serves this project in the background."),
    ("ui", "Serve the pages and open them in the browser."),
    ("status", "Show the loop at a glance: data, model, endpoint, alerts."),
    ("predict", "Ask a model for predictions."),
    ("rollback", "Point a model's alias back to the version before."),
)
HOUSE = (
    ("config", "Show every setting, its value and where it comes from."),
    ("doctor", "Check that this machine and this workspace are in order."),
    ("completion", "Print a completion script for your shell."),
    ("version", "Print the versions of fettle and of what it stands on."),
)


def build(chosen: str = "") -> App:
    """Build the tree; commands and rooms are imported only when one of them is called.

    Args:
        chosen: The command about to be called: its help is its whole docstring, not the line of the list.
    """
    from cyclopts import App, Group

    import fettle
    from fettle.cli.rooms import summary_of
    from fettle.workspace.rooms import ROOMS

    app = App(
        name="fettle",
        help="Keep machine-learning models fit for their work. Start with `fettle demo`.",
        version=fettle.__version__,
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
    )
    groups = {
        "The user's day": [(f"fettle.cli.{name}:{name}", name, text) for name, text in DAY],
        "What can be done, room by room": [
            (f"fettle.cli.rooms:{room}", room, summary_of(room)) for room in ROOMS
        ],
        "The house": [(f"fettle.cli.{name}:{name}", name, text) for name, text in HOUSE],
    }
    for title, commands in groups.items():
        group = Group.create_ordered(title)
        for place, (target, name, text) in enumerate(commands):
            app.command(
                target,
                name=name,
                help=_whole_help(target) if name == chosen else text,
                group=group,
                sort_key=place,
            )
    app["--help"].group = app["--version"].group = Group.create_ordered("Options")
    return app


def _whole_help(target: str) -> str | None:
    """The docstring of the command at `module:name`, a line a paragraph; None for a group, which has its own."""
    import importlib
    import inspect

    from fettle.cli.rooms import paragraphs

    module, _, name = target.partition(":")
    command = getattr(importlib.import_module(module), name)
    return paragraphs(inspect.getdoc(command) or "") if inspect.isfunction(command) else None


def run(tokens: Sequence[str]) -> int:
    """Run one command and return its exit code; every error is reported here and nowhere else."""
    from fettle.cli import failures

    try:
        return _run(tokens)
    except KeyboardInterrupt as error:
        return failures.report(error)


def _run(tokens: Sequence[str]) -> int:
    from cyclopts import CycloptsError

    from fettle.cli import failures

    as_json = "--json" in tokens
    try:
        code = build(tokens[0] if tokens else "")(
            list(tokens), exit_on_error=False, print_error=False, result_action="return_value"
        )
        sys.stdout.flush()
    except CycloptsError as error:
        return failures.report(failures.usage(error), as_json=as_json)
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the outermost loop of the command line
        return failures.report(error, as_json=as_json)
    return code if isinstance(code, int) else 0


def main() -> NoReturn:
    """The command `fettle`."""
    warnings.showwarning = _show_warning
    code = quick.try_run(sys.argv[1:])
    sys.exit(run(sys.argv[1:]) if code is None else code)


def _show_warning(message: Warning | str, *_where: object) -> None:
    """Tell a person a warning as a sentence, without the place in the code that it came from."""
    print(f"warning: {message}", file=sys.stderr)
