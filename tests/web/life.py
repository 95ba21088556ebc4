"""A workspace with a life: real data, real models, a real log, real alerts and retrainings, on a clock of its own.

It goes through the rooms' own acts and work functions, as the demo does, but without its processes, so that it stands
within seconds and is the same each time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fettle.acts import Surface
from fettle.core import ids
from fettle.core.clock import FrozenClock, SystemClock
from fettle.data.bins import reference
from fettle.data.schemas import infer
from fettle.data.versions import commit_frame
from fettle.evaluation.records import GateResult
from fettle.monitoring import profiles
from fettle.monitoring.collect import collect
from fettle.monitoring.records import Baseline
from fettle.pipelines.records import Change, StepRun
from fettle.retraining.reconciler import Reconciler
from fettle.retraining.records import Candidate, Intent, Verdict
from fettle.serving.log import Exchange, PredictionLog, Told
from fettle.serving.records import Traffic, Worker
from fettle.tracking.records import Point
from tests.bundles import kept

NAME = "electricity"
FEATURES = ["nswprice", "nswdemand", "vicprice", "vicdemand", "transfer", "period"]
START = datetime(1996, 12, 7, tzinfo=UTC)
WINDOW = timedelta(days=14)


class Life:
    """Everything that happens to one workspace; `go` lets it happen."""

    def __init__(self, ws: Surface, clock: FrozenClock) -> None:
        self.ws = ws
        self.clock = clock
        parquet = resources.files("fettle.projects") / "electricity.parquet"
        self.frame = pl.read_parquet(parquet.read_bytes()).sort("at")
        self.at = self.frame["at"].to_numpy().astype("datetime64[us]")
        self.x = self.frame.select(FEATURES).to_numpy()
        self.y = self.frame["class"].to_numpy()
        self.models: dict[int, Any] = {}
        self.profiles: dict[int, str] = {}
        self.commits: list[str] = []
        self.log = PredictionLog(ws.folder / "serving" / NAME / "w1")
        self.frozen: list[tuple[datetime, float]] = []

    def go(self, windows: int) -> None:
        """Train, serve for so many windows, watch, and let the reconciler do its work."""
        self.ws.call("monitoring.watch", endpoint=NAME, window="14d", label_delay="1d", min_rows=300)
        self._watch_nothing_else()
        first = self._train(START - timedelta(days=1), parent=None)
        self.ws.call(
            "registry.promote", model=NAME, version=first, reason="the first model; all gates passed"
        )
        self.ws.call("serving.deploy", endpoint=NAME, model=NAME, port=8080)
        self.ws.call("retraining.policy", project=NAME, endpoint=NAME, model=NAME, cooldown="30d")
        keeper = Reconciler(self.ws, NAME, solve=self._solve, judge=self._judge)
        for index in range(windows):
            self._serve(START + index * WINDOW)
            for _ in range(6):
                keeper.step()
        keeper.close()
        self._yardsticks()
        self.beat()

    def beat(self, requests: int = 40) -> None:
        """Report the traffic of a worker, as it does every two seconds."""
        now = SystemClock().now()
        champion = self._champion()
        worker = Worker(
            NAME, "w1", 4242, "http://127.0.0.1:8080", "ready", NAME, champion, now, now, 35_000, 2, 35_000
        )
        spent = [Traffic(champion, requests, 0, requests, 0.41, 1.9)]
        if champion > 1:
            spent.append(Traffic(champion - 1, requests // 3, 1, requests // 3, 0.44, 2.2))
        self.ws.call("serving.heartbeat", worker=worker, spent=spent)

    def _champion(self) -> int:
        return self.ws.call("registry.alias", model=NAME).version

    def _watch_nothing_else(self) -> None:
        for each in self.ws.call("monitoring.watches"):
            assert each.endpoint == NAME

    def _rows(self, start: datetime, end: datetime) -> np.ndarray:
        low, high = (np.datetime64(each.replace(tzinfo=None), "us") for each in (start, end))
        return np.flatnonzero((self.at >= low) & (self.at < high))

    def _train(self, until: datetime, *, parent: int | None) -> int:
        self.clock.advance((until - self.clock.now()).total_seconds()) if until > self.clock.now() else None
        rows = self._rows(until - timedelta(days=120), until)
        part = self.frame[rows.tolist()]
        commit = commit_frame(
            self.ws,
            NAME,
            part,
            source="electricity.parquet",
            message=f"{len(rows):,} half-hours until {until:%d %b %Y}",
            time_column="at",
            schema=infer(part, "class"),
        )
        self.commits.append(commit.id)
        cut = int(len(rows) * 0.8)
        flow = self.ws.call("pipelines.start", name=NAME)
        run, model, accuracy = self._search(rows[:cut], rows[cut:], commit.ref)
        self._steps(flow.id, reused=parent is not None)
        made = self.ws.call(
            "registry.register",
            model=NAME,
            bundle=kept(self.ws.blobs, str(until)),
            metrics={"accuracy": accuracy, "log_loss": 0.7 - accuracy / 2},
            gates=_gates(accuracy),
            run_id=run,
            flow_id=flow.id,
            dataset=NAME,
            dataset_commit=commit.id,
            parent_version=parent,
            description="will the price of electricity in New South Wales go up?",
        )
        self.models[made.version] = model
        profile = reference(
            part.select(FEATURES), prediction=[str(each) for each in model.predict(self.x[rows])]
        )
        self.profiles[made.version] = profiles.keep(self.ws.blobs, profile)
        return made.version

    def _search(self, train: np.ndarray, valid: np.ndarray, ref: str) -> tuple[str, Any, float]:
        parent = self.ws.call(
            "tracking.start", experiment=NAME, name="search", inputs=[ref], params={"trials": 6}
        )
        best: tuple[float, Any] = (0.0, None)
        for index, strength in enumerate((0.001, 0.01, 0.1, 1.0, 10.0, 100.0)):
            run = self.ws.call(
                "tracking.start",
                experiment=NAME,
                name=f"trial {index + 1}",
                parent=parent.id,
                params={"algorithm": "logistic", "C": strength},
            )
            model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=200))
            model.fit(self.x[train], self.y[train])
            accuracy = float((model.predict(self.x[valid]) == self.y[valid]).mean())
            curve = [
                Point("loss", 0.7 * 0.9**step + 0.02 * ((step * 7919) % 13) / 13, step) for step in range(60)
            ]
            self.ws.call("tracking.log", run=run.id, points=[*curve, Point("accuracy", accuracy, 60)])
            self.ws.call("tracking.finish", run=run.id)
            best = max(best, (accuracy, model), key=lambda each: each[0])
        self.ws.call("tracking.log", run=parent.id, points=[Point("accuracy", best[0])])
        self.ws.call("tracking.finish", run=parent.id)
        return parent.id, best[1], best[0]

    def _steps(self, flow: str, *, reused: bool) -> None:
        names = ["ingest", "validate", "split", "search", "evaluate", "accept", "package", "register"]
        takes = [[], [0], [0, 1], [2], [2, 3], [4], [3], [5, 6]]
        steps = [
            StepRun(
                seq=seq,
                name=name,
                status="reused" if reused and name == "ingest" else "finished",
                key=ids.digest(name.encode()),
                started_at=self.clock.now() + timedelta(seconds=seq * 0.8),
                seconds=0.2 + 0.4 * seq,
                after=takes[seq],
                digest=ids.digest(f"{flow}{name}".encode()),
                size_bytes=4096 * (seq + 1),
                changes=[Change("parameter:until", "1 Nov", "14 Nov")] if reused else [],
            )
            for seq, name in enumerate(names)
        ]
        self.ws.call("pipelines.finish", flow=flow, status="finished", steps=steps)

    def _serve(self, start: datetime) -> None:
        version = self._champion()
        rows = self._rows(start, start + WINDOW)
        answers = self.models[version].predict(self.x[rows])
        told = []
        for row, answer in zip(rows, answers, strict=True):
            at = self.at[row].astype("datetime64[us]").item().replace(tzinfo=UTC)
            features = dict(zip(FEATURES, (float(each) for each in self.x[row]), strict=True))
            name = f"r{row}"
            answered = [{"prediction": str(answer)}]
            self.log.write(Exchange(name, at, NAME, NAME, version, 200, 90, [features], answered))
            told.append((name, 0, str(self.y[row])))
        end = start + WINDOW + timedelta(days=1, hours=1)
        self.log.write(Told(end, told))
        self.clock.advance((end - self.clock.now()).total_seconds())
        first = self.models[1].predict(self.x[rows])
        self.frozen.append((start + WINDOW, float((first == self.y[rows]).mean())))
        collect(self.ws, NAME, baseline_of=self._baseline)

    def _baseline(self, ws: Surface, endpoint: str, model: str, version: int) -> Baseline:
        known = ws.call("registry.show", model=model, version=version).metrics["accuracy"]
        profile = self.profiles[version]
        return Baseline(endpoint, model, version, profile, "classification", "class", "accuracy", known)

    def _solve(self, intent: Intent) -> Candidate:
        until = intent.decided_at or self.clock.now()
        version = self._train(until - timedelta(days=1), parent=self._champion())
        return Candidate(NAME, version, {"rows": 5760})

    def _judge(self, intent: Intent, candidate: Candidate) -> Verdict:
        rows = self._rows(self.clock.now() - timedelta(days=15), self.clock.now() - timedelta(days=1))
        scores = [
            float((self.models[version].predict(self.x[rows]) == self.y[rows]).mean())
            for version in (candidate.version, self._champion())
        ]
        gained = scores[0] - scores[1]
        evidence = {"challenger": round(scores[0], 4), "champion": round(scores[1], 4), "rows": len(rows)}
        words = (
            f"{'better' if gained > 0 else 'not better'}: accuracy {scores[0]:.3f} against {scores[1]:.3f}"
        )
        return Verdict(gained > 0, words, evidence)

    def _yardsticks(self) -> None:
        run = self.ws.call("tracking.start", experiment="yardsticks", name="frozen", tags={"compares": NAME})
        points = [Point("frozen", value, step, at) for step, (at, value) in enumerate(self.frozen)]
        self.ws.call("tracking.log", run=run.id, points=points)
        self.ws.call("tracking.finish", run=run.id)


def _gates(accuracy: float) -> list[GateResult]:
    return [
        GateResult("accuracy", accuracy >= 0.5, accuracy, 0.5, f"accuracy {accuracy:.3f}, at least 0.5"),
        GateResult("parity", True, 0.0, 1e-5, "ONNX and scikit-learn agree on every row"),
        GateResult("slice period<24", True, accuracy - 0.01, 0.45, "no slice below 0.45"),
    ]
