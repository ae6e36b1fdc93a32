"""The cases: every format, data type, codec and layout, each as an array's document and the bytes of its cells.

They come from the tests (`tests/conformance`): combinations of all that the registries list, so that new codecs and
types enter by themselves, and arrays of other kinds by name. A document is what implementations agree on, so it is what
describes a case to all of them.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from wire import described, to_wire

import strategies
import zarrite
from conformance import matrix
from conformance.cases import CASES

__all__ = ["Case", "everything", "sample"]

STORED = tuple(layout for layout in matrix.LAYOUTS if "input" not in layout)
"""Layouts of what is stored; the others are of the memory of one who writes."""

FORMATS = {3: "v3", 2: "v2"}
DOCUMENTS = ("zarr.json", ".zarray")
N5_COMPRESSIONS: dict[str, dict[str, Any]] = {
    "raw": {},
    "gzip": {"level": 5, "useZlib": False},
    "bzip2": {"blockSize": 9},
    "xz": {"preset": 6},
    "lz4": {"blockSize": 65536},
    "zstd": {"level": 3},
    "blosc": {"cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0, "nthreads": 1},
}


@dataclass(frozen=True)
class Case:
    """An array that is written and read.

    Attributes:
        name: what the page calls it.
        format: "v3", "v2" or "n5".
        data_type: name of its data type.
        codec: the codec it is about, or "none".
        layout: how its cells lie in the store.
        document: the array's document in that format.
        shape: its shape.
        dtype: the type of its cells, as `wire.described` says it.
        cells: its cells, as `wire.to_wire` makes them.
    """

    name: str
    format: str
    data_type: str
    codec: str
    layout: str
    document: dict[str, Any]
    shape: tuple[int, ...]
    dtype: Any
    cells: bytes

    def task(self) -> dict[str, Any]:
        """What a driver is told."""
        return {"format": self.format, "document": self.document, "shape": list(self.shape), "dtype": self.dtype}


def case_of(name: str, parts: tuple[str, str, str], array: zarrite.Array, store: dict[str, bytes], cells: Any) -> Case:
    """The case of an array that zarrite made in a dictionary."""
    (key,) = [key for key in store if key in DOCUMENTS]
    told = described(array.dtype)
    document = json.loads(store[key])
    return Case(name, FORMATS[array.metadata.zarr_format], *parts, document, array.shape, told, to_wire(cells, told))


def numbers(array: zarrite.Array, store: dict[str, bytes], seed: int) -> Any:
    """Finite floats that come back; other writers take negative zeros and odd NaNs for fill values."""
    source = np.random.default_rng(seed)
    wide = source.normal(size=array.shape) * 1000
    if array.dtype.kind == "c":
        wide = wide + 1j * source.normal(size=array.shape)
    cells = wide.astype(array.dtype)
    try:
        array[...] = cells
        if np.asarray(zarrite.open_array(store, mode="r")[...]).tobytes() == cells.tobytes():
            return cells
    except Exception:  # noqa: S110 - lossy codecs refuse what they cannot keep
        pass
    return strategies.random_cells(array.dtype, array.shape, seed, tame=True)


def comparable(array: zarrite.Array) -> bool:
    """Whether cells are bytes, text or bytes of varying length: no Python objects and none that may be missing."""
    kind = array.metadata.data_type
    return not kind.optional_depth and (array.dtype.kind != "O" or bool(kind.vlen and not kind.translates))


def combined(one: matrix.Combination) -> Case | None:
    """The case of a combination; `None` where its parts do not go together or its cells are Python objects."""
    store: dict[str, bytes] = {}
    made = one.make(store)
    if made is None or not comparable(made[0]):
        return None
    array, cells = made
    if array.dtype.kind in "fc":
        cells = numbers(array, store, sum(str(one).encode()))
    # Several names of v3 are one type in v2.
    name = one.data_type if FORMATS[one.zarr_format] == "v3" else array.metadata.data_type.name
    title = f"{FORMATS[one.zarr_format]} {name}, {one.codec}, {one.layout}"
    return case_of(title, (name, one.codec, one.layout), array, store, cells)


def odd_floats() -> Iterator[Case]:
    """Floats of any bits: negative zeros among positive fill values, NaN with payloads."""
    for number, dtype in itertools.product(FORMATS, ("float32", "float64", "complex64")):
        store: dict[str, bytes] = {}
        array = zarrite.create_array(
            store, shape=(6, 4), chunks=(2, 2), dtype=dtype, zarr_format=number, compressors=None
        )
        cells = np.zeros(array.shape, array.dtype)
        cells[:2, :2] = -cells[:2, :2]
        parts = cells.view("u4" if dtype != "float64" else "u8")
        payload = 0x7FC12345 if dtype != "float64" else 0x7FF8000000012345
        parts[2:4] = payload
        cells[4:, 2:] = 1.5
        name = f"{FORMATS[number]} {dtype}, none, odd bits"
        yield case_of(name, (dtype, "none", "odd bits"), array, store, cells)


def named() -> Iterator[Case]:
    """The arrays that the tests have by name."""
    for name, one in CASES.items():
        settings = {"shape": (7, 5), "chunks": (3, 2), "dtype": "i4", **one.settings}
        store: dict[str, bytes] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = zarrite.create_array(store, **settings)
        if not comparable(array):
            continue
        cells = numbers(array, store, 1) if array.dtype.kind in "fc" else one.cells(array, 1)
        number = FORMATS[array.metadata.zarr_format]
        title = name if name.startswith(number) else f"{number} {name}"
        yield case_of(title, (array.metadata.data_type.name, "", name), array, store, cells)


def blocks() -> Iterator[Case]:
    """N5: every type with one compression, every compression with one type."""
    types = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)] + ["float32", "float64"]
    pairs = [(name, "gzip") for name in types]
    pairs += [(name, packed) for packed in N5_COMPRESSIONS for name in ("int16", "float64") if packed != "gzip"]
    for name, packed in pairs:
        dtype = np.dtype(name)
        cells = strategies.random_cells(dtype, matrix.SHAPE, 1, tame=dtype.kind == "f")
        document = {
            "n5": "2.0.0",
            "dimensions": list(reversed(matrix.SHAPE)),
            "blockSize": list(reversed(matrix.CHUNKS)),
            "dataType": name,
            "compression": {"type": packed, **N5_COMPRESSIONS[packed]},
        }
        told = described(dtype)
        yield Case(
            f"n5 {name}, {packed}",
            "n5",
            name,
            f"n5 {packed}",
            "n5 blocks",
            document,
            matrix.SHAPE,
            told,
            to_wire(cells, told),
        )


def sample(count: int) -> list[Case]:
    """So many combinations, and every case that has a name.

    Each data type, codec and layout of each format is among them before any comes again.
    """
    found = [*named(), *odd_floats(), *blocks()]
    missing = matrix.possible()
    picked = 0
    for one in mixed():
        parts = {(one.zarr_format, part) for part in (one.data_type, one.codec, one.layout)}
        if picked >= count and not parts & missing:
            continue
        case = combined(one)
        if case is not None:
            found.append(case)
            missing -= parts
            picked += 1
    return found


def everything() -> Iterator[Case]:
    """Every case there is, combinations in random order: who stops early has a fair sample."""
    yield from named()
    yield from odd_floats()
    yield from blocks()
    seen: set[str] = set()
    for one in mixed():
        case = combined(one)
        if case is not None and case.name not in seen:
            seen.add(case.name)
            yield case


def mixed() -> list[matrix.Combination]:
    """The combinations in an order that is random, and the same every time."""
    found = [one for one in matrix.combinations() if one.layout in STORED]
    random.Random(0).shuffle(found)  # noqa: S311 - the same ones every time
    return found
