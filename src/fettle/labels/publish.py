"""A state of labelling as a table: the source rows with their labels, ready to train on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from fettle.core import canonical
from fettle.core.errors import Conflict
from fettle.labels.records import Agreed, Answer, Guess, Kind

SEVERAL = "|"


def with_guesses(
    agreed: Sequence[Agreed], guesses: Sequence[Guess], numbers: Mapping[str, int]
) -> list[Agreed]:
    """The labels of people, and of labelling functions where no person said anything."""
    known = {each.key for each in agreed}
    more = [
        Agreed(
            numbers[each.key], each.key, Answer(labels=[each.label]), each.confidence, 0, source="functions"
        )
        for each in guesses
        if each.key not in known and each.key in numbers
    ]
    return [*agreed, *more]


def labelled_rows(
    frame: pl.DataFrame,
    keys: Sequence[str],
    agreed: Sequence[Agreed],
    *,
    kind: Kind,
    classes: Sequence[str],
    column: str = "label",
    everything: bool = False,
) -> pl.DataFrame:
    """Join labels to their rows.

    Added are `label`, `label_confidence`, `label_annotators` and `label_source`; for several classes also a column of
    true and false for each. Spans are JSON.

    Args:
        frame: The source rows.
        keys: Their keys, as `rows.keys_of` names them.
        agreed: The labels; ties have none.
        kind: What they are.
        classes: The classes, in order.
        column: The label's column, and the beginning of the names of the others.
        everything: Keep rows without a label too; their label is missing.

    Raises:
        Conflict: The table has such a column already.
    """
    found: dict[str, list[Any]] = {name: [] for name in ("_key", column, *(_extra(column)))}
    flags: dict[str, list[bool]] = {name: [] for name in classes} if kind == "multi" else {}
    for each in agreed:
        if each.answer is None:
            continue
        values = (each.key, text_of(each.answer, kind), each.confidence, each.annotators, each.source)
        for name, value in zip(found, values, strict=True):
            found[name].append(value)
        for name, values_of in flags.items():
            values_of.append(name in each.answer.labels)
    several = {f"{column}_{name}": values for name, values in flags.items()}
    added = pl.DataFrame({**found, **several}, schema=_schema(column, several))
    if taken := [name for name in added.columns if name in frame.columns]:
        raise Conflict(
            f"The rows have a column {taken[0]!r} already.",
            found=f"columns: {', '.join(frame.columns[:12])}",
            hint="Choose another name: --column NAME",
        )
    joined = frame.with_columns(pl.Series("_key", keys, dtype=pl.String)).join(
        added, on="_key", how="left" if everything else "inner", maintain_order="left"
    )
    return joined.drop("_key")


def _extra(column: str) -> tuple[str, str, str]:
    return f"{column}_confidence", f"{column}_annotators", f"{column}_source"


def _schema(column: str, several: Mapping[str, Any]) -> dict[str, Any]:
    confidence, annotators, source = _extra(column)
    known = {
        "_key": pl.String,
        column: pl.String,
        confidence: pl.Float64,
        annotators: pl.Int64,
        source: pl.String,
    }
    return {**known, **dict.fromkeys(several, pl.Boolean)}


def text_of(answer: Answer, kind: Kind) -> str:
    """A label as the value of a column: the class, classes joined by `|`, the text, or spans as JSON."""
    match kind:
        case "single":
            return answer.labels[0]
        case "multi":
            return SEVERAL.join(answer.labels)
        case "text":
            return answer.text
        case "spans":
            return canonical.encode(answer.spans).decode()
