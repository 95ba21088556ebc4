"""What the program ran with: Python and the installed packages, in their versions."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib import metadata

from fettle.core import canonical


def found() -> tuple[dict[str, str], dict[str, str]]:
    """The tag `python.version`, and the files `captured/environment.json` and `captured/requirements.txt`."""
    packages = installed()
    described = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "packages": packages,
    }
    lines = "".join(f"{name}=={version}\n" for name, version in packages.items())
    return {"python.version": platform.python_version()}, {
        "captured/environment.json": canonical.encode(described).decode(),
        "captured/requirements.txt": lines,
    }


@cache
def installed() -> dict[str, str]:
    """Package → version, sorted; of a package that is there twice the one that is imported."""
    packages: dict[str, str] = {}
    for each in metadata.distributions():
        name = each.metadata["Name"] if each.metadata else None
        if name and name not in packages:
            packages[name] = each.version or ""
    return dict(sorted(packages.items(), key=lambda item: item[0].lower()))
