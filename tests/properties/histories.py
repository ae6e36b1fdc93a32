"""One array and its double in NumPy: every step is done to both, and both must stay the same, bit by bit."""

from __future__ import annotations

import asyncio
import io
import math
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

import plain
import reference
import selecting
import strategies
import zarrite
from zarrite.storage import MemoryStore

Cells = NDArray[Any]
KINDS = ("basic", "basic", "basic", "orthogonal", "coordinates", "mask", "blocks", "mixed")
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
LOOP = asyncio.new_event_loop()


def objects_of(store: Any) -> dict[str, bytes]:
    """Every stored object by its key."""
    keys = store.list("").result()
    return dict(zip(keys, store.get_many(keys).result(), strict=True))


class History:
    """An array of zarrite's and the same cells in NumPy."""

    def __init__(self, made: strategies.Made, place: str) -> None:
        self.made = made
        self.folder = None
        store: Any = MemoryStore()
        if place == "local":
            self.folder = tempfile.TemporaryDirectory(dir=FAST)
            store = self.folder.name
        elif place == "mapping":
            store = MemoryStore({})
        self.place = store
        self.array = zarrite.create_array(store, **made.settings)
        self.dtype = made.dtype
        self.fill = fill_of(made)
        self.cells = plain.filled(made.shape, made.dtype, self.fill)

    def close(self) -> None:
        """Takes the folder away."""
        if self.folder is not None:
            self.folder.cleanup()

    def same(self, got: Any, expected: Any) -> None:
        """Fails where two results differ in shape or in a bit."""
        one, two = strategies.bits(got, self.dtype), strategies.bits(expected, self.dtype)
        assert one == two, f"got {got!r}\nexpected {expected!r}"

    # ------------------------------------------------------------ keys

    def key(self, draw: Any) -> tuple[str, Any, Cells]:
        """A key of some kind, and the numbers (in C order) of the cells it selects, laid out as the result is."""
        shape = self.cells.shape
        numbers = np.arange(self.cells.size).reshape(shape)
        kind = draw(st.sampled_from(KINDS))
        if kind == "mixed" and (len(shape) < 2 or 0 in shape):
            kind = "basic"
        if kind == "coordinates" and (not shape or 0 in shape):
            kind = "basic"
        if kind == "mask" and not shape:
            kind = "basic"
        if kind == "basic":
            key = draw(selecting.basic_keys(shape))
            return kind, key, np.asarray(numbers[key])
        if kind == "orthogonal":
            key = draw(selecting.orthogonal_keys(shape))
            return kind, key, np.asarray(reference.orthogonal(numbers, key))
        if kind == "coordinates":
            key = draw(selecting.coordinate_keys(shape))
            return kind, key, reference.coordinates(numbers, key)
        if kind == "mask":
            seed = draw(st.integers(0, 9))
            key = np.random.default_rng(seed).random(shape) < (0, 0.05, 0.5, 1)[seed % 4]
            return kind, key, numbers[key]
        if kind == "mixed":
            key = draw(selecting.mixed_keys(shape))
            return kind, key, np.asarray(numbers[key])
        key = draw(selecting.block_keys(shape, self.array.write_chunks))
        return kind, key, np.asarray(reference.blocks(numbers, key, self.array.write_chunks))

    # ------------------------------------------------------------ steps

    def read(self, draw: Any) -> None:
        """Reads a selection, by one of its doors."""
        kind, key, numbers = self.key(draw)
        expected = self.cells.reshape(-1)[numbers.reshape(-1)].reshape(numbers.shape)
        door = draw(st.sampled_from(("brackets", "brackets", "aio", "out")))
        array = self.array
        if kind in ("basic", "mixed"):
            if door == "aio":
                got = LOOP.run_until_complete(array.read.aio(key))
            elif door == "out":
                self.read_out(draw, lambda out: array.read(key, out=out), expected)
                return
            else:
                got = array[key]
            if kind == "basic":
                scalar = not isinstance(self.cells[key], np.ndarray)
                assert scalar != isinstance(got, np.ndarray) or self.dtype.kind in "TO"
        elif door == "out":
            name = {"coordinates": "coordinate", "blocks": "block"}.get(kind, kind)
            select = getattr(array, f"get_{name}_selection")
            self.read_out(draw, lambda out: select(key, out=out), expected)
            return
        else:
            got = self.accessor(kind)[key]
        self.same(got, expected)

    def accessor(self, kind: str) -> Any:
        """The brackets for a kind of key."""
        array = self.array
        return {
            "basic": array,
            "mixed": array,
            "orthogonal": array.oindex,
            "coordinates": array.vindex,
            "mask": array.vindex,
            "blocks": array.blocks,
        }[kind]

    def read_out(self, draw: Any, read: Any, expected: Cells) -> None:
        """Reads into memory of every layout; what lies between the cells stays as it was."""
        layout = draw(st.sampled_from(("C", "F", "strided", "backwards", "unaligned", "swapped", "frozen", "wrong")))
        shape, dtype = expected.shape, self.dtype
        if layout in ("swapped", "frozen", "wrong"):
            out = np.zeros(shape if layout != "wrong" else (*shape, 2), dtype=dtype)
            if layout == "swapped":
                if dtype.kind not in "iufcM" or dtype.itemsize == 1:
                    return
                out = out.view(dtype.newbyteorder("S"))
            out.flags.writeable = layout != "frozen"
            with pytest.raises(ValueError, match="out"):
                read(out)
            assert not dtype.hasobject or not out.size or not any(map(bool, out.ravel().tolist()))
            assert dtype.kind in "TO" or not any(out.tobytes())
            return
        if dtype.kind in "TO":
            out = np.empty(shape, dtype=dtype)
        else:
            room = np.full(math.prod(shape) * 3 * dtype.itemsize + dtype.itemsize + 1, 0xA5, dtype=np.uint8)
            out = _inside(room, layout, shape, dtype)
            raw = _inside(room, layout, shape, np.dtype(("V", dtype.itemsize)))
        assert read(out) is out
        self.same(out, expected)
        if dtype.kind not in "TO":
            raw[...] = np.void(b"\xa5" * dtype.itemsize)
            assert (room == 0xA5).all(), "memory outside of `out` was written"

    def write(self, draw: Any) -> None:
        """Writes a selection with values of any layout that broadcast to it."""
        kind, key, numbers = self.key(draw)
        shape = numbers.shape
        narrow = [1 if draw(st.integers(0, 4)) == 0 else length for length in shape]
        if draw(st.integers(0, 4)) == 0:
            narrow = narrow[draw(st.integers(0, len(narrow))) :]
        how = draw(st.sampled_from(("random", "random", "random", "fill", "same")))
        if how == "random":
            values = strategies.random_cells(
                self.dtype, tuple(narrow), draw(st.integers(0, 2**20)), tame=not self.made.exact
            )
        elif how == "fill":
            values = plain.filled(tuple(narrow), self.dtype, self.fill)
        else:
            values = self.cells.reshape(-1)[numbers.reshape(-1)].reshape(shape).copy()
        layout = draw(st.sampled_from(strategies.LAYOUTS))
        given = strategies.laid_out(values, layout)
        if layout == "swapped":
            values = np.asarray(given).astype(self.dtype)
        if kind in ("basic", "mixed") and draw(st.integers(0, 5)) == 0:
            LOOP.run_until_complete(self.array.write.aio(key, given))
        else:
            self.accessor(kind)[key] = given
        self.cells.reshape(-1)[numbers.reshape(-1)] = np.broadcast_to(values, shape).reshape(-1)

    def fields(self, draw: Any) -> None:
        """Reads or writes a field of structured cells."""
        names = self.dtype.names
        if not names:
            return
        key = draw(selecting.basic_keys(self.cells.shape))
        name = draw(st.sampled_from(names))
        field = self.dtype[name]
        entries = key or (Ellipsis,)
        if draw(st.booleans()) or field.subdtype is not None:
            got = self.array[(name, *entries)]
            expected = self.cells[key][name]
            base = field.base
            assert strategies.bits(got, base) == strategies.bits(expected, base)
            several = self.array[[name, names[0]], ...] if name != names[0] else None
            if several is not None:
                assert strategies.bits(several[name], base) == strategies.bits(self.cells[name], base)
            return
        values = strategies.random_cells(field, np.shape(self.cells[name][key]), draw(st.integers(0, 99)))
        self.array[(name, *entries)] = values
        self.cells[name][key or ...] = values

    def resize(self, draw: Any) -> None:
        """Changes the shape, some axes longer and some shorter."""
        shape = tuple(draw(st.integers(0, length + 4)) for length in self.cells.shape)
        if math.prod(shape) > 3000:
            return
        self.array.resize(shape)
        self.reshaped(shape)
        assert self.array.shape == shape

    def reshaped(self, shape: tuple[int, ...]) -> None:
        """The double in another shape."""
        result = plain.filled(shape, self.dtype, self.fill)
        shared = tuple(slice(0, min(one, two)) for one, two in zip(self.cells.shape, shape, strict=True))
        result[shared] = self.cells[shared]
        self.cells = result

    def append(self, draw: Any) -> None:
        """Adds cells behind the end of an axis."""
        if not self.cells.ndim:
            return
        axis = draw(st.integers(0, self.cells.ndim - 1))
        length = draw(st.integers(0, 5))
        shape = tuple(length if at == axis else n for at, n in enumerate(self.cells.shape))
        if math.prod(shape) > 1500:
            return
        values = strategies.random_cells(self.dtype, shape, draw(st.integers(0, 99)), tame=not self.made.exact)
        grown = self.array.append(values, axis=axis)
        self.cells = np.concatenate([self.cells, values], axis=axis).astype(self.dtype, copy=False)
        assert grown == self.cells.shape == self.array.shape

    def reopen(self, draw: Any) -> None:
        """Goes on with another handle."""
        self.array = zarrite.open_array(self.place, mode="r+").with_config(self.made.settings["config"])
        assert self.array.shape == self.cells.shape

    # ------------------------------------------------------------ what must hold at the end

    def check(self, draw: Any) -> None:
        """Whole reads by old and new handles, the slow reader, and a zip of it agree."""
        self.same(self.array[...], self.cells)
        fresh = zarrite.open_array(self.place, mode="r")
        self.same(fresh[...], self.cells)
        if self.made.settings["fill_value"] is not None:
            self.same(fresh.fill_value, plain.filled((), self.dtype, self.fill)[()])
        objects = objects_of(self.array.store)
        if plain.knows(fresh.metadata.to_dict()):
            self.same(plain.read(objects, self.dtype, self.fill), self.cells)
        self.check_history(objects)
        if draw(st.integers(0, 5)) == 0:
            self.check_zip(objects, draw)

    def check_history(self, objects: dict[str, bytes]) -> None:
        """The same cells written at once give the same bytes: what happened in between leaves no trace."""
        settings = self.made.settings
        # Under the null of format 2 chunks are stored whatever their cells are.
        if settings["config"]["write_empty_chunks"] or (settings["zarr_format"], settings["fill_value"]) == (2, None):
            return
        settings = {**settings, "shape": self.cells.shape}
        twin = zarrite.create_array(MemoryStore(), **settings)
        twin[...] = self.cells
        others = objects_of(twin.store)
        assert objects.keys() == others.keys()
        for key, value in others.items():
            assert objects[key] == value, f"{key}: the bytes depend on the order of writes"

    def check_zip(self, objects: dict[str, bytes], draw: Any) -> None:
        """A zip archive of the stored objects reads the same."""
        packed = io.BytesIO()
        method = draw(st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
        with zipfile.ZipFile(packed, "w", method) as archive:
            for key, value in objects.items():
                archive.writestr(key, value)
        with tempfile.TemporaryDirectory(dir=FAST) as folder:
            path = Path(folder, "array.zip")
            path.write_bytes(packed.getvalue())
            kept, self.array = self.array, zarrite.open_array(path, mode="r")
            self.same(self.array[...], self.cells)
            for _ in range(3):
                self.read(draw)
            self.array = kept


def fill_of(made: strategies.Made) -> Any:
    """What unwritten cells must be: the fill value given, or zero (of whatever kind; no time) where there is none."""
    fill, dtype = made.settings["fill_value"], made.dtype
    if dtype.kind == "T":
        return "" if fill in (None, 0) else str(fill)
    if dtype.kind == "O":
        return b"" if fill in (None, 0) else bytes(fill)
    if fill is None and dtype.kind in "mM":
        return np.array("NaT", dtype)[()]
    if fill is None:
        return np.zeros((), dtype)[()]
    if type(fill) is int:
        return np.zeros((), dtype)[()]
    return fill


def _inside(room: Cells, layout: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Cells:
    """An array of some layout inside a larger piece of memory."""
    size = dtype.itemsize
    start = 1 if layout == "unaligned" else 0
    strides = [0] * len(shape)
    step = size
    axes = range(len(shape)) if layout == "F" else range(len(shape) - 1, -1, -1)
    for axis in axes:
        strides[axis] = step * 2 if layout == "strided" and axis == len(shape) - 1 else step
        step = strides[axis] * max(1, shape[axis])
    view = np.ndarray(shape, dtype, room, start, tuple(strides))
    return view[(..., *(slice(None, None, -1) for _ in shape))] if layout == "backwards" else view
