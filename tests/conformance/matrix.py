"""Every combination of format, data type, codec and layout, from the registries: new ones enter by themselves.

Combinations that make no sense (differences of texts, format 2 in shards) are those that cannot be created; they are
left out. `ZARRITE_CASES` says how many are tried: a number, or "all".
"""

from __future__ import annotations

import functools
import itertools
import os
import random
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import strategies
import zarrite
from zarrite.model import dtype_names
from zarrite.model.codecs import Codec

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "tools"))
import trials

SHAPE, CHUNKS, SHARDS, OUTER = (7, 5), (2, 2), (4, 4), (8, 8)
WANTED = os.environ.get("ZARRITE_CASES", "120")

ELSEWHERE = ("ShardingCodec", "Categorize", "VLenArray")
"""Codecs that are a layout here, or whose cells are of few values or arrays: they have tests of their own."""

LAYOUTS = (
    "plain",  # the last chunks reach over the edge
    "whole",
    "column-major input",
    "big-endian input",
    "column-major chunks",
    "shards",
    "shards in shards",
    "big-endian chunks",
)


@dataclass(frozen=True)
class Combination:
    """One array that is written.

    Attributes:
        zarr_format: its format.
        data_type: name of its data type.
        codec: name of the class of a codec in its chain, or "none".
        layout: one of `LAYOUTS`.
    """

    zarr_format: int
    data_type: str
    codec: str
    layout: str

    def __str__(self) -> str:
        return f"v{self.zarr_format} {self.data_type}, {self.codec}, {self.layout}"

    @property
    def settings(self) -> dict[str, Any]:
        """What those who open it must know."""
        return {"zarr_format": self.zarr_format}

    def make(self, place: Any) -> tuple[zarrite.Array, Any] | None:
        """The array and its cells; `None` where the parts do not go together."""
        for codec in chains(self.codec, self.data_type):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    array = zarrite.create_array(place, overwrite=True, **self._created(codec))
            except Exception:
                continue
            cells = self._filled(array)
            if cells is not None:
                return array, cells
        return None

    def _created(self, codec: Codec | None) -> dict[str, Any]:
        kind = dtype_names.dtype_from_json(trials.data_types()[self.data_type])
        dtype: Any = kind
        filters: list[Codec] = [codec] if codec is not None and codec.kind == "array" else []
        compressors = [codec] if codec is not None and codec.kind == "bytes" else None
        found: dict[str, Any] = {"shape": SHAPE, "chunks": CHUNKS, "zarr_format": self.zarr_format}
        new = self.zarr_format == trials.NEWEST
        serializer = codec if codec is not None and codec.kind == "serializer" else None
        if self.layout == "whole":
            found["shape"] = OUTER
        elif self.layout == "column-major chunks":
            if new:
                filters.insert(0, zarrite.codecs.TransposeCodec((1, 0)))
            else:
                found["order"] = "F"
        elif self.layout == "big-endian chunks":
            if new:
                assert serializer is None
                serializer = zarrite.codecs.BytesCodec("big")
            else:
                dtype = kind.numpy.newbyteorder(">")
                assert dtype != kind.numpy
        elif self.layout == "shards":
            found["shards"] = SHARDS
        elif self.layout == "shards in shards":
            inner = [*filters, serializer or self._serializer(kind), *(compressors or [])]
            serializer = zarrite.codecs.ShardingCodec(SHARDS, [zarrite.codecs.ShardingCodec(CHUNKS, inner)])
            filters, compressors = [], None
            found["chunks"] = OUTER
        if serializer is not None:
            if not new:
                filters.append(serializer)
            else:
                found["serializer"] = serializer
        return {**found, "dtype": dtype, "filters": filters or None, "compressors": compressors}

    def _serializer(self, kind: Any) -> Codec:
        words = {"string": zarrite.codecs.VLenUTF8Codec, "bytes": zarrite.codecs.VLenBytesCodec}
        made: Codec = words.get(kind.vlen or "", zarrite.codecs.BytesCodec)()
        return made

    def _filled(self, array: zarrite.Array) -> Any:
        """Cells that come back through another handle, the wildest first; `None` where none do."""
        seed = sum(str(self).encode())
        tries: list[Any] = []
        for tame in (False, True):
            try:
                tries.append(strategies.random_cells(array.dtype, array.shape, seed, tame=tame))
            except Exception:
                continue
        for cells in itertools.chain(tries, trials.candidates(array)):
            try:
                array[...] = self.laid_out(cells)
                back = zarrite.open_array(array.store, path=array.path, mode="r")[...]
            except Exception:
                continue
            if trials.same(back, cells):
                return cells
        return None

    def laid_out(self, cells: Any) -> Any:
        """Cells as a user of this layout has them in memory."""
        kind = {"column-major input": "F", "big-endian input": "swapped"}.get(self.layout, "")
        return strategies.laid_out(cells, kind) if not np.ma.isMaskedArray(cells) else cells


def chains(name: str, data_type: str) -> Iterator[Codec | None]:
    """The codecs of a class that may suit a data type."""
    if name == "none":
        yield None
        return
    codec = codecs()[name]
    numpy = dtype_names.dtype_from_json(trials.data_types()[data_type]).numpy
    typed = {"dtype": (numpy.str,), "decode_dtype": (numpy.str,), "encode_dtype": ("<i8", "<f8")}
    if codec is zarrite.codecs.ShardingCodec:
        return  # shards are a layout here
    yield from trials.made(codec, typed)


@functools.cache
def codecs() -> dict[str, type[Codec]]:
    """The codecs of the registry, by class."""
    return {codec.__name__: codec for codec in trials.built_in()}


def combinations() -> list[Combination]:
    """Every combination, whether its parts go together or not."""
    names = ("none", *codecs())
    return [Combination(*parts) for parts in itertools.product(trials.FORMATS, trials.data_types(), names, LAYOUTS)]


@functools.cache
def chosen() -> tuple[Combination, ...]:
    """The combinations that are tried: all, or so many that each type, codec and layout of each format is among them.

    Only those whose parts go together are counted.
    """
    everything = combinations()
    if WANTED == "all":
        return tuple(everything)
    mixed = list(everything)
    random.Random(0).shuffle(mixed)
    picked: dict[Combination, None] = {}
    missing = possible()
    for one in mixed:
        parts = {(one.zarr_format, part) for part in (one.data_type, one.codec, one.layout)}
        if (parts & missing or len(picked) < int(WANTED)) and one.make({}) is not None:
            picked[one] = None
            missing -= parts
        elif not missing and len(picked) >= int(WANTED):
            break
    return tuple(picked)


def possible() -> set[tuple[int, str]]:
    """The data types, codecs and layouts that each format has."""
    found: set[tuple[int, str]] = set()
    for number in trials.FORMATS:
        tried = {name: trials.try_type(name, number) for name in trials.data_types()}
        tried |= {name: trials.try_codec(codec, number) for name, codec in codecs().items()}
        found |= {(number, name) for name, trial in tried.items() if trial.read and not trial.setting}
        found |= {(number, layout) for layout in LAYOUTS if number == trials.NEWEST or "shards" not in layout}
    return found - {(number, name) for number in trials.FORMATS for name in ELSEWHERE}
