"""Commands derived from the acts: `registry.promote` becomes `fettle registry promote`.

`getattr(this module, "registry")` is the command group of that room, made when it is first asked for. An act's
signature gives the arguments and options, its docstring the help; nothing is restated.
"""

from __future__ import annotations

import ast
import enum
import importlib.util
import inspect
import types
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from fettle.cli import chapters
from fettle.core.errors import GateFailed, Invalid
from fettle.core.marks import mark

if TYPE_CHECKING:
    from cyclopts import App, Group

    from fettle.acts import Act, Errand, Surface

_SHORT = {"message": "-m", "force": "-f"}
_PLAIN = (str, int, float, bool, datetime, Path)


def __getattr__(room: str) -> App:
    if room.startswith("_"):
        raise AttributeError(room)
    from cyclopts import App

    from fettle.workspace import catalog

    known = catalog()
    group = App(name=room, help=summary_of(room), help_format="plaintext", suppress_keyboard_interrupt=False)
    offered = {each.verb.replace("_", "-"): each for each in (*known.errands(room), *known.acts(room))}
    places = chapters.places(room, [(name, each.plumbing) for name, each in offered.items()])
    groups = _groups(room, {chapter for chapter, _ in places.values()})
    for name, each in offered.items():
        text = paragraphs(f"{each.summary}\n\n{each.description}")
        chapter, place = places[name]
        apart: dict[str, Any] = {"group": groups[chapter]} if chapter else {}
        group.command(command_of(each), name=name, help=text, sort_key=place, **apart)
    globals()[room] = group
    return group


def _groups(room: str, used: set[str]) -> dict[str, Group]:
    """The chapters of a room's help, in order."""
    from cyclopts import Group

    named = [name for name in chapters.CHAPTERS.get(room, {}) if name != chapters.PLUMBING]
    ordered = [*named, chapters.OTHERS, chapters.PLUMBING]
    return {name: Group.create_ordered(name) for name in ordered if name in used}


def summary_of(room: str) -> str:
    """The first line of a room's door sign, read without importing the room."""
    spec = importlib.util.find_spec(f"fettle.{room}")
    if spec is None or spec.origin is None:
        return ""
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text("utf-8"))) or ""
    return text.partition("\n")[0]


def paragraphs(text: str) -> str:
    """Prose without its line breaks, for whoever wraps it anew."""
    return "\n\n".join(" ".join(each.split()) for each in text.strip().split("\n\n"))


def command_of(act: Act | Errand) -> Callable[..., None]:
    """Make the function that the parser calls for one act or errand."""
    from fettle.acts import Errand
    from fettle.cli.output import emit_report
    from fettle.cli.place import Place

    structured = {each.name for each in act.parameters if not is_plain(each.type)}
    errand = isinstance(act, Errand)

    def command(
        *positional: Any, place: Any = None, idempotency_key: str | None = None, **named: Any
    ) -> None:
        given = signature.bind(*positional, **named).arguments
        values = {
            name: read_json(name, value) if name in structured else value for name, value in given.items()
        }
        place = place or Place()
        with place.open_or_create() if errand and not act.reads else place.open() as workspace:
            if errand:
                made = _run_errand(act.function, workspace, values, quiet=place.json)
            else:
                made = workspace.call(act.name, idempotency_key=idempotency_key, **values)
            emit_report(made, as_json=place.json, empty="Nothing matches." if values else "Nothing yet.")
        if fault := getattr(made, "fault", ""):
            raise GateFailed(fault)

    signature = inspect.Signature(_parameters(act))
    shared = [_place()] if act.reads or errand else [_key(), _place()]
    whole = signature.replace(parameters=[*signature.parameters.values(), *shared])
    command.__name__ = act.verb
    command.__annotations__ = {each.name: each.annotation for each in whole.parameters.values()}
    return mark(command, "__signature__", whole)  # inspect reads it


def _run_errand(
    function: Callable[..., Any], workspace: Surface, values: dict[str, Any], *, quiet: bool
) -> Any:
    from fettle.cli.teller import bars
    from fettle.core import progress

    with progress.shown_by(bars(quiet=quiet)):
        return function(workspace, **values)


def is_plain(kind: Any) -> bool:
    """Whether a command line can say a value of this type in words; otherwise it is given as JSON."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return all(is_plain(each) for each in get_args(kind) if each is not type(None))
    if origin in (list, tuple, set):
        return all(_is_word(each) for each in get_args(kind) if each is not Ellipsis)
    if origin is dict:
        return _is_word(get_args(kind)[1])
    return _is_word(kind)


def read_json(name: str, text: Any) -> Any:
    """Read a structured argument: JSON itself, or `@file.json`.

    Raises:
        Invalid: The text is not JSON, or the file cannot be read.
    """
    import msgspec

    if not isinstance(text, str):
        return text
    try:
        source = Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
        return msgspec.json.decode(source)
    except (OSError, msgspec.DecodeError) as error:
        raise Invalid(
            f"The argument {name!r} is given as JSON, or as @file.json.",
            found=f"{text[:60]!r}: {error}",
            hint="Quote it for the shell, for example '{\"name\": 1}'.",
        ) from error


def _is_word(kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return True
    return kind in _PLAIN or (isinstance(kind, type) and issubclass(kind, enum.Enum))


def _parameters(act: Act | Errand) -> list[inspect.Parameter]:
    from cyclopts import Parameter

    made = []
    for each in act.parameters:
        plain = is_plain(each.type)
        text = each.help if plain else f"{each.help.rstrip('.')} (JSON, or @file.json)."
        said = Parameter(
            alias=_SHORT.get(each.name),
            help=text,
            negative=None if plain and _has_bool(each.type) else "",
            show_default=not each.required and each.default not in ("", None, False),
        )
        made.append(
            inspect.Parameter(
                each.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD
                if each.positional
                else inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if each.required else each.default,
                annotation=Annotated[each.type if plain else _text_of(each.required), said],
            )
        )
    return made


def _text_of(required: bool) -> Any:  # a type, for the parser
    return str if required else str | None


def _has_bool(kind: Any) -> bool:
    return kind is bool or bool in get_args(kind)


def _key() -> inspect.Parameter:
    from cyclopts import Parameter

    from fettle.cli.place import SHARED

    text = "Any text; the same act under the same key is done once, however often it is asked for."
    said = Annotated[str | None, Parameter(help=text, group=SHARED)]
    return inspect.Parameter("idempotency_key", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=said)


def _place() -> inspect.Parameter:
    from fettle.cli.place import Place

    return inspect.Parameter("place", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Place | None)
