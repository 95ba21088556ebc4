#!/bin/sh
# Write constraints.txt: name==version of everything installed in .venv, without addresses and without fettle itself.
set -eu
{
    echo "# Versions the tests last ran with. Written by \`make constraints\`; the bounds that matter are in pyproject.toml."
    .venv/bin/python -m pip --disable-pip-version-check freeze --exclude-editable --exclude fettle-ml --exclude pip --exclude setuptools |
        grep -E '^[A-Za-z0-9._-]+==' | sort -f
} >constraints.txt
