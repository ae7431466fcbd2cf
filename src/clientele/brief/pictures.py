"""Pictures as SVG text: nothing is loaded, and no library is needed."""

import math
from collections.abc import Callable
from html import escape

WIDTH, HEIGHT, RIGHT, FOOT = 640, 100, 118, 18


def bars(
    values: list[float],
    usual: float,
    band: tuple[float, float],
    written: Callable[[float], str],
    title: str,
) -> str:
    """Return a bar for each period, the newest last, and the usual value with its range.

    A period without a value has no bar. The axis begins at 0: a bar from elsewhere would mislead.
    """
    known = [value for value in [*values, usual, *band] if math.isfinite(value)]
    # Returns can outweigh sales: then bars reach below 0.
    top, bottom = max(known), min(0.0, *known)
    span = (top - bottom) or 1.0
    width = (WIDTH - RIGHT) / max(len(values), 1)

    def y(value):
        return HEIGHT - FOOT - (HEIGHT - FOOT - 4) * (value - bottom) / span

    low, high = band
    drawn = [
        f'<rect class="band" x="0" y="{y(high):.1f}" width="{WIDTH - RIGHT}" '
        f'height="{max(y(low) - y(high), 1):.1f}"/>'
    ]
    for number, value in enumerate(values):
        if math.isfinite(value):
            kind = "now" if number == len(values) - 1 else "bar"
            drawn.append(
                f'<rect class="{kind}" x="{number * width + 1:.1f}" y="{y(max(value, 0)):.1f}" '
                f'width="{max(width - 2, 1):.1f}" height="{max(abs(y(0) - y(value)), 0.5):.1f}"/>'
            )
    drawn.append(
        f'<line class="usual" x1="0" x2="{WIDTH - RIGHT}" y1="{y(usual):.1f}" y2="{y(usual):.1f}"/>'
    )
    # Two labels that would overlap move apart.
    at_now, at_usual = y(values[-1]), y(usual)
    if abs(at_now - at_usual) < 13:
        at_now, at_usual = (
            (at_usual - 13, at_usual) if at_now < at_usual else (at_usual + 13, at_usual)
        )
    for at, words in (
        (at_now, f"now {written(values[-1])}"),
        (at_usual, f"usual {written(usual)}"),
    ):
        at = min(max(at + 4, 10), HEIGHT - FOOT + 10)
        drawn.append(f'<text x="{WIDTH - RIGHT + 6}" y="{at:.1f}">{escape(words)}</text>')
    drawn.append(
        f'<text x="0" y="{HEIGHT - 4}">the last {len(values)} periods, and the usual range</text>'
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        + "".join(drawn)
        + "</svg>"
    )
