"""The picture of a captured voltage: a small SVG with a line, a grid and the numbers at its edges."""

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT = 640, 260
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 28, 16, 34
_DIVISIONS = (10, 8)


def draw_capture(
    title: str, times: Sequence[float], volts: Sequence[float], *, low: float, high: float, level: float
) -> str:
    """Return the picture as SVG.

    Args:
        title: what was captured.
        times: seconds after the trigger, in order; two at least.
        volts: one a time.
        low: volts at the lower edge.
        high: volts at the upper edge.
        level: volts of the trigger, drawn as a dashed line.
    """
    inner_width, inner_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    begin, end = times[0], times[-1]

    def x(time: float) -> float:
        return _LEFT + inner_width * (time - begin) / (end - begin)

    def y(volt: float) -> float:
        return _TOP + inner_height * (high - volt) / (high - low)

    across, down = _DIVISIONS
    grid = "".join(
        [f"M{_LEFT + inner_width * n / across:.1f} {_TOP}v{inner_height}" for n in range(across + 1)]
        + [f"M{_LEFT} {_TOP + inner_height * n / down:.1f}h{inner_width}" for n in range(down + 1)]
    )
    line = " ".join(f"{x(time):.1f},{y(volt):.1f}" for time, volt in _corners(times, volts))
    bottom = _TOP + inner_height + 20
    labels = [
        (_LEFT - 6, y(high) + 4, "end", f"{high:.4g} V"),
        (_LEFT - 6, y(low) + 4, "end", f"{low:.4g} V"),
        (_LEFT - 6, y(level) + 4, "end", f"{level:.4g} V"),
        (_LEFT, bottom, "middle", f"{begin * 1e3:.4g} ms"),
        (x(0.0), bottom, "middle", "0"),
        (_LEFT + inner_width, bottom, "end", f"{end * 1e3:.4g} ms"),
        (_LEFT, _TOP - 10, "start", title),
    ]
    texts = "".join(
        f'<text x="{at_x:.1f}" y="{at_y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        for at_x, at_y, anchor, text in labels
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        f'<path d="{grid}" stroke="#ddd" fill="none"/>'
        f'<path d="M{_LEFT} {y(level):.1f}h{inner_width}M{x(0.0):.1f} {_TOP}v{inner_height}" stroke="#c60" '
        'stroke-dasharray="4 3" fill="none"/>'
        f'<polyline points="{line}" stroke="#036" stroke-width="1.5" fill="none"/>'
        f"{texts}</svg>\n"
    )


def _corners(times: Sequence[float], volts: Sequence[float]) -> list[tuple[float, float]]:
    """Leave out samples between two equal ones: the line stays the same, and the picture small."""
    last = len(volts) - 1
    return [
        (time, volt)
        for index, (time, volt) in enumerate(zip(times, volts, strict=True))
        if index in {0, last} or not volts[index - 1] == volt == volts[index + 1]
    ]
