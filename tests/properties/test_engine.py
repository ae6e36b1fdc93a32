"""The engine alone, below every declaration: random documents, random boxes written and read, NumPy's cells bit by bit.

ZARRITE_CASES says how many arrays (2,000 when it says nothing); each is written and read six times.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from properties.profile import CASES
from zarrite import _engine

INDEX = [{"name": "bytes", "swap": [], "cell_bytes": 8}, {"name": "crc32c", "location": "end"}]
DTYPES = ("u1", "<i2", "<f4", "<f8", "<c16", "V3", "bool")


def compressor(draw: random.Random, cell_bytes: int) -> list[dict[str, Any]]:
    """The bytes-to-bytes part of a chain, often empty."""
    blosc = {"name": "blosc", "cname": "zstd", "clevel": 1, "shuffle": 1, "typesize": cell_bytes, "blocksize": 0}
    zstd = {"name": "zstd", "level": 1, "checksum": False}
    return draw.choice([[], [zstd], [blosc], [INDEX[1]]])


def shard(shape: list[int], codecs: list[dict[str, Any]], place: str) -> dict[str, Any]:
    """A lowered sharding entry."""
    parts = {"chunk_shape": shape, "codecs": codecs, "index_codecs": INDEX, "index_location": place}
    return {"name": "sharding_indexed", **parts}


def lengths(draw: random.Random, extent: int, stored: int, bounded: bool) -> int | list[list[int]]:
    """The objects of one axis: one edge, or runs of (edge, count, stored cells) that reach its end."""
    if bounded or draw.random() < 0.6:
        return stored
    runs: list[list[int]] = []
    while sum(edge * count for edge, count, _ in runs) < extent or draw.random() < 0.2:
        edge = draw.randrange(1, 2 * stored + 1)
        runs.append([edge, draw.randrange(1, 3), edge + draw.choice([0, 0, 0, 1, 5])])
    return runs


def document(draw: random.Random, shape: list[int], dtype: np.dtype[Any], fill: np.ndarray[Any, Any]) -> str:
    """A lowered document: chunks, shards, nested shards, transposed or not, with the index at either end."""
    ndim = len(shape)
    chunk = [draw.randrange(1, 6) for _ in shape]
    cells = [{"name": "bytes", "swap": [], "cell_bytes": dtype.itemsize}, *compressor(draw, dtype.itemsize)]
    turned = draw.random() < 0.4
    turn = [{"name": "transpose", "order": list(range(ndim))[::-1]}] if turned else []
    stored, codecs = chunk, [*turn, *cells]
    if ndim and draw.random() < 0.6:
        per = [draw.randrange(1, 4) for _ in shape]
        stored = [edge * count for edge, count in zip(chunk, per, strict=True)]
        place = draw.choice(["start", "end"])
        if draw.random() < 0.2:
            stored = [max(1, edge + draw.randrange(-2, 3)) for edge in stored]  # the last chunks are clipped
        # Below a transposition a shard's shapes are in its own order of axes.
        inner, counts = (chunk[::-1], per[::-1]) if turned else (chunk, per)
        codecs = cells
        if draw.random() < 0.3:
            codecs = [shard(inner, codecs, place)]
            inner = [edge * (2 - count % 2) for edge, count in zip(inner, counts, strict=True)]
        codecs = [*turn, shard(inner, codecs, place)]
        if draw.random() < 0.2:
            codecs.append({"name": "zstd", "level": 1, "checksum": False})
    parts = {"shape": shape, "cell_bytes": dtype.itemsize, "vlen": None, "fill": fill.tobytes().hex()}
    keys = {"name": "default", "separator": "/"}
    rules = {"write_empty_chunks": draw.random() < 0.3, "missing": "fill"}
    bounded = draw.random() < 0.1
    if draw.random() < 0.5:
        objects = [lengths(draw, extent, edge, bounded) for extent, edge in zip(shape, stored, strict=True)]
        return json.dumps(
            {**parts, "chunk_shape": objects, "bounded": bounded, "keys": keys, "codecs": codecs, **rules}
        )
    return json.dumps({**parts, "chunk_shape": stored, "keys": keys, "codecs": codecs, **rules})


def bracket(draw: random.Random, extent: int) -> int | slice:
    """An integer or a slice of one axis, beyond its ends now and then."""
    if extent and draw.random() < 0.2:
        return draw.randrange(-extent, extent)
    first, last = (draw.choice([None, draw.randrange(-extent - 2, extent + 3)]) for _ in range(2))
    return slice(first, last, draw.choice([1, 1, 1, 2, 3, -1, -2, 7]))


def values(draw: random.Random, like: np.ndarray[Any, Any], fill: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Random cells of a shape, now and then the fill value alone, now and then in Fortran's order."""
    if draw.random() < 0.2:
        return np.broadcast_to(fill, like.shape)
    most = 2 if like.dtype == bool else 256
    raw = np.random.default_rng(draw.randrange(10**9)).integers(0, most, like.size * like.dtype.itemsize, "u1")
    cells = np.frombuffer(raw.tobytes(), like.dtype).reshape(like.shape)
    return np.asfortranarray(cells).reshape(like.shape) if draw.random() < 0.3 else cells


def test_what_is_written_to_any_box_is_read_from_any_box(tmp_path: Path) -> None:
    draw = random.Random(20261120)
    for case in range(CASES):
        shape = [draw.randrange(0, 14) for _ in range(draw.randrange(0, 4))]
        dtype = np.dtype(draw.choice(DTYPES))
        fill = np.frombuffer(bytes([draw.randrange(2)] * dtype.itemsize), dtype)[0]
        fill = np.asarray(fill)
        lowered = document(draw, shape, dtype, fill)
        local = draw.random() < 0.1
        store = _engine.local_store(str(tmp_path / str(case))) if local else _engine.memory_store()
        cells = _engine.Cells(_engine.Program(lowered), store, draw.choice(["", "a/b"]), dtype)
        expected = np.full(shape, fill, dtype)
        for _ in range(6):
            key = tuple(bracket(draw, extent) for extent in shape)
            new = values(draw, np.asarray(expected[key]), fill)
            assert cells.set(key, new), (lowered, key)
            expected[key] = new
            key = ... if draw.random() < 0.3 else tuple(bracket(draw, extent) for extent in shape)
            got, want = cells.get(key), expected[key]
            assert np.shape(got) == np.shape(want), (lowered, key)
            assert np.asarray(got).tobytes() == np.asarray(want).tobytes(), (lowered, key)
