"""`zarrite conformance`: what comes out is what a document would say of each cell, in C order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from conformance import matrix

pytest.importorskip("typer")
pytest.importorskip("rich")


def run(*words: object, code: int = 0) -> Any:
    from typer.testing import CliRunner

    from zarrite.cli.app import app

    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def printed(place: object) -> list[Any]:
    """The cells that the command prints."""
    return [json.loads(line) for line in run("conformance", f"--array_path={place}").stdout.splitlines()]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_numbers_are_printed_in_c_order_whatever_the_order_they_are_stored_in(tmp_path: Path, zarr_format: int) -> None:
    cells = np.arange(4 * 3 * 5).reshape(4, 3, 5)
    array = (
        zarrite.create_array(
            tmp_path / "a", shape=cells.shape, chunks=(3, 2, 4), dtype="int32", order="F", zarr_format=zarr_format
        )
        if zarr_format == 2
        else zarrite.create_array(
            tmp_path / "a",
            shape=cells.shape,
            chunks=(3, 2, 4),
            dtype="int32",
            filters=zarrite.codecs.TransposeCodec([2, 0, 1]),
        )
    )
    array[...] = cells
    assert printed(tmp_path / "a") == cells.ravel().tolist()


def test_cells_that_json_has_no_word_for_are_printed_as_fill_values_are(tmp_path: Path) -> None:
    values = {
        "float32": (np.array([np.nan, -np.inf, 0.5], "f4"), ["NaN", "-Infinity", 0.5]),
        "complex64": (np.array([1 + 2j, 0, np.inf], "c8"), [[1.0, 2.0], [0.0, 0.0], ["Infinity", 0.0]]),
        "uint64": (np.array([2**64 - 1, 0, 1], "u8"), [2**64 - 1, 0, 1]),
        "bool": (np.array([True, False, True]), [True, False, True]),
        "string": (np.array(["a", "\n", "\u00fc"], object), ["a", "\n", "\u00fc"]),
    }
    for name, (cells, expected) in values.items():
        zarrite.create_array(tmp_path / name, shape=(3,), chunks=(2,), dtype=name)[...] = cells
        assert printed(tmp_path / name) == expected


def test_a_cell_that_may_be_missing_is_a_list_of_it_or_null(tmp_path: Path) -> None:
    kind = {"name": "optional", "configuration": {"name": "int32", "configuration": {}}}
    array = zarrite.create_array(tmp_path / "a", shape=(3,), chunks=(2,), dtype=kind)
    array[...] = np.ma.masked_array([1, 2, 3], [False, True, False])
    assert printed(tmp_path / "a") == [[1], None, [3]]


@pytest.mark.parametrize(("shape", "count"), [((), 1), ((0, 4), 0), ((3, 0), 0), ((2, 2), 4)])
def test_there_are_as_many_lines_as_cells(tmp_path: Path, shape: tuple[int, ...], count: int) -> None:
    zarrite.create_array(tmp_path / "a", shape=shape, chunks=shape and (2,) * len(shape), dtype="i2", fill_value=7)
    assert printed(tmp_path / "a") == [7] * count


def test_an_array_larger_than_what_is_held_at_once_is_printed_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zarrite.cli import conformance

    monkeypatch.setattr(conformance, "SLAB_BYTES", 64, raising=True)
    cells = np.arange(70).reshape(10, 7)
    zarrite.create_array(tmp_path / "a", shape=(10, 7), chunks=(3, 4), dtype="i8")[...] = cells
    assert printed(tmp_path / "a") == list(range(70))


@pytest.mark.parametrize("one", matrix.chosen(), ids=str)
def test_every_type_codec_and_layout_is_printed(tmp_path: Path, one: matrix.Combination) -> None:
    made = one.make(tmp_path / "a")
    assert made is not None
    array, cells = made
    shown = printed(tmp_path / "a")
    kind = array.metadata.data_type
    if kind.translates and array.dtype.kind == "O":  # any Python object, of which JSON knows some
        assert len(shown) == array.size
        return
    back = [kind.fill_from_json(told) for told in shown]
    expected = [cells[index] for index in np.ndindex(array.shape)]
    assert [kind.cell(one) for one in back] == [kind.cell(one) for one in expected]


def test_a_group_and_a_missing_folder_are_refused_in_a_sentence(tmp_path: Path) -> None:
    zarrite.create_group(tmp_path / "g")
    assert "is a group" in run("conformance", "--array_path", tmp_path / "g", code=1).stderr
    assert "is not there" in run("conformance", "--array_path", tmp_path / "none", code=1).stderr
    run("conformance", code=2)
