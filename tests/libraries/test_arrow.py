"""Cells as tables: the right rows, whole chunks at a time, in the hands of programs that read Arrow streams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import zarrite

pa = pytest.importorskip("pyarrow")

import zarrite.arrow  # noqa: E402 -- only where pyarrow is
from zarrite.arrow import table  # noqa: E402

CELLS = np.arange(4 * 5 * 6, dtype="i4").reshape(4, 5, 6)
TIMES = np.datetime64("2020-01-01", "s") + np.arange(4) * np.timedelta64(1, "h")


def weather() -> zarrite.Group:
    group = zarrite.open_group(None, mode="w")
    group.create_array("time", data=TIMES, dimension_names=["time"])
    group.create_array("name", data=np.array(list("abcde"), "T"), dimension_names=["name"])
    for name, cells in (("t", CELLS), ("p", CELLS / 2)):
        group.create_array(name, data=cells, chunks=(2, 3, 4), dimension_names=["time", "name", "x"])
    return group


def rows_of(found: Any) -> set[tuple[Any, ...]]:
    columns = found.read().to_pydict()
    rows = list(zip(*columns.values(), strict=True))
    assert len(rows) == len(set(rows)) == len(found)
    return set(rows)


def test_a_row_holds_the_coordinates_and_the_values_of_a_cell() -> None:
    found = table(weather())
    assert found.schema.names == ["time", "name", "x", "p", "t"]
    assert rows_of(found) == {
        (TIMES[i].item(), "abcde"[j], k, CELLS[i, j, k] / 2, CELLS[i, j, k]) for i, j, k in np.ndindex(CELLS.shape)
    }


axis = st.one_of(
    st.integers(-4, 3),
    st.builds(slice, st.none() | st.integers(-5, 6), st.none() | st.integers(-5, 6), st.sampled_from([None, 1, 2, 3])),
    st.lists(st.integers(-4, 3), max_size=5),
    st.lists(st.booleans(), min_size=4, max_size=4).map(np.array),
)


@given(keys=st.tuples(axis, axis), rows=st.sampled_from([1, 4, 7, 100]), chunks=st.tuples(*[st.integers(1, 4)] * 2))
def test_a_selection_has_the_rows_that_numpy_chooses(keys: Any, rows: int, chunks: Any) -> None:
    cells = np.arange(16).reshape(4, 4)
    chosen = [np.atleast_1d(np.arange(4)[np.array(key, int) if isinstance(key, list) else key]) for key in keys]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zarrite.arrow, "ROWS", rows)
        found = table(zarrite.array(cells, chunks=chunks), keys)
        got = found.read()
    assert len(found) == got.num_rows == len(chosen[0]) * len(chosen[1])
    wanted = [(i, j, cells[i, j]) for i in chosen[0] for j in chosen[1]]
    assert sorted(zip(*got.to_pydict().values(), strict=True)) == sorted(wanted)


def test_axes_are_selected_by_name_and_those_that_are_not_there_are_named() -> None:
    found = table(weather(), {"x": [5, 0], "time": 1}, variables="t")
    assert rows_of(found) == {(TIMES[1].item(), "abcde"[j], k, CELLS[1, j, k]) for j in range(5) for k in (5, 0)}
    with pytest.raises(ValueError, match="no axis 'z'; there are time, name, x"):
        table(weather(), {"z": 1})
    with pytest.raises(IndexError, match="axis 'x' of 6 cells"):
        table(weather(), {"x": [6]})
    with pytest.raises(ValueError, match="4 axes were selected of 3"):
        table(weather(), (0, 0, 0, 0))
    with pytest.raises(ValueError, match="an integer, a slice, indices or a mask"):
        table(weather(), {"x": 0.5})


def test_each_chunk_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zarrite.arrow, "ROWS", 24)
    array = weather()["t"]
    shapes = [batch.num_rows for batch in table(array).batches()]
    # Blocks are chunks: of 2, 3 and 4 cells, smaller at the ends.
    assert shapes == [a * b * c for a in (2, 2) for b in (3, 2) for c in (4, 2)]


def test_coordinates_are_given_by_hand_and_must_fit() -> None:
    array = weather()["t"]
    found = table(array, (0, 0), coordinates={"x": np.linspace(0, 1, 6)})
    assert found.read()["x"].to_pylist() == np.linspace(0, 1, 6).tolist()
    with pytest.raises(ValueError, match="coordinate 'x' has the shape"):
        table(array, coordinates={"x": [1, 2]})


def test_arrays_of_other_axes_are_not_one_table() -> None:
    group = weather()
    group.create_array("flat", shape=(3,), dtype="i4", dimension_names=["z"])
    with pytest.raises(ValueError, match=r"different axes .*variables="):
        table(group)
    assert len(table(group, variables="flat")) == 3
    with pytest.raises(ValueError, match="is an array"):
        table(group["t"], variables="t")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (np.array(["a", "", "ü"], "T"), pa.large_string()),
        (np.array([b"a", b"", b"c"], "S1"), pa.large_binary()),
        (np.array([1, 2], ">i2"), pa.int16()),
        (np.array([True, False]), pa.bool_()),
        (np.array([1, "NaT"], "M8[ms]"), pa.timestamp("ms")),
        (np.array([0.5], "f2"), pa.float16()),
    ],
)
def test_every_type_of_cells_that_arrow_has_becomes_a_column(cells: Any, kind: Any) -> None:
    array = zarrite.array(cells, chunks=2)
    found = table(array)
    assert found.schema.field("value").type == kind
    assert found.read()["value"].to_pylist() == cells.tolist()
    assert table(array, slice(0, 0)).read().num_rows == 0


def test_a_type_that_arrow_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="no column of complex128, which 'value' has"):
        table(zarrite.array(np.zeros(3, "c16")))


def test_an_array_without_axes_is_one_row() -> None:
    assert table(zarrite.array(np.array(7))).read().to_pydict() == {"value": [7]}


def test_other_programs_read_the_stream() -> None:
    group = weather()
    assert pa.table(table(group)).num_rows == CELLS.size
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(table(group))
    assert frame.group_by("name").agg(polars.col("t").sum()).sort("name")["t"].to_list() == CELLS.sum((0, 2)).tolist()
    duckdb = pytest.importorskip("duckdb")
    duckdb.register("cells", table(group).reader())
    assert duckdb.sql("select sum(t), count(*) from cells where name = 'b'").fetchall() == [(CELLS[:, 1].sum(), 24)]
