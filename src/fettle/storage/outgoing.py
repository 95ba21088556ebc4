"""The one way to addresses that somebody else chose: webhooks and the like. It cannot be led into a private network.

A name is resolved once, every address it has must be public, and the connection goes to the address that was looked at
(so a name that changes its mind gains nothing). Redirects are not followed, proxies of the environment are not used,
the whole takes at most `timeout_s`, and of the answer at most `most_bytes` are read.

Private hosts that are meant to be reached are named by whoever runs the process, never by who chose the address:

    FETTLE_OUTGOING_PRIVATE=hooks.intern,10.1.2.3,10.20.0.0/16,localhost:9000
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import re
import socket
import ssl
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from fettle.core.errors import Denied, Invalid, Unavailable

PRIVATE_HOSTS = "FETTLE_OUTGOING_PRIVATE"
MOST_BYTES = 64 << 10
MOST_URL = 2000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"http": 80, "https": 443}
_METHOD = re.compile(r"[A-Z]{3,8}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_FORBIDDEN_HEADERS = frozenset(("host", "content-length", "transfer-encoding", "connection"))
_CLOSED = [
    ipaddress.ip_network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
        "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
]  # fmt: skip
"""Networks that are nobody's public address (IANA special-purpose registries), Teredo and site-local among them."""

_EMBEDDING = [
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated (SIIT)
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (ipaddress.IPv6Network("2002::/16"), 80),  # 6to4
]
"""Networks whose addresses carry an IPv4 address, and how many bits stand behind it."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: The HTTP status.
        body: At most `most_bytes` of it.
        headers: By name in lower case.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


def send(
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    timeout_s: float = 10.0,
    most_bytes: int = MOST_BYTES,
    private: Sequence[str] | None = None,
) -> Answer:
    """Send one request to an address that somebody else chose; a redirect is an answer like any other.

    Args:
        url: `https://…` or `http://…`.
        body: What is sent.
        headers: Besides those of the transport.
        method: The verb.
        timeout_s: For the whole, in seconds; looking up the name is not counted.
        most_bytes: What is read of the answer.
        private: Private hosts that may be reached: names, addresses or networks, with `:port` or not. None means what
            the environment names.

    Raises:
        Invalid: The address is malformed.
        Denied: It leads into a private network.
        Unavailable: Nobody answers, in time.
    """
    parts = checked(url)
    _check_headers(method, headers or {})
    target = resolved(parts, private)
    connection, wires = _connection(parts, target, timeout_s)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with contextlib.closing(connection), _deadline(wires, timeout_s) as over:
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            said = answer.read(most_bytes)
        except (OSError, http.client.HTTPException, ValueError) as error:
            late = over.is_set() or isinstance(error, TimeoutError)
            raise Unavailable(
                f"{_origin(parts)} did not answer.",
                found=f"nothing whole within {timeout_s:g} s" if late else _told(error),
                hint="It may be tried again.",
            ) from error
    if over.is_set():
        raise Unavailable(f"{_origin(parts)} did not answer.", found=f"nothing whole within {timeout_s:g} s")
    return Answer(answer.status, said, {key.lower(): value for key, value in answer.getheaders()})


def checked(url: str) -> SplitResult:
    """The parts of an address, if it has the form of one that may be sent to.

    Raises:
        Invalid: It has not.
    """
    fault = _fault(url)
    if fault:
        raise Invalid(
            "This address cannot be sent to.",
            found=fault,
            hint="Give https://host/path, without a user or password before the host.",
        )
    return urlsplit(url)


def _fault(url: str) -> str:
    if len(url) > MOST_URL:
        return f"{len(url):,} characters"
    if any(each <= " " or each == "\\" or unicodedata.category(each)[0] == "C" for each in url):
        return "spaces, backslashes or control characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in _PORTS:
        return f"the scheme {parts.scheme[:20]!r}"
    if "@" in parts.netloc:
        return "a user before the host"
    if not parts.hostname or port == 0:
        return "no host" if not parts.hostname else "port 0"
    if not (parts.path + parts.query).isascii():
        return "characters that an address has to escape"
    return ""


def resolved(parts: SplitResult, private: Sequence[str] | None = None) -> Address:
    """The address to connect to: the first one the host has, when all of them may be reached.

    Raises:
        Denied: One of them is private and was not allowed.
        Unavailable: The host has none.
    """
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    allowed = private_hosts() if private is None else list(private)
    found = addresses(host, port)
    for each in found:
        if not is_public(each) and not _named(host, port, each, allowed):
            raise Denied(
                f"{host} leads into a private network, and requests do not go there.",
                found=f"its address is {each}",
                hint=f"Who runs this process may allow it: {PRIVATE_HOSTS}={host}",
            )
    return found[0]


def addresses(host: str, port: int) -> list[Address]:
    """All addresses of a host; numbers in any of their spellings (`0x7f.1`, `2130706433`) are addresses too.

    Raises:
        Unavailable: It has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        known = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    except (OSError, UnicodeError, ValueError) as error:
        raise Unavailable(f"The host {host[:100]!r} is not known.", found=_told(error)) from error
    if not known:
        raise Unavailable(f"The host {host[:100]!r} has no address.")
    return list(dict.fromkeys(known))


def is_public(address: Address) -> bool:
    """Whether an address is reached through the internet, also when it carries another one inside.

    Example:
        >>> [is_public(ipaddress.ip_address(each)) for each in ("1.1.1.1", "10.0.0.1", "64:ff9b::a00:1")]
        [True, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address):
        for network, behind in _EMBEDDING:
            if address in network:
                return is_public(ipaddress.IPv4Address((int(address) >> behind) & 0xFFFFFFFF))
    if any(address.version == each.version and address in each for each in _CLOSED):
        return False
    return address.is_global and not address.is_multicast


def private_hosts() -> list[str]:
    """The private hosts that whoever runs this process allows."""
    return [each.strip() for each in os.environ.get(PRIVATE_HOSTS, "").split(",") if each.strip()]


def _named(host: str, port: int, address: Address, allowed: Sequence[str]) -> bool:
    names = {_plain(host), f"{_plain(host)}:{port}", str(address), f"{address}:{port}"}
    return any(_plain(each) in names or _within(address, each) for each in allowed)


def _plain(host: str) -> str:
    return host.casefold().rstrip(".")


def _within(address: Address, network: str) -> bool:
    if "/" not in network:
        return False
    try:
        known = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
    return known.version == address.version and address in known


def _check_headers(method: str, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        broken = not _HEADER.fullmatch(name) or any(each < " " or each == "\x7f" for each in value)
        if broken or not value.isascii() or name.lower() in _FORBIDDEN_HEADERS:
            raise Invalid(f"The header {name[:60]!r} cannot be sent.", hint="Use plain ASCII of one line.")
    if not _METHOD.fullmatch(method):
        raise Invalid(f"{method[:20]!r} is no HTTP method.")


def _connection(
    parts: SplitResult, target: Address, timeout_s: float
) -> tuple[http.client.HTTPConnection, list[socket.socket]]:
    """A connection that says the host's name and goes to the address that was looked at, and what it goes over."""
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    named = _ascii(host)
    made = http.client.HTTPConnection(named, port, timeout=timeout_s)
    default = parts.port is None or parts.port == _PORTS[parts.scheme]
    wires: list[socket.socket] = []

    def connect() -> None:
        wire = socket.create_connection((str(target), port), timeout_s)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.sock = wire
        if parts.scheme == "https":
            made.sock = ssl.create_default_context().wrap_socket(wire, server_hostname=named)
        wires.append(made.sock)

    made.connect = connect
    if parts.scheme == "https" and default:
        made.default_port = 443  # type: ignore[misc] - so that the Host header names no port
    return made, wires


def _ascii(host: str) -> str:
    try:
        return host if ":" in host else host.encode("idna").decode()
    except UnicodeError as error:
        raise Invalid(f"{host[:60]!r} is no host name.", found=str(error)) from error


@contextlib.contextmanager
def _deadline(wires: list[socket.socket], timeout_s: float) -> Iterator[threading.Event]:
    """Cut the connection when the time is over, also if it gives a byte now and then."""
    over = threading.Event()

    def cut() -> None:
        over.set()
        for wire in wires:  # the connection forgets its own when an answer says that it is the last
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(timeout_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}"


def _told(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(said)[:200]
