"""Chunks large enough to be read in part, shared by threads or copied in tiles: still NumPy's cells, bit by bit."""

from __future__ import annotations

import math
import tempfile
from typing import Any

import numpy as np
from hypothesis import given, strategies as st

import plain
import strategies
import zarrite
from properties.histories import FAST, objects_of
from properties.profile import share
from zarrite import _engine, codecs
from zarrite.storage import MemoryStore

DTYPES = ("u1", "i2", "f4", "f8", "c16", "S3", [("a", "u1"), ("b", "f4")])


@st.composite
def large(draw: st.DrawFn) -> dict[str, Any]:
    """An array of a few megabytes in few chunks."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    ndim = draw(st.integers(1, 4))
    cells = draw(st.sampled_from((40_000, 300_000, 1_200_000))) // dtype.itemsize * 4
    lengths = [draw(st.sampled_from((1, 2, 7, 16, 33, 100))) for _ in range(ndim - 1)]
    while math.prod(lengths) > cells:
        lengths[lengths.index(max(lengths))] //= 3
    lengths.insert(draw(st.integers(0, ndim - 1)), max(1, cells // max(1, math.prod(lengths))))
    shape = tuple(max(1, length) for length in lengths)
    chunks = tuple(max(1, -(-length // draw(st.sampled_from((1, 1, 1, 2, 3, 5))))) for length in shape)
    settings: dict[str, Any] = {
        "shape": shape,
        "chunks": chunks,
        "dtype": dtype,
        "fill_value": draw(strategies.fills(dtype, tame=False, zarr_format=3)),
        "compressors": draw(
            st.sampled_from(
                (
                    None,
                    None,
                    codecs.ZstdCodec(1),
                    codecs.GzipCodec(1),
                    codecs.BloscCodec(cname="lz4", blocksize=0),
                    codecs.BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"),
                    codecs.BloscCodec(cname="blosclz", blocksize=4096, shuffle="noshuffle"),
                    codecs.BloscCodec(cname="lz4", clevel=0),
                    [codecs.BloscCodec(cname="lz4", blocksize=1 << 16), codecs.Crc32cCodec()],
                )
            )
        ),
    }
    if draw(st.booleans()):
        settings["shards"] = tuple(edge * draw(st.integers(1, 3)) for edge in chunks)
    if draw(st.integers(0, 3)) == 0:
        settings["serializer"] = codecs.BytesCodec("big")
    if draw(st.integers(0, 2)) == 0:
        settings["filters"] = [codecs.TransposeCodec(draw(st.permutations(range(ndim))))]
    return settings


def pattern(dtype: np.dtype[Any], shape: tuple[int, ...], seed: int) -> Any:
    """Cells that all differ from their neighbours, along every axis, and still compress a little."""
    numbers = np.random.default_rng(seed)
    size = math.prod(shape) * dtype.itemsize
    raw = np.arange(size, dtype=np.uint64) * 2654435761 >> np.uint64(9)
    raw ^= numbers.integers(0, 256, dtype=np.uint64)
    return np.frombuffer((raw & np.uint64(0x7F)).astype(np.uint8).tobytes(), dtype)[: math.prod(shape)].reshape(shape)


@st.composite
def narrow_keys(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Keys that want little of much: single cells, rows, columns, strides, corners."""
    entries: list[Any] = []
    for length in shape:
        how = draw(st.sampled_from(("one", "few", "all", "stride", "back", "some")))
        start = draw(st.integers(0, length - 1))
        if how == "one":
            entries.append(start)
        elif how == "few":
            entries.append(slice(start, start + draw(st.integers(0, 5))))
        elif how == "all":
            entries.append(slice(None))
        elif how == "stride":
            entries.append(slice(start, None, draw(st.sampled_from((1, 2, 3, 17, 1000)))))
        elif how == "back":
            entries.append(slice(None, None, -draw(st.sampled_from((1, 2, 3, 17, 1000)))))
        else:
            entries.append(slice(start // 2, length - start // 3))
    return tuple(entries)


def same(got: Any, expected: Any) -> None:
    assert np.shape(got) == np.shape(expected)
    assert np.asarray(got).tobytes() == np.asarray(expected).tobytes()


@share(0.06)
@given(st.data())
def test_parts_of_large_chunks_are_numpys(data: st.DataObject) -> None:
    settings = data.draw(large())
    dtype, shape = settings["dtype"], settings["shape"]
    threads = _engine.configure()["threads"]
    _engine.configure(threads=data.draw(st.sampled_from((1, 2, 5))))
    folder = tempfile.TemporaryDirectory(dir=FAST) if data.draw(st.booleans()) else None
    try:
        array = zarrite.create_array(MemoryStore() if folder is None else folder.name, **settings)
        fill = settings["fill_value"] if type(settings["fill_value"]) is not int else np.zeros((), dtype)[()]
        cells = plain.filled(shape, dtype, fill)
        if data.draw(st.integers(0, 3)):
            values = pattern(dtype, shape, 1)
            layout = data.draw(st.sampled_from(("C", "F", "strided", "backwards", "unaligned")))
            array[...] = strategies.laid_out(values, layout)
            cells[...] = values
        for seed in range(data.draw(st.integers(0, 3))):
            key = data.draw(narrow_keys(shape))
            values = pattern(dtype, np.shape(cells[key]), seed + 2)
            array[key] = values
            cells[key] = values
        for _ in range(data.draw(st.integers(2, 6))):
            key = data.draw(narrow_keys(shape))
            same(array[key], cells[key])
        lists = tuple(np.random.default_rng(len(shape)).integers(0, length, 7) for length in shape)
        same(array.vindex[lists], cells[lists])
        same(array.oindex[lists], cells[np.ix_(*lists)])
        out = np.asfortranarray(np.empty(shape, dtype=dtype))
        same(array.read(..., out=out), cells)
        same(array[...], cells)
        if math.prod(shape) * dtype.itemsize < 500_000:
            same(plain.read(objects_of(array.store), dtype, fill), cells)
    finally:
        _engine.configure(threads=threads)
        if folder is not None:
            folder.cleanup()
