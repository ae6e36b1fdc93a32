"""Format 2: `.zarray` or `.zgroup`, beside `.zattrs`. Source: Zarr v2; format reference 3.1 to 3.4.

The model is shaped like format 3. What format 2 says otherwise is translated here: column-major chunks are a transpose
in front of the chain, filters and the compressor are one chain, and the byte order stands in the data type and not in
a codec.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import (
    DataTypeValidationError,
    MetadataValidationError,
    ZarriteError,
)
from ..model import creation, fills
from ..model.chain import codec_from_numcodecs, codecs_from_user
from ..model.checks import brief, choice, integers, mapping, refuse
from ..model.codecs import ARRAY, SERIALIZER, Codec, MemoryBytes, TransposeCodec, cells_of, settle_chain
from ..model.dtype_names import MAX_STRUCT_DEPTH, PLAIN, dtype_from_numpy, parse_dtype
from ..model.dtypes import DType, Float, String, VariableBytes
from ..model.grids import RegularGrid, check_chunk
from ..model.key_parts import keys_from_user
from ..model.keys import ChunkKeys
from ..model.lists import Subarray
from ..model.node import DEFAULT_FILL, ArrayModel, GroupModel, Parts
from ..model.object_codecs import Json2, ObjectCodec
from ..model.objects import Json
from ..model.small import NAMES as SMALL, SmallFloat, SmallInteger, small
from ..model.structs import Struct
from . import v2_objects
from .documents import in_order
from .empty_cells import EmptyBytes, EmptyType

ARRAY_NAME, GROUP_NAME, ATTRIBUTES_NAME, CONSOLIDATED_NAME = ".zarray", ".zgroup", ".zattrs", ".zmetadata"
NUMBER = 2

ARRAY_MEMBERS = frozenset(
    ("zarr_format", "shape", "chunks", "dtype", "compressor", "fill_value", "order", "filters", "dimension_separator")
)
GROUP_MEMBERS = frozenset(("zarr_format",))


# ------------------------------------------------------------------ data types


def dtype_from_typestr(value: object, depth: int = 0) -> DType:
    """The data type that a `dtype` member means; "|O" has no meaning without its codec and is not one.

    Raises:
        DataTypeValidationError: no such type.
        MetadataValidationError: fields that are no fields.
    """
    if isinstance(value, str):
        known = _TYPESTRS.get(value)
        if known is None:
            known = _TYPESTRS[value] = _plain_dtype(value)
        return known
    if not isinstance(value, list):
        refuse("dtype", "a string such as '<f4', or a list of fields", value)
    if depth >= MAX_STRUCT_DEPTH:
        raise MetadataValidationError(f"fields inside fields go deeper than {MAX_STRUCT_DEPTH}; flatten the type")
    entries: list[tuple[str, DType]] = []
    for field in value:
        if not isinstance(field, list) or len(field) not in (2, 3) or not isinstance(field[0], str):
            refuse("each field of dtype", "a list of its name, its type and perhaps its shape", field)
        kind = dtype_from_typestr(field[1], depth + 1)
        if isinstance(kind, EmptyType):  # NumPy does keep them among other fields
            kind = dtype_from_numpy(np.dtype(kind.typestr))
        if len(field) == 3:
            shape = integers([field[2]] if isinstance(field[2], int) else field[2], f"the shape of field {field[0]!r}")
            check_chunk(shape, len(shape), kind.cell_bytes, f"the shape of field {field[0]!r}")
            kind = Subarray(kind, shape) if shape else kind
        # NumPy has no fields without a name, and calls them by their place.
        entries.append((field[0] or f"f{len(entries)}", kind))
    return Struct(tuple(entries))


_TYPESTRS: dict[str, DType] = {}


def _plain_dtype(typestr: str) -> DType:
    if typestr in SMALL and not typestr.startswith("complex_"):  # as tensorstore spells them in format 2
        return small(typestr)
    if (
        len(typestr) >= 2
        and typestr[0] in "<>|="
        and typestr[1] in "biufcmMSUV"
        and "," not in typestr
        and len(typestr) < 40
    ):
        try:
            numpy = np.dtype(typestr)
            return dtype_from_numpy(numpy) if numpy.itemsize else EmptyType(numpy.str)
        except (TypeError, ValueError, DataTypeValidationError):
            pass
    if typestr[1:] in ("f12", "f16", "c24", "c32"):
        raise DataTypeValidationError(
            f"dtype {typestr!r} is a long double, whose bits differ from machine to machine, so it is not read; "
            f"write the array again as '<{typestr[1]}{8 if typestr[1] == 'f' else 16}'"
        )
    raise DataTypeValidationError(
        f"dtype {brief(typestr)} is not known; known are NumPy's type strings of booleans, integers, floats up to 8 "
        "bytes, complex "
        "numbers, dates, text and bytes, such as '<f4', '|b1', '>M8[ns]', '<U12'"
    )


def dtype_to_typestr(data_type: DType) -> Any:
    """The `dtype` member for a data type."""
    if isinstance(data_type, (String, VariableBytes)):
        return "|O"
    if isinstance(data_type, EmptyType):
        return data_type.typestr
    if not isinstance(data_type, Struct):
        return data_type.typestr
    fields: list[list[Any]] = []
    for name, kind in data_type.entries:
        shape = kind.shape if isinstance(kind, Subarray) else ()
        item = kind.item if isinstance(kind, Subarray) else kind
        fields.append([name, dtype_to_typestr(item), *([list(shape)] if shape else [])])
    return fields


def fill_to_json(data_type: DType, value: Any) -> Any:
    """The `fill_value` member; structs are base64 here."""
    if value is None:
        return None
    return fills.base64(data_type.cell(value)) if isinstance(data_type, Struct) else data_type.fill_to_json(value)


# ------------------------------------------------------------------ codecs


def chain_from_json(document: dict[str, Any], ndim: int, order: str) -> tuple[DType, list[Codec]]:
    """Data type and chain, not settled yet, of an array's document."""
    entries = document.get("filters")
    if entries is not None and not isinstance(entries, list):
        refuse("filters", "a list of objects, or null", entries)
    compressor = document.get("compressor")
    written = [*(entries or ()), *(() if compressor is None else (compressor,))]
    objects = document["dtype"] == "|O"
    if objects:
        data_type = v2_objects.object_type(written)
    else:
        data_type = dtype_from_typestr(document["dtype"])
    codecs = [codec_from_numcodecs(entry) for entry in written]
    if order == "F" and ndim > 1:
        codecs = [codec.in_columns() if isinstance(codec, ObjectCodec) else codec for codec in codecs]
    if not data_type.vlen:
        at = next((at for at, codec in enumerate(codecs) if codec.kind != ARRAY), len(codecs))
        if not any(codec.kind == SERIALIZER for codec in codecs):
            codecs.insert(at, EmptyBytes() if isinstance(data_type, EmptyType) else MemoryBytes())
    if order == "F" and ndim > 1:
        codecs.insert(0, TransposeCodec(tuple(reversed(range(ndim)))))
    return data_type, codecs


def filters_and_compressor(model: ArrayModel) -> tuple[list[Codec], Codec | None]:
    """The chain as format 2 divides it: what stands for the order and the byte order is in neither part."""
    codecs = list(model.codecs)
    if model.order == "F" and model.ndim > 1:
        codecs.pop(0)
    written = [codec for codec in codecs if not isinstance(codec, MemoryBytes)]
    compressor = written.pop() if written and written[-1].is_compressor and written[-1].kind != ARRAY else None
    return written, compressor


# ------------------------------------------------------------------ documents


def check_format(document: dict[str, Any]) -> None:
    """Refuses documents of another format under this one's names."""
    found = document.get("zarr_format")
    if found != NUMBER or type(found) is not int:
        raise MetadataValidationError(f"zarr_format must be 2 in this document, not {brief(found)}")


def array_from_json(document: dict[str, Any], attributes: dict[str, Any]) -> ArrayModel:
    """The array that `.zarray` and `.zattrs` describe.

    Raises:
        MetadataValidationError, UnknownCodecError, DataTypeValidationError: a member that is missing, wrong or not
        known.
    """
    check_format(document)
    member = ""
    try:
        for member in ("shape", "chunks", "dtype"):
            if member not in document:
                raise MetadataValidationError("this member is missing and an array needs it")
        member = "shape"
        shape = integers(document[member], member)
        member = "order"
        order = choice(document.get(member, "C"), member, ("C", "F"))
        member = "dtype and filters"
        data_type, codecs = chain_from_json(document, len(shape), order)
        member = "chunks"
        chunks = integers(document[member], member, low=1)
        check_chunk(chunks, len(shape), data_type.cell_bytes, member)
        member = "filters and compressor"
        chain = settle_chain(codecs, cells_of(data_type, chunks))
        member = "fill_value"
        found = document.get(member)
        fill = None if found is None else data_type.fill_from_json(found)
        member = "dimension_separator"
        separator = document.get(member)
        keys = ChunkKeys("v2", "." if separator is None else choice(separator, member, (".", "/")))
    except ZarriteError as error:
        sentence = str(error)
        raise (error if sentence.startswith(member) else type(error)(f"{member}: {sentence}")) from None
    extra = {name: value for name, value in document.items() if name not in ARRAY_MEMBERS}
    return ArrayModel(
        NUMBER,
        shape,
        data_type,
        RegularGrid(chunks),
        keys,
        chain,
        fill,
        attributes,
        None,
        order,
        extra,
        tuple(document),
    )


def group_from_json(
    document: dict[str, Any], attributes: dict[str, Any], consolidated: dict[str, Any] | None
) -> GroupModel:
    """The group that `.zgroup`, `.zattrs` and `.zmetadata` describe."""
    check_format(document)
    extra = {name: value for name, value in document.items() if name not in GROUP_MEMBERS}
    return GroupModel(NUMBER, attributes, consolidated, extra, tuple(document))


def consolidated_from_json(document: dict[str, Any]) -> dict[str, Any]:
    """The documents that a `.zmetadata` repeats, by their keys relative to its group."""
    if document.get("zarr_consolidated_format") != 1:
        refuse("zarr_consolidated_format", "1", document.get("zarr_consolidated_format"))
    return mapping(document.get("metadata"), "metadata")


def refuse_references(raw: bytes, where: str) -> None:
    """Refuses what looks like consolidated documents, and whose chunks are references in Parquet files beside it.

    Read as format 2, all its cells would be fill values.

    Raises:
        MetadataValidationError: they are such.
    """
    if b'"record_size"' in raw and b'"zarr_consolidated_format"' not in raw:
        raise MetadataValidationError(
            f"{where}: these are kerchunk references in Parquet, which are not read; write them to an Icechunk "
            "repository with VirtualiZarr"
        )


class V2:
    """Arrays and groups of format 2."""

    number = NUMBER
    why_read_only = ""
    names_axes = False

    def create(
        self,
        *,
        shape: Any,
        dtype: Any,
        chunks: Any = "auto",
        shards: Any = None,
        filters: Any = "auto",
        serializer: Any = "auto",
        compressors: Any = "auto",
        fill_value: Any = DEFAULT_FILL,
        order: str | None = None,
        attributes: Any = None,
        chunk_key_encoding: Any = None,
        dimension_names: Any = None,
        drafts: bool = False,  # noqa: ARG002 - this format has none
    ) -> ArrayModel:
        """A new array of format 2."""
        shape = creation.settle_shape(shape)
        data_type = self._type(dtype, filters)
        self._refuse(shards, serializer, dimension_names)
        grid, _, _ = creation.settle_grid(chunks, None, shape, data_type)
        if not grid.is_regular:
            raise MetadataValidationError("format 2 has chunks of one shape only; list no lengths, or use format 3")
        chunk = grid.chunk_shape
        layout = choice(order or "C", "order", ("C", "F"))
        codecs = self._chain(filters, compressors, data_type)
        if layout == "F" and len(shape) > 1:
            codecs = [codec.in_columns() if isinstance(codec, ObjectCodec) else codec for codec in codecs]
            codecs.insert(0, TransposeCodec(tuple(reversed(range(len(shape))))))
        return ArrayModel(
            NUMBER,
            shape,
            data_type,
            grid,
            self._keys(chunk_key_encoding),
            settle_chain(codecs, cells_of(data_type, chunk)),
            self._fill(fill_value, data_type),
            creation.settle_attributes(attributes),
            None,
            layout,
        )

    def _type(self, dtype: Any, filters: Any) -> DType:
        """The data type as this format has it: names are of format 3, here what counts is how cells look."""
        if not creation.is_auto(filters):
            written = [codec.get_config() for codec in codecs_from_user(filters) if codec.id]
            found = v2_objects.object_type_of(dtype, written)
            if found is not None:
                return found
        data_type = parse_dtype(dtype)
        if isinstance(data_type, (String, VariableBytes)):
            return PLAIN["string" if data_type.vlen == "string" else "bytes"]
        if isinstance(data_type, (Json, SmallFloat, SmallInteger)):
            return data_type
        _ = data_type.typestr  # refuses what says itself that this format has no type string for it
        if data_type.vlen or data_type.memory != data_type.numpy:
            raise DataTypeValidationError(f"format 2 has no name for data type {data_type.name}; write format 3")
        return dtype_from_numpy(data_type.numpy)

    def _refuse(self, shards: Any, serializer: Any, dimension_names: Any) -> None:
        for what, value, instead in (
            ("shards", shards or None, "leave them out, or write format 3"),
            ("a serializer", None if serializer == "auto" else serializer, "leave it out, or write format 3"),
            ("dimension_names", dimension_names, "put them into the attribute '_ARRAY_DIMENSIONS', or write format 3"),
        ):
            if value is not None:
                raise MetadataValidationError(f"format 2 has no {what.removeprefix('a ')}; {instead}")

    def _chain(self, filters: Any, compressors: Any, data_type: DType) -> list[Codec]:
        found = [] if creation.is_auto(filters) else list(codecs_from_user(filters))
        packed = () if creation.is_auto(compressors) else codecs_from_user(compressors)
        if [codec.kind for codec in packed] == [SERIALIZER]:
            # What packs numbers stands here where compressors stand, and no bytes come between.
            found.extend(packed)
            packed = ()
        else:
            packed = creation.settle_compressors(compressors)
        if len(packed) > 1:
            raise MetadataValidationError("format 2 has one compressor; make the others filters, or write format 3")
        if not any(codec.kind == SERIALIZER for codec in found):
            serializer: Codec = MemoryBytes()
            if data_type.vlen:
                serializer = Json2() if isinstance(data_type, Json) else creation.default_serializer(data_type)
            found.insert(sum(codec.kind == ARRAY for codec in found), serializer)
        # What format 2 cannot say about a codec is as if it had not been said.
        return [
            codec if isinstance(codec, MemoryBytes) else codec_from_numcodecs(codec.get_config())
            for codec in (*found, *packed)
        ]

    def _keys(self, encoding: Any) -> ChunkKeys:
        keys = ChunkKeys("v2") if encoding is None else keys_from_user(encoding)
        if keys.name != "v2":
            raise MetadataValidationError(
                f"format 2 has the chunk key encoding 'v2' and no other; take it in place of {keys.name!r}, or write "
                "format 3"
            )
        return keys

    def _fill(self, value: Any, data_type: DType) -> Any:
        if value is None:
            return None
        if value is DEFAULT_FILL:
            return data_type.default()
        fill = data_type.cast(value)
        if isinstance(data_type, Float) and math.isnan(fill):
            return data_type.fill_from_json("NaN")  # the one NaN that format 2 has a word for
        return fill

    def parts(self, model: ArrayModel) -> Parts:
        """The codecs under `filters`, none between, and the one under `compressor`."""
        filters, compressor = filters_and_compressor(model)
        return tuple(filters), None, () if compressor is None else (compressor,)

    def array_document(self, model: ArrayModel) -> dict[str, Any]:
        """The `.zarray` of an array, with its attributes as one more member."""
        return {**self.zarray(model), "attributes": model.attributes}

    def zarray(self, model: ArrayModel) -> dict[str, Any]:
        """The `.zarray` of an array."""
        filters, compressor = filters_and_compressor(model)
        document: dict[str, Any] = {
            "zarr_format": NUMBER,
            "shape": model.shape,
            "chunks": model.grid.chunk_shape,
            "dtype": dtype_to_typestr(model.data_type),
            "fill_value": fill_to_json(model.data_type, model.fill_value),
            "order": model.order,
            "filters": [codec.get_config() for codec in filters] or None,
            "compressor": None if compressor is None else compressor.get_config(),
            "dimension_separator": model.keys.separator,
        }
        if model.members and "dimension_separator" not in model.members and model.keys.separator == ".":
            del document["dimension_separator"]
        document.update(model.extra)
        return in_order(document, model.members)

    def zgroup(self, model: GroupModel) -> dict[str, Any]:
        """The `.zgroup` of a group."""
        return in_order({"zarr_format": NUMBER, **model.extra}, model.members)

    def group_document(self, model: GroupModel) -> dict[str, Any]:
        """The `.zgroup` of a group, with its attributes as one more member."""
        return {**self.zgroup(model), "attributes": model.attributes}
