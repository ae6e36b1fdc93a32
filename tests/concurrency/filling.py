"""A disk that is full in the middle of everything: a script, run where a small disk of its own is mounted.

`python filling.py FOLDER` with a file system of two MiB at the folder; nothing is said when all is as it should be.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import zarrite

SHAPE = (512, 512)


def must_be_full(do: Callable[[], Any]) -> None:
    """Does what has to fail since the disk is full."""
    try:
        do()
    except OSError as error:
        assert error.errno == errno.ENOSPC, repr(error)
    else:
        raise AssertionError("the disk took it")


def nothing_half(folder: Path) -> None:
    """No file that was being written is left."""
    left = [file.name for file in folder.rglob("*") if file.name.startswith(".zarrite-") and "lock" not in file.name]
    assert left == [], left


def main(folder: Path) -> None:
    """Fills the disk and looks."""
    noise = np.random.default_rng(0).integers(1, 256, SHAPE, dtype="u1")
    group = zarrite.create_group(folder / "a.zarr")
    calm = [
        group.create_array("plain", shape=SHAPE, chunks=(64, 64), dtype="u1"),
        group.create_array("sharded", shape=SHAPE, chunks=(32, 32), shards=(128, 128), dtype="u1"),
    ]
    for array in calm:
        array[...] = 1
    ballast = folder / "ballast"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    ballast.write_bytes(bytes(free - 100_000))
    for array in calm:
        must_be_full(lambda array=array: array.write(..., noise))
        found = array[...]
        assert ((found == 1) | (found == noise)).all(), "cells that are neither old nor new"
        # Whole objects: a chunk, or a shard, is one or the other.
        rows, columns = (64, 64) if array.name == "/plain" else (128, 128)
        for row in range(0, SHAPE[0], rows):
            for column in range(0, SHAPE[1], columns):
                place = (slice(row, row + rows), slice(column, column + columns))
                assert (found[place] == 1).all() or np.array_equal(found[place], noise[place]), "half an object"
        nothing_half(folder)
        must_be_full(lambda array=array: array.append(noise))
        assert zarrite.open_array(folder / "a.zarr", path=array.path, mode="r").shape == SHAPE
        must_be_full(lambda array=array: array.attrs.update({"text": "x" * 3_000_000}))
        assert zarrite.open_array(folder / "a.zarr", path=array.path, mode="r").attrs.asdict() == {}
        nothing_half(folder)
    must_be_full(lambda: zarrite.copy(folder / "a.zarr", folder / "b.zarr"))
    try:
        zarrite.open(folder / "b.zarr", mode="r")
    except FileNotFoundError:
        pass
    else:
        raise AssertionError("a copy that is not there opens")
    nothing_half(folder)
    # A deletion needs no room, and then there is some.
    zarrite.delete(folder / "b.zarr", force=True)
    ballast.unlink()
    for array in calm:
        array[...] = noise
        assert np.array_equal(zarrite.open_array(folder / "a.zarr", path=array.path, mode="r")[...], noise)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
