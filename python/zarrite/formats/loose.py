"""A node's description as one value: its document, of any format, with its attributes in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..model.dtype_names import dtype_from_json
from ..model.dtypes import DType
from ..model.node import ArrayModel, GroupModel
from . import parse, v2, v3

__all__ = ["dtype_from_document", "from_document"]


def from_document(document: Mapping[str, Any], path: str = "") -> ArrayModel | GroupModel | None:
    """The node that a document describes, attributes included; `None` when it says of no format that it has it.

    Args:
        document: what `to_dict` of a model gives, and what other libraries write so: of format 2, the attributes stand
            in the document of the array or the group.
        path: where the node is, for errors.
    """
    prefix = path + "/" if path else ""
    if document.get("zarr_format") != v2.NUMBER:
        return parse(path, {prefix + v3.NAME: json.dumps(dict(document)).encode()}, v3.NUMBER)
    rest = {name: value for name, value in document.items() if name not in ("attributes", "node_type")}
    attributes = document.get("attributes") or {}
    name = v2.ARRAY_NAME if "shape" in rest else v2.GROUP_NAME
    return parse(
        path,
        {
            prefix + name: json.dumps(rest).encode(),
            prefix + v2.ATTRIBUTES_NAME: json.dumps(dict(attributes)).encode(),
        },
        v2.NUMBER,
    )


def dtype_from_document(value: Any, zarr_format: int) -> DType:
    """The data type that the entry of a document of a format describes."""
    if zarr_format == v2.NUMBER:
        return v2.dtype_from_typestr(value["name"] if isinstance(value, Mapping) else value)
    return dtype_from_json(value)
