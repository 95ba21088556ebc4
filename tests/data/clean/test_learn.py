"""What is learnt, and what is filled in by it, has scikit-learn's numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - scikit-learn wants it before the next line
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import BayesianRidge, LinearRegression, Ridge
from sklearn.preprocessing import StandardScaler

from fettle.core.errors import Invalid
from fettle.data.clean import fit
from fettle.data.clean.apply import matrix
from fettle.data.clean.forest import scores
from fettle.data.records.cleaning import Bounds, Forest

RANDOM = np.random.default_rng(5)
NAMES = ["a", "b", "c", "d"]


def gappy(rows: int, share: float = 0.2) -> np.ndarray:
    base = RANDOM.normal(size=(rows, 1))
    values = base * [1.0, -2.0, 30.0, 0.1] + RANDOM.normal(size=(rows, 4)) * [0.3, 1.0, 10.0, 0.2] + 5
    values[RANDOM.random(values.shape) < share] = np.nan
    return values


TRAIN, NEW = gappy(300), gappy(80, 0.3)


def frame(values: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(values, schema=NAMES).fill_nan(None)


def filled(**declared: object) -> np.ndarray:
    fitted = fit([{"do": "impute", "columns": NAMES, **declared}], frame(TRAIN))
    return fitted.apply(frame(NEW)).frame.select(NAMES).to_numpy()


@pytest.mark.parametrize(
    ("by", "strategy"), [("mean", "mean"), ("median", "median"), ("mode", "most_frequent")]
)
def test_simple_fills_are_sklearns(by: str, strategy: str) -> None:
    expected = SimpleImputer(strategy=strategy).fit(TRAIN).transform(NEW)
    np.testing.assert_allclose(filled(by=by), expected, rtol=1e-13)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("neighbours", [1, 5, 400])
def test_neighbours_are_sklearns(weights: str, neighbours: int) -> None:
    """Weights by distance agree to fewer digits: scikit-learn expands the square, which loses some."""
    expected = KNNImputer(n_neighbors=neighbours, weights=weights).fit(TRAIN).transform(NEW)
    found = filled(by="knn", weights=weights, neighbours=neighbours, scale=False)
    np.testing.assert_allclose(found, expected, rtol=1e-12 if weights == "uniform" else 1e-6)


def test_scaled_neighbours_are_those_of_standardised_columns() -> None:
    scaler = StandardScaler().fit(TRAIN)
    imputer = KNNImputer().fit(scaler.transform(TRAIN))
    expected = scaler.inverse_transform(imputer.transform(scaler.transform(NEW)))
    np.testing.assert_allclose(filled(by="knn"), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "model"), [("bayesian_ridge", BayesianRidge), ("ridge", Ridge), ("linear", LinearRegression)]
)
def test_chained_regressions_are_sklearns(name: str, model: type) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = IterativeImputer(model(), random_state=0).fit(TRAIN).transform(NEW)
    np.testing.assert_allclose(filled(by="iterative", estimator=name), expected, rtol=1e-11)


@pytest.mark.parametrize("contamination", [0.0, 0.05])
def test_the_forest_is_sklearns(contamination: float) -> None:
    train, new = np.nan_to_num(TRAIN, nan=5.0), np.nan_to_num(NEW, nan=50.0)
    theirs = IsolationForest(contamination=contamination or "auto", random_state=0).fit(train)
    declared = {"do": "outliers", "columns": NAMES, "by": "isolation_forest", "action": "flag"}
    fitted = fit([{**declared, "contamination": contamination}], frame(train))
    learnt = fitted.steps[0].learnt
    assert isinstance(learnt, Forest)

    np.testing.assert_allclose(
        scores(learnt, matrix(frame(new), NAMES)), theirs.score_samples(new), rtol=1e-12
    )
    flagged = fitted.apply(frame(new)).frame["outlier"].to_numpy()
    assert flagged.tolist() == (theirs.predict(new) == -1).tolist()
    assert 0 < flagged.sum() < len(flagged)


def test_bounds_are_the_quantiles_of_the_known_values() -> None:
    fitted = fit([{"do": "outliers", "columns": NAMES, "factor": 2.0}], frame(TRAIN))
    learnt = fitted.steps[0].learnt
    assert isinstance(learnt, Bounds)
    lower, upper = np.nanquantile(TRAIN, [0.25, 0.75], axis=0)
    np.testing.assert_allclose([learnt.bounds[name][0] for name in NAMES], lower - 2 * (upper - lower))
    np.testing.assert_allclose([learnt.bounds[name][1] for name in NAMES], upper + 2 * (upper - lower))


def test_the_target_fills_nothing_in() -> None:
    rows = frame(TRAIN)
    with_target = fit([{"do": "impute", "columns": ["a"], "by": "iterative"}], rows, target="b")
    without = fit([{"do": "impute", "columns": ["a"], "by": "iterative"}], rows.drop("b"))
    assert with_target.apply(rows).frame["a"].equals(without.apply(rows.drop("b")).frame["a"])
    with pytest.raises(Invalid, match="target"):
        fit([{"do": "impute", "columns": ["a"], "by": "knn", "using": ["b"]}], rows, target="b")


def test_a_column_without_values_cannot_be_learnt_from() -> None:
    with pytest.raises(Invalid, match="has no values"):
        fit(
            [{"do": "impute", "columns": ["x"], "by": "mean"}],
            pl.DataFrame({"x": pl.Series([None, None], dtype=pl.Float64)}),
        )


def test_nothing_is_learnt_from_rows_that_were_not_given() -> None:
    fitted = fit([{"do": "impute", "columns": ["x"], "by": "mean"}], pl.DataFrame({"x": [1.0, 3.0]}))
    assert fitted.apply(pl.DataFrame({"x": [1000.0, None]})).frame["x"].to_list() == [1000.0, 2.0]
