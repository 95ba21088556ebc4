"""Who is calling: a token's owner, or the person at this machine."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from starlette.requests import Request

from fettle.acts import Role
from fettle.core.errors import Denied
from fettle.governance import access
from fettle.workspace import Workspace


@dataclass(frozen=True)
class Caller:
    """Who acts, and with which role; `signed_in` if the sign-in page's cookie says so."""

    actor: str
    role: Role
    signed_in: bool = False


class Identity:
    """Tells the caller of a request.

    Without any token in the workspace, requests from this machine act as its user, as the command line does. As soon
    as one token exists, every request must carry one: a program as a bearer or as the password of a basic
    authorization (whatever user it names), a browser in the cookie that the sign-in page set. A browser adds its cookie
    to whatever makes it send a request, so a change by cookie must also say that it comes from a page of this server;
    what it says is checked by the `Guard`.
    """

    def __init__(self, workspace: Workspace, *, require_token: bool) -> None:
        self._workspace = workspace
        self._require_token = require_token

    def caller(self, request: Request) -> Caller:
        """Return who calls.

        Raises:
            Unauthenticated: The token is missing, unknown, expired or revoked.
            Denied: A cookie came with a change that does not say which page it comes from.
        """
        if given := _given(request.headers.get("authorization", "")):
            return self.known(given)
        if secret := request.cookies.get(cookie_of(request), ""):
            found = self.known(secret)
            if request.method not in ("GET", "HEAD") and not _from_a_page_of_ours(request):
                raise Denied(
                    "A cookie alone changes nothing.",
                    found="neither Origin nor Sec-Fetch-Site: same-origin",
                    hint="A program sends its token as `Authorization: Bearer …`.",
                )
            return Caller(found.actor, found.role, signed_in=True)
        if self.asks():
            raise Unauthenticated("This workspace asks for a token.", found="no token", hint=_HINT)
        return Caller(self._workspace.actor, Role.ADMIN)

    def asks(self) -> bool:
        """Whether a token is asked for."""
        if self._require_token:
            return True
        with self._workspace.database.read() as tx:
            return access.any_token(tx)

    def known(self, secret: str) -> Caller:
        """Return whose token this is.

        Raises:
            Unauthenticated: Nobody's: it is unknown, expired or revoked.
        """
        with self._workspace.database.read() as tx:
            token = access.identify(tx, secret, now=self._workspace.clock.now())
        if token is None:
            raise Unauthenticated("The token is not valid.", found="unknown, expired or revoked", hint=_HINT)
        return Caller(token.actor, Role[token.role.upper()])


class Unauthenticated(Denied):
    """Nobody, or somebody unknown, is calling."""

    status = 401


def cookie_of(request: Request) -> str:
    """The name of the cookie that keeps the token.

    Browsers share cookies among the ports of a host, so the name carries the port: two workspaces that are served on
    one machine do not sign each other's people out.
    """
    port = request.headers.get("host", "").rpartition(":")[2]
    return f"fettle-token-{port}" if port.isascii() and port.isdigit() else "fettle-token"


def _given(header: str) -> str:
    """The token in an `Authorization` header; empty if there is none."""
    scheme, _, secret = header.partition(" ")
    if scheme.lower() == "bearer":
        return secret.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(secret.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated(
            "The authorization cannot be read.", found="broken base64", hint=_HINT
        ) from None


def _from_a_page_of_ours(request: Request) -> bool:
    return "origin" in request.headers or request.headers.get("sec-fetch-site") == "same-origin"


_HINT = "An administrator makes one with `fettle governance grant ACTOR ROLE`; give it as FETTLE_TOKEN."
