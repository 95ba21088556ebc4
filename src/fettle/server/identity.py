"""Who is calling: a bearer token's owner, or the person at this machine."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from fettle.acts import Role
from fettle.core.errors import Denied
from fettle.governance import access
from fettle.workspace import Workspace

TOKEN_COOKIE = "fettle-token"


@dataclass(frozen=True)
class Caller:
    """Who acts, and with which role."""

    actor: str
    role: Role


class Identity:
    """Tells the caller of a request.

    Without any token in the workspace, requests from this machine act as its user, as the command line does. As soon
    as one token exists, every request must carry one.
    """

    def __init__(self, workspace: Workspace, *, require_token: bool) -> None:
        self._workspace = workspace
        self._require_token = require_token

    def caller(self, request: Request) -> Caller:
        """Return who calls: by bearer token, or by the cookie that the sign-in page set.

        Raises:
            Unauthenticated: The token is missing, unknown, expired or revoked.
        """
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        secret = bearer.strip() if scheme.lower() == "bearer" else request.cookies.get(TOKEN_COOKIE, "")
        if secret:
            return self.known(secret)
        with self._workspace.database.read() as tx:
            if self._require_token or access.any_token(tx):
                raise Unauthenticated("This workspace asks for a token.", found="no token", hint=_HINT)
        return Caller(self._workspace.actor, Role.ADMIN)

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


_HINT = "An administrator makes one with `fettle governance grant ACTOR ROLE`; give it as FETTLE_TOKEN."
