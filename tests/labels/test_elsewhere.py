"""The same story on PostgreSQL and through a server."""

import pytest

from fettle.acts import Surface
from fettle.data.versions import commit_frame
from fettle.labels.records import Span
from fettle.server.app import create_app
from fettle.workspace import Workspace
from tests.conftest import new_workspace
from tests.labels.conftest import TOPICS, calls, topic_of
from tests.listening import listening


def story(ws: Surface) -> None:
    commit_frame(ws, "calls", calls(12), profile=False, key=["id"])
    ws.labels.create("topics", "calls", classes=TOPICS, show=["text"], annotators=2, order="given")
    for who in ("bea", "cyd"):
        while tasks := ws.labels.next("topics", count=4, annotator=who):
            for task in tasks:
                said = TOPICS[0] if who == "cyd" and task.item == 5 else topic_of(task.item - 1)
                ws.labels.label("topics", task.item, labels=[said], annotator=who, seconds=2.0, note="x")
    ws.labels.undo("topics", annotator="cyd")
    assert [each.item for each in ws.labels.next("topics", annotator="cyd")] == [12]
    ws.labels.skip("topics", 12, annotator="cyd", flag=True)
    progress = ws.labels.progress("topics")
    assert (progress.done, progress.begun, progress.answers, progress.flagged) == (11, 1, 23, 1)
    assert progress.disputed == (topic_of(4) != TOPICS[0])
    assert [each.labelled for each in progress.annotators] == [12, 11]
    assert ws.labels.agreement("topics").items == 11
    assert len(ws.labels.answers("topics", only="disputed")) == progress.disputed
    assert ws.labels.consensus("topics", method="dawid-skene").ties == 0
    ws.labels.functions("topics", rules=["minutes >= 0 -> billing"])
    made = ws.labels.publish("topics")
    assert made.fresh and not ws.labels.publish("topics").fresh
    ws.labels.change("topics", annotators=3)
    assert ws.labels.next("topics", annotator="dan")[0].item == 1
    ws.labels.create("words", "calls", kind="spans", classes=["THING"], show=["text"])
    ws.labels.label("words", 1, spans=[Span(0, 4, "THING")])
    assert ws.labels.task("words", 1).annotation.answer.spans == [Span(0, 4, "THING")]
    assert [each.project.name for each in ws.labels.projects()] == ["words", "topics"]
    ws.labels.drop("words")


def test_on_postgresql(team_url: str, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    with Workspace.open(team_url) as ws:
        story(ws)


def test_through_a_server(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    with (
        new_workspace(tmp_path / "ws") as ws,
        listening(create_app(ws)) as url,
        Workspace.open(url) as remote,
    ):
        story(remote)
