"""What can be done with evaluation sets and scorers: made, tagged, filled, read, deleted."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from fettle.acts import Context, act
from fettle.core import canonical, ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.tracking.acts.experiments import numbered
from fettle.tracking.names import check_experiment, check_values
from fettle.tracking.records.evaluation import EvaluationRecord, EvaluationSet, Merged, Scorer
from fettle.tracking.store import evaluation as store

MOST_RECORDS = 10_000
"""In one call."""
MOST_RECORD_BYTES = 1 << 20
MOST_EXPERIMENTS = 1000
MOST_SCORER = 1 << 20
"""Characters of a scorer."""
_PARTS = ("inputs", "outputs", "expectations")
_KEPT = (*_PARTS, "tags", "source")


@act("tracking.make_evaluation_set", plumbing=True)
def make_set(
    ctx: Context, name: str, *, experiments: list[int] | None = None, tags: dict[str, str] | None = None
) -> EvaluationSet:
    """Make an evaluation set without records.

    Args:
        name: What people call it; several may have the same name.
        experiments: The numbers of the experiments it belongs to.
        tags: Tag and text.
    """
    check_experiment(name)
    check_values("tag", tags or {})
    made = EvaluationSet(
        id=f"d-{secrets.token_hex(16)}",
        name=name,
        author=ctx.actor,
        created_at=ctx.now,
        updated_at=ctx.now,
        experiments=_numbers(ctx, experiments or []),
        tags=tags or {},
    )
    store.put_set(ctx.tx, made)
    return made


@act("tracking.evaluation_set", reads=True, plumbing=True)
def evaluation_set(ctx: Context, id: str) -> EvaluationSet:
    """Show an evaluation set.

    Args:
        id: Its id.
    """
    found = store.find_set(ctx.tx, id)
    if found is None:
        raise NotFound(f"There is no evaluation set {id!r}.", subject=f"evaluation-set:{id}")
    return found


@act("tracking.evaluation_sets", reads=True, plumbing=True)
def evaluation_sets(ctx: Context) -> list[EvaluationSet]:
    """List the evaluation sets, newest first."""
    return store.list_sets(ctx.tx)


@act("tracking.change_evaluation_set", plumbing=True)
def change_set(
    ctx: Context,
    id: str,
    *,
    tags: dict[str, str] | None = None,
    untag: list[str] | None = None,
    join: list[int] | None = None,
    leave: list[int] | None = None,
) -> EvaluationSet:
    """Tag an evaluation set, or say which experiments it belongs to.

    Args:
        id: Its id.
        tags: Tags to set.
        untag: Tags to drop; one that is not there is as good as dropped.
        join: Experiments it belongs to from now on.
        leave: Experiments it belongs to no more.
    """
    known = evaluation_set(ctx, id)
    check_values("tag", tags or {})
    kept = {key: value for key, value in known.tags.items() if key not in (untag or [])}
    experiments = [each for each in known.experiments if each not in (leave or [])]
    changed = msgspec.structs.replace(
        known,
        tags={**kept, **(tags or {})},
        experiments=list(dict.fromkeys([*experiments, *_numbers(ctx, join or [])])),
        updated_at=ctx.now,
    )
    store.put_set(ctx.tx, changed)
    return changed


@act("tracking.delete_evaluation_set", plumbing=True)
def delete_set(ctx: Context, id: str) -> None:
    """Delete an evaluation set with its records.

    Args:
        id: Its id.
    """
    evaluation_set(ctx, id)
    store.drop_set(ctx.tx, id)


@act("tracking.merge_evaluation_records", plumbing=True)
def merge_records(ctx: Context, id: str, records: list[dict[str, Any]]) -> Merged:
    """Add records; one with the inputs of another adds to what that one says.

    Args:
        id: The set's id.
        records: Each with `inputs`, and maybe `outputs`, `expectations`, `tags` and `source`.
    """
    known = evaluation_set(ctx, id)
    if len(records) > MOST_RECORDS:
        raise Invalid("Those are too many records at once.", found=f"{len(records):,}")
    told: dict[str, dict[str, Any]] = {}
    for each in records:
        said = _checked(each)
        question = ids.digest_of(said["inputs"])
        told[question] = _merged(told[question], said) if question in told else said
    before = {each.question: each for each in store.find_questions(ctx.tx, id, list(told))}
    store.put_records(ctx.tx, [_record(ctx, id, key, said, before.get(key)) for key, said in told.items()])
    fields = {part: dict(known.fields.get(part, {})) for part in _PARTS}
    for said in told.values():
        for part in _PARTS:
            values = said.get(part)
            for field, value in (values if isinstance(values, dict) else {}).items():
                fields[part].setdefault(field, _kind(value))
    store.put_set(ctx.tx, msgspec.structs.replace(known, fields=fields, updated_at=ctx.now))
    return Merged(len(told) - len(before), len(records) - len(told) + len(before))


@act("tracking.evaluation_records", reads=True, plumbing=True)
def evaluation_records(ctx: Context, id: str, *, most: int = 1000, start: int = 0) -> list[EvaluationRecord]:
    """List the records of an evaluation set, as they came.

    Args:
        id: The set's id.
        most: At most so many.
        start: Pass over so many.
    """
    evaluation_set(ctx, id)
    return store.list_records(ctx.tx, id, max(0, most), max(0, start))


@act("tracking.drop_evaluation_records", plumbing=True)
def drop_records(ctx: Context, id: str, records: list[str]) -> int:
    """Take records from an evaluation set; return how many.

    Args:
        id: The set's id.
        records: Their ids.
    """
    known = evaluation_set(ctx, id)
    store.put_set(ctx.tx, msgspec.structs.replace(known, updated_at=ctx.now))
    return store.drop_records(ctx.tx, id, records)


@act("tracking.register_scorer", plumbing=True)
def register_scorer(ctx: Context, experiment: int, name: str, scorer: str) -> Scorer:
    """Keep a scorer as the next version of its name; it is never run here.

    Args:
        experiment: The number of the experiment it belongs to.
        name: What people call it.
        scorer: As its client writes it down.

    Raises:
        Conflict: The experiment is in the bin.
    """
    check_experiment(name)
    if len(scorer) > MOST_SCORER:
        raise Invalid(
            "A scorer is too long.", found=f"{len(scorer):,} characters", hint=f"At most {MOST_SCORER:,}."
        )
    if experiment != 0 and numbered(ctx, experiment).deleted_at is not None:
        raise Conflict(f"Experiment {experiment} is in the bin.", subject=f"experiment:{experiment}")
    known = store.list_scorers(ctx.tx, [experiment], name)
    version, id = (known[-1].version + 1, known[-1].id) if known else (1, f"s-{secrets.token_hex(16)}")
    made = Scorer(experiment, name, version, id, scorer, ctx.actor, ctx.now)
    store.add_scorer(ctx.tx, made)
    return made


@act("tracking.scorers", reads=True, plumbing=True)
def scorers(ctx: Context, experiments: list[int], *, name: str | None = None) -> list[Scorer]:
    """List the scorers of experiments, every version.

    Args:
        experiments: Their numbers.
        name: Only those of this name.
    """
    if len(experiments) > MOST_EXPERIMENTS:
        raise Invalid("Those are too many experiments at once.", found=f"{len(experiments):,}")
    return store.list_scorers(ctx.tx, experiments, name)


@act("tracking.delete_scorer", plumbing=True)
def delete_scorer(ctx: Context, experiment: int, name: str, *, version: int | None = None) -> int:
    """Delete a scorer; return how many versions that were.

    Args:
        experiment: The number of its experiment.
        name: Its name.
        version: Only this version.

    Raises:
        NotFound: There is none.
    """
    gone = store.drop_scorers(ctx.tx, experiment, name, version)
    if not gone:
        raise NotFound(f"There is no scorer {name!r} in experiment {experiment}.", subject=f"scorer:{name}")
    return gone


def _numbers(ctx: Context, given: list[int]) -> list[int]:
    for each in given:
        if each != 0:
            numbered(ctx, each)
    return list(dict.fromkeys(given))


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    said = {name: record[name] for name in _KEPT if record.get(name) is not None}
    said.setdefault("inputs", {})
    size_bytes = len(canonical.encode(said))
    if not isinstance(said["inputs"], dict) or not isinstance(said.get("tags", {}), dict):
        raise Invalid("A record has inputs and tags by name.", found=type(said["inputs"]).__name__)
    if size_bytes > MOST_RECORD_BYTES:
        raise Invalid(
            "A record is too large.", found=f"{size_bytes:,} bytes", hint=f"At most {MOST_RECORD_BYTES:,}."
        )
    return said


def _merged(known: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """A record with what is told anew: expectations and tags are added, the rest takes the place of it."""
    made = {**known, **said}
    for name in ("expectations", "tags"):
        if isinstance(known.get(name), dict) and isinstance(said.get(name), dict):
            made[name] = {**known[name], **said[name]}
    return made


def _record(
    ctx: Context, id: str, question: str, said: dict[str, Any], known: EvaluationRecord | None
) -> EvaluationRecord:
    if known is not None:
        return msgspec.structs.replace(known, said=_merged(known.said, said), updated_at=ctx.now)
    return EvaluationRecord(id, f"dr-{secrets.token_hex(16)}", question, ctx.now, ctx.now, said)


def _kind(value: Any) -> str:
    names = {
        type(None): "null",
        bool: "boolean",
        int: "integer",
        float: "float",
        str: "string",
        list: "array",
    }
    return names.get(type(value), "object")
