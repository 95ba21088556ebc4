"""Open a workspace: choose the backends its URL names and hand them to the acts."""

from __future__ import annotations

import getpass
import os
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fettle.acts import Role, Site, Surface
from fettle.acts.perform import perform
from fettle.core import ids
from fettle.core.clock import Clock, SystemClock
from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.storage.clockfile import SharedClock
from fettle.storage.open import open_blobs, open_database, open_leases
from fettle.workspace.rooms import catalog, migrations

if TYPE_CHECKING:
    from fettle.storage.ports import Database, Leases

FOLDER = ".fettle"


class Workspace(Surface):
    """A workspace whose database and blobs this process reaches itself.

    Made by `Workspace.open` or `Workspace.create`. Safe to use from many threads; many processes may open the
    same workspace at once.
    """

    def __init__(
        self, url: str, database_url: str, blobs_url: str, folder: Path, clock: Clock | None, actor: str
    ) -> None:
        self.url = url
        self.folder = folder
        self.actor = actor
        self.catalog = catalog()
        self.clock = clock or _clock_of(folder)
        self.blobs = open_blobs(blobs_url)
        self.opener = Workspace.open
        self._database_url = database_url
        self._database: Database | None = None
        self._opening = threading.Lock()

    @property
    def database(self) -> Database:
        """The database, its tables brought up to date; opened at the first touch, for much needs only blobs."""
        if self._database is None:
            with self._opening:
                if self._database is None:
                    database = open_database(self._database_url)
                    for room, steps in migrations():
                        database.migrate(room, steps)
                    self._database = database
        return self._database

    @cached_property
    def leases(self) -> Leases:  # type: ignore[override]  # the same attribute, made when first asked for
        """Leases; who is alive is the machine's time, also in a replay."""
        return open_leases(self.database, SystemClock())

    @cached_property
    def site(self) -> Site:
        """What acts are performed on."""
        return Site(self.database, self.blobs, self.clock)

    @staticmethod
    def open(
        url: str | Path | None = None,
        *,
        clock: Clock | None = None,
        actor: str | None = None,
        token: str = "",
    ) -> Surface:
        """Open the workspace at `url`.

        Args:
            url: A folder that has (or is) `.fettle`, `postgresql://…?blobs=…`, `http(s)://…`, or None: what
                `FETTLE_WORKSPACE` names, else `.fettle/` in or above the current folder.
            clock: Another clock than the machine's; a folder that holds a replay's clock uses that one.
            actor: Who acts, for the audit; None means this machine's user.
            token: Sent to a workspace behind `http(s)://`; empty: `FETTLE_TOKEN`.

        Raises:
            NotFound: There is no workspace there.
            Invalid: The URL has a form that fettle does not know.
            Unavailable: The database, the blobs or the server cannot be reached.
        """
        where = os.fspath(url or os.environ.get("FETTLE_WORKSPACE") or "")
        scheme = urlsplit(where).scheme
        if scheme in ("http", "https"):
            from fettle.remote import RemoteWorkspace

            remote = RemoteWorkspace(where, catalog(), token=token or os.environ.get("FETTLE_TOKEN", ""))
            remote.opener = Workspace.open
            return remote
        if scheme in ("postgresql", "postgres"):
            return _open_postgres(where, clock, actor or local_actor())
        if scheme and len(scheme) > 1 and scheme != "file":
            raise Invalid(
                f"A workspace cannot be opened at {where!r}.",
                found=f"the scheme {scheme!r}",
                hint="Give a folder, postgresql://…?blobs=…, or https://…",
            )
        start = Path(urlsplit(where).path if scheme == "file" else where or ".").resolve()
        return _open_folder(find_folder(start), clock, actor or local_actor())

    @staticmethod
    def create(
        folder: Path | str = ".", *, clock: Clock | None = None, actor: str | None = None
    ) -> Workspace:
        """Make `.fettle/` in `folder`, or open the one that is there.

        Raises:
            Unavailable: The folder cannot be written.
        """
        place = Path(folder).resolve() / FOLDER
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            ignore = place / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            raise Unavailable(
                f"A workspace cannot be made in {Path(folder).resolve()}.",
                found=str(error),
                hint="Choose a folder you may write to, or free some space.",
            ) from error
        return _open_folder(place, clock, actor or local_actor())

    def call(self, name: str, /, *, idempotency_key: str | None = None, **arguments: Any) -> Any:
        return self.perform(
            name, arguments, actor=self.actor, role=Role.ADMIN, idempotency_key=idempotency_key
        )

    def perform(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        actor: str,
        role: Role,
        idempotency_key: str | None = None,
        lax: bool = False,
    ) -> Any:
        """Perform an act for another actor, as the server does for its clients."""
        act = self.catalog.find(name)
        return perform(
            self.site, act, arguments, actor=actor, role=role, idempotency_key=idempotency_key, lax=lax
        )

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
        self.blobs.close()


def find_folder(start: Path) -> Path:
    """Find `.fettle` in `start` or the nearest folder above it.

    Raises:
        NotFound: None of them has one.
    """
    if start.name == FOLDER and start.is_dir():
        return start
    for folder in (start, *start.parents):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    raise NotFound(
        f"There is no workspace in {start} or above it.",
        found=f"no folder named {FOLDER}",
        hint="Make one with `fettle init`, or start with `fettle demo` or `fettle up FILE --target COLUMN`.",
    )


def local_actor() -> str:
    """Who is at this machine: `user:ada`."""
    try:
        return f"user:{getpass.getuser()}"
    except (OSError, KeyError):
        return "user:unknown"


def _open_folder(place: Path, clock: Clock | None, actor: str) -> Workspace:
    return Workspace(
        str(place.parent), f"sqlite:///{place / 'workspace.db'}", str(place / "blobs"), place, clock, actor
    )


def _open_postgres(url: str, clock: Clock | None, actor: str) -> Workspace:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    blobs = query.pop("blobs", "")
    if not blobs:
        raise Invalid(
            "A workspace on PostgreSQL needs a place for its files.",
            found="no blobs=… in the URL",
            hint="Add it: postgresql://host/database?blobs=s3://bucket/prefix (or a shared folder).",
        )
    database = urlunsplit(parts._replace(query=urlencode(query)))
    home = Path(os.environ.get("FETTLE_HOME", Path.home() / ".cache" / "fettle"))
    folder = home / ids.digest(url.encode())[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Workspace(url, database, blobs, folder, clock, actor)


def _clock_of(folder: Path) -> Clock:
    replay = folder / "clock"
    return SharedClock(replay) if replay.exists() else SystemClock()
