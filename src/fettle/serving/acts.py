"""What can be done with endpoints: deploy, look, take away; and the report that a worker sends of itself."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from fettle.acts import Context, act
from fettle.core import ids
from fettle.core.clock import SystemClock
from fettle.core.errors import Invalid, NotFound
from fettle.registry import acts as registry
from fettle.serving import store
from fettle.serving.records import Endpoint, Target, Traffic, Worker

STALE_AFTER_S = 15.0
LARGEST_PORT = 65_535

# Whether a process is alive, and which minute it works in, is a matter of the machine's time, not of the
# workspace's: a replay's clock may run a year in a minute while heartbeats come every two seconds.
MACHINE = SystemClock()


@act("serving.deploy")
def deploy(
    ctx: Context,
    endpoint: str,
    model: str,
    *,
    alias: str = "champion",
    host: str = "127.0.0.1",
    port: int = 0,
) -> Endpoint:
    """Name an endpoint that answers with the version behind an alias.

    Deploying a name again points it elsewhere; running workers follow within a second without a failed request.

    Args:
        endpoint: The endpoint's name.
        model: The registered model.
        alias: The alias whose version is served; moving it swaps what is served.
        host: The address workers listen on.
        port: The port workers listen on; 0 takes any free one.
    """
    ids.check_name("endpoint", endpoint)
    if not 0 <= port <= LARGEST_PORT:
        raise Invalid("A port is a number from 0 to 65535.", found=str(port), hint="Use 0 for any free port.")
    registry.alias(ctx, model, alias)
    registry.follow(ctx, model, alias, by=f"endpoint:{endpoint}")
    deployed = Endpoint(endpoint, model, alias, host, port, ctx.now, ctx.actor)
    store.put_endpoint(ctx.tx, deployed)
    ctx.emit("serving.deployed", f"endpoint:{endpoint}", model=model, alias=alias)
    return _with_workers(ctx, deployed)


@act("serving.undeploy")
def undeploy(ctx: Context, endpoint: str) -> Endpoint:
    """Take an endpoint away; its workers finish what they have and stop. The prediction log stays.

    Args:
        endpoint: The endpoint's name.
    """
    gone = _find(ctx, endpoint)
    store.drop_endpoint(ctx.tx, endpoint)
    registry.unfollow(ctx, by=f"endpoint:{endpoint}")
    ctx.emit("serving.undeployed", f"endpoint:{endpoint}", model=gone.model)
    return gone


@act("serving.endpoints", reads=True)
def endpoints(ctx: Context) -> list[Endpoint]:
    """List the endpoints with their workers."""
    return [_with_workers(ctx, each) for each in store.list_endpoints(ctx.tx)]


@act("serving.show", reads=True)
def show(ctx: Context, endpoint: str) -> Endpoint:
    """Show one endpoint with its workers, the newest first.

    Args:
        endpoint: The endpoint's name.
    """
    return _with_workers(ctx, _find(ctx, endpoint))


@act("serving.target", reads=True)
def target(ctx: Context, endpoint: str) -> Target:
    """Tell which version an endpoint should answer with now; version 0 if its alias points nowhere.

    Args:
        endpoint: The endpoint's name.
    """
    found = _find(ctx, endpoint)
    wanted = Target(found.name, found.model, found.alias, found.host, found.port)
    try:
        version = registry.alias(ctx, found.model, found.alias)
    except NotFound:
        return wanted
    return msgspec.structs.replace(wanted, version=version.version, bundle=version.bundle)


@act("serving.heartbeat", audited=False)
def heartbeat(ctx: Context, worker: Worker, *, spent: list[Traffic] | None = None) -> Worker:
    """Report a worker's state and what it served since its last report.

    Args:
        worker: The worker, as it sees itself; `seen_at` is set here.
        spent: Traffic since the last report, by version; None means none.
    """
    seen = msgspec.structs.replace(worker, seen_at=MACHINE.now())
    if store.find_endpoint(ctx.tx, worker.endpoint) is None:
        return seen  # undeployed: the worker is about to stop
    store.put_worker(ctx.tx, seen)
    minute = seen.seen_at.replace(second=0, microsecond=0)
    for each in spent or []:
        store.add_traffic(ctx.tx, worker.endpoint, worker.worker, minute, each)
    return seen


@act("serving.traffic", reads=True)
def traffic(ctx: Context, endpoint: str, *, minutes: int = 60) -> list[Traffic]:
    """Show what an endpoint served, by minute, worker and version, oldest first.

    Args:
        endpoint: The endpoint's name.
        minutes: How far to look back, by the machine's time.
    """
    _find(ctx, endpoint)
    return store.list_traffic(ctx.tx, endpoint, MACHINE.now() - timedelta(minutes=minutes))


def _find(ctx: Context, name: str) -> Endpoint:
    found = store.find_endpoint(ctx.tx, name)
    if found is None:
        names = [each.name for each in store.list_endpoints(ctx.tx)]
        raise NotFound.among(
            "endpoint", name, names, hint=f"Make it with `fettle serving deploy {name} MODEL`."
        )
    return found


def _with_workers(ctx: Context, endpoint: Endpoint) -> Endpoint:
    oldest = MACHINE.now() - timedelta(seconds=STALE_AFTER_S)
    seen = [
        msgspec.structs.replace(each, state="stale")
        if each.state != "stopped" and each.seen_at < oldest
        else each
        for each in store.list_workers(ctx.tx, endpoint.name)
    ]
    return msgspec.structs.replace(endpoint, workers=seen)
