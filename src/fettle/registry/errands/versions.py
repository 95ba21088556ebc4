"""Versions brought here: downloaded, or asked the same rows."""

from __future__ import annotations

from typing import Any

from fettle.acts import Surface, errand
from fettle.registry.records.comparison import VersionComparison

MOST_ROWS = 10_000


@errand("registry.compare", reads=True)
def compare(
    ws: Surface,
    model: str,
    a: str,
    b: str,
    *,
    rows: list[dict[str, Any]] | None = None,
    data: str | None = None,
) -> VersionComparison:
    """Compare two versions of a model: what is known of them, and what they answer to the same rows, here and now.

    Args:
        model: The model.
        a: A version or alias.
        b: Another.
        rows: What both are asked, column → value.
        data: A version of a dataset instead, such as `churn@v2`, of which the first 10,000 rows are asked. Without
            either, both are asked the examples of both bundles.
    """
    import msgspec

    from fettle.packaging.predictor import Predictor
    from fettle.registry import answers, loading

    one, other = loading.find(ws, f"{model}@{a}"), loading.find(ws, f"{model}@{b}")
    known: VersionComparison = ws.call(
        "registry.differences", model=one.model, a=one.version, b=other.version
    )
    if "foreign" in (one.kind, other.kind):
        note = answers.Answers(note="only bundles can be asked; a version has files of another tool")
        return msgspec.structs.replace(known, answers=note)
    models = [Predictor(loading.fetch(ws, each)) for each in (one, other)]
    asked = (
        rows if rows is not None else _rows(ws, data) if data else [row for m in models for row in m.examples]
    )
    return msgspec.structs.replace(known, answers=answers.compare(models[0], models[1], asked))


@errand("registry.download", reads=True)
def download(ws: Surface, ref: str, to: str) -> str:
    """Write the files of a version into a new folder, each checked against its digest.

    Args:
        ref: `fraud@champion`, `fraud@3`, or the first 8 or more characters of a digest.
        to: The folder; it must not be there, or be empty.
    """
    from pathlib import Path

    from fettle.registry import downloads, loading

    return str(downloads.write(ws, loading.find(ws, ref), Path(to)))


def _rows(ws: Surface, data: str) -> list[dict[str, Any]]:
    from fettle.data import versions
    from fettle.packaging.rows import json_rows

    return json_rows(versions.frame(ws, data).head(MOST_ROWS).collect())
