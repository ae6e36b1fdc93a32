"""`zarrite peek`: some cells of an array as numbers, and what they are like."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.markup import escape
from rich.table import Table

import zarrite
from zarrite.cli.places import Options, node_at, storage_options
from zarrite.cli.speak import answers, print_json, show_bytes, show_shape, to_terminal
from zarrite.errors import BaseZarrError, LimitError

__all__ = ["peek"]

MOST_BYTES = 1 << 30
"""The largest selection that is read: a peek should not fill the memory."""

MOST_VALUES = 10_000
"""How many cells are given as JSON."""

Part = int | slice


@answers
def peek(
    path: Annotated[str, typer.Argument(help="An array: data.zarr/air, data.zarr:/air, data.zip:/air")],
    selection: Annotated[
        str | None,
        typer.Argument(help="Which cells, as in brackets: '0,10:20,::5'. A few from the start when not given."),
    ] = None,
    option: Options = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Show cells as numbers, with their smallest, largest and mean, and how many are NaN or fill values."""
    array = node_at(path, storage_options(option))
    if not isinstance(array, zarrite.Array):
        names = ", ".join(name for name, _ in array.members()) or "nothing"
        raise BaseZarrError(f"{path} is a group and has no cells of its own; it holds {names}")
    chosen = parse_selection(selection) if selection is not None else first_cells(array.shape)
    shape = selected_shape(chosen, array.shape)
    needed = math.prod(shape) * max(1, array.dtype.itemsize)
    if needed > MOST_BYTES:
        raise LimitError(f"that selection is {show_bytes(needed)}; choose at most {show_bytes(MOST_BYTES)}")
    cells = np.asanyarray(array[chosen if len(chosen) != 1 else chosen[0]])
    facts: dict[str, Any] = {
        "place": path,
        "path": array.name,
        "selection": show_selection(chosen),
        "shape": list(cells.shape),
        "dtype": str(array.dtype),
        "statistics": statistics(cells, array.fill_value),
    }
    if as_json:
        print_json(facts | {"values": cells.tolist() if cells.size <= MOST_VALUES else None})
        return
    out = to_terminal()
    out.print(f"[bold]{escape(path)}[/] \\[{escape(facts['selection'])}]  {show_shape(cells.shape)}  {array.dtype}")
    with np.printoptions(threshold=400, edgeitems=3, linewidth=max(40, min(out.width, 120))):
        out.print(str(cells), markup=False)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in facts["statistics"].items():
        table.add_row(name.replace("_", " "), _shown(name, value))
    out.print(table)


def parse_selection(text: str) -> tuple[Any, ...]:
    """Brackets as text: integers, slices and `...`, separated by commas.

    Raises:
        BaseZarrError: anything else.
    Example:
        >>> parse_selection("0, 10:20, ::-5, ...")
        (0, slice(10, 20, None), slice(None, None, -5), Ellipsis)
    """
    parts: list[Any] = []
    for part in text.strip().removeprefix("[").removesuffix("]").split(","):
        word = part.strip()
        if word == "...":
            parts.append(...)
        elif re.fullmatch(r"[+-]?\d+", word):
            parts.append(int(word))
        elif re.fullmatch(r"([+-]?\d+)?\s*:\s*([+-]?\d+)?(\s*:\s*([+-]?\d+)?)?", word):
            parts.append(slice(*(int(number) if number.strip() else None for number in word.split(":"))))
        elif word or text.strip():
            raise BaseZarrError(f"{word!r} in {text!r} selects nothing; write numbers, start:stop:step or ...")
    return tuple(parts)


def show_selection(chosen: tuple[Any, ...]) -> str:
    """A selection as one writes it."""

    def shown(part: Any) -> str:
        if not isinstance(part, slice):
            return "..." if part is ... else str(part)
        ends = f"{'' if part.start is None else part.start}:{'' if part.stop is None else part.stop}"
        return ends if part.step is None else f"{ends}:{part.step}"

    return ", ".join(shown(part) for part in chosen) or "..."


def first_cells(shape: tuple[int, ...]) -> tuple[Any, ...]:
    """A few cells from the start: up to eight along the last two axes, the first along the others."""
    last = len(shape) - 2
    return tuple(slice(0, min(length, 8)) if axis >= last else min(0, length) for axis, length in enumerate(shape))


def selected_shape(chosen: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """How many cells a selection has along each axis, before anything is read."""
    if ... in chosen:
        place = chosen.index(...)
        chosen = (*chosen[:place], *[slice(None)] * (len(shape) - len(chosen) + 1), *chosen[place + 1 :])
    chosen = (*chosen, *[slice(None)] * (len(shape) - len(chosen)))
    pairs = zip(chosen, shape, strict=False)
    return tuple(len(range(*part.indices(length))) for part, length in pairs if isinstance(part, slice))


def statistics(cells: NDArray[Any], fill_value: Any) -> dict[str, Any]:
    """What cells are like: count, smallest, largest, mean, NaNs, and the share that is the fill value.

    Example:
        >>> statistics(np.array([1.0, 3.0, np.nan, 0.0]), 0.0)
        {'count': 4, 'min': 0.0, 'max': 3.0, 'mean': 1.3333333333333333, 'nan_count': 1, 'fill_share': 0.25}
    """
    found: dict[str, Any] = {"count": int(cells.size)}
    if isinstance(cells, np.ma.MaskedArray):
        cells = cells.compressed()
        found["missing_count"] = found["count"] - int(cells.size)
        fill_value = None if fill_value is np.ma.masked else fill_value
    if not cells.size:
        return found
    kind = cells.dtype.kind
    missing = np.isnan(cells) if kind in "fc" else np.isnat(cells) if kind in "mM" else None
    if kind in "biuf":
        there = cells if missing is None else cells[~missing]
        if there.size:
            wide = there.astype(np.float64) if kind == "f" else there
            found |= {"min": there.min().item(), "max": there.max().item(), "mean": float(wide.mean(dtype=np.float64))}
    elif kind in "mM" and missing is not None and not missing.all():
        found |= {"min": str(np.nanmin(cells)), "max": str(np.nanmax(cells))}
    if missing is not None:
        found["nan_count"] = int(missing.sum())
    share = _fill_share(cells, fill_value)
    if share is not None:
        found["fill_share"] = share
    return found


def _fill_share(cells: NDArray[Any], fill_value: Any) -> float | None:
    if fill_value is None or cells.dtype.fields is not None:
        return None
    if cells.dtype.kind in "fcmM" and fill_value != fill_value:
        return float((cells != cells).mean())
    equal = np.asarray(cells == fill_value)
    return float(equal.mean()) if equal.shape == cells.shape else None


def _shown(name: str, value: Any) -> str:
    if name == "fill_share":
        return f"{100 * value:.1f} %"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
