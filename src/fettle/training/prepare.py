"""What happens to the inputs before the estimator sees them, made of scikit-learn's own parts so that it converts.

Three forms, by what the algorithm can take: `scaled` fills missing numbers by the median and scales (linear models),
`filled` only fills (forests), `raw` leaves numbers as they are (histogram boosting knows missing values itself).
Categories become one column per level of the plan; a level without a place becomes all zeros, whatever the form.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fettle.training.records import FeaturePlan

Form = Literal["scaled", "filled", "raw"]


def prepared(plan: FeaturePlan, form: Form, inputs: pl.DataFrame) -> ColumnTransformer:
    """Fit the preparation of a plan on inputs as `features.encode` gives them; columns are known by their place.

    Medians, means and scales are rounded to 32 bits, the precision of the packaged model: a column such as a year,
    whose values are large and close together, would else be filled and scaled a little differently there.
    """
    ready = _preparation(plan, form).fit(inputs)
    numbers: Any = ready.named_transformers_.get("numbers")
    if numbers is not None and form != "raw":
        fill = numbers["fill"] if form == "scaled" else numbers
        fill.statistics_ = _single(fill.statistics_)
    if numbers is not None and form == "scaled":
        scale = numbers["scale"]
        scale.mean_, scale.scale_ = _single(scale.mean_), _single(scale.scale_)
    return ready


def _single(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float32).astype(values.dtype)


def _preparation(plan: FeaturePlan, form: Form) -> ColumnTransformer:
    inputs = [each for each in plan.features for _ in each.inputs]
    numbers = [place for place, each in enumerate(inputs) if each.role != "category"]
    categories = {place: each for place, each in enumerate(inputs) if each.role == "category"}
    blocks = []
    if numbers:
        blocks.append(("numbers", _numbers(form), numbers))
    if categories:
        places: dict[str, Any] = {
            "categories": [np.array(each.levels, dtype=object) for each in categories.values()],
            "handle_unknown": "ignore",
            "sparse_output": False,
            "dtype": np.float32,
        }
        blocks.append(("categories", OneHotEncoder(**places), list(categories)))
    return ColumnTransformer(blocks, remainder="drop", sparse_threshold=0.0, verbose_feature_names_out=False)


def _numbers(form: Form) -> Pipeline | SimpleImputer | str:
    if form == "raw":
        return "passthrough"
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    return Pipeline([("fill", fill), ("scale", StandardScaler())]) if form == "scaled" else fill
