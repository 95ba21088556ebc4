"""From all answers of a project, one label for each item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fettle.core.errors import Invalid
from fettle.labels.agreed import Vote
from fettle.labels.records import Agreed, Answer, Consensus, Method, Project, Span, Worker, value_of
from fettle.labels.vote import dawid_skene, majority

SMOOTHING = 0.01


def consensus_of(
    project: Project, votes: Sequence[Vote], keys: Mapping[int, str], *, method: Method = "majority"
) -> Consensus:
    """The label that follows for each item that has an answer.

    Args:
        project: The project.
        votes: All answers.
        keys: The keys of the items.
        method: `majority`: each annotator counts alike. `dawid-skene`: by how reliable each is found to be; for one
            class an item, and better with three or more annotators.

    Raises:
        Invalid: The method does not fit the project's kind.
    """
    by: dict[int, list[Answer]] = {}
    for item, _, answer in votes:
        by.setdefault(item, []).append(answer)
    workers: list[Worker] = []
    if method == "dawid-skene":
        made, workers = _modelled(project, votes, by, keys)
    else:
        one = _majority_of_each if project.kind in ("multi", "spans") else _majority_of_all
        made = [one(project, item, keys[item], given) for item, given in by.items()]
    classes: dict[str, int] = {}
    for each in made:
        for label in labels_of(each.answer):
            classes[label] = classes.get(label, 0) + 1
    return Consensus(
        project.name,
        method,
        made,
        sum(each.answer is None for each in made),
        dict(sorted(classes.items())),
        workers,
    )


def labels_of(answer: Answer | None) -> list[str]:
    """The classes that an answer names, each once."""
    if answer is None:
        return []
    return list(dict.fromkeys([*answer.labels, *(each.label for each in answer.spans)]))


def _majority_of_all(_: Project, item: int, key: str, given: list[Answer]) -> Agreed:
    first = {value_of(each): each for each in reversed(given)}
    winners, share = majority([value_of(each) for each in given])
    if len(winners) > 1:
        return Agreed(item, key, None, share, len(given), sorted(winners))
    return Agreed(item, key, first[winners[0]], share, len(given))


def _majority_of_each(project: Project, item: int, key: str, given: list[Answer]) -> Agreed:
    """Each class, or each span, by itself: it stands if more than half gave it; at exactly half it ties."""
    parts = [set(each.labels) if project.kind == "multi" else set(each.spans) for each in given]
    counts: dict[str | Span, int] = {}
    for part in parts:
        for each in part:
            counts[each] = counts.get(each, 0) + 1
    n = len(given)
    tied = sorted(_name(each) for each, count in counts.items() if 2 * count == n)
    sure = min((max(count, n - count) / n for count in counts.values()), default=1.0)
    if tied:
        return Agreed(item, key, None, 0.5, n, tied)
    kept = [each for each, count in counts.items() if 2 * count > n]
    spans = sorted(each for each in kept if isinstance(each, Span))
    labels = [name for name in project.names if name in kept]
    return Agreed(item, key, Answer(labels=labels, spans=spans), sure, n)


def _name(part: str | Span) -> str:
    return part if isinstance(part, str) else f"{part.label} {part.start}–{part.end}"


def _modelled(
    project: Project, votes: Sequence[Vote], by: Mapping[int, list[Answer]], keys: Mapping[int, str]
) -> tuple[list[Agreed], list[Worker]]:
    if project.kind != "single":
        raise Invalid(
            "Dawid–Skene needs projects with one class an item.",
            found=f"{project.name} asks for {project.kind}",
            hint="Use --method majority.",
        )
    if not votes:
        return [], []
    places = {name: place for place, name in enumerate(project.names)}
    numbers = {item: place for place, item in enumerate(by)}
    names = sorted({annotator for _, annotator, _ in votes})
    people = {name: place for place, name in enumerate(names)}
    found = dawid_skene(
        [numbers[item] for item, _, _ in votes],
        [people[annotator] for _, annotator, _ in votes],
        [places[answer.labels[0]] for _, _, answer in votes],
        len(places),
        smoothing=SMOOTHING,
    )
    made = []
    for item, place in numbers.items():
        best = int(found.posterior[place].argmax())
        sure = float(found.posterior[place, best])
        ties = np.flatnonzero(found.posterior[place] >= sure - 1e-9)
        tied = [project.names[each] for each in ties] if ties.size > 1 else []
        answer = None if tied else Answer(labels=[project.names[best]])
        made.append(Agreed(item, keys[item], answer, sure, len(by[item]), tied))
    counts = np.bincount([people[annotator] for _, annotator, _ in votes])
    workers = [
        Worker(
            name,
            int(counts[place]),
            float(found.prior @ found.confusion[place].diagonal()),
            [[float(cell) for cell in row] for row in found.confusion[place]],
        )
        for name, place in people.items()
    ]
    return made, workers
