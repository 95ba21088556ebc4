"""Runs side by side, and what can be said about groups of them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Section = Literal["about", "params", "metrics", "tags", "code", "environment", "data"]


class ComparedRow(msgspec.Struct, frozen=True):
    """One thing that runs have in common or differ in.

    Attributes:
        section: What it belongs to.
        key: The parameter, metric, tag, package or dataset.
        values: Its value in each run, None where it has none.
        differs: Whether they are not all the same.
    """

    section: Section
    key: str
    values: list[Any]
    differs: bool


class Comparison(msgspec.Struct, frozen=True):
    """Runs side by side.

    Attributes:
        runs: Their ids.
        names: Their names.
        rows: What they differ in; all there is if that was asked.
    """

    runs: list[str]
    names: list[str]
    rows: list[ComparedRow]

    def as_table(self) -> list[dict[str, Any]]:
        """The rows with a column for each run, by its name; by its id too where names are not enough."""
        twice = len(set(self.names)) < len(self.names)
        pairs = zip(self.names, self.runs, strict=True)
        titles = [f"{name} {run}" if twice else name for name, run in pairs]
        return [
            {"section": row.section, "key": row.key, **dict(zip(titles, row.values, strict=True))}
            for row in self.rows
        ]


class Contrast(msgspec.Struct, frozen=True):
    """Two groups of runs compared in one metric.

    Attributes:
        left: The search that names the first group.
        right: The search that names the second.
        left_count: Runs of the first with a finite value.
        right_count: Runs of the second.
        left_mean: Mean of the first.
        right_mean: Mean of the second.
        difference: Mean of the second less that of the first.
        low95: Lower end of the 95 % bootstrap interval of the difference (percentiles; pairs are drawn as pairs).
        high95: Its upper end.
        cohen_d: The difference in pooled standard deviations (Cohen 1988).
        hedges_g: The same, corrected for small groups (Hedges 1981).
        welch_t: Welch's t for unequal variances.
        welch_p: Its two-sided p-value.
        mann_whitney_u: Mann and Whitney's U of the second group.
        mann_whitney_p: Its two-sided p-value.
        pairs: Runs that stand in pairs, such as by seed; 0 where the groups are not paired.
        paired_t: Student's t of the pairs.
        paired_p: Its two-sided p-value.
        wilcoxon_w: Wilcoxon's signed-rank statistic of the pairs.
        wilcoxon_p: Its two-sided p-value.
        p: The p-value to look at: of the paired t where there are pairs, else Welch's.
        holm_p: The same, corrected for the number of contrasts (Holm 1979).
    """

    left: str
    right: str
    left_count: int
    right_count: int
    left_mean: float | None = None
    right_mean: float | None = None
    difference: float | None = None
    low95: float | None = None
    high95: float | None = None
    cohen_d: float | None = None
    hedges_g: float | None = None
    welch_t: float | None = None
    welch_p: float | None = None
    mann_whitney_u: float | None = None
    mann_whitney_p: float | None = None
    pairs: int = 0
    paired_t: float | None = None
    paired_p: float | None = None
    wilcoxon_w: float | None = None
    wilcoxon_p: float | None = None
    p: float | None = None
    holm_p: float | None = None


class Importance(msgspec.Struct, frozen=True):
    """How much one parameter has to do with a metric.

    Attributes:
        param: The parameter.
        importance: How much the share of explained variance (R²) of runs not seen falls when it is shuffled.
        std: Standard deviation of that over folds and repetitions.
        spearman: Rank correlation with the metric; None where the parameter is no number.
        p: Its two-sided p-value.
        distinct: How many different values it takes.
    """

    param: str
    importance: float
    std: float
    spearman: float | None
    p: float | None
    distinct: int


class Importances(msgspec.Struct, frozen=True):
    """Which parameters have to do with a metric.

    Attributes:
        metric: The metric.
        runs: Runs that were looked at.
        score: Share of variance (R²) that the parameters explain in runs not seen; near or below 0, they explain
            nothing and the importances mean nothing.
        params: The most important first; parameters that never vary are left out.
    """

    metric: str
    runs: int
    score: float
    params: list[Importance]
