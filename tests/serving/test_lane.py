"""The wire: pipelined, torn, oversized and impolite requests, byte by byte, on both lanes."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest

from fettle.serving.app import LARGEST_BODY_BYTES
from tests.serving.conftest import Running


class Wire:
    """A bare connection."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port or 80), timeout=20)
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split()[1])
        headers: dict[str, str] = {}
        while (line := self.file.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, self.file.read(int(headers["content-length"]))

    def ended(self) -> bool:
        return self.file.read(1) == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def wire(running: Running) -> Iterator[Wire]:
    with closing(Wire(running.url)) as wire:
        yield wire


def post(path: str, body: bytes, *headers: str, version: str = "1.1") -> bytes:
    head = [f"POST {path} HTTP/{version}", "host: test", f"content-length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def ask(row: dict, id: str, *headers: str) -> bytes:
    return post("/predict", json.dumps({"rows": [row], "id": id}).encode(), *headers)


GET = b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n"


def test_pipelined_requests_are_answered_in_order(wire: Wire, row: dict):
    many = json.dumps({"rows": [row] * 1_000, "id": "large"}).encode()
    wire.send(b"".join(ask(row, f"a{n}") for n in range(50)) + post("/predict", many) + ask(row, "z"))
    for id in [*(f"a{n}" for n in range(50)), "large", "z"]:
        status, headers, body = wire.receive()
        assert (status, headers["x-request-id"], json.loads(body)["id"]) == (200, id, id)


@pytest.mark.parametrize("pattern", ["pgp", "gpg", "ppggpp", "gggp", "lgp", "lglp", "pglg"])
def test_a_mixture_of_both_lanes_is_answered_in_order(wire: Wire, row: dict, pattern: str):
    large = json.dumps({"rows": [row] * 1_000, "id": "x"}).encode()
    kinds = {"p": ask(row, "x"), "g": GET, "l": post("/predict", large)}
    wire.send(b"".join(kinds[each] for each in pattern))
    for each in pattern:
        status, _, body = wire.receive()
        assert status == 200
        assert ("live" in json.loads(body)) == (each == "g")
    wire.send(ask(row, "after"))
    assert wire.receive()[0] == 200


def test_a_request_may_arrive_byte_by_byte(wire: Wire, row: dict):
    for byte in ask(row, "slow"):
        wire.send(bytes([byte]))
    assert wire.receive()[0] == 200


def test_many_more_pipelined_requests_than_wait_at_once(wire: Wire, row: dict):
    one = ask(row, "x")
    for _ in range(10):
        wire.send(one * 100)
        for _ in range(100):
            assert wire.receive()[0] == 200


def test_connection_close_and_http_1_0_end_the_connection(running: Running, row: dict):
    with closing(Wire(running.url)) as wire:
        wire.send(ask(row, "x", "connection: close"))
        status, headers, _ = wire.receive()
        assert (status, headers.get("connection")) == (200, "close")
        assert wire.ended()
    with closing(Wire(running.url)) as wire:
        wire.send(post("/predict", json.dumps(row).encode(), version="1.0"))
        assert wire.receive()[0] == 200
        assert wire.ended()


def test_expect_100_continue_is_honoured(wire: Wire, row: dict):
    body = json.dumps(row).encode()
    head, _, _ = post("/predict", body, "expect: 100-continue").partition(b"\r\n\r\n")
    wire.send(head + b"\r\n\r\n")
    assert wire.file.readline().startswith(b"HTTP/1.1 100")
    assert wire.file.readline() == b"\r\n"
    wire.send(body)
    assert wire.receive()[0] == 200


def test_a_client_that_goes_away_harms_nobody(running: Running, client: httpx.Client, row: dict):
    whole = ask(row, "gone")
    for cut in (0, 10, 80, len(whole) - 1, len(whole)):
        with closing(Wire(running.url)) as wire:
            wire.send(whole[:cut])
    assert client.post("/predict", json=row).status_code == 200


NEGATIVE = b"POST /predict HTTP/1.1\r\ncontent-length: -1\r\n\r\n"


@pytest.mark.parametrize("data", [b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00", NEGATIVE])
def test_what_is_not_http_is_a_400(wire: Wire, data: bytes):
    wire.send(data)
    assert wire.receive()[0] == 400


def test_an_endless_body_is_cut_off(running: Running, client: httpx.Client, row: dict):
    with closing(Wire(running.url)) as wire:
        wire.send(b"POST /predict HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(LARGEST_BODY_BYTES * 8 // 0x100000):
                wire.send(chunk)
            cut_off = wire.receive()[0] == 413
        except (OSError, IndexError):
            cut_off = True
        assert cut_off
    assert client.post("/predict", json=row).status_code == 200


@pytest.mark.parametrize("id", ["two words", "é", "x" * 300])
def test_a_header_id_that_may_not_be_one_is_not_sent_back(wire: Wire, row: dict, id: str):
    wire.send(post("/predict", json.dumps(row).encode(), "x-request-id: " + id).decode().encode("utf-8"))
    status, headers, _ = wire.receive()
    assert status == 400
    assert headers["x-request-id"] != id
