"""The queue against a simple model: who gets which item, how long it is kept, and what undo brings back."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fettle.acts import Role
from fettle.core.clock import FrozenClock
from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.data.versions import commit_frame
from fettle.labels.records import Item, Project, Span
from tests.conftest import new_workspace
from tests.labels.conftest import TOPICS, calls

PEOPLE = ("ada", "bea", "cyd")


@pytest.fixture
def project(ws) -> Project:
    return ws.labels.create("topics", "calls", classes=TOPICS, show=["text"], annotators=2)


def take(ws: Any, who: str = "ada", count: int = 1, **more: Any) -> list[int]:
    return [each.item for each in ws.labels.next("topics", count=count, annotator=who, **more)]


def answer(ws: Any, item: int, label: str = "billing", who: str = "ada") -> None:
    ws.labels.label("topics", item, labels=[label], annotator=who)


def test_a_project_is_made_of_a_version(ws, project):
    assert (project.items, project.key, project.text, project.kind) == (30, ["id"], "", "single")
    assert [each.key for each in project.classes] == ["1", "2", "3"]
    task = ws.labels.next("topics")[0]
    assert list(task.values) == ["text"]
    with pytest.raises(Conflict, match="already"):
        ws.labels.create("topics", "calls", classes=TOPICS)


def test_the_random_order_is_the_same_each_time_and_not_that_of_the_rows(ws, project):
    ws.labels.create("again", "calls", classes=TOPICS, show=["text"])
    one = [each.values for each in ws.labels.next("topics", count=20)]
    two = [each.values for each in ws.labels.next("again", count=20)]
    assert one == two
    assert [each["text"] for each in one] != calls(30)["text"].to_list()[:20]


def test_one_annotator_an_item_means_one(ws, project):
    ws.labels.change("topics", annotators=1)
    first, second = take(ws, "ada", 5), take(ws, "bea", 5)
    assert not set(first) & set(second)
    answer(ws, first[0])
    assert first[0] not in take(ws, "bea", 20)


def test_two_annotators_an_item_get_the_same_and_no_third(ws, project):
    assert take(ws, "ada", 3) == take(ws, "bea", 3) == [1, 2, 3]
    assert take(ws, "cyd", 3) == [4, 5, 6]


def test_what_is_kept_comes_again_until_it_is_answered_or_the_time_is_over(ws, project, clock):
    ws.labels.change("topics", annotators=1)
    assert take(ws, "ada") == take(ws, "ada") == [1]
    assert take(ws, "bea") == [2]
    assert [each.item for each in ws.labels.kept("topics", annotator="ada")] == [1]
    clock.advance(601)
    assert ws.labels.kept("topics", annotator="ada") == []
    assert take(ws, "cyd") == [1]


def test_skipped_items_go_to_others_only(ws, project):
    ws.labels.skip("topics", take(ws)[0], annotator="ada", note="not my language")
    assert take(ws) == [2]
    assert take(ws, "bea") == [1]
    assert ws.labels.progress("topics").annotators[0].skipped == 1


def test_undo_brings_back_what_was_said_before(ws, project):
    answer(ws, 1, "billing")
    answer(ws, 2, "outage")
    answer(ws, 1, "praise")  # changed one's mind
    assert ws.labels.undo("topics", annotator="ada").annotation.answer.labels == ["billing"]
    assert ws.labels.undo("topics", annotator="ada").item == 2
    task = ws.labels.undo("topics", annotator="ada")
    assert (task.item, task.annotation) == (1, None)
    with pytest.raises(NotFound, match="nothing to undo"):
        ws.labels.undo("topics", annotator="ada")
    assert take(ws, count=3) == [1, 2, 3]


def test_an_undone_answer_opens_its_item_for_all(ws, project):
    ws.labels.change("topics", annotators=1)
    answer(ws, 1)
    assert take(ws, "bea") == [2]
    answer(ws, 2, who="bea")
    ws.labels.undo("topics", annotator="ada")
    ws.call("labels.skip", project="topics", item=1, annotator="ada")
    assert take(ws, "bea") == [1]


def test_back_and_forward_follow_the_annotators_own_way(ws, project):
    for item in (3, 1, 2):
        answer(ws, item)
    task = ws.labels.task("topics", 1, annotator="ada")
    assert (task.previous, task.following) == (3, 2)
    assert ws.labels.task("topics", 9, annotator="ada").previous == 2
    assert ws.labels.task("topics", 9, annotator="bea").previous == 0


def test_disagreement_comes_first_when_asked_for(ws, project, clock):
    for item, label in ((1, "praise"), (2, "billing"), (3, "outage")):
        answer(ws, item, "billing", "ada")
        answer(ws, item, label, "bea")
    assert take(ws, "cyd", 5, by="disagreement") == [1, 3]
    assert take(ws, "ada", 5, by="disagreement") == []
    ws.labels.change("topics", order="disagreement")
    clock.advance(601)  # what cyd had is free again
    assert take(ws, "dan", 3) == [1, 3, 4]


def test_uncertain_items_come_first_once_a_model_was_asked(ws, project, tmp_path):
    from fettle.labels import rank_by

    made = rank_by(ws, "topics", lambda frame: 0.5 + (frame["id"].to_numpy() / 100))
    assert made.order == "uncertainty"
    tasks = ws.labels.next("topics", count=3)
    assert [each.values["text"].partition(":")[0] for each in tasks] == ["Call 0", "Call 1", "Call 2"]
    assert tasks[0].score == pytest.approx(1.0)
    file = tmp_path / "p.csv"
    pl.DataFrame({"id": range(30), "yes": [0.5 + 0.01 * (29 - row) for row in range(30)]}).write_csv(file)
    ws.labels.rank("topics", columns=["yes"], file=file)
    assert ws.labels.next("topics", annotator="bea")[0].values["text"].startswith("Call 29")
    with pytest.raises(NotFound, match="p_yes"):
        ws.labels.rank("topics", columns=["p_yes"])
    with pytest.raises(Invalid, match="holds no probabilities"):
        ws.labels.rank("topics", columns=["text"])


def test_more_annotators_open_items_again(ws, project):
    for who in ("ada", "bea"):
        answer(ws, 1, who=who)
    assert take(ws, "cyd") == [2]
    ws.labels.change("topics", annotators=3)
    assert take(ws, "dan") == [1]
    assert ws.labels.progress("topics").done == 0


def test_newer_rows_join_at_the_end(ws, project):
    for item in range(1, 31):
        answer(ws, item)
    assert take(ws) == []
    commit_frame(ws, "calls", calls(33), profile=False, key=["id"])
    assert ws.labels.extend("topics").items == 33
    assert sorted(take(ws, count=5)) == [31, 32, 33]
    assert ws.labels.extend("topics").items == 33


def test_answers_must_fit(ws, project):
    for labels, kind, said in (
        ([], Invalid, "one class"),
        (["a", "b"], NotFound, "class"),
        (["bilin"], NotFound, "billing"),
    ):
        with pytest.raises(kind) as error:
            ws.labels.label("topics", 1, labels=labels)
        assert said in f"{error.value.message} {error.value.found} {error.value.hint}"
    with pytest.raises(Invalid, match="asks for one class"):
        ws.labels.label("topics", 1, text="billing")
    with pytest.raises(NotFound, match="no item 31"):
        ws.labels.label("topics", 31, labels=["billing"])
    ws.labels.create("words", "calls", kind="spans", classes=["THING"], show=["text"])
    with pytest.raises(Invalid, match="within its text"):
        ws.labels.label("words", 1, spans=[Span(3, 900, "THING")])
    ws.labels.create("notes", "calls", kind="text", show=["text"])
    with pytest.raises(Invalid, match="asks for a text"):
        ws.labels.label("notes", 1, text="  ")
    with pytest.raises(NotFound, match="labelling project"):
        ws.labels.next("topic")


def test_only_an_approver_speaks_for_others(ws, project):
    arguments = {"project": "topics", "item": 1, "labels": ["billing"]}
    ws.perform("labels.label", arguments, actor="user:eve", role=Role.EDITOR)
    with pytest.raises(Denied, match="another's name"):
        ws.perform("labels.label", {**arguments, "annotator": "ada"}, actor="user:eve", role=Role.EDITOR)
    with pytest.raises(Denied):
        ws.perform("labels.label", arguments, actor="user:eve", role=Role.VIEWER)
    assert ws.labels.progress("topics").annotators[0].annotator == "user:eve"


def test_rows_without_a_key_are_named_by_their_values(ws):
    commit_frame(ws, "words", pl.DataFrame({"text": ["a", "b", "a"]}), profile=False)
    made = ws.labels.create("words", "words", classes=["x", "y"])
    assert (made.items, made.key) == (2, [])
    with pytest.raises(Invalid, match="does not tell rows apart"):
        ws.labels.create("keyed", "words", classes=["x", "y"], key=["text"])
    with pytest.raises(Invalid, match="two classes"):
        ws.labels.create("none", "words", classes=["x"])
    with pytest.raises(Invalid, match="means something else"):
        ws.labels.create("none", "words", classes=["s=x", "y"])


def test_a_removed_project_is_gone(ws, project):
    answer(ws, 1)
    ws.labels.drop("topics")
    assert ws.labels.projects() == []
    ws.labels.create("topics", "calls", classes=TOPICS)
    assert ws.labels.progress("topics").answers == 0


class Queue(RuleBasedStateMachine):
    """Three people, eight items, two answers an item; whatever they do, the queue says what the model says."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.clock = FrozenClock(datetime(2024, 3, 1, tzinfo=UTC))
        self.ws = new_workspace(self.folder.name, clock=self.clock)
        from fettle.core import canonical
        from fettle.labels.keys import classes_of
        from fettle.storage.objects import put_object

        items = b"\n".join(
            canonical.encode(Item(f"k{place}", {"n": place}, place=place)) for place in range(8)
        )
        terms = ("p", "d", "c", "single", classes_of(["a", "b"]), "", ["n"], "", [], 2, "given", 100.0, 0)
        project = Project(*terms, created_at=self.clock.now(), created_by="")
        self.ws.call("labels.open_project", project=project, items=put_object(self.ws.blobs, items))
        self.said: dict[tuple[int, str], str] = {}  # "" means skipped
        self.turns: dict[str, list[tuple[int, str | None]]] = {who: [] for who in PEOPLE}
        self.kept: dict[tuple[int, str], datetime] = {}

    def teardown(self) -> None:
        self.ws.close()
        self.folder.cleanup()

    def answers(self, item: int) -> list[str]:
        return [label for (one, _), label in self.said.items() if one == item and label]

    def held(self, item: int, *, not_by: str = "", by: str = "") -> int:
        now = self.clock.now()
        return sum(
            until > now and one == item and (who == by if by else who != not_by)
            for (one, who), until in self.kept.items()
        )

    @rule(who=st.sampled_from(PEOPLE), count=st.integers(1, 4))
    def next(self, who: str, count: int) -> None:
        mine = [item for item in range(1, 9) if self.held(item, by=who)][:count]
        free = [
            item
            for item in range(1, 9)
            if (item, who) not in self.said
            and item not in mine
            and len(self.answers(item)) < 2
            and len(self.answers(item)) + self.held(item, not_by=who) < 2
        ]
        wanted = mine + free[: count - len(mine)]
        got = self.ws.call("labels.next", project="p", count=count, annotator=who)
        assert [each.item for each in got] == wanted
        for item in wanted:
            self.kept[item, who] = self.clock.now() + (got[0].until - self.clock.now())

    @rule(who=st.sampled_from(PEOPLE), item=st.integers(1, 8), label=st.sampled_from(["a", "b", ""]))
    def say(self, who: str, item: int, label: str) -> None:
        if label:
            self.ws.call("labels.label", project="p", item=item, labels=[label], annotator=who)
        else:
            self.ws.call("labels.skip", project="p", item=item, annotator=who)
        self.turns[who].append((item, self.said.get((item, who))))
        self.said[item, who] = label
        self.kept.pop((item, who), None)

    @rule(who=st.sampled_from(PEOPLE))
    def undo(self, who: str) -> None:
        if not self.turns[who]:
            return
        item, before = self.turns[who].pop()
        task = self.ws.call("labels.undo", project="p", annotator=who)
        assert task.item == item
        if before is None:
            del self.said[item, who]
            assert task.annotation is None
        else:
            self.said[item, who] = before
            assert task.annotation.answer.labels == ([before] if before else [])
        self.kept[item, who] = task.until

    @rule(seconds=st.sampled_from([40, 101]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def counts_are_right(self) -> None:
        found = self.ws.call("labels.progress", project="p")
        assert found.answers == sum(label != "" for label in self.said.values())
        assert found.done == sum(len(self.answers(item)) >= 2 for item in range(1, 9))
        assert found.disputed == sum(len(set(self.answers(item))) > 1 for item in range(1, 9))


Queue.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestQueue = Queue.TestCase
