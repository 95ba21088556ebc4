"""Hooks: what is called before and after a commit, merge, checkout or push, and may refuse it before.

They come from three places: this process (`on`), the project's `fettle.toml` (commands, functions and webhooks; those
of a cloned project run only after somebody looked at them: `fettle data trust-hooks`), and the workspace (webhooks
only, set by an admin: a workspace never makes anybody's machine run a command). All run where the errand runs.

    [[data.hooks]]
    event = "before-commit"
    kind = "command"                     # JSON on standard input; another exit code than 0 refuses
    target = "python tools/check_data.py"
    dataset = "churn*"
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.core.errors import FettleError, GateFailed, Invalid
from fettle.core.urls import shown
from fettle.data.records.versions import Event, Hook

if TYPE_CHECKING:
    from fettle.acts import Surface

Listener = Callable[[dict[str, Any]], Any]
"""Takes the event as JSON-able fields; before an event it refuses by raising, or by returning False."""

_listeners: list[tuple[Event, str, Listener]] = []


class HookRefused(GateFailed):
    """A hook said no."""


def on(event: Event, listener: Listener, *, dataset: str = "*") -> Callable[[], None]:
    """Have a function of this process called at an event; the result takes it off again.

    Args:
        event: When.
        listener: Given the event's fields: `event`, `dataset`, `branch`, `message`, and `commit` or `target`.
        dataset: For which datasets, with `*` and `?`.
    """
    entry = (event, dataset, listener)
    _listeners.append(entry)
    return lambda: _listeners.remove(entry)


def run(ws: Surface, event: Event, dataset: str, **fields: Any) -> None:
    """Call the hooks of an event.

    Args:
        ws: The workspace.
        event: Which.
        dataset: What it happens to.
        **fields: Further JSON-able facts that the hooks are given.

    Raises:
        HookRefused: It is an event before something, and a hook said no, failed or took too long. After an event
            nothing is raised; a warning tells of the failure.
    """
    body = {"event": event, "dataset": dataset, "workspace": shown(ws.url), **fields}
    for name, call in _calls(ws, event, dataset):
        try:
            call(body)
        except Exception as error:  # a hook is a stranger's code
            refused = _refused(event, dataset, name, error)
            if event.startswith("before-"):
                raise refused from error
            warnings.warn(f"{refused.message} ({refused.found})", stacklevel=2)


def declared(folder: Path) -> list[Hook]:
    """The hooks of the project in a folder, from its `fettle.toml`."""
    import msgspec

    from fettle.core.config import Settings

    found = []
    for table in Settings.read(folder)["data.hooks"]:
        try:
            found.append(msgspec.convert(table, Hook))
        except msgspec.ValidationError as error:
            raise Invalid(
                "A [[data.hooks]] of fettle.toml cannot be used.",
                found=f"{error} in {table}",
                hint='It needs event = "before-commit", kind = "command", "python" or "webhook", and target.',
            ) from error
    return found


def _calls(ws: Surface, event: Event, dataset: str) -> list[tuple[str, Callable[[dict[str, Any]], None]]]:
    here = [
        (getattr(listener, "__name__", "listener"), _listening(listener))
        for when, pattern, listener in list(_listeners)
        if when == event and fnmatchcase(dataset, pattern)
    ]
    from fettle.data.webhooks import stored

    own = [(each, trusted(ws)) for each in declared(_project(ws))]
    return here + [
        (each.target, lambda body, each=each, known=known: _run(each, body, known))
        for each, known in (*own, *((each, True) for each in stored(ws.blobs)))
        if each.event == event and fnmatchcase(dataset, each.dataset)
    ]


def trusted(ws: Surface) -> bool:
    """Whether somebody at this machine has looked at the hooks of this project as they are now."""
    return _mark(ws).exists()


def trust(ws: Surface) -> list[Hook]:
    """Say that the hooks of this project may run on this machine, as they are now; changed ones ask again."""
    found = declared(_project(ws))
    if found:
        _mark(ws).parent.mkdir(parents=True, exist_ok=True)
        _mark(ws).touch()
    return found


def _mark(ws: Surface) -> Path:
    from fettle.core import ids

    project = _project(ws)
    said = [str(project.resolve()), declared(project)]
    return ws.folder / "trusted" / ids.digest_of(said)


def _run(hook: Hook, body: dict[str, Any], known: bool) -> None:
    """Run a hook; a command or function of a file that nobody has looked at yet is not run."""
    if not known and hook.kind != "webhook":
        raise GateFailed(
            "It stands in a fettle.toml that nobody at this machine has trusted yet.",
            hint="Look at its [[data.hooks]], then: fettle data trust-hooks",
        )
    _RUN[hook.kind](hook, body)


def _project(ws: Surface) -> Path:
    """The folder whose fettle.toml counts: the current one if it has one, else the workspace's."""
    here = Path.cwd()
    return here if (here / "fettle.toml").is_file() else ws.folder.parent


def _listening(listener: Listener) -> Callable[[dict[str, Any]], None]:
    def call(body: dict[str, Any]) -> None:
        if listener(body) is False:
            raise GateFailed("It returned False.")

    return call


def _python(hook: Hook, body: dict[str, Any]) -> None:
    import importlib

    module, _, name = hook.target.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        listener = getattr(importlib.import_module(module), name)
    finally:
        sys.path.remove(os.getcwd())
    _listening(listener)(body)


def _command(hook: Hook, body: dict[str, Any]) -> None:
    import shlex
    import subprocess

    try:
        done = subprocess.run(
            shlex.split(hook.target),
            input=json.dumps(body).encode(),
            capture_output=True,
            timeout=hook.timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GateFailed(f"It took longer than {hook.timeout_s:g} s.") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise GateFailed(f"It ended with exit code {done.returncode}: {said[-500:] or 'it said nothing'}")


def _webhook(hook: Hook, body: dict[str, Any]) -> None:
    """Post to an address that an admin of the workspace chose: not into the private network of whoever commits."""
    from fettle.storage import outgoing

    answer = outgoing.send(
        hook.target,
        body=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
        timeout_s=hook.timeout_s,
    )
    if not answer.good:
        raise GateFailed(f"It answered {answer.status}: {answer.text[:500]}")


_RUN: dict[str, Callable[[Hook, dict[str, Any]], None]] = {
    "python": _python,
    "command": _command,
    "webhook": _webhook,
}


def _refused(event: Event, dataset: str, name: str, error: Exception) -> HookRefused:
    said = error.message if isinstance(error, FettleError) else f"{type(error).__name__}: {error}"
    asked = error.hint if isinstance(error, FettleError) else ""
    what = event.partition("-")[2]
    verb = "refused" if event.startswith("before-") else "failed after"
    return HookRefused(
        f"The hook {name!r} {verb} the {what} of {dataset!r}.",
        found=said,
        hint=asked
        or "Do what it asks, or change [[data.hooks]] in fettle.toml (of the workspace: fettle data hooks).",
        subject=f"dataset:{dataset}",
    )
