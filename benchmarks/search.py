"""Searching runs: filter, order and pages, on SQLite and PostgreSQL, and MLflow beside it; one JSON line each.

python benchmarks/search.py [--runs 100000] [--postgres URL] [--mlflow PYTHON] [--mlflow-runs 10000]

Tables are filled directly: 20 parameters, 10 metrics and 3 tags a run. A time is that of the whole call, the page of
complete runs included; the median and the least of five. MLflow (`PYTHON`: the interpreter of its environment) asks
its SQLite store the same questions over fewer runs, filled the same way, and fettle over as many again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from fettle.storage import Database, open_database
from fettle.tracking import search
from fettle.tracking import store as tracking
from fettle.tracking.compare.differences import differences
from fettle.tracking.records.search import Query
from fettle.tracking.store import metrics, runs
from fettle.tracking.store import search as store

AT = datetime(2026, 1, 1, tzinfo=UTC)
MODELS = ("tree", "forest", "boost", "linear", "net")
QUESTIONS = {
    "newest": ("", []),
    "order by a metric": ("", ["-metrics.m3"]),
    "filter, order by the same metric": ("metrics.m0 < 0.3 and params.model = 'tree'", ["metrics.m0"]),
    "filter, order by another": ("metrics.m0 < 0.3 and params.model in ('tree', 'net')", ["-metrics.m3"]),
    "narrow filter": ("metrics.m0 < 0.01 and params.model = 'tree'", ["-metrics.m3"]),
    "five per cent and a half": (
        "metrics.m0 < 0.05 and metrics.m1 < 0.5 and tags.owner like 'a%'",
        ["-metrics.m3"],
    ),
    "either of two": ("params.model = 'tree' or metrics.m1 > 0.9", ["metrics.m2"]),
    "nothing fits": ("metrics.m0 < 0.3 and params.p3 = 'none'", ["-metrics.m3"]),
    "two halves that exclude each other": ("metrics.m0 < 0.5 and metrics.copy > 0.5", ["-metrics.m3"]),
    "order by a parameter": ("metrics.m0 < 0.3", ["params.p1"]),
    "one experiment": ("metrics.m0 < 0.3", ["-metrics.m3"]),
    "words": ("words 'forest ada'", []),
    "a rare word": ("words 'unusual'", []),
}
COMPARED = {
    "newest": ("", ["attributes.start_time DESC"]),
    "order by a metric": ("", ["metrics.m3 DESC"]),
    "filter, order by the same metric": ("metrics.m0 < 0.3 and params.model = 'tree'", ["metrics.m0 ASC"]),
    "narrow filter": ("metrics.m0 < 0.01 and params.model = 'tree'", ["metrics.m3 DESC"]),
}


def rows(count: int) -> Iterator[tuple[dict[str, Any], list[dict], list[dict], list[dict]]]:
    """Runs with their parameters, tags and metrics."""
    chance = random.Random(7)
    for number in range(count):
        run = f"{number:08x}-0000-7000-8000-{chance.randrange(16**12):012x}"
        at = AT + timedelta(seconds=30 * number)
        about = {"id": run, "experiment": f"e{number % 50}", "name": f"run {number}", "status": "finished"}
        about |= {"author": "ada", "started_at": at, "ended_at": at, "inputs": [], "notes": ""}
        if number == count // 3:
            about["notes"] = "an unusual run"
        params: list[tuple[str, Any]] = [(f"p{each}", round(chance.random(), 4)) for each in range(19)]
        params.append(("model", chance.choice(MODELS)))
        tags = [
            ("owner", chance.choice(("ada", "bob", "eve"))),
            ("team", f"t{number % 7}"),
            ("fold", str(number % 5)),
        ]
        values = [chance.random() for _ in range(9)]
        named = [*((f"m{each}", value) for each, value in enumerate(values)), ("copy", values[0])]
        yield (
            about,
            [{"run": run, "key": key, "value": value, **runs.searched(value)} for key, value in params],
            [{"run": run, "key": key, "value": value} for key, value in tags],
            [
                {
                    "run": run,
                    "key": key,
                    "last": value,
                    "step": 9,
                    "at": at,
                    "low": value,
                    "high": value,
                    "count": 10,
                }
                for key, value in named
            ],
        )


def fill(database: Database, count: int) -> None:
    """Make the tables and put the runs in."""
    database.migrate("tracking", tracking.MIGRATIONS)
    batch: list[Any] = []
    for each in rows(count):
        batch.append(each)
        if len(batch) == 5000:
            put(database, batch)
            batch = []
    put(database, batch)


def put(database: Database, batch: list[Any]) -> None:
    tables = (runs.runs, runs.params, runs.tags, metrics.metrics)
    if batch:
        with database.write() as tx:
            tx.execute(tables[0].insert(), [each[0] for each in batch])
            for place in (1, 2, 3):
                tx.execute(tables[place].insert(), [row for each in batch for row in each[place]])


def analysed(database: Database) -> None:
    """What PostgreSQL's autovacuum does by itself after a while."""
    if database.dialect == "postgresql":
        with database.write() as tx:
            tx.execute(sa.text("ANALYZE"))


def spent_ms(work: Any, times: int = 5) -> dict[str, float]:
    """Median and least, and what this process computed: these tell more where the machine is shared."""
    spent, computed = [], []
    for _ in range(times):
        start, begun = time.perf_counter(), time.thread_time()
        work()
        spent.append(time.perf_counter() - start)
        computed.append(time.thread_time() - begun)
    found = {"ms": statistics.median(spent), "least_ms": min(spent), "cpu_ms": statistics.median(computed)}
    return {name: round(seconds * 1000, 2) for name, seconds in found.items()}


def ask(
    database: Database, where: str, order: list[str], *, limit: int = 100, **more: Any
) -> tuple[dict[str, float], int]:
    def page() -> Any:
        asked = Query(search.parse(where), order=search.parse_order(order), limit=limit, **more)
        with database.read() as tx:
            return store.find(tx, asked)

    found = len(page().runs)
    return spent_ms(page), found


def measure(database: Database, count: int) -> None:
    for name, (where, order) in QUESTIONS.items():
        more: dict[str, Any] = {"experiments": ("e7",)} if name == "one experiment" else {}
        spent, found = ask(database, where, order, **more)
        say(on=database.dialect, runs=count, question=name, **spent, found=found)
    side_by_side(database, count, 500)
    cursor = deep(database, count // 2)
    spent, found = ask(database, "", ["-metrics.m3"], cursor=cursor)
    say(on=database.dialect, runs=count, question="a page from the middle, by cursor", **spent, found=found)


def side_by_side(database: Database, count: int, many: int) -> None:
    """What so many runs differ in."""

    def compared() -> Any:
        with database.read() as tx:
            chosen = runs.find_runs(tx, store.find_ids(tx, Query(limit=many))[0])
            return differences(chosen, [{}] * len(chosen), all=True)

    say(on=database.dialect, runs=count, question=f"{many} runs side by side", **spent_ms(compared))


def deep(database: Database, place: int) -> str | None:
    with database.read() as tx:
        asked = Query(order=search.parse_order(["-metrics.m3"]), limit=1, offset=place)
        return store.find_ids(tx, asked)[1]


def say(**fields: Any) -> None:
    """A line of the report, with how many processes wanted the machine meanwhile."""
    print(json.dumps({**fields, "load": round(os.getloadavg()[0], 1)}), flush=True)


PEER = """
import json, random, statistics, sys, time, uuid
import sqlalchemy as sa
from mlflow.tracking import MlflowClient
url, count, questions = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
client = MlflowClient(tracking_uri=url)
experiment = client.create_experiment("search")
chance = random.Random(7)
engine = sa.create_engine(url)
meta = sa.MetaData()
meta.reflect(engine, only=["runs", "params", "tags", "latest_metrics"])
tables = meta.tables
made = {name: [] for name in tables}
for number in range(count):
    run = uuid.UUID(int=chance.getrandbits(128)).hex
    at = 1767225600000 + 30000 * number
    made["runs"].append(dict(run_uuid=run, name=f"run {number}", source_type="LOCAL", source_name="",
        entry_point_name="",
        user_id="ada", status="FINISHED", start_time=at, end_time=at, source_version="", lifecycle_stage="active",
        artifact_uri="/tmp/x", experiment_id=int(experiment)))
    made["params"] += [dict(key=f"p{i}", value=str(round(chance.random(), 4)), run_uuid=run) for i in range(19)]
    model = chance.choice(["tree", "forest", "boost", "linear", "net"])
    made["params"].append(dict(key="model", value=model, run_uuid=run))
    made["tags"] += [dict(key=k, value=v, run_uuid=run) for k, v in (("owner", "ada"), ("team", "t1"), ("fold", "2"))]
    value = lambda i: dict(key=f"m{i}", value=chance.random(), timestamp=at, step=9, is_nan=False, run_uuid=run)
    made["latest_metrics"] += [value(i) for i in range(10)]
with engine.begin() as connection:
    for name in ("runs", "params", "tags", "latest_metrics"):
        connection.execute(tables[name].insert(), made[name])
for name, (where, order) in questions.items():
    spent = []
    for _ in range(4):
        start = time.perf_counter()
        found = client.search_runs([experiment], where, order_by=order, max_results=100)
        spent.append(time.perf_counter() - start)
    print(json.dumps([name, statistics.median(spent[1:]) * 1000, len(found)]), flush=True)
"""


def compare(python: str, count: int, folder: Path) -> None:
    """MLflow's answers to the same questions beside ours, over as many runs."""
    command = [python, "-c", PEER, f"sqlite:///{folder / 'mlflow.db'}", str(count), json.dumps(COMPARED)]
    answered = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = {name: float(spent) for name, spent, _found in map(json.loads, answered.stdout.splitlines())}
    database = open_database(f"sqlite:///{folder / 'beside.db'}")
    fill(database, count)
    for name, spent in theirs.items():
        ours = ask(database, *QUESTIONS[name])[0]["ms"]
        say(
            question=name, runs=count, fettle_ms=ours, mlflow_ms=round(spent, 1), ratio=round(spent / ours, 1)
        )
    database.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--postgres", default="")
    parser.add_argument("--mlflow", default="")
    parser.add_argument("--mlflow-runs", type=int, default=10_000)
    parser.add_argument("--keep", default="", help="a folder whose database is filled once and used again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(given.keep or temporary)
        for url in filter(None, (f"sqlite:///{folder / 'search.db'}", given.postgres)):
            database = open_database(url)
            if not given.keep or not filled(database):
                fill(database, given.runs)
                analysed(database)
            measure(database, given.runs)
            database.close()
        if given.mlflow:
            compare(given.mlflow, given.mlflow_runs, Path(temporary))


def filled(database: Database) -> bool:
    with database.read() as tx:
        names = sa.inspect(getattr(tx, "connection")).get_table_names()  # noqa: B009 - no part of the port
        return "tracking_runs" in names


if __name__ == "__main__":
    main()
