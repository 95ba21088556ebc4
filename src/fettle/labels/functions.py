"""Programmatic labelling: functions and rules that label rows or abstain, and what they say together.

from fettle.labels import labelling_function

@labelling_function
def long_call(row):
    return "churn" if row["minutes"] > 600 else None      # None abstains

RULES = ['complaints >= 3 -> "churn"', "tenure > 60 -> stays"]
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from fettle.core import progress
from fettle.core.errors import Invalid, NotFound, nearest
from fettle.core.marks import mark, mark_of
from fettle.labels.records import FunctionReport, Method
from fettle.labels.vote import dawid_skene

ABSTAIN = -1
SMOOTHING = 0.01

Row = Mapping[str, Any]
LabellingFunction = Callable[[Row], str | None]
"""Given a row by column names, says a class, or None to abstain."""


def labelling_function(function: LabellingFunction) -> LabellingFunction:
    """Mark a function of one row as a labelling function, so that `fettle labels functions` finds it in its file."""
    return mark(function, "labels_rows", True)


def load_functions(path: Path) -> dict[str, LabellingFunction | str]:
    """The marked functions of a Python file and the expressions of its list `RULES`, by name.

    Raises:
        NotFound: There is no such file.
        Invalid: It cannot be run, or has neither.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", hint="Name a Python file with labelling functions.")
    spec = importlib.util.spec_from_file_location(f"fettle_labelling_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Invalid(f"{path.name} is no Python file.", hint="Its name ends in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # importing is running a stranger's code
        raise Invalid(
            f"{path.name} cannot be run.", found=f"{type(error).__name__}: {error}"[:300]
        ) from error
    found: dict[str, LabellingFunction | str] = {
        name: each for name, each in vars(module).items() if mark_of(each, "labels_rows", bool)
    }
    found.update({rule: rule for rule in getattr(module, "RULES", ())})
    if not found:
        raise Invalid(
            f"{path.name} has no labelling functions.",
            found="no function marked with @labelling_function, and no list RULES",
            hint="from fettle.labels import labelling_function",
        )
    return found


def parse_rule(rule: str) -> tuple[str, str]:
    """Read `amount > 100 -> "big"`: a SQL condition on columns, an arrow, and the class.

    Raises:
        Invalid: There is no arrow, condition or class.

    Example:
        >>> parse_rule('amount > 100 -> "big"')
        ('amount > 100', 'big')
    """
    condition, arrow, label = rule.rpartition("->")
    label = label.strip()
    if len(label) > 1 and label[0] == label[-1] and label[0] in "\"'":
        label = label[1:-1]
    if not (arrow and condition.strip() and label):
        raise Invalid(
            "A rule is a condition, an arrow and a class.",
            found=rule[:80],
            hint='Write: amount > 100 -> "big"',
        )
    return condition.strip(), label


def apply_functions(
    frame: pl.DataFrame, functions: Mapping[str, LabellingFunction | str], classes: Sequence[str]
) -> np.ndarray:
    """Ask every function about every row.

    Args:
        frame: The rows.
        functions: Python functions of a row, and rules, by name.
        classes: The classes there are.

    Returns:
        Places in `classes`, -1 where a function abstains; shape (rows, functions).

    Raises:
        Invalid: A function failed, naming the function and the row; or a rule cannot be understood.
        NotFound: A function says a class that the project has not.
    """
    places = {name: place for place, name in enumerate(classes)}
    votes = np.full((frame.height, len(functions)), ABSTAIN, dtype=np.int64)
    with progress.phase("Asking labelling functions", total=len(functions), unit="functions") as step:
        rows = frame.rows(named=True) if any(callable(each) for each in functions.values()) else []
        for column, (name, function) in enumerate(functions.items()):
            if isinstance(function, str):
                condition, label = parse_rule(function)
                votes[_true_rows(frame, condition, function), column] = _place(places, label, name)
            else:
                for place, row in enumerate(rows):
                    said = _ask(name, function, row, place)
                    if said is not None:
                        votes[place, column] = _place(places, said, name)
            step()
    return votes


def _true_rows(frame: pl.DataFrame, condition: str, rule: str) -> np.ndarray:
    try:
        asked = frame.select(pl.sql_expr(condition).alias("asked"))["asked"]
        if asked.dtype != pl.Boolean:
            raise Invalid("The condition of a rule is true or false.", found=f"{rule}: gives {asked.dtype}")
        if asked.len() != frame.height:
            raise Invalid("The condition of a rule speaks of one row.", found=f"{rule}: {asked.len()} values")
    except pl.exceptions.ColumnNotFoundError as error:
        missing = (re.findall(r'"([^"]+)" not found', str(error)) or [str(error).split()[0]])[0]
        close = nearest(missing, frame.columns)
        raise NotFound(
            f"There is no column {missing!r} for the rule {rule}.",
            found=f"columns: {', '.join(frame.columns[:12])}",
            hint=f"Did you mean {close[0]!r}?" if close else "",
        ) from error
    except pl.exceptions.PolarsError as error:
        raise Invalid(
            f"The rule {rule} cannot be understood.", found=str(error).splitlines()[0][:200]
        ) from error
    return asked.fill_null(False).to_numpy()


def _ask(name: str, function: LabellingFunction, row: Row, place: int) -> str | None:
    try:
        return function(row)
    except Exception as error:  # a stranger's code, on each row
        raise Invalid(
            f"The labelling function {name} failed.",
            found=f"row {place + 1}: {type(error).__name__}: {error}"[:300],
            hint="Let it return None where it cannot say.",
        ) from error


def _place(places: Mapping[str, int], label: str, name: str) -> int:
    if label not in places:
        raise NotFound.among(f"class (said by {name})", str(label), places)
    return places[label]


def report(
    votes: np.ndarray, names: Sequence[str], classes: Sequence[str], truth: np.ndarray | None = None
) -> list[FunctionReport]:
    """How often each function speaks, beside others, against others, and rightly.

    Args:
        votes: As `apply_functions` gives them; shape (rows, functions).
        names: The functions.
        classes: The classes.
        truth: The classes that annotators gave, -1 where none; shape (rows,). None: nothing is known.

    Source: Ratner et al. (2017), Snorkel, section 2: coverage, overlaps and conflicts; tests/labels/test_functions.py
    counts them again by their definition.
    """
    spoke = votes != ABSTAIN
    others = spoke.sum(axis=1, keepdims=True) - spoke
    made = []
    for column, name in enumerate(names):
        mine, own = spoke[:, column], votes[:, column]
        against = (spoke & (votes != own[:, None])).any(axis=1) & mine
        known = mine & (truth != ABSTAIN) if truth is not None else np.zeros(len(votes), dtype=bool)
        correct = int((known & (own == truth)).sum()) if truth is not None else 0
        judged = int(known.sum())
        made.append(
            FunctionReport(
                name=name,
                labels=[str(classes[place]) for place in np.unique(own[mine])],
                coverage=_share(mine),
                overlaps=_share(mine & (others[:, column] > 0)),
                conflicts=_share(against),
                correct=correct,
                incorrect=judged - correct,
                accuracy=correct / judged if judged else None,
            )
        )
    return made


def _share(mask: np.ndarray) -> float:
    return float(mask.mean()) if mask.size else 0.0


def combine(
    votes: np.ndarray, classes: int, *, method: Method = "dawid-skene"
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """One label a row from all functions.

    Args:
        votes: Shape (rows, functions), -1 where a function abstains.
        classes: How many classes there are.
        method: `majority`: each function counts alike. `dawid-skene`: a label model that estimates, without any true
            label, how often each function errs, and weighs it so; it needs functions that overlap.

    Returns:
        The label of each row, -1 where nobody spoke or there is a tie; its confidence, 0 there; and the estimated
        accuracy of each function (None for majority).
    """
    labels, confidence = np.full(len(votes), ABSTAIN, dtype=np.int64), np.zeros(len(votes))
    said = np.flatnonzero((votes != ABSTAIN).any(axis=1))
    if said.size == 0:
        return labels, confidence, None
    spoken = votes[said]
    shares = _shares(spoken, classes) if method == "majority" else _model(spoken, classes)
    best = shares.argmax(axis=1)
    top = shares[np.arange(said.size), best]
    sole = (shares >= top[:, None] - 1e-9).sum(axis=1) == 1
    labels[said[sole]], confidence[said[sole]] = best[sole], top[sole]
    return labels, confidence, None if method == "majority" else _trust(spoken, shares)


def _shares(votes: np.ndarray, classes: int) -> np.ndarray:
    rows, columns = np.nonzero(votes != ABSTAIN)
    counts = np.bincount(rows * classes + votes[rows, columns], minlength=len(votes) * classes)
    counts = counts.reshape(-1, classes)
    return counts / counts.sum(axis=1, keepdims=True)


def _model(votes: np.ndarray, classes: int) -> np.ndarray:
    """Posterior of the classes; to abstain is an answer too, for functions often speak of one class only."""
    rows, columns = (each.ravel() for each in np.indices(votes.shape))
    given = np.where(votes == ABSTAIN, classes, votes).ravel()
    return dawid_skene(rows, columns, given, classes, answers=classes + 1, smoothing=SMOOTHING).posterior


def _trust(votes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """How probable what each function said is, on average; NaN for one that never spoke."""
    found = np.full(votes.shape[1], np.nan)
    for column in range(votes.shape[1]):
        spoke = np.flatnonzero(votes[:, column] != ABSTAIN)
        if spoke.size:
            found[column] = shares[spoke, votes[spoke, column]].mean()
    return found


def weighed(reports: Sequence[FunctionReport], weights: np.ndarray | None) -> list[FunctionReport]:
    """The reports with what the label model thinks of each function."""
    if weights is None:
        return list(reports)
    return [
        msgspec.structs.replace(each, weight=None if np.isnan(weight) else float(weight))
        for each, weight in zip(reports, weights, strict=True)
    ]
