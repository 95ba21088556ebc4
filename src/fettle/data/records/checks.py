"""The nouns of checks: what users ask of rows in their own words, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from fettle.data.records.schemas import Severity
from fettle.data.records.versions import Commit

Outcome = Literal["passed", "failed", "broken"]
"""`broken`: the check could not be made, such as on a column that is not there."""


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a user asks of every row of a dataset, or of the table as a whole. Exactly one of the six forms is given.

    Attributes:
        id: The check's name.
        expression: A condition in fettle's own words, `amount > 0 and plan in ('a', 'b')`; docs/how-to/checks.md.
        sql: An SQL condition, `amount > 0 AND plan IN ('a', 'b')`.
        query: An SQL query over the table `data` that selects the rows that fail.
        function: The name of a Python function in the file of checks.
        unique: Columns whose values together occur once.
        references: Where the values of `columns` must occur: `customers@main:id` (dataset, version, its columns).
        columns: The columns spoken of; needed for `references`, otherwise those shown with a failing row.
        severity: What it means when the check fails; an `error` ends the command with exit code 5.
        mostly: The least share of rows that must pass, in (0, 1]; rows where the condition is unknown do not count.
        owner: Who is asked when it fails.
        description: Why it is asked.
    """

    id: str
    expression: str = ""
    sql: str = ""
    query: str = ""
    function: str = ""
    unique: list[str] = []
    references: str = ""
    columns: list[str] = []
    severity: Severity = "error"
    mostly: float = 1.0
    owner: str = ""
    description: str = ""

    @property
    def form(self) -> str:
        """Which of the six forms it has; empty if none."""
        forms = ("expression", "sql", "query", "function", "unique", "references")
        return next((each for each in forms if getattr(self, each)), "")

    @property
    def text(self) -> str:
        """What is asked, in one line."""
        said = getattr(self, self.form) if self.form else ""
        if self.form == "unique":
            return f"unique({', '.join(self.unique)})"
        if self.form == "references":
            return f"{', '.join(self.columns)} in {said}"
        return f"{said}()" if self.form == "function" else " ".join(said.split())


class CheckedRow(msgspec.Struct, frozen=True):
    """A row that fails: its number, the first row being 1 (0: not known), and the values looked at, as text."""

    row: int
    values: dict[str, str | None]


class CheckResult(msgspec.Struct, frozen=True):
    """What came of one check.

    Attributes:
        check: The check as it was made.
        outcome: `passed` where at least the share `mostly` of the rows pass.
        rows: Rows that the condition could be told of; 1 for a condition about the whole table.
        failed: Rows that fail.
        failing: The first of them.
        message: Why it could not be made; empty otherwise.
    """

    check: Check
    outcome: Outcome
    rows: int = 0
    failed: int = 0
    failing: list[CheckedRow] = []
    message: str = ""

    @property
    def share(self) -> float:
        """The share of rows that fail, in [0, 1]."""
        return self.failed / self.rows if self.rows else 0.0


class CheckReport(msgspec.Struct, frozen=True):
    """What came of all checks of a table."""

    rows: int
    results: list[CheckResult]

    @property
    def ok(self) -> bool:
        """True if no check of severity `error` failed or could not be made."""
        return not self.errors

    @property
    def errors(self) -> list[CheckResult]:
        """The checks of severity `error` that did not pass."""
        return [each for each in self.results if each.outcome != "passed" and each.check.severity == "error"]


class CheckRun(msgspec.Struct, frozen=True):
    """One check's result on one version, as it is kept."""

    dataset: str
    commit: str
    check: str
    at: datetime
    outcome: Outcome
    severity: Severity
    rows: int
    failed: int
    owner: str = ""
    text: str = ""
    by: str = ""

    @classmethod
    def of(cls, result: CheckResult, commit: Commit, at: datetime) -> CheckRun:
        """What is kept of a result: how many rows failed, and none of their values."""
        made = result.check
        return cls(
            dataset=commit.dataset,
            commit=commit.id,
            check=made.id,
            at=at,
            outcome=result.outcome,
            severity=made.severity,
            rows=result.rows,
            failed=result.failed,
            owner=made.owner,
            text=made.text,
        )


class FeatureSkew(msgspec.Struct, frozen=True):
    """How a feature differs between training and serving.

    Attributes:
        feature: The column.
        psi: Population stability index less what chance gives; None where it cannot be said.
        differ: Of the rows found on both sides by their key, those with another value; None without a key.
        share: Their share, in [0, 1].
        examples: Some of them: key, value in training, value in serving.
        skewed: Whether a limit is passed.
        said: What is wrong, in few words.
    """

    feature: str
    psi: float | None = None
    differ: int | None = None
    share: float | None = None
    examples: list[tuple[str, str | None, str | None]] = []
    skewed: bool = False
    said: list[str] = []


class SkewReport(msgspec.Struct, frozen=True):
    """Training and serving held against each other; the features that differ most come first.

    `matched` are the rows found on both sides, `only_training` and `only_serving` those without a partner, `repeated`
    those left out because their key occurs more than once on a side; all 0 without a key.
    """

    training_rows: int
    serving_rows: int
    features: list[FeatureSkew]
    matched: int = 0
    only_training: int = 0
    only_serving: int = 0
    repeated: int = 0

    @property
    def skewed(self) -> list[FeatureSkew]:
        """The features that pass a limit."""
        return [each for each in self.features if each.skewed]
