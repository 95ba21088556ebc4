#!/bin/sh
# Make sure that there is a Chromium for the tests of the pages: an installed one, Debian's, or playwright's own.
set -eu

for each in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$each" >/dev/null 2>&1; then exit 0; fi
done
if ls "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}"/chromium* >/dev/null 2>&1; then exit 0; fi

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

echo "No Chromium found; installing one for the tests of the pages …" >&2
if command -v apt-get >/dev/null 2>&1 && as_root true 2>/dev/null; then
    if as_root apt-get update -qq </dev/null >&2 &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium </dev/null >&2 &&
        command -v chromium >/dev/null 2>&1; then
        exit 0
    fi
fi
.venv/bin/playwright install chromium >&2
