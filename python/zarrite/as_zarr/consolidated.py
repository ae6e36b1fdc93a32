"""`zarr.core.group.ConsolidatedMetadata`: what lies below a group, put together by hand or from a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from zarrite.as_zarr.documents import model_of
from zarrite.formats.consolidated import consolidate
from zarrite.model.node import ArrayModel, Consolidated, GroupModel

__all__ = ["ConsolidatedMetadata", "repeated"]


class _Kind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Consolidated)


class ConsolidatedMetadata(Consolidated, metaclass=_Kind):
    """What lies below a group, as the group's own document repeats it.

    Args:
        metadata: models by name of the direct members; those of groups repeat what lies below these.
        kind: how the document holds them; "inline" is all there is.
        must_understand: whether readers that do not know of it must refuse the document; never so.

    Raises:
        ValueError: another kind.
    """

    def __init__(self, metadata: Mapping[str, Any], kind: str = "inline", must_understand: bool = False) -> None:
        if kind != "inline":
            raise ValueError(f"consolidated metadata has the kind 'inline', not kind={kind!r}")
        self.kind = kind
        self.must_understand = must_understand
        self.__dict__["metadata"] = dict(metadata)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What the `consolidated_metadata` of a document describes.

        Raises:
            ValueError: it is of another kind.
            TypeError: `metadata`, or the document of a node in it, is no mapping.
        """
        kind = data.get("kind")
        if kind != "inline":
            raise ValueError(f"consolidated metadata has the kind 'inline', not kind='{kind}'")
        documents = data.get("metadata")
        if not isinstance(documents, Mapping):
            raise TypeError(f"Unexpected type for 'metadata': it maps paths to documents, and is {documents!r}")
        for path, document in documents.items():
            if not isinstance(document, Mapping):
                kind = type(document).__name__
                raise TypeError(f"consolidated metadata holds documents, not this one: key={path!r}, type={kind!r}")
        flat = {path: model_of(document) for path, document in documents.items()}
        formats = {model.zarr_format for model in flat.values()} or {GroupModel().zarr_format}
        return cls(Consolidated(consolidate(flat, GroupModel(formats.pop()))).metadata)

    def to_dict(self) -> dict[str, Any]:
        """The `consolidated_metadata` of a document."""
        documents = {
            path: model.document() if isinstance(model, ArrayModel) else model.to_dict()
            for path, model in self.flattened_metadata.items()
        }
        return {"kind": self.kind, "must_understand": self.must_understand, "metadata": documents}


def repeated(group: GroupModel, below: Consolidated) -> GroupModel:
    """The group with what lies below it repeated in its own document."""
    flat: dict[str, ArrayModel | GroupModel] = below.flattened_metadata
    return consolidate(flat, group)
