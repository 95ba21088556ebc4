"""What the answers come to: agreement, consensus, suspects, functions, and the version that is made of them."""

import pytest

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.versions import commit_frame, load
from fettle.labels.records import Span
from fettle.workspace import Workspace
from tests.labels.conftest import TOPICS, calls, topic_of


@pytest.fixture
def labelled(ws: Workspace) -> Workspace:
    """Two annotators did twelve items of `topics`; bea errs on two of them."""
    ws.labels.create("topics", "calls", classes=TOPICS, show=["text"], annotators=2, order="given")
    for item in range(1, 13):
        true = topic_of(item - 1)
        wrong = TOPICS[(TOPICS.index(true) + 1) % 3]
        ws.labels.label("topics", item, labels=[true], annotator="ada")
        ws.labels.label("topics", item, labels=[wrong if item in (3, 7) else true], annotator="bea")
    return ws


def test_agreement_of_a_project(labelled):
    found = labelled.labels.agreement("topics")
    assert found.items == 12
    assert found.observed == pytest.approx(10 / 12)
    assert [(each.one, each.two, each.items) for each in found.pairs] == [("ada", "bea", 12)]
    assert found.pairs[0].value == pytest.approx(0.75, abs=0.02)
    assert found.alpha is not None and found.fleiss is not None
    assert found.alpha == pytest.approx(1 - (1 - found.fleiss) * 23 / 24)  # α with two answers an item


def test_consensus_reports_ties_and_a_third_answer_ends_them(labelled):
    found = labelled.labels.consensus("topics")
    assert found.ties == 2
    tied = [each for each in found.items if each.answer is None]
    assert [each.item for each in tied] == [3, 7]
    assert tied[0].tied == sorted(tied[0].tied) and len(tied[0].tied) == 2
    labelled.labels.label("topics", 3, labels=[topic_of(2)], annotator="cyd")
    assert labelled.labels.consensus("topics").items[2].answer.labels == [topic_of(2)]
    modelled = labelled.labels.consensus("topics", method="dawid-skene")
    assert [each.annotator for each in modelled.workers] == ["ada", "bea", "cyd"]
    assert all(sum(row) == pytest.approx(1) for each in modelled.workers for row in each.confusion)


def test_a_state_of_labelling_is_a_version(labelled):
    made = labelled.labels.publish("topics")
    assert (made.rows, made.labelled, made.ties, made.fresh) == (10, 10, 2, True)
    assert made.ref.startswith("calls-labels@")
    frame = load(labelled, made.ref)
    assert frame.columns == [
        "id",
        "text",
        "minutes",
        "label",
        "label_confidence",
        "label_annotators",
        "label_source",
    ]
    assert frame["label"].to_list() == [topic_of(row) for row in frame["id"]]
    assert set(frame["label_annotators"]) == {2}
    commit = labelled.call("data.show", ref="calls-labels")
    assert commit.metadata["project"] == "topics"
    assert commit.metadata["made_from"] == labelled.call("data.show", ref="calls").ref
    assert commit.source.name == commit.metadata["made_from"]

    again = labelled.labels.publish("topics")
    assert (again.ref, again.fresh) == (made.ref, False)
    labelled.labels.label("topics", 3, labels=[topic_of(2)], annotator="cyd")
    third = labelled.labels.publish("topics")
    assert (third.rows, third.fresh) == (11, True)
    assert len(labelled.call("data.log", dataset="calls-labels")) == 2


def test_labels_find_their_rows_in_a_newer_version(labelled):
    newer = calls(40).filter(calls(40)["id"] != 0).reverse()
    commit_frame(labelled, "calls", newer, profile=False, key=["id"])
    made = labelled.labels.publish("topics", data="calls", everything=True)
    frame = load(labelled, made.ref)
    assert (made.rows, made.labelled) == (39, 9)
    known = frame.filter(frame["label"].is_not_null())
    assert known["label"].to_list() == [topic_of(row) for row in known["id"]]


def test_publishing_refuses_what_cannot_be(labelled):
    with pytest.raises(Conflict, match="'text' already"):
        labelled.labels.publish("topics", column="text")
    labelled.labels.create("fresh", "calls", classes=TOPICS)
    with pytest.raises(NotFound, match="has a label yet"):
        labelled.labels.publish("fresh")
    with pytest.raises(NotFound, match="have been looked for"):
        labelled.labels.publish("topics", weak=True)


def test_functions_label_what_nobody_did(labelled, tmp_path):
    file = tmp_path / "rules.py"
    file.write_text(
        "from fettle.labels import labelling_function\n\n@labelling_function\ndef thanks(row):\n"
        "    return 'praise' if 'thank' in row['text'] else None\n\n"
        "RULES = [\"text LIKE '%invoice%' -> billing\", \"text LIKE '%line%' -> outage\"]\n"
    )
    said = labelled.labels.functions("topics", file, method="majority")
    assert (said.covered, said.ties, len(said.guesses)) == (1.0, 0, 30)
    assert [each.accuracy for each in said.functions] == [1.0, 1.0, 1.0]
    assert "coverage" in said.lines()[0]
    made = labelled.labels.publish("topics", "weak", weak=True)
    frame = load(labelled, made.ref)
    assert made.rows == 28  # people tie on two of the thirty
    assert frame["label_source"].value_counts().sort("count")["count"].to_list() == [10, 18]
    assert frame["label"].to_list() == [topic_of(row) for row in frame["id"]]
    assert labelled.labels.guesses("topics").functions[0].name == "thanks"
    with pytest.raises(Invalid, match="no function"):
        labelled.labels.functions("topics")


def test_suspected_errors_are_kept_with_the_project(ws, tmp_path):
    commit_frame(ws, "many", calls(200), profile=False, key=["id"])
    ws.labels.create("many", "many", classes=TOPICS, show=["text"], order="given")
    wrong = {11, 60, 101, 150}
    for item in range(1, 201):
        true = TOPICS.index(topic_of(item - 1))
        ws.labels.label("many", item, labels=[TOPICS[(true + (item in wrong)) % 3]])
    found = ws.labels.errors("many", ignore=["minutes"])
    assert {each.item for each in found.found} == wrong
    assert all(each.suggested == topic_of(each.item - 1) for each in found.found)
    assert ws.labels.suspects("many").found == found.found
    with pytest.raises(NotFound, match="column of probabilities"):
        ws.labels.errors("many", columns=["p"])


def test_several_classes_and_spans_stand_by_more_than_half(ws):
    ws.labels.create(
        "tags", "calls", kind="multi", classes=["a", "b", "c"], show=["text"], order="given", annotators=3
    )
    for who, labels in (("ada", ["a", "b"]), ("bea", ["a"]), ("cyd", ["a", "c"])):
        ws.labels.label("tags", 1, labels=labels, annotator=who)
    assert ws.labels.consensus("tags").items[0].answer.labels == ["a"]
    assert ws.labels.consensus("tags").items[0].confidence == pytest.approx(2 / 3)
    frame = load(ws, ws.labels.publish("tags", "tagged").ref)
    assert frame.row(0, named=True)["label_a"] is True
    assert (frame["label"][0], frame["label_b"][0]) == ("a", False)

    ws.labels.create("words", "calls", kind="spans", classes=["THING"], show=["text"], order="given")
    one, two = Span(0, 4, "THING"), Span(5, 6, "THING")
    for who, spans in (("ada", [one, two]), ("bea", [one]), ("cyd", [one])):
        ws.labels.label("words", 1, spans=spans, annotator=who)
    assert ws.labels.consensus("words").items[0].answer.spans == [one]
    assert ws.labels.agreement("words").pairs[0].value == pytest.approx(2 / 3)
    assert ws.labels.progress("words").classes == {"THING": 3}
    assert (
        load(ws, ws.labels.publish("words", "worded").ref)["label"][0]
        == '[{"start":0,"end":4,"label":"THING"}]'
    )
    with pytest.raises(Invalid, match="one class"):
        ws.labels.consensus("words", method="dawid-skene")


def test_uncertainty_by_its_three_measures():
    import numpy as np

    from fettle.labels.uncertain import uncertainty

    p = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    assert uncertainty(p, "margin").tolist() == pytest.approx([1.0, 0.0, 1.0])
    assert uncertainty(p, "entropy").tolist() == pytest.approx([np.log(2) / np.log(3), 0.0, 1.0])
    assert uncertainty(p, "least-confidence").tolist() == pytest.approx([0.75, 0.0, 1.0])
    assert uncertainty(np.array([0.5, 0.9])).tolist() == pytest.approx([1.0, 0.2])
    with pytest.raises(Invalid, match="probabilities"):
        uncertainty(np.array([[0.5, 1.5]]))
