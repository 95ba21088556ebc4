"""Runs with all that is shown of them, in one statement however many runs there are and however much is known of them.

Every table gives rows of the same columns, told apart by `kind`; times stay microseconds, JSON stays text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fettle.core.canonical import decode, encode
from fettle.tracking.records.inputs import LOCATION, Brief, DatasetInput, ModelLink
from fettle.tracking.records.sheets import Last, Sheet
from fettle.tracking.store.experiments import experiment_tags, experiments
from fettle.tracking.store.inputs import inputs, model_links
from fettle.tracking.store.metrics import metrics
from fettle.tracking.store.runs import params, runs, tags

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

_RUN, _PARAM, _TAG, _METRIC, _INPUT, _LINK = range(6)
_TEXTS, _NUMBERS = 7, 4


def find_sheets(tx: Transaction, ids: Sequence[str]) -> list[Sheet]:
    """The runs of these ids that exist, in the order of the ids."""
    if not ids:
        return []
    some = {"some": encode(dict.fromkeys(ids, 0)).decode()}
    rows: list[tuple[Any, ...]] = [tuple(row) for row in tx.execute(_ALL, some)]
    found = {row[1]: _sheet(row) for row in rows if row[0] == _RUN}
    later: list[Any] = []
    for row in rows:  # those of a statement come in any order
        kind, run = row[0], row[1]
        if kind == _RUN or run not in found:
            continue
        if kind == _PARAM:
            found[run].params[row[2]] = row[3]
        elif kind == _TAG:
            found[run].tags[row[2]] = row[3]
        elif kind == _METRIC:
            found[run].metrics.append(_last(row))
        else:
            later.append(row)
    for row in sorted(later, key=_when):
        _put(found[row[1]], row)
    return [found[each] for each in ids if each in found]


def _last(row: Any) -> Last:
    return Last(row[2], row[9] if row[3] is None else row[3], row[10], row[11])


def _when(row: Any) -> tuple[Any, ...]:
    """Datasets by when they were read, and models by when they were made."""
    return (_INPUT, row[10], row[2]) if row[0] == _INPUT else (_LINK, row[12], row[10], row[2])


def _put(sheet: Sheet, row: Any) -> None:
    if row[0] == _INPUT:
        sheet.datasets.append(DatasetInput(*row[2:8], tags=decode(row[8], dict[str, str])))
    else:
        (sheet.made if row[11] else sheet.read).append(ModelLink(row[2], row[10]))


def _sheet(row: Any) -> Sheet:
    _, run, experiment, name, status, author, notes, parent, location, _, started, ended, deleted, number = (
        row
    )
    return Sheet(
        id=run,
        experiment=Brief(number, experiment, None, location or ""),
        name=name,
        status=status,
        author=author,
        started_us=started,
        ended_us=ended,
        parent=parent or "",
        notes=notes,
        deleted=deleted is not None,
        params={},
        tags={},
        metrics=[],
        datasets=[],
        read=[],
        made=[],
    )


def _some() -> Any:
    """The asked ids: keys of one JSON object, so that it is one parameter and one statement for any number of them."""
    given = sa.func.json_each(sa.bindparam("some")).table_valued("key")
    return sa.select(given.c.key)


def _rows(
    kind: int,
    table: sa.Table,
    texts: Sequence[Any],
    numbers: Sequence[Any] = (),
    value: Any = None,
    source: Any = None,
) -> sa.Select[*tuple[Any, ...]]:
    """Rows of the common form: kind, run, texts, a value, whole numbers."""
    run = table.c.id if kind == _RUN else table.c.run
    no_text, no_number = sa.cast(sa.null(), sa.Text), sa.cast(sa.null(), sa.BigInteger)
    columns = [
        sa.literal_column(str(kind)),
        run,
        *(sa.type_coerce(each, sa.Text) for each in texts),
        *[no_text] * (_TEXTS - len(texts)),
        sa.cast(sa.null(), sa.Double) if value is None else value,
        *(sa.type_coerce(each, sa.BigInteger) for each in numbers),
        *[no_number] * (_NUMBERS - len(numbers)),
    ]
    named = [each.label(f"c{place}") for place, each in enumerate(columns)]
    return sa.select(*named).select_from(table if source is None else source).where(run.in_(_some()))


def _whole() -> sa.Executable:
    r, m, i, k = runs.c, metrics.c, inputs.c, model_links.c
    place = (experiment_tags.c.number == experiments.c.number) & (experiment_tags.c.key == LOCATION)
    belongs = runs.join(experiments, experiments.c.name == r.experiment).outerjoin(experiment_tags, place)
    said = [r.experiment, r.name, r.status, r.author, r.notes, r.parent, experiment_tags.c.value]
    times = [r.started_at, r.ended_at, r.deleted_at, experiments.c.number]
    described = [i.name, i.digest, i.source_type, i.source, i.schema, i.profile, i.tags]
    parts = [
        _rows(_RUN, runs, said, times, source=belongs),
        _rows(_PARAM, params, [params.c.key, params.c.text]),
        _rows(_TAG, tags, [tags.c.key, tags.c.value]),
        _rows(_METRIC, metrics, [m.key, m.not_finite], [m.at, m.step], m.last),
        _rows(_INPUT, inputs, described, [i.at]),
        _rows(_LINK, model_links, [k.model], [k.step, sa.cast(k.made, sa.Integer), k.at]),
    ]
    return sa.union_all(*parts)


_ALL = _whole()
