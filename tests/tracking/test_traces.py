"""Traces and evaluation sets, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.tracking.records.traces import Span, Trace
from fettle.workspace import Workspace

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """A fresh workspace, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        opened = Workspace.create(tmp_path)
    else:
        opened = Workspace.open(f"{request.getfixturevalue('fresh_postgres_url')}&blobs={tmp_path}")
        assert isinstance(opened, Workspace)
    yield opened
    opened.close()


def span(trace: str, number: int, parent: str = "", *, failed: bool = False, took_ms: int = 5) -> Span:
    began = 1_700_000_000_000_000_000 + number * 1_000_000
    said: dict[str, Any] = {
        "name": f"step {number}",
        "attributes": [{"key": "ö", "value": {"stringValue": "\0🙂"}}],
    }
    return Span(
        trace, f"{number:016x}", parent, f"step {number}", began, began + took_ms * 1_000_000, failed, said
    )


def test_spans_make_their_trace(anywhere: Workspace) -> None:
    call = anywhere.call
    root, inner = span("tr-1", 1), span("tr-1", 2, f"{1:016x}")
    assert call("tracking.put_spans", experiment=0, spans=[inner]) == ["tr-1"]
    (begun,) = call("tracking.traces_of", ids=["tr-1"])
    assert (begun.state, begun.duration_ms) == ("IN_PROGRESS", None)
    call("tracking.put_spans", experiment=0, spans=[root, inner])
    (ended,) = call("tracking.traces_of", ids=["tr-1", "tr-2"])
    assert (ended.state, ended.duration_ms, ended.tags["mlflow.traceName"]) == ("OK", 5, "step 1")
    kept = call("tracking.spans_of", ids=["tr-1"])["tr-1"]
    assert [each.id for each in kept] == [root.id, inner.id]
    assert kept[0].said == root.said
    call("tracking.put_spans", experiment=0, spans=[span("tr-3", 1, failed=True)])
    assert call("tracking.traces_of", ids=["tr-3"])[0].state == "ERROR"


def test_what_a_client_says_of_a_trace_holds(anywhere: Workspace) -> None:
    told = Trace(
        "tr-1", 0, NOON, 12, "ERROR", tags={"a": "1"}, metadata={"m": "x" * 9000}, request="r" * 20_000
    )
    anywhere.call("tracking.put_trace", trace=told)
    anywhere.call("tracking.put_spans", experiment=0, spans=[span("tr-1", 1)])
    (kept,) = anywhere.call("tracking.traces_of", ids=["tr-1"])
    assert (kept.at, kept.duration_ms, kept.state, len(kept.request)) == (NOON, 12, "ERROR", 10_000)
    assert kept.tags == {"a": "1", "mlflow.trace.spansLocation": "TRACKING_STORE"}
    anywhere.call("tracking.put_trace", trace=Trace("tr-1", 0, NOON, 13, "OK", tags={"b": "2"}))
    (again,) = anywhere.call("tracking.traces_of", ids=["tr-1"])
    assert (again.duration_ms, set(again.tags) >= {"a", "b"}, again.metadata) == (13, True, told.metadata)


def test_traces_are_listed_and_deleted_by_age(anywhere: Workspace) -> None:
    call = anywhere.call
    order = list(range(20))
    random.Random(3).shuffle(order)
    for at in order:
        call("tracking.put_trace", trace=Trace(f"tr-{at:02}", 0, NOON + timedelta(seconds=at), 1, "OK"))
    newest = [each.id for each in call("tracking.traces", experiments=[0], most=3)]
    assert newest == ["tr-19", "tr-18", "tr-17"]
    assert [each.id for each in call("tracking.traces", experiments=[0], most=2, start=18)] == [
        "tr-01",
        "tr-00",
    ]
    assert call("tracking.delete_traces", experiment=0, before=NOON + timedelta(seconds=4), most=2) == 2
    assert call("tracking.delete_traces", experiment=0, ids=["tr-19", "tr-00"]) == 1
    assert len(call("tracking.traces", experiments=[0])) == 17
    assert call("tracking.traces", experiments=[7]) == []


def test_writers_at_once_lose_nothing(anywhere: Workspace) -> None:
    def tell(number: int) -> None:
        anywhere.call(
            "tracking.put_spans", experiment=0, spans=[span("tr-1", number, "" if number == 1 else "p")]
        )

    tellers = [threading.Thread(target=tell, args=(number,)) for number in range(1, 9)]
    for each in tellers:
        each.start()
    for each in tellers:
        each.join()
    assert len(anywhere.call("tracking.spans_of", ids=["tr-1"])["tr-1"]) == 8
    assert anywhere.call("tracking.traces_of", ids=["tr-1"])[0].state == "OK"


def test_what_cannot_be_kept_is_refused(anywhere: Workspace) -> None:
    call = anywhere.call
    call("tracking.put_trace", trace=Trace("tr-1", 0, NOON))
    with pytest.raises(Invalid):
        call("tracking.put_trace", trace=Trace("../x", 0, NOON))
    with pytest.raises(NotFound):
        call("tracking.put_trace", trace=Trace("tr-2", 77, NOON))
    with pytest.raises(Invalid):
        call("tracking.assess_trace", id="tr-1", assessment="a", said={"rationale": "x" * 300_000})
    with pytest.raises(NotFound):
        call("tracking.tag_trace", id="tr-9", tags={"a": "b"})
    with pytest.raises(NotFound):
        call("tracking.tag_trace", id="tr-1", untag=["a"])


def test_evaluation_sets_keep_one_record_for_each_question(anywhere: Workspace) -> None:
    call = anywhere.call
    made = call("tracking.make_evaluation_set", name="golden", experiments=[0], tags={"a": "b"})
    rows = [{"inputs": {"q": at % 7}, "expectations": {str(at): at}} for at in range(20)]
    merged = call("tracking.merge_evaluation_records", id=made.id, records=rows)
    assert (merged.inserted, merged.updated) == (7, 13)
    again = call("tracking.merge_evaluation_records", id=made.id, records=rows[:3])
    assert (again.inserted, again.updated) == (0, 3)
    known = call("tracking.evaluation_set", id=made.id)
    assert (known.records, known.fields["inputs"], known.tags) == (7, {"q": "integer"}, {"a": "b"})
    records = call("tracking.evaluation_records", id=made.id)
    assert {each.said["inputs"]["q"]: set(each.said["expectations"]) for each in records}[0] == {
        "0",
        "7",
        "14",
    }
    assert call("tracking.drop_evaluation_records", id=made.id, records=[records[0].id, "x"]) == 1
    call("tracking.delete_evaluation_set", id=made.id)
    assert call("tracking.evaluation_sets") == []
    with pytest.raises(NotFound):
        call("tracking.evaluation_records", id=made.id)
