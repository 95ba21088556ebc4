"""The demonstration: a model is born, meets a world that changes, and is brought back, all for real.

The past is replayed as it came: a row is asked about at its own time, its true class arrives a day later, and nothing
decided at a moment knows anything of later rows. Beside the loop's answers stand those of the first model, frozen, and
of the trivial baseline: the last class already known at that moment.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from fettle.acts import Surface
from fettle.core.errors import Invalid
from fettle.packaging.bundle import fetch
from fettle.packaging.predictor import Predictor
from fettle.projects import services
from fettle.projects.answers import Accuracy, Answers, Stretch, answers
from fettle.projects.declare import read_project, write_project
from fettle.projects.keeper import wait_settled
from fettle.projects.market import HALF_HOURS_A_DAY, NAME, TARGET, TIME, market
from fettle.projects.records import Project
from fettle.projects.replay import Line, Replay, Tally
from fettle.projects.run import run
from fettle.projects.teller import Silence, Teller
from fettle.storage.clockfile import SharedClock
from fettle.tracking.records import Point

TRAIN_DAYS = 214
REPLAY_DAYS = 730
FAST_REPLAY_DAYS = 196
WINDOW_DAYS = 14
STRIDE_DAYS = 7
LABEL_DELAY_DAYS = 1
COOLDOWN_DAYS = 14


class Move(msgspec.Struct, frozen=True):
    """One decision of the loop about a version."""

    at: datetime
    version: int
    decision: str
    reason: str


class DemoReport(msgspec.Struct, frozen=True):
    """What the demonstration measured.

    `requests` were answered, each logged once; `failures` were not answered well; `retries` had to be sent again
    because a process was away. `trained_s` and `replayed_s` are parts of `seconds`.
    """

    accuracy: Accuracy
    requests: int
    failures: int
    retries: int
    alerts: int
    retrainings: int
    promotions: int
    rejections: int
    seconds: float
    trained_s: float
    replayed_s: float
    train_rows: int
    stretches: list[Stretch]
    moves: list[Move]
    workspace: str


def demo(
    ws: Surface,
    folder: Path,
    *,
    fast: bool = False,
    seed: int = 7,
    teller: Teller | None = None,
    pages_port: int | None = None,
) -> DemoReport:
    """Run the whole loop on the electricity market and return what was measured.

    Args:
        ws: A workspace in `folder`, opened in process; `begin` must have given it its replay clock before.
        folder: The demonstration's folder.
        fast: Replay 28 weeks instead of two years.
        seed: Of every random choice.
        teller: Told what happens.
        pages_port: Serve the pages on this port meanwhile (0: any free one); None serves none.

    Raises:
        Invalid: The workspace has no replay clock.
    """
    say = teller or Silence()
    if not isinstance(ws.clock, SharedClock):
        raise Invalid(
            "The demonstration needs its own clock.", hint="Begin it with fettle.projects.demo.begin(folder)."
        )
    begun_s = time.monotonic()
    table = market()
    first = TRAIN_DAYS * HALF_HOURS_A_DAY
    asked = range(first, first + (FAST_REPLAY_DAYS if fast else REPLAY_DAYS) * HALF_HOURS_A_DAY)
    project = _declare(ws, folder, table.head(first), fast=fast, seed=seed)
    say.say(f"The world is at {ws.clock.now():%d %B %Y}: {first:,} half-hours of the market are known.")
    solution = run(ws, project, folder, teller=say)
    trained_s = time.monotonic()

    frozen = Predictor(fetch(ws.blobs, solution.bundle, ws.folder / "cache"))
    tally = _replay(ws, folder, project, table, asked.start, asked.stop, say, pages_port)
    replayed_s = time.monotonic()
    given = answers(table, asked, frozen, tally, delay=LABEL_DELAY_DAYS * HALF_HOURS_A_DAY)
    report = _report(ws, project, given, tally)
    return msgspec.structs.replace(
        report,
        seconds=round(time.monotonic() - begun_s, 1),
        trained_s=round(trained_s - begun_s, 1),
        replayed_s=round(replayed_s - trained_s, 1),
        train_rows=first,
    )


def begin(folder: Path) -> None:
    """Prepare `folder` for a new demonstration: an old one is removed, and the replay's clock is set.

    Raises:
        Invalid: The folder holds something else than a demonstration.
    """
    place = folder / ".fettle"
    clock = place / "clock"
    if folder.exists() and any(folder.iterdir()):
        if not clock.exists():
            raise Invalid(
                f"{folder} is not empty, and no demonstration.",
                found=", ".join(sorted(each.name for each in folder.iterdir())[:5]),
                hint="Name another folder: fettle demo --folder NAME.",
            )
        shutil.rmtree(place)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = market()[TIME][TRAIN_DAYS * HALF_HOURS_A_DAY]
    SharedClock(clock, known)


def _declare(ws: Surface, folder: Path, known: pl.DataFrame, *, fast: bool, seed: int) -> Project:
    """Write the project as its user would: the first months as a file, and `fettle.toml`."""
    source = folder / "market.parquet"
    if not source.exists():
        fresh = Path(tempfile.mkstemp(suffix=".parquet", dir=folder)[1])
        known.write_parquet(fresh, compression="zstd")
        fresh.replace(source)
    values: dict[str, Any] = {
        "project.name": NAME,
        "data.source": str(source.name),
        "data.target": TARGET,
        "data.time": TIME,
        "train.trials": 6 if fast else 8,
        "train.algorithms": ["extra_trees", "random_forest", "logistic"],
        "train.seed": seed,
        "serve.port": 0,
        "monitor.window": f"{WINDOW_DAYS}d",
        "monitor.stride": f"{STRIDE_DAYS}d",
        "monitor.label_delay": f"{LABEL_DELAY_DAYS}d",
        "retrain.cooldown": f"{COOLDOWN_DAYS}d",
        "retrain.recent": "60d",
        "retrain.trials": 4,
    }
    write_project(folder, values, replace=True)
    return read_project(folder)


def _replay(
    ws: Surface,
    folder: Path,
    project: Project,
    table: pl.DataFrame,
    first: int,
    last: int,
    say: Teller,
    pages_port: int | None,
) -> Tally:
    """Serve, and send every row at its time; wait for the loop at the end of each window."""
    assert isinstance(ws.clock, SharedClock)
    kinds = [services.Service(kind, services.command_of(kind, ws, folder)) for kind in ("endpoint", "keeper")]
    if pages_port is not None:
        kinds.append(
            services.Service("pages", services.command_of("pages", ws, folder, "--ui-port", str(pages_port)))
        )
    features = [name for name in table.columns if name not in (TARGET, TIME)]
    line = Line(lambda: services.url_of(ws, project.name))
    replay = Replay(
        line,
        ws.clock,
        table[TIME].to_list(),
        table.select(features).to_dicts(),
        table[TARGET].to_list(),
        delay=LABEL_DELAY_DAYS * HALF_HOURS_A_DAY,
        batch=HALF_HOURS_A_DAY,
    )
    told = 0
    with services.Supervisor(ws, kinds).in_thread():
        url = services.wait_ready(ws, project.name)
        say.say(f"Version 1 is served at {url}. Now the market goes on, half-hour by half-hour.")
        with say.bar("Replaying the market", last - first) as bar:
            for start, end in _legs(first, last):
                replay.run(start, end)
                ws.clock.set(table[TIME][end - 1] + timedelta(minutes=30))
                wait_settled(ws, ws.clock)
                _wait_served(ws, project)
                told = _tell_moves(ws, project, say, told)
                bar.advance(end - start, note=f"{ws.clock.now():%b %Y}")
        ws.clock.set(table[TIME][last - 1] + timedelta(days=LABEL_DELAY_DAYS, minutes=30))
        replay.tell(last)
        wait_settled(ws, ws.clock)
        line.close()
    return replay.tally


def _legs(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The stretches between the moments at which the loop may learn something: a window's end, and its last label."""
    stride, delay = STRIDE_DAYS * HALF_HOURS_A_DAY, LABEL_DELAY_DAYS * HALF_HOURS_A_DAY
    ends = sorted({*range(first + stride, last, stride), *range(first + stride + delay, last, stride), last})
    yield from itertools.pairwise([first, *ends])


def _wait_served(ws: Surface, project: Project, patience_s: float = 20.0) -> None:
    """Wait until the endpoint answers with the champion, so that a run does not depend on how fast it was loaded."""
    champion = ws.call("registry.alias", model=project.model).version
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        workers = ws.call("serving.show", endpoint=project.name).workers
        ready = [each for each in workers if each.state == "ready" and services.alive(each.pid)]
        if ready and all(each.version == champion for each in ready):
            return
        time.sleep(0.02)


def _moves(ws: Surface, project: Project) -> list[Move]:
    """What the loop decided, oldest first."""
    made = []
    for intent in ws.call("retraining.intents", project=project.name):
        if intent.state in ("promoted", "rejected"):
            version = intent.candidate.version if intent.candidate is not None else 0
            made.append(Move(intent.updated_at, version, intent.state, intent.reason))
    return sorted(made, key=lambda move: move.at)


def _tell_moves(ws: Surface, project: Project, say: Teller, told: int) -> int:
    moves = _moves(ws, project)
    for move in moves[told:]:
        say.say(f"{move.at:%d %b %Y}  version {move.version} {move.decision}: {move.reason}")
    return len(moves)


def _report(ws: Surface, project: Project, given: Answers, tally: Tally) -> DemoReport:
    """The report, but for the times."""
    stretches = given.stretches(WINDOW_DAYS * HALF_HOURS_A_DAY)
    _keep_yardsticks(ws, project, stretches)
    moves = _moves(ws, project)
    decided = [move.decision for move in moves]
    return DemoReport(
        accuracy=given.accuracy(),
        requests=tally.requests,
        failures=tally.failures,
        retries=tally.retries,
        alerts=len(ws.call("monitoring.alerts", endpoint=project.name)),
        retrainings=len(moves),
        promotions=decided.count("promoted"),
        rejections=decided.count("rejected"),
        seconds=0.0,
        trained_s=0.0,
        replayed_s=0.0,
        train_rows=0,
        stretches=stretches,
        moves=moves,
        workspace=str(ws.folder.parent),
    )


def _keep_yardsticks(ws: Surface, project: Project, stretches: list[Stretch]) -> None:
    """Keep what the loop is measured against as a run, which the monitoring page draws beside the champion."""
    points = [
        Point(
            key=name,
            value=getattr(each.accuracy, name),
            step=place,
            at=each.start_at + timedelta(days=WINDOW_DAYS),
        )
        for place, each in enumerate(stretches)
        for name in ("frozen", "baseline", "loop")
    ]
    run = ws.call(
        "tracking.start", experiment="yardsticks", name=project.name, tags={"compares": project.name}
    )
    ws.call("tracking.log", run=run.id, points=points)
    ws.call("tracking.finish", run=run.id, status="finished")
