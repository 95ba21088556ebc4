"""What each operation takes from the training rows. Numbers are scikit-learn's, as the tests show to the digit."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from fettle.core.errors import Invalid
from fettle.data.clean import cells
from fettle.data.clean.apply import matrix, owner_keys
from fettle.data.records import cleaning as c
from fettle.data.types import type_of

MOST_ITERATIVE_ROWS = 50_000


def learn(operation: c.Operation, frame: pl.DataFrame, target: str) -> c.Learnt | None:
    """Learn what the operation needs to know; None if that is nothing.

    Raises:
        Invalid: A column has no values to learn from.
    """
    match operation:
        case c.Merge():
            return _levels(operation, frame) if operation.rare > 0 or operation.keep > 0 else None
        case c.Outliers(by="isolation_forest"):
            return _forest(operation, frame)
        case c.Outliers():
            return _bounds(operation, frame)
        case c.Impute(columns=[]):
            return None
        case c.Impute(by="constant"):
            kinds = {name: type_of(frame[name].dtype) for name in operation.columns}
            known = {name: _constant(name, kind, operation.value) for name, kind in kinds.items()}
            return c.Fills(values=known)
        case c.Impute(by="mean" | "median" | "mode"):
            return c.Fills(values={name: usual(frame[name], operation.by) for name in operation.columns})
        case c.Impute(by="knn"):
            return _neighbours(operation, frame, target)
        case c.Impute(by="iterative"):
            return _chain(operation, frame, target)
        case c.Impute():
            return _last(operation, frame)
        case _:
            return None


def usual(column: pl.Series, by: str) -> c.Scalar:
    """The mean, median or most frequent value (of equals the least) of a column.

    Raises:
        Invalid: It has no values.
    """
    values = column.drop_nulls()
    if values.is_empty():
        raise Invalid(
            f"The column {column.name!r} has no values to learn from.",
            hint='Drop it, or fill it by = "constant".',
            subject=f"column:{column.name}",
        )
    if by == "mode":
        counts = values.value_counts(name="rows").sort(["rows", column.name], descending=[True, False])
        return cells.plain(counts[column.name][0])
    found: Any = values.mean() if by == "mean" else values.median()
    return float(found)


def _constant(name: str, kind: Any, value: c.Scalar) -> c.Scalar:
    found = cells.conform(name, kind, value)
    return cells.plain(found)


def _levels(operation: c.Merge, frame: pl.DataFrame) -> c.Levels:
    kept = {}
    for name in operation.columns:
        rows: Counter[str] = Counter()
        for value, count in frame[name].drop_nulls().value_counts().iter_rows():
            rows[str(operation.mapping.get(value, value))] += count
        least = operation.rare if operation.rare >= 1 else operation.rare * rows.total()
        ordered = sorted(rows.items(), key=lambda each: (-each[1], each[0]))
        frequent = [value for value, count in ordered if count >= least]
        kept[name] = frequent[: operation.keep] if operation.keep else frequent
    return c.Levels(kept=kept)


def _bounds(operation: c.Outliers, frame: pl.DataFrame) -> c.Bounds:
    bounds: dict[str, tuple[float | None, float | None]] = {}
    for name in operation.columns:
        usual(frame[name], "median")
        if operation.by == "iqr":
            lower, upper = _quantile(frame[name], 0.25), _quantile(frame[name], 0.75)
            low, high = lower - operation.factor * (upper - lower), upper + operation.factor * (upper - lower)
        else:
            low, high = _quantile(frame[name], operation.low), _quantile(frame[name], operation.high)
        if frame[name].dtype == pl.Int64:
            low, high = float(math.ceil(low)), float(math.floor(high))
        bounds[name] = (low, high)
    return c.Bounds(bounds=bounds)


def _quantile(column: pl.Series, share: float) -> float:
    found = column.quantile(share, interpolation="linear")
    return float(found) if found is not None else math.nan


def _features(operation: c.Impute, frame: pl.DataFrame, target: str) -> list[str]:
    """The columns to look at: those to fill, and those to use, in the table's order."""
    numbers = [name for name, dtype in frame.schema.items() if dtype.is_numeric() and name != target]
    others = operation.using or [name for name in numbers if frame[name].null_count() < frame.height]
    chosen = {*operation.columns, *others}
    for name in operation.columns:
        usual(frame[name], "median")
    return [name for name in frame.columns if name in chosen]


def _neighbours(operation: c.Impute, frame: pl.DataFrame, target: str) -> c.Neighbours:
    features = _features(operation, frame, target)
    columns = matrix(frame, features)
    kept = frame.height
    if kept > operation.reference:
        places = np.linspace(0, kept - 1, operation.reference).astype(np.int64)
        columns_kept = [each[places] for each in columns]
    else:
        columns_kept = columns
    spread = [float(np.nanstd(each)) for each in columns]
    return c.Neighbours(
        features=features,
        fill=operation.columns,
        scales=[each if operation.scale and each > 0 else 1.0 for each in spread],
        means=[float(np.nanmean(each)) for each in columns],
        rows=[[None if math.isnan(value) else value for value in each.tolist()] for each in columns_kept],
    )


def _chain(operation: c.Impute, frame: pl.DataFrame, target: str) -> c.Chain:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - scikit-learn wants it before the next line
    from sklearn.impute import IterativeImputer
    from sklearn.linear_model import BayesianRidge, LinearRegression, Ridge

    features = _features(operation, frame, target)
    if len(features) < 2:
        raise Invalid(
            "Columns are filled by regression on others, and there is no other column of numbers.",
            found=f"only {', '.join(features)}",
            hint='Choose by = "median".',
        )
    rows = np.stack(matrix(frame, features), axis=1)
    if len(rows) > MOST_ITERATIVE_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_ITERATIVE_ROWS).astype(np.int64)]
    models: dict[str, Any] = {"bayesian_ridge": BayesianRidge, "ridge": Ridge, "linear": LinearRegression}
    model = IterativeImputer(models[operation.estimator](), max_iter=operation.rounds, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        imputer = _fitted(model, rows)
    start = [float(each) for each in imputer.initial_imputer_.statistics_]
    steps = [
        c.Regression(
            int(target_place),
            [int(each) for each in others],
            [float(each) for each in model.coef_],
            float(model.intercept_),
        )
        for target_place, others, model in imputer.imputation_sequence_
    ]
    return c.Chain(features=features, fill=operation.columns, start=start, steps=steps)


def _fitted(model: Any, rows: np.ndarray) -> Any:
    """The fitted model. Any, since scikit-learn declares no types: who reads what fitting left on it converts it."""
    return model.fit(rows)


def _last(operation: c.Impute, frame: pl.DataFrame) -> c.Last:
    """The last known values in the order of time, and the usual ones."""
    ordered = frame.sort(operation.time, nulls_last=True, maintain_order=True) if operation.time else frame
    values: dict[str, dict[str, c.Scalar]] = {}
    for name in operation.columns if operation.by == "forward" else ():
        known = ordered.filter(pl.col(name).is_not_null())
        plain = (cells.plain(each) for each in known[name].to_list())
        values[name] = dict(zip(owner_keys(known, operation.of), plain, strict=True))
    numbers = {
        name: frame[name].dtype.is_numeric() and operation.by == "interpolate" for name in operation.columns
    }
    fills = {name: usual(frame[name], "median" if number else "mode") for name, number in numbers.items()}
    return c.Last(values=values, fills=fills)


def _forest(operation: c.Outliers, frame: pl.DataFrame) -> c.Forest:
    from sklearn.ensemble import IsolationForest

    medians = [float(usual(frame[name], "median") or 0.0) for name in operation.columns]
    columns = matrix(frame, operation.columns)
    rows = np.stack(
        [np.where(np.isnan(each), median, each) for each, median in zip(columns, medians, strict=True)],
        axis=1,
    )
    settings: dict[str, Any] = {
        "n_estimators": operation.trees,
        "max_samples": min(operation.sample, len(rows)),
        "contamination": operation.contamination or "auto",
        "random_state": operation.seed,
    }
    grown = _fitted(IsolationForest(**settings), rows)
    features = [np.asarray(each) for each in grown.estimators_features_]
    trees = [_tree(each.tree_, names) for each, names in zip(grown.estimators_, features, strict=True)]
    return c.Forest(
        features=operation.columns,
        medians=medians,
        normal=average_depth(float(grown.max_samples_)),
        offset=float(grown.offset_),
        trees=trees,
    )


def _tree(tree: Any, features: np.ndarray) -> c.Tree:
    left, right = tree.children_left, tree.children_right
    edges = np.zeros(tree.node_count)
    for node in range(tree.node_count):
        if left[node] >= 0:
            edges[left[node]] = edges[right[node]] = edges[node] + 1
    depth = [
        float(edge) + average_depth(float(rows))
        for edge, rows in zip(edges, tree.n_node_samples, strict=True)
    ]
    return c.Tree(
        left=left.tolist(),
        right=right.tolist(),
        feature=[int(features[each]) if each >= 0 else 0 for each in tree.feature],
        threshold=tree.threshold.tolist(),
        depth=[each if leaf < 0 else 0.0 for each, leaf in zip(depth, left, strict=True)],
    )


def average_depth(rows: float) -> float:
    """The mean depth of an unsuccessful search in a binary tree of so many rows (Liu et al. 2008, equation 1)."""
    if rows <= 1:
        return 0.0
    if rows <= 2:
        return 1.0
    return 2.0 * (math.log(rows - 1.0) + float(np.euler_gamma)) - 2.0 * (rows - 1.0) / rows
