"""Files that were fetched from elsewhere: where they lie on this machine, and what is known of them."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from fettle.core import ids


class Fetched(NamedTuple):
    """A file of elsewhere, here.

    Attributes:
        path: Where it lies now.
        name: What to call it.
        etag: How the other side tells its versions apart; empty if it does not.
        modified_at: When it was changed there (UTC).
    """

    path: Path
    name: str
    etag: str
    modified_at: datetime


def folder_of(cache: Path | None, address: str) -> Path:
    """The folder for what an address holds, which only this user may read; made if missing."""
    home = Path(os.environ.get("FETTLE_HOME", Path.home() / ".cache" / "fettle"))
    folder = (cache or home) / "downloads" / ids.digest(address.encode())[:32]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.parent.chmod(0o700)
    return folder
