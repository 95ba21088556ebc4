"""Find out which tool kept what a user points at, and read it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fettle.core.errors import Invalid, NotFound
from fettle.storage.sources import SCHEMES
from fettle.tracking.imports.bring import ImportedRuns, bring

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.tracking.imports.foreign import Found

Tool = Literal["auto", "mlflow", "tensorboard", "wandb", "aim", "csv"]


def import_runs(
    ws: Surface,
    source: str,
    *,
    tool: Tool = "auto",
    experiment: str = "",
    name: str = "",
    step: str = "",
    roots: Sequence[Path] = (),
) -> ImportedRuns:
    """Import runs from wherever they are.

    Args:
        ws: The workspace.
        source: A database URL, folder or file.
        tool: Who wrote it; found out otherwise.
        experiment: Where the runs go; their own experiment or project otherwise.
        name: For CSV, the column that names the run.
        step: For CSV, the column of steps.
        roots: For MLflow, folders that its artifacts may be read from, besides its own.

    Raises:
        NotFound: There is nothing there, or nothing that a tool wrote.
        Invalid: It is damaged, or of no known kind.
    """
    return bring(ws, read(source, tool=tool, experiment=experiment, name=name, step=step, roots=roots))


def read(
    source: str, *, tool: Tool, experiment: str, name: str, step: str, roots: Sequence[Path] = ()
) -> Found:
    """The runs that a source holds; arguments and errors as in `import_runs`."""
    scheme, separator, _ = source.partition("://")
    if separator and scheme.partition("+")[0] in SCHEMES:
        from fettle.tracking.imports import mlflow_sql

        return mlflow_sql.read(f"{scheme.partition('+')[0]}://{source.partition('://')[2]}", roots)
    path = Path(source)
    if not path.exists():
        raise NotFound(
            f"There is nothing at {source}.",
            hint="Give a folder, a file, or a database as sqlite:///mlflow.db",
        )
    found = kind_of(path) if tool == "auto" else tool
    if found == "mlflow":
        from fettle.tracking.imports import mlflow_files, mlflow_sql

        return (
            mlflow_sql.read(f"sqlite:///{path}", roots) if path.is_file() else mlflow_files.read(path, roots)
        )
    if found == "tensorboard":
        from fettle.tracking.imports import tensorboard

        return tensorboard.read(path, experiment=experiment)
    if found == "wandb":
        from fettle.tracking.imports import wandb, wandb_export

        exported = path.is_dir() and not any(path.rglob("*.wandb")) and wandb_export.runs_below(path)
        return (wandb_export if exported else wandb).read(path, experiment=experiment)
    if found == "aim":
        from fettle.tracking.imports import aim

        return aim.read(path, experiment=experiment)
    from fettle.tracking.imports import tables

    return tables.read(path, experiment=experiment, name=name, step=step)


def kind_of(path: Path) -> Tool:
    """Which tool wrote a folder or file.

    Raises:
        Invalid: None that is known here.
    """
    if path.is_file():
        if path.suffix == ".csv":
            return "csv"
        if path.suffix == ".wandb":
            return "wandb"
        if "tfevents" in path.name:
            return "tensorboard"
        with path.open("rb") as file:
            if file.read(15) == b"SQLite format 3":
                return "mlflow"
    elif (path / ".aim").is_dir():
        return "aim"
    elif any(path.glob("*/meta.yaml")):
        return "mlflow"
    elif any(path.rglob("*.wandb")):
        return "wandb"
    elif any(path.rglob("*tfevents*")):
        return "tensorboard"
    elif _holds_exports(path):
        return "wandb"
    raise Invalid(
        f"No tool is known that wrote {path}.",
        found="neither MLflow, TensorBoard, W&B, Aim nor CSV",
        hint="Say which with --tool, or give the very folder: mlruns, a log folder, wandb, the folder with .aim.",
    )


def _holds_exports(folder: Path) -> bool:
    from fettle.tracking.imports.wandb_export import runs_below

    return bool(runs_below(folder))
