"""The nouns of projects: the problem as it is declared, and what solving it brought."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from fettle.core.config import Settings
from fettle.core.errors import Invalid
from fettle.evaluation.records import Comparison

TRIGGERS = ("demand", "schedule", "data", "performance", "prediction", "drift")
MOST_PORT = 65_535
Task = Literal["auto", "classification", "regression"]


class Project(msgspec.Struct, frozen=True):
    """One problem: where its data comes from, what is to be predicted, and how the loop behaves.

    Read from `fettle.toml`; `fettle.core.config.SETTINGS` says what each key means. Durations are in seconds.
    """

    name: str
    source: str
    dataset: str
    target: str
    time: str = ""
    task: Task = "auto"
    ignore: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    trials: int = 12
    budget_s: float = 60.0
    seed: int = 7
    metric: str = ""
    slices: tuple[str, ...] = ()
    tolerance: float = 0.02
    host: str = "127.0.0.1"
    port: int = 8080
    window_s: float = 86_400.0
    stride_s: float = 86_400.0
    label_delay_s: float = 86_400.0
    min_rows: int = 500
    retrains: bool = True
    triggers: tuple[str, ...] = ()
    windows: tuple[float, ...] = (1.0,)
    cooldown_s: float = 86_400.0
    recent_s: float | None = None
    retrain_trials: int | None = None
    ack: Literal["memory", "os", "disk"] = "os"
    clean: tuple[dict[str, Any], ...] = ()
    features: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The model's name in the registry, and the endpoint's: the project's own."""
        return self.name


class Cut(msgspec.Struct, frozen=True):
    """The division of one commit's rows.

    Attributes:
        ref: The commit, as `dataset@commit`.
        target: Rows without a value of it are left out.
        time: The column that orders rows; empty for none.
        since: Rows before it are left out; None for none.
        seed: Of the random deal, where no column orders.
        known: The champion's commit, if `test` is taken from rows that it does not hold; else empty.
        train: Rows to learn from.
        valid: Rows to choose on.
        test: Rows to judge on.
    """

    ref: str
    target: str
    time: str
    since: datetime | None
    seed: int
    known: str
    train: int
    valid: int
    test: int

    @property
    def rows(self) -> int:
        """All of them."""
        return self.train + self.valid + self.test


class Contest(msgspec.Struct, frozen=True):
    """A challenger held against the champion on rows that neither has learned from.

    Attributes:
        champion: The champion's version.
        promote: Whether the challenger should take over.
        reason: Why, in words with figures.
        comparison: The figures; None where there was nothing to compare on.
    """

    champion: int
    promote: bool
    reason: str
    comparison: Comparison | None = None


class Solution(msgspec.Struct, frozen=True):
    """What one run of a project's pipeline produced.

    Attributes:
        model: The model's name in the registry.
        run_id: The pipeline run.
        commit: The rows, as `dataset@commit`.
        cut: Which of them were learned from, chosen on and judged on.
        bundle: The packed model.
        version: Its number in the registry.
        algorithm: What learned it.
        metric: The metric that was judged by.
        value: Its value on rows nobody had seen.
        low: Lower end of the 95 % interval.
        high: Upper end.
        maximize: Whether more is better.
        metrics: All metrics.
        answers: Digest of the answers on the judged rows.
        contest: How it did against the champion; None where there was none, or where it is the champion.
        refused: Why it may not serve; empty if every gate passed.
    """

    model: str
    run_id: str
    commit: str
    cut: Cut
    bundle: str
    version: int
    algorithm: str
    metric: str
    value: float
    low: float
    high: float
    maximize: bool
    metrics: dict[str, float]
    answers: str
    contest: Contest | None
    refused: list[str]


def project_of(settings: Settings, folder: Path) -> Project:
    """Read a project from its settings.

    Raises:
        Invalid: A value does not fit, or no target is declared.
    """
    name = settings["project.name"] or folder.resolve().name
    if not settings["data.target"]:
        raise Invalid(
            f"The project {name!r} does not say what to predict.",
            found=f"no data.target in {folder / 'fettle.toml'}",
            hint="Write it there, or start with `fettle up FILE --target COLUMN`.",
        )
    window_s = settings["monitor.window"]
    return Project(
        name=name,
        source=settings["data.source"],
        dataset=settings["data.dataset"] or name,
        target=settings["data.target"],
        time=settings["data.time"],
        task=_choice("data.task", settings["data.task"], ("auto", "classification", "regression")),
        ignore=tuple(settings["data.ignore"]),
        algorithms=tuple(settings["train.algorithms"]),
        trials=_positive("train.trials", settings["train.trials"]),
        budget_s=settings["train.budget"],
        seed=settings["train.seed"],
        metric=settings["train.metric"],
        slices=tuple(settings["train.slices"]),
        tolerance=settings["gates.tolerance"],
        host=settings["serve.host"],
        port=_port("serve.port", settings["serve.port"]),
        window_s=window_s,
        stride_s=settings["monitor.stride"] or window_s,
        label_delay_s=settings["monitor.label_delay"],
        min_rows=settings["monitor.min_rows"],
        retrains=settings["retrain.enabled"],
        triggers=tuple(_choice("retrain.triggers", each, TRIGGERS) for each in settings["retrain.triggers"]),
        windows=tuple(_share("retrain.windows", each) for each in settings["retrain.windows"]),
        cooldown_s=settings["retrain.cooldown"],
        recent_s=settings["retrain.recent"],
        retrain_trials=settings["retrain.trials"] or None,
        ack=_choice("log.ack", settings["log.ack"], ("memory", "os", "disk")),
        clean=tuple(settings["clean"]),
        features=tuple(settings["features.use"]),
    )


def _choice(
    key: str, value: str, choices: tuple[str, ...]
) -> Any:  # one of the choices: a literal to the reader
    if value not in choices:
        raise Invalid(f"{key} must be one of {', '.join(choices)}.", found=repr(value))
    return value


def _share(key: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise Invalid(
            f"{key} takes shares above 0, up to 1.", found=repr(text), hint='Such as ["1.0", "0.5"].'
        )
    return value


def _port(key: str, value: int) -> int:
    if not 0 <= value <= MOST_PORT:
        raise Invalid(f"{key} must be 0 to {MOST_PORT}.", found=str(value), hint="0 takes any free port.")
    return value


def _positive(key: str, value: int) -> int:
    if value < 1:
        raise Invalid(f"{key} must be 1 or more.", found=str(value), hint="Leave it out to take the default.")
    return value
