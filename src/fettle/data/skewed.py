"""Skew as it is told to a person."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.data.profiling.report import table
from fettle.data.records.checks import FeatureSkew, SkewReport


class SkewShown(msgspec.Struct, frozen=True):
    """Training and serving under their titles; `fault` is not empty where a feature is skewed."""

    training: str
    serving: str
    report: SkewReport

    @property
    def fault(self) -> str:
        """What ends the command with exit code 5; empty if nothing does."""
        bad = self.report.skewed
        names = ", ".join(each.feature for each in bad[:5]) + (", …" if len(bad) > 5 else "")
        return f"{len(bad)} feature(s) are skewed: {names}." if bad else ""

    def lines(self) -> list[str]:
        """A line a feature, the most skewed first, with examples of rows that differ."""
        found = self.report
        made = [
            f"{self.training} ({found.training_rows:,} rows) and {self.serving} ({found.serving_rows:,} rows)"
        ]
        if found.matched or found.only_training or found.only_serving:
            made.append(
                f"{found.matched:,} rows on both sides, {found.only_training:,} only in training, "
                f"{found.only_serving:,} only in serving, {found.repeated:,} with a repeated key"
            )
        rows = [
            ["✗" if each.skewed else "✓", each.feature, _psi(each), _share(each), "; ".join(each.said)]
            for each in found.features
        ]
        made += ["", *table(["", "feature", "PSI", "differ", "what is wrong"], rows, right={2, 3}, wrap=True)]
        for each in found.skewed:
            made += [
                f"  {each.feature} at {key}: {was} in training, {now} in serving"
                for key, was, now in each.examples
            ]
        return made

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-able fields."""
        return {"training": self.training, "serving": self.serving, **msgspec.to_builtins(self.report)}


def _psi(each: FeatureSkew) -> str:
    return f"{each.psi:.3f}" if each.psi is not None else ""


def _share(each: FeatureSkew) -> str:
    return f"{each.share:.2%}" if each.share is not None else ""
