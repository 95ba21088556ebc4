"""`fettle config`: every setting, its value, and who decided it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from fettle.cli.place import Place

config = App(
    name="config",
    help="Show every setting, its value and where it comes from.",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)

SECRET = frozenset({"token"})


@config.command
def show(
    key: Annotated[
        str | None, Parameter(help="One key, such as serve.port; all of them if not given.")
    ] = None,
    *,
    origin: Annotated[bool, Parameter(help="Say where each value comes from.", negative="")] = False,
    place: Place | None = None,
) -> None:
    """Print settings with their values.

    A flag wins over the environment, that over fettle.toml, that over the default. Durations are in seconds.
    """
    from fettle.cli.output import emit

    place = place or Place()
    settings = place.settings()
    chosen = [settings.value(key)] if key else settings.all()
    rows = [
        {
            "key": each.setting.key,
            "value": "•••" if each.setting.key in SECRET and each.value else each.value,
            **({"origin": each.origin, "variable": each.setting.variable} if origin else {}),
        }
        for each in chosen
    ]
    emit(rows, as_json=place.json)
