from pathlib import Path

import httpx
import pytest

from fettle.core.errors import Unavailable
from fettle.web.assets import STATIC, Assets


def test_what_is_not_built_is_said_with_the_command(tmp_path: Path):
    with pytest.raises(Unavailable) as refused:
        Assets.load(tmp_path)
    assert "hatch_build.py" in refused.value.hint


def test_names_carry_their_contents_hash_and_never_go_stale(http: httpx.Client):
    for address in Assets.load().addresses.values():
        response = http.get(address)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"


def test_nothing_built_names_another_host():
    for path in STATIC.glob("*.css"):
        assert "http" not in path.read_text("utf-8")
        assert "@import" not in path.read_text("utf-8")


def test_the_first_page_is_light(http: httpx.Client):
    """The budget of the design: at most 60 kB over the wire for a first visit."""
    assets = Assets.load()
    shared = [f"/static/{path.name}" for path in STATIC.glob("chunk-*.js")]
    total = 0
    for address in ("/", assets["pages.css"], assets["main.js"], *shared):
        with http.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as response:
            total += sum(len(part) for part in response.iter_raw())
    assert total <= 60_000


def test_only_what_was_built_is_served(http: httpx.Client):
    assert http.get("/static/..%2fsite.py").status_code == 404
    assert http.get("/static/nothing.js").status_code == 404
