"""Runs that were kept elsewhere come here, and go elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fettle.acts import Surface, errand

if TYPE_CHECKING:
    from fettle.tracking.imports.bring import ImportedRuns
    from fettle.tracking.transfer.export import Exported


@errand("tracking.import")
def import_runs(
    ws: Surface,
    source: str,
    *,
    tool: Literal["auto", "mlflow", "tensorboard", "wandb", "aim", "csv", "fettle"] = "auto",
    experiment: str = "",
    name: str = "",
    step: str = "",
    artifacts: list[Path] | None = None,
) -> ImportedRuns:
    """Import runs of MLflow, TensorBoard, W&B, Aim, a CSV file or an export of fettle.

    A second import brings what is new since the first, and an import that was cut off goes on. From Python:
    `ws.tracking.import_("…")`, as `import` is a word of the language.

    Args:
        source: A folder or file (`mlruns`, a TensorBoard log folder, `wandb`, a folder with `.aim`, a CSV file, an
            export), or MLflow's database as `sqlite:///mlflow.db`, `postgresql://…` or `mysql://…`.
        tool: Who wrote it; found out otherwise.
        experiment: Where the runs go; to their own experiment or project otherwise.
        name: For CSV, the column that names the run.
        step: For CSV, the column of steps.
        artifacts: For MLflow, folders that its files may be read from, besides its own; no store is believed that its
            files lie anywhere on this machine.
    """
    if tool == "fettle" or (tool == "auto" and (Path(source) / "fettle-tracking.json").is_file()):
        from fettle.tracking.transfer.take_in import take_in

        return take_in(ws, Path(source))
    from fettle.tracking.imports.choose import import_runs as imported

    return imported(ws, source, tool=tool, experiment=experiment, name=name, step=step, roots=artifacts or [])


@errand("tracking.export", reads=True)
def export(ws: Surface, folder: Path, *, experiments: list[str] | None = None) -> Exported:
    """Write all runs with their points and files to Parquet; `import` takes them back without loss.

    Args:
        folder: A new or empty folder.
        experiments: Only these; all otherwise.
    """
    from fettle.tracking.transfer.export import export as exported

    return exported(ws, folder, experiments or [])
