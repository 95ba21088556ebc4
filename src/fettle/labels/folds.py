"""Probabilities of a simple model for rows it has not seen, to judge labels where there is no better model yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from fettle.core import progress
from fettle.core.errors import Invalid
from fettle.core.scalars import number

FOLDS = 5
MOST_CATEGORIES = 50
MOST_WORDS = 20_000


def out_of_fold(
    features: pl.DataFrame, labels: np.ndarray, *, folds: int = FOLDS, seed: int = 0
) -> np.ndarray:
    """Predict each row's label by a logistic regression that was trained on the other rows.

    Numbers are filled with their median and scaled, texts of few different values become indicators, longer ones TF-IDF
    of words and word pairs. A model of one's own that knows the matter better finds more; give its probabilities.

    Args:
        features: The rows without the label.
        labels: Classes from 0, each carried by two rows or more; shape (rows,).
        folds: Into how many parts the rows are divided; fewer where a class has fewer rows.
        seed: Of the division.

    Returns:
        Probabilities; shape (rows, classes).

    Raises:
        Invalid: There is only one class, a class has one row, or no column can be used.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    counts = np.bincount(labels)
    carried = counts[counts > 0]
    if carried.size < 2 or carried.min() < 2:
        raise Invalid(
            "Judging labels needs two classes, each with two labelled rows or more.",
            found=f"{carried.size} classes, the smallest with {carried.min() if carried.size else 0} rows",
            hint="Label more, or give probabilities: --file FILE",
        )
    parts = StratifiedKFold(min(folds, int(carried.min())), shuffle=True, random_state=seed)
    inputs: Any = matrix_of(features)  # sparse; scikit-learn takes it, its stubs do not know
    with progress.phase("Training on folds", total=1, unit="models") as step:
        found = cross_val_predict(
            LogisticRegression(max_iter=1000), inputs, labels, cv=parts, method="predict_proba"
        )
        step()
    whole = np.zeros((len(labels), counts.size))
    whole[:, np.flatnonzero(counts)] = np.asarray(found)  # type: ignore[arg-type]  # dense, where the stubs allow both
    return whole


def matrix_of(features: pl.DataFrame) -> Any:
    """The columns as one sparse matrix; what is learnt for it (medians, words) sees no label.

    Raises:
        Invalid: No column can be used.
    """
    from scipy.sparse import hstack

    parts = [part for name in features.columns if (part := _part(features[name])) is not None]
    if not parts:
        raise Invalid(
            "No column can be used to judge the labels.",
            found=f"columns: {', '.join(features.columns) or 'none'}",
            hint="Give probabilities: --file FILE",
        )
    return hstack(parts, format="csr")


def _part(column: pl.Series) -> Any:
    """One column as a sparse matrix; None if it says nothing."""
    if column.dtype.is_temporal():
        column = column.dt.epoch("s") if column.dtype != pl.Date else column.cast(pl.Int32)
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return _numbers(column)
    texts = column.cast(pl.String).fill_null("")
    distinct = texts.n_unique()
    if distinct < 2:
        return None
    if distinct <= MOST_CATEGORIES:
        return _categories(texts)
    return _words(texts)


def _numbers(column: pl.Series) -> Any:
    from scipy.sparse import csr_matrix

    values = column.cast(pl.Float64).fill_nan(None)
    filled = values.fill_null(number(values.median()) or 0.0).to_numpy()
    spread = filled.std()
    if not np.isfinite(spread) or spread == 0:
        return None
    return csr_matrix(((filled - filled.mean()) / spread)[:, None])


def _categories(texts: pl.Series) -> Any:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(dtype=np.float64).fit_transform(texts.to_numpy().reshape(-1, 1))


def _words(texts: pl.Series) -> Any:
    """TF-IDF of words and word pairs; None where next to every text is another single word, such as an id."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    if (number(texts.str.strip_chars().str.contains(r"\s").mean()) or 0) < 0.5:
        return None
    return TfidfVectorizer(ngram_range=(1, 2), max_features=MOST_WORDS, sublinear_tf=True).fit_transform(
        texts.to_list()
    )
