"""Find a page of runs: which, in which order, from where on.

A page is found without looking at every run. Either the index of what the runs are sorted by is walked until the page
is full, or, where a condition holds for few runs, those are looked at alone; a bounded count decides. Runs with the
value they are sorted by come first, then, in a second query, those without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fettle.storage.texts import alone, head, unindexed
from fettle.tracking.records.search import All, Condition, Field, Page, Query, Term
from fettle.tracking.store import runs as stored
from fettle.tracking.store.conditions import true_of
from fettle.tracking.store.gathered import roughly
from fettle.tracking.store.metrics import metrics
from fettle.tracking.store.plans import Plan, Planner
from fettle.tracking.store.positions import Position, read_position, write_position
from fettle.tracking.store.runs import params, reads, runs, tags
from fettle.tracking.store.sorting import Key, Sorting, Then, sortings
from fettle.tracking.store.words import words_of

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def m004_search(tx: Transaction) -> None:
    """Parameters, tags and inputs get columns and indexes to be searched by."""
    tx.extend(stored.params, stored.tags, metrics)
    tx.create(reads)
    _index_text(tx, "tracking_params_texts", params, "text")
    _index_text(tx, "tracking_tags_texts", tags, "value")
    _fill_params(tx)
    for run, inputs in map(tuple, tx.execute(sa.select(runs.c.id, runs.c.inputs)).all()):
        stored.add_reads(tx, run, inputs)
    infinite = {"Infinity": float("inf"), "-Infinity": float("-inf")}
    for name, number in infinite.items():
        tx.execute(metrics.update().where(metrics.c.not_finite == name).values(last=number))


def _index_text(tx: Transaction, name: str, table: sa.Table, column: str) -> None:
    """Index the beginning of a text; on a copy of the table, as SQLite's indexes of expressions cannot be looked up."""
    twin = table.to_metadata(sa.MetaData())
    index = sa.Index(name, twin.c.key, head(twin.c[column]), twin.c.run)
    tx.execute(sa.schema.CreateIndex(index, if_not_exists=True))


def _fill_params(tx: Transaction, portion: int = 5000) -> None:
    place = sa.tuple_(params.c.run, params.c.key)
    rows = (
        sa.select(params.c.run, params.c.key, params.c.value)
        .order_by(params.c.run, params.c.key)
        .limit(portion)
    )
    found = tx.execute(rows).all()
    change = (
        params.update()
        .where(params.c.run == sa.bindparam("of"), params.c.key == sa.bindparam("named"))
        .values(text=sa.bindparam("text"), number=sa.bindparam("number"))
    )
    while found:
        tx.execute(change, [{"of": r.run, "named": r.key, **stored.searched(r.value)} for r in found])
        last = sa.tuple_(sa.literal(found[-1].run), sa.literal(found[-1].key))
        found = tx.execute(rows.where(place > last)).all()


def find(tx: Transaction, query: Query) -> Page:
    """The page of runs that a query asks for, complete with parameters, tags and last values.

    Raises:
        Invalid: The cursor is none, or one of a search with another order.
    """
    ids, following = find_ids(tx, query)
    return Page(stored.find_runs(tx, ids), following)


def find_ids(tx: Transaction, query: Query) -> tuple[list[str], str | None]:
    """Ids of the runs of a page, and the cursor to those behind it."""
    search = _Search(tx, query)
    wanted = max(0, query.limit)
    rows = search.rows(wanted + 1)
    ids = [row.id for row in rows[:wanted]]
    if len(rows) <= wanted or not ids:
        return ids, None
    return ids, search.position_of(rows[wanted - 1])


def count(tx: Transaction, query: Query) -> int:
    """How many runs meet the condition, whatever the limit."""
    where = sa.and_(sa.true(), *map(true_of, _conditions(query)))
    return tx.execute(sa.select(sa.func.count()).select_from(runs).where(where)).scalar_one()


class _Search:
    def __init__(self, tx: Transaction, query: Query) -> None:
        self._tx = tx
        self._query = query
        self._conditions = _conditions(query)
        self._sortings = sortings(query.order)
        self._start = read_position(query.cursor, query.order) if query.cursor else None
        self._planner = Planner(tx, self._conditions)
        self._follow(self._planner.first(query.offset + query.limit, ordered=self._sortings[0].indexed))

    def _follow(self, chosen: Plan) -> None:
        self._plan = chosen
        self._where = sa.and_(sa.true(), *map(true_of, chosen.open))

    def rows(self, most: int) -> list[Any]:
        """The next rows: of the runs that have the value to sort by, then of those that have not."""
        if not self._sortings[0].keys[0].nullable:
            return self._phase(None, most, self._query.offset)
        if self._start is not None and self._start.missing:
            return self._phase(True, most, self._query.offset)
        found = self._phase(False, most, self._query.offset)
        if len(found) >= most or self._always_there():
            return found
        skipped = self._query.offset
        if skipped and not found:
            skipped = max(0, skipped - self._having())
        elif found:
            skipped = 0
        return found + self._phase(True, most - len(found), skipped)

    def position_of(self, row: Any) -> str:
        keys = [key for sorting in self._sortings for key in sorting.keys]
        values = [row[1 + place] for place in range(len(keys))]
        missing = keys[0].nullable and values[0] is None
        return write_position(Position(self._query.order, missing, values))

    def _always_there(self) -> bool:
        """Whether a condition asks for the very value that the runs are sorted by."""
        field = self._query.order[0].field if self._query.order else None
        return field is not None and any(
            isinstance(each, Term)
            and each.field == field
            and each.op not in ("null", "=")
            and not each.denied
            for each in self._conditions
        )

    def _having(self) -> int:
        query = self._phase_query(False).order_by(None)
        count = query.with_only_columns(sa.func.count(), maintain_column_froms=True)
        return self._tx.execute(count).scalar_one()

    def _phase(self, missing: bool | None, most: int, offset: int) -> list[Any]:
        """Rows of one phase; a walk that takes too long is given up and the thorough plan followed instead."""
        if self._plan.walked is not None:
            found = None if missing is True else self._walked(missing, most + offset, self._plan.walked)
            if found is not None:
                return found[offset:]
            self._follow(self._planner.thorough())
        return self._found(self._phase_query(missing), most, offset)

    def _walked(self, missing: bool | None, most: int, steps: int) -> list[Any] | None:
        """Rows met within so many steps, or more if that fills the page; None if it is far from that."""
        key, query = self._keys()[0], self._phase_query(missing)
        end = self._end(steps)
        found = self._found(query if end is None else query.where(key.not_after(end.value)), most)
        lacking = most - len(found)
        if end is None or not lacking:  # there are no more runs, or no more are asked for
            return found
        further = steps + 2 * steps * lacking // max(1, len(found))
        if further > self._planner.most_walked(end.total or 0):
            return None
        last = self._end(further)
        query = query.where(key.behind(end.value))
        more = self._found(query if last is None else query.where(key.not_after(last.value)), lacking)
        return found + more if last is None or len(more) == lacking else None

    def _found(self, query: sa.Select[Any], most: int, offset: int = 0) -> list[Any]:
        return list(self._tx.execute(query.limit(most).offset(offset)).all())

    def _end(self, steps: int) -> sa.Row[Any] | None:
        """The value that is sorted by, so many runs on and whatever the conditions; None if there are fewer.

        With it, about how many runs there are.
        """
        first, key = self._sortings[0], self._keys()[0]
        query = sa.select(key.column.label("value"), roughly(runs).label("total"))
        query = query.where(key.column.is_not(None))
        if first.table is not None:
            query = query.where(first.table.c.key == first.key)
        if self._start is not None and self._start.values[0] is not None:
            query = query.where(key.not_before(self._start.values[0]))
        return self._tx.execute(query.order_by(key.ordered(known=True)).offset(steps).limit(1)).first()

    def _phase_query(self, missing: bool | None) -> sa.Select[Any]:
        query = self._select(missing)
        for place, key in enumerate(self._keys()):
            if missing is True and place == 0:
                continue
            query = query.order_by(key.ordered(known=missing is False and place == 0))
        start = self._start
        if start is not None and (missing is None or start.missing == missing):
            query = query.where(self._behind(start, missing))
        return query

    def _keys(self) -> list[Key]:
        return [key for sorting in self._sortings for key in sorting.keys]

    def _behind(self, start: Position, missing: bool | None) -> sa.ColumnElement[bool]:
        """What is true of the rows that come after a position."""
        keys = self._keys()
        either: list[sa.ColumnElement[bool]] = []
        same: list[sa.ColumnElement[bool]] = []
        for place, (key, value) in enumerate(zip(keys, start.values, strict=True)):
            if missing is True and place == 0:
                continue
            if (later := key.after(value)) is not None:
                either.append(sa.and_(*same, later))
            same.append(key.same(value))
        behind = sa.or_(sa.false(), *either)
        return sa.and_(keys[0].not_before(start.values[0]), behind) if missing is False else behind

    def _select(self, missing: bool | None) -> sa.Select[Any]:
        first, *others = self._sortings
        table = first.table
        if table is not None and missing is False and self._plan.few is None:
            source: Any = Then(table, runs, runs.c.id == table.c.run)
            where = [*self._within(table.c.run), table.c.key == first.key]
        else:
            source = self._begun()
            where = self._within(runs.c.id)
            if table is not None:
                source = _beside(source, first, outer=missing is True)
        where.append(self._where)
        if missing is not None:
            value = first.keys[0].column
            where.append(value.is_(None) if missing else value.is_not(None))
        for each in others:
            if each.table is not None:
                source = _beside(source, each, outer=True)
        columns = [key.column for sorting in self._sortings for key in sorting.keys]
        return sa.select(runs.c.id, *columns).select_from(source).where(*where)

    def _begun(self) -> Any:
        if self._plan.few is None:
            return runs
        few = self._plan.few.distinct().cte("few").prefix_with("MATERIALIZED")
        return Then(few, runs, runs.c.id == few.c.run)

    def _within(self, run: sa.ColumnElement[str]) -> list[sa.ColumnElement[bool]]:
        return [alone(unindexed(run).in_(each)) for each in self._plan.sets]


def _beside(source: Any, sorting: Sorting, *, outer: bool) -> Any:
    """Join the table with the value that is sorted by."""
    same = sa.and_(sorting.table.c.run == runs.c.id, sorting.table.c.key == sorting.key)
    return source.outerjoin(sorting.table, same) if outer else Then(source, sorting.table, same)


def _conditions(query: Query) -> list[Condition]:
    """All that must be true of a run, each by itself."""
    found: list[Condition] = []
    for key, wanted in (("deleted", query.deleted), ("archived", query.archived)):
        if wanted is not None:
            found.append(Term(Field("attribute", key), "=", (wanted,)))
    if query.experiments is not None:
        found.append(Term(Field("attribute", "experiment"), "in", query.experiments))
    return found + _flat(query.where)


def _flat(condition: Condition) -> list[Condition]:
    if isinstance(condition, All):
        return [part for each in condition.parts for part in _flat(each)]
    if isinstance(condition, Term) and condition.field.family == "words" and not condition.denied:
        return list(words_of(condition))
    return [condition]
