"""Files of Label Studio and CSV: read, written, and read again without loss."""

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound
from fettle.data.versions import commit_frame
from fettle.labels import delimited, label_studio
from fettle.labels.records import Annotation, Answer, Span, Stored
from fettle.workspace import Workspace
from tests.conftest import new_workspace
from tests.labels.conftest import TOPICS

TASKS = [
    {
        "id": 4711,
        "data": {"text": "Ada 🚀 met Charles in London.", "source": "letter"},
        "annotations": [
            {
                "id": 9001,
                "completed_by": {"id": 7, "email": "ada@example.com"},
                "was_cancelled": False,
                "lead_time": 12.5,
                "created_at": "2024-02-03T04:05:06.789000Z",
                "result": [
                    {
                        "id": "x1",
                        "from_name": "ner",
                        "to_name": "text",
                        "type": "labels",
                        "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PERSON"]},
                    },
                    {
                        "id": "x2",
                        "from_name": "ner",
                        "to_name": "text",
                        "type": "labels",
                        "value": {"start": 22, "end": 28, "text": "London", "labels": ["PLACE"]},
                    },
                ],
            },
            {
                "id": 9002,
                "completed_by": 8,
                "was_cancelled": True,
                "result": [],
                "created_at": "2024-02-03T05:00:00Z",
            },
        ],
        "predictions": [],
    },
    {"id": 4712, "data": {"text": "Nobody was there.", "source": "diary"}, "annotations": []},
]


def choices(task: int, *names: str) -> dict[str, Any]:
    result = [{"type": "choices", "from_name": "c", "to_name": "t", "value": {"choices": list(names)}}]
    return {"id": task * 10, "completed_by": 1, "result": result, "created_at": "2024-02-03T04:05:06Z"}


def test_a_label_studio_project_becomes_one_of_ours_and_goes_back(ws: Workspace, tmp_path):
    file = tmp_path / "export.json"
    file.write_text(json.dumps(TASKS))
    made = getattr(ws.labels, "import")("people", file)
    assert (made.items, made.annotations, made.unmatched) == (1, 2, 0)
    project = ws.labels.show("people")
    assert (project.kind, project.text, project.names, project.items) == (
        "spans",
        "text",
        ["PERSON", "PLACE"],
        2,
    )
    stored = ws.labels.answers("people")[0]
    assert stored.foreign == 4711
    by = {each.annotator: each for each in stored.annotations}
    assert by["ada@example.com"].answer.spans == [
        Span(0, 3, "PERSON"),
        Span(21, 27, "PLACE"),
    ]  # 🚀 is one sign here
    assert by["ada@example.com"].seconds == 12.5
    assert (by["8"].state, by["8"].foreign) == ("skipped", 9002)
    assert ws.call("data.show", ref="people").rows == 2

    back = tmp_path / "back.json"
    ws.labels.export("people", back, only="all")
    tasks = json.loads(back.read_text())
    assert [each["id"] for each in tasks] == [4711, 4712]
    assert tasks[0]["data"] == TASKS[0]["data"]
    first = next(each for each in tasks[0]["annotations"] if each["id"] == 9001)
    assert [each["value"] for each in first["result"]] == [
        each["value"] for each in TASKS[0]["annotations"][0]["result"]
    ]
    assert first["lead_time"] == 12.5
    assert next(each for each in tasks[0]["annotations"] if each["id"] == 9002)["was_cancelled"] is True
    assert "<Labels" in back.with_suffix(".xml").read_text()
    assert getattr(ws.labels, "import")("people", back).annotations == 0  # all of it is there already


@pytest.mark.parametrize("several", [False, True])
def test_choices_and_texts_are_told_apart(several: bool):
    tasks = [{"data": {"t": "x"}, "annotations": [choices(1, "a", "b") if several else choices(1, "a")]}]
    assert label_studio.kind_of(tasks) == (("multi", ["a", "b"], "") if several else ("single", ["a"], ""))
    read = label_studio.read_tasks(tasks)[0].annotations[0]
    assert read.answer.labels == (["a", "b"] if several else ["a"])
    said = {"type": "textarea", "value": {"text": ["one", "two"]}}
    texts = [{"data": {"t": "x"}, "annotations": [{"completed_by": 1, "result": [said]}]}]
    assert label_studio.kind_of(texts)[0] == "text"
    assert label_studio.read_tasks(texts)[0].annotations[0].answer.text == "one\ntwo"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("{}", "no Label Studio export"),
        ('[{"text": "x"}]', "Task 1 has no data"),
        ('[{"data": {"t": "x"}, "annotations": []}]', "do not tell"),
        (
            '[{"data": {"t": "x"}, "annotations": [{"result": [{"type": "rectanglelabels", "value": {}}]}]}]',
            "do not tell",
        ),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(ws: Workspace, tmp_path, text: str, said: str):
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(Invalid) as error:
        getattr(ws.labels, "import")("bad", file)
    assert said in error.value.message
    assert ws.labels.projects() == []
    assert [each.name for each in ws.call("data.datasets")] == ["calls"]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_answers_survive_the_journey(ws: Workspace, tmp_path, form: str):
    """Exported here, imported into the same project elsewhere: the same answers of the same people."""
    ws.labels.create("tags", "calls", kind="multi", classes=["a|b", "c"], show=["text"])
    ws.labels.label("tags", 1, labels=["c", "a|b"], note="=2+2", flag=True, seconds=3.5)
    ws.labels.label("tags", 1, labels=[], annotator="bea")
    ws.labels.skip("tags", 2)
    file = tmp_path / f"out.{form}"
    assert ws.labels.export("tags", file, only="all").annotations == 3
    assert getattr(ws.labels, "import")("tags", file).annotations == 0  # nothing that was not known
    with new_workspace(tmp_path / "other", actor="user:cyd") as other:
        commit_frame(other, "calls", pl.DataFrame(_rows(ws)), profile=False, key=["id"])
        other.labels.create("tags", "calls", kind="multi", classes=["a|b", "c"], show=["text"])
        assert getattr(other.labels, "import")("tags", file).annotations == 3
        ours = [each.annotations for each in ws.labels.answers("tags", only="all") if each.annotations]
        theirs = [each.annotations for each in other.labels.answers("tags", only="all") if each.annotations]
        assert [_plain(each) for each in theirs] == [_plain(each) for each in ours]
        assert getattr(other.labels, "import")("tags", file).annotations == 0


def _rows(ws: Workspace) -> list[dict[str, Any]]:
    from fettle.data.versions import load

    return load(ws, "calls").to_dicts()


def _plain(given: list[Annotation]) -> list[tuple]:
    return [
        (each.annotator, each.state, each.answer, each.flagged, each.note, each.seconds, each.at)
        for each in given
    ]


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)


@given(
    st.lists(
        st.builds(
            Annotation,
            item=st.just(3),
            annotator=NAMES,
            state=st.just("labelled"),
            answer=st.builds(
                Answer, labels=st.lists(NAMES, max_size=3, unique=True), text=NAMES, spans=st.just([])
            ),
            flagged=st.booleans(),
            note=NAMES,
            seconds=st.sampled_from([0.0, 1.5]),
            at=st.just(datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ),
        max_size=4,
    )
)
def test_whatever_is_written_as_csv_is_read_again(annotations):
    text = delimited.write([Stored(3, "[1]", {}, annotations)])
    read = delimited.read(text, now=datetime(2024, 1, 1, tzinfo=UTC))
    assert [each for _, _, each in read] == annotations
    for line in text.splitlines()[1:]:
        assert not line.startswith(("=", "+", "-", "@"))


def test_a_csv_of_ones_own(ws: Workspace, tmp_path):
    ws.labels.create("topics", "calls", classes=TOPICS, show=["text"])
    file = tmp_path / "own.csv"
    file.write_text("key,annotator,labels\n[0],bea,billing\n[999],bea,outage\n")
    made = getattr(ws.labels, "import")("topics", file)
    assert (made.annotations, made.unmatched) == (1, 1)
    file.write_text("id,label\n1,x\n")
    with pytest.raises(Invalid, match="holds no annotations"):
        getattr(ws.labels, "import")("topics", file)
    file.write_text("item,annotator,labels,at\n1,bea,outage,yesterday\n")
    with pytest.raises(Invalid, match="Line 2"):
        getattr(ws.labels, "import")("topics", file)
    with pytest.raises(NotFound):
        getattr(ws.labels, "import")("topic", file)
    with pytest.raises(Invalid, match="not understood"):
        ws.labels.export("topics", tmp_path / "x.xlsx")
