"""Requests to addresses that somebody else chose: where they must not go, in all the spellings there are."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

from fettle.core.errors import Denied, Invalid, Unavailable
from fettle.storage import outgoing

HERE = "127.0.0.1"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers as its path asks, and remembers what it got."""

    seen: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.seen.append((self.path, {key.lower(): value for key, value in self.headers.items()}, body))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            self.end_headers()
        elif self.path == "/much":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 1_000_000)
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.1)
        else:
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()
            self.wfile.write(b"heard")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def receiver() -> Iterator[int]:
    """A real HTTP server on this machine; its port."""
    server = http.server.ThreadingHTTPServer((HERE, 0), Receiver)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that left is expected here
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "localhost.", "LOCALHOST", "127.1", "0x7f.1", "0x7f000001", "2130706433",
        "0177.0.0.1", "0", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.192", "198.18.0.1", "192.0.2.1", "203.0.113.5",
        "224.0.0.1", "239.255.255.250", "240.0.0.1",
        "255.255.255.255", "[::1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:a00:1]",
        "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]",
        "[2002:a00:1::1]", "[2001::1]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]",
        "[ff02::1]", "[2001:db8::1]", "①②⑦.⓪.⓪.①", "127。0。0。1",
    ],
)  # fmt: skip
def test_no_private_address_is_reached_however_it_is_spelled(host: str) -> None:
    with pytest.raises((Denied, Invalid, Unavailable)) as refused:
        outgoing.send(f"http://{host}:9/hook", private=[])
    assert "did not answer" not in refused.value.message  # it was not even tried


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "//example.com/", "file:///etc/passwd", "gopher://example.com/", "ftp://example.com/",
        "http://", "http:///path", "http://user:pass@example.com/", "http://example.com@127.0.0.1/",
        "http://127.0.0.1\\@example.com/", "http://example.com:0/", "http://example.com:99999/",
        "http://example.com:abc/", "http://exa mple.com/", "http://example.com/\r\nX: y", "http://example.com/\x00",
        "http://[::1/", "http://example.com/" + "a" * 3000, "http://example.com/\u202e", "http://example.com/ä",
        "javascript:alert(1)", "data:text/plain,x", "dict://127.0.0.1:11211/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        outgoing.send(url, private=["example.com"])


@pytest.mark.parametrize(
    "host", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::101:101", "2002:101:101::"]
)
def test_public_addresses_are_public(host: str) -> None:
    (address,) = outgoing.addresses(host, 443)
    assert outgoing.is_public(address)


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def both(host: str, port: int, **_: object) -> list[object]:
        return [(2, 1, 6, "", ("1.1.1.1", port)), (2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(Denied, match="private network"):
        outgoing.send("https://hooks.example/", private=[])


def test_the_connection_goes_to_the_address_that_was_looked_at(
    receiver: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def once(host: str, port: int, *_: object, **__: object) -> list[object]:
        asked.append(host)
        if host not in ("hooks.example", HERE):
            raise OSError("asked for another name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HERE, port))]

    monkeypatch.setattr(socket, "getaddrinfo", once)
    answer = outgoing.send(f"http://hooks.example:{receiver}/pinned", private=[HERE])
    assert answer.good
    assert asked.count("hooks.example") == 1  # afterwards only the address itself
    assert Receiver.seen[-1][1]["host"] == f"hooks.example:{receiver}"


@pytest.mark.parametrize("allowed", [HERE, "localhost", "127.0.0.0/8"])
def test_named_private_hosts_are_reached(
    receiver: int, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = "localhost" if allowed == "localhost" else HERE
    monkeypatch.setenv(outgoing.PRIVATE_HOSTS, f"other.intern, {allowed}")
    if host == "localhost":
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda _, port, *a, **k: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HERE, port))],
        )
    answer = outgoing.send(f"http://{host}:{receiver}/in?a=1", body=b"{}", headers={"X-Id": "7"})
    assert (answer.status, answer.text) == (200, "heard")
    path, headers, body = Receiver.seen[-1]
    assert (path, headers["x-id"], body) == ("/in?a=1", "7", b"{}")


def test_allowing_one_port_allows_no_other(receiver: int) -> None:
    assert outgoing.send(f"http://{HERE}:{receiver}/", private=[f"{HERE}:{receiver}"]).good
    with pytest.raises(Denied):
        outgoing.send(f"http://{HERE}:{receiver}/", private=[f"{HERE}:{receiver + 1}"])


def test_a_redirect_is_not_followed(receiver: int) -> None:
    answer = outgoing.send(f"http://{HERE}:{receiver}/away", private=[HERE])
    assert (answer.status, answer.good) == (302, False)


def test_of_a_long_answer_only_the_beginning_is_read(receiver: int) -> None:
    answer = outgoing.send(f"http://{HERE}:{receiver}/much", private=[HERE], most_bytes=1000)
    assert answer.body == b"x" * 1000


def test_a_trickling_answer_ends_with_the_time(receiver: int) -> None:
    with pytest.raises(Unavailable, match="did not answer") as refused:
        outgoing.send(f"http://{HERE}:{receiver}/slow", private=[HERE], timeout_s=0.5)
    assert "0.5 s" in refused.value.found


def test_nobody_there(receiver: int) -> None:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unavailable, match="did not answer"):
        outgoing.send(f"http://{HERE}:{port}/", private=[HERE])
    with pytest.raises(Unavailable, match="not known"):
        outgoing.send("http://no-such-host.invalid/", private=[HERE])


@pytest.mark.parametrize("headers", [{"Host": "x"}, {"a\r\nb": "c"}, {"a": "b\r\nc: d"}, {"a": "ä"}])
def test_headers_cannot_smuggle(headers: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        outgoing.send(f"http://{HERE}/", headers=headers, private=[HERE])


def test_proxies_of_the_environment_are_not_used(receiver: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert outgoing.send(f"http://{HERE}:{receiver}/", private=[HERE]).good


def test_an_answer_that_drips_ends_with_the_time_also_when_it_closes() -> None:
    """HTTP/1.0 without a length: the connection lets go of its socket as soon as the head is there."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        wire, _ = listener.accept()
        with contextlib.suppress(OSError), wire:
            wire.recv(65536)
            wire.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            while not over.wait(0.1):
                wire.sendall(b"x")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    with pytest.raises(Unavailable, match="did not answer"):
        outgoing.send(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout_s=0.6, private=["127.0.0.1"])
    thread.join(5.0)
    assert not thread.is_alive()  # what it sent after the time was refused
    over.set()
    listener.close()
