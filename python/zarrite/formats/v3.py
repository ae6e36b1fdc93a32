"""Format 3: one `zarr.json` a node. Source: Zarr v3 core; format reference 1."""

from __future__ import annotations

from typing import Any, NoReturn

from ..errors import DataTypeValidationError, MetadataValidationError, NodeTypeValidationError, ZarriteError
from ..model import creation
from ..model.chain import codecs_from_json
from ..model.checks import brief, integers, mapping, named, refuse
from ..model.codecs import ARRAY, BYTES, SERIALIZER
from ..model.drafts import refuse_drafts, settle_codecs
from ..model.dtype_names import PLAIN, dtype_from_json, parse_dtype
from ..model.grids import Grid
from ..model.irregular import grid_from_json
from ..model.key_parts import keys_from_json, keys_from_user
from ..model.keys import ChunkKeys
from ..model.node import DEFAULT_FILL, ArrayModel, GroupModel, Parts
from . import v2
from .documents import in_order
from .older import DRAFT

NAME = "zarr.json"
NUMBER = 3
DOCUMENT_NAMES = (
    NAME,
    v2.ARRAY_NAME,
    v2.GROUP_NAME,
    v2.ATTRIBUTES_NAME,
    v2.CONSOLIDATED_NAME,
    "attributes.json",
)
"""What no chunk may be called."""

ARRAY_REQUIRED = ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs")
ARRAY_MEMBERS = frozenset(
    (*ARRAY_REQUIRED, "zarr_format", "node_type", "attributes", "storage_transformers", "dimension_names")
)
ALWAYS_UNDERSTOOD = ("data_type", "chunk_grid", "chunk_key_encoding")
"""Members that nobody can do without, whatever they say of it."""
GROUP_MEMBERS = frozenset(("zarr_format", "node_type", "attributes", "consolidated_metadata"))
NO_EXTRA: dict[str, Any] = {}


def node_from_json(document: dict[str, Any]) -> ArrayModel | GroupModel:
    """The node a document describes, by the letter of the specification.

    Raises:
        MetadataValidationError, UnknownCodecError, DataTypeValidationError: a member that is missing, wrong or not
        known.
    """
    if document.get("zarr_format") != NUMBER or type(document["zarr_format"]) is not int:
        _refuse_format(document)
    node_type = document.get("node_type")
    if node_type == "array":
        return array_from_json(document)
    if node_type == "group":
        return group_from_json(document)
    raise NodeTypeValidationError(f"node_type must be 'array' or 'group', not {brief(node_type)}")


def _refuse_format(document: dict[str, Any]) -> None:
    if "zarr_format" not in document:
        raise MetadataValidationError("zarr_format is missing; a document of format 3 has the member zarr_format: 3")
    found = document["zarr_format"]
    if isinstance(found, str):
        raise MetadataValidationError(f"zarr_format is {brief(found)}: {DRAFT}")
    raise MetadataValidationError(f"zarr_format {brief(found)} is not supported here; {NAME} must have zarr_format 3")


def array_from_json(document: dict[str, Any]) -> ArrayModel:
    """The array a document describes. See `node_from_json`."""
    member = ""
    try:
        for member in ARRAY_REQUIRED:
            if member not in document:
                raise MetadataValidationError("this member is missing and an array needs it")
        member = "shape"
        shape = integers(document[member], member)
        for member in ALWAYS_UNDERSTOOD:
            found = document[member]
            if type(found) is dict and found.get("must_understand") is False:
                raise MetadataValidationError(
                    "must_understand: false is not allowed here: without its rules no cell can be found or read; "
                    "remove it, or read the node with the software that wrote it"
                )
        member = "data_type"
        kind = document[member]
        data_type = PLAIN.get(kind) if type(kind) is str else None
        if data_type is None:
            data_type = dtype_from_json(kind)
        member = "chunk_grid"
        grid = grid_from_json(document[member], shape, data_type.cell_bytes)
        member = "chunk_key_encoding"
        keys = keys_from_document(document[member], grid, shape)
        member = "fill_value"
        fill = data_type.fill_from_json(document[member])
        member = "codecs"
        entries = document[member]
        if type(entries) is not list:
            refuse(member, "a list of codecs", entries)
        codecs = settle_codecs(codecs_from_json(entries), data_type, grid, shape)
        member = "attributes"
        attributes = mapping(document.get(member, {}), member)
        member = "dimension_names"
        names = document.get(member)
        if names is not None or member in document:
            names = names_from_json(names, len(shape))
        member = "storage_transformers"
        if document.get(member):
            _refuse_transformers(document[member])
        member = ""
        extra = extra_members(document, ARRAY_MEMBERS) if len(document.keys() - ARRAY_MEMBERS) else NO_EXTRA
    except ZarriteError as error:
        raise _at(error, member) from None
    return ArrayModel(
        NUMBER, shape, data_type, grid, keys, codecs, fill, attributes, names, "C", extra, tuple(document)
    )


def _refuse_transformers(found: object) -> NoReturn:
    if not isinstance(found, list):
        refuse("storage_transformers", "a list", found)
    names = [named(one, "a storage transformer")[0] for one in found]
    raise MetadataValidationError(
        f"storage_transformers must be empty: {', '.join(map(brief, names))} is not known, nor is any other, and "
        "without its rules the data cannot be found"
    )


def _at(error: ZarriteError, member: str) -> ZarriteError:
    sentence = str(error)
    return error if not member or sentence.startswith(member) else type(error)(f"{member}: {sentence}")


def group_from_json(document: dict[str, Any]) -> GroupModel:
    """The group a document describes. See `node_from_json`."""
    attributes = mapping(document.get("attributes", {}), "attributes")
    consolidated = None
    if "consolidated_metadata" in document:
        repeated = mapping(document["consolidated_metadata"], "consolidated_metadata")
        if repeated.get("kind") != "inline":
            refuse("kind of consolidated_metadata", "'inline'", repeated.get("kind"))
        consolidated = mapping(repeated.get("metadata"), "metadata of consolidated_metadata")
    extra = extra_members(document, GROUP_MEMBERS)
    return GroupModel(NUMBER, attributes, consolidated, extra, tuple(document))


def extra_members(document: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """The members nobody here knows; each must say that it need not be understood.

    Raises:
        MetadataValidationError: one that does not say so.
    """
    extra = {name: value for name, value in document.items() if name not in known}
    for name, value in extra.items():
        if not _ignorable(name, value):
            raise MetadataValidationError(
                f"member {brief(name)} is not known and does not say must_understand: false, so ignoring it could "
                "mean reading "
                "wrong data; remove it, or read the node with the software that wrote it"
            )
    return extra


def keys_from_document(value: object, grid: Grid, shape: tuple[int, ...]) -> ChunkKeys:
    """The chunk key encoding of an array, which must not reach documents or other arrays."""
    keys = keys_from_json(value)
    if type(keys) is not ChunkKeys:
        check_keys(keys, grid, shape)
    return keys


def check_keys(keys: ChunkKeys, grid: Grid, shape: tuple[int, ...]) -> None:
    """Refuses keys that could be a document's, or coincide.

    Raises:
        MetadataValidationError: says why.
    """
    keys.check(grid.shape_over(shape))
    for text in keys.texts(len(shape)):
        for name in DOCUMENT_NAMES:
            if name in text:
                raise MetadataValidationError(
                    f"chunk key encoding {keys.name!r} has {name!r} in its keys, which is the name of a document"
                )


def _ignorable(name: str, value: object) -> bool:
    """Whether a member that is not known says that it need not be; a list of extensions does when each of them does."""
    if name == "extensions" and isinstance(value, list):
        return all(isinstance(one, dict) and one.get("must_understand") is False for one in value)
    return isinstance(value, dict) and value.get("must_understand") is False


def names_from_json(value: object, ndim: int) -> tuple[str | None, ...]:
    """The dimension names of a document."""
    if not isinstance(value, list):
        refuse("dimension_names", "a list with a string or null for each axis", value)
    names = creation.settle_names(value, ndim)
    assert names is not None  # a list was given
    return names


def _leave_out(document: dict[str, Any], model: ArrayModel | GroupModel, member: str, default: Any) -> None:
    """Takes out a member that says what its absence says, where the document that was read lacked it."""
    if model.members and member not in model.members and document[member] == default:
        del document[member]


class V3:
    """Arrays and groups of format 3."""

    number = NUMBER
    why_read_only = ""
    names_axes = True

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
        order: str | None = None,  # noqa: ARG002 - the order in memory is no part of this format
        attributes: Any = None,
        chunk_key_encoding: Any = None,
        dimension_names: Any = None,
        drafts: bool = False,
    ) -> ArrayModel:
        """A new array of format 3. The order in memory is no part of it; drafts of extensions only where asked for."""
        shape = creation.settle_shape(shape)
        data_type = parse_dtype(dtype).native()
        if data_type.name == "structured":
            data_type = type(data_type)(data_type.entries)  # type: ignore[attr-defined,call-arg]
        grid, inner, location = creation.settle_grid(chunks, shards, shape, data_type)
        cells_to_bytes = creation.settle_serializer(serializer, data_type)
        codecs = (
            *creation.settle_filters(filters),
            cells_to_bytes,
            *creation.settle_compressors(compressors, cells_to_bytes),
        )
        codecs = creation.sharded(inner, location, codecs)
        fill = data_type.default() if fill_value is None or fill_value is DEFAULT_FILL else data_type.cast(fill_value)
        keys = ChunkKeys() if chunk_key_encoding is None else keys_from_user(chunk_key_encoding)
        if type(keys) is not ChunkKeys:
            check_keys(keys, grid, shape)
        model = ArrayModel(
            NUMBER,
            shape,
            data_type,
            grid,
            keys,
            settle_codecs(codecs, data_type, grid, shape),
            fill,
            creation.settle_attributes(attributes),
            creation.settle_names(dimension_names, len(shape)),
        )
        if not drafts:
            refuse_drafts(model)
        return model

    def parts(self, model: ArrayModel) -> Parts:
        """The three kinds of codecs of a chunk."""
        codecs = model.inner_codecs
        return (
            tuple(codec for codec in codecs if codec.kind == ARRAY),
            next(codec for codec in codecs if codec.kind == SERIALIZER),
            tuple(codec for codec in codecs if codec.kind == BYTES),
        )

    def array_document(self, model: ArrayModel) -> dict[str, Any]:
        """The `zarr.json` of an array: what the strictest reader takes."""
        try:
            data_type = model.data_type.to_json()
        except DataTypeValidationError as error:
            raise MetadataValidationError(f"data_type: {error}") from None
        document: dict[str, Any] = {
            "zarr_format": NUMBER,
            "node_type": "array",
            "shape": model.shape,
            "data_type": data_type,
            "chunk_grid": model.grid.to_json(),
            "chunk_key_encoding": model.keys.to_json(),
            "fill_value": model.data_type.fill_to_json(
                model.data_type.default() if model.fill_value is None else model.fill_value
            ),
            "codecs": [codec.to_json() for codec in model.codecs],
            "attributes": model.attributes,
        }
        if model.dimension_names is not None:
            document["dimension_names"] = list(model.dimension_names)
        _leave_out(document, model, "attributes", {})
        if "storage_transformers" in model.members:
            document["storage_transformers"] = []
        if model.extra:
            document.update(model.extra)
        return in_order(document, model.members)

    def group_document(self, model: GroupModel) -> dict[str, Any]:
        """The `zarr.json` of a group."""
        document: dict[str, Any] = {"zarr_format": NUMBER, "node_type": "group", "attributes": model.attributes}
        _leave_out(document, model, "attributes", {})
        if model.consolidated is not None:
            document["consolidated_metadata"] = {
                "kind": "inline",
                "must_understand": False,
                "metadata": model.consolidated,
            }
        if model.extra:
            document.update(model.extra)
        return in_order(document, model.members)
