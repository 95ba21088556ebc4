"""Make a state of labelling a version."""

from __future__ import annotations

from fettle.acts import Surface, errand
from fettle.core.errors import NotFound
from fettle.labels.records import Consensus, Functions, Method, Project, Published


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
    from fettle.core import canonical
    from fettle.data.records.versions import Source
    from fettle.data.versions import commit_frame, load
    from fettle.labels import publish as publishing
    from fettle.labels.rows import keys_of

    known: Project = ws.call("labels.show", project=project)
    source = ws.call("data.show", ref=data or known.ref)
    consensus: Consensus = ws.call("labels.consensus", project=project, method=method)
    agreed = consensus.items
    if weak:
        said: Functions = ws.call("labels.guesses", project=project)
        agreed = publishing.with_guesses(agreed, said.guesses, ws.call("labels.keys", project=project))
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
        raise NotFound(
            f"No row of {source.ref[:60]} has a label yet.",
            found=f"{len(consensus.items)} items answered, {consensus.ties} of them ties",
            hint=f"Label some: fettle labels next {project}, or on the pages: /labels/{project}",
        )
    dataset = to or f"{known.dataset}-labels"
    before = _head(ws, dataset, branch)
    guessed = any(each.source == "functions" for each in agreed)
    decided = f"{method}, then functions" if guessed else method
    added = [name for name in frame.columns if name not in rows.columns]
    metadata = {
        "project": project,
        "made_from": source.ref,
        "method": decided,
        "ties": str(consensus.ties),
        "label_columns": canonical.encode(added).decode(),
    }
    made = commit_frame(
        ws,
        dataset,
        frame,
        source=Source(source.ref, "labels"),
        message=message or f"{labelled:,} rows labelled in {project}",
        time_column=source.time_column,
        key=known.key or None,
        branch=branch,
        metadata=metadata,
    )
    return Published(
        project,
        made.ref,
        frame.height,
        labelled,
        consensus.ties,
        decided,
        source.ref,
        fresh=made.id != before,
    )


def _head(ws: Surface, dataset: str, branch: str) -> str:
    try:
        return ws.call("data.show", ref=f"{dataset}@{branch}").id
    except NotFound:
        return ""
