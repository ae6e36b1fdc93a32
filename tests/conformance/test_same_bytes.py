"""Writers are deterministic: the same cells and the same settings give the same bytes, whatever happened before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zarrite
from conformance.cases import CASES, Case
from zarrite import _engine


def objects(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_the_same_cells_give_the_same_bytes_by_any_way(tmp_path: Path, case: Case) -> None:
    _, cells = case.make(tmp_path / "once")
    wanted = objects(tmp_path / "once")
    threads = _engine.configure()["threads"]
    other, _ = case.make(tmp_path / "twice")
    assert objects(tmp_path / "twice") == wanted
    try:
        _engine.configure(threads=5)
        other[...] = other.fill_value if other.fill_value is not None else cells
        other[...] = case.cells(other, 7)
        if other.ndim and other.shape[0]:
            for row in reversed(range(other.shape[0])):
                other[row] = cells[row]
        else:
            other[...] = cells
    finally:
        _engine.configure(threads=threads)
    assert objects(tmp_path / "twice") == wanted


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    script = (
        "import sys, numpy as np, zarrite\n"
        "array = zarrite.create_array(sys.argv[1], shape=(100, 90), chunks=(30, 20), shards=(60, 40), dtype='f4',\n"
        "    attributes={'b': 1, 'a': {'z': [1, 2.5], 'y': None}}, dimension_names=['y', 'x'], fill_value=np.nan)\n"
        "array[...] = np.arange(9000).reshape(100, 90) % 77\n"
    )
    for name, seed in (("one", "1"), ("two", "2")):
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / name)],
            check=True,
            env={**__import__("os").environ, "PYTHONHASHSEED": seed},
        )
    assert objects(tmp_path / "one") == objects(tmp_path / "two")


def test_what_lay_outside_the_array_leaves_no_trace(tmp_path: Path) -> None:
    settings = {"chunks": (4, 4), "dtype": "i4", "fill_value": 9}
    grown = zarrite.create_array(tmp_path / "a", shape=(11, 11), **settings)
    grown[...] = np.arange(121).reshape(11, 11)
    grown.resize((6, 7))
    grown.resize((9, 9))
    fresh = zarrite.create_array(tmp_path / "b", shape=(9, 9), **settings)
    fresh[:6, :7] = np.arange(121).reshape(11, 11)[:6, :7]
    np.testing.assert_array_equal(grown[...], fresh[...])
    assert objects(tmp_path / "a") == objects(tmp_path / "b")
