"""What `mlflow.pyfunc.load_model` runs, on the client, to load a bundle of fettle; it checks every file's digest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fettle.packaging.predictor import Predictor


class Loaded:
    """A bundle as MLflow asks a model: frames in, frames out.

    Args:
        predictor: The bundle's.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Answer rows.

        Args:
            data: A frame of pandas or polars, or rows as dictionaries.
            params: None are known; they are not looked at.

        Returns:
            A frame of pandas: `prediction`, and for classes one column of probabilities each, named by its class.
        """
        import pandas as pd

        answers = self._predictor.predict(data)
        index = data.index if isinstance(data, pd.DataFrame) else None
        flat = [{"prediction": each["prediction"], **each.get("probabilities", {})} for each in answers]
        return pd.DataFrame(flat, index=index)

    def get_raw_model(self) -> Predictor:
        """The predictor itself."""
        return self._predictor


def _load_pyfunc(path: str) -> Loaded:
    """MLflow's name for the function that loads.

    Args:
        path: The folder that was downloaded.
    """
    from fettle.packaging.bundle import open_folder
    from fettle.packaging.predictor import Predictor

    return Loaded(Predictor(open_folder(Path(path))))
