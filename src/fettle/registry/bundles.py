"""Whether a version's files are kept here: looked at before it gets a number, and again before it goes live.

A version that cannot be loaded must not be what endpoints and `fettle.load` find. The look is cheap: the manifest is
read, of its files only the sizes are asked. `verified` reads and hashes everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
from blake3 import blake3

from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.packaging.bundle import read_manifest
from fettle.packaging.records import Damaged, File, Manifest
from fettle.registry.listings import listing
from fettle.registry.records.verification import Verification
from fettle.registry.records.versions import ModelVersion
from fettle.storage.objects import get_object, object_key

if TYPE_CHECKING:
    from fettle.storage.ports import BlobStore

MOST_BYTES = 16 << 20
"""Of a manifest; what is larger is none."""
_AT_ONCE = 8
_SHOWN = 4


def manifest_of(blobs: BlobStore, bundle: str) -> Manifest:
    """The manifest of a bundle that is kept here.

    Args:
        blobs: Where it should be.
        bundle: Its digest.

    Raises:
        NotFound: There is no such object.
        Damaged: There is one, and it is no bundle's manifest.
        Unavailable: It has other content than its digest says.
    """
    info = blobs.info(object_key(bundle))
    if info is None:
        raise NotFound(
            f"The bundle {bundle[:12]}… is not kept in this workspace.",
            found="no object has this digest",
            hint="Store it first, here: digest = fettle.packaging.store(ws.blobs, bundle)",
            subject=f"object:{bundle}",
        )
    if info.size_bytes > MOST_BYTES:
        raise Damaged(
            f"{bundle[:12]}… does not name a bundle.", found=f"an object of {info.size_bytes:,} bytes"
        )
    try:
        manifest = read_manifest(get_object(blobs, bundle))
        for each in manifest.files:
            object_key(each.digest)
        return manifest
    except (Invalid, RecursionError) as error:
        raise Damaged(
            f"{bundle[:12]}… does not name a bundle.",
            found=f"an object that is no manifest: {getattr(error, 'found', '') or error}",
            hint="Give what fettle.packaging.store(ws.blobs, bundle) returned.",
        ) from error


def check_whole(blobs: BlobStore, version: ModelVersion) -> None:
    """Refuse to put a version in use whose bundle is not kept here, as far as names and sizes tell.

    Foreign versions have a rule of their own: their files may lie elsewhere.

    Raises:
        NotFound: The manifest, or a file of it, is not there.
        Damaged: A file has another size than the manifest says, or there is no manifest under the digest.
    """
    if version.kind != "bundle":
        return
    try:
        manifest = manifest_of(blobs, version.bundle)
    except (NotFound, Damaged) as error:
        raise _refused(version, type(error), f"{error.message} {error.found}") from error
    missing, damaged = _amiss(blobs, manifest.files)
    if missing or damaged:
        kind = NotFound if missing else Damaged
        raise _refused(
            version, kind, _in_words(missing, "not kept here") or _in_words(damaged, "of another size")
        )


def verified(blobs: BlobStore, version: ModelVersion) -> Verification:
    """Read all files of a version and hash them."""
    found = Verification(version.model, version.version, version.manifest or version.bundle, files=1)
    if version.kind != "bundle" and version.manifest is None:
        return msgspec.structs.replace(found, files=0, elsewhere=version.source)
    top = "manifest.json" if version.kind == "bundle" else "the list of files"
    try:
        named = _files(blobs, version)
    except NotFound:
        return msgspec.structs.replace(found, missing=[top])
    except (Invalid, Unavailable):  # other bytes than were stored, or no manifest
        return msgspec.structs.replace(found, damaged=[top])
    missing: list[str] = []
    damaged: list[str] = []
    read = 0
    for name, digest in named.items():
        try:
            seen, size_bytes = _hashed(blobs, digest)
        except NotFound:
            missing.append(name)
            continue
        read += size_bytes
        damaged += [name] if seen != digest else []
    return msgspec.structs.replace(
        found, files=1 + len(named), size_bytes=read, missing=missing, damaged=damaged
    )


def _files(blobs: BlobStore, version: ModelVersion) -> dict[str, str]:
    """File → digest."""
    if version.kind == "bundle":
        return {each.name: each.digest for each in manifest_of(blobs, version.bundle).files}
    return listing(get_object(blobs, version.manifest or ""))


def _hashed(blobs: BlobStore, digest: str) -> tuple[str, int]:
    """The digest that the content of an object has, and its size in bytes; with flat memory."""
    hasher, size_bytes = blake3(), 0
    for piece in blobs.stream(object_key(digest)):
        hasher.update(piece)
        size_bytes += len(piece)
    return hasher.hexdigest(), size_bytes


def _amiss(blobs: BlobStore, files: Iterable[File]) -> tuple[list[str], list[str]]:
    """Files that are not there, and files of another size; several are asked for at once, as a store may be far."""
    known = list(files)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        infos = list(pool.map(blobs.info, [object_key(each.digest) for each in known]))
    pairs = list(zip(known, infos, strict=True))
    missing = [each.name for each, info in pairs if info is None]
    return missing, [each.name for each, info in pairs if info and info.size_bytes != each.size_bytes]


def _in_words(names: list[str], what: str) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}: {what}" if names else ""


def _refused(version: ModelVersion, kind: type[NotFound | Damaged], found: str) -> NotFound | Damaged:
    return kind(
        f"Version {version.version} of {version.model} cannot go live: its bundle is not whole here.",
        found=found,
        hint=f"Store the bundle again, or restore it from a backup; then: fettle registry verify {version.ref}",
        subject=f"model:{version.model}",
    )
