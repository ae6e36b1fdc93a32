"""Contracts as test classes: inherit one in your tests and pytest shows whether your store or codec keeps it.

zarrite runs the same classes on its own. They need pytest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from zarrite._engine import Store
from zarrite.array import Array
from zarrite.config import config
from zarrite.create import create_array, create_group
from zarrite.errors import KeyRefusedError, ReadOnlyError
from zarrite.model.dtype_names import dtype_from_json
from zarrite.model.dtypes import DType
from zarrite.open import open_array, open_group
from zarrite.stores import resolve

__all__ = ["CodecContract", "DataTypeContract", "StoreContract"]


def _in_threads(work: Callable[[int], None], count: int) -> None:
    """Calls a function with 0, 1, 2 ... in a thread each, all at once, and waits for them."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class StoreContract:
    """What every store must do. Give the fixture `store`: an empty place, as it is passed to `zarrite.open`.

    Example:
        >>> import pytest
        >>> class TestMine(StoreContract):
        ...     @pytest.fixture
        ...     def store(self):
        ...         return {}
    """

    @pytest.fixture
    def store(self) -> Any:
        """An empty place; a new one for every test."""
        raise NotImplementedError("give a fixture `store` that returns an empty place")

    @pytest.fixture
    def engine(self, store: Any) -> Store:
        """The place as the engine sees it."""
        return resolve(store)[0]

    def test_a_missing_key_is_none_and_not_an_error(self, engine: Store) -> None:
        assert engine.get("missing").result() is None
        assert engine.get("a/missing", 0, 5).result() is None
        assert engine.size("missing").result() is None
        assert engine.get_many(["missing", "also/missing"]).result() == [None, None]

    def test_what_is_put_is_got(self, engine: Store) -> None:
        for key, value in (("k", b"12345"), ("deep/er/k", b""), ("k2", bytes(range(256)) * 1000)):
            engine.put(key, value).result()
            assert engine.get(key).result() == value
            assert engine.size(key).result() == len(value)

    def test_put_takes_every_buffer(self, engine: Store) -> None:
        for value in (bytearray(b"12"), memoryview(b"xx12")[2:], np.frombuffer(b"12", dtype="u1")):
            engine.put("k", value).result()
            assert engine.get("k").result() == b"12"

    def test_put_replaces_the_whole_object(self, engine: Store) -> None:
        engine.put("k", b"a long first value").result()
        engine.put("k", b"short").result()
        assert engine.get("k").result() == b"short"

    @pytest.mark.parametrize(
        ("start", "stop", "wanted"),
        [
            (None, None, b"12345"),
            (1, 3, b"23"),
            (2, None, b"345"),
            (0, 0, b""),
            (3, 99, b"45"),
            (9, 12, b""),
            (-2, None, b"45"),
            (-99, None, b"12345"),
        ],
    )
    def test_ranges_are_cut_at_the_end(self, engine: Store, start: int | None, stop: int | None, wanted: bytes) -> None:
        engine.put("k", b"12345").result()
        assert engine.get("k", start, stop).result() == wanted

    def test_many_are_got_in_the_order_they_were_asked_for(self, engine: Store) -> None:
        engine.put_many([(f"k{at}", b"%d" % at) for at in range(20)]).result()
        keys = [f"k{at}" for at in (7, 3, 99, 7)]
        assert engine.get_many(keys).result() == [b"7", b"3", None, b"7"]

    def test_put_if_absent_puts_once(self, engine: Store) -> None:
        assert engine.put_if_absent("k", b"first").result()
        assert not engine.put_if_absent("k", b"second").result()
        assert engine.get("k").result() == b"first"

    def test_of_many_threads_one_puts_what_is_absent(self, engine: Store) -> None:
        won: list[int] = []

        def put(number: int) -> None:
            if engine.put_if_absent("k", b"%d" % number).result():
                won.append(number)

        _in_threads(put, 8)
        assert len(won) == 1
        assert engine.get("k").result() == b"%d" % won[0]

    def test_deleting_forgets_and_does_not_mind_what_is_missing(self, engine: Store) -> None:
        engine.put_many([("a", b"1"), ("b", b"2"), ("c", b"3")]).result()
        engine.delete(["a", "missing", "c"]).result()
        assert engine.list("").result() == ["b"]

    def test_listing_gives_whole_keys_below_a_prefix(self, engine: Store) -> None:
        keys = ["a/b/c", "a/b/d", "a/e", "ab", "f"]
        engine.put_many([(key, b"1") for key in keys]).result()
        assert sorted(engine.list("").result()) == keys
        assert sorted(engine.list("a").result()) == ["a/b/c", "a/b/d", "a/e"]
        assert engine.list("a/b/c").result() == []
        assert engine.list("missing").result() == []

    def test_listing_one_level_gives_names(self, engine: Store) -> None:
        engine.put_many([(key, b"1") for key in ("a/b/c", "a/b/d", "a/e", "ab", "f")]).result()
        assert engine.list_dir("").result() == (["ab", "f"], ["a"])
        assert engine.list_dir("a").result() == (["e"], ["b"])
        assert engine.list_dir("missing").result() == ([], [])

    def test_deleting_a_prefix_takes_what_is_below_and_nothing_beside(self, engine: Store) -> None:
        engine.put_many([(key, b"1") for key in ("a/b/c", "a/e", "ab", "f")]).result()
        assert engine.delete_prefix("a").result() == 2
        assert sorted(engine.list("").result()) == ["ab", "f"]
        assert engine.delete_prefix("a").result() == 0

    def test_moving_and_copying_a_prefix(self, engine: Store) -> None:
        engine.put_many([("a/b/c", b"1"), ("a/e", b"2")]).result()
        assert engine.copy_prefix("a", engine, "copy").result() == 2
        engine.move_prefix("a", "moved/here").result()
        assert sorted(engine.list("").result()) == ["copy/b/c", "copy/e", "moved/here/b/c", "moved/here/e"]
        assert engine.get("moved/here/b/c").result() == b"1"

    def test_usage_counts_objects_and_bytes(self, engine: Store) -> None:
        engine.put_many([("a/b", b"123"), ("a/c", b"45"), ("d", b"6")]).result()
        assert engine.usage("a").result() == (2, 5)
        assert engine.usage("").result() == (3, 6)

    @pytest.mark.parametrize("key", ["../out", "a/../../out", "/absolute", "nul\0", ""])
    def test_keys_that_would_leave_the_store_are_refused(self, engine: Store, key: str) -> None:
        with pytest.raises(KeyRefusedError):
            engine.put(key, b"1").result()
        with pytest.raises(KeyRefusedError):
            engine.get(key).result()

    def test_a_read_only_store_refuses_every_change(self, engine: Store) -> None:
        engine.put("k", b"1").result()
        reader = engine.with_read_only()
        assert reader.read_only
        changes: list[Any] = [
            lambda: reader.put("k", b"2"),
            lambda: reader.put_if_absent("new", b"2"),
            lambda: reader.put_many([("k", b"2")]),
            lambda: reader.delete(["k"]),
            lambda: reader.delete_prefix(""),
            lambda: reader.move_prefix("k", "l"),
        ]
        for change in changes:
            with pytest.raises(ReadOnlyError):
                change().result()
        assert reader.get("k").result() == b"1"

    @pytest.fixture
    def unprotected(self) -> Iterator[None]:
        """Lets stores without conditional puts be written by this one process."""
        with config.set({"array.unsafe_writes": "allow"}):
            yield

    @pytest.mark.usefixtures("unprotected")
    def test_arrays_live_in_it(self, store: Any) -> None:
        cells = np.arange(600, dtype="i4").reshape(20, 30)
        group = create_group(store, attributes={"a": 1})
        plain = group.create_array("plain", data=cells, chunks=(7, 8))
        sharded = group.create_array("sharded", data=cells, chunks=(5, 5), shards=(10, 15))
        for array in (plain, sharded):
            array[3:9, ::7] = -1
        cells[3:9, ::7] = -1
        again = open_group(store, mode="r")
        assert sorted(again) == ["plain", "sharded"]
        for name in ("plain", "sharded"):
            array = again.get_array(name)
            np.testing.assert_array_equal(array[...], cells)
            np.testing.assert_array_equal(array[::-3, 4], cells[::-3, 4])

    @pytest.mark.usefixtures("unprotected")
    def test_threads_that_write_parts_of_one_chunk_lose_nothing(self, store: Any) -> None:
        array = create_array(store, shape=(64,), chunks=64, dtype="i4")

        def fill(number: int) -> None:
            for at in range(number, 64, 8):
                array[at] = at + 1

        _in_threads(fill, 8)
        assert array[:].tolist() == list(range(1, 65))


class CodecContract:
    """What every codec must do. Give the fixture `codec`; `settings` says where in the chain it stands.

    Example:
        >>> import pytest
        >>> from zarrite.codecs import GzipCodec
        >>> class TestMine(CodecContract):
        ...     @pytest.fixture
        ...     def codec(self):
        ...         return GzipCodec(level=1)
    """

    dtype = "int32"
    """Data type of the cells it is tried on."""

    is_lossless = True
    """Whether decoding gives back exactly the cells that were encoded."""

    @pytest.fixture
    def codec(self) -> Any:
        """The codec, as it is passed to `create_array`."""
        raise NotImplementedError("give a fixture `codec` that returns the codec")

    @pytest.fixture
    def cells(self) -> Any:
        """Cells to try it on: one axis, at least a thousand."""
        return np.random.default_rng(0).integers(0, 50, 3000).astype(self.dtype)

    @pytest.fixture
    def settings(self, codec: Any) -> dict[str, Any]:
        """Where it stands: a compressor, unless it says that it works on cells."""
        place = {"array": "filters", "serializer": "serializer"}.get(getattr(codec, "kind", "bytes"), "compressors")
        return {place: codec if place == "serializer" else [codec]}

    def check(self, array: Array, cells: Any) -> None:
        """Raises where an array does not hold the cells, as nearly as the codec keeps them."""
        if self.is_lossless:
            np.testing.assert_array_equal(array[...], cells)
        else:
            np.testing.assert_allclose(array[...], cells, rtol=0.1, atol=0.1)

    @pytest.mark.parametrize("count", [1, 7, 1000])
    def test_cells_come_back(self, settings: dict[str, Any], cells: Any, count: int) -> None:
        self.check(create_array(None, data=cells[:count], chunks=64, **settings), cells[:count])

    def test_cells_come_back_from_a_handle_that_was_opened(self, settings: dict[str, Any], cells: Any) -> None:
        made = create_array(None, data=cells, chunks=500, **settings)
        again = open_array(made.store)
        assert again.metadata == made.metadata
        self.check(again, cells)

    def test_cells_come_back_from_shards(self, settings: dict[str, Any], cells: Any) -> None:
        array = create_array(None, data=cells, chunks=50, shards=200, **settings)
        changed = cells.copy()
        array[75:80] = changed[75:80] = cells[:5]
        self.check(array, changed)

    def test_the_same_cells_give_the_same_bytes(self, settings: dict[str, Any], cells: Any) -> None:
        one, two = (create_array(None, data=cells[:100], chunks=100, **settings) for _ in range(2))
        assert one._store.get("c/0").result() == two._store.get("c/0").result()

    def test_damaged_bytes_are_an_error_and_never_a_crash(self, settings: dict[str, Any], cells: Any) -> None:
        array = create_array(None, data=cells[:100], chunks=100, **settings)
        good = array._store.get("c/0").result() or b""
        for bad in (b"", good[: len(good) // 2], good + good, bytes(len(good)), good[::-1]):
            array._store.put("c/0", bad).result()
            try:
                array[...]
            except ValueError:  # ChunkDecodeError is one; bytes that decode to other cells are no failure of the codec
                continue

    def test_threads_may_use_it_together(self, settings: dict[str, Any], cells: Any) -> None:
        array = create_array(None, data=cells, chunks=10, **settings)
        whole = array[...]
        wrong: list[int] = []

        def read(number: int) -> None:
            if array[number::4].tobytes() != whole[number::4].tobytes():
                wrong.append(number)

        _in_threads(read, 4)
        assert wrong == []


class DataTypeContract:
    """What every data type must do. Give the fixture `data_type`; `cells` and `other` where its own will not do.

    Example:
        >>> import pytest
        >>> from zarrite.dtype import parse_dtype
        >>> class TestMine(DataTypeContract):
        ...     @pytest.fixture
        ...     def data_type(self):
        ...         return parse_dtype("int4")
        ...
        ...     @pytest.fixture
        ...     def cells(self, data_type):
        ...         return np.arange(-8, 8).repeat(5).reshape(8, 10).astype(data_type.numpy)
    """

    serializer: Any = "auto"
    """How cells become bytes, where the type needs something of its own."""

    @pytest.fixture
    def data_type(self) -> DType:
        """The data type."""
        raise NotImplementedError("give a fixture `data_type` that returns the data type")

    @pytest.fixture
    def cells(self, data_type: DType) -> Any:
        """Cells of it as reading gives them: two axes, at least 5 by 7, no two neighbours alike."""
        return np.arange(80).reshape(8, 10).astype(data_type.numpy)

    @pytest.fixture
    def fills(self, data_type: DType, cells: Any) -> list[Any]:
        """Fill values: what `create_array` takes as `fill_value`."""
        return [data_type.default(), cells[0, 1], cells[3, 3]]

    def same(self, found: Any, cells: Any) -> None:
        """Raises where found cells are not the others, in type, shape, and every value."""
        assert type(found) is type(cells)
        if isinstance(cells, np.ma.MaskedArray):
            assert np.ma.getmaskarray(found).tolist() == np.ma.getmaskarray(cells).tolist()
            found, cells = found.filled(), cells.filled()
        if isinstance(cells, np.ndarray):
            assert found.dtype == cells.dtype
            assert found.shape == cells.shape
        assert _told(found) == _told(cells)

    def made(self, data_type: DType, cells: Any, **settings: Any) -> Array:
        """An array of the cells, in chunks that do not divide it."""
        settings.setdefault("chunks", (3, 4))
        array = create_array(
            None, shape=cells.shape, dtype=data_type, serializer=self.serializer, overwrite=True, **settings
        )
        array[...] = cells
        return array

    def test_its_document_means_the_same_type(self, data_type: DType) -> None:
        again = dtype_from_json(data_type.to_json())
        assert again == data_type
        assert again.to_json() == data_type.to_json()
        assert hash(again) == hash(data_type)
        assert again.cell_bytes == data_type.cell_bytes

    def test_cells_come_back(self, data_type: DType, cells: Any) -> None:
        array = self.made(data_type, cells)
        assert array.dtype == cells.dtype
        self.same(array[...], cells)
        again = open_array(array.store, mode="r")
        assert again.metadata == array.metadata
        self.same(again[...], cells)

    def test_cells_come_back_from_shards(self, data_type: DType, cells: Any) -> None:
        array = self.made(data_type, cells, chunks=(2, 2), shards=(4, 6))
        array[1:3, 1:4] = cells[1:3, 1:4]
        self.same(array[...], cells)

    def test_every_selection_gives_what_numpy_gives(self, data_type: DType, cells: Any) -> None:
        array = self.made(data_type, cells)
        for key in ((slice(1, 4), slice(None)), (slice(None, None, -2), 3), (2, slice(1, 6, 2)), (..., 0), (-1,)):
            self.same(array[key], cells[key])
        rows, columns = [4, 0, 2], [1, 5, 5]
        self.same(array.oindex[rows, columns], cells[np.ix_(rows, columns)])
        self.same(array.vindex[rows, columns], cells[rows, columns])
        mask = np.zeros(cells.shape, bool)
        mask[1, 2] = mask[3] = True
        self.same(array.vindex[mask], cells[mask])
        for found, row in zip(array, cells, strict=True):
            self.same(found, row)

    def test_one_cell_is_a_scalar(self, data_type: DType, cells: Any) -> None:
        array = self.made(data_type, cells)
        for place in ((0, 0), (1, 2), (-1, -1)):
            assert _told(array[place]) == _told(cells[place])
            array[0, 0] = array[place]
            assert _told(array[0, 0]) == _told(cells[place])

    def test_every_selection_can_be_written(self, data_type: DType, cells: Any) -> None:
        array, wanted = self.made(data_type, cells), cells.copy()
        array[1:3, ::2] = cells[2:4, ::2]
        wanted[1:3, ::2] = cells[2:4, ::2]
        array.oindex[[0, 4], [1, 2]] = cells[:2, :2]
        wanted[np.ix_([0, 4], [1, 2])] = cells[:2, :2]
        array.vindex[[3, 1], [0, 5]] = cells[0, 2:4]
        wanted[[3, 1], [0, 5]] = cells[0, 2:4]
        array[2] = cells[0, 1]
        wanted[2] = cells[0, 1]
        self.same(array[...], wanted)

    def test_cells_are_read_into_an_array(self, data_type: DType, cells: Any) -> None:
        array, out = self.made(data_type, cells), cells.copy()
        out[...] = cells[0, 0]
        assert array.read(..., out=out) is out
        self.same(out, cells)

    def test_unwritten_cells_are_the_fill_value(self, data_type: DType, cells: Any, fills: list[Any]) -> None:
        for fill in fills:
            array = self.made(data_type, cells, fill_value=fill)
            array.resize((cells.shape[0] + 3, cells.shape[1]))
            again = open_array(array.store)
            assert again.metadata == array.metadata
            assert _told(again[cells.shape[0] + 1, 0]) == _told(fill)
            assert _told(again.fill_value) == _told(fill)
            self.same(again[: cells.shape[0]], cells)

    def test_chunks_of_fill_value_are_not_stored(self, data_type: DType, cells: Any, fills: list[Any]) -> None:
        for fill in fills:
            array = self.made(data_type, cells, fill_value=fill)
            array[...] = fill
            assert array.nchunks_initialized == 0

    def test_an_array_grows_by_cells(self, data_type: DType, cells: Any) -> None:
        array = self.made(data_type, cells)
        array.append(cells[:2])
        self.same(array[-2:], cells[:2])


def _told(cells: Any) -> Any:
    """Cells in a form that compares bit by bit where they have bits."""
    if cells is np.ma.masked:
        return None
    if isinstance(cells, np.ndarray):
        if cells.dtype.kind in "OT":
            return [_told(cell) for cell in cells.reshape(-1).tolist()]
        return cells.tobytes()
    if isinstance(cells, np.generic):
        return cells.tobytes()
    return repr(cells)
