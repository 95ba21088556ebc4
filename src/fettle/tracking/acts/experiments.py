"""What can be done with experiments."""

from __future__ import annotations

from fettle.acts import Context, act
from fettle.core.errors import Conflict, NotFound
from fettle.tracking.names import check_experiment, check_values
from fettle.tracking.records.experiments import Experiment
from fettle.tracking.store import experiments as store
from fettle.tracking.store import views


@act("tracking.experiments", reads=True)
def experiments(ctx: Context, *, deleted: bool = False) -> list[Experiment]:
    """List the experiments, the one with the newest run first.

    Args:
        deleted: Those in the bin instead.
    """
    return store.list_experiments(ctx.tx, deleted=deleted)


@act("tracking.experiment", reads=True)
def experiment(ctx: Context, name: str = "", *, number: int | None = None) -> Experiment:
    """Show an experiment.

    Args:
        name: Its name.
        number: Its number instead of the name.
    """
    return named(ctx, name) if number is None else numbered(ctx, number)


@act("tracking.make_experiment")
def make_experiment(
    ctx: Context, name: str, *, notes: str = "", tags: dict[str, str] | None = None
) -> Experiment:
    """Make an experiment; a run makes its own when it is missing.

    Args:
        name: Any printable text of at most 500 characters.
        notes: About it, in Markdown.
        tags: Tag and text.

    Raises:
        Conflict: There is one of this name, perhaps in the bin.
    """
    check_experiment(name)
    check_values("tag", tags or {})
    if not store.add_experiment(ctx.tx, name, ctx.now):
        binned = store.deleted_at(ctx.tx, name)
        raise Conflict(
            f"There is an experiment {name!r} already.",
            found="it is in the bin" if binned else "it is in use",
            hint=f"fettle tracking restore-experiment {name!r}" if binned else "Log runs to it.",
            subject=f"experiment:{name}",
        )
    made = named(ctx, name)
    store.set_experiment_tags(ctx.tx, made.number, tags or {})
    if notes:
        store.change_experiment(ctx.tx, name, notes=notes)
    return named(ctx, name)


@act("tracking.change_experiment")
def change_experiment(
    ctx: Context,
    name: str,
    *,
    to: str | None = None,
    notes: str | None = None,
    tags: dict[str, str] | None = None,
    untag: list[str] | None = None,
) -> Experiment:
    """Rename, describe or tag an experiment.

    Args:
        name: Its name now.
        to: The new name; its runs go with it.
        notes: The new notes, in Markdown.
        tags: Tags to set.
        untag: Tags to drop.

    Raises:
        Conflict: The new name is taken, or the experiment is in the bin.
    """
    known = named(ctx, name)
    if known.deleted_at is not None:
        raise Conflict(
            f"The experiment {name!r} is in the bin.", hint=f"fettle tracking restore-experiment {name!r}"
        )
    check_values("tag", tags or {})
    store.set_experiment_tags(ctx.tx, known.number, tags or {})
    for key in untag or []:
        if not store.remove_experiment_tag(ctx.tx, known.number, key):
            raise NotFound.among(f"tag of experiment {name}", key, known.tags)
    fields: dict[str, object] = {"updated_at": ctx.now}
    if notes is not None:
        fields["notes"] = notes
    if to is not None and to != name:
        if store.find_experiment(ctx.tx, check_experiment(to)) is not None:
            raise Conflict(f"There is an experiment {to!r} already.", subject=f"experiment:{to}")
        fields["name"] = to
        views.rename_experiment(ctx.tx, name, to)
    store.change_experiment(ctx.tx, name, **fields)
    return named(ctx, to or name)


@act("tracking.delete_experiment")
def delete_experiment(ctx: Context, name: str) -> Experiment:
    """Put an experiment and its runs into the bin.

    Args:
        name: Its name.
    """
    if named(ctx, name).deleted_at is None:
        store.change_experiment(ctx.tx, name, deleted_at=ctx.now, updated_at=ctx.now)
        store.bin_runs(ctx.tx, name, ctx.now)
        ctx.emit("tracking.experiment_deleted", f"experiment:{name}")
    return named(ctx, name)


@act("tracking.restore_experiment")
def restore_experiment(ctx: Context, name: str) -> Experiment:
    """Take an experiment out of the bin, with the runs that went there with it.

    Args:
        name: Its name.
    """
    known = named(ctx, name)
    if known.deleted_at is not None:
        store.unbin_runs(ctx.tx, name, known.deleted_at)
        store.change_experiment(ctx.tx, name, deleted_at=None, updated_at=ctx.now)
    return named(ctx, name)


def named(ctx: Context, name: str) -> Experiment:
    """The experiment of that name, in the bin or not.

    Raises:
        NotFound: There is none.
    """
    found = store.find_experiment(ctx.tx, name)
    if found is None:
        raise NotFound.among("experiment", name, [each.name for each in store.list_experiments(ctx.tx)])
    return found


def numbered(ctx: Context, number: int) -> Experiment:
    """The experiment of that number.

    Raises:
        NotFound: There is none.
    """
    found = store.find_numbered(ctx.tx, number)
    if found is None:
        raise NotFound(f"There is no experiment number {number}.", hint="fettle tracking experiments")
    return found
