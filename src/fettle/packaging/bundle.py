"""Bundles by digest: put together, stored, fetched and checked. The BLAKE3 of the manifest names the whole.

Each file is an object of its own in the blob store, so that two bundles with the same graph share it. The manifest
names each file's digest, and its own digest names the bundle: nothing of it can change unseen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from fettle.core.canonical import decode, encode
from fettle.core.errors import NotFound
from fettle.core.ids import digest
from fettle.packaging.records import FORMAT, Damaged, File, Manifest
from fettle.storage.objects import fetch_object, get_object, put_object
from fettle.storage.ports import BlobStore

MANIFEST_FILE = "manifest.json"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Bundle:
    """A packaged model, whole and checked.

    Attributes:
        manifest: What is in it.
        files: File name → bytes, all of the manifest's.
        digest: Its name: the BLAKE3 of the manifest.
    """

    manifest: Manifest
    files: Mapping[str, bytes] = field(repr=False)
    digest: str = ""

    def __post_init__(self) -> None:
        if self.manifest.format != FORMAT:
            raise Damaged(
                "This bundle has a form that this version of fettle does not know.",
                found=repr(self.manifest.format),
                hint=f"Known: {FORMAT!r}; upgrade with `pip install -U fettle-ml`.",
            )
        for each in self.manifest.files:
            if digest(self.files.get(each.name, b"")) != each.digest:
                raise Damaged(f"The file {each.name!r} of a bundle is not what its manifest says.")
        object.__setattr__(self, "digest", digest(encode(self.manifest)))

    def read(self, name: str) -> bytes:
        """The bytes of one file.

        Raises:
            NotFound: The bundle has no such file.
        """
        if name not in self.files:
            raise NotFound.among("bundle file", name, self.files)
        return self.files[name]


def listing(files: Mapping[str, bytes]) -> tuple[File, ...]:
    """The manifest's entries for files, in the order of their names."""
    return tuple(File(name, digest(files[name]), len(files[name])) for name in sorted(files))


def with_files(bundle: Bundle, files: Mapping[str, bytes]) -> Bundle:
    """The bundle with files added or replaced; it has another digest then."""
    whole = {**bundle.files, **files}
    return Bundle(msgspec.structs.replace(bundle.manifest, files=listing(whole)), whole)


def store(blobs: BlobStore, bundle: Bundle) -> str:
    """Keep a bundle in a blob store, its manifest last, and return its digest; keeping it twice changes nothing."""
    for each in bundle.manifest.files:
        put_object(blobs, bundle.files[each.name])
    return put_object(blobs, encode(bundle.manifest))


def fetch(blobs: BlobStore, name: str, cache_folder: Path) -> Bundle:
    """Bring a bundle by its digest, from the cache folder as far as it is there.

    Args:
        blobs: Where it was stored.
        name: Its digest.
        cache_folder: Kept files are read from and added here; many processes may share it.

    Raises:
        NotFound: It is not in the store.
        Damaged: What is stored is no bundle.
        Unavailable: A stored file has another content than its digest says.
    """
    folder = cache_folder / name
    manifest = folder / MANIFEST_FILE
    if not _is(manifest, name):
        read_manifest(get_object(blobs, name))
        folder.mkdir(parents=True, exist_ok=True)
        fetch_object(blobs, name, manifest)
    content = read_manifest(manifest.read_bytes())
    for each in content.files:
        if not _is(folder / each.name, each.digest):
            fetch_object(blobs, each.digest, folder / each.name)
    return open_folder(folder)


def save(bundle: Bundle, folder: Path) -> Path:
    """Write a bundle as plain files, to be carried elsewhere; `open_folder` reads them back."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in bundle.files.items():
        (folder / name).write_bytes(data)
    (folder / MANIFEST_FILE).write_bytes(encode(bundle.manifest))
    return folder


def open_folder(folder: Path) -> Bundle:
    """Read a bundle from plain files and check every digest.

    Raises:
        NotFound: The folder has no manifest.
        Damaged: A file is missing or is not what the manifest says.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise NotFound(
            f"There is no bundle in {folder}.", found=f"no {MANIFEST_FILE}", subject=f"bundle:{folder}"
        )
    manifest = read_manifest(path.read_bytes())
    present = [each.name for each in manifest.files if (folder / each.name).is_file()]
    return Bundle(manifest, {name: (folder / name).read_bytes() for name in present})


def read_manifest(data: bytes) -> Manifest:
    try:
        manifest: Manifest = decode(data, Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged("This is not the manifest of a bundle.", found=str(error)) from error
    for each in manifest.files:
        if not _FILE_NAME.fullmatch(each.name) or each.name == MANIFEST_FILE:
            raise Damaged("A bundle names a file that it may not have.", found=repr(each.name))
    return manifest


def _is(path: Path, name: str) -> bool:
    return path.is_file() and digest(path.read_bytes()) == name
