"""`fettle version`: which versions work together here."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from typing import Annotated

from cyclopts import Parameter

import fettle

DISTRIBUTION = "fettle-ml"


def version(
    *, json: Annotated[bool, Parameter(help="Print one JSON document.", negative="")] = False
) -> None:
    """Print the versions of fettle, of Python, and of the packages that fettle needs."""
    from fettle.cli.output import emit

    emit(versions(), as_json=json)


def versions() -> dict[str, str]:
    """Name → version of fettle, Python and each required package that is installed."""
    found = {"fettle": fettle.__version__, "python": platform.python_version(), "system": platform.platform()}
    for name in required():
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def required() -> list[str]:
    """The distributions that fettle needs, without its extras."""
    try:
        wanted = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        return []
    return sorted(re.split(r"[\s\[<>=!~;]", each, maxsplit=1)[0] for each in wanted if "extra ==" not in each)
