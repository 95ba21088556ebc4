"""One version of a dataset: where it came from, its columns, what is wrong with it, and what was made of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from fettle.acts import Surface
from fettle.core.errors import FettleError, NotFound
from fettle.web import checks, columns
from fettle.web.asked import Asked
from fettle.web.formats import segment, short
from fettle.web.remembered import Remembered
from fettle.web.site import Facts, Page
from fettle.web.tables import arrange

if TYPE_CHECKING:
    from fettle.data.records.schemas import Report, Schema
    from fettle.data.records.versions import Commit

VALIDATED_CELLS = 2_000_000
"""Tables with more cells are not validated for a page; their stored profile is shown all the same."""
SHOWN_ANOMALIES = 40
_REF = re.compile(r"[^\s@/]+@[0-9a-f]{6,64}")

_reports = Remembered(64)


class Validated(msgspec.Struct, frozen=True):
    """What came of validating a version for its page.

    Attributes:
        schema: The version whose schema it was held against; empty if there is none.
        report: The anomalies; None where the rows were not looked at.
        why: Why they were not; empty if they were.
        command: What to run instead.
    """

    schema: str = ""
    report: Report | None = None
    why: str = ""
    command: str = ""


def read_version(ws: Surface, asked: Asked) -> Facts:
    """One version with its profile, schema, anomalies, checks, and the models made from it."""
    name = asked.name("name").partition("@")[0]
    commit: Commit = ws.call("data.show", ref=ref_of(asked))
    runs = ws.call("data.check_history", dataset=name, limit=checks.SHOWN_RUNS)
    schema_at, schema = schema_of(ws, commit)
    return {
        "commit": commit,
        "refs": [each for each in ws.call("data.refs", dataset=name) if each.commit == commit.id],
        "profile": _kept(ws, "data.profile_of", commit.ref) if commit.profile_digest else None,
        "schema": schema,
        "validated": validated(ws, commit, schema_at, schema),
        "results": list(checks.newest(each for each in runs if each.commit == commit.id).values()),
        "runs": runs,
        "holds": [each for each in ws.call("data.holds", dataset=name) if each.commit in ("", commit.id)],
        "versions": ws.call("registry.made_from", dataset_commit=commit.id),
        "parents": [found for each in commit.parents if (found := _kept(ws, "data.show", f"{name}@{each}"))],
    }


def ref_of(asked: Asked) -> str:
    """The reference that an address names: `/data/churn@main`, or `/data/churn/main`."""
    return f"{asked.name('name')}@{asked.name('at')}"


def schema_of(ws: Surface, commit: Commit) -> tuple[str, Schema | None]:
    """The schema kept with a version, or with the nearest before it, and which version that is."""
    for each in [commit, *ws.call("data.log", dataset=commit.dataset, branch=commit.id, limit=100)]:
        if each.schema_digest:
            return each.id, _kept(ws, "data.schema_of", each.ref)
    return "", None


def validated(ws: Surface, commit: Commit, schema_at: str, schema: Schema | None) -> Validated:
    """Hold a version against its schema, unless it has too many cells to do so while somebody waits."""
    if schema is None:
        return Validated()
    if len(commit.tables) != 1:
        return Validated(schema_at, why="The version is not one table.")
    command = f"fettle data validate {commit.dataset}@{commit.id[:12]}"
    cells = commit.rows * len(commit.columns)
    if cells > VALIDATED_CELLS:
        return Validated(
            schema_at, None, f"{commit.rows:,} rows are too many to look at for a page.", command
        )
    try:
        report = _reports.get((commit.id, schema_at), lambda: _validate(ws, commit, schema))
    except FettleError as error:
        return Validated(schema_at, None, error.message, command)
    return Validated(schema_at, report, "", command)


def _validate(ws: Surface, commit: Commit, schema: Schema) -> Report:
    from fettle.data import validate, versions

    return validate.validate(versions.scan(ws, commit), schema)


def _kept(ws: Surface, act: str, ref: str) -> Any:
    """What belongs to a version; None where the object itself has gone."""
    try:
        return ws.call(act, ref=ref)
    except NotFound:
        return None


def draw_version(facts: Facts, asked: Asked) -> Facts:
    """A row with a picture for each column, and how columns hang together."""
    profile, schema = facts["profile"], facts["schema"]
    found = list(profile.columns) if profile else []
    table = arrange(found, columns.PROFILE, asked, words=lambda each: f"{each.name} {each.type} {each.role}")
    return {
        "table": table,
        "pictures": {each.name: columns.draw(each) for each in table.rows},
        "said": {each.name: columns.said(each) for each in table.rows},
        "related": columns.related(profile.associations) if profile else "",
        "rules": {each.name: rule_text(each) for each in schema.columns} if schema else {},
        "target": schema.target if schema else "",
        "strips": checks.strips(facts["runs"]),
        "outcomes": checks.OUTCOMES,
        "metadata": {key: linked(value) for key, value in facts["commit"].metadata.items()},
    }


def rule_text(rule: Any) -> str:
    """A rule of a schema in few words."""
    said = [] if rule.required else ["may be left out"]
    if rule.min is not None or rule.max is not None:
        said.append(
            f"{'…' if rule.min is None else f'{rule.min:g}'} to {'…' if rule.max is None else f'{rule.max:g}'}"
        )
    if rule.values is not None:
        shown = ", ".join(rule.values[:5])
        said.append(f"one of {shown}" + (f" and {len(rule.values) - 5} more" if len(rule.values) > 5 else ""))
    if rule.missing_max is not None:
        said.append(f"at most {rule.missing_max:.1%} missing" if rule.missing_max else "none missing")
    said += ["unique"] if rule.unique else []
    said += [f"matches {rule.regex}"] if rule.regex else []
    if rule.min_length is not None or rule.max_length is not None:
        said.append(
            f"{rule.min_length or 0} to {'…' if rule.max_length is None else rule.max_length} characters"
        )
    said += [rule.monotone] if rule.monotone else []
    said += [f"drift at most {rule.drift_max:g}"] if rule.drift_max is not None else []
    return " · ".join(said)


def linked(value: str) -> list[tuple[str, str]]:
    """A text of the metadata in pieces: each with the page that it names, or with none."""
    pieces: list[tuple[str, str]] = []
    end = 0
    for found in _REF.finditer(value):
        pieces.append((value[end : found.start()], ""))
        name, _, commit = found[0].partition("@")
        pieces.append((f"{name}@{short(commit)}", f"/data/{segment(found[0])}"))
        end = found.end()
    return [each for each in [*pieces, (value[end:], "")] if each[0]]


NAMED_PAGES = (Page("/data/{name}@{at}", "data/version.html", read_version, draw_version),)
"""`/data/churn@main`: comes before what is below a dataset's name."""

PAGES = (Page("/data/{name}/{at}", "data/version.html", read_version, draw_version),)
"""`/data/churn/main`: comes after it."""
