"""Which kind of source is meant, and its import."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fettle.core.errors import Invalid
from fettle.data.imports.dvc import import_dvc
from fettle.data.imports.dvc_files import repository_above
from fettle.data.imports.dvc_states import DvcOrder
from fettle.data.imports.folder import Imports, import_folder
from fettle.data.imports.folder_commit import Order
from fettle.data.imports.prefix import import_prefix
from fettle.data.sources.addresses import redacted

if TYPE_CHECKING:
    from fettle.acts import Surface

Kind = Literal["auto", "dvc", "folder"]


def bring(
    ws: Surface, source: str, order: Order, *, kind: Kind = "auto", dvc: DvcOrder | None = None
) -> Imports:
    """Import a source.

    Args:
        ws: The workspace.
        source: A folder or file, `s3://…`, or a DVC repository or a path in one.
        order: What is wanted.
        kind: `auto`: a folder with `.dvc` in it, a `.dvc` file and `dvc.lock` are taken for DVC's, others for folders.
        dvc: What is wanted of a DVC repository.

    Raises:
        Invalid: The source is of no kind that can be imported, or options do not fit it.
    """
    wanted = dvc or DvcOrder()
    if source.startswith("s3://"):
        _check_no_dvc(wanted, source)
        return import_prefix(ws, source, order)
    if "://" in source or re.match(r"[\w.-]+@[\w.-]+:", source):
        raise Invalid(
            f"{redacted(source)} cannot be imported.",
            found="neither a path nor s3://…",
            hint="Clone a git repository first; of a web address, `fettle data ingest` makes a table.",
        )
    path = Path(source)
    if kind == "dvc" or (kind == "auto" and _is_dvc(path)):
        return import_dvc(ws, path, order, wanted)
    _check_no_dvc(wanted, source)
    return import_folder(ws, path, order)


def _is_dvc(path: Path) -> bool:
    if (path / ".dvc").is_dir():
        return True
    named = path.suffix == ".dvc" or path.name in ("dvc.lock", "dvc.yaml") or Path(f"{path}.dvc").is_file()
    return named and repository_above(path) is not None


def _check_no_dvc(wanted: DvcOrder, source: str) -> None:
    if wanted != DvcOrder():
        raise Invalid(
            f"{redacted(source)} is no DVC repository.",
            found="--rev, --all-revisions, --skip-missing or --remote, which are for those",
            hint="Leave them away; or name the folder that has .dvc in it.",
        )
