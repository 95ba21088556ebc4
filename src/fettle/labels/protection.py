"""What labels copy of people's rows: nothing that the dataset's privacy policy wants masked, nothing of the erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from fettle.core import canonical
from fettle.core.errors import GateFailed
from fettle.labels.records import Project, Stored
from fettle.privacy import plain
from fettle.privacy.cells import MARK
from fettle.privacy.records import Token
from fettle.privacy.subjects import Keyring
from fettle.privacy.treatments.keyed import token
from fettle.privacy.treatments.texts import as_text

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.privacy.records import Standing


def check_shown(ws: Surface, dataset: str, frame: pl.DataFrame, columns: Sequence[str]) -> None:
    """Refuse to copy columns that stand in plain and should not.

    Args:
        ws: The workspace.
        dataset: Whose policy holds.
        frame: The rows.
        columns: Those that would be shown, or name rows.

    Raises:
        GateFailed: There are such columns.
    """
    found = plain_in(ws, dataset, frame, columns)
    if found:
        raise GateFailed(
            f"Annotators would see what the privacy policy of {dataset!r} wants masked; nothing was copied.",
            found=plain.told(found),
            hint="Leave those columns out (--show, --key), or ingest the rows again: they are masked then.",
            subject=f"dataset:{dataset}",
        )


def plain_in(ws: Surface, dataset: str, frame: pl.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    """Those of the columns that stand in plain → what the dataset's policy wants."""
    standing: Standing = ws.call("privacy.standing", dataset=dataset)
    if not (standing.version or standing.careful):
        return {}
    found = plain.plain_columns(standing, frame)
    return {name: wish for name, wish in found.items() if name in columns}


def without_plain(ws: Surface, project: Project, items: Sequence[Stored]) -> tuple[list[Stored], list[str]]:
    """Items for a file, without the shown columns and keys that stand in plain; and which columns those are.

    A policy may be younger than the project.
    """
    if not items:
        return list(items), []
    shown = pl.DataFrame([each.values for each in items], infer_schema_length=None)
    named = [canonical.decode(each.key.encode(), list) for each in items] if project.key else []
    keys = {
        name: pl.Series(name, [row[place] for row in named], strict=False)
        for place, name in enumerate(project.key)
        if name not in shown.columns and all(len(row) > place for row in named)
    }
    found = plain_in(ws, project.dataset, shown.with_columns(**keys), [*shown.columns, *keys])
    if not found:
        return list(items), []
    hidden = bool(found.keys() & set(project.key))
    kept = [
        msgspec.structs.replace(
            each,
            key="" if hidden else each.key,
            values={name: value for name, value in each.values.items() if name not in found},
        )
        for each in items
    ]
    return kept, sorted(found)


class Person(msgspec.Struct, frozen=True):
    """What tells a person's rows in the data of one dataset.

    Attributes:
        marks: What the person's encrypted cells begin with.
        column: The column that says whose row it is; empty: there is none.
        names: How the person is called in that column: in plain, and by a token.
    """

    marks: tuple[str, ...]
    column: str
    names: frozenset[str]

    def rows(self, frame: pl.DataFrame) -> list[int]:
        """The numbers of the person's rows, counted from 0."""
        mine = pl.Series([False]).new_from_index(0, frame.height)
        for name, dtype in frame.schema.items():
            if dtype == pl.String and self.marks:
                found = pl.any_horizontal(pl.col(name).str.starts_with(mark) for mark in self.marks)
                mine |= frame.select(found.fill_null(value=False)).to_series()
        if self.column in frame.columns and self.names:
            mine |= as_text(frame[self.column]).is_in(list(self.names)).fill_null(value=False)
        return mine.arg_true().to_list()

    def owns(self, values: Mapping[str, Any]) -> bool:
        """Whether values that are shown are the person's."""
        if self.names and str(values.get(self.column)) in self.names:
            return True
        return any(isinstance(each, str) and each.startswith(self.marks) for each in values.values())


def person(ws: Surface, dataset: str, subjects: Sequence[str], identifier: str) -> Person:
    """What tells a person's rows in a dataset.

    Args:
        ws: The workspace.
        dataset: The dataset.
        subjects: The person's random names.
        identifier: As it stands in the subject's column before it is masked; empty if it is not known.
    """
    standing: Standing = ws.call("privacy.standing", dataset=dataset)
    column = standing.policy.subject
    names = {identifier} if identifier and column else set()
    rule = standing.policy.rules.get(column)
    if names and isinstance(rule, Token):
        key = Keyring(ws).domain(rule.domain).key("token")
        names |= set(token(pl.Series([identifier]), rule, key).to_list())
    return Person(tuple(f"{MARK}{each}." for each in subjects), column, frozenset(names))
