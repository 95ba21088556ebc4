"""The reconciler: brings a model back, step by step, and survives being killed between any two of them.

One pass is level-triggered: it looks at what is, not at what was announced. It turns alerts, schedule and new labels
into intents, decides whether one may start, and walks it `decided → training → evaluating → promoted | rejected`.
Every transition is one transaction, held to a lease by its fencing token, so a reconciler that was paused and
overtaken can change nothing any more. Promotion happens in the same transaction as the intent's last transition:
it is done once or not at all.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from fettle.core import ids
from fettle.core.errors import Conflict, FettleError, GateFailed, Unavailable
from fettle.retraining.records import ACTIVE, Candidate, Intent, Verdict

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.storage.ports import Grant, Leases

Solve = Callable[[Intent], Candidate]
"""Train a challenger as of ``intent.decided_at`` and register it; return which version it is.

Called again with the same intent after an error or a kill. It must come to the same version then: name pipeline runs
by ``intent.id``, so that finished steps are reused, and register the same bundle."""

Judge = Callable[[Intent, Candidate], Verdict]
"""Compare the challenger with the champion. Called again after an error or a kill."""


class Pass(msgspec.Struct, frozen=True):
    """What one pass did: ``idle`` (nothing to do), ``follower`` (another reconciler leads), ``worked``."""

    outcome: Literal["idle", "follower", "worked"]
    observed: list[Intent] = []
    intent: Intent | None = None


class Reconciler:
    """Walks the intents of one project. One process at a time leads; any number may stand by.

    Args:
        ws: A workspace with leases (embedded or PostgreSQL).
        project: A project with a retraining policy.
        solve: Trains, see :data:`Solve`.
        judge: Compares, see :data:`Judge`.
        holder: Names this reconciler; a name used before takes its own lease back at once. None makes one.
        ttl_s: How long others wait after this one died.

    Raises:
        Unavailable: The workspace is remote and has no leases.
    """

    def __init__(
        self,
        ws: Surface,
        project: str,
        *,
        solve: Solve,
        judge: Judge,
        holder: str | None = None,
        ttl_s: float = 30.0,
    ) -> None:
        if ws.leases is None:
            raise Unavailable(
                "A reconciler needs a workspace with leases.",
                found=f"{ws.url} is remote",
                hint="Run it where the database is reachable: in the folder, or with postgresql://…",
            )
        self._ws = ws
        self._leases: Leases = ws.leases
        self._project = project
        self._solve = solve
        self._judge = judge
        self._holder = holder or f"{socket.gethostname()}:{os.getpid()}:{ids.event_id()[-6:]}"
        self._ttl_s = ttl_s
        self._grant: Grant | None = None

    def step(self) -> Pass:
        """Make one pass; return when there is nothing more to do for the intent in hand.

        Raises:
            Conflict: Another reconciler took over meanwhile; this one has changed nothing since.
        """
        if not self._ws.call("retraining.pending", project=self._project):
            return Pass("idle")
        grant = self._lead()
        if grant is None:
            return Pass("follower")
        observed = self._ws.call("retraining.observe", project=self._project, token=grant.token)
        intent = self._ws.call("retraining.decide", project=self._project, token=grant.token)
        if intent is None:
            return Pass("worked" if observed else "idle", observed)
        while intent.state in ACTIVE:
            after = self._advance(intent, grant)
            if (after.state, after.errors) == (intent.state, intent.errors):
                break
            intent = after
        return Pass("worked", observed, intent)

    def close(self) -> None:
        """Let another reconciler lead at once."""
        if self._grant is not None:
            self._leases.release(self._grant)
            self._grant = None

    def _lead(self) -> Grant | None:
        if self._grant is not None:
            try:
                self._grant = self._leases.renew(self._grant)
            except Conflict:
                self._grant = None
        if self._grant is None:
            self._grant = self._leases.acquire(f"retraining/{self._project}", self._holder, self._ttl_s)
        return self._grant

    def _advance(self, intent: Intent, grant: Grant) -> Intent:
        """Do the next piece of work of an intent and make its transition."""
        begun: Intent = self._ws.call("retraining.begin", intent=intent.id, token=grant.token)
        candidate, verdict = begun.candidate, None
        with Attempt(self._leases, grant) as attempt:
            if begun.state == "training":
                candidate = self._solve(begun)
            elif begun.state == "evaluating" and candidate is not None:
                verdict = self._judge(begun, candidate)
        if attempt.error is not None:
            said = attempt.error.message if isinstance(attempt.error, FettleError) else repr(attempt.error)
            return self._ws.call(
                "retraining.stumbled", intent=intent.id, token=grant.token, error=said[:2000]
            )
        if verdict is not None:
            return self._conclude(begun, grant, verdict)
        if begun.state == "training":
            return self._ws.call(
                "retraining.trained", intent=intent.id, token=grant.token, candidate=candidate
            )
        return begun

    def _conclude(self, intent: Intent, grant: Grant, verdict: Verdict) -> Intent:
        try:
            return self._ws.call("retraining.conclude", intent=intent.id, token=grant.token, verdict=verdict)
        except GateFailed as refused:
            reason = f"the registry refused: {refused.found or refused.message}"
            turned = Verdict(False, reason, verdict.evidence)
            return self._ws.call("retraining.conclude", intent=intent.id, token=grant.token, verdict=turned)


class Attempt:
    """Long work under a lease: a thread prolongs the lease meanwhile, and an error of the work is kept, not raised.

    Being interrupted (Ctrl-C, SystemExit) is no error of the work and passes through.

    Args:
        leases: Who gave the lease.
        grant: The lease.
    """

    def __init__(self, leases: Leases, grant: Grant) -> None:
        self.error: Exception | None = None
        self._leases = leases
        self._grant = grant
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def _keep(self) -> None:
        while not self._done.wait(self._grant.ttl_s / 3):
            try:
                self._grant = self._leases.renew(self._grant)
            except Conflict:
                return  # overtaken: what the work brings will be refused by its fencing token
            except FettleError:
                continue  # the database is away for a moment; the lease may last until it is back

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._done.set()
        self._thread.join()
        self.error = error if isinstance(error, Exception) else None
        return self.error is not None
