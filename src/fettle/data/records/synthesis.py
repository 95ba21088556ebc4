"""The nouns of synthesis: what is learnt of a table, and how like it, and how unlike its rows, a synthetic one is."""

from __future__ import annotations

from typing import Literal

import msgspec

from fettle.data.records.versions import Type


class _Marginal(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """How one column's values lie by themselves; `missing` is the share of rows without one."""

    name: str
    type: Type
    missing: float = 0.0


class Numbers(_Marginal, frozen=True, tag="numbers"):
    """Numbers, dates (days since 1970) or times (µs since 1970): their quantiles at even shares, rounded to `step`.

    No knot stands for fewer than k rows; the ends are means of the k least and the k greatest.
    """

    knots: list[float]
    step: float = 0.0


class Levels(_Marginal, frozen=True, tag="levels"):
    """Few values, in an order in which neighbours are alike, with their shares; none stands for fewer than k rows."""

    values: list[str | int | float | bool]
    shares: list[float]


class Texts(_Marginal, frozen=True, tag="texts"):
    """Texts that are made up: by their patterns (`A` a capital, `a` a letter, `9` a digit), or as so many words.

    Attributes:
        patterns: Patterns of at least k texts, with their shares; empty if there are none.
        words: Quantiles of the number of words, where texts are sentences; empty if they are not.
        unique: Whether no text may occur twice.
    """

    patterns: dict[str, float]
    words: list[float]
    unique: bool = False


class Counter(_Marginal, frozen=True, tag="counter"):
    """Whole numbers that name rows: they are counted up."""

    start: int = 1


Marginal = Numbers | Levels | Texts | Counter


class Sequence(msgspec.Struct, frozen=True):
    """How rows follow each other.

    Attributes:
        entity: The column that tells whose row it is; empty: all are one's.
        time: The column they are in order of; empty: none.
        lengths: Quantiles of the rows an entity has; empty for one entity.
        starts: Quantiles of an entity's first time, as `Numbers` has them.
        gaps: Quantiles of the time from row to row.
        memory: For each dependent column, the correlation of one row with the next; 1 where an entity's rows
            are all alike.
    """

    entity: str
    time: str
    lengths: list[float]
    starts: list[float]
    gaps: list[float]
    memory: list[float]


class Learnt(msgspec.Struct, frozen=True):
    """What is learnt of a table: enough to make rows like its own, and no row of it.

    Attributes:
        columns: One marginal a column, in order.
        dependent: The names of the copula's dimensions: columns, and `name?` for whether one is missing.
        correlation: Their correlations as normal scores, one list a row; a valid correlation matrix.
        rows: How many rows it was learnt from.
        k: The least number of rows that anything stands for.
        sequence: How rows follow each other; None if they do not.
    """

    columns: list[Marginal]
    dependent: list[str]
    correlation: list[list[float]]
    rows: int
    k: int
    sequence: Sequence | None = None


class ColumnFidelity(msgspec.Struct, frozen=True):
    """How far one synthetic column is from the real one.

    `ks` (numbers, times): Kolmogorov-Smirnov distance; `tv` (categories): total variation distance; both in
    [0, 1], 0 is alike.
    """

    name: str
    measure: Literal["ks", "tv"]
    distance: float
    missing_real: float
    missing_synthetic: float


class Fidelity(msgspec.Struct, frozen=True):
    """How like the real table a synthetic one is.

    Attributes:
        columns: Column by column.
        association_mean: Mean absolute difference of pairwise associations (Spearman, Cramér's V, correlation ratio).
        association_max: The largest.
        association_worst: Between which columns that is.
        measure: What the two scores below are: `auc` or `r2`; empty without a target.
        real_score: A simple model learnt on real rows, on held-out real rows.
        synthetic_score: The same model learnt on synthetic rows, on the same held-out rows.
        detection_auc: How well a simple model tells real rows from synthetic ones: 0.5 not at all, 1 always.
    """

    columns: list[ColumnFidelity]
    association_mean: float
    association_max: float
    association_worst: list[str]
    measure: str
    real_score: float | None
    synthetic_score: float | None
    detection_auc: float


class Privacy(msgspec.Struct, frozen=True):
    """How near synthetic rows come to real ones; held-out real rows, which nothing was learnt from, are the yardstick.

    Attributes:
        rows: Synthetic rows that were looked at.
        copies: Share of synthetic rows that equal a real one in every column but keys and made-up texts.
        copies_holdout: The same against held-out rows: what chance alone makes equal.
        distance_train: Median distance of a synthetic row to the nearest row learnt from.
        distance_holdout: The same to as many held-out rows.
        closer_to_train: Share of synthetic rows nearer to a row learnt from than to any held out; near 0.5
            where nothing was learnt by heart.
        distance_low: The 5 % quantile of the distance to the nearest row learnt from, over that of held-out
            rows to them.
        ratio_median: Median of nearest over second nearest distance (NNDR): near 1 where no single row is imitated.
        ratio_low: Its 5 % quantile.
    """

    rows: int
    copies: float
    copies_holdout: float
    distance_train: float
    distance_holdout: float
    closer_to_train: float
    distance_low: float
    ratio_median: float
    ratio_low: float


class SynthesisReport(msgspec.Struct, frozen=True):
    """A synthetic table that was made and committed.

    Attributes:
        ref: The version, as `dataset@commit`.
        of: What it was learnt from; empty if from a schema alone.
        rows: How many rows.
        fidelity: How like; None from a schema alone.
        privacy: How unlike; None from a schema alone.
    """

    ref: str
    of: str
    rows: int
    fidelity: Fidelity | None = None
    privacy: Privacy | None = None

    def lines(self) -> list[str]:
        """In words, for a terminal."""
        told = [
            f"{self.rows:,} synthetic rows committed as {_short(self.ref)}"
            + (f", like {_short(self.of)}" if self.of else "")
        ]
        if self.fidelity is not None:
            told += _likeness(self.fidelity)
        if self.privacy is not None:
            near = self.privacy
            told += [
                f"  copies of real rows: {near.copies:.2%} (by chance, of held-out ones: {near.copies_holdout:.2%})",
                f"  nearest real row: {near.distance_train:.4g} away, of held-out ones {near.distance_holdout:.4g}; "
                f"{near.closer_to_train:.1%} are nearer to what was learnt from (50 % is best)",
                f"  nearest to second nearest: {near.ratio_median:.3f} (5 %: {near.ratio_low:.3f})",
            ]
        return told


def _likeness(found: Fidelity) -> list[str]:
    worst = sorted(found.columns, key=lambda each: -each.distance)[:3]
    shown = ", ".join(f"{each.name} {each.distance:.3f} ({each.measure})" for each in worst)
    told = [
        f"  columns: furthest are {shown}",
        f"  associations differ by {found.association_mean:.3f} on average, by {found.association_max:.3f} at most"
        + (f" ({' and '.join(found.association_worst)})" if found.association_worst else ""),
        f"  told from real rows with AUC {found.detection_auc:.3f} (0.5 is best)",
    ]
    if found.real_score is not None and found.synthetic_score is not None:
        told.append(
            f"  a model learnt on them scores {found.synthetic_score:.3f} on real rows, one learnt on real rows "
            f"{found.real_score:.3f} ({found.measure})"
        )
    return told


def _short(ref: str) -> str:
    """A reference with the first twelve characters of its commit, which is enough to type."""
    name, at, commit = ref.partition("@")
    return name + at + commit[:12]
