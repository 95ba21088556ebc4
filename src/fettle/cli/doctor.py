"""`fettle doctor`: is this machine, and this workspace, in order?"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator

import msgspec

from fettle.cli.place import Place

ROOM_BYTES = 1 << 30


class Finding(msgspec.Struct, frozen=True):
    """What one check found; `hint` says what to do if it is not well."""

    check: str
    well: bool
    found: str
    hint: str = ""


def doctor(*, place: Place | None = None) -> int:
    """Check Python, the installed packages, disk space, the settings, the workspace and its audit chain.

    The exit code is 0 if all is well, else 1.
    """
    from fettle.cli.output import emit

    place = place or Place()
    findings = list(examine(place))
    emit({"well": all(each.well for each in findings), "findings": findings}, as_json=place.json)
    return 0 if all(each.well for each in findings) else 1


def examine(place: Place) -> Iterator[Finding]:
    """Make every check; one that cannot be made is a finding too."""
    checks: dict[str, Callable[[Place], Finding]] = {
        "python": _python,
        "packages": _packages,
        "disk": _disk,
        "settings": _settings,
        "workspace": _workspace,
        "audit": _audit,
    }
    from fettle.core.errors import FettleError

    for name, check in checks.items():
        try:
            found = check(place)
            yield msgspec.structs.replace(found, hint="") if found.well else found
        except FettleError as error:
            yield Finding(name, False, error.message, error.hint)


def _python(place: Place) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version, "fettle needs Python 3.11 or newer.")


def _packages(place: Place) -> Finding:
    from fettle.cli.version import versions

    missing = [name for name, version in versions().items() if version == "not installed"]
    found = f"missing: {', '.join(missing)}" if missing else f"{len(versions())} versions known"
    return Finding("packages", not missing, found, "pip install --upgrade fettle-ml")


def _disk(place: Place) -> Finding:
    from fettle.core.units import size_text

    folder = place.folder.resolve()
    free = shutil.disk_usage(folder).free
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding("disk", False, f"{folder}: {error.strerror}", "Choose a folder you may write to.")
    return Finding("disk", free > ROOM_BYTES, f"{size_text(free)} free in {folder}", "Free some space.")


def _settings(place: Place) -> Finding:
    values = place.settings().all()
    given = [each.setting.key for each in values if each.origin != "default"]
    return Finding("settings", True, f"{len(given)} given: {', '.join(given)}" if given else "all defaults")


def _workspace(place: Place) -> Finding:
    with place.open() as workspace:
        models = workspace.call("registry.models")
        return Finding("workspace", True, f"{workspace.url}: {len(models)} models")


def _audit(place: Place) -> Finding:
    with place.open() as workspace:
        verdict = workspace.call("governance.verify")
    return Finding("audit", True, str(verdict))
