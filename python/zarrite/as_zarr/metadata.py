"""`zarr.core.metadata` and its kin: documents of nodes as objects. They are zarrite's models, by other names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zarrite.as_zarr.consolidated import ConsolidatedMetadata, repeated
from zarrite.as_zarr.documents import model_of
from zarrite.errors import MetadataValidationError, NodeTypeValidationError
from zarrite.model.dtypes import DType
from zarrite.model.grids import Grid
from zarrite.model.irregular import RectilinearGrid
from zarrite.model.node import ArrayModel, GroupModel

__all__ = [
    "ArrayMetadata",
    "ArrayV2Metadata",
    "ArrayV3Metadata",
    "ConsolidatedMetadata",
    "GroupMetadata",
    "Metadata",
    "RectilinearChunkGridMetadata",
    "RegularChunkGridMetadata",
    "model_of",
]


class _Kind(type):
    number: int | None

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, ArrayModel) and (cls.number is None or str(instance.zarr_format) == str(cls.number))


class ArrayMetadata(metaclass=_Kind):
    """What an array is, whatever format it has."""

    number: int | None = None

    def __new__(cls, **parts: Any) -> ArrayModel:  # type: ignore[misc]
        return cls.from_dict({**cls._fixed(), **{k: v for k, v in parts.items() if v is not None or k in cls._null}})

    _null: frozenset[str] = frozenset()

    @classmethod
    def _fixed(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ArrayModel:
        """The model of a document."""
        found = model_of(data)
        if not isinstance(found, ArrayModel):
            raise MetadataValidationError("the document describes a group, not an array")
        return found


class ArrayV3Metadata(ArrayMetadata):
    """What an array of format 3 is."""

    number = 3

    @classmethod
    def _fixed(cls) -> dict[str, Any]:
        return {"zarr_format": 3, "node_type": "array"}


class ArrayV2Metadata(ArrayMetadata):
    """What an array of format 2 is."""

    number = 2
    _null = frozenset({"compressor", "filters", "fill_value"})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ArrayModel:
        """The model of a document, whose `dtype` may be a data type."""
        kind = data.get("dtype")
        return super().from_dict({**data, "dtype": kind.typestr if isinstance(kind, DType) else kind})

    @classmethod
    def _fixed(cls) -> dict[str, Any]:
        return {"zarr_format": 2, "compressor": None, "filters": None, "order": "C"}


class _GroupKind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, GroupModel)


GROUP_MEMBERS = frozenset({"zarr_format", "node_type", "attributes", "consolidated_metadata"})


class GroupMetadata(metaclass=_GroupKind):
    """What a group is.

    Args:
        attributes: its attributes.
        zarr_format: 3 or 2.
        consolidated_metadata: documents of what lies below it.
    """

    def __new__(  # type: ignore[misc]
        cls,
        attributes: Mapping[str, Any] | None = None,
        zarr_format: int = 3,
        consolidated_metadata: Any = None,
        extra_fields: Mapping[str, Any] | None = None,
    ) -> GroupModel:
        model = GroupModel(zarr_format, dict(attributes or {}))
        if extra_fields:
            if GROUP_MEMBERS & extra_fields.keys():
                raise ValueError(f"extra_fields has members that a group has itself: {dict(extra_fields)!r}")
            document = model.to_dict()
            if "node_type" not in document:
                raise ValueError(f"a group of format {zarr_format} has no place for extra_fields; use its attributes")
            model = cls.from_dict({**document, **extra_fields})
        return model if consolidated_metadata is None else repeated(model, consolidated_metadata)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GroupModel:
        """The model of a document.

        Raises:
            NodeTypeValidationError: it describes an array.
        """
        if data.get("node_type", "group") != "group" or "shape" in data:
            raise NodeTypeValidationError("the document's node_type", "'group'", data.get("node_type", "array"))
        found = model_of(data)
        if not isinstance(found, GroupModel):
            raise NodeTypeValidationError("the document's node_type", "'group'", data.get("node_type", "array"))
        return found


class _GridKind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Grid) and instance.is_regular


class RegularChunkGridMetadata(metaclass=_GridKind):
    """Chunks of one shape."""

    def __new__(cls, chunk_shape: Any) -> Grid:  # type: ignore[misc]
        from zarrite.model.grids import RegularGrid

        return RegularGrid(tuple(chunk_shape))


class _ListedKind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, RectilinearGrid)


class RectilinearChunkGridMetadata(metaclass=_ListedKind):
    """Chunks whose lengths are listed along each axis: a length that repeats, or one for every chunk."""

    def __new__(cls, chunk_shapes: Any) -> Grid:  # type: ignore[misc]
        # The lengths tell how far they reach; an array that is made with the grid fits it to its shape.
        shapes = [list(one) if isinstance(one, list | tuple) else one for one in chunk_shapes]
        return RectilinearGrid(shapes, [sum(one) if isinstance(one, list) else one for one in shapes])

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Grid:
        """The grid that a document describes."""
        spelled = data["configuration"]["chunk_shapes"]
        return RectilinearGrid(spelled, [0] * len(spelled))


class Metadata:
    """What has a document."""

    def to_dict(self) -> dict[str, Any]:
        """The document."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Any:
        """What a document describes."""
        return cls(**data)
