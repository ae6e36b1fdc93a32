"""Methods that zarr-python's codecs, data types and documents have, and zarrite's have by other names or need not."""

from __future__ import annotations

from typing import Any

from zarrite import formats
from zarrite.as_zarr import chunkwise
from zarrite.as_zarr.buffers import Buffer, CPUBuffer
from zarrite.model.dtypes import DType
from zarrite.model.node import ArrayModel, GroupModel

__all__ = ["dress"]

_own = DType.to_json


def to_json(self: DType, zarr_format: int | None = None) -> Any:
    """The entry of a document of a format."""
    if zarr_format is None:
        return _own(self)
    document = ArrayModel.create(shape=(1,), chunks=(1,), dtype=self, zarr_format=zarr_format).to_dict()
    if "data_type" in document:
        return document["data_type"]
    filters = document["filters"] or ()
    return {"name": document["dtype"], "object_codec_id": filters[0]["id"] if filters else None}


def to_json_scalar(self: DType, data: Any, *, zarr_format: int = 3) -> Any:
    """A scalar as documents have it."""
    return self.fill_to_json(data)


def from_json_scalar(self: DType, data: Any, *, zarr_format: int = 3) -> Any:
    """The scalar that a document has."""
    return self.fill_from_json(data)


def to_buffer_dict(self: ArrayModel | GroupModel, prototype: Any = None) -> dict[str, Buffer]:
    """The documents of a node, by key."""
    return {key: CPUBuffer.from_bytes(document) for key, document in formats.dump(self, "").items()}


def dress() -> None:
    """Gives them these methods."""
    chunkwise.dress()
    for name, method in {
        "to_json": to_json,
        "to_json_scalar": to_json_scalar,
        "from_json_scalar": from_json_scalar,
    }.items():
        setattr(DType, name, method)
    for kind in (ArrayModel, GroupModel):
        kind.to_buffer_dict = to_buffer_dict  # type: ignore[union-attr]
