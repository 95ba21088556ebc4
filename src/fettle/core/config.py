"""Settings: every key in one table, and one order of who decides.

A flag given to the command wins over the environment, that over `fettle.toml`, that over the default.
`fettle config show --origin` prints each value with where it came from; `docs/reference/configuration.md` is
generated from the same table.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fettle.core.errors import Invalid, nearest
from fettle.core.units import duration_s


@dataclass(frozen=True)
class Setting:
    """One key: its name in `fettle.toml`, its kind, its default and what it does.

    `kind` is one of `text`, `integer`, `number`, `flag`, `duration`, `list`.
    """

    key: str
    kind: str
    default: Any
    help: str

    @property
    def variable(self) -> str:
        """The environment variable: `serve.port` is read from `FETTLE_SERVE_PORT`."""
        return "FETTLE_" + self.key.upper().replace(".", "_")


@dataclass(frozen=True)
class Value:
    """A setting's value and its origin: `flag`, `environment`, `fettle.toml` or `default`."""

    setting: Setting
    value: Any
    origin: str


SETTINGS: tuple[Setting, ...] = (
    Setting("workspace", "text", "", "Where the workspace is: a folder, postgresql://… or https://…; empty: .fettle/ in or above the folder"),
    Setting("token", "text", "", "Access token sent to a workspace behind https://"),
    Setting("project.name", "text", "", "The project's name; empty: the folder's name"),
    Setting("data.source", "text", "", "File, glob, SQL query or version (data://churn@main) that the project's data comes from"),
    Setting("data.dataset", "text", "", "Name of the dataset; empty: the project's name"),
    Setting("data.target", "text", "", "The column to predict"),
    Setting("data.time", "text", "", "The column that orders rows in time; empty: rows have no order"),
    Setting("data.task", "text", "auto", "classification, regression or auto"),
    Setting("data.ignore", "list", [], "Columns the model must not see"),
    Setting("train.algorithms", "list", [], "Algorithms to search over; empty: all that suit the task"),
    Setting("train.trials", "integer", 12, "Trials of the search, one default of each algorithm included"),
    Setting("data.remote", "text", "", "Where `fettle data push` and `pull` go: a folder, s3://bucket/prefix, or a workspace's URL"),
    Setting("data.link_cache", "integer", 20, "How much the cache of `fettle data checkout --link` may hold beside what folders link to, in GiB; the oldest goes first"),
    Setting("data.hooks", "tables", [], "[[data.hooks]] with event, kind (command, python, webhook), target and dataset: what is called around commits, merges, checkouts, pushes"),
    Setting("clean", "tables", [], "[[clean]] operations on the rows, in order, fitted on the training rows only"),
    Setting("features.use", "list", [], "Features that the model sees besides the columns, such as bmi or bmi@2; computed at the endpoint too"),
    Setting("features.functions", "list", [], "Modules whose functions features may call, here and at the endpoint"),
    Setting("track.capture", "list", ["git", "code", "environment", "host", "system", "console", "seeds"], "What a run records by itself: git, code, environment, host, system, console, seeds; none: nothing"),
    Setting("track.mask", "flag", True, "Whether secrets are masked in what a run records by itself: command line, diff, console"),
    Setting("track.interval", "duration", "10s", "Time between two samples of CPU, memory, disk and GPU"),
    Setting("outgoing.private", "list", [], "Private hosts that webhooks may reach: names, addresses or networks, with :port or not"),
    Setting("train.budget", "duration", "60s", "Time after which the search starts no further trial"),
    Setting("train.seed", "integer", 7, "Seed of every random choice"),
    Setting("train.metric", "text", "", "What the search maximises; empty: accuracy or r2"),
    Setting("train.slices", "list", [], "Columns by which the evaluation is sliced; empty: chosen from the data"),
    Setting("gates.tolerance", "number", 0.02, "How far below its accepted metric a model may fall before it counts as worse"),
    Setting("serve.host", "text", "127.0.0.1", "Address the endpoint binds to"),
    Setting("serve.port", "integer", 8080, "Port of the endpoint"),
    Setting("ui.port", "integer", 7878, "Port of the pages"),
    Setting("monitor.window", "duration", "1d", "Length of a monitoring window"),
    Setting("monitor.stride", "duration", "", "Step from window to window; empty: the window's length"),
    Setting("monitor.label_delay", "duration", "1d", "How long after a request its true label may come"),
    Setting("monitor.min_rows", "integer", 500, "Rows a window needs before drift is judged"),
    Setting("retrain.enabled", "flag", True, "Whether alerts may start a retraining"),
    Setting("retrain.triggers", "list", ["demand", "schedule", "data", "performance", "prediction"], "What may start a retraining: demand, schedule, data, performance, prediction, drift"),
    Setting("retrain.trials", "integer", 0, "Trials of a retraining's search; 0: as many as train.trials"),
    Setting("retrain.windows", "list", ["1.0"], "Training windows to choose from, as shares of the newest rows; only for rows in time order"),
    Setting("retrain.cooldown", "duration", "1d", "Least time between two retrainings"),
    Setting("retrain.recent", "duration", "", "How far back a retraining looks; empty: all data up to that moment"),
    Setting("log.ack", "text", "os", "When a prediction counts as logged: memory, os (survives a kill) or disk (survives a power cut)"),
)  # fmt: skip

_BY_KEY = {setting.key: setting for setting in SETTINGS}


class Settings:
    """The settings of one project, resolved from flags, environment, file and defaults.

    Args:
        flags: Values given on the command line, by key; None values count as not given.
        environment: Usually `os.environ`.
        file: Nested tables of `fettle.toml`.

    Raises:
        Invalid: A key is unknown or a value does not fit its kind.
    """

    def __init__(
        self,
        flags: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        file: Mapping[str, Any] | None = None,
    ) -> None:
        self._flags = {key: value for key, value in (flags or {}).items() if value is not None}
        self._environment = os.environ if environment is None else environment
        self._file = _flatten(file or {})
        for origin, keys in (("a flag", self._flags), ("fettle.toml", self._file)):
            for key in keys:
                setting_of(key, origin=origin)

    @classmethod
    def read(cls, folder: Path, flags: Mapping[str, Any] | None = None) -> Settings:
        """Read the settings of the project in `folder`; a missing `fettle.toml` counts as empty."""
        path = folder / "fettle.toml"
        try:
            tables = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Invalid(
                f"{path.name} is not valid TOML.", found=str(error), hint=f"Mend {path}."
            ) from error
        return cls(flags, file=tables)

    def value(self, key: str) -> Value:
        """Return the value of `key` with its origin."""
        setting = setting_of(key)
        if key in self._flags:
            return Value(setting, convert(setting, self._flags[key], "the flag"), "flag")
        if setting.variable in self._environment:
            return Value(
                setting,
                convert(setting, self._environment[setting.variable], setting.variable),
                "environment",
            )
        if key in self._file:
            return Value(setting, convert(setting, self._file[key], "fettle.toml"), "fettle.toml")
        return Value(setting, convert(setting, setting.default, "the default"), "default")

    def __getitem__(self, key: str) -> Any:
        return self.value(key).value

    def all(self) -> list[Value]:
        """Every setting, in the order of the table."""
        return [self.value(setting.key) for setting in SETTINGS]


def setting_of(key: str, *, origin: str = "the settings") -> Setting:
    """Look up a setting; an unknown key is an error that offers the nearest one."""
    setting = _BY_KEY.get(key)
    if setting is None:
        close = nearest(key, _BY_KEY)
        raise Invalid(
            f"{key!r} in {origin} is not a setting of fettle.",
            found=key,
            hint=f"Did you mean {close[0]!r}?" if close else "`fettle config show` lists all keys.",
        )
    return setting


def convert(setting: Setting, value: Any, origin: str) -> Any:
    """Read `value` as the setting's kind: durations in seconds, flags as bool, lists split at commas."""
    try:
        return _CONVERT[setting.kind](value)
    except (ValueError, TypeError, Invalid) as error:
        raise Invalid(
            f"{setting.key!r} does not fit: it takes {_WORDS[setting.kind]}.",
            found=f"{value!r} from {origin}",
            hint=setting.help + ".",
        ) from error


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    return known[str(value).strip().lower()] if str(value).strip().lower() in known else _refuse(value)


def _refuse(value: Any) -> Any:
    raise ValueError(f"{value!r} is neither true nor false")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [_text(each) for each in value]


def _tables(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise TypeError(f"{value!r} is no list of tables")
    return [dict(each) for each in value]


_WORDS = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "duration": "a duration such as 90s, 12h or 14d",
    "list": "a list of texts",
    "tables": "tables, each begun by its name in double brackets",
}

_CONVERT: dict[str, Any] = {
    "text": _text,
    "integer": _integer,
    "number": float,
    "flag": _flag,
    "duration": lambda value: None if value in ("", None) else duration_s(value),
    "list": _list,
    "tables": _tables,
}


def _flatten(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
