"""Documents of nodes as programs put them together, with objects in them, and the models that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zarrite.errors import MetadataValidationError
from zarrite.formats.loose import from_document
from zarrite.model.node import ArrayModel, GroupModel

__all__ = ["model_of"]


def model_of(document: Mapping[str, Any]) -> ArrayModel | GroupModel:
    """The model of a document, attributes included, of any format.

    Raises:
        MetadataValidationError: it describes no node.
    """
    found = from_document(_plain(dict(document)))
    if found is None:
        raise MetadataValidationError(f"the document describes neither an array nor a group: {dict(document)!r}")
    return found


def _plain(value: Any) -> Any:
    """A document with objects in it as one of JSON values."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    for name in ("to_json", "to_dict", "get_config"):
        if hasattr(value, name):
            return _plain(getattr(value, name)())
    return value.item() if hasattr(value, "item") else value
