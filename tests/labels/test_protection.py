"""What labels copy of people: nothing that a policy wants masked, and nothing of a person who was erased."""

import json
from pathlib import Path

import polars as pl
import pytest

from fettle.core.errors import GateFailed
from fettle.data.versions import commit_frame, load
from fettle.privacy.records import Encrypt, Policy, Token
from fettle.workspace import Workspace

PEOPLE = pl.DataFrame(
    {
        "customer": ["C-1", "C-2", "C-1", "C-3"],
        "email": ["ada@example.org", "bob@example.org", "ada@example.org", "eve@example.org"],
        "text": ["Ada calls from Rome.", "Nothing.", "Ada calls again.", "Where is it?"],
    }
)
POLICY = Policy(rules={"customer": Token(), "email": Encrypt()}, subject="customer")
CLASSES = ["good", "bad"]


@pytest.fixture(autouse=True)
def no_keys_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETTLE_PRIVACY_KEY", raising=False)
    monkeypatch.delenv("FETTLE_PRIVACY_KEY_OLD", raising=False)


def test_columns_in_plain_are_not_copied(ws: Workspace):
    commit_frame(ws, "people", PEOPLE, profile=False)
    ws.privacy.set_policy("people", POLICY)

    with pytest.raises(GateFailed, match="Annotators would see") as error:
        ws.labels.create("moods", "people", classes=CLASSES)
    assert "email (encrypt)" in error.value.found
    assert "customer (token)" in error.value.found
    with pytest.raises(GateFailed):
        ws.labels.create("moods", "people", classes=CLASSES, show=["text"], key=["email"])

    made = ws.labels.create("moods", "people", classes=CLASSES, show=["text"])
    assert made.show == ["text"]


def test_a_masked_version_is_shown_masked(ws: Workspace):
    ws.privacy.set_policy("people", POLICY)
    commit_frame(ws, "people", PEOPLE, profile=False)

    ws.labels.create("moods", "people", classes=CLASSES)

    for each in ws.labels.answers("moods", only="all"):
        assert each.values["email"].startswith("enc1.")


def test_a_file_leaves_out_what_a_younger_policy_wants_masked(ws: Workspace, tmp_path: Path):
    commit_frame(ws, "people", PEOPLE, profile=False)
    ws.labels.create("moods", "people", classes=CLASSES)
    ws.privacy.set_policy("people", Policy(rules={"email": Encrypt()}, subject="customer"))

    made = ws.labels.export("moods", tmp_path / "out.json", only="all")

    assert made.left_out == ["email"]
    text = (tmp_path / "out.json").read_text()
    assert "example.org" not in text
    assert {task["data"]["text"] for task in json.loads(text)} == set(PEOPLE["text"])


def test_keys_in_plain_are_left_out_too(ws: Workspace, tmp_path: Path):
    commit_frame(ws, "people", PEOPLE.unique("email", keep="first"), profile=False, key=["email"])
    ws.labels.create("moods", "people", classes=CLASSES, show=["text"])
    ws.labels.label("moods", 1, labels=["good"])
    ws.privacy.set_policy("people", Policy(rules={"email": Token()}))

    made = ws.labels.export("moods", tmp_path / "out.csv")

    assert made.left_out == ["email"]
    assert "example.org" not in (tmp_path / "out.csv").read_text()


def test_tasks_of_another_tool_are_masked_on_their_way_in(ws: Workspace, tmp_path: Path):
    ws.privacy.set_policy("letters", Policy(rules={"email": Token()}))
    tasks = [
        {
            "id": 1,
            "data": {"text": "Hello.", "email": "ada@example.org"},
            "annotations": [
                {
                    "id": 1,
                    "completed_by": 7,
                    "result": [
                        {"from_name": "c", "to_name": "text", "type": "choices", "value": {"choices": [each]}}
                    ],
                }
            ],
        }
        for each in CLASSES
    ]
    tasks[1]["id"] = 2
    (tmp_path / "in.json").write_text(json.dumps(tasks))

    ws.labels.import_("letters", tmp_path / "in.json")

    assert "ada@example.org" not in str(load(ws, "letters").rows())
    assert "ada@example.org" not in str(ws.labels.answers("letters", only="all"))


@pytest.mark.parametrize("show", [["email", "text"], ["text"]])
def test_an_erased_person_is_gone_from_labels(ws: Workspace, show: list[str]):
    ws.privacy.set_policy("people", POLICY)
    commit_frame(ws, "people", PEOPLE, profile=False)
    ws.labels.create("moods", "people", classes=CLASSES, show=show, order="given", annotators=2)
    ws.labels.label("moods", 1, labels=["good"], note="Ada again")
    ws.labels.label("moods", 2, labels=["bad"], note="as always")

    done = ws.privacy.erase("C-1", reason="request 17")

    assert "labels moods: 2 items emptied" in done.notes
    items = {each.item: each for each in ws.labels.answers("moods", only="all")}
    assert "Ada" not in str(items)
    assert items[1].values == items[3].values == {}
    assert (items[1].annotations[0].answer.labels, items[1].annotations[0].note) == (["good"], "")
    assert items[2].annotations[0].note == "as always"
    assert {each.item for each in ws.labels.next("moods", count=9)} == {4}
    ws.labels.change("moods", annotators=3)
    assert not {1, 3} & {each.item for each in ws.labels.next("moods", count=9)}
    assert ws.labels.undo("moods") is not None
    assert "Ada again" not in str(ws.labels.answers("moods", only="all"))


def test_erasure_finds_rows_that_a_newer_version_no_longer_has(ws: Workspace):
    ws.privacy.set_policy("people", POLICY)
    commit_frame(ws, "people", PEOPLE, profile=False)
    ws.labels.create("moods", "people", classes=CLASSES, show=["email", "text"])
    commit_frame(ws, "people", PEOPLE.filter(pl.col("customer") != "C-1"), profile=False)
    ws.labels.extend("moods")

    ws.privacy.erase("C-1")

    assert "Ada" not in str(ws.labels.answers("moods", only="all"))


def test_what_carried_the_items_does_not_stay(ws: Workspace):
    commit_frame(ws, "people", PEOPLE, profile=False)

    ws.labels.create("moods", "people", classes=CLASSES)

    kept = [each for each in ws.folder.rglob("*") if each.is_file() and "objects" in each.parts]
    assert not any(b"Ada calls from Rome." in each.read_bytes() for each in kept)
