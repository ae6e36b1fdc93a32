"""`save` and `load`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite
from zarrite.progress import Report


def test_one_array_is_saved_as_an_array(tmp_path: Path) -> None:
    zarrite.save(tmp_path / "a", np.arange(5))
    assert zarrite.load(tmp_path / "a").tolist() == [0, 1, 2, 3, 4]
    zarrite.save(tmp_path / "a", [1.5])
    assert zarrite.load(tmp_path / "a").tolist() == [1.5]


def test_several_arrays_are_saved_as_a_group() -> None:
    store: dict[str, Any] = {}
    zarrite.save(store, np.arange(2), np.arange(3), named=np.arange(4))
    loaded = zarrite.load(store)
    assert sorted(loaded) == ["arr_0", "arr_1", "named"]
    assert_array_equal(loaded["named"], np.arange(4))
    assert zarrite.load(store, path="arr_1").tolist() == [0, 1, 2]


def test_saving_replaces_what_was_there() -> None:
    store: dict[str, Any] = {}
    zarrite.save(store, a=np.arange(2), b=np.arange(2))
    zarrite.save(store, c=np.arange(2))
    assert sorted(zarrite.load(store)) == ["c"]
    zarrite.save_array(store, np.arange(2), path="c", chunks=1)
    assert zarrite.open_array(store, path="c").chunks == (1,)
    zarrite.save(store, np.arange(2), path="deep/er", zarr_format=2)
    assert zarrite.open_array(store, path="deep/er").zarr_format == 2


def test_groups_inside_a_group_are_loaded_as_dictionaries() -> None:
    group = zarrite.create_group(None)
    group.create_array("x/y", data=np.arange(2))
    assert zarrite.load(group.store)["x"]["y"].tolist() == [0, 1]


def test_saving_tells_how_far_it_is() -> None:
    seen: list[Report] = []
    zarrite.save_group({}, np.zeros(10), more=np.zeros(30), progress=seen.append)
    assert [report.item for report in seen] == ["arr_0", "more", ""]
    assert seen[-1] == Report("save", "", 320, 320, 2, 2, finished=True)


def test_saving_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no array to save"):
        zarrite.save({})
    with pytest.raises(ValueError, match="no array to save"):
        zarrite.save_group({})
    with pytest.raises(ValueError, match="arr_0 names"):
        zarrite.save_group({}, np.zeros(1), arr_0=np.zeros(1))
    with pytest.raises(FileNotFoundError):
        zarrite.load({})
