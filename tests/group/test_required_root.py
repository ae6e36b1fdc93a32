"""What libraries written for zarr-python look at: the root required by its own name, and metadata by format."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import zarrite
from zarrite.errors import NodeNotFoundError


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_group_is_made_again_where_it_was_deleted_below_its_handle(tmp_path: Path, zarr_format: Any) -> None:
    group = zarrite.open_group(tmp_path / "a.zarr", mode="w", zarr_format=zarr_format, attributes={"title": "a"})
    assert group.require_group("/") == group
    zarrite.delete(tmp_path / "a.zarr")
    again = group.require_group("/")
    assert again.zarr_format == zarr_format
    assert dict(zarrite.open_group(tmp_path / "a.zarr", mode="r").attrs) == {}


def test_metadata_has_names_for_axes_only_where_its_format_has() -> None:
    later, earlier = (zarrite.create_array(None, shape=(4, 2), dtype="i4", zarr_format=number) for number in (3, 2))
    assert later.metadata.dimension_names is None
    assert not hasattr(earlier.metadata, "dimension_names")
    with pytest.raises(AttributeError, match=r"format 2 .* array\.dimension_names"):
        _ = earlier.metadata.dimension_names
    earlier.attrs["_ARRAY_DIMENSIONS"] = ["y", "x"]
    assert earlier.dimension_names == ("y", "x")


def test_metadata_without_names_is_otherwise_like_any() -> None:
    shown = zarrite.create_array(None, shape=(4,), chunks=(2,), dtype="i4", zarr_format=2).metadata
    for other in (
        pickle.loads(pickle.dumps(shown)),
        copy.copy(shown),
        shown.with_attributes({}),
        shown.with_shape((4,)),
    ):
        assert other == shown
        assert hash(other) == hash(shown)
    assert shown.with_shape((9,)).shape == (9,)
    assert repr(shown).startswith("ArrayModel(zarr_format=2")


def test_what_is_looked_for_in_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NodeNotFoundError, match="which does not exist") as caught:
        zarrite.open(tmp_path / "nowhere.zarr", mode="r")
    assert caught.value.absent
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(NodeNotFoundError) as caught:
        zarrite.open(tmp_path / "empty.zarr", mode="r")
    assert not caught.value.absent


def test_a_dict_of_metadata_has_what_zarr_pythons_has() -> None:
    array = zarrite.create_array(None, shape=(4,), dtype="i4", zarr_format=3)
    assert array.metadata.to_dict()["storage_transformers"] == []
    assert "storage_transformers" not in array.metadata.document()
