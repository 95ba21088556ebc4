"""A version's files, in a folder: each is checked against its digest, and the folder appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.errors import Conflict, Unavailable
from fettle.registry import loading
from fettle.registry.listings import listing
from fettle.storage.objects import fetch_object, get_object
from fettle.tracking.names import check_path

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.registry.records.versions import ModelVersion
    from fettle.storage.ports import BlobStore


def write(ws: Surface, version: ModelVersion, to: Path) -> Path:
    """Write the files of a version into a new folder.

    Args:
        ws: The workspace.
        version: The version.
        to: The folder; it must not be there, or be empty.

    Raises:
        Conflict: The folder has something in it, or the files are not kept in this workspace.
        Unavailable: A file is damaged, or the disk cannot be written.
    """
    if to.is_symlink() or (to.exists() and (not to.is_dir() or any(to.iterdir()))):
        raise Conflict(f"{to} is there already.", hint="Give a folder that does not exist or is empty.")
    part = to.with_name(f".{to.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        part.mkdir(parents=True)
        if version.kind == "bundle":
            from fettle.packaging.bundle import save

            save(loading.fetch(ws, version), part)
        else:
            _write_foreign(ws.blobs, version, part)
        if to.exists():
            to.rmdir()
        part.rename(to)
    except OSError as error:
        raise Unavailable(
            f"{to} cannot be written.", found=str(error), hint="Choose another folder, or free some space."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return to


def _write_foreign(blobs: BlobStore, version: ModelVersion, folder: Path) -> None:
    if version.manifest is None:
        raise Conflict(
            f"The files of version {version.version} of {version.model} are not kept in this workspace.",
            found=f"they lie at {version.source}",
            hint="Fetch them from there.",
            subject=f"model:{version.model}",
        )
    for path, digest in listing(get_object(blobs, version.manifest)).items():
        place = folder / check_path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        fetch_object(blobs, digest, place)
