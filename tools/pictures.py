"""Draws the pictures of the documentation, `docs/pictures/*.svg`, from arrays, reads and figures as they are.

Run by `make tables`. `--check` writes nothing and says which picture is out of date; a test runs it.
"""

from __future__ import annotations

import argparse
import math
import re
import struct
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

import zarrite
from zarrite.picture import grid_svg
from zarrite.storage import recorded, requests

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
EMPTY = 2**64 - 1
"""What the index says of a chunk that is not there."""

INK, SOFT, FILL, STRONG = "#24292f", "#6e7781", "#8ab4d8", "#1f5f99"


def svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """A picture of its own, which a browser shows without anything else."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" font-family="sans-serif" font-size="12" fill="{INK}"><title>{escape(title)}</title>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def box(x: float, y: float, width: float, height: float, fill: str = FILL, more: str = "") -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" stroke="{INK}" '
        f'stroke-width=".5" {more}/>'
    )


def text(x: float, y: float, words: object, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(str(words))}</text>'


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = SOFT, more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" {more}/>'


# ---------------------------------------------------------------- chunks and shards


def hills(rows: int, columns: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Cells of which some parts compress better than others."""
    y, x = np.meshgrid(np.linspace(0, 5, rows), np.linspace(0, 5, columns), indexing="ij")
    return np.round(40 * np.sin(y * y) * np.cos(x) * np.exp(x - 5)).astype("float32")


def grid() -> str:
    """The grid of the array that the page on shards makes."""
    array = zarrite.create_array(None, shape=(1000, 1000), dtype="float32", chunks=(50, 50), shards=(500, 500))
    drawn = grid_svg(array.shape, array.read_chunk_sizes, array.write_chunk_sizes, ("y", "x"))
    return (
        drawn.replace('fill="currentColor"', f'fill="{INK}" font-family="sans-serif"').replace("currentColor", INK)
        + "\n"
    )


def shard() -> str:
    """One real shard: where each chunk lies in the object, and the index."""
    array = zarrite.create_array(None, data=hills(200, 200), chunks=(50, 50), shards=(200, 200))
    raw = array.store.get("c/0/0").result()
    assert raw is not None
    count = 16
    places = struct.unpack(f"<{2 * count}Q", raw[-16 * count - 4 : -4])
    spans = [
        (0, 0) if offset == EMPTY else (offset, length)
        for offset, length in zip(places[::2], places[1::2], strict=True)
    ]
    assert spans[0] == (0, 0)
    wide, top, high, size = 700.0, 150.0, 44.0, 28.0
    scale = wide / len(raw)
    parts = [text(20, 18, "the chunks of a shard, as they lie in the array")]
    parts.append(text(20, top - 12, f"the object: {len(raw):,} bytes"))
    for number, (offset, length) in enumerate(spans):
        row, column = divmod(number, 4)
        shade = f'fill-opacity="{0.25 + 0.05 * number:.2f}"'
        x, y = 20 + column * size, 26 + row * size * 0.8
        parts.append(box(x, y, size, size * 0.8, FILL, shade))
        parts.append(text(x + size / 2, y + 16, number, "middle"))
        parts.append(box(20 + offset * scale, top, length * scale, high, FILL, shade))
        if length * scale > 16:
            parts.append(text(20 + (offset + length / 2) * scale, top + 27, number, "middle"))
    start = len(raw) - 16 * count - 4
    parts.append(box(20 + start * scale, top, (len(raw) - start) * scale, high, STRONG))
    parts.append(text(20 + wide, top + high + 18, "index: offset and length of each chunk, CRC-32C", "end"))
    words = [f"chunk {number}: {length:,} bytes from byte {offset:,}" for number, (offset, length) in enumerate(spans)]
    words = [
        "chunk 0: nothing but the fill value, no bytes",
        *words[1:3],
        "to read one: its bytes, once the index is known",
    ]
    parts += [text(190, 46 + 18 * place, one, more=f'fill="{SOFT}"') for place, one in enumerate(words)]
    return svg(wide + 40, top + high + 32, "a shard: chunks one behind the other, and the index", parts)


# ---------------------------------------------------------------- the path of a read


def read() -> str:
    """What one real read asks for, in five steps."""
    inner = zarrite.storage.MemoryStore()
    array = zarrite.create_array(inner, data=hills(1000, 1000), chunks=(50, 50), shards=(500, 500))
    array = zarrite.open_array(recorded(inner), mode="r")
    requests(array.store)  # those of opening
    found = array[420:580, 100:200:2]
    asked = requests(array.store)
    pieces = len({(y // 50, x // 50) for y in range(420, 580) for x in range(100, 200, 2)})
    objects = len({one.key for one in asked})
    steps = (
        ("1  settle", "array[420:580, 100:200:2]", "start, step and count of each axis", "Python"),
        ("2  cross", "one call", "Python's lock is let go", "Python"),
        ("3  plan", f"{pieces} pieces", f"of {pieces} chunks, in {objects} shards", "Rust"),
        ("4  fetch", f"{len(asked)} requests", "indexes, then ranges that lie together", "Rust"),
        ("5  decode and place", f"{found.size:,} cells", "on all cores, straight into the result", "Rust"),
    )
    parts = []
    for place, (name, what, how, where) in enumerate(steps):
        y = 12.0 + place * 62
        parts.append(box(130, y, 420, 46, FILL, f'rx="6" fill-opacity="{".35" if where == "Python" else ".8"}"'))
        parts.append(text(146, y + 20, name, more='font-weight="bold"'))
        parts.append(text(146, y + 37, how, more=f'fill="{SOFT}"'))
        parts.append(text(534, y + 20, what, "end", 'font-family="monospace"'))
        if place:
            parts.append(line(340, y - 16, 340, y - 3, INK))
            parts.append(f'<path d="M336 {y - 6:.1f} L340 {y - 0.5:.1f} L344 {y - 6:.1f} Z"/>')
    parts.append(text(112, 70, "Python", "end", f'fill="{SOFT}"'))
    parts.append(text(112, 228, "Rust", "end", f'fill="{SOFT}"'))
    parts.append(line(20, 128, 560, 128, SOFT, 'stroke-dasharray="4 4"'))
    return svg(580, 12 + 5 * 62, "the path of a read", parts)


# ---------------------------------------------------------------- figures


def speed() -> str:
    """The table of docs/performance.md: each library beside zarrite, one line for each row."""
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    found = re.search(r"<!-- speed -->(.*?)<!-- /speed -->", page, re.DOTALL)
    assert found is not None
    lines = [[cell.strip() for cell in row.split("|")[1:-1]] for row in found[1].splitlines() if row.startswith("|")]
    names = lines[0][2 : lines[0].index("floor")]
    rows = [
        (one[0].strip("`"), [_figure(cell) for cell in one[1 : len(names) + 2]])
        for one in lines
        if one[0].startswith("`")
    ]
    colours = ("#1f5f99", "#b35900", "#8c959f", "#57606a", "#2d8a5f", "#8250df")
    least, most = 0.5, 160.0
    left, wide, top, step = 130.0, 520.0, 56.0, 17.0

    def at(times: float) -> float:
        return left + wide * math.log(min(max(times, least), most) / least) / math.log(most / least)

    parts = [text(left, 16, "time, as a multiple of zarrite's: to the right is slower", more='font-weight="bold"')]
    x = left
    for name, colour in zip(("zarrite", *names), colours, strict=True):
        parts.append(f'<circle cx="{x + 5:.1f}" cy="31" r="4.5" fill="{colour}"/>')
        parts.append(text(x + 14, 35, name))
        x += 30 + 7 * len(name)
    bottom = top + step * len(rows)
    for times in (0.5, 1, 2, 4, 8, 16, 32, 64, 128):
        parts.append(line(at(times), top - 8, at(times), bottom, "#d0d7de" if times != 1 else STRONG))
        parts.append(text(at(times), bottom + 14, f"{times:g}x", "middle", f'fill="{SOFT}"'))
    for place, (name, figures) in enumerate(rows):
        y = top + step * place
        parts.append(text(left - 10, y + 4, name, "end"))
        own = figures[0]
        assert own is not None
        for figure, colour in reversed(list(zip(figures, colours, strict=True))):
            if figure is not None:
                parts.append(
                    f'<circle cx="{at(figure / own):.1f}" cy="{y:.1f}" r="4.5" fill="{colour}" fill-opacity=".85"/>'
                )
    return svg(left + wide + 40, bottom + 26, "zarrite beside other libraries", parts)


def _figure(cell: str) -> float | None:
    return None if cell.strip() == "–" else float(cell.replace(",", ""))


PICTURES = {"grid": grid, "read": read, "shard": shard, "speed": speed}


def main() -> int:
    """Writes the pictures, or says which of them are not as they would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    FOLDER.mkdir(exist_ok=True)
    stale = []
    for name, draw in PICTURES.items():
        place = FOLDER / f"{name}.svg"
        drawn = draw()
        if check and (not place.exists() or place.read_text("utf-8") != drawn):
            stale.append(name)
        elif not check:
            place.write_text(drawn, "utf-8")
    if stale:
        print(f"out of date: {', '.join(stale)}; run `make tables`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
