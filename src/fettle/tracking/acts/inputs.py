"""What can be done with the datasets that runs read, and with files that are named by path."""

from __future__ import annotations

from fettle.acts import Context, act
from fettle.core.errors import Invalid
from fettle.tracking.acts import upkeep
from fettle.tracking.acts.batch import in_use
from fettle.tracking.names import check_path
from fettle.tracking.records.inputs import DatasetInput, DatasetUse, ModelLink
from fettle.tracking.records.runs import Artifact
from fettle.tracking.store import batch as files
from fettle.tracking.store import inputs as store
from fettle.tracking.store import logged_models
from fettle.tracking.store import runs as whole

MOST_LINKS = 1000
"""Runs, or experiments, in one question."""


@act("tracking.add_inputs", plumbing=True)
def add_inputs(
    ctx: Context, run: str, datasets: list[DatasetInput], *, models: list[ModelLink] | None = None
) -> None:
    """Add what a run read; the same again changes nothing.

    Args:
        run: Its id.
        datasets: Datasets as their client describes them.
        models: Logged models.
    """
    in_use(ctx, run)
    store.add_datasets(ctx.tx, run, datasets, ctx.now)
    store.add_links(ctx.tx, run, models or [], made=False, at=ctx.now)
    known = whole.find_run(ctx.tx, run)
    named = [f"{each.name}@{each.digest}" for each in datasets]
    fresh = list(dict.fromkeys(each for each in named if known is not None and each not in known.inputs))
    if known is not None and fresh:
        whole.change_run(ctx.tx, run, inputs=[*known.inputs, *fresh])


@act("tracking.add_outputs", plumbing=True)
def add_outputs(ctx: Context, run: str, models: list[ModelLink]) -> None:
    """Add the logged models that a run made.

    Args:
        run: Its id.
        models: Which, and at which step.
    """
    in_use(ctx, run)
    store.add_links(ctx.tx, run, models, made=True, at=ctx.now)


@act("tracking.datasets", reads=True, plumbing=True)
def datasets(ctx: Context, experiments: list[int], *, most: int = 1000) -> list[DatasetUse]:
    """List the datasets that runs of some experiments used.

    Args:
        experiments: Their numbers.
        most: At most so many.
    """
    return store.list_datasets(ctx.tx, experiments[:MOST_LINKS], max(0, most))


@act("tracking.artifacts", reads=True, plumbing=True)
def artifacts(ctx: Context, run: str, folder: str = "") -> list[Artifact]:
    """List the files of a run.

    Args:
        run: Its id.
        folder: Only those in this folder, at any depth, or the one file of this path; empty means all.
    """
    return files.list_artifacts(ctx.tx, run, folder)


@act("tracking.remove_artifacts", plumbing=True)
def remove_artifacts(ctx: Context, run: str, folder: str) -> int:
    """Take files from a run; return how many. Their content goes when gc finds it unused.

    Args:
        run: Its id.
        folder: A file, or a folder with all in it.
    """
    in_use(ctx, run)
    return files.remove_artifacts(ctx.tx, run, check_path(folder))


@act("tracking.file", plumbing=True)
def file(ctx: Context, owner: str, path: str, digest: str, size_bytes: int) -> Artifact:
    """Name an object as a file of something that is no run, such as a logged model.

    Args:
        owner: Such as `model:m-4f…`.
        path: The file's name, with `/` between folders.
        digest: The object, stored before.
        size_bytes: Its length as the sender knows it; that of the object counts.

    Raises:
        Conflict: The quota of the experiment of the logged model is used up.
        Unavailable: The object is not there (any more).
    """
    if len(owner) > 300 or not owner.isprintable():
        raise Invalid("That can own no files.", found=repr(owner[:60]))
    check_path(path)
    kind, _, name = owner.partition(":")
    experiment = logged_models.experiment_of(ctx.tx, name) if kind == "model" else None
    if experiment is not None:
        upkeep.check_quota(ctx, experiment)
    made = Artifact(path=path, digest=digest, size_bytes=upkeep.arrived(ctx, path, digest), at=ctx.now)
    files.put_file(ctx.tx, owner, made)
    return made


@act("tracking.files", reads=True, plumbing=True)
def files_of(ctx: Context, owner: str, folder: str = "") -> list[Artifact]:
    """List the files of something that is no run.

    Args:
        owner: Such as `model:m-4f…`.
        folder: Only those in this folder, at any depth, or the one file of this path; empty means all.
    """
    return files.list_files(ctx.tx, owner, folder)


@act("tracking.remove_files", plumbing=True)
def remove_files(ctx: Context, owner: str, folder: str) -> int:
    """Take files from something that is no run; return how many.

    Args:
        owner: Such as `model:m-4f…`.
        folder: A file, or a folder with all in it.
    """
    return files.remove_files(ctx.tx, owner, check_path(folder))
