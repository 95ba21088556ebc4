#!/bin/sh
# Make .venv from any Python >= 3.11 found and install fettle into it: sh tools/environment.sh '.[dev]'
# Set PYTHON to choose another interpreter. Run from the repository's root (the Makefile does).
set -eu

wanted=${1:-.}
venv=.venv

usable() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for each in ${PYTHON:-} python3.13 python3.12 python3.11 python3.14 python3 python; do
        if usable "$each"; then
            echo "$each"
            return
        fi
    done
    echo "fettle needs Python 3.11 or newer; none of python3.13 … python3 on the PATH is." >&2
    echo "Install one, or name it: make test PYTHON=/path/to/python3.12" >&2
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

make_venv() {
    python=$(find_python)
    echo "Making $venv with $("$python" --version) …" >&2
    if "$python" -m venv "$venv" >/dev/null 2>&1; then return; fi
    # Debian keeps ensurepip in a package of its own.
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if command -v apt-get >/dev/null 2>&1 && as_root true 2>/dev/null; then
        as_root apt-get update -qq </dev/null >&2
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "python$version-venv" </dev/null >&2
    fi
    "$python" -m venv --clear "$venv"
}

[ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 || make_venv

pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }

echo "Installing fettle ($wanted); the first time takes a minute or two …" >&2
if ! pip install --quiet --constraint constraints.txt --editable "$wanted"; then
    echo "The pinned versions cannot be installed here; taking the newest that pyproject.toml allows." >&2
    pip install --quiet --editable "$wanted"
fi
