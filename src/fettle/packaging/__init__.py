"""A model leaves as a bundle: the ONNX graph with its preparation inside, schema, examples, metrics, lineage.

Lifecycle: evaluation has accepted a model; **packaging converts it, refuses unless the packaged form answers as the
original does, and stores it under its digest**; registry and serving know it by that digest. No pickle is involved.

    made = packaging.build(fitted, held_out, metrics=metrics, lineage={"run": run_id, "data": commit})
    digest = packaging.store(ws.blobs, made)
    bundle = packaging.fetch(ws.blobs, digest, ws.folder / "bundles")     # every file's digest is checked
    packaging.Predictor(bundle).predict([{"period": 0.5, "nswprice": 0.06}])   # needs ONNX Runtime and numpy only
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.packaging.assembly import build as build
    from fettle.packaging.bundle import Bundle as Bundle
    from fettle.packaging.bundle import fetch as fetch
    from fettle.packaging.bundle import open_folder as open_folder
    from fettle.packaging.bundle import store as store
    from fettle.packaging.predictor import Predictor as Predictor
    from fettle.packaging.records import Manifest as Manifest
    from fettle.packaging.records import ParityReport as ParityReport
    from fettle.packaging.records import Schema as Schema

_HOMES = {
    "Bundle": ".bundle",
    "Manifest": ".records",
    "ParityReport": ".records",
    "Predictor": ".predictor",
    "Schema": ".records",
    "build": ".assembly",
    "fetch": ".bundle",
    "open_folder": ".bundle",
    "store": ".bundle",
}

__all__ = [
    "Bundle",
    "Manifest",
    "ParityReport",
    "Predictor",
    "Schema",
    "build",
    "fetch",
    "open_folder",
    "store",
]

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
