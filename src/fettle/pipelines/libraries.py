"""What is the user's own code and what is an installed library; and which version of it."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import sys
import sysconfig
from pathlib import Path

import fettle
from fettle.core import ids

_PATHS = sysconfig.get_paths()
_STDLIB = tuple({os.path.realpath(_PATHS[name]) + os.sep for name in ("stdlib", "platstdlib")})
_FETTLE = os.path.dirname(os.path.realpath(fettle.__file__ or "")) + os.sep


@functools.lru_cache(maxsize=4096)
def is_library(path: str) -> bool:
    """Whether the code at `path` is installed, and so is known by its version, or part of fettle or Python itself.

    Code without a file (typed at a prompt, in a notebook cell, or made by `exec`) is the user's own.
    """
    if not path or path.startswith("<"):
        return path.startswith("<frozen")
    real = os.path.realpath(path)
    parts = real.split(os.sep)
    if "site-packages" in parts or "dist-packages" in parts:
        return True
    return real.startswith(_STDLIB) or real.startswith(_FETTLE)


def top_of(module: str) -> str:
    """The package a module belongs to: `sklearn` for `sklearn.linear_model`."""
    return module.partition(".")[0]


def is_standard(package: str) -> bool:
    """Whether a package comes with Python; its version is Python's."""
    return package in sys.stdlib_module_names or package in ("builtins", "__future__")


@functools.lru_cache(maxsize=512)
def version_of(package: str) -> str:
    """The version of an installed top-level package.

    A checkout of fettle itself, whose version number stands still while its code changes, is named by its content.
    """
    if package == "fettle":
        return _fettle_version()
    loaded = vars(sys.modules[package]).get("__version__") if package in sys.modules else None
    if isinstance(loaded, str):
        return loaded
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    names = _distributions().get(package)
    return importlib.metadata.version(names[0]) if names else "unknown"


@functools.cache
def _distributions() -> dict[str, list[str]]:
    """Which distribution each package comes from (`sklearn` from `scikit-learn`); reads them all, so asked last."""
    return dict(importlib.metadata.packages_distributions())


def _fettle_version() -> str:
    folder = Path(_FETTLE)
    if {"site-packages", "dist-packages"} & set(folder.parts):
        return importlib.metadata.version("fettle-ml")
    content = [(str(path.relative_to(folder)), path.read_bytes()) for path in sorted(folder.rglob("*.py"))]
    return ids.digest(b"".join(name.encode() + b"\0" + data + b"\0" for name, data in content))[:16]
