"""How the demonstration is told at its end: figures, a picture for the terminal, and the same picture as a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.units import duration_text

if TYPE_CHECKING:
    from fettle.projects.demo import DemoReport

PICTURE = "accuracy.svg"
ROWS = 11
MARGIN = 7
WAYS = (
    ("loop", "fettle's loop", "●", "a", "36"),
    ("frozen", "frozen first model", "○", "b", "33"),
    ("baseline", "last known class", "·", "f", "90"),
)


def figures(report: DemoReport) -> list[tuple[str, str]]:
    """The numbers, each with its name."""
    accuracy = report.accuracy
    return [
        ("accuracy, fettle's loop", f"{accuracy.loop:.4f}"),
        ("accuracy, frozen first model", f"{accuracy.frozen:.4f}"),
        ("accuracy, last class known (baseline)", f"{accuracy.baseline:.4f}"),
        ("requests", f"{report.requests:,}"),
        ("failures", f"{report.failures:,}"),
        ("alerts", f"{report.alerts:,}"),
        ("retrainings", f"{report.retrainings:,}"),
        ("promotions", f"{report.promotions:,}"),
        ("rejections", f"{report.rejections:,}"),
        ("time, training first", duration_text(report.trained_s)),
        ("time, whole", duration_text(report.seconds)),
    ]


def account(report: DemoReport) -> list[str]:
    """The end of the story for a terminal: picture, figures, where to look next."""
    rows = figures(report)
    width = max(len(name) for name, _ in rows)
    place = report.workspace
    if Path(place).is_relative_to(Path.cwd()):
        place = os.path.relpath(place)
    return [
        "",
        *chart(report, colours=sys.stdout.isatty() and not os.environ.get("NO_COLOR")),
        "",
        *(f"  {name:<{width}}  {value:>10}" for name, value in rows),
        "",
        "Look next:",
        f"  fettle ui -C {place}",
        f"  fettle registry versions electricity -C {place}",
        f"  fettle monitoring alerts -C {place}",
        f"  {os.path.join(place, PICTURE)}",
        "  fettle up FILE --target COLUMN   (the same for your own data)",
    ]


def chart(report: DemoReport, *, colours: bool = False) -> list[str]:
    """Accuracy over time in characters, a column a stretch; ▲ below marks a promotion."""
    stretches = report.stretches
    if not stretches:
        return []
    values = {name: [getattr(each.accuracy, name) for each in stretches] for name, *_ in WAYS}
    low = min(min(each) for each in values.values())
    high = max(max(each) for each in values.values())
    step = (high - low) / (ROWS - 1) or 1.0
    grid = [[" "] * len(stretches) for _ in range(ROWS)]
    for name, _, sign, _, colour in reversed(WAYS):
        for column, value in enumerate(values[name]):
            grid[ROWS - 1 - round((value - low) / step)][column] = _paint(sign, colour if colours else "")
    lines = [f"  Accuracy, {stretches[0].start_at:%B %Y} to {stretches[-1].start_at:%B %Y}"]
    lines += [f"  {high - index * step:.2f} ┤{''.join(row)}" for index, row in enumerate(grid)]
    lines.append(" " * MARGIN + "└" + "─" * len(stretches))
    marks = [" "] * len(stretches)
    for column in _promotions(report):
        marks[column] = "▲"
    lines.append(" " * (MARGIN + 1) + "".join(marks).rstrip())
    legend = "   ".join(
        f"{_paint(sign, colour if colours else '')} {text}" for _, text, sign, _, colour in WAYS
    )
    return [*lines, " " * MARGIN + f" {legend}   ▲ promotion"]


def picture(report: DemoReport) -> str:
    """The same as an SVG file that stands by itself, in light and dark."""
    from fettle.web import curves

    series = [
        curves.Line(
            text,
            [(curves.seconds(each.start_at), getattr(each.accuracy, name)) for each in report.stretches],
            tone,
            "" if name == "loop" else "dashed",
        )
        for name, text, _, tone, _ in WAYS
    ]
    marks = [
        curves.Mark(
            curves.seconds(move.at), f"version {move.version} {move.decision}", move.decision == "promoted"
        )
        for move in report.moves
    ]
    drawn = str(
        curves.lines(
            series, label="Accuracy over time", marks=marks, times=True, y_text=lambda value: f"{value:.0%}"
        )
    )
    return drawn.replace(
        '<svg class="chart"', '<svg xmlns="http://www.w3.org/2000/svg" class="chart"', 1
    ).replace(">", f"><style>{STYLE}</style>", 1)


def _promotions(report: DemoReport) -> Iterator[int]:
    """The column of each promotion: the last stretch that had begun."""
    for move in report.moves:
        if move.decision == "promoted":
            begun: Sequence[int] = [
                index for index, each in enumerate(report.stretches) if each.start_at <= move.at
            ]
            yield begun[-1] if begun else 0


def _paint(text: str, colour: str) -> str:
    return f"\033[{colour}m{text}\033[0m" if colour else text


STYLE = """
.chart{color-scheme:light dark;background:light-dark(#fff,#15181b);font-family:system-ui,sans-serif}
.chart text{fill:light-dark(#4a5057,#b6bdc4);font-size:12px}
.grid{stroke:light-dark(#e4e7ea,#2a2f34)}.axis{stroke:light-dark(#aab0b6,#5a6168)}
.stroke{fill:none;stroke-width:2;stroke-linejoin:round}.dashed{stroke-dasharray:5 4}
.s-a{stroke:light-dark(#0069a8,#5bb6ea)}.s-b{stroke:light-dark(#c25a08,#f3a35a)}.s-f{stroke:light-dark(#6f757b,#8f969e)}
.f-a{fill:light-dark(#0069a8,#5bb6ea)}.f-b{fill:light-dark(#c25a08,#f3a35a)}.f-f{fill:light-dark(#6f757b,#8f969e)}
.hit{fill:transparent}.mark{stroke:#c2410c;stroke-dasharray:2 3}.mark-head{fill:#c2410c}
.mark-head.refused{fill:none;stroke:#c2410c}
""".replace("\n", "")
