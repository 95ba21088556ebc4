"""What a run can keep as files: any file or folder, texts, images, figures, tables, models."""

from __future__ import annotations

import functools
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from fettle.core import canonical
from fettle.core.errors import Invalid
from fettle.tracking import given
from fettle.tracking.names import check_path
from fettle.tracking.records.runs import Artifact

_DIGEST_CHARACTERS = 64


class Files(ABC):
    """The methods of a run that keep files; what they write is described in `docs/reference/tracking.md`."""

    @abstractmethod
    def _keep(self, path: str, content: bytes | Path, digest: str = "") -> Artifact:
        """Keep a content, or an object that is kept already, as a file of the run."""

    @abstractmethod
    def _now(self) -> datetime:
        """The workspace's time."""

    def artifact(self, path: str, data: bytes | Path | None = None) -> Artifact:
        """Keep a file with the run.

        Args:
            path: The file's name in the run, such as `plots/roc.png`.
            data: Its bytes or where it is; None reads the file at `path`.

        Raises:
            Invalid: There is no such file.
        """
        if data is None:
            return self.log_artifact(path)
        return self._keep(path, data if isinstance(data, bytes) else _file(data))

    def log_artifact(self, path: str | Path, name: str | None = None) -> Artifact:
        """Keep a file with the run; it is streamed, however large it is.

        Args:
            path: Where it is.
            name: Its name in the run, with `/` between folders; None: its own name.

        Raises:
            Invalid: There is no such file; a folder goes with `log_artifacts`.
            Conflict: It was changed while it was read.
        """
        file = _file(path)
        return self._keep(name or file.name, file)

    def log_artifacts(self, folder: str | Path, prefix: str = "") -> list[Artifact]:
        """Keep all files of a folder and its folders.

        Args:
            folder: Where they are; links to folders are not followed.
            prefix: A folder in the run to put them under; empty: none.
        """
        root = given.path("A folder", folder)
        if not root.is_dir():
            raise Invalid(f"{root} cannot be kept with the run.", found="no such folder")
        names = {check_path("/".join(filter(None, (prefix, name)))): path for name, path in _walk(root)}
        return [self._keep(name, path) for name, path in names.items()]

    def log_text(self, text: str, path: str) -> Artifact:
        """Keep a text of any length as a file: `run.log_text(text, "answer.md")`."""
        return self._keep(path, given.text("What is kept as a text", text).encode(errors="backslashreplace"))

    def log_image(self, image: Any, name: str, *, step: int | None = None) -> Artifact:
        """Keep an image; with `step` one of a sequence.

        Args:
            image: A PIL image; an array (numpy, torch) of shape height × width, or height × width × 1, 3 or 4 (or
                channels first), of uint8, or of floats from 0 (black) to 1, or of booleans; bytes or the path of a
                PNG, JPEG, GIF or WebP file.
            name: What it shows; it becomes `images/NAME.png`, with a step `images/NAME/00000007.png`.
            step: Where in the training.
        """
        from fettle.tracking.images import encoded

        place = name if step is None else f"{name}/{given.whole('A step of images', step):08d}"
        kind, data = encoded(image)
        return self._keep(f"images/{place}.{kind}", data)

    def log_figure(self, figure: Any, name: str, *, html: bool = False) -> list[Artifact]:
        """Keep a figure.

        Args:
            figure: Of matplotlib (kept as PNG and SVG), plotly (`.plotly.json`), or Altair or a Vega dictionary
                (`.vega.json`).
            name: What it shows; it becomes `figures/NAME.…`.
            html: Keep a plotly figure as a page of its own too, about 5 MB.
        """
        from fettle.tracking.figures import written

        return [self._keep(f"figures/{name}.{kind}", data) for kind, data in written(figure, html=html)]

    def log_table(self, frame: Any, name: str) -> Artifact:
        """Keep a table as Parquet: `tables/NAME.parquet`.

        Args:
            frame: Of polars, pandas or pyarrow, anything with Arrow's C stream, a list of dictionaries (a row each),
                or a dictionary of columns.
            name: What it has.
        """
        from fettle.tracking.tables import parquet

        with parquet(frame) as path:
            return self._keep(f"tables/{name}.parquet", path)

    def log_model(self, model: Any, name: str) -> Artifact:
        """Keep a model's files under `models/NAME/`, and a manifest of them in `models/NAME/manifest.json`.

        Args:
            model: A file or folder; bytes; the digest of a bundle that the workspace has; a function that is given an
                empty folder and saves the model there; an object that saves itself by `save_pretrained`
                (transformers) or `save_model` (XGBoost, LightGBM, CatBoost); a module of PyTorch (its `state_dict`, as
                `model.pt`); or a Keras model (`model.keras`).
            name: What it is called within the run.

        Returns:
            The manifest.
        """
        root = f"models/{name}"
        bundle = model if _is_digest(model) else ""
        kept = [] if bundle else self._model_files(root, model)
        manifest = {
            "name": name,
            "kind": "bundle" if bundle else type(model).__name__,
            "bundle": bundle,
            "at": self._now().isoformat(),
            "files": [
                {
                    "path": each.path.removeprefix(f"{root}/"),
                    "digest": each.digest,
                    "size_bytes": each.size_bytes,
                }
                for each in kept
            ],
        }
        return self._keep(f"{root}/manifest.json", canonical.encode(manifest))

    def _model_files(self, root: str, model: Any) -> list[Artifact]:
        if isinstance(model, bytes):
            return [self._keep(f"{root}/model", model)]
        if isinstance(model, str | Path):
            if Path(model).is_dir():
                return self.log_artifacts(model, root)
            return [self.log_artifact(model, f"{root}/{Path(model).name}")]
        save = _saver(model)
        with tempfile.TemporaryDirectory(prefix="fettle-model-") as folder:
            save(Path(folder))
            kept = self.log_artifacts(folder, root)
        if not kept:
            raise Invalid(
                "The model was not saved.", found="an empty folder", hint="Save it into the folder."
            )
        return kept


def _saver(model: Any) -> Callable[[Path], object]:
    if callable(getattr(model, "save_pretrained", None)):
        return model.save_pretrained
    packages = {each.__module__.partition(".")[0] for each in type(model).__mro__}
    # Keras first: computing with PyTorch, its models are modules too.
    if "keras" in packages and callable(getattr(model, "save", None)):
        return lambda folder: model.save(str(folder / "model.keras"))
    if "torch" in packages and callable(getattr(model, "state_dict", None)):
        return functools.partial(_save_torch, model)
    if callable(getattr(model, "save_model", None)):
        kind = "ubj" if type(model).__module__.startswith("xgboost") else "txt"
        return lambda folder: model.save_model(str(folder / f"model.{kind}"))
    if callable(model) and not hasattr(model, "predict"):
        return model
    raise Invalid(
        f"A {type(model).__name__} does not say how it is saved.",
        found="no file, folder, bytes, digest or function",
        hint="Give a function: run.log_model(lambda folder: joblib.dump(model, folder / 'model.joblib'), name), "
        "or pack it: fettle.packaging.",
    )


def _save_torch(module: Any, folder: Path) -> None:
    """The weights only: a pickled module would need its code, and run what it is told, where it is loaded."""
    import_module("torch").save(module.state_dict(), folder / "model.pt")


def _is_digest(model: Any) -> bool:
    return (
        isinstance(model, str)
        and len(model) == _DIGEST_CHARACTERS
        and not set(model) - set("0123456789abcdef")
        and not os.path.exists(model)
    )


def _file(path: str | Path) -> Path:
    found = given.path("A file", path)
    if not found.is_file():
        is_folder = found.is_dir()
        raise Invalid(
            f"{found} cannot be kept with the run.",
            found="a folder" if is_folder else "no such file",
            hint="run.log_artifacts(folder)" if is_folder else "Write the file first.",
        )
    return found


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """The files below a folder, each with its name in it, sorted."""
    for at, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(at) / name
            if path.is_file():
                yield path.relative_to(root).as_posix(), path
