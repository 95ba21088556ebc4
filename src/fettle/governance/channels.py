"""Where notices may go: checked when somebody subscribes, carried when the time has come."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from fettle.core.errors import Denied, Invalid, MissingExtra, Unavailable
from fettle.governance.records.notices import Channel, Parcel
from fettle.storage import outgoing

TIMEOUT_S = 10.0
MOST_SAID = 500
HIDDEN = "•••"

_REFUSED = frozenset(
    (
        "file",
        "syslog",
        "rsyslog",
        "dbus",
        "glib",
        "qt",
        "kde",
        "gnome",
        "macosx",
        "windows",
        "blink1",
        "vapid",
        "nostr",
    )
)
"""Channels of Apprise that act on the machine of the workspace, or read its files."""


def channel_of(target: str) -> Channel:
    """Which way leads to a target: `https://…` a webhook, any other scheme a channel of Apprise.

    Raises:
        Invalid: It is neither.
        Denied: It is one that is not allowed.
        MissingExtra: Apprise is not installed.
    """
    scheme = urlsplit(target).scheme.lower() if "://" in target else ""
    if scheme in ("http", "https"):
        outgoing.checked(target)
        return "webhook"
    if not scheme:
        raise Invalid(
            f"{shown(target)!r} is no address.",
            hint="Give https://…, or an Apprise address such as slack://…",
        )
    plugin(target)
    return "apprise"


def shown(target: str) -> str:
    """An address without what gives access: scheme and, of a webhook, host."""
    parts = urlsplit(target)
    if not parts.scheme:
        return HIDDEN
    host = parts.netloc.rpartition("@")[2] if parts.scheme in ("http", "https") else ""
    return f"{parts.scheme}://{host}/{HIDDEN}" if host else f"{parts.scheme}://{HIDDEN}"


def carry(parcel: Parcel) -> tuple[bool, int | None, str]:
    """Send a notice once: whether it arrived, the HTTP status if there was one, and what was said."""
    try:
        return _by_apprise(parcel) if parcel.channel == "apprise" else _by_request(parcel)
    except (Denied, Invalid, Unavailable, MissingExtra) as error:
        return False, None, f"{error.message} {error.found}"[:MOST_SAID]


def _by_request(parcel: Parcel) -> tuple[bool, int | None, str]:
    answer = outgoing.send(
        parcel.target, body=parcel.body.encode(), headers=parcel.headers, timeout_s=TIMEOUT_S
    )
    away = answer.headers.get("location", "") if 300 <= answer.status < 400 else ""
    said = f"a redirect to {away}, which is not followed" if away else answer.text
    return answer.good, answer.status, said[:MOST_SAID]


def _by_apprise(parcel: Parcel) -> tuple[bool, int | None, str]:
    channel = plugin(parcel.target)
    good = bool(channel.notify(body=parcel.body, title=parcel.title))
    return good, None, "" if good else "Apprise could not deliver it"


def plugin(target: str) -> Any:
    """The channel that Apprise has for an address; it comes from a package without types.

    Raises:
        Invalid: Apprise does not know such an address.
        Denied: The channel acts on this machine, or leads to a host that was not allowed.
        MissingExtra: Apprise is not installed.
    """
    try:
        import apprise
    except ImportError as error:
        raise MissingExtra.of("apprise", "notify") from error
    made = apprise.Apprise.instantiate(target, suppress_exceptions=True)
    if made is None:
        raise Invalid(
            f"Apprise knows no channel for {shown(target)}.",
            found="an unknown scheme, or an address that lacks something",
            hint="See https://appriseit.com for the forms.",
        )
    _check_allowed(made, target)
    return made


def _check_allowed(channel: Any, target: str) -> None:
    """Apprise opens its own connections: to a service's fixed host it may, to a host of the address only if named."""
    scheme, _, rest = target.partition("://")
    if scheme.lower() in _REFUSED or "://" in unquote(unquote(rest)):
        raise Denied(
            f"The channel {scheme} may not be used so.",
            found="it acts on the machine of the workspace, or has another address in its address",
            hint="Use a webhook, or a channel to a service.",
        )
    if "host" not in getattr(channel, "template_tokens", {}):
        return
    allowed = [each.casefold().partition(":")[0] for each in outgoing.private_hosts()]
    for host in (getattr(channel, "host", None), getattr(channel, "smtp_host", None)):
        if host and str(host).casefold() not in allowed:
            raise Denied(
                f"The channel {scheme} leads to a host of its own, which was not allowed.",
                found=str(host),
                hint=f"Who runs this process may allow it: {outgoing.PRIVATE_HOSTS}={host}",
            )
