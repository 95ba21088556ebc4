"""A bundle of fettle as a model of MLflow: its `MLmodel`, made when it is asked for."""

from __future__ import annotations

import json
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from fettle.protocols.mlflow.about import VERSION

if TYPE_CHECKING:
    from fettle.packaging.records import Manifest
    from fettle.registry.records.versions import ModelVersion

MANIFEST_FILE = "manifest.json"
LOADER = "fettle.protocols.mlflow.pyfunc"
_PACKAGE = "fettle-ml"


def read(data: bytes) -> Manifest:
    """A bundle's manifest."""
    from fettle.core import canonical
    from fettle.packaging.records import Manifest

    return canonical.decode(data, Manifest)


def generated(known: ModelVersion, bundle: Manifest) -> dict[str, bytes]:
    """The files that a bundle has for MLflow's clients besides its own: name → content.

    Args:
        known: A version that has it.
        bundle: Its manifest.
    """
    needs = [each for each in map(_pinned, (_PACKAGE, "onnxruntime")) if each]
    description: dict[str, Any] = {
        "artifact_path": known.model,
        "flavors": {
            "onnx": {
                "code": None,
                "data": "model.onnx",
                "onnx_version": _version("onnx") or "unknown",
                "providers": ["CPUExecutionProvider"],
            },
            "python_function": {
                "loader_module": LOADER,
                "python_version": ".".join(map(str, sys.version_info[:3])),
                "env": {"virtualenv": "python_env.yaml"},
            },
        },
        "metadata": {"fettle_bundle": known.bundle, "target": bundle.target, "algorithm": bundle.algorithm},
        "mlflow_version": VERSION,
        "model_size_bytes": sum(each.size_bytes for each in bundle.files),
        "utc_time_created": f"{known.at:%Y-%m-%d %H:%M:%S.%f}",
    }
    if known.run_id:
        description["run_id"] = known.run_id
    environment = {"python": description["flavors"]["python_function"]["python_version"]}
    return {
        "MLmodel": _yaml(description),
        "requirements.txt": ("\n".join(needs) + "\n").encode(),
        "python_env.yaml": _yaml({**environment, "dependencies": ["-r requirements.txt"]}),
    }


def _yaml(value: dict[str, Any]) -> bytes:
    """JSON, which is YAML too, line by line."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def _pinned(package: str) -> str:
    found = _version(package)
    return f"{package}=={found}" if found else package


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
