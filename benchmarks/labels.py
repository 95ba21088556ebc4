"""The labelling queue at a hundred thousand items, beside a plain query for the next item; one JSON line each.

python benchmarks/labels.py [items] [answered before]

The plain query is what one would write first: open items without an answer of mine, in their order, the first of
them. It looks at everything that was answered already; the queue remembers where it was. Taking and answering are
durable commits each, the plain query writes nothing.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import text

from fettle.core import canonical
from fettle.labels.keys import classes_of
from fettle.labels.records import Annotation, Answer, Item, Project
from fettle.storage.objects import put_object
from fettle.workspace import Workspace

PLAIN = """
SELECT i.item FROM labels_items i WHERE i.project = 'p' AND i.open = 1 AND NOT EXISTS (
  SELECT 1 FROM labels_annotations a WHERE a.project = i.project AND a.item = i.item AND a.annotator = 'ada'
) ORDER BY i.place LIMIT 1
"""


def project(ws: Workspace, items: int) -> None:
    """A project of so many items, two answers an item."""
    lines = b"\n".join(canonical.encode(Item(f"k{n}", {"text": f"item {n}"}, place=n)) for n in range(items))
    terms: tuple[Any, ...] = (
        "p",
        "d",
        "c",
        "single",
        classes_of(["a", "b"]),
        "",
        ["text"],
        "",
        [],
        2,
        "given",
        600.0,
        0,
    )
    made = Project(*terms, created_at=ws.clock.now(), created_by="")
    ws.call("labels.open_project", project=made, items=put_object(ws.blobs, lines))


def answered(ws: Workspace, count: int) -> None:
    """Let ada have answered the first items."""
    at = ws.clock.now()
    for start in range(0, count, 2000):
        given = [
            Annotation(n + 1, "ada", "labelled", Answer(labels=["a"]), False, "", 1.0, at)
            for n in range(start, min(start + 2000, count))
        ]
        ws.call("labels.record", project="p", annotations=given)


def milliseconds(spent: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {
        "median_ms": statistics.median(spent) * 1000,
        "p95_ms": statistics.quantiles(spent, n=20)[-1] * 1000,
    }


def timed(work: Callable[[], Any], spent: list[float]) -> Any:
    start = time.perf_counter()
    made = work()
    spent.append(time.perf_counter() - start)
    return made


def show(what: str, figures: dict[str, float]) -> None:
    print(json.dumps({"what": what} | {name: round(value, 3) for name, value in figures.items()}))


def main() -> None:
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    before = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    with tempfile.TemporaryDirectory() as folder, Workspace.create(folder) as ws:
        project(ws, items)
        answered(ws, before)

        taking: list[float] = []
        answering: list[float] = []
        asking: list[float] = []

        def take() -> int:
            return ws.call("labels.next", project="p", annotator="ada")[0].item

        def answer(item: int) -> None:
            ws.call("labels.label", project="p", item=item, labels=["b"], annotator="ada")

        def plain() -> None:
            with ws.database.read() as tx:
                tx.execute(text(PLAIN)).one()

        timed(take, first := [])  # looks at all that was answered before, once
        for _ in range(200):
            item = timed(take, taking)
            timed(partial(answer, item), answering)
            timed(plain, asking)
        show("the very first, all answers before it still to pass", {"ms": first[0] * 1000})
        show(f"take and keep the next of {items:,}", milliseconds(taking))
        show("answer it", milliseconds(answering))
        show(f"plain query, {before:,} answered before", milliseconds(asking))


if __name__ == "__main__":
    main()
