"""Make a state of labelling a version."""

from __future__ import annotations

from fettle.acts import Surface, errand
from fettle.core import canonical
from fettle.core.errors import NotFound
from fettle.labels.records import Agreed, Consensus, Functions, Method, Project, Published


@errand("labels.publish")
def publish(
    ws: Surface,
    project: str,
    to: str = "",
    *,
    method: Method = "majority",
    column: str = "label",
    weak: bool = False,
    everything: bool = False,
    data: str = "",
    message: str = "",
    branch: str = "main",
) -> Published:
    """Commit the labels of now with their rows as a version, to train on.

    The same labels again make no new version.

    Args:
        project: The project.
        to: The dataset; empty: the source's name and -labels.
        method: How the answers to an item become its label.
        column: The label's column; others begin with its name.
        weak: Use what labelling functions say where no person answered.
        everything: Keep rows without a label too.
        data: The version whose rows are taken, such as a newer one; empty: the project's own.
        message: Why; empty: how many rows are labelled.
        branch: The branch to move.
    """
    from fettle.data.records.versions import Source
    from fettle.data.versions import commit_frame, load
    from fettle.labels import publish as publishing
    from fettle.labels.rows import keys_of

    known: Project = ws.call("labels.show", project=project)
    source = ws.call("data.show", ref=data or known.ref)
    consensus: Consensus = ws.call("labels.consensus", project=project, method=method)
    agreed = _with_guesses(ws, project, consensus.items) if weak else consensus.items
    rows = load(ws, source)
    frame = publishing.labelled_rows(
        rows,
        keys_of(rows, known.key),
        agreed,
        kind=known.kind,
        classes=known.names,
        column=column,
        everything=everything,
    )
    labelled = frame.height - frame[column].null_count()
    if labelled == 0:
        raise _nothing_labelled(project, source.ref, consensus)
    dataset = to or f"{known.dataset}-labels"
    before = _head(ws, dataset, branch)
    facts = _facts(
        known, source.ref, consensus, agreed, [each for each in frame.columns if each not in rows.columns]
    )
    made = commit_frame(
        ws,
        dataset,
        frame,
        source=Source(source.ref, "labels"),
        message=message or f"{labelled:,} rows labelled in {project}",
        time_column=source.time_column,
        key=known.key or None,
        branch=branch,
        metadata=facts,
    )
    fresh = made.id != before
    decided, ties = facts["method"], consensus.ties
    return Published(project, made.ref, frame.height, labelled, ties, decided, source.ref, fresh=fresh)


def _with_guesses(ws: Surface, project: str, agreed: list[Agreed]) -> list[Agreed]:
    """The labels that persons gave, and those of labelling functions where nobody answered."""
    from fettle.labels import publish as publishing

    said: Functions = ws.call("labels.guesses", project=project)
    return publishing.with_guesses(agreed, said.guesses, ws.call("labels.keys", project=project))


def _nothing_labelled(project: str, ref: str, consensus: Consensus) -> NotFound:
    return NotFound(
        f"No row of {ref[:60]} has a label yet.",
        found=f"{len(consensus.items)} items answered, {consensus.ties} of them ties",
        hint=f"Label some: fettle labels next {project}, or on the pages: /labels/{project}",
    )


def _facts(
    project: Project, ref: str, consensus: Consensus, agreed: list[Agreed], added: list[str]
) -> dict[str, str]:
    """What the version's metadata say of how its labels came about."""
    guessed = any(each.source == "functions" for each in agreed)
    return {
        "project": project.name,
        "made_from": ref,
        "method": f"{consensus.method}, then functions" if guessed else consensus.method,
        "ties": str(consensus.ties),
        "label_columns": canonical.encode(added).decode(),
    }


def _head(ws: Surface, dataset: str, branch: str) -> str:
    try:
        return ws.call("data.show", ref=f"{dataset}@{branch}").id
    except NotFound:
        return ""
