"""Units of measurement: what each is in its kind's base unit, as `base = value · factor + offset`.

Factors are exact by definition (international yard and pound agreement 1959, ISO 80000) where a unit has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fettle.core.errors import Invalid, NotFound

_KINDS: dict[str, dict[str, tuple[float, float]]] = {
    "mass": {
        "kg": (1.0, 0.0),
        "g": (1e-3, 0.0),
        "mg": (1e-6, 0.0),
        "µg": (1e-9, 0.0),
        "t": (1e3, 0.0),
        "lb": (0.45359237, 0.0),
        "oz": (0.028349523125, 0.0),
        "st": (6.35029318, 0.0),
    },
    "length": {
        "m": (1.0, 0.0),
        "km": (1e3, 0.0),
        "cm": (1e-2, 0.0),
        "mm": (1e-3, 0.0),
        "µm": (1e-6, 0.0),
        "in": (0.0254, 0.0),
        "ft": (0.3048, 0.0),
        "yd": (0.9144, 0.0),
        "mi": (1609.344, 0.0),
        "nmi": (1852.0, 0.0),
    },
    "temperature": {
        "K": (1.0, 0.0),
        "°C": (1.0, 273.15),
        "°F": (5.0 / 9.0, 459.67 * 5.0 / 9.0),
        "°R": (5.0 / 9.0, 0.0),
    },
    "time": {
        "s": (1.0, 0.0),
        "ms": (1e-3, 0.0),
        "µs": (1e-6, 0.0),
        "min": (60.0, 0.0),
        "h": (3600.0, 0.0),
        "d": (86_400.0, 0.0),
        "wk": (604_800.0, 0.0),
    },
    "volume": {
        "l": (1.0, 0.0),
        "ml": (1e-3, 0.0),
        "cl": (1e-2, 0.0),
        "dl": (1e-1, 0.0),
        "m³": (1e3, 0.0),
        "gal": (3.785411784, 0.0),
        "qt": (0.946352946, 0.0),
        "pt": (0.473176473, 0.0),
        "floz": (0.0295735295625, 0.0),
    },
    "area": {
        "m²": (1.0, 0.0),
        "cm²": (1e-4, 0.0),
        "km²": (1e6, 0.0),
        "ha": (1e4, 0.0),
        "acre": (4046.8564224, 0.0),
        "ft²": (0.09290304, 0.0),
    },
    "speed": {"m/s": (1.0, 0.0), "km/h": (1 / 3.6, 0.0), "mph": (0.44704, 0.0), "kn": (1852 / 3600, 0.0)},
    "pressure": {
        "Pa": (1.0, 0.0),
        "hPa": (100.0, 0.0),
        "kPa": (1e3, 0.0),
        "bar": (1e5, 0.0),
        "mbar": (100.0, 0.0),
        "psi": (6894.757293168361, 0.0),
        "atm": (101_325.0, 0.0),
        "mmHg": (133.322387415, 0.0),
    },
    "energy": {
        "J": (1.0, 0.0),
        "kJ": (1e3, 0.0),
        "kWh": (3.6e6, 0.0),
        "Wh": (3600.0, 0.0),
        "cal": (4.184, 0.0),
        "kcal": (4184.0, 0.0),
    },
    "share": {"1": (1.0, 0.0), "%": (1e-2, 0.0), "‰": (1e-3, 0.0), "ppm": (1e-6, 0.0), "bp": (1e-4, 0.0)},
    "data": {
        "B": (1.0, 0.0),
        "kB": (1e3, 0.0),
        "MB": (1e6, 0.0),
        "GB": (1e9, 0.0),
        "TB": (1e12, 0.0),
        "KiB": (1024.0, 0.0),
        "MiB": (1048576.0, 0.0),
        "GiB": (1073741824.0, 0.0),
    },
}
_ALSO = {
    "kg": "kilogram kilograms kilo kgs",
    "g": "gram grams",
    "µg": "ug μg",
    "t": "tonne tonnes",
    "lb": "lbs pound pounds",
    "oz": "ounce ounces",
    "st": "stone",
    "m": "metre metres meter meters",
    "µm": "um μm",
    "in": 'inch inches " ″',
    "ft": "foot feet ' ′",
    "yd": "yard yards",
    "mi": "mile miles",
    "°C": "c celsius degc ℃",
    "°F": "f fahrenheit degf ℉",
    "K": "kelvin",
    "s": "sec second seconds",
    "µs": "us μs",
    "min": "mins minute minutes",
    "h": "hr hrs hour hours",
    "d": "day days",
    "wk": "week weeks",
    "l": "litre litres liter liters",
    "gal": "gallon gallons",
    "m³": "m3",
    "m²": "m2",
    "cm²": "cm2",
    "km²": "km2",
    "ft²": "ft2 sqft",
    "acre": "acres",
    "ha": "hectare hectares",
    "km/h": "kmh kph",
    "kn": "knots",
    "%": "percent pct",
}
_OTHER_NAMES = {other: name for name, others in _ALSO.items() for other in others.split()}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}
_FOLDED = {
    folded: found[0]
    for folded, found in (
        (each.lower(), [name for name in _KIND_OF if name.lower() == each.lower()]) for each in _KIND_OF
    )
    if len(found) == 1
}
_MEASURED = re.compile(r"\s*([-+−]?[\d.,'\u2009\u202f\u00a0 ]*\d(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*")


def unit_of(text: str) -> str | None:
    """The unit that a text names: as it is written, by another name, or in other case where only one can be meant."""
    name = text.strip().rstrip(".")
    if name in _KIND_OF:
        return name
    folded = name.lower()
    return _OTHER_NAMES.get(name) or _OTHER_NAMES.get(folded) or _FOLDED.get(folded)


def known_unit(text: str) -> str:
    """The unit that a text names.

    Raises:
        NotFound: None is known by that name.
    """
    found = unit_of(text)
    if found is None:
        raise NotFound.among("unit", text, list(_KIND_OF))
    return found


def conversion(start: str, end: str) -> Callable[[float], float]:
    """How a number in one unit is written in another.

    Args:
        start: A unit that `unit_of` gives.
        end: Another of the same kind.

    Raises:
        Invalid: They measure different things.

    Example:
        >>> conversion("lb", "kg")(2.0)
        0.90718474
        >>> round(conversion("°F", "°C")(212.0), 9)
        100.0
    """
    factor, offset = line(start, end)
    return lambda value: value * factor + offset


def line(start: str, end: str) -> tuple[float, float]:
    """Factor and offset of the same: `end = start · factor + offset`."""
    kind, other = _KIND_OF[start], _KIND_OF[end]
    if kind != other:
        raise Invalid(
            f"{start} cannot be written in {end}.",
            found=f"{start} measures {kind}, {end} measures {other}",
            hint=f"Units of {other}: {', '.join(_KINDS[other])}.",
        )
    if start == end:
        return 1.0, 0.0
    (a, b), (c, d) = _KINDS[kind][start], _KINDS[kind][end]
    return a / c, (b - d) / c


def measured(text: str) -> tuple[str, str] | None:
    """A text as number and unit, both as written; the unit may be empty. None if it does not begin with a number.

    Example:
        >>> measured("12.5 kg"), measured("70lbs"), measured("heavy")
        (('12.5', 'kg'), ('70', 'lbs'), None)
    """
    found = _MEASURED.fullmatch(text)
    return (found[1], found[2] or "") if found else None
