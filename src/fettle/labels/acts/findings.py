"""What the answers come to: progress, agreement, consensus, and the reports kept with a project."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from fettle.acts import Context, act
from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound
from fettle.labels.records import (
    Agreement,
    Consensus,
    Functions,
    Kept,
    Method,
    Progress,
    Project,
    Stored,
    Suspects,
)
from fettle.labels.store import answers, counts, projects
from fettle.storage.objects import get_object

T = TypeVar("T")
MOST_LISTED = 1000


@act("labels.progress", reads=True)
def progress(ctx: Context, project: str) -> Progress:
    """Show how far a project is, by annotator and class.

    Args:
        project: The project.
    """
    known = projects.find_project(ctx.tx, project)
    found = counts.counts(ctx.tx, project)
    return Progress(
        project=project,
        wanted=known.items * known.annotators,
        annotators=counts.paces(ctx.tx, project),
        classes=_classes(ctx, known),
        **found,
    )


@act("labels.answers", reads=True)
def list_answers(
    ctx: Context,
    project: str,
    *,
    only: Literal["answered", "disputed", "flagged", "all"] = "answered",
    limit: int = MOST_LISTED,
) -> list[Stored]:
    """List items with all their answers; disputed ones with the largest disagreement first.

    Args:
        project: The project.
        only: Which items.
        limit: At most so many; 0: all.
    """
    projects.find_project(ctx.tx, project)
    flags = {"disputed": only == "disputed", "flagged": only == "flagged", "answered": only != "all"}
    return list(answers.stored(ctx.tx, project, limit=limit or None, **flags))


@act("labels.agreement", reads=True)
def agreement(ctx: Context, project: str) -> Agreement:
    """Measure how far annotators agree: Cohen's κ of each two, Fleiss' κ, Krippendorff's α; for spans F1.

    Args:
        project: The project.
    """
    from fettle.labels.agreed import agreement_of

    known = projects.find_project(ctx.tx, project)
    votes = answers.votes(ctx.tx, project)
    texts: dict[int, str] = {}
    if known.kind == "spans":
        texts = answers.texts_of(ctx.tx, project, sorted({item for item, _, _ in votes}), known.text)
    return agreement_of(known, votes, texts)


@act("labels.consensus", reads=True)
def consensus(ctx: Context, project: str, *, method: Method = "majority") -> Consensus:
    """Make one label of the answers to each item; ties are reported and get none.

    Args:
        project: The project.
        method: `majority`, or `dawid-skene`: by how reliable each annotator is found to be.
    """
    from fettle.labels.consensus import consensus_of

    known = projects.find_project(ctx.tx, project)
    votes = answers.votes(ctx.tx, project)
    return consensus_of(known, votes, answers.keys_of(ctx.tx, project, answered=True), method=method)


@act("labels.keys", reads=True)
def keys(ctx: Context, project: str) -> dict[str, int]:
    """Tell the number of each item by its key, which names its row.

    Args:
        project: The project.
    """
    projects.find_project(ctx.tx, project)
    return {key: item for item, key in answers.keys_of(ctx.tx, project).items()}


@act("labels.keep_report")
def keep_report(ctx: Context, project: str, kind: Literal["functions", "errors"], digest: str) -> Kept:
    """Keep what was found out about a project in place of what was found before.

    Args:
        project: The project.
        kind: Which report.
        digest: The object that holds it.
    """
    projects.find_project(ctx.tx, project)
    _report(ctx, digest, Suspects if kind == "errors" else Functions)
    made = Kept(project, kind, digest, ctx.now, ctx.actor)
    projects.put_report(ctx.tx, made)
    return made


@act("labels.suspects", reads=True)
def suspects(ctx: Context, project: str) -> Suspects:
    """Show the labels that `labels.errors` found suspicious when it was last run.

    Args:
        project: The project.
    """
    digest = _kept(ctx, project, "errors", f"fettle labels errors {project}")
    return _report(ctx, digest, Suspects)


@act("labels.guesses", reads=True)
def guesses(ctx: Context, project: str) -> Functions:
    """Show what labelling functions said when `labels.functions` was last run.

    Args:
        project: The project.
    """
    digest = _kept(ctx, project, "functions", f"fettle labels functions {project} FUNCTIONS.py")
    return _report(ctx, digest, Functions)


def _kept(ctx: Context, project: str, kind: str, hint: str) -> str:
    projects.find_project(ctx.tx, project)
    found = projects.find_report(ctx.tx, project, kind)
    if found is None:
        raise NotFound(
            f"No {kind} have been looked for in {project}.", hint=hint, subject=f"labels:{project}"
        )
    return found.digest


def _report(ctx: Context, digest: str, kind: type[T]) -> T:
    try:
        return canonical.decode(get_object(ctx.blobs, digest), kind)
    except msgspec.DecodeError as error:
        raise Invalid(f"The object {digest[:12]}… is no such report.", found=str(error)) from error


def _classes(ctx: Context, project: Project) -> dict[str, int]:
    found = dict.fromkeys(project.names, 0)
    if project.kind == "spans":
        for _, _, answer in answers.votes(ctx.tx, project.name):
            for label in {each.label for each in answer.spans}:
                found[label] += 1
    elif project.kind != "text":
        for value, count in counts.values(ctx.tx, project.name).items():
            names = [value] if value in found else canonical.decode(value, list[str])
            for name in names:
                found[name] += count
    return found
