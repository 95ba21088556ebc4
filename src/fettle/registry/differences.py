"""The facts about two versions that are not the same: metrics, parameters, data, code, environment, schema."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from fettle.core import canonical
from fettle.core.errors import FettleError
from fettle.packaging.bundle import read_manifest
from fettle.packaging.records import ENVIRONMENT_FILE, LINEAGE_FILE, SCHEMA_FILE, Manifest, Schema
from fettle.registry.records.comparison import About, Difference
from fettle.storage.objects import get_object

if TYPE_CHECKING:
    from fettle.registry.records.versions import ModelVersion
    from fettle.storage.ports import BlobStore
    from fettle.tracking.records import Run

MOST_FILE = 1 << 20
"""Bytes of a small file of a bundle; larger ones are not read for a comparison."""


@dataclass(frozen=True)
class Facts:
    """What is known of one version, by what it is about."""

    told: dict[About, dict[str, Any]] = field(default_factory=dict)
    size_bytes: int | None = None


def facts(version: ModelVersion, run: Run | None, blobs: BlobStore) -> Facts:
    """Collect what is known of a version.

    Args:
        version: The version.
        run: The run that made it, if it is known.
        blobs: Where bundles are kept.
    """
    told: dict[About, dict[str, Any]] = {
        "metrics": {**(run.metrics if run else {}), **version.metrics},
        "params": dict(run.params) if run else {},
        "data": _data(version, run),
        "code": _code(run),
        "environment": {},
        "schema": {},
        "bundle": {"kind": version.kind, "digest": version.bundle[:16], "source": version.source or None},
    }
    manifest = _manifest(version, blobs)
    if manifest is None:
        return Facts(told)
    told["params"] = {**told["params"], **manifest.params, "algorithm": manifest.algorithm}
    told["data"] = {**told["data"], "rows": manifest.rows}
    told["environment"] = _flat(_small(manifest, ENVIRONMENT_FILE, blobs))
    told["code"] = {**_flat(_small(manifest, LINEAGE_FILE, blobs), "code"), **told["code"]}
    told["schema"] = _schema(_small(manifest, SCHEMA_FILE, blobs))
    told["bundle"] = {**told["bundle"], **{f"file:{each.name}": each.digest[:16] for each in manifest.files}}
    return Facts(told, sum(each.size_bytes for each in manifest.files))


def between(a: Facts, b: Facts) -> list[Difference]:
    """The facts that differ."""
    return [
        Difference(about, name, one.get(name), other.get(name))
        for about in a.told
        for one, other in [(a.told[about], b.told[about])]
        for name in sorted({**one, **other})
        if one.get(name) != other.get(name)
    ]


def _data(version: ModelVersion, run: Run | None) -> dict[str, Any]:
    told: dict[str, Any] = {"dataset": version.dataset, "commit": version.dataset_commit}
    return {**told, "inputs": sorted(run.inputs) if run else None}


def _code(run: Run | None) -> dict[str, Any]:
    """What the run says of its code: tags that begin with `git`, `code` or `source`."""
    tags = run.tags if run else {}
    return {
        key: value
        for key, value in tags.items()
        if key.split(".")[0] in ("git", "code", "source") or ".git." in key or ".source." in key
    }


def _manifest(version: ModelVersion, blobs: BlobStore) -> Manifest | None:
    if version.kind != "bundle":
        return None
    with contextlib.suppress(
        FettleError, msgspec.MsgspecError
    ):  # it is not kept here: what is known is compared
        return read_manifest(get_object(blobs, version.bundle))
    return None


def _small(manifest: Manifest, name: str, blobs: BlobStore) -> Any:
    """A small JSON file of a bundle; None where it has none."""
    for each in manifest.files:
        if each.name == name and each.size_bytes <= MOST_FILE:
            with contextlib.suppress(
                FettleError, msgspec.MsgspecError
            ):  # damaged or gone: compared without it
                return canonical.decode(get_object(blobs, each.digest))
    return None


def _schema(told: Any) -> dict[str, Any]:
    if told is None:
        return {}
    schema: Schema = msgspec.convert(told, Schema)
    columns = {f"column:{each.name}": _column(msgspec.to_builtins(each)) for each in schema.columns}
    return {**columns, "target": schema.target, "task": schema.task, "labels": list(schema.labels)}


def _column(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != "name" and value not in (False, [], ())}


def _flat(told: Any, only: str = "") -> dict[str, Any]:
    return dict(_pairs("", told)) if not only else {k: v for k, v in _pairs("", told) if only in k}


def _pairs(path: str, told: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(told, dict):
        for key, value in told.items():
            yield from _pairs(f"{path}.{key}" if path else str(key), value)
    elif told is not None:
        yield path, told
