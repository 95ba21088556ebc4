"""Notice runs of pipelines whose process went away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.errors import NotFound
from fettle.storage.locks import FileLock

if TYPE_CHECKING:
    from fettle.acts import Surface


class Alive:
    """A file that is locked as long as this process lives and the run goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path)
        self._held = self._lock.acquire(wait=False)

    def remove(self) -> None:
        """The run has ended."""
        if self._held:
            self._path.unlink(missing_ok=True)
            self._lock.release()
        self._lock.close()


def mark_alive(ws: Surface, flow: str) -> Alive:
    """Mark a run as going on, and those whose mark nobody holds any more as killed.

    Called before the run is begun, so that another process never finds it begun and not marked.
    """
    folder = ws.folder / "pipelines"
    mine = Alive(folder / flow)
    for path in folder.iterdir():
        if path.name != flow:
            _end_if_dead(ws, path)
    return mine


def _end_if_dead(ws: Surface, path: Path) -> None:
    lock = FileLock(path)
    try:
        if not path.exists() or not lock.acquire(wait=False):
            return
        try:
            if ws.call("pipelines.show", flow=path.name).status == "running":
                ws.call("pipelines.finish", flow=path.name, status="killed")
        except NotFound:
            pass  # of another workspace that used this folder
        path.unlink(missing_ok=True)
        lock.release()
    finally:
        lock.close()
