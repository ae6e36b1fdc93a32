"""What "|O" means in format 2: the codec that keeps the objects says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import MetadataValidationError, UnknownCodecError
from ..model.chain import IDS
from ..model.checks import only
from ..model.dtype_names import PLAIN, parse_dtype
from ..model.dtypes import DType
from ..model.labels import Categorize, VLenArray
from ..model.object_codecs import Json2, MsgPack2, Pickle
from ..model.objects import Arrays, Categories, PackedObjects, PickledObjects

OBJECT_CODECS = ("vlen-utf8", "vlen-bytes", "vlen-array", "json2", "msgpack2", "categorize", "pickle")


def object_type(written: Sequence[Any]) -> DType:
    """The data type of objects that filters and compressor keep.

    Raises:
        MetadataValidationError: none of them says what the objects are.
        UnknownCodecError: one that nobody knows seems to.
    """
    for entry in written:
        if isinstance(entry, dict) and entry.get("id") in OBJECT_CODECS:
            return _type_of(entry["id"], {name: value for name, value in entry.items() if name != "id"})
    known = ", ".join(repr(name) for name in OBJECT_CODECS)
    names = [entry.get("id") for entry in written if isinstance(entry, dict)]
    unknown = next((name for name in names if isinstance(name, str) and name not in IDS), None)
    if unknown is None:
        raise MetadataValidationError(
            f"dtype '|O' needs a filter that says what the objects are, one of {known}; there is none"
        )
    raise UnknownCodecError(
        f"dtype '|O' is kept by codec {unknown!r}, which is not known for objects; known: {known}. "
        "Write the array again with one of them"
    )


def _type_of(name: str, configuration: dict[str, Any]) -> DType:
    if name in ("vlen-utf8", "vlen-bytes"):
        return PLAIN["string" if name == "vlen-utf8" else "bytes"]
    if name == "json2":
        Json2.from_numcodecs(configuration)
        return PLAIN["json"]
    if name == "msgpack2":
        packed = MsgPack2.from_numcodecs(configuration)
        return PackedObjects(packed.raw, packed.use_single_float, packed.use_bin_type)
    if name == "vlen-array":
        only(configuration, ("dtype",), "codec 'vlen-array'")
        return Arrays(VLenArray.from_numcodecs(configuration).dtype)
    if name == "categorize":
        labelled = Categorize.from_numcodecs(configuration)
        if labelled.dtype.kind != "O":
            raise MetadataValidationError(f"codec 'categorize' makes {labelled.dtype}, and dtype is '|O'")
        return Categories(labelled.labels, labelled.astype)
    Pickle.from_numcodecs(configuration)
    return PickledObjects()


def object_type_of(dtype: Any, written: Sequence[dict[str, Any]]) -> DType | None:
    """The data type of objects a user means, who gave their codec among the filters; None for any other."""
    if not any(entry.get("id") in OBJECT_CODECS for entry in written):
        return None
    try:
        numpy = np.dtype(dtype)
    except (TypeError, ValueError):
        numpy = None
    if numpy is not None and numpy.kind != "O":
        return None
    if numpy is None and parse_dtype(dtype).numpy.kind != "O":
        return None
    return object_type(written)
