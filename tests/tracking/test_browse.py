"""Lists of traces, page by page, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fettle.acts import Surface
from fettle.core.errors import Invalid, NotFound
from fettle.workspace import Workspace

AT = datetime(2026, 3, 1, tzinfo=UTC)
STATES = ("OK", "ERROR", "OK", "IN_PROGRESS")


@pytest.fixture
def traced(either: Surface) -> Surface:
    """A workspace with 23 traces in two experiments; several of them began at once, or took as long."""
    numbers = [either.tracking.make_experiment(name).number for name in ("one", "two")]
    for place in range(23):
        trace = {
            "id": f"tr-{place:02d}",
            "experiment": numbers[place % 2],
            "at": AT + timedelta(seconds=place // 3),
            "state": STATES[place % 4],
            "duration_ms": None if place % 4 == 3 else place % 5,
            "request": "100% of Äpfel" if place == 4 else "a_b",
            "run": "r1" if place < 3 else "",
            "tags": {"mlflow.traceName": f"name{place}"},
        }
        either.call("tracking.put_trace", trace=trace)
    return either


@pytest.mark.parametrize("order_by", ["-at", "at", "-took", "took"])
def test_pages_hold_each_trace_once_in_order(traced: Surface, order_by: str) -> None:
    found, cursor = [], None
    while True:
        page = traced.call("tracking.trace_page", order_by=order_by, cursor=cursor, limit=4)
        found += page.traces
        cursor = page.next
        if cursor is None:
            break
    assert len({each.id for each in found}) == len(found) == 23
    keys = [
        each.at.timestamp() if "at" in order_by else -1 if each.duration_ms is None else each.duration_ms
        for each in found
    ]
    assert keys == sorted(keys, reverse=order_by.startswith("-"))


def test_traces_are_narrowed_and_counted(traced: Surface) -> None:
    page = traced.call("tracking.trace_page", experiment="two", state="ERROR")
    assert {each.state for each in page.traces} == {"ERROR"} and {
        each.experiment for each in page.traces
    } == {"two"}
    assert page.states == {"ERROR": 6, "IN_PROGRESS": 5}
    assert [each.id for each in traced.call("tracking.trace_page", words="100% OF").traces] == ["tr-04"]
    assert [each.id for each in traced.call("tracking.trace_page", words="Äpfel").traces] == ["tr-04"]
    assert len(traced.call("tracking.trace_page", words="a_b").traces) == 22
    assert [each.name for each in traced.call("tracking.trace_page", words="name22").traces] == ["name22"]
    counted = traced.call("tracking.trace_page", run="r1", limit=0)
    assert counted.traces == [] and counted.next is None and sum(counted.states.values()) == 3


@pytest.mark.parametrize("cursor", ["x", "1", "1~", "~tr", "9" * 30 + "~tr", "²~tr"])
def test_what_is_no_cursor_is_refused(workspace: Workspace, cursor: str) -> None:
    with pytest.raises(Invalid, match="no cursor"):
        workspace.call("tracking.trace_page", cursor=cursor)
    with pytest.raises(NotFound):
        workspace.call("tracking.trace_page", experiment="none")
