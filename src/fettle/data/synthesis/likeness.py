"""How like the real table a synthetic one is: columns, associations, what models learn, whether one can tell."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from fettle.core.errors import NotFound
from fettle.core.progress import phase
from fettle.data.profiling.associations import correlation_ratio, cramers_v, pearson
from fettle.data.records.synthesis import ColumnFidelity, Fidelity
from fettle.data.synthesis.learning import epochs

MOST_ROWS = 10_000
MOST_CLASSES = 20
MOST_LEVELS = 200
LEAST_ROWS = 3
TREES = 40
LEAVES = 15
Vector = NDArray[np.float64]


def fidelity(
    synthetic: pl.DataFrame,
    held_out: pl.DataFrame,
    train: pl.DataFrame,
    *,
    target: str = "",
    made_up: Collection[str] = (),
    seed: int = 0,
) -> Fidelity:
    """Compare a synthetic table with a real one; up to 10,000 rows of each are looked at where models are learnt.

    Args:
        synthetic: What was made.
        held_out: Real rows that nothing was learnt from: models are judged on them.
        train: The real rows that it was learnt from.
        target: The column a model is to predict; empty for none.
        made_up: Columns whose texts are made up, which are not compared.
        seed: Of rows drawn and models learnt.

    Raises:
        NotFound: The target is not a column.
    """
    if target and target not in train.columns:
        raise NotFound.among("column", target, train.columns)
    names = [name for name in train.columns if name not in made_up and not names_rows(train[name])]
    with phase("Comparing columns", total=len(names), unit="columns") as done:
        columns = []
        for name in names:
            columns.append(_column(synthetic[name], train[name]))
            done()
    one, other = associations(_drawn(synthetic, seed), names), associations(_drawn(train, seed), names)
    apart = np.abs(one - other)
    pairs = apart[np.triu_indices(len(names), 1)]
    worst = np.unravel_index(int(np.argmax(np.triu(apart, 1))), apart.shape) if len(names) > 1 else ()
    measure, real, made = ("", None, None)
    with threadpool_limits(1), phase("Learning from both", total=2, unit="models") as done:
        if target:
            measure, real, made = _learnt(synthetic, held_out, train, names, target, seed)
        done()
        detected = _detected(synthetic, held_out, names, seed)
        done()
    return Fidelity(
        columns=columns,
        association_mean=float(pairs.mean()) if len(pairs) else 0.0,
        association_max=float(pairs.max()) if len(pairs) else 0.0,
        association_worst=[names[place] for place in worst],
        measure=measure,
        real_score=real,
        synthetic_score=made,
        detection_auc=detected,
    )


def ks(one: Vector, other: Vector) -> float:
    """The Kolmogorov-Smirnov distance: the largest difference of two distribution functions."""
    if not len(one) or not len(other):
        return float(len(one) != len(other))
    whole = np.concatenate([one, other])
    below = np.searchsorted(np.sort(one), whole, side="right") / len(one)
    above = np.searchsorted(np.sort(other), whole, side="right") / len(other)
    return float(np.abs(below - above).max())


def total_variation(one: pl.Series, other: pl.Series) -> float:
    """Half the sum of absolute differences of shares."""
    shares = [
        dict(each.drop_nulls().cast(pl.String).value_counts(normalize=True, name="share").iter_rows())
        for each in (one, other)
    ]
    if not shares[0] or not shares[1]:
        return float(bool(shares[0]) != bool(shares[1]))
    return 0.5 * sum(
        abs(shares[0].get(level, 0.0) - shares[1].get(level, 0.0)) for level in {*shares[0], *shares[1]}
    )


def associations(frame: pl.DataFrame, names: list[str]) -> Vector:
    """How strongly each two columns go together, in [-1, 1], shape (columns, columns).

    Numbers and times: Spearman's rank correlation; categories: Cramér's V, bias corrected; one of each: the
    correlation ratio η. See `fettle.data.profiling.associations`.
    """
    found = np.eye(len(names))
    held = {name: _prepared(frame[name]) for name in names}
    for place, one in enumerate(names):
        for at in range(place):
            found[place, at] = found[at, place] = _associated(held[one], held[names[at]])
    return found


Prepared = tuple[bool, NDArray[Any]]
"""Whether a column is of categories; and its ranks (NaN where missing), or its codes (-1 where missing)."""


def _prepared(column: pl.Series) -> Prepared:
    if column.dtype in (pl.String, pl.Boolean):
        return True, (column.rank("dense").cast(pl.Int64) - 1).fill_null(-1).to_numpy()
    return False, pl.Series(epochs(column)).fill_nan(None).rank("average").fill_null(float("nan")).to_numpy()


def _associated(one: Prepared, other: Prepared) -> float:
    """Nought where fewer than three rows have both."""
    known = (one[1] >= 0) & (other[1] >= 0)  # a rank that is missing is NaN, and NaN is not
    if known.sum() < LEAST_ROWS:
        return 0.0
    a, b = one[1][known], other[1][known]
    if one[0] and other[0]:
        return cramers_v(a, b)
    if one[0] or other[0]:
        return correlation_ratio(*((a, b) if one[0] else (b, a)))
    return pearson(rankdata(a), rankdata(b))


def _column(synthetic: pl.Series, real: pl.Series) -> ColumnFidelity:
    gaps = [each.null_count() / max(len(each), 1) for each in (real, synthetic)]
    if real.dtype in (pl.String, pl.Boolean):
        return ColumnFidelity(real.name, "tv", total_variation(synthetic, real), *gaps)
    one, other = (each[~np.isnan(each)] for each in (epochs(synthetic), epochs(real)))
    return ColumnFidelity(real.name, "ks", ks(one, other), *gaps)


def names_rows(column: pl.Series) -> bool:
    """Whether a column is of keys or made-up texts, which are not compared."""
    distinct = column.n_unique()
    if column.dtype == pl.String:
        return distinct > MOST_LEVELS
    return column.dtype == pl.Int64 and distinct == len(column) and len(column) >= 20


def _drawn(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    return frame.sample(MOST_ROWS, seed=seed) if frame.height > MOST_ROWS else frame


def encoded(frame: pl.DataFrame, names: list[str], like: pl.DataFrame) -> Vector:
    """Columns as numbers for a model: categories by their place among those of `like`; NaN where missing or unknown."""
    made = []
    for name in names:
        if frame[name].dtype in (pl.String, pl.Boolean):
            levels = like[name].drop_nulls().cast(pl.String).unique().sort()
            places = pl.Series(range(len(levels)), dtype=pl.Float64)
            codes = (
                frame[name]
                .cast(pl.String)
                .replace_strict(levels, places, default=None, return_dtype=pl.Float64)
            )
            values = codes.fill_null(float("nan")).to_numpy()
        else:
            values = epochs(frame[name])
        made.append(np.zeros_like(values) if np.isnan(values).all() else values)
    return np.stack(made, axis=1) if made else np.empty((frame.height, 0))


def _learnt(
    synthetic: pl.DataFrame,
    held_out: pl.DataFrame,
    train: pl.DataFrame,
    names: list[str],
    target: str,
    seed: int,
) -> tuple[str, float | None, float | None]:
    """Learn the target on synthetic and on real rows, judge both on real rows held out."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import r2_score, roc_auc_score

    tables = [_drawn(each.drop_nulls([target]), seed) for each in (train, synthetic, held_out)]
    numbers = train[target].dtype.is_float() or (
        train[target].dtype.is_integer() and train[target].n_unique() > MOST_CLASSES
    )
    features = [name for name in names if name != target]
    inputs = [encoded(each, features, train) for each in tables]
    labels = [_labels(each[target], numbers) for each in tables]
    scores: list[float | None] = []
    for place in (0, 1):
        if len(np.unique(labels[place])) < 2 or not features:
            scores.append(None)
            continue
        maker: Any = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
        model = maker(max_iter=TREES, max_leaf_nodes=LEAVES, random_state=seed).fit(
            inputs[place], labels[place]
        )
        if numbers:
            scores.append(float(r2_score(labels[2], model.predict(inputs[2]))))
            continue
        scores.append(_area(model, inputs[2], labels[2], roc_auc_score))
    return ("r2" if numbers else "auc"), scores[0], scores[1]


def _labels(column: pl.Series, numbers: bool) -> NDArray[Any]:
    return column.cast(pl.Float64).to_numpy() if numbers else column.cast(pl.String).to_numpy()


def _area(model: Any, inputs: Vector, truth: NDArray[Any], auc: Any) -> float | None:
    """The AUC over the classes that the model knows, one against the rest and weighted if there are more than two."""
    shown = model.predict_proba(inputs)
    areas, weights = [], []
    for place, label in enumerate(model.classes_):
        held = truth == label
        if held.any() and not held.all():
            areas.append(float(auc(held, shown[:, place])))
            weights.append(int(held.sum()))
    return float(np.average(areas, weights=weights)) if areas else None


def _detected(synthetic: pl.DataFrame, real: pl.DataFrame, names: list[str], seed: int) -> float:
    """How well real and synthetic rows are told apart, cross-validated on as many of each."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    count = min(synthetic.height, real.height, MOST_ROWS // 2)
    if count < 20 or not names:
        return 0.5
    one, other = synthetic.sample(count, seed=seed), real.sample(count, seed=seed)
    inputs = np.concatenate([encoded(one, names, real), encoded(other, names, real)])
    truth = np.repeat([1, 0], count)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(max_iter=TREES, max_leaf_nodes=LEAVES, random_state=seed)
    guessed = np.asarray(cross_val_predict(model, inputs, truth, cv=folds, method="predict_proba"))
    return float(roc_auc_score(truth, guessed[:, 1]))
