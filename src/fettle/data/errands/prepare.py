"""Prepare data where the user is: clean, split, look for leaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fettle.acts import Surface, errand
from fettle.core.errors import Invalid
from fettle.data.records.cleaning import CleanedVersion, Pair
from fettle.data.records.splits import LeakageReport, Split, SplitReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from fettle.data.clean.frames import Cleaned
    from fettle.data.records import Commit
    from fettle.data.records.cleaning import Operation


@errand("data.clean")
def clean(
    ws: Surface,
    ref: str,
    *,
    operations: Path = Path("clean.toml"),
    fit_on: str = "",
    fit_on_all: bool = False,
    target: str = "",
    dataset: str = "",
    save: Path | None = None,
    message: str = "",
) -> CleanedVersion:
    """Clean a version by declared operations and commit the result, with a report on what was changed.

    What operations learn (means, categories, bounds, neighbours) is learnt from the training rows only, and kept: the
    version's metadata name it as `cleaning`. A split that was kept of the version is kept of the cleaned one too, so
    that the rows it learnt from stay on the side they were on.

    Args:
        ref: The version, such as churn or churn@main.
        operations: TOML file with the operations as [[clean]] tables, in order.
        fit_on: The training rows, as COLUMN=VALUE; split=train takes the split that was kept of this version.
        fit_on_all: Learn from all rows, where no model will be judged on any of them.
        target: The column a model is to predict: it fills in nothing else.
        dataset: Where the result goes; empty: the same dataset.
        save: Write the fitted cleaning to this JSON file too.
        message: Why.
    """
    from fettle.data import clean as cleaning
    from fettle.data import versions
    from fettle.storage.objects import put_object

    declared = cleaning.read_operations(operations)
    if bool(fit_on) == fit_on_all:
        raise Invalid(
            "Say which rows the cleaning may learn from.",
            found="both --fit-on and --fit-on-all" if fit_on else "neither --fit-on nor --fit-on-all",
            hint="--fit-on split=train, after `fettle data split`; --fit-on-all if no model is judged on them.",
        )
    _refuse_neighbours(declared, fit_on)
    commit: Commit = ws.call("data.show", ref=ref)
    frame = versions.load(ws, commit)
    train = frame if fit_on_all else _chosen(ws, commit, frame, fit_on)
    fitted = cleaning.fit(declared, train, target=target)
    cleaned = fitted.apply(frame)
    data = fitted.encoded()
    if save is not None:
        save.write_bytes(data)
    digest = put_object(ws.blobs, data)
    kept = {each.name for each in fitted.after}
    made = versions.commit_frame(
        ws,
        dataset or commit.dataset,
        cleaned.frame,
        source=commit.source,
        message=message or f"Cleaned {commit.ref}: {len(declared)} operations",
        time_column=commit.time_column if commit.time_column in kept else None,
        metadata={"made_from": commit.ref, "cleaning": digest},
    )
    split = _split_again(ws, commit, made, cleaned)
    return CleanedVersion(made.ref, commit.ref, digest, train.height, cleaned.report, split)


def _refuse_neighbours(declared: Sequence[Operation], fit_on: str) -> None:
    """Filling from neighbouring rows would carry values from one side of a split to the other."""
    ways = [getattr(each, "by", "") for each in declared]
    found = [way for way in ways if way in ("forward", "backward", "interpolate")]
    if fit_on and found:
        raise Invalid(
            f"Filling by {found[0]!r} looks at neighbouring rows, whichever side of the split they are on.",
            found=f"--fit-on {fit_on}",
            hint="Fill so before the split (--fit-on-all, then data split by time), or by median, knn or iterative.",
        )


@errand("data.alike", reads=True)
def alike(
    ws: Surface, ref: str, column: str, *, likeness: float = 0.84, write: Path | None = None
) -> list[Pair]:
    """Propose which categories of a column are one, written in two ways; a person decides.

    Args:
        ref: The version.
        column: A column of texts.
        likeness: Least share of characters in common, in [0, 1].
        write: Append the pairs to this TOML file as a [[clean]] operation: strike out what is wrong, then
            `fettle data clean`.
    """
    from fettle.data import versions
    from fettle.data.clean.pairs import as_toml, propose

    found = propose(versions.load(ws, ref, [column]), column, likeness=likeness)
    if write is not None and found:
        before = write.read_text("utf-8") if write.exists() else ""
        write.write_text(f"{before}\n" * bool(before) + as_toml(column, found), "utf-8")
    return found


@errand("data.split")
def split(
    ws: Surface,
    ref: str,
    *,
    by: Literal["random", "time", "group", "hash", "rolling"] = "random",
    column: list[str] | None = None,
    fractions: str = "0.7,0.15,0.15",
    names: str = "",
    folds: int = 0,
    stratify: list[str] | None = None,
    seed: int = 0,
    salt: str = "",
    test_size: int = 0,
    gap: str = "",
    window: str = "",
    target: str = "",
    group: list[str] | None = None,
    keep: bool = True,
    strict: bool = False,
) -> SplitReport:
    """Split a version into sides or folds, keep each row's side as the dataset NAME-split, and report what leaks.

    Args:
        ref: The version.
        by: random; time: each side later than the one before; group: rows with equal columns stay together;
            hash: the same, and no row changes sides when others come; rolling: folds that each test on what follows.
        column: The column of time (time, rolling), or the key (group, hash).
        fractions: Shares of the sides, with commas.
        names: Their names, with commas; empty: train, valid, test (of two: train, test).
        folds: Make so many folds instead of sides.
        stratify: Columns whose mix of values is kept in all sides.
        seed: Of random choices.
        salt: Another text gives another split by hash.
        test_size: Rolling: rows to test on in a fold; 0 divides them evenly.
        gap: Rolling: what lies between training and test, such as 7d, or a number in the column's unit.
        window: Rolling: train on so much before the gap only.
        target: The column to predict: its classes are counted by side, and columns that tell it are looked for.
        group: Columns that tell whose a row is, to look for those on two sides; empty: those of a split by
            group or hash.
        keep: Keep the sides; --no-keep only shows how they would come out.
        strict: End with exit code 5 where something leaks that makes results wrong.
    """
    from fettle.data import splits, versions
    from fettle.data.leakage import leakage
    from fettle.data.sides import assign, sides_of

    commit: Commit = ws.call("data.show", ref=ref)
    frame = versions.load(ws, commit)
    columns = column or ([commit.time_column] if by in ("time", "rolling") and commit.time_column else [])
    shares = _shares(fractions)
    how = Split(
        way=by,
        columns=columns,
        fractions=shares,
        names=[each.strip() for each in names.split(",")] if names else _usual_names(len(shares)),
        folds=folds or (5 if by == "rolling" else 0),
        stratify=stratify or [],
        seed=seed,
        salt=salt,
        test_size=test_size,
        gap=_length(gap),
        window=_length(window),
    )
    sides = assign(frame, how)
    kept = splits.keep(ws, commit, how, frame, sides).ref if keep else ""
    shown = sides[sides.columns[-1]]
    owners = group or (columns if by in ("group", "hash") else [])
    time = columns[0] if by in ("time", "rolling") else ""
    report = leakage(frame, shown, target=target, group=owners, time=time, seed=seed)
    fault = _fault(report) if strict else ""
    return SplitReport(commit.ref, kept, how, sides_of(frame, shown, target), report, fault)


@errand("data.leakage", reads=True)
def leakage(
    ws: Surface,
    ref: str,
    *,
    target: str = "",
    group: list[str] | None = None,
    time: str = "",
    ignore: list[str] | None = None,
    strict: bool = False,
) -> LeakageReport:
    """Report what leaks: rows or groups on two sides of the kept split, and columns that give the target away.

    Args:
        ref: The version; its kept split is looked at, if there is one.
        target: The column to predict.
        group: Columns that tell whose a row is: nobody should be on two sides.
        time: The column that orders rows, if sides are to follow each other.
        ignore: Columns that are no features.
        strict: End with exit code 5 where something leaks that makes results wrong.
    """
    import msgspec

    from fettle.data import splits, versions
    from fettle.data.leakage import leakage as look

    commit: Commit = ws.call("data.show", ref=ref)
    frame = versions.load(ws, commit)
    kept = splits.sides(ws, commit) if splits.find(ws, commit) else None
    sides = kept[kept.columns[-1]] if kept is not None else None
    found = look(frame, sides, target=target, group=group or [], time=time, ignore=ignore or [])
    return msgspec.structs.replace(found, fault=_fault(found)) if strict else found


def _chosen(ws: Surface, commit: Commit, frame: pl.DataFrame, fit_on: str) -> pl.DataFrame:
    """The rows that COLUMN=VALUE names; `split` is the kept split where there is no such column."""
    import polars as pl

    from fettle.core.errors import NotFound
    from fettle.data import splits

    name, _, value = fit_on.partition("=")
    if not value:
        raise Invalid(
            "The training rows are named as COLUMN=VALUE.", found=repr(fit_on), hint="--fit-on split=train"
        )
    if name == "split" and name not in frame.columns:
        return splits.rows(ws, commit, value)
    if name not in frame.columns:
        raise NotFound.among("column", name, frame.columns)
    found = frame.filter(pl.col(name).cast(pl.String) == value)
    if not found.height:
        shown = frame[name].drop_nulls().unique().sort().head(8).to_list()
        raise Invalid(f"No row has {name} = {value!r}.", found=f"such as {', '.join(map(str, shown))}")
    return found


def _split_again(ws: Surface, commit: Commit, made: Commit, cleaned: Cleaned) -> str:
    """Keep the split of a version for what cleaning made of it; the new split's reference, empty if there is none."""
    from fettle.data import splits

    found = splits.find(ws, commit)
    if found is None:
        return ""
    sides = splits.sides(ws, commit)[cleaned.places.to_list()]
    return splits.keep(ws, made, found[1], cleaned.frame, sides).ref


def _shares(text: str) -> list[float]:
    try:
        return [float(each) for each in text.split(",")]
    except ValueError:
        raise Invalid(
            "Shares are numbers with commas.", found=repr(text), hint="--fractions 0.7,0.15,0.15"
        ) from None


def _usual_names(count: int) -> list[str]:
    usual = {1: ["all"], 2: ["train", "test"], 3: ["train", "valid", "test"]}
    return usual.get(count) or [f"part {place + 1}" for place in range(count)]


def _length(text: str) -> float:
    """A duration in seconds, or a number in the column's own unit; empty is 0."""
    from fettle.core.units import duration_s

    if not text:
        return 0.0
    try:
        return float(text)
    except ValueError:
        return duration_s(text)


def _fault(report: LeakageReport) -> str:
    grave = report.of("error")
    return f"{len(grave)} leak{'s' * (len(grave) != 1)}: {grave[0].message}" if grave else ""
