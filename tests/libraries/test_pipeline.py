"""The engine below zarr-python: the same cells as its own pipeline's, and what we cannot see is left to that."""

from __future__ import annotations

import asyncio
import pickle
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_array_equal

zarr = pytest.importorskip("zarr", minversion="3.1")

from zarr.codecs import BytesCodec, GzipCodec, ZstdCodec  # noqa: E402 -- only where zarr-python is
from zarr.storage import LocalStore, LoggingStore, MemoryStore  # noqa: E402

from zarrite.interop import pipeline  # noqa: E402

OWN = "zarr.core.codec_pipeline.BatchedCodecPipeline"
CELLS = np.arange(37 * 41 * 5, dtype="i4").reshape(37, 41, 5)
FORMATS = pytest.mark.parametrize("zarr_format", [2, 3])


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    with zarr.config.set({"codec_pipeline.path": pipeline.PATH}), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Left:
    """How often something was left to zarr-python's own pipeline."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        own = pipeline.ZarriteCodecPipeline._own_pipeline

        def counted(self_: Any, spec: Any = None) -> Any:
            self.count += 1
            return own(self_, spec)

        patch.setattr(pipeline.ZarriteCodecPipeline, "_own_pipeline", counted)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Left:
    return Left(monkeypatch)


def made(store: Any, cells: Any = CELLS, chunks: Any = (7, 8, 3), **more: Any) -> Any:
    array = zarr.create_array(store, shape=cells.shape, dtype=cells.dtype, chunks=chunks, **more)
    array[...] = cells
    return array


def as_own(store: Any) -> Any:
    """The array as zarr-python's own pipeline reads it."""
    with zarr.config.set({"codec_pipeline.path": OWN}):
        return zarr.open_array(store)


def chosen_of(rng: np.random.Generator, shape: tuple[int, ...]) -> dict[str, tuple[str, Any, Any]]:
    """Selections of every kind: how they are asked for, the key, and the same for NumPy."""

    def part(length: int) -> Any:
        start, stop = sorted(rng.integers(0, length + 1, 2))
        return [slice(start, stop), slice(start, stop, int(rng.integers(1, 4))), int(rng.integers(length))][
            rng.integers(3)
        ]

    def numbers(length: int) -> Any:
        found = rng.integers(0, length, rng.integers(1, 2 * length + 1))
        return np.sort(found) if rng.integers(2) else found

    basic = tuple(map(part, shape))
    some = [numbers(n) if rng.integers(2) else rng.random(n) > 0.4 for n in shape]
    orthogonal = tuple(rng.integers(2) and array_like for array_like in some)
    orthogonal = tuple(
        choice if isinstance(choice, np.ndarray) else part(n) for choice, n in zip(orthogonal, shape, strict=True)
    )
    count = int(rng.integers(1, 30))
    points = tuple(rng.integers(0, n, count) for n in shape)
    mask = rng.random(shape) > 0.7
    return {
        "all": ("basic", ..., ...),
        "basic": ("basic", basic, basic),
        "orthogonal": ("oindex", orthogonal, orthogonal),
        "points": ("vindex", points, points),
        "mask": ("vindex", mask, mask),
    }


def as_numpy(cells: Any, how: str, key: Any) -> Any:
    """What NumPy gives for an orthogonal selection, an axis at a time."""
    if how != "oindex":
        return cells[key]
    axis = 0
    for part in key:
        cells = (
            np.moveaxis(np.moveaxis(cells, axis, 0)[part], 0, axis)
            if not isinstance(part, int)
            else (np.take(cells, part, axis))
        )
        axis += not isinstance(part, int)
    return cells


def ask(array: Any, how: str, key: Any) -> Any:
    return array[key] if how == "basic" else getattr(array, how)[key]


def tell(array: Any, how: str, key: Any, values: Any) -> None:
    if how == "basic":
        array[key] = values
    else:
        getattr(array, how)[key] = values


# ---------------------------------------------------------------- the same cells


CODECS: dict[str, dict[str, Any]] = {
    "plain": {"compressors": None},
    "zstd": {"compressors": "auto"},
    "gzip": {"compressors": GzipCodec(level=1)},
    "big endian": {"serializer": BytesCodec(endian="big"), "compressors": ZstdCodec(level=1, checksum=True)},
}
DTYPES = ("bool", "i1", "<i4", ">u2", "<f4", ">f8", "c8", "M8[s]", "S3", "U2", "str", [("a", "i2"), ("b", "f4")])


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, Any]:
    ndim = draw(st.integers(1, 3))
    shape = tuple(draw(st.integers(1, 12)) for _ in range(ndim))
    chunks = tuple(draw(st.integers(1, 5)) for _ in range(ndim))
    layout: dict[str, Any] = {"shape": shape, "chunks": chunks}
    layout["zarr_format"] = draw(st.sampled_from([2, 3, 3]))
    if layout["zarr_format"] == 3:
        layout |= CODECS[draw(st.sampled_from(sorted(CODECS)))]
        if draw(st.booleans()):
            layout["shards"] = tuple(edge * draw(st.integers(1, 3)) for edge in chunks)
    layout["dtype"] = draw(st.sampled_from(DTYPES))
    layout["config"] = {"write_empty_chunks": draw(st.booleans()), "order": draw(st.sampled_from("CF"))}
    if layout["dtype"] == "str":
        layout.pop("serializer", None)
        layout["config"]["order"] = "C"  # some versions of zarr-python write text of arrays in order "F" wrongly
    if isinstance(layout["dtype"], list):
        layout.pop("shards", None)  # some versions of zarr-python cannot write them
    return layout


def cells_of(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    numbers = rng.integers(0, 2, shape) * rng.integers(0, 100, shape)
    if dtype == "str":
        return numbers.astype("U3").astype(np.dtypes.StringDType())
    kind = np.dtype(dtype)
    if kind.names:
        cells = np.zeros(shape, dtype=kind)
        cells["a"] = numbers
        cells["b"] = numbers / 2
        return cells
    return numbers.astype("i8").astype(kind) if kind.kind == "M" else numbers.astype(kind)


@given(layouts(), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=150, deadline=None)
def test_both_pipelines_read_and_write_the_same_cells(
    tmp_path_factory: pytest.TempPathFactory, layout: dict[str, Any], seed: int, in_memory: bool
) -> None:
    rng = np.random.default_rng(seed)
    stores = [MemoryStore({}) if in_memory else LocalStore(tmp_path_factory.mktemp("a")) for _ in range(2)]
    ours = zarr.create_array(stores[0], **layout)
    shape = layout["shape"]
    cells = np.full(shape, ours.fill_value, dtype=ours.dtype)
    for how, key, plain in chosen_of(rng, shape).values():
        if how == "vindex" and isinstance(plain, tuple):
            # Which of two values for one cell is kept, zarr-python leaves open.
            key = plain = np.unravel_index(np.unique(np.ravel_multi_index(plain, shape)), shape)
        index = np.arange(cells.size).reshape(shape)
        index = as_numpy(index, how, plain)
        assert_array_equal(ask(ours, how, key), cells.reshape(-1)[index])
        if index.size and len(np.unique(index)) == index.size:
            values = cells_of(rng, index.shape, layout["dtype"])
            tell(ours, how, key, values)
            cells.reshape(-1)[index] = values
            assert_array_equal(ours[...], cells)
    with zarr.config.set({"codec_pipeline.path": OWN}):
        assert_array_equal(zarr.open_array(stores[0])[...], cells)
        zarr.create_array(stores[1], **layout)[...] = cells
    assert_array_equal(zarr.open_array(stores[1])[...], cells)


@FORMATS
@pytest.mark.parametrize("shards", [None, (14, 16, 6)])
def test_every_kind_of_selection_reaches_the_engine(tmp_path: Path, left: Left, zarr_format: int, shards: Any) -> None:
    if shards and zarr_format == 2:
        pytest.skip("format 2 has no shards")
    array = made(tmp_path, zarr_format=zarr_format, shards=shards)
    rows, few, mask = [3, 1, 20], np.array([0, 4]), np.arange(37) % 3 == 0
    everywhere = CELLS % 7 == 0
    reads: list[tuple[Any, Any]] = [
        (array[...], CELLS),
        (array[3], CELLS[3]),
        (array[3:30:4, :, 1], CELLS[3:30:4, :, 1]),
        (array[1, 2, 3], CELLS[1, 2, 3]),
        (array[-5:], CELLS[-5:]),
        (array.oindex[rows, :, 2], CELLS[rows, :, 2]),
        (array.oindex[rows, 5:30, few], CELLS[np.ix_(rows, range(5, 30), few)]),
        (array.oindex[mask], CELLS[mask]),
        (array.oindex[mask, 3, few], CELLS[mask][:, 3][:, few]),
        (array.vindex[rows, [5, 6, 7], [0, 0, 4]], CELLS[rows, [5, 6, 7], [0, 0, 4]]),
        (array.vindex[everywhere], CELLS[everywhere]),
        (array.blocks[1, 1], CELLS[14:28, 16:32] if shards else CELLS[7:14, 8:16]),
    ]
    for got, wanted in reads:
        assert_array_equal(got, wanted)
    cells = CELLS.copy()
    array[3:9, 2] = cells[3:9, 2] = 5
    array.oindex[rows, :, 2] = 6
    cells[rows, :, 2] = 6
    array.oindex[rows, 4:9, few] = 8
    cells[np.ix_(rows, range(4, 9), few)] = 8
    array.vindex[everywhere] = cells[everywhere] = np.arange(everywhere.sum())
    assert left.count == 0
    assert_array_equal(as_own(tmp_path)[...], cells)


@FORMATS
def test_an_array_that_grows_and_shrinks_is_followed(tmp_path: Path, left: Left, zarr_format: int) -> None:
    array = made(tmp_path, zarr_format=zarr_format)
    array.resize((50, 41, 5))
    assert not array[37:].any()
    array[40:] = 3
    array.append(np.ones((30, 41, 5), dtype="i4"))
    assert (array[40:50] == 3).all()
    assert (array[50:] == 1).all()
    array.resize((10, 60, 5))
    assert_array_equal(array[:, :41], CELLS[:10])
    assert not array[:, 41:].any()
    assert left.count == 0
    assert_array_equal(as_own(tmp_path)[...], array[...])


@pytest.mark.parametrize(
    "chunk_key_encoding", [{"name": name, "separator": s} for name in ("default", "v2") for s in "./"]
)
@pytest.mark.parametrize("name", [None, "a", "a/b/c"])
def test_keys_are_understood_wherever_the_array_lies(
    tmp_path: Path, left: Left, chunk_key_encoding: dict[str, str], name: str | None
) -> None:
    array = made(tmp_path, name=name, chunk_key_encoding=chunk_key_encoding)
    assert_array_equal(array[5:20, 7], CELLS[5:20, 7])
    assert left.count == 0
    assert_array_equal(as_own(array.store_path)[...], CELLS)


def test_values_of_another_byte_order_or_type_are_taken(tmp_path: Path, left: Left) -> None:
    array = made(tmp_path)
    array[...] = CELLS.astype(">i4")
    assert_array_equal(array[...], CELLS)
    array[:3] = CELLS[:3].astype("f8")
    array[3:6] = np.asfortranarray(CELLS[3:6])
    assert_array_equal(array[...], CELLS)
    assert left.count == 0


def test_empty_chunks_are_stored_as_the_array_says(tmp_path: Path, left: Left) -> None:
    for kept in (False, True):
        array = zarr.create_array(
            tmp_path / str(kept), shape=(4,), chunks=(2,), dtype="i4", config={"write_empty_chunks": kept}
        )
        array[...] = [0, 0, 0, 1]
        assert (tmp_path / str(kept) / "c" / "0").exists() is kept
    assert left.count == 0


def test_an_array_travels_in_a_pickle_and_keeps_its_pipeline(tmp_path: Path, left: Left) -> None:
    array = made(tmp_path)
    with zarr.config.set({"codec_pipeline.path": OWN}):
        again = pickle.loads(pickle.dumps(array))
    assert again == array
    assert_array_equal(again[...], CELLS)
    assert left.count == 0


def test_many_threads_and_coroutines_read_at_once(tmp_path: Path) -> None:
    array = made(tmp_path)
    failed: list[Any] = []

    def look(row: int) -> None:
        if not np.array_equal(array[row], CELLS[row]):
            failed.append(row)

    threads = [threading.Thread(target=look, args=(row,)) for row in range(37)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []

    async def together() -> list[Any]:
        return await asyncio.gather(*(array._async_array.getitem((row,)) for row in range(37)))

    assert_array_equal(np.stack(asyncio.run(together())), CELLS)


def test_writers_of_one_chunk_lose_nothing(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path, shape=(64,), chunks=(64,), dtype="i4")

    def write(at: int) -> None:
        array[at : at + 4] = at + 1

    threads = [threading.Thread(target=write, args=(at,)) for at in range(0, 64, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_array_equal(array[...], np.repeat(np.arange(0, 64, 4) + 1, 4))


# ---------------------------------------------------------------- what is left to zarr-python


def test_a_codec_of_a_users_own_is_left_to_zarr_python(tmp_path: Path, left: Left) -> None:
    class Mine(GzipCodec):
        """A class that a user put in place of zarr-python's: what it does its document does not say."""

    array = made(tmp_path, compressors=Mine(level=1))
    assert_array_equal(array[...], CELLS)
    assert left.count == 2
    assert zarr.open_array(tmp_path)[0].shape == (41, 5)
    inside = made(tmp_path / "b", compressors=Mine(level=1), shards=(14, 16, 6))
    assert_array_equal(inside[...], CELLS)
    assert left.count == 4


def test_a_store_of_a_users_own_is_left_to_zarr_python(left: Left, tmp_path: Path) -> None:
    class Mine(LocalStore):
        """A store that does something of its own."""

    stores = [Mine(tmp_path / "a"), LoggingStore(LocalStore(tmp_path / "b"))]
    for count, store in enumerate(stores):
        assert_array_equal(made(store)[...], CELLS)
        assert left.count == 2 * count + 2


def test_a_few_large_objects_in_memory_are_left_to_zarr_python(left: Left) -> None:
    # They are where Python is; one call each is all that there is to do.
    array = made({}, chunks=(37, 41, 5))
    assert_array_equal(array[...], CELLS)
    assert left.count == 2
    many = made({}, chunks=(4, 5, 5))
    assert_array_equal(many[...], CELLS)
    assert left.count == 2


@pytest.mark.skipif(not pipeline.IS_FUSED, reason="zarr-python before 3.3 has no pipeline that blocks")
def test_what_is_little_in_memory_is_handed_to_no_other_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Any] = []
    to_thread = asyncio.to_thread

    async def counted(work: Any, *given: Any, **named: Any) -> Any:
        handed.append(work)
        return await to_thread(work, *given, **named)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    for compressors in (None, "auto"):
        array = made({}, chunks=(37, 41, 5), compressors=compressors)
        array[3:5, 7] = 9
        assert_array_equal(array[3:5, 7], np.full((2, 5), 9))
        assert_array_equal(array[5:], CELLS[5:])
        assert array.vindex[[1, 2], [3, 4], [0, 0]].tolist() == CELLS[[1, 2], [3, 4], [0, 0]].tolist()
    assert handed == []
    # What takes longer holds up nobody else's coroutines.
    large = made({}, np.zeros((3, 1 << 20), dtype="u1"), chunks=(3, 1 << 20), fill_value=1)
    assert not large[...].any()
    plain = made({}, np.zeros((3, 1 << 20), dtype="u1"), chunks=(3, 1 << 20), fill_value=1, compressors=None)
    assert len(handed) == 3
    # Of an uncompressed object only what is wanted counts.
    assert plain[2, 7] == 0
    assert len(handed) == 3


@pytest.mark.skipif(not pipeline.IS_FUSED, reason="zarr-python before 3.3 has no pipeline that blocks")
def test_codecs_of_a_users_own_hold_up_no_coroutines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(GzipCodec):
        """A class of the user's own: it may take as long as it likes."""

    in_loop: list[bool] = []
    decode = GzipCodec._decode_sync

    def noted(self: Any, *given: Any) -> Any:
        in_loop.append(asyncio._get_running_loop() is not None)
        return decode(self, *given)

    monkeypatch.setattr(GzipCodec, "_decode_sync", noted)
    for codec in (GzipCodec(level=1), Mine(level=1)):
        assert_array_equal(made({}, chunks=(37, 41, 5), compressors=codec)[...], CELLS)
    assert in_loop == [True, False]


def test_an_array_without_axes_is_left_to_zarr_python(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path, shape=(), dtype="i4")
    array[...] = 7
    assert array[...] == 7


def test_refusals_are_in_the_words_of_zarr_python(tmp_path: Path) -> None:
    made(tmp_path)
    array = zarr.open_array(tmp_path, mode="r")
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
    with pytest.raises(IndexError):
        array[99]


@pytest.mark.skipif(not hasattr(zarr.errors, "ChunkNotFoundError"), reason="zarr-python before 3.2 knows no such wish")
def test_who_refuses_missing_chunks_hears_which(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path, shape=(4,), chunks=(2,), dtype="i4", config={"read_missing_chunks": False})
    array[:2] = 1
    with pytest.raises(zarr.errors.ChunkNotFoundError, match="c/1"):
        array[...]


def test_the_pipeline_answers_what_a_pipeline_is_asked(tmp_path: Path) -> None:
    array = made(tmp_path)
    found = array._async_array.codec_pipeline
    assert isinstance(found, pipeline.ZarriteCodecPipeline)
    assert [type(codec) for codec in found] == [type(codec) for codec in array.metadata.codecs]
    assert found.supports_partial_decode is False
    assert found.supports_partial_encode is False
    assert repr(found).startswith("<ZarriteCodecPipeline of")


def test_a_damaged_chunk_is_an_error(tmp_path: Path) -> None:
    array = made(tmp_path)
    (tmp_path / "c" / "0" / "0" / "0").write_bytes(b"no such thing")
    with pytest.raises(ValueError, match="c/0/0/0"):
        array[0]
    assert_array_equal(array[7:], CELLS[7:])
