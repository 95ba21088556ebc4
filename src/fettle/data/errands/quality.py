"""Look at data and check it where the user is: profiles, schemas, checks and skew of versions and of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.acts import Surface, errand

if TYPE_CHECKING:
    import polars as pl


@errand("data.profile", reads=True)
def profile(ws: Surface, source: str, *, html: Path | None = None, fresh: bool = False) -> Any:
    """Show what the columns of a version or a file are like.

    Args:
        source: A version such as `churn@main`, or a file, query or address.
        html: Also write it to this file, which needs no other.
        fresh: Make it anew although one is kept with the version.
    """
    from fettle.data.opening import open_rows, profile_of
    from fettle.data.profiling.report import ProfileReport

    opened = open_rows(ws, source, lenient=True)
    made = ProfileReport(opened.title, profile_of(ws, opened, fresh=fresh))
    _write(html, made.page)
    return made


@errand("data.compare", reads=True)
def compare(ws: Surface, before: str, after: str, *, html: Path | None = None) -> Any:
    """Show how the columns of two versions or files differ, those that changed most first.

    Args:
        before: A version or file.
        after: Another.
        html: Also write it to this file, which needs no other.
    """
    from fettle.data.opening import open_rows, profile_of
    from fettle.data.profiling.comparison import compare_profiles
    from fettle.data.profiling.report import ComparisonReport

    a, b = open_rows(ws, before), open_rows(ws, after)
    made = ComparisonReport(a.title, b.title, compare_profiles(profile_of(ws, a), profile_of(ws, b)))
    _write(html, made.page)
    return made


@errand("data.schema", reads=True)
def schema(ws: Surface, source: str, *, infer: bool = False, target: str = "", time: str = "") -> str:
    """Print the schema of a version as TOML, to be kept under version control: that which is kept, else inferred.

    Args:
        source: A version or file.
        infer: Infer it from these rows although one is kept.
        target: The column a model is to predict (when it is inferred).
        time: The column that says when a row happened (when it is inferred).
    """
    from fettle.core.errors import NotFound
    from fettle.data import schemas
    from fettle.data.opening import open_rows, profile_of, schema_of

    opened = open_rows(ws, source)
    if not (infer or target or time):
        try:
            return schemas.to_toml(schema_of(ws, opened, None)).rstrip("\n")
        except NotFound as missing:
            if missing.subject != "schema":
                raise
    at = time or (opened.commit.table.time_column if opened.commit else None)
    made = schemas.infer(profile_of(ws, opened), target or None, time=at)
    return schemas.to_toml(made).rstrip("\n")


@errand("data.validate", reads=True)
def validate(
    ws: Surface, source: str, *, schema: Path | None = None, against: str = "", rows: Path | None = None
) -> Any:
    """Check the rows of a version or a file against a schema; exit code 5 if an anomaly is an error.

    Args:
        source: A version or file.
        schema: The schema's TOML; without it the one kept with the version, or the nearest before it, is used.
        against: A version or file of good rows, for rules with `drift_max`.
        rows: Write all failing rows to this CSV file: row, column, kind, value.
    """
    from fettle.data import validate as work
    from fettle.data.checks.report import ValidationReport
    from fettle.data.opening import open_rows, profile_of, schema_of

    opened = open_rows(ws, source)
    expected = schema_of(ws, opened, schema)
    reference = profile_of(ws, open_rows(ws, against)) if against else None
    made = ValidationReport(opened.title, work.validate(opened.rows, expected, reference=reference))
    if rows is not None:
        work.failing_rows(opened.rows, expected).write_csv(rows)
    return made


@errand("data.accept")
def accept(
    ws: Surface,
    source: str,
    *,
    column: list[str] | None = None,
    all: bool = False,
    schema: Path | None = None,
) -> Any:
    """Take the anomalies of a version or file into the schema, and show what changes in its TOML.

    Args:
        source: A version or file.
        column: The columns whose anomalies are accepted.
        all: Accept all anomalies for which a rule can be changed.
        schema: The schema's TOML, changed in place, comments kept; without it the schema of the version.
    """
    from fettle.core.errors import Invalid, NotFound
    from fettle.data import schemas, versions
    from fettle.data import validate as work
    from fettle.data.acceptance import Accepted, difference
    from fettle.data.opening import open_rows, read_text, schema_of
    from fettle.data.revision import revise

    opened = open_rows(ws, source)
    before = schema_of(ws, opened, schema)
    if not (column or all):
        raise Invalid(
            "Nothing is accepted unasked.", hint=f"fettle data accept {source} --column NAME, or --all"
        )
    report = work.validate(opened.rows, before)
    found = [each for each in report.anomalies if all or each.column in (column or [])]
    for name in column or []:
        if name not in {each.column for each in report.anomalies}:
            raise NotFound.among("column with an anomaly", name, {each.column for each in report.anomalies})
    after = work.accept(before, found)
    old = read_text(schema) if schema else schemas.to_toml(before)
    new = revise(old, after)
    if schema is not None:
        schema.write_text(new, "utf-8")
    elif opened.commit is not None:
        versions.set_schema(ws, opened.commit, after)
    else:
        raise Invalid("A file has no schema of its own.", hint="Give --schema schema.toml")
    return Accepted([each.message for each in found if each.change is not None], difference(old, new))


@errand("data.expect")
def expect(ws: Surface, ref: str, schema: Path) -> Any:
    """Keep a schema with a version; the versions that follow are validated against it.

    Args:
        ref: The version.
        schema: The schema's TOML.
    """
    from fettle.data import schemas, versions
    from fettle.data.opening import read_text

    return versions.set_schema(ws, ref, schemas.from_toml(read_text(schema)))


@errand("data.check")
def check(
    ws: Surface,
    source: str,
    *,
    checks: list[Path] | None = None,
    rows: Path | None = None,
    record: bool = True,
) -> Any:
    """Make the checks of a dataset on a version, or those of files on anything; exit code 5 if one of them fails.

    Args:
        source: A version or file.
        checks: Files of checks: `checks.toml`, or `checks.py` with @check functions. They come beside those kept with
            the dataset.
        rows: Write all failing rows of all checks to this CSV file: check, row, column, value.
        record: Keep the results with the version.
    """
    from fettle.core import progress
    from fettle.data import versions
    from fettle.data.checks.gather import gathered
    from fettle.data.checks.report import ChecksReport
    from fettle.data.checks.run import failing_table, run_checks
    from fettle.data.opening import open_rows
    from fettle.data.records.checks import CheckRun

    opened = open_rows(ws, source)
    asked = gathered(ws, opened.commit, checks or [], opened.title)

    def lookup(ref: str) -> pl.LazyFrame:
        return versions.scan(ws, ref)

    with progress.phase("Checking", unit="checks"):
        made = ChecksReport(opened.title, run_checks(opened.rows, asked, lookup=lookup))
    if rows is not None:
        failing_table(opened.rows, asked, lookup=lookup).write_csv(rows)
    if opened.commit is not None and record:
        runs = [CheckRun.of(each, opened.commit, ws.clock.now()) for each in made.report.results]
        ws.call("data.record_checks", ref=opened.commit.ref, runs=runs)
    return made


@errand("data.skew", reads=True)
def skew(
    ws: Surface,
    training: str,
    serving: str,
    *,
    key: list[str] | None = None,
    psi_most: float = 0.1,
    differ_most: float = 0.001,
    tolerance: float = 1e-6,
) -> Any:
    """Compare the features of training rows with those of served rows; exit code 5 if they are skewed.

    Args:
        training: A version or file.
        serving: Another.
        key: Columns that tell which rows are the same on both sides; then every value is compared too.
        psi_most: The greatest population stability index, less what chance gives.
        differ_most: The greatest share of rows with another value, in [0, 1].
        tolerance: Numbers are the same up to this share.
    """
    from fettle.data.opening import open_rows
    from fettle.data.skew import compare_sides
    from fettle.data.skewed import SkewShown

    a, b = open_rows(ws, training), open_rows(ws, serving)
    made = compare_sides(
        a.rows, b.rows, key=key or [], psi_most=psi_most, differ_most=differ_most, tolerance=tolerance
    )
    return SkewShown(a.title, b.title, made)


@errand("data.import_checks")
def import_checks(ws: Surface, path: Path, *, dataset: str = "", out: Path | None = None) -> Any:
    """Take over a Great Expectations suite (JSON) or a pandera schema (YAML or JSON) as checks.

    Args:
        path: The suite or schema.
        dataset: Ask the checks of this dataset from now on.
        out: Write them to this TOML file.
    """
    from fettle.data.checks.files import to_toml
    from fettle.data.imports.suites import read_suite

    made = read_suite(path)
    if out is not None:
        out.write_text(to_toml(made.checks), "utf-8")
    if dataset and made.checks:
        ws.call("data.set_checks", dataset=dataset, checks=made.checks)
    return made


def _write(path: Path | None, page: Any) -> None:
    if path is not None:
        path.write_text(page(), "utf-8")
