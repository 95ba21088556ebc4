"""Addresses with secrets in them: the secret is taken from the environment and goes nowhere but to the other side.

`${NAME}` in a source stands for an environment variable, and `connection="warehouse"` for
`FETTLE_CONNECTION_WAREHOUSE`. What is stored, printed and said in errors is the text as it was given. A password or
token typed into a source itself is refused, since sources are kept in commits, project files and shell histories.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from fettle.core.errors import Invalid, NotFound, nearest
from fettle.core.urls import HIDDEN

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECRET = re.compile(
    r"token|secret|passw|apikey|accesskey|signature|credential|^x-(amz|goog)-"
    r"|(^|[_.-])(key|sig|pass|pwd|pw|auth|authorization|code|session|sas|jwt|bearer)($|[_.-])",
    re.IGNORECASE,
)
_LONG = 24
_AWS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")


class Address(NamedTuple):
    """Where something is, and what may be said of it.

    Attributes:
        url: The whole address; for the other side only.
        shown: What may be stored and printed.
        secrets: What must not be.
    """

    url: str
    shown: str
    secrets: tuple[str, ...]

    def scrub(self, text: str) -> str:
        """A text of another program without the secrets in it."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text


def is_address(text: str) -> bool:
    """Whether a source is an address: it begins with `scheme://` or with a variable that may hold one.

    Example:
        >>> is_address("https://example.org/churn.csv"), is_address("churn.csv")
        (True, False)
    """
    return bool(re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://|\$\{\w+\}", text)) and "\n" not in text


def source_address(text: str, environ: Mapping[str, str] = os.environ) -> Address:
    """The address that a source names.

    Raises:
        Invalid: It holds a secret itself.
        NotFound: A variable is not set.
    """
    refuse_secret(text)
    return _address(_expanded(text, environ), text, environ)


def refuse_secret(text: str) -> None:
    """Refuse an address that holds a password or token itself.

    Raises:
        Invalid: It does; the message does not repeat it.
    """
    if is_address(text) and _visible_secret(text):
        raise Invalid(
            "A source must not hold a password or token: sources are kept with the commits.",
            found=redacted(text),
            hint="Put it into the environment and name it: export SOURCE='…'; then give '${SOURCE}' (in single "
            "quotes), or a part of the address as '${NAME}'.",
        )


def connection_address(connection: str, environ: Mapping[str, str] = os.environ) -> Address:
    """The address of a connection: by its name in the environment, or an address, of which no secret is shown.

    Args:
        connection: `warehouse` (then `FETTLE_CONNECTION_WAREHOUSE` holds the address), or an address.
        environ: The environment.

    Raises:
        NotFound: The variable is not set.
    """
    if is_address(connection):
        return _address(_expanded(connection, environ), redacted(connection), environ)
    variable = "FETTLE_CONNECTION_" + re.sub(r"\W", "_", connection).upper()
    if not environ.get(variable):
        known = [
            each.removeprefix("FETTLE_CONNECTION_").lower()
            for each in environ
            if each.startswith("FETTLE_CONNECTION_")
        ]
        close = nearest(connection, known)
        raise NotFound(
            f"There is no connection {connection!r}.",
            found=f"{variable} is not set" + (f"; known: {', '.join(sorted(known))}" if known else ""),
            hint=f"Did you mean {close[0]!r}?"
            if close
            else f"export {variable}='postgresql://user:…@host/database'",
        )
    return _address(_expanded(environ[variable], environ), connection, environ)


def redacted(text: str) -> str:
    """An address without userinfo and without the values of what looks like a secret."""
    scheme, mark, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    user, at, host = host.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        user = f"{name}:{HIDDEN}" if colon and not scheme.startswith("http") else HIDDEN
    path, question, query = path.partition("?")
    if question:
        pairs = [_hidden(pair) for pair in query.split("&")]
        path = f"{path}?{'&'.join(pairs)}"
    return f"{scheme}{mark}{user}{at}{host}{slash}{path}"


def without_query(url: str, *names: str) -> tuple[str, dict[str, str]]:
    """Take some parameters out of an address; return it without them, and their values."""
    address, mark, query = url.partition("?")
    taken: dict[str, str] = {}
    kept: list[str] = []
    for pair in query.split("&") if mark else []:
        name, _, value = pair.partition("=")
        if name in names:
            taken[name] = unquote(value)
        else:
            kept.append(pair)
    return address + (f"?{'&'.join(kept)}" if kept else ""), taken


def _hidden(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{name}{equals}{HIDDEN}" if _is_secret(name, value) else pair


def _is_secret(name: str, value: str) -> bool:
    """Whether a parameter is a secret by its name, or by a long value of letters and digits mixed."""
    if not value or _VARIABLE.fullmatch(value):
        return False
    mixed = (
        bool(re.search(r"\d", value))
        and bool(re.search(r"[A-Za-z]", value))
        and not re.search(r"[/.: ]", value)
    )
    return bool(_SECRET.search(unquote(name))) or (len(value) >= _LONG and mixed)


def _visible_secret(text: str) -> bool:
    parts = urlsplit(_VARIABLE.sub("", text))
    if parts.password or (parts.scheme in ("http", "https") and parts.username):
        return True
    return any(_is_secret(name, value) for name, value in parse_qsl(parts.query))


def _expanded(text: str, environ: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in environ:
            raise NotFound(
                f"The environment variable {name} is not set.",
                found=f"${{{name}}} in the source",
                hint=f"export {name}='…'",
            )
        return environ[name]

    return _VARIABLE.sub(value, text)


def _address(url: str, shown: str, environ: Mapping[str, str]) -> Address:
    """The address with everything in it that must not be said, longest first."""
    secrets = {url if url != shown else "", *(environ.get(name, "") for name in _AWS)}
    secrets |= {environ.get(name, "") for name in _VARIABLE.findall(shown)}
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[0]
    secrets |= {netloc, netloc.partition(":")[2]}
    if parts.scheme in ("http", "https"):
        secrets |= {netloc.partition(":")[0]}
    secrets |= {value for name, value in parse_qsl(parts.query) if _is_secret(name, value)}
    if parts.query and any(_is_secret(*pair) for pair in parse_qsl(parts.query)):
        secrets.add(parts.query)
    forms = {
        form for each in secrets for form in (each, unquote(each), quote(each, safe=""), quote_plus(each))
    }
    return Address(
        url, shown, tuple(sorted((each for each in forms if len(each) > 2), key=len, reverse=True))
    )
