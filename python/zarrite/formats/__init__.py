"""Documents and models: which keys describe a node, what they say, and how they are written.

The only place where formats exist. Everything here is a pure function of bytes; fetching and storing them is for
others.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from typing import Any

from ..errors import MetadataValidationError, ReadOnlyError, ZarriteError, ZarrUserWarning
from ..model.chain import skipped
from ..model.checks import choice
from ..model.keys import SEPARATORS, ChunkKeys
from ..model.node import FORMATS, READERS, ArrayModel, Format, GroupModel
from . import n5, v2, v3
from .consolidated import consolidate, consolidated_members, direct_members, is_complete
from .dims import dimension_names
from .documents import has_tokens, is_page, located, node_name, read_json, write_json
from .older import older_keys, refuse_older
from .remembered import Documents, Remembered
from .tolerance import V2_FIXES, V3_FIXES, tolerant

__all__ = [
    "PUBLISHED",
    "agreed",
    "bare_group",
    "consolidate",
    "consolidated_members",
    "copies_key",
    "described",
    "dimension_names",
    "document_keys",
    "document_names",
    "dump",
    "first_keys",
    "is_complete",
    "is_document",
    "is_page",
    "keeps_order",
    "last_keys",
    "next_keys",
    "older_keys",
    "parse",
    "presented",
    "refuse_older",
    "remember",
    "with_copies",
]

_V2 = v2.V2()
_V3 = v3.V3()
_N5 = n5.N5()
_LISTED: tuple[Format, ...] = (_V3, _V2, _N5)
for _format in _LISTED:
    FORMATS.add(str(_format.number), _format)
READERS.add("copies", direct_members)

V2_NAMES = (v2.ARRAY_NAME, v2.GROUP_NAME, v2.ATTRIBUTES_NAME, v2.CONSOLIDATED_NAME)
NAMES = frozenset((v3.NAME, *V2_NAMES, n5.NAME))
PUBLISHED = (v2.ATTRIBUTES_NAME, v2.ARRAY_NAME, v2.GROUP_NAME, v2.CONSOLIDATED_NAME, n5.NAME, v3.NAME)
"""The names of documents in the order in which those of one node are put, when its chunks are there."""
NUMBERS = (None, v2.NUMBER, v3.NUMBER, n5.NUMBER)


STAGES: dict[str | None, int | None] = {None: None, "zarr2": v2.NUMBER, "zarr3": v3.NUMBER, "n5": n5.NUMBER}
"""The stages of a URL that say which format a node has."""


def agreed(named: str | None, zarr_format: int | None) -> int | None:
    """The one format to look for: what a URL says, and what the caller says.

    Raises:
        ValueError: they say different things.
    """
    number = STAGES[named]
    if number is not None and zarr_format not in (None, number):
        raise MetadataValidationError(
            f"the URL says {named!r}, and zarr_format says {zarr_format!r}; leave one of them out"
        )
    return zarr_format if number is None else number


# ------------------------------------------------------------------ keys


def _prefix(path: str) -> str:
    path = path.strip("/")
    return path + "/" if path else ""


def _check_number(zarr_format: int | None) -> None:
    if zarr_format not in NUMBERS:
        raise MetadataValidationError(f"zarr_format must be 2 or 3, not {zarr_format!r}")


def first_keys(path: str, zarr_format: int | None = None, *, copies: bool = True) -> tuple[str, ...]:
    """The keys to ask for first. Where the first of them is there, nothing else needs to be asked for.

    Args:
        path: path of the node; "" is the root.
        zarr_format: the one format to look at; left out, the newest.
        copies: whether what a group repeats of its members in an object of its own is wanted.

    Example:
        >>> first_keys("a/b")
        ('a/b/zarr.json',)
    """
    _check_number(zarr_format)
    if zarr_format == v2.NUMBER:
        return document_keys(path, v2.NUMBER) if copies else tuple(_prefix(path) + name for name in V2_NAMES[:-1])
    return (_prefix(path) + (n5.NAME if zarr_format == n5.NUMBER else v3.NAME),)


def next_keys(path: str, zarr_format: int | None = None, *, copies: bool = True) -> tuple[str, ...]:
    """The keys to ask for when none of the first was there."""
    if zarr_format == v2.NUMBER and not copies:
        return (_prefix(path) + v2.CONSOLIDATED_NAME,)  # by itself it says that there is a group
    return () if zarr_format is not None else document_keys(path, v2.NUMBER)


def last_keys(path: str, zarr_format: int | None = None, *, copies: bool = True) -> tuple[str, ...]:  # noqa: ARG001
    """The keys to ask for when none of all those was there."""
    return () if zarr_format is not None else document_keys(path, n5.NUMBER)


def document_keys(path: str, zarr_format: int | None = None) -> tuple[str, ...]:
    """Every key that may describe a node, for deleting or replacing it."""
    _check_number(zarr_format)
    names = {
        None: (v3.NAME, *V2_NAMES, n5.NAME),
        v2.NUMBER: V2_NAMES,
        v3.NUMBER: (v3.NAME,),
        n5.NUMBER: (n5.NAME,),
    }[zarr_format]
    prefix = _prefix(path)
    return tuple(prefix + name for name in names)


def document_names() -> tuple[str, ...]:
    """The names of documents, in the order in which those of one node are published: what makes it seen comes last."""
    return (v2.ATTRIBUTES_NAME, n5.NAME, v2.ARRAY_NAME, v2.GROUP_NAME, v2.CONSOLIDATED_NAME, v3.NAME)


def is_document(name: str) -> bool:
    """Whether a key describes a node, by its last component."""
    return name.rpartition("/")[2] in NAMES


# ------------------------------------------------------------------ reading

_models = Remembered(nodes=4096, total_bytes=16 << 20)


def parse(
    path: str, documents: Mapping[str, bytes | None], zarr_format: int | None = None
) -> ArrayModel | GroupModel | None:
    """The node that documents describe, or None when they describe none.

    Documents that were seen before give the model they gave then, so a model and what it holds must not be changed.

    Args:
        path: path of the node; "" is the root.
        documents: bytes by key, with None for keys that were not there.
        zarr_format: the one format to look at; left out, 3 goes before 2.

    Raises:
        MetadataValidationError: a document that is damaged or says what no format allows. Names node and member.
        UnknownCodecError, DataTypeValidationError: a codec or a data type nobody here knows.
    """
    prefix = path.strip("/") + "/" if path else ""
    if zarr_format is None or zarr_format == v3.NUMBER:
        raw = documents.get(prefix + v3.NAME)
        if raw is not None:
            return _models.get(raw) or _keep(raw, _parse_v3(raw, prefix + v3.NAME))
    if zarr_format is None or zarr_format == v2.NUMBER:
        raws = tuple([documents.get(prefix + name) for name in V2_NAMES])
        if raws[0] is not None or raws[1] is not None or raws[3] is not None:
            return _models.get(raws) or _keep(raws, _parse_v2(raws, prefix))
    if zarr_format is None or zarr_format == n5.NUMBER:
        raw = documents.get(prefix + n5.NAME)
        if raw is not None:
            # The same bytes mean something else in another format, so they are not remembered alone.
            raws = (raw, n5.NAME.encode(), documents.get(prefix + n5.FILE_ORDER))
            return _models.get(raws) or _keep(raws, _parse_n5(raws, prefix))
    _check_number(zarr_format)
    return None


def remember(model: ArrayModel, document: bytes) -> None:
    """Notes that a document which was just written means a model: who reads it need not take it apart.

    The model has to be one that was read, with another shape.
    """
    if model.zarr_format == v3.NUMBER:
        _keep(document, model)


def keeps_order(model: ArrayModel) -> bool:
    """Whether the array's document says in which order the cells of a chunk lie."""
    return model.zarr_format == v2.NUMBER


def bare_group(zarr_format: int) -> GroupModel | None:
    """The group that a directory without documents is below a group of the format; None where it is nothing."""
    return GroupModel(n5.NUMBER) if zarr_format == n5.NUMBER else None


def presented(model: ArrayModel, *, dimension_separator: str | None = None, file_order: bool = False) -> ArrayModel:
    """The model of an array as somebody knows it to be, where its documents leave that open.

    Args:
        model: what the documents say.
        dimension_separator: what stands between the numbers in the keys of chunks.
        file_order: whether axes are presented as the file names them, in a format that names the fastest one first.

    Raises:
        ValueError: a separator that no format has.
    """
    if file_order and model.zarr_format == n5.NUMBER:
        model = n5.in_file_order(model)
    if dimension_separator is not None and model.zarr_format == v2.NUMBER:  # the others always say it
        keys = ChunkKeys("v2", choice(dimension_separator, "dimension_separator", SEPARATORS))
        model = dataclasses.replace(model, keys=keys) if keys != model.keys else model
    return model


def _keep(documents: Documents, model: ArrayModel | GroupModel) -> ArrayModel | GroupModel:
    raws = (documents,) if isinstance(documents, bytes) else documents
    return _models.keep(documents, dataclasses.replace(model, keeps_tokens=True) if has_tokens(*raws) else model)


def _parse_v3(raw: bytes, key: str) -> ArrayModel | GroupModel:
    where = node_name(key)
    document = _read(raw, key, where)
    try:
        model = v3.node_from_json(document)
    except ZarriteError as strict:
        model = tolerant(v3.node_from_json, document, V3_FIXES, strict, where)
    if b"must_understand" in raw and isinstance(model, ArrayModel):
        for name in skipped(model.codecs):
            warnings.warn(
                f"{where}: codec {name!r} is not known and says that it need not be understood; cells are read as if "
                "it were not there, and cannot be written",
                ZarrUserWarning,
                stacklevel=4,
            )
    return model


def _parse_v2(raws: tuple[bytes | None, ...], prefix: str) -> ArrayModel | GroupModel:
    array, group, attributes_raw, consolidated_raw = raws
    attributes = {} if attributes_raw is None else _read(attributes_raw, prefix + v2.ATTRIBUTES_NAME, node_name(prefix))
    if array is not None:
        key = prefix + v2.ARRAY_NAME
        document = _read(array, key, node_name(key))
        try:
            return v2.array_from_json(document, attributes)
        except ZarriteError as strict:
            return tolerant(
                lambda fixed: v2.array_from_json(fixed, attributes), document, V2_FIXES, strict, node_name(key)
            )
    key = prefix + v2.GROUP_NAME
    consolidated = None
    if consolidated_raw is not None:
        v2.refuse_references(consolidated_raw, node_name(key))
        consolidated = _read_consolidated(consolidated_raw, prefix + v2.CONSOLIDATED_NAME)
    if group is None and consolidated is None:
        raise MetadataValidationError(
            f"{node_name(key)}: there is no {v2.GROUP_NAME}, and {v2.CONSOLIDATED_NAME} is unusable"
        )
    document = {"zarr_format": v2.NUMBER} if group is None else _read(group, key, node_name(key))
    try:
        return v2.group_from_json(document, attributes, consolidated)
    except ZarriteError as error:
        raise located(error, node_name(key)) from None


def copies_key(path: str, model: GroupModel, name: str) -> str | None:
    """The key under which a group has its copies when they have a name of their own; None where a format has no such.

    Raises:
        ValueError: no name of a document.
    """
    if model.zarr_format != v2.NUMBER:
        return None
    if not name or "/" in name or name in NAMES - {v2.CONSOLIDATED_NAME}:
        raise MetadataValidationError(f"{name!r} cannot be the name of a document that repeats others")
    return _prefix(path) + name


def with_copies(model: GroupModel, raw: bytes, key: str) -> GroupModel:
    """A group with the copies that stand under a name of their own.

    Raises:
        MetadataValidationError: they cannot be read.
    """
    name = key.rpartition("/")[2]
    try:
        copies = v2.consolidated_from_json(read_json(raw, key))
    except MetadataValidationError as error:
        raise located(error, node_name(key)) from None
    named = "" if name == v2.CONSOLIDATED_NAME else name
    return dataclasses.replace(
        model, consolidated=copies, consolidated_name=named, keeps_tokens=model.keeps_tokens or has_tokens(raw)
    )


def _parse_n5(raws: tuple[bytes | None, ...], prefix: str) -> ArrayModel | GroupModel:
    key = prefix + n5.NAME
    document = _read(raws[0] or b"", key, node_name(key))
    try:
        model = n5.node_from_json(document)
        return model if raws[2] is None or isinstance(model, GroupModel) else n5.in_file_order(model)
    except ZarriteError as error:
        raise located(error, node_name(key)) from None


def _read(raw: bytes, key: str, where: str) -> dict[str, Any]:
    try:
        return read_json(raw, key)
    except MetadataValidationError as error:
        raise located(error, where) from None


def _read_consolidated(raw: bytes, key: str) -> dict[str, Any] | None:
    """The repeated documents; a group without them is still a group, so damage here is only told."""
    try:
        return v2.consolidated_from_json(read_json(raw, key))
    except MetadataValidationError as error:
        warnings.warn(f"{node_name(key)}: {error}; it is ignored", ZarrUserWarning, stacklevel=4)
        return None


# ------------------------------------------------------------------ writing


def dump(model: ArrayModel | GroupModel, path: str) -> dict[str, bytes]:
    """The documents of a node, by key: the same bytes for the same model, and what the strictest reader takes.

    Raises:
        MetadataValidationError: the format has no words for the model, or an attribute is no JSON. Names the node.
        ReadOnlyError: the format is never written.

    Example:
        >>> list(dump(GroupModel(3), "a"))
        ['a/zarr.json']
    """
    if model.why_read_only:
        raise ReadOnlyError(f"node {('/' + path.strip('/'))!r}", model.why_read_only)
    return described(model, path)


def described(model: ArrayModel | GroupModel, path: str) -> dict[str, bytes]:
    """The documents that tell another process what a node is, by key; those of a format that is never written, too."""
    try:
        documents = _documents(model)
    except ZarriteError as error:
        raise located(error, f"node {('/' + path.strip('/'))!r}") from None
    prefix, keeps = _prefix(path), model.keeps_tokens
    texts = {prefix + name: write_json(found, prefix + name, keeps_tokens=keeps) for name, found in documents.items()}
    if model.zarr_format == n5.NUMBER and isinstance(model, ArrayModel) and model.order == "F":
        texts[prefix + n5.FILE_ORDER] = b"true"
    return texts


def _documents(model: ArrayModel | GroupModel) -> dict[str, dict[str, Any]]:
    """The documents of a node as JSON values, by their names."""
    if model.zarr_format == v3.NUMBER:
        return {v3.NAME: _V3.array_document(model) if isinstance(model, ArrayModel) else _V3.group_document(model)}
    if model.zarr_format == n5.NUMBER:
        return {n5.NAME: _N5.array_document(model) if isinstance(model, ArrayModel) else _N5.group_document(model)}
    if isinstance(model, ArrayModel):
        return {v2.ARRAY_NAME: _V2.zarray(model), v2.ATTRIBUTES_NAME: model.attributes}
    documents = {v2.GROUP_NAME: _V2.zgroup(model), v2.ATTRIBUTES_NAME: model.attributes}
    if model.consolidated is not None:
        # The group's own documents are among the copies; they must not lag behind.
        repeated = {name: documents.get(name, copy) for name, copy in model.consolidated.items()}
        name = model.consolidated_name or v2.CONSOLIDATED_NAME
        documents[name] = {"zarr_consolidated_format": 1, "metadata": repeated}
    return documents
