"""The preview image of a page: its overview without titles, as a PNG of pixels set by hand."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.web.marks import Mark, Stroke
from app.web.overview import Overview

WIDTH, HEIGHT = 1200, 630  # pixels, as the Open Graph protocol's readers show it
MARGIN, AXIS_PIXELS, MAX_ROW_PIXELS = 40, 44, 34
SMOOTHING = 2  # pixels are drawn so many times as fine, and then averaged
PAPER, BAND, GRID, INK = (251, 250, 247), (240, 239, 235), (220, 216, 205), (93, 89, 79)
HUES = ((12, 90, 110), (122, 62, 20), (78, 66, 140), (80, 84, 10), (122, 48, 92), (0, 98, 84))
# Digits, five rows of three bits each.
DIGITS = ("75557", "26227", "71747", "71717", "55711", "74717", "74757", "71122", "75757", "75717")
DIGIT_PIXELS = 4

Canvas = NDArray[np.float32]


def draw_preview(overview: Overview | None) -> bytes:
    """Return the picture of an overview as PNG; empty paper if there is none."""
    canvas = np.empty((HEIGHT * SMOOTHING, WIDTH * SMOOTHING, 3), dtype=np.float32)
    canvas[:] = PAPER
    if overview is not None and overview.lanes:
        _draw_overview(canvas, overview)
    fine = canvas.reshape(HEIGHT, SMOOTHING, WIDTH, SMOOTHING, 3).mean(axis=(1, 3))
    return encode_png(fine.round().astype(np.uint8))


def _draw_overview(canvas: Canvas, overview: Overview) -> None:
    height, lanes = overview.tile
    top, room = MARGIN + AXIS_PIXELS, HEIGHT - 2 * MARGIN - AXIS_PIXELS
    scale = min(room / height, MAX_ROW_PIXELS / 9)
    for number, (_, lane_top, lane_height, _) in enumerate(lanes):
        if number % 2 == 0:
            first = top + lane_top * scale
            _fill(canvas, MARGIN, first, WIDTH - MARGIN, first + lane_height * scale, BAND)
    for tick in overview.axis.ticks:
        if "small" in tick.sizes:
            _fill(canvas, _x(tick.x), top, _x(tick.x) + 2, top + height * scale, GRID)
            _write_number(canvas, _x(tick.x), MARGIN, tick.label)
    for lane, _, _, marks in lanes:
        for _, mark, y in marks:
            _draw_mark(canvas, mark, top + y * scale, HUES[lane.colour % len(HUES)])


def _x(share: float) -> float:
    """Return the place of a share of the width in percent."""
    return MARGIN + share * (WIDTH - 2 * MARGIN) / 100


def _draw_mark(canvas: Canvas, mark: Mark, y: float, colour: Sequence[int]) -> None:
    for stroke in mark.strokes:
        _draw_stroke(canvas, stroke, y, colour, vague=mark.vague)


def _draw_stroke(
    canvas: Canvas, stroke: Stroke, y: float, colour: Sequence[int], *, vague: bool
) -> None:
    kind, *fade = stroke.kind.split(" ")
    start, end = _x(stroke.start), _x(stroke.end)
    if kind == "dot":
        _draw_dot(canvas, start, y, colour)
    elif kind == "cap":
        _fill(canvas, start - 1.5, y - 8, start + 1.5, y + 8, colour)
    elif kind.startswith("arrow"):
        inward = 1 if kind == "arrow-left" else -1
        for step in range(10):
            x = start + inward * step
            _fill(canvas, x - 1.5, y - step - 1.5, x + 1.5, y - step + 1.5, colour)
            _fill(canvas, x - 1.5, y + step - 1.5, x + 1.5, y + step + 1.5, colour)
    else:
        half = 6 if kind == "thick" else 2
        pieces = np.arange(start, end, 6 if vague else 2)
        for number, x in enumerate(pieces):
            share = (x - start) / max(end - start, 1)
            opacity = 1 - share if "fade-out" in fade else share if "fade-in" in fade else 1
            if not (vague and number % 2):
                width = min(x + (6 if vague else 2), end)
                _fill(canvas, x, y - half, width, y + half, colour, opacity)


def _fill(
    canvas: Canvas,
    left: float,
    top: float,
    right: float,
    bottom: float,
    colour: Sequence[int],
    opacity: float = 1,
) -> None:
    """Fill a box."""
    rows = slice(max(round(top * SMOOTHING), 0), max(round(bottom * SMOOTHING), 0))
    columns = slice(max(round(left * SMOOTHING), 0), max(round(right * SMOOTHING), 0))
    box = canvas[rows, columns]
    box += opacity * (np.array(colour, dtype=np.float32) - box)


def _draw_dot(canvas: Canvas, x: float, y: float, colour: Sequence[int]) -> None:
    radius = 8
    for row in range(-radius * SMOOTHING, radius * SMOOTHING):
        half = (radius**2 - (row / SMOOTHING) ** 2) ** 0.5
        _fill(canvas, x - half, y + row / SMOOTHING, x + half, y + (row + 1) / SMOOTHING, colour)


def _write_number(canvas: Canvas, x: float, y: float, label: str) -> None:
    """Write the digits of a label; a picture without letters has no language."""
    for letter in label:
        if not ("0" <= letter <= "9"):
            x += 2 * DIGIT_PIXELS
            continue
        for row, bits in enumerate(DIGITS[int(letter)]):
            for column in range(3):
                if int(bits) >> (2 - column) & 1:
                    left, top = x + column * DIGIT_PIXELS, y + row * DIGIT_PIXELS
                    _fill(canvas, left, top, left + DIGIT_PIXELS, top + DIGIT_PIXELS, INK)
        x += 4 * DIGIT_PIXELS


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels as a PNG (ISO/IEC 15948): rows of RGB without a filter."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)
