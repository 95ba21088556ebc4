"""Change a schema's TOML and leave the rest as a person wrote it: comments, order, blank lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from fettle.data.records import Rule, Schema
from fettle.data.schemas import fields_of, from_toml, rule_lines, to_toml, toml_value

_COLUMN = re.compile(r"^\s*\[\[\s*column\s*\]\]")
_ASSIGNED = re.compile(r"""^\s*["']?([\w-]+)["']?\s*=""")
_TOP = ("target", "time", "rows_min")


def revise(text: str, schema: Schema) -> str:
    """The TOML of a schema, written anew only where it differs from the text.

    Rules that are the same stay letter by letter. In a rule that changed only the changed keys are rewritten (a comment
    at the end of the line stays), new rules come last, and rules that are gone take their comments along.

    Args:
        text: The TOML as it is.
        schema: What it is to say.

    Raises:
        Invalid: The text is no schema.
    """
    before = from_toml(text)
    head, blocks = _blocks(text)
    wanted = {rule.name: rule for rule in schema.columns}
    lines = _edited(head, _top(before), _top(schema))
    for rule, block in zip(before.columns, blocks, strict=True):
        new = wanted.pop(rule.name, None)
        if new is not None:
            lines += block if new == rule else _edited(block, _asked(rule), _asked(new))
    for rule in wanted.values():
        while lines and not lines[-1].strip():
            lines.pop()
        lines += ["", *rule_lines(rule)]
    made = "\n".join(lines).rstrip("\n") + "\n"
    return made if _same(made, schema) else to_toml(schema)


def _same(text: str, schema: Schema) -> bool:
    found = from_toml(text)
    by_name = sorted(found.columns, key=lambda rule: rule.name)
    return by_name == sorted(schema.columns, key=lambda rule: rule.name) and _top(found) == _top(schema)


def _blocks(text: str) -> tuple[list[str], list[list[str]]]:
    """The lines before the first rule, and the lines of each rule."""
    head: list[str] = []
    blocks: list[list[str]] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if _COLUMN.match(line):
            blocks.append([])
        (blocks[-1] if blocks else head).append(line)
    return head, blocks


def _top(schema: Schema) -> dict[str, Any]:
    return {key: value for key in _TOP if (value := getattr(schema, key)) is not None}


def _asked(rule: Rule) -> dict[str, Any]:
    return dict(fields_of(rule))


def _edited(lines: list[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The lines with the changed keys rewritten, those that are gone left out, and new ones after the last key."""
    made: list[str] = []
    last = 1 if lines and _COLUMN.match(lines[0]) else 0
    done: set[str] = set()
    for key, span in _spans(lines):
        if key in after and (key in done or before.get(key) == after[key]):
            made += span
        elif key in after:
            made.append(f"{key} = {toml_value(after[key])}{_comment(span)}")
        elif not key:
            made += span
        if key:
            done.add(key)
            last = len(made)
    new = [f"{key} = {toml_value(value)}" for key, value in after.items() if key not in done]
    return [*made[:last], *new, *made[last:]]


def _spans(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Each assignment with all of its lines; every other line by itself under an empty key."""
    at = 0
    while at < len(lines):
        found = _ASSIGNED.match(lines[at])
        end = at + 1
        while found and end < len(lines) and not _parses("\n".join(lines[at:end])):
            end += 1
        yield (found[1] if found else ""), lines[at:end]
        at = end


def _comment(span: list[str]) -> str:
    """The comment at the end of an assignment on one line."""
    line = span[0]
    places = [at for at, sign in enumerate(line) if sign == "#"] if len(span) == 1 else []
    cut = next((at for at in places if _parses(line[:at])), None)
    return "  " + line[cut:].rstrip() if cut is not None else ""


def _parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
