"""Handles as notebooks show them: what they are in a table, and the grid of chunks as a picture.

The picture is of the last two axes; what lies before them is drawn as sheets behind. Where chunks are too many to be
told apart, a part of the lines stands for all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import accumulate
from typing import Any

from zarrite.info import ArrayInfo, GroupInfo, Tree

__all__ = ["array_html", "grid_svg", "group_html"]

# Of the drawing, in its own units.
EDGE = 180.0
LEAST = 22.0
SHEETS = 4
STEP = 7.0
# More lines along one axis cannot be told apart.
MOST_LINES = 36
# Grids of more are drawn without a look at every chunk.
MOST_CHUNKS = 100_000

STYLE = (
    "<style>.zarrite{display:flex;gap:1.5em;align-items:flex-start;flex-wrap:wrap}"
    ".zarrite table{border-collapse:collapse;font-size:.9em;color:inherit}"
    ".zarrite th{text-align:left;font-weight:normal;opacity:.7;padding:.1em 1em .1em 0;vertical-align:top}"
    ".zarrite td{text-align:left;padding:.1em 0}"
    ".zarrite .chip{border:1px solid currentColor;border-radius:.6em;padding:0 .5em;white-space:nowrap}"
    ".zarrite pre{margin:0;background:none}"
    ".zarrite svg{max-width:100%}</style>"
)


def array_html(array: Any, info: ArrayInfo) -> str:
    """An array as HTML: its facts, its codecs in the order of encoding, and its grid.

    Args:
        array: the handle.
        info: its facts.
    """
    hidden = {"Type", "Filters", "Serializer", "Compressors"}
    rows = [(label, value) for label, value in info.rows if label not in hidden]
    codecs = [*array.filters, *([array.serializer] if array.serializer else []), *array.compressors]
    chain = " → ".join(f'<span class="chip" title="{escape(repr(one))}">{escape(_codec(one))}</span>' for one in codecs)
    table = _table(rows, more=f"<tr><th>Codecs</th><td>{chain}</td></tr>")
    known = array.nchunks <= MOST_CHUNKS
    picture = grid_svg(
        array.shape,
        array.read_chunk_sizes if known else _thinned(array.shape, array.metadata),
        array.write_chunk_sizes if known and array.metadata.inner_chunk is not None else None,
        array.dimension_names,
    )
    return f'{STYLE}<div class="zarrite"><div>{table}</div><div>{picture}</div></div>'


def group_html(group: Any, members: dict[str, Any] | None = None, more: int = 0) -> str:
    """A group as HTML: its facts, and its members as a tree where they are known."""
    rows = [(label, value) for label, value in GroupInfo.of(group, group.metadata).rows if label != "Type"]
    tree = "" if members is None else f"<pre>{escape(repr(Tree(group.name, members, more)))}</pre>"
    return f'{STYLE}<div class="zarrite"><div>{_table(rows)}</div><div>{tree}</div></div>'


def _table(rows: Iterable[tuple[str, object]], more: str = "") -> str:
    lines = "".join(
        f"<tr><th>{escape(label)}</th><td>{escape(str(value))}</td></tr>" for label, value in rows if value is not None
    )
    return f"<table>{lines}{more}</table>"


def _codec(codec: Any) -> str:
    return str(codec.to_dict().get("name") or codec.to_dict().get("id") or codec)


def _thinned(shape: Sequence[int], model: Any) -> tuple[tuple[int, ...], ...]:
    """Lengths that stand for too many chunks: as few as can be told apart, each of whole chunks."""
    found = []
    chunk_shape = model.inner_chunk or (model.grid.chunk_shape if model.grid.is_regular else shape)
    for length, edge in zip(shape, chunk_shape, strict=True):
        size = max(1, edge) * max(1, -(-length // (max(1, edge) * MOST_LINES)))
        rest = (length % size,) if length % size else ()
        found.append((*(size,) * (length // size), *rest))
    return tuple(found)


def grid_svg(
    shape: Sequence[int],
    chunks: Sequence[Sequence[int]],
    shards: Sequence[Sequence[int]] | None = None,
    names: Sequence[str | None] | None = None,
) -> str:
    """The grid of chunks (thin lines) and shards (thick lines) of an array, as SVG.

    Args:
        shape: length of every axis.
        chunks: lengths of the chunks along every axis.
        shards: lengths of the shards along every axis, where there are some.
        names: names of the axes.

    Example:
        >>> picture = grid_svg((4, 6), ((2, 2), (3, 3)))
        >>> picture.startswith("<svg"), picture.count("<line")
        (True, 2)
    """
    if not shape or 0 in shape:
        return ""
    flat = len(shape) == 1
    width, height = _sizes(shape[-1], 1 if flat else shape[-2])
    height = LEAST if flat else height
    sheets = min(SHEETS, math.prod(shape[:-2]))
    depth = STEP * (sheets - 1)
    parts = [
        f'<rect x="{depth - STEP * sheet:.1f}" y="{STEP * sheet:.1f}" width="{width:.1f}" height="{height:.1f}" '
        'fill="var(--zarrite-fill, #8ab4d8)" fill-opacity=".35" stroke="currentColor" stroke-opacity=".6"/>'
        for sheet in range(sheets)
    ]
    left, top = 0.0, depth
    for sizes, stroke in ((chunks, 0.6), (shards, 2.0)):
        if sizes is None:
            continue
        across = _lines(sizes[-1], shape[-1], width)
        parts += [_line(left + x, top, left + x, top + height, stroke) for x in across]
        down = [] if flat else _lines(sizes[-2], shape[-2], height)
        parts += [_line(left, top + y, left + width, top + y, stroke) for y in down]
    labels = [name or f"axis {axis}" for axis, name in enumerate(names or [None] * len(shape))]
    x, y = left + width / 2, top + height + 15
    parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(_axis(labels[-1], shape[-1]))}</text>')
    if not flat:
        x, y = left + width + depth + 14, top + height / 2
        parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" transform="rotate(90 {x:.1f} {y:.1f})">'
            f"{escape(_axis(labels[-2], shape[-2]))}</text>"
        )
    if len(shape) > 2:
        behind = ", ".join(map(_axis, labels[:-2], shape[:-2]))
        parts.append(f'<text x="{left:.1f}" y="{top + height + 31:.1f}">behind: {escape(behind)}</text>')
    count = " x ".join(f"{len(axis):,}" for axis in chunks)
    title = f"shape {' x '.join(map(str, shape))}, {count} chunks"
    if shards is not None:
        title += f" in {' x '.join(f'{len(axis):,}' for axis in shards)} shards"
    wide = f"{max(width + depth + 34, 120):.0f}"
    return (
        f'<svg role="img" width="{wide}" viewBox="-2 -2 {wide} {top + height + 40:.0f}" font-size="11" '
        f'fill="currentColor" xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def _sizes(across: int, down: int) -> tuple[float, float]:
    """Width and height of a sheet: true to the shape, but never a mere line."""
    largest = max(across, down)
    return max(EDGE * across / largest, LEAST), max(EDGE * down / largest, LEAST)


def _axis(name: str, length: int) -> str:
    return f"{name} · {length:,}"


def _lines(sizes: Sequence[int], length: int, extent: float) -> list[float]:
    """Where lines between chunks are drawn; every n-th where there are too many."""
    edges = list(accumulate(sizes))[:-1]
    every = max(1, -(-len(edges) // MOST_LINES))
    return [extent * edge / length for edge in edges[every - 1 :: every] if edge < length]


def _line(x1: float, y1: float, x2: float, y2: float, stroke: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="currentColor" stroke-width="{stroke}" stroke-opacity=".75"/>'
    )
