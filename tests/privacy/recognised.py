"""Precision and recall of the recognisers on the corpus, kind by kind: `python -m tests.privacy.recognised`."""

from __future__ import annotations

from collections import Counter

import polars as pl

from fettle.privacy.scan import look
from tests.privacy.corpus import Column, columns


def judge(seed: int, each: int = 8) -> tuple[dict[str, tuple[int, float, float]], list[tuple[Column, str]]]:
    """Kind → columns, precision, recall; and the columns that were taken for something else."""
    truth: Counter[str] = Counter()
    said: Counter[str] = Counter()
    right: Counter[str] = Counter()
    wrong = []
    made = list(columns(seed, each))
    found = look([pl.Series(column.name, column.values, dtype=pl.String) for column in made])
    for column, kind in zip(made, [finding.kind for finding in found], strict=True):
        truth[column.kind] += 1
        said[kind] += 1
        right[kind] += kind == column.kind
        if kind != column.kind:
            wrong.append((column, kind))
    kinds = sorted({*truth, *said} - {""})
    table = {
        kind: (
            truth[kind],
            right[kind] / said[kind] if said[kind] else 0.0,
            right[kind] / max(1, truth[kind]),
        )
        for kind in kinds
    }
    return table, wrong


def lines(table: dict[str, tuple[int, float, float]]) -> list[str]:
    head = f"{'kind':<20} {'columns':>7} {'precision':>9} {'recall':>6}"
    return [
        head,
        *(
            f"{kind:<20} {count:>7} {precision:>9.3f} {recall:>6.3f}"
            for kind, (count, precision, recall) in table.items()
        ),
    ]


if __name__ == "__main__":
    import sys

    found, wrong = judge(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1, int(sys.argv[2]) if len(sys.argv) > 2 else 8
    )
    print("\n".join(lines(found)))
    for column, kind in wrong:
        print(
            f"wrong: {column.name!r} of {column.kind or 'nothing'} taken for {kind or 'nothing'}: {column.values[:3]}"
        )
