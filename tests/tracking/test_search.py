"""Searches against a plain Python model of what they mean, on both databases."""

from __future__ import annotations

import base64
import json
import math
import operator
import random
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.storage import Database, open_database
from fettle.tracking import search
from fettle.tracking import store as tracking
from fettle.tracking.records.runs import Run
from fettle.tracking.records.search import All, Condition, Either, Field, Not, Order, Query, Term
from fettle.tracking.search import syntax
from fettle.tracking.store import metrics, plans, runs
from fettle.tracking.store import search as store

AT = datetime(2026, 1, 1, tzinfo=UTC)
LONG = "x" * 150
TEXTS = [
    "a",
    "b",
    "B",
    "ab",
    "a%b",
    "a_b",
    "a\\b",
    "*?[",
    "é",
    "1",
    "2.5",
    "10",
    "True",
    LONG,
    LONG + "y",
    "\U0001f600",
]
NUMBERS = [-1.5, 0.0, 1.0, 2.5, 10.0, math.inf, -math.inf]
PARAMS: list[Any] = [*TEXTS, 0, 1, 2.5, -3, True, False, None, [1], 1e300]


def made(number: int) -> dict[str, Any]:
    """A run of the model."""
    chance = random.Random(number)
    maybe = lambda value: value if chance.random() < 0.8 else None  # noqa: E731 - shorter than a function here
    values = {key: maybe(chance.choice([*NUMBERS, math.nan])) for key in ("loss", "a b")}
    params = {key: chance.choice(PARAMS) for key in ("p", "q.r") if chance.random() < 0.8}
    tags = {key: chance.choice(TEXTS) for key in ("t",) if chance.random() < 0.8}
    return {
        "id": f"run-{number:03}",
        "experiment": chance.choice(["e1", "e2"]),
        "name": chance.choice(TEXTS),
        "status": chance.choice(["running", "finished", "failed"]),
        "author": chance.choice(["ada", "bob"]),
        "parent": maybe("run-000"),
        "notes": chance.choice(["", "some Words here"]),
        "started_at": AT + timedelta(hours=chance.randrange(20)),
        "ended_at": maybe(AT + timedelta(days=2, hours=chance.randrange(20))),
        "archived_at": None if chance.random() < 0.8 else AT,
        "deleted_at": None if chance.random() < 0.9 else AT,
        "inputs": []
        if chance.random() < 0.4
        else [chance.choice(["churn@v1", "churn@abcdef12", "data://fraud@v1/x"])],
        "metrics": {
            key: {
                "last": value,
                "low": chance.choice([None, 0.5]),
                "high": 3.0,
                "count": number,
                "step": chance.choice([0, 5]),
            }
            for key, value in values.items()
            if value is not None
        },
        "params": params,
        "tags": tags,
    }


MODEL = [made(number) for number in range(80)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('search') / 'search.db'}"
    opened = open_database(url if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    opened.migrate("tracking", tracking.MIGRATIONS)
    with opened.write() as tx:
        for run in MODEL:
            runs.add_run(
                tx, Run(**{key: run[key] for key in run if key not in ("metrics", "params", "tags")})
            )
            runs.add_params(tx, run["id"], run["params"])
            runs.set_tags(tx, run["id"], run["tags"])
            for key, each in run["metrics"].items():
                last = each["last"]
                odd = (
                    None
                    if math.isfinite(last)
                    else "NaN"
                    if math.isnan(last)
                    else f"{'-' if last < 0 else ''}Infinity"
                )
                values = {**each, "last": None if math.isnan(last) else last, "not_finite": odd, "at": AT}
                tx.execute(metrics.metrics.insert().values(run=run["id"], key=key, **values))
    yield opened
    opened.close()


# --- the model


def true_of(condition: Condition, run: dict[str, Any]) -> bool:
    if isinstance(condition, All):
        return all(true_of(each, run) for each in condition.parts)
    if isinstance(condition, Either):
        return any(true_of(each, run) for each in condition.parts)
    if isinstance(condition, Not):
        return not true_of(condition.part, run)
    field = condition.field
    if field.family == "metrics":
        found = run["metrics"].get(field.key, {}).get(field.statistic)
    elif field.family == "params":
        return param_true(condition, run)
    elif field.family == "tags":
        found = run["tags"].get(field.key)
    else:
        found = attribute_of(run, field.key)
    if condition.op == "null":
        return (found is not None) == condition.denied
    if found is None:
        return False
    return compared(condition, found) != condition.denied


def attribute_of(run: dict[str, Any], key: str) -> Any:
    if key == "duration_s":
        return None if run["ended_at"] is None else (run["ended_at"] - run["started_at"]).total_seconds()
    if key in ("archived", "deleted"):
        return run[f"{key}_at"] is not None
    return run[key]


def param_true(test: Term, run: dict[str, Any]) -> bool:
    there = test.field.key in run["params"]
    value = run["params"].get(test.field.key)
    if test.op == "null":
        return (there and value is not None) == test.denied
    if value is None:
        return False
    number = number_of(value)
    either = []
    for each in test.values if test.op == "in" else [test.values]:
        one = each if isinstance(each, tuple) else (each,)
        op = "=" if test.op == "in" else test.op
        if isinstance(one[0], bool):
            either.append(str(value) in (str(one[0]), str(one[0]).lower()))
        elif isinstance(one[0], str):
            either.append(compared(Term(test.field, op, one), str(value)))
        else:
            either.append(number is not None and compared(Term(test.field, op, one), number))
    return any(either) != test.denied


def number_of(value: Any) -> float | None:
    if isinstance(value, bool) or not re.fullmatch(r"[-+]?\d+(\.\d*)?(e[-+]?\d+)?", str(value)):
        return None
    return float(value)


def compared(test: Term, found: Any) -> bool:
    first: Any = test.values[0]
    if test.op in ("like", "ilike", "contains"):
        return like(test.op, str(first), str(found))
    if test.op == "=" and isinstance(first, float) and math.isnan(first):
        return isinstance(found, float) and math.isnan(found)
    if isinstance(found, float) and math.isnan(found):
        return test.denied  # nothing can be said of it, denied or not
    if test.op == "in":
        return found in test.values
    last: Any = test.values[-1]
    if test.op == "between":
        return first <= found <= last
    return getattr(operator, {"=": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}[test.op])(found, first)


def like(op: str, pattern: str, text: str) -> bool:
    if op == "contains":
        return pattern.casefold() in text.casefold()
    written, at = "", 0
    while at < len(pattern):
        if pattern[at] == "\\" and pattern[at + 1 : at + 2] in ("%", "_", "\\"):
            at += 1
            written += re.escape(pattern[at])
        else:
            written += {"%": ".*", "_": "."}.get(pattern[at], re.escape(pattern[at]))
        at += 1
    return re.fullmatch(written, text, re.DOTALL | (re.IGNORECASE if op == "ilike" else 0)) is not None


def ordered(found: list[dict[str, Any]], order: tuple[Order, ...]) -> list[str]:
    def keys(run: dict[str, Any]) -> list[tuple[Any, bool]]:
        made: list[tuple[Any, bool]] = []
        for each in order:
            field = each.field
            if field.family == "metrics":
                last = run["metrics"].get(field.key, {}).get(field.statistic)
                made.append((None if last is None or math.isnan(last) else last, each.descending))
                nan = math.isnan(run["metrics"].get(field.key, {}).get("last", 0.0))
                made.append((0 if nan else 1, False))
            elif field.family == "params":
                there = field.key in run["params"]
                value = run["params"].get(field.key)
                made.append((number_of(value) if there else None, each.descending))
                made.append((str(value) if there else None, each.descending))
            elif field.family == "tags":
                made.append((run["tags"].get(field.key), each.descending))
            elif field.key in ("archived", "deleted"):
                made.append((run[f"{field.key}_at"], each.descending))
            else:
                made.append((attribute_of(run, field.key), each.descending))
        return [*made, (run["started_at"], True), (run["id"], True)]

    def order_of(left: dict[str, Any], right: dict[str, Any]) -> int:
        for (a, descending), (b, _) in zip(keys(left), keys(right), strict=True):
            if a is None or b is None:
                if (a is None) != (b is None):
                    return 1 if a is None else -1
            elif a != b:
                return (1 if a > b else -1) * (-1 if descending else 1)
        return 0

    return [run["id"] for run in sorted(found, key=cmp_to_key(order_of))]


# --- what is asked

METRIC = st.builds(Field, st.just("metrics"), st.sampled_from(["loss", "a b", "none"]), st.just("last"))
STATISTIC = st.builds(
    Field,
    st.just("metrics"),
    st.sampled_from(["loss", "a b"]),
    st.sampled_from(["low", "high", "count", "step"]),
)
PARAM = st.builds(Field, st.just("params"), st.sampled_from(["p", "q.r", "none"]))
TAG = st.builds(Field, st.just("tags"), st.sampled_from(["t", "none"]))
TEXT = st.builds(
    Field, st.just("attribute"), st.sampled_from(["id", "name", "experiment", "author", "parent", "notes"])
)
TIME = st.builds(Field, st.just("attribute"), st.sampled_from(["started_at", "ended_at"]))
DURATION = st.just(Field("attribute", "duration_s"))
FLAG = st.builds(Field, st.just("attribute"), st.sampled_from(["archived", "deleted"]))
WORD = st.sampled_from([*TEXTS, "e1", "run-007", "ada", "zz", ""])
PATTERN = st.sampled_from(
    ["a%", "%b", "A_", "%", "_", "x" * 120 + "%", "a\\%b", "*?[", "%\\", "", "\U0001f600%", "é"]
)
FINITE = st.sampled_from([-1.5, 0, 1, 2.5, 10.0, 5, math.inf, 1e300])
MOMENT = st.integers(0, 60).map(lambda hours: AT + timedelta(hours=hours))
DENIED = st.booleans()


def terms(field: Any, value: Any, *, texts: bool) -> Any:
    found = [
        st.builds(
            lambda f, o, v, d: Term(f, o, (v,), d),
            field,
            st.sampled_from(["=", "<", "<=", ">", ">="]),
            value,
            DENIED,
        ),
        st.builds(
            lambda f, a, b, d: Term(f, "between", (min(a, b), max(a, b)), d), field, value, value, DENIED
        ),
        st.builds(
            lambda f, v, d: Term(f, "in", tuple(v), d), field, st.lists(value, min_size=1, max_size=3), DENIED
        ),
        st.builds(lambda f, d: Term(f, "null", (), d), field, DENIED),
    ]
    if texts:
        ops = st.sampled_from(["like", "ilike"])
        found.append(st.builds(lambda f, o, v, d: Term(f, o, (v,), d), field, ops, PATTERN, DENIED))
        found.append(
            st.builds(lambda f, v, d: Term(f, "contains", (v,), d), field, WORD.filter(str.isascii), DENIED)
        )
    return st.one_of(found)


TERMS = st.one_of(
    terms(METRIC, FINITE, texts=False),
    st.builds(lambda f, d: Term(f, "=", (math.nan,), d), METRIC, DENIED),
    terms(STATISTIC, FINITE, texts=False),
    terms(PARAM, WORD, texts=True),
    terms(PARAM, FINITE, texts=False),
    st.builds(lambda f, v, d: Term(f, "=", (v,), d), PARAM, st.booleans(), DENIED),
    terms(TAG, WORD, texts=True),
    terms(TEXT, WORD, texts=True),
    terms(TIME, MOMENT, texts=False).filter(lambda each: each.op != "in"),
    terms(DURATION, st.sampled_from([3600.0, 86400, 200000.0]), texts=False),
    st.builds(lambda f, v, d: Term(f, "=", (v,), d), FLAG, st.booleans(), DENIED),
)
CONDITIONS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Either, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)
ORDERS = st.lists(
    st.builds(Order, st.one_of(METRIC, STATISTIC, PARAM, TAG, TEXT, TIME, DURATION, FLAG), st.booleans()),
    max_size=2,
    unique_by=lambda order: order.field,
).map(tuple)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(condition=CONDITIONS)
def test_what_is_found_is_what_the_condition_says(database: Database, condition: Condition) -> None:
    expected = sorted(run["id"] for run in MODEL if true_of(condition, run))
    with database.read() as tx:
        found = store.find_ids(tx, Query(where=condition, limit=1000, archived=None, deleted=None))
        assert sorted(found[0]) == expected
        assert found[1] is None
        assert store.count(tx, Query(where=condition, archived=None, deleted=None)) == len(expected)


@SLOW
@given(
    condition=CONDITIONS,
    order=ORDERS,
    limit=st.integers(1, 40),
    few=st.sampled_from([0, 30, 5000]),
    patience=st.sampled_from([0, 3, 3000]),
    collected=st.sampled_from([0, 10**6]),
)
def test_pages_follow_each_other_in_order(
    database: Database,
    condition: Condition,
    order: tuple[Order, ...],
    limit: int,
    few: int,
    patience: int,
    collected: int,
) -> None:
    expected = ordered([run for run in MODEL if true_of(condition, run) and run["deleted_at"] is None], order)
    found: list[str] = []
    cursor: str | None = None
    with pytest.MonkeyPatch.context() as patch, database.read() as tx:
        patch.setattr(plans, "FEW", few)
        patch.setattr(plans, "_LOOKED_UP", few)
        patch.setattr(plans, "PATIENCE", patience)
        patch.setattr(plans, "MOST_COLLECTED", collected)
        while cursor is not None or not found:
            query = Query(condition, order=order, limit=limit, cursor=cursor, archived=None)
            ids, cursor = store.find_ids(tx, query)
            found += ids
            if cursor is None:
                break
        offset = len(expected) // 2
        passed = Query(condition, order=order, limit=limit, offset=offset, archived=None)
        after = store.find_ids(tx, passed)[0]
        _, behind = store.find_ids(tx, Query(condition, order=order, limit=limit, archived=None))
        further = Query(condition, order=order, limit=limit, cursor=behind, offset=offset, archived=None)
        late = store.find_ids(tx, further)[0] if behind else []
    assert found == expected
    assert after == expected[offset : offset + limit]
    assert late == expected[limit + offset : limit + offset + limit]


def found(database: Database, where: str, **more: Any) -> list[str]:
    order = search.parse_order(more.pop("order_by", ["id"]))
    with database.read() as tx:
        query = Query(search.parse(where, now=AT + timedelta(days=1)), order=order, limit=1000, **more)
        return [each.id for each in store.find(tx, query).runs]


def expected(condition: Any) -> list[str]:
    return [run["id"] for run in MODEL if condition(run) and not run["archived_at"] and not run["deleted_at"]]


def test_datasets_are_found_by_name_version_and_the_beginning_of_an_id(database: Database) -> None:
    assert found(database, 'dataset = "churn"') == expected(lambda run: "churn@" in str(run["inputs"]))
    assert found(database, 'dataset = "churn@v1"') == expected(lambda run: "churn@v1" in run["inputs"])
    assert found(database, 'dataset = "churn@abcdef"') == expected(
        lambda run: "abcdef12" in str(run["inputs"])
    )
    assert found(database, 'dataset = "churn@abc"') == []
    assert found(database, 'dataset in ("fraud@v1", "churn@v1")') == expected(
        lambda run: "v1" in str(run["inputs"])
    )
    assert found(database, 'not dataset = "churn"') == expected(lambda run: "churn" not in str(run["inputs"]))
    assert found(database, "dataset is null") == expected(lambda run: not run["inputs"])
    assert found(database, 'datasets.name like "fr%"') == expected(lambda run: "fraud" in str(run["inputs"]))


def test_words_are_looked_for_in_names_notes_tags_and_parameters(database: Database) -> None:
    assert found(database, 'words "WORDS some"') == expected(lambda run: run["notes"])
    where = found(database, f'words "{LONG}y"')
    assert where == expected(
        lambda run: LONG + "y" in [run["name"], *run["tags"].values(), *map(str, run["params"].values())]
    )
    assert found(database, 'words "nowhere"') == []


def test_a_date_is_the_whole_day(database: Database) -> None:
    assert found(database, 'started = "2026-01-01"') == expected(lambda run: True)
    assert found(database, 'started > "2026-01-01"') == []
    assert found(database, 'started >= "2 hours ago"') == []
    assert found(database, 'started < "20 hours ago"') == expected(lambda run: run["started_at"].hour < 4)


def test_runs_that_are_put_aside_or_binned_are_left_out_unless_asked(database: Database) -> None:
    both = {run["id"] for run in MODEL if run["archived_at"] and run["deleted_at"]}
    assert set(found(database, "", archived=True, deleted=True)) == both
    assert len(found(database, "", archived=None, deleted=None)) == len(MODEL)


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "bm9uc2Vuc2U", "A" * 5000])
def test_a_cursor_that_is_none_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        found(database, "", cursor=cursor)


def test_a_cursor_of_another_order_is_refused(database: Database) -> None:
    with database.read() as tx:
        _ids, cursor = store.find_ids(tx, Query(limit=3))
        assert cursor is not None
        with pytest.raises(Invalid, match="cursor"):
            store.find_ids(tx, Query(limit=3, cursor=cursor, order=search.parse_order(["name"])))


@pytest.mark.parametrize(
    "values",
    [5, None, {"a": 1}, [], ["\ud800"], [10**30], [float("inf")], [True], ["x\0"], [1 << 63], ["x"]],
)
def test_a_forged_cursor_is_refused_or_reads_as_a_place(database: Database, values: Any) -> None:
    order = search.parse_order(["params.p"])
    with database.read() as tx:
        _ids, cursor = store.find_ids(tx, Query(limit=3, order=order))
        assert cursor is not None
        mark, missing, honest = json.loads(base64.urlsafe_b64decode(cursor + "=="))
        for forged in (values, [*values, *honest[1:]] if isinstance(values, list) else values):
            raw = json.dumps([mark, missing, forged]).encode()
            text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
            try:
                store.find_ids(tx, Query(limit=3, order=order, cursor=text))
            except Invalid as error:
                assert "cursor" in str(error)


def test_no_comparison_holds_for_null(database: Database) -> None:
    having = {run["id"] for run in MODEL if run["params"].get("p") is not None}
    asked = (
        "p > ''",
        "p != 'zz'",
        "p not in ('zz', 7)",
        "p ilike '%'",
        "p = 'None'",
        "p like 'N%'",
        "p != 77",
    )
    for where in asked:
        assert set(found(database, f"params.{where}")) <= having
    assert found(database, "params.p = 'None'") == []


def test_negations_cancel_each_other(database: Database) -> None:
    assert found(database, "not " * 60 + "status = 'failed'") == expected(
        lambda run: run["status"] == "failed"
    )
    assert found(database, "not (" * 11 + "status = 'failed'" + ")" * 11) == expected(
        lambda run: run["status"] != "failed"
    )


@pytest.mark.parametrize(
    "level", ["not (name != 'zz' and ", "name != 'zz' and not (name = 'zz' or ", "(words 'x' or "]
)
def test_what_is_nested_as_deeply_as_may_be_is_taken(database: Database, level: str) -> None:
    depth = syntax.DEEPEST
    assert isinstance(found(database, level * depth + "params.p != 77" + ")" * depth), list)
    with pytest.raises(Invalid, match="deeper"):
        found(database, level * (depth + 1) + "params.p != 77" + ")" * (depth + 1))


def test_what_an_earlier_version_stored_can_be_searched(tmp_path: Path) -> None:
    opened = open_database(f"sqlite:///{tmp_path / 'old.db'}")
    opened.migrate("tracking", tracking.MIGRATIONS[:3])
    with opened.write() as tx:
        row = {
            "id": "r",
            "experiment": "e",
            "name": "n",
            "status": "finished",
            "author": "a",
            "started_at": AT,
        }
        tx.execute(runs.runs.insert().values(**row, inputs=["churn@v1"]))
        old = [
            {"run": "r", "key": f"k{n}", "value": value}
            for n, value in enumerate(["0.5", 7, None, True, "x"])
        ]
        tx.execute(runs.params.insert(), old)
        point = {
            "run": "r",
            "key": "loss",
            "last": None,
            "not_finite": "Infinity",
            "step": 0,
            "at": AT,
            "count": 1,
        }
        tx.execute(metrics.metrics.insert().values(**point))
    opened.migrate("tracking", tracking.MIGRATIONS)
    where = (
        "params.k0 = 0.5 and params.k1 = '7' and params.k3 = true and params.k4 = 'x' and params.k2 is null"
    )
    assert found(opened, where + " and metrics.loss > 1e308 and dataset = 'churn@v1'") == ["r"]
    opened.close()


def test_pages_lose_and_repeat_no_run_while_others_are_written(
    tmp_path: Path, fresh_postgres_url: str
) -> None:
    for url in (f"sqlite:///{tmp_path / 'pages.db'}", fresh_postgres_url):
        database = open_database(url)
        database.migrate("tracking", tracking.MIGRATIONS)
        chance = random.Random(3)
        _add(database, chance, 0, 60)
        for where, order, patience in (
            ("", ["-metrics.loss"], 400),
            ("metrics.loss < 0.8", ["metrics.loss"], 3),
            ("metrics.loss < 0.8 and params.p = 1", ["-metrics.loss"], 0),
            ("words '1'", [], 5),
        ):
            _page_while_writing(database, chance, where, order, patience)
        database.close()


def _page_while_writing(
    database: Database, chance: random.Random, where: str, order: list[str], patience: int
) -> None:
    asked = Query(search.parse(where), order=search.parse_order(order), limit=7)
    with database.read() as tx:
        before = store.find_ids(tx, msgspec.structs.replace(asked, limit=1000))[0]
    seen: list[str] = []
    cursor: str | None = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "PATIENCE", patience)
        while cursor is not None or not seen:
            with database.read() as tx:
                ids, cursor = store.find_ids(tx, msgspec.structs.replace(asked, cursor=cursor))
            seen += ids
            _add(database, chance, chance.randrange(1000, 10**9), 3)
            if cursor is None:
                break
    assert len(set(seen)) == len(seen)
    assert [each for each in seen if each in set(before)] == before


def _add(database: Database, chance: random.Random, first: int, count: int) -> None:
    """Runs with a loss and a parameter, each begun some hours after the first moment."""
    with database.write() as tx:
        for number in range(first, first + count):
            run = f"run-{number:010}"
            at = AT + timedelta(hours=chance.randrange(1000))
            runs.add_run(tx, Run(run, "e", f"name {number % 3}", "finished", "ada", at))
            runs.add_params(tx, run, {"p": number % 2})
            loss = chance.choice([0.25, 0.5, chance.random()])
            values = {"last": loss, "low": loss, "high": loss, "count": 1, "step": 0, "at": AT}
            tx.execute(metrics.metrics.insert().values(run=run, key="loss", **values))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=8)), max_size=6))
def test_runs_come_back_as_they_were_written(pairs: list[tuple[str, str]]) -> None:
    written = {key.replace("\0", ""): value for key, value in pairs}
    params: dict[str, Any] = {key: [value, len(value), None, 0.1] for key, value in written.items()}
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/one.db")
        with database.write() as tx:
            tx.create(runs.runs, runs.params, runs.tags, runs.reads, metrics.metrics)
            runs.add_run(tx, Run("r", "e", "n", "running", "ada", AT))
            runs.add_params(tx, "r", params)
            runs.set_tags(tx, "r", written)
            found = runs.find_run(tx, "r")
        database.close()
    assert found is not None
    assert (found.params, found.tags) == (params, written)
    assert (found.metrics, found.not_finite) == ({}, {})
