"""Files of the web: fetched once, whole or not at all, no further than allowed, and no secret is said."""

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from fettle.core.errors import Denied, FettleError, Invalid, NotFound, Unavailable
from fettle.data import ingest
from fettle.data.sources import web

BODY = b"a,b\n" + b"".join(b"%d,x\n" % number for number in range(50_000))
CHANGED = "Wed, 01 May 2024 12:00:00 GMT"


class Site(ThreadingHTTPServer):
    """A web site whose answers a test may change, and which remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self.etag, self.status, self.break_after = BODY, '"v1"', 200, 0
        self.asked: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.trusting = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of ours."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        site = self.server
        site.asked.append(dict(self.headers))
        if self.path.startswith("/moved"):
            return self._answer(302, b"", {"Location": "/files/Churn.csv"})
        if self.path.startswith("/round"):
            return self._answer(302, b"", {"Location": self.path})
        if self.path.startswith("/private") and self.headers.get("Authorization") is None:
            return self._answer(401, b"", {})
        if site.status != 200:
            return self._answer(site.status, b"", {})
        if site.etag and self.headers.get("If-None-Match") == site.etag:
            return self._answer(304, b"", {})
        if not site.etag and self.headers.get("If-Modified-Since") == CHANGED:
            return self._answer(304, b"", {})
        start = 0
        same = site.trusting or self.headers.get("If-Range") == site.etag
        if same and (found := self.headers.get("Range")):
            start = int(found.removeprefix("bytes=").rstrip("-"))
        headers = {"Last-Modified": CHANGED, **({"ETag": site.etag} if site.etag else {}), **site.headers}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(site.body) - 1}/{len(site.body)}"
        self._answer(206 if start else 200, site.body[start:], headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        site = self.server
        site.answers.append(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if site.break_after and body:
            self.wfile.write(body[: site.break_after])
            self.close_connection = True
            site.break_after = 0
            self.connection.close()
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(tmp_path, monkeypatch) -> Iterator[Site]:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path))
    server = Site()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_is_fetched_once_and_asked_for_by_its_mark(site, tmp_path):
    source = f"{site.url}/files/Churn.csv"

    found = ingest.read(source)
    again = ingest.read(source)

    assert found.frame.height == 50_000
    assert found.source == again.source == ingest.source_of(source)
    assert (found.source.name, found.source.kind, found.source.etag) == (source, "csv", '"v1"')
    assert found.source.modified_at == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert found.source.size_bytes == len(BODY)
    assert site.answers == [200, 304, 304]
    assert (tmp_path / "downloads").stat().st_mode & 0o077 == 0


def test_without_a_mark_it_is_asked_for_by_its_time(site):
    site.etag = ""
    source = f"{site.url}/Churn.csv"

    assert ingest.read(source).source == ingest.read(source).source
    assert site.answers == [200, 304]


def test_a_redirect_from_https_to_http_is_not_followed():
    asked = httpx.Request("GET", "https://example.org/x.csv")
    answer = httpx.Response(302, headers={"Location": "http://example.org/x.csv"}, request=asked)
    answer.next_request = httpx.Request("GET", "http://example.org/x.csv")

    with pytest.raises(Denied, match="from https to http"):
        web._no_downgrade(answer)


def test_a_changed_file_is_fetched_again(site):
    source = f"{site.url}/Churn.csv"
    ingest.read(source)
    site.body, site.etag = b"a\n7\n", '"v2"'

    assert ingest.read(source).frame.rows() == [(7,)]


def test_a_transfer_that_broke_off_goes_on_where_it_stopped(site):
    site.break_after = 100_000

    assert ingest.read(f"{site.url}/Churn.csv").frame.height == 50_000
    assert site.answers == [200, 206]
    assert int(site.asked[1]["Range"].removeprefix("bytes=").rstrip("-")) > 0


def test_a_part_of_another_version_is_thrown_away(site):
    site.break_after = 100_000
    source = f"{site.url}/Churn.csv"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(web, "TRIES", 1)
        ingest.read(source)
    site.body, site.etag = b"a\n7\n", '"v2"'

    assert ingest.read(source).frame.rows() == [(7,)]


def test_a_server_that_mixes_versions_is_not_believed(site):
    """It answers with a part of the new version although the old one was asked for."""
    site.break_after = 100_000
    source = f"{site.url}/Churn.csv"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(web, "TRIES", 1)
        ingest.read(source)
    site.body, site.etag, site.trusting = b"a,b\n" + b"7,y\n" * 200_000, '"v2"', True

    assert set(ingest.read(source).frame.rows()) == {(7, "y")}
    assert site.answers == [200, 206, 200]


def test_without_a_strong_mark_it_begins_anew(site):
    site.etag, site.break_after = 'W/"v1"', 100_000

    assert ingest.read(f"{site.url}/Churn.csv").frame.height == 50_000
    assert site.answers == [200, 200]


def test_the_kind_is_known_without_a_suffix(site):
    site.body, site.headers = b'{"a":1}\n{"a":2}\n', {"Content-Type": "application/x-ndjson; charset=utf-8"}

    assert ingest.read(f"{site.url}/export?day=1").frame["a"].to_list() == [1, 2]


def test_a_redirect_is_followed_and_a_circle_is_not(site):
    assert ingest.read(f"{site.url}/moved").frame.height == 50_000
    with pytest.raises(Invalid, match="cannot be fetched"):
        ingest.read(f"{site.url}/round")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (403, Denied), (400, Invalid), (500, Unavailable), (429, Unavailable)],
)
def test_what_the_server_refuses_is_told(site, monkeypatch, status, kind):
    monkeypatch.setattr(web, "TRIES", 2)
    site.status = status

    with pytest.raises(kind) as caught:
        ingest.read(f"{site.url}/x.csv")

    assert str(status) in caught.value.found


def test_a_file_larger_than_allowed_is_not_fetched(site, tmp_path):
    with pytest.raises(Invalid, match="too large"):
        ingest.read(f"{site.url}/x.csv", max_bytes=1000)

    assert not [each for each in tmp_path.rglob("file-*")]


def test_a_broken_file_is_refused_by_its_address(site):
    site.body = b"PAR1 and nothing"

    with pytest.raises(Invalid) as caught:
        ingest.read(f"{site.url}/x.parquet")

    assert f"{site.url}/x.parquet is a broken Parquet file" in caught.value.message


def test_no_server_is_told(site, monkeypatch):
    monkeypatch.setattr(web, "TRIES", 1)

    with pytest.raises(Unavailable):
        ingest.read("http://127.0.0.1:1/x.csv")


@pytest.mark.parametrize("path", ["/private/x.csv", "/missing.csv", "/round", "/broken.parquet"])
def test_secrets_of_an_address_are_said_nowhere(site, monkeypatch, caplog, capfd, path):
    """The sign-in and the token come from the environment; found in no source, note, error, log or print."""
    caplog.set_level(logging.DEBUG)
    host = site.url.removeprefix("http://")
    monkeypatch.setenv("SITE", f"http://ada:hunter22@{host}{path}?token=tok3n-value&day=1")
    if path == "/missing.csv":
        site.status = 404
    if path == "/broken.parquet":
        site.body = b"PAR1 and nothing"

    said: object
    try:
        said = ingest.read("${SITE}")
        assert said.source.name == "${SITE}"
    except FettleError as error:
        said = f"{error!r} {error} {error.__cause__!r}"
    shown = f"{said} {caplog.text} {capfd.readouterr()}"

    assert site.asked[0]["Authorization"].startswith("Basic ")
    assert "hunter22" not in shown
    assert "tok3n-value" not in shown
    assert logging.getLogger("httpx").filters
