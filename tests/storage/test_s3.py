"""What is particular to S3: stores that cannot be trusted, reached or found, and bodies that break off."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from fettle.core.errors import Invalid, Unavailable
from fettle.storage import open_blobs
from fettle.storage import s3 as backend


class _CarelessStore(BaseHTTPRequestHandler):
    """A store that takes conditional writes and ignores the condition, as some do."""

    protocol_version = "HTTP/1.1"
    writes: ClassVar[list[str]] = []

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.writes.append(self.path)
        self._answer(200, {"ETag": f'"{len(self.writes)}"'})

    def do_DELETE(self) -> None:
        self._answer(204, {})

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def careless_url(s3_endpoint: str) -> Iterator[str]:
    """A store that ignores conditions; `s3_endpoint` is asked for its credentials only."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _CarelessStore)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"s3://bucket?endpoint=http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_store_that_ignores_conditions_is_refused(careless_url: str) -> None:
    with pytest.raises(Unavailable, match="does not honour conditional writes") as caught:
        open_blobs(careless_url)
    assert "If-None-Match" in caught.value.hint
    assert _CarelessStore.writes


def test_the_probe_leaves_nothing_behind(fresh_s3_url: str) -> None:
    open_blobs(fresh_s3_url)
    assert list(open_blobs(fresh_s3_url).list()) == []


def test_a_bucket_that_is_not_there_is_named(fresh_s3_url: str) -> None:
    with pytest.raises(Unavailable, match="could not be reached"):
        open_blobs(fresh_s3_url.replace("s3://fettle-", "s3://absent-"))


def test_a_server_that_is_not_there_is_named(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backend._RETRY, "max_retries", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="could not be reached"):
            open_blobs(f"s3://bucket?endpoint=http://127.0.0.1:{free.getsockname()[1]}")


@pytest.mark.parametrize("url", ["s3://", "s3:///prefix", "s3://bucket?endpint=http://127.0.0.1"])
def test_a_url_that_names_no_bucket_is_invalid(url: str) -> None:
    with pytest.raises(Invalid, match="does not name a bucket"):
        open_blobs(url)


class _BreakingProxy:
    """Passes bytes between a client and the store, and cuts every third connection in the middle of a long answer."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.cuts = 0
        self._count = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._count += 1
            threading.Thread(target=self._serve, args=(client, self._count % 3 == 0), daemon=True).start()

    def _serve(self, client: socket.socket, breaks: bool) -> None:
        server = socket.create_connection(self._target)
        with client, server, ThreadPoolExecutor(1) as pool:
            pool.submit(self._pass, client, server, None)
            self._pass(server, client, 1_000_000 if breaks else None)

    def _pass(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        passed = 0
        try:
            while data := source.recv(65_536):
                target.sendall(data)
                passed += len(data)
                if limit is not None and passed > limit:
                    self.cuts += 1
                    break
        except OSError:
            return
        finally:
            for each in (source, target):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


def test_an_answer_that_breaks_off_is_asked_for_again(fresh_s3_url: str, tmp_path: Path) -> None:
    data = bytes(range(251)) * 100_000
    open_blobs(fresh_s3_url).put("large", data)
    bucket, _, endpoint = fresh_s3_url.partition("?endpoint=")
    parts = urlsplit(endpoint)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = _BreakingProxy((parts.hostname, parts.port))
    try:
        store = open_blobs(f"{bucket}?endpoint=http://127.0.0.1:{proxy.port}")
        for _ in range(4):
            assert b"".join(store.stream("large")) == data
            assert store.get("large") == data
            store.fetch("large", tmp_path / "copy")
            assert (tmp_path / "copy").read_bytes() == data
    finally:
        proxy.close()
    assert proxy.cuts > 0
