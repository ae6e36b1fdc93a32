"""Text in NumPy's own string cells: filled and read in place, whatever the layout."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite

TEXT = np.dtypes.StringDType()
WORDS = ["", "a", "fifteen letters", "sixteen letters!", "Größe", "x" * 300, "\U0001f9ca", "end\0"]


@pytest.fixture
def array(tmp_path: Path) -> zarrite.Array:
    return zarrite.create_array(tmp_path / "a", shape=(4, 6), chunks=(3, 4), dtype=str, fill_value="-")


def cells() -> Any:
    return np.array([[WORDS[(6 * row + column) % len(WORDS)] for column in range(6)] for row in range(4)], dtype=TEXT)


def test_strings_of_every_length_come_back(array: zarrite.Array) -> None:
    assert (array[...] == "-").all()
    array[...] = cells()
    assert array[...].dtype == TEXT
    assert (array[...] == cells()).all()
    assert array[1, 2] == cells()[1, 2]
    assert type(array[1, 2]) is str


@pytest.mark.parametrize("key", [np.s_[::-1, ::2], np.s_[2], np.s_[:, 3], np.s_[1:1], np.s_[..., -1:]])
def test_selections_of_text_are_read_and_written(array: zarrite.Array, key: Any) -> None:
    wanted = cells()
    array[...] = wanted
    assert (array[key] == wanted[key]).all()
    changed = np.strings.add(wanted[key], np.array("!", dtype=TEXT))
    array[key] = changed
    wanted[key] = changed
    assert (array[...] == wanted).all()


def test_text_is_read_into_strided_memory_that_held_other_text(array: zarrite.Array) -> None:
    array[...] = cells()
    memory = np.full((12, 4), "something longer than what is kept inside a cell", dtype=TEXT)
    out = memory.T[:, ::-2]
    assert array.read(out=out) is out
    assert (out == cells()).all()
    assert (memory[::-2] == cells().T).all()


def test_the_layout_of_the_values_does_not_matter(array: zarrite.Array) -> None:
    for values in (
        cells().T.copy().T,
        cells()[::-1].copy()[::-1],
        cells().astype(object),
        cells().astype(object).astype("U300"),
    ):
        array[...] = "x"
        array[...] = values
        assert (array[...] == values).all()


def test_objects_become_text_as_numpy_makes_it(array: zarrite.Array) -> None:
    values = np.array([1, 2.5, None, "text", np.str_("numpy's"), True], dtype=object)
    array[0] = values
    assert (array[0] == values.astype(TEXT)).all()


def test_a_missing_string_is_refused_and_nothing_is_written(array: zarrite.Array) -> None:
    missing = np.array(["a", None], dtype=np.dtypes.StringDType(na_object=None))
    with pytest.raises((ValueError, TypeError)):
        array[0, :2] = missing
    assert (array[...] == "-").all()


def test_lone_surrogates_are_refused(array: zarrite.Array) -> None:
    with pytest.raises(UnicodeEncodeError):
        array[0] = np.array(["\ud800"] * 6, dtype=object)
    assert (array[...] == "-").all()


def test_no_python_string_is_made_for_a_cell(array: zarrite.Array) -> None:
    array[...] = cells()
    array[...]
    before = sys.getallocatedblocks()
    kept = [array[...] for _ in range(50)]
    assert sys.getallocatedblocks() - before < 50 * 10
    assert len(kept) == 50


def test_text_that_changes_while_it_is_written_is_old_or_new(tmp_path: Path) -> None:
    values = np.full(20_000, "short", dtype=TEXT)
    array = zarrite.create_array(tmp_path / "b", shape=values.shape, chunks=(500,), dtype=str)
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            values[:] = "a text that is too long to be kept inside a cell"
            values[:] = "short"

    other = threading.Thread(target=change)
    other.start()
    try:
        for _ in range(20):
            array[...] = values
    finally:
        stop.set()
        other.join()
    assert set(np.unique(array[...].astype(object))) <= {"short", "a text that is too long to be kept inside a cell"}
