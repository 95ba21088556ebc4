"""The nouns of labels: projects, classes, items, answers, annotations, and what is found out about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from fettle.core import canonical

Kind = Literal["single", "multi", "text", "spans"]
"""What an annotator gives: one class, any number of classes, free text, or classes for parts of a text."""

Order = Literal["random", "given", "uncertainty", "disagreement"]
"""How the next item is chosen."""

Method = Literal["majority", "dawid-skene"]
"""How the answers to one item become one label."""

Measure = Literal["margin", "entropy", "least-confidence"]
"""What counts as uncertain."""


class Class(msgspec.Struct, frozen=True):
    """A class that can be chosen, and the key that chooses it."""

    name: str
    key: str


class Project(msgspec.Struct, frozen=True):
    """What is to be labelled, by whom how often, and how.

    Attributes:
        name: The project's name.
        dataset: The dataset whose rows are labelled.
        commit: The version that the items were taken from.
        kind: What an annotator gives.
        classes: What can be chosen; empty for free text.
        instructions: What annotators should know.
        show: The columns that annotators see, in this order.
        text: The column in which spans are marked; empty for other kinds.
        key: The columns whose values name a row; empty: a row is named by the digest of all its values.
        annotators: How many annotators each item needs.
        order: How the next item is chosen.
        lease_s: How long an item is kept for the annotator who has it open.
        items: How many items there are.
        created_at: When (UTC).
        created_by: By whom.
    """

    name: str
    dataset: str
    commit: str
    kind: Kind
    classes: list[Class]
    instructions: str
    show: list[str]
    text: str
    key: list[str]
    annotators: int
    order: Order
    lease_s: float
    items: int
    created_at: datetime
    created_by: str

    @property
    def ref(self) -> str:
        """The version that the items were taken from: `churn@3f9a…`."""
        return f"{self.dataset}@{self.commit}"

    @property
    def names(self) -> list[str]:
        """The names of the classes."""
        return [each.name for each in self.classes]


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to label, as it is handed to the queue: which row, what is shown of it, and where it stands.

    `key` names the row; `foreign` is the id it has in another tool; `score` is how uncertain a model was, if one was
    asked.
    """

    key: str
    values: dict[str, Any]
    foreign: int | str | None = None
    place: int = 0
    score: float | None = None


class Span(msgspec.Struct, frozen=True, order=True):
    """A class for the characters from `start` up to, not including, `end`, counted in Unicode code points."""

    start: int
    end: int
    label: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an annotator says of an item; which of the three is filled depends on the project's kind."""

    labels: list[str] = []
    text: str = ""
    spans: list[Span] = []


def value_of(answer: Answer) -> str:
    """An answer as one text, equal for equal answers: the class, or the canonical form of several or of spans."""
    if answer.spans:
        return canonical.encode(sorted(answer.spans)).decode()
    if answer.text:
        return answer.text.strip()
    if len(answer.labels) == 1:
        return answer.labels[0]
    return canonical.encode(sorted(answer.labels)).decode()


class Annotation(msgspec.Struct, frozen=True, omit_defaults=True):
    """An annotator's present answer to an item.

    Attributes:
        item: The item's number in its project.
        annotator: Who.
        state: `labelled`, or `skipped` where there was no answer.
        answer: The answer; empty where it was skipped.
        flagged: Somebody should look at this item again.
        note: Why, in the annotator's words.
        seconds: How long it took; 0 where that is not known.
        at: When (UTC).
        foreign: Its id in another tool, if it came from there.
    """

    item: int
    annotator: str
    state: Literal["labelled", "skipped"]
    answer: Answer
    flagged: bool
    note: str
    seconds: float
    at: datetime
    foreign: int | str | None = None


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item as an annotator sees it.

    Attributes:
        item: Its number in the project.
        values: The columns to show.
        annotation: The annotator's own answer so far, if any.
        previous: The item that the annotator did before this one; 0 if there is none.
        following: The item that the annotator did after it; 0 if there is none.
        score: How uncertain a model was; None if none was asked.
        until: Until when it is kept for this annotator; None if it is not.
    """

    item: int
    values: dict[str, Any]
    annotation: Annotation | None = None
    previous: int = 0
    following: int = 0
    score: float | None = None
    until: datetime | None = None


class Pace(msgspec.Struct, frozen=True):
    """What one annotator has done; `median_s` is the usual time for an answer, 0 where none was measured."""

    annotator: str
    labelled: int
    skipped: int
    flagged: int
    median_s: float
    last_at: datetime | None


class Progress(msgspec.Struct, frozen=True):
    """How far a project is.

    Attributes:
        project: Its name.
        items: Items there are.
        done: Items that have all their answers.
        begun: Items that have some of them.
        answers: Answers there are.
        wanted: Answers that are wanted in all.
        disputed: Items whose answers differ.
        flagged: Items that somebody flagged.
        annotators: What each annotator has done.
        classes: How many answers named each class.
    """

    project: str
    items: int
    done: int
    begun: int
    answers: int
    wanted: int
    disputed: int
    flagged: int
    annotators: list[Pace]
    classes: dict[str, int]


class Stored(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item with its number and all its answers, as export and consensus read it."""

    item: int
    key: str
    values: dict[str, Any]
    annotations: list[Annotation]
    foreign: int | str | None = None
    entropy: float = 0.0


class Pair(msgspec.Struct, frozen=True):
    """How far two annotators agree on what both labelled; `value` is None where nothing can be said."""

    one: str
    two: str
    items: int
    value: float | None


class Agreement(msgspec.Struct, frozen=True):
    """How far annotators agree.

    Attributes:
        project: Its name.
        items: Items that two or more annotators labelled.
        observed: Share of pairs of answers to the same item that are equal.
        alpha: Krippendorff's α (nominal; classes, or whole answers).
        fleiss: Fleiss' κ, over the items that have the most common number of answers.
        pairs: Cohen's κ of each two annotators; for spans their F1.
        tokens: For spans: mean F1 over words that both marked the same.
    """

    project: str
    items: int
    observed: float | None
    alpha: float | None
    fleiss: float | None
    pairs: list[Pair]
    tokens: float | None = None


class Agreed(msgspec.Struct, frozen=True, omit_defaults=True):
    """The label that follows from all answers to an item.

    Attributes:
        item: The item's number.
        key: Its row.
        answer: The label; None where the answers tie.
        confidence: How sure, in [0, 1]: the share of answers for it, or the posterior probability.
        annotators: How many answers there are.
        tied: The labels that tie, where they do.
        source: `people`, or `functions` where only labelling functions spoke.
    """

    item: int
    key: str
    answer: Answer | None
    confidence: float
    annotators: int
    tied: list[str] = []
    source: Literal["people", "functions"] = "people"


class Worker(msgspec.Struct, frozen=True):
    """What Dawid–Skene finds of an annotator: `confusion[true][given]` as probabilities; rows sum to 1."""

    annotator: str
    answers: int
    accuracy: float
    confusion: list[list[float]]


class Consensus(msgspec.Struct, frozen=True):
    """The labels that follow from all answers of a project.

    Attributes:
        project: Its name.
        method: How.
        items: One for each item with an answer.
        ties: How many of them have no label because the answers tie.
        classes: How many items have each label.
        workers: What was found of each annotator; Dawid–Skene only.
    """

    project: str
    method: Method
    items: list[Agreed]
    ties: int
    classes: dict[str, int]
    workers: list[Worker] = []


class FunctionReport(msgspec.Struct, frozen=True):
    """What one labelling function does.

    Attributes:
        name: Its name, or the text of an expression.
        labels: The labels it gave.
        coverage: Share of items it labels.
        overlaps: Share of items it labels and another does too.
        conflicts: Share of items it labels and another labels differently.
        correct: Items it labels as the annotators do.
        incorrect: Items it labels otherwise.
        accuracy: correct / (correct + incorrect); None where annotators labelled none of its items.
        weight: What the label model thinks of its accuracy; None under majority.
    """

    name: str
    labels: list[str]
    coverage: float
    overlaps: float
    conflicts: float
    correct: int
    incorrect: int
    accuracy: float | None
    weight: float | None = None


class Guess(msgspec.Struct, frozen=True):
    """What labelling functions together say of the row `key`."""

    key: str
    label: str
    confidence: float


class Functions(msgspec.Struct, frozen=True):
    """What a set of labelling functions does together; `covered` is the share of items that got a label."""

    project: str
    method: Method
    items: int
    covered: float
    ties: int
    functions: list[FunctionReport]
    guesses: list[Guess] = []


class Suspect(msgspec.Struct, frozen=True):
    """A label that is probably wrong.

    `quality` is the model's probability of the given label (small: suspicious), `confidence` that of the suggested one.
    """

    item: int
    key: str
    given: str
    suggested: str
    quality: float
    confidence: float


class Suspects(msgspec.Struct, frozen=True):
    """Labels that are probably wrong, the most suspicious first.

    `joint[given][true]` is the estimated share of items with that given and true label; `thresholds` are the mean
    probabilities of each class among the items that carry it.
    """

    project: str
    classes: list[str]
    labelled: int
    found: list[Suspect]
    joint: list[list[float]]
    thresholds: list[float]
    probabilities: str


class Kept(msgspec.Struct, frozen=True):
    """A report that was kept with a project."""

    project: str
    kind: Literal["functions", "errors"]
    digest: str
    at: datetime
    by: str


class Overview(msgspec.Struct, frozen=True):
    """A project in the list of projects."""

    project: Project
    done: int
    answers: int
    annotators: int
    disputed: int
    flagged: int
    last_at: datetime | None


class Published(msgspec.Struct, frozen=True):
    """A state of labelling as a version.

    `ref` names the version; `fresh` is False where nothing had changed and no version was made.
    """

    project: str
    ref: str
    rows: int
    labelled: int
    ties: int
    method: str
    source: str
    fresh: bool


class Exchanged(msgspec.Struct, frozen=True):
    """What came from or went to a file.

    `unmatched` tasks fit no item of the project; `left_out` are columns whose values may not be shown in plain.
    """

    project: str
    path: str
    items: int
    annotations: int
    unmatched: int = 0
    left_out: list[str] = []
