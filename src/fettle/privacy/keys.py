"""Master keys: they wrap all others, and are known only where rows come in or are read.

    master key      FETTLE_PRIVACY_KEY, or a file in the workspace's folder that only its owner may read
    ├─ domain keys      wrapped, in the database: tokens, look-ups, shifts and noise derive from them
    └─ subject keys     wrapped, in the database, twice:
                        for readers under the master key, for ingest under a key made of the identifier itself

The database, its backups and the server never hold a key that opens anything.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, Unavailable
from fettle.privacy.ciphers import Cipher, derive

if TYPE_CHECKING:
    from fettle.acts import Surface

VARIABLE = "FETTLE_PRIVACY_KEY"
OLD_VARIABLE = "FETTLE_PRIVACY_KEY_OLD"
_FILE = "privacy.key"
_KEY_BYTES = 32
_MAKE_ONE = 'python -c "import secrets; print(secrets.token_hex(32))"'


@dataclass(frozen=True)
class MasterKey:
    """One master key; `id` names it without telling it."""

    id: str
    key: bytes

    @classmethod
    def of(cls, key: bytes) -> MasterKey:
        return cls(ids.digest(b"fettle.privacy.master\0" + key)[:16], key)

    def wrap(self, kind: str, name: str, key: bytes) -> str:
        """Seal a key for keeping; it opens only under the same kind and name."""
        return Cipher(derive(self.key, "wrap", kind), name).seal(key)

    def unwrap(self, kind: str, name: str, sealed: str) -> bytes:
        """Open a wrapped key.

        Raises:
            Unavailable: What is stored was changed.
        """
        key = Cipher(derive(self.key, "wrap", kind), name).open(sealed)
        if key is None:
            raise Unavailable(
                f"The wrapped key of {kind} {name!r} does not open under the master key that wrapped it.",
                found="changed or damaged bytes in the database",
                hint="Restore the database from a backup.",
            )
        return key


@dataclass(frozen=True)
class Ring:
    """The master keys that are here: the one that wraps, and those it took over from."""

    current: MasterKey
    old: tuple[MasterKey, ...] = ()

    def find(self, master: str) -> MasterKey:
        """The key of this id.

        Raises:
            Unavailable: It is not here.
        """
        for each in (self.current, *self.old):
            if each.id == master:
                return each
        raise Unavailable(
            f"The keys of this workspace are wrapped by the master key {master}, which is not here.",
            found=f"here: {', '.join(each.id for each in (self.current, *self.old))}",
            hint=f"Set {VARIABLE} to the workspace's key (or {OLD_VARIABLE}, while it is being replaced).",
        )


def ring_of(ws: Surface, *, make: bool) -> Ring:
    """The master keys for a workspace: from the environment, else from the file in its folder.

    Args:
        ws: The workspace.
        make: Make the file if there is none; only where the workspace is a folder, for other folders are caches.

    Raises:
        Unavailable: There is no key here.
        Invalid: The variable or file holds no key, or the file may be read by others.
    """
    if text := os.environ.get(VARIABLE, ""):
        old = [each for each in os.environ.get(OLD_VARIABLE, "").split(",") if each.strip()]
        return Ring(
            MasterKey.of(_read(text, VARIABLE)),
            tuple(MasterKey.of(_read(each, OLD_VARIABLE)) for each in old),
        )
    if "://" in ws.url:
        raise Unavailable(
            "This workspace needs its privacy key from the environment.",
            found=f"{VARIABLE} is not set",
            hint=f"Ask an administrator for it; a new one is made by: {_MAKE_ONE}",
        )
    path = ws.folder / _FILE
    if make and not path.exists():
        _publish(path, secrets.token_bytes(_KEY_BYTES))
    if not path.exists():
        raise Unavailable(
            "There is no privacy key here, so nothing was ever masked with one.",
            found=f"neither {VARIABLE} nor {path}",
            hint="The first ingest under a policy with tokens or encryption makes it.",
        )
    new = _next_of(path)
    keys = [_of_file(each) for each in (path, new) if each.exists()]
    return Ring(keys[0], tuple(keys[1:]))


def begin_next(ws: Surface) -> Ring:
    """A ring whose current key is a new one, and whose old ones are those that wrap now.

    Begun again after an interruption it gives the same.

    Raises:
        Conflict: The key comes from the environment, and the old one is not given beside it.
    """
    if os.environ.get(VARIABLE):
        ring = ring_of(ws, make=False)
        if not ring.old:
            raise Conflict(
                "To replace a master key that comes from the environment, both must be given.",
                found=f"{OLD_VARIABLE} is not set",
                hint=f"Set {VARIABLE} to the new key ({_MAKE_ONE}) and {OLD_VARIABLE} to the present one.",
            )
        return ring
    present = ring_of(ws, make=False)
    new = _next_of(ws.folder / _FILE)
    if not new.exists():
        _publish(new, secrets.token_bytes(_KEY_BYTES))
    return Ring(_of_file(new), (present.current,))


def finish_next(ws: Surface) -> None:
    """Put the new key's file in the place of the old one, and overwrite the old one's bytes."""
    path = ws.folder / _FILE
    new = _next_of(path)
    if os.environ.get(VARIABLE) or not new.exists():
        return
    with open(path, "r+b") as old:
        size = old.seek(0, os.SEEK_END)
        os.replace(new, path)
        old.seek(0)
        old.write(b"0" * size)
        old.flush()
        os.fsync(old.fileno())


def _next_of(path: Path) -> Path:
    return path.with_name(path.name + ".next")


def _of_file(path: Path) -> MasterKey:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise Invalid(
            f"The privacy key {path} may be read by others.",
            found=f"mode {path.stat().st_mode & 0o777:o}",
            hint=f"chmod 600 {path}",
        )
    return MasterKey.of(_read(path.read_text("ascii", "replace"), str(path)))


def _publish(path: Path, key: bytes) -> None:
    """Write a key file for its owner alone; whole or not at all, and the first of racing writers wins."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, key.hex().encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(partial, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Unavailable(f"The privacy key {path} cannot be written.", found=str(error)) from error
    finally:
        partial.unlink(missing_ok=True)


def _read(text: str, where: str) -> bytes:
    """32 bytes as 64 hexadecimal digits or as base64."""
    stripped = text.strip()
    try:
        key = (
            bytes.fromhex(stripped)
            if len(stripped) == 2 * _KEY_BYTES
            else base64.b64decode(
                stripped, altchars=b"-_" if set(stripped) & set("-_") else None, validate=True
            )
        )
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _KEY_BYTES:
        raise Invalid(
            f"{where} does not hold a privacy key.",
            found=f"{len(stripped)} characters",
            hint=f"It takes 32 random bytes as 64 hexadecimal digits or base64; made by: {_MAKE_ONE}",
        )
    return key
