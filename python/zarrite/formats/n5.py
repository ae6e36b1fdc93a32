"""N5: `attributes.json` in a directory. Read, never written. Source: N5 4.0.0; format reference 3.7.

N5 names the fastest axis first. Here axes are presented the other way round, as z5py and zarr-python 2 present them, so
that a block lies in memory as it lies in the file; `in_file_order` gives the dataset's own order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NoReturn

from ..errors import MetadataValidationError, ReadOnlyError, UnknownCodecError, ZarriteError
from ..model.chain import PythonCodec
from ..model.checks import brief, flag, integers, mapping, refuse
from ..model.codecs import Cells, Codec, settle_chain
from ..model.compressors import BZ2, LZMA, BloscCodec, GzipCodec, Zlib, ZstdCodec
from ..model.dtype_names import PLAIN
from ..model.grids import RegularGrid, check_chunk
from ..model.keys import ChunkKeys
from ..model.n5 import JpegBlock, N5Block, N5Lz4, ReversedKeys
from ..model.node import ArrayModel, GroupModel, Parts
from .documents import in_order

NAME = "attributes.json"
FILE_ORDER = "attributes.json: axes in the order of the file"
"""Stands beside the document when a handle with axes in that order goes to another process. Nothing stores it."""
NEWEST = 4
"""The newest version of N5 whose rules are known."""


class _Number(int):
    """The number of a format that has a name instead."""

    def __repr__(self) -> str:
        return "n5"

    __str__ = __repr__


NUMBER = _Number(5)

WHY_READ_ONLY = (
    "N5 is read here and never written; copy it with zarrite.from_array or zarrite.convert, which write Zarr"
)
DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64")
DATASET_MEMBERS = frozenset(("dimensions", "blockSize", "dataType", "compression", "compressionType", "n5"))
VERSION = "n5"


def node_from_json(document: dict[str, Any]) -> ArrayModel | GroupModel:
    """The dataset or the group that `attributes.json` describes.

    Raises:
        MetadataValidationError, UnknownCodecError: a member that is wrong or not known.
    """
    _check_version(document.get(VERSION))
    if "dimensions" in document and "dataType" in document:
        return dataset_from_json(document)
    attributes = {name: value for name, value in document.items() if name != VERSION}
    extra = {VERSION: document[VERSION]} if VERSION in document else {}
    return GroupModel(NUMBER, attributes, None, extra, tuple(document))


def _check_version(version: object) -> None:
    if version is None:
        return
    major = version.partition(".")[0] if isinstance(version, str) else ""
    if not major.isdecimal() or len(major) > 9:
        refuse("n5", "a version such as '4.0.0'", version)
    if int(major) > NEWEST:
        raise MetadataValidationError(
            f"n5: version {brief(version)} is newer than {NEWEST}, the newest that is known; read it with the software "
            "that wrote it"
        )


def dataset_from_json(document: dict[str, Any]) -> ArrayModel:
    """The array that a dataset is, with its axes in C order."""
    member = ""
    try:
        member = "dimensions"
        shape = integers(document[member], member)[::-1]
        member = "dataType"
        kind = document[member]
        if kind not in DTYPES:
            raise MetadataValidationError(f"{brief(kind)} is not read; known: {', '.join(DTYPES)}")
        data_type = PLAIN[kind]
        member = "blockSize"
        # What is left out is one block for all, as in N5's own library.
        chunk = integers(document.get(member, [max(1, edge) for edge in shape[::-1]]), member, low=1)[::-1]
        check_chunk(chunk, len(shape), data_type.cell_bytes, member)
        member = "compression"
        compression = compression_from_json(document)
        block = settle_chain((N5Block(compression),), Cells(data_type.numpy, None, chunk))
    except ZarriteError as error:
        sentence = str(error)
        raise (error if sentence.startswith(member) else type(error)(f"{member}: {sentence}")) from None
    return ArrayModel(
        NUMBER,
        shape,
        data_type,
        RegularGrid(chunk),
        ReversedKeys("v2", "/"),
        block,
        data_type.default(),
        {name: value for name, value in document.items() if name not in DATASET_MEMBERS},
        None,
        "C",
        {name: value for name, value in document.items() if name in DATASET_MEMBERS},
        tuple(document),
    )


def in_file_order(model: ArrayModel) -> ArrayModel:
    """The same dataset with its axes as the file names them, the fastest one first."""
    (block,) = model.codecs
    if not isinstance(block, N5Block) or block.turned:
        return model
    chunk = model.grid.chunk_shape[::-1]
    turned = N5Block(block.compression, turned=model.ndim)
    return dataclasses.replace(
        model,
        shape=model.shape[::-1],
        grid=RegularGrid(chunk),
        keys=ChunkKeys("v2", "/"),
        codecs=settle_chain((turned,), Cells(model.dtype, None, chunk)),
        order="F",
    )


# ------------------------------------------------------------------ compression


def compression_from_json(document: dict[str, Any]) -> Codec | None:
    """The codec that `compression` means, or `compressionType` in old files.

    Parameters that only a writer needs are not looked at.
    """
    if "compression" in document:
        parameters = mapping(document["compression"], "compression")
        kind = parameters.get("type")
    elif "compressionType" in document:
        parameters, kind = {}, document["compressionType"]
    else:
        raise MetadataValidationError("this member is missing and a dataset needs it")
    make = COMPRESSIONS.get(kind) if isinstance(kind, str) else None
    if make is None:
        raise UnknownCodecError(f"compression: {brief(kind)} is not known; known: {', '.join(COMPRESSIONS)}")
    return make(parameters)


def _level(parameters: dict[str, Any], name: str, low: int, high: int, default: int) -> int:
    """A parameter that says how hard a writer tried; readers need not know it, so what is odd is the default."""
    found = parameters.get(name, default)
    return found if type(found) is int and low <= found <= high else default


def _gzip(parameters: dict[str, Any]) -> Codec:
    zlib = flag(parameters.get("useZlib", False), "useZlib of compression 'gzip'")
    level = _level(parameters, "level", 0, 9, 6)
    return Zlib(level) if zlib else GzipCodec(level)


COMPRESSIONS: dict[str, Callable[[dict[str, Any]], Codec | None]] = {
    "raw": lambda _: None,
    "gzip": _gzip,
    "zlib": lambda parameters: Zlib(_level(parameters, "level", 0, 9, 6)),
    "bzip2": lambda parameters: BZ2(_level(parameters, "blockSize", 1, 9, 9)),
    "lz4": lambda parameters: N5Lz4(_level(parameters, "blockSize", 64, 1 << 25, 65536)),
    "xz": lambda parameters: LZMA(preset=_level(parameters, "preset", 0, 9, 6)),
    "blosc": lambda _: BloscCodec(),
    "zstd": lambda parameters: ZstdCodec(_level(parameters, "level", -131072, 22, 3)),
    "jpeg": lambda _: PythonCodec(JpegBlock()),
}


class N5:
    """Datasets and groups of N5."""

    number: int = NUMBER
    why_read_only = WHY_READ_ONLY
    names_axes = False

    def create(self, **settings: Any) -> NoReturn:  # noqa: ARG002 - whatever is asked for, the answer is one
        """Never.

        Raises:
            ReadOnlyError: always.
        """
        raise ReadOnlyError("N5", WHY_READ_ONLY)

    def parts(self, model: ArrayModel) -> Parts:
        """No filters; the block; its compression."""
        (block,) = model.codecs
        inside = block.compression if isinstance(block, N5Block) else None
        return (), block, () if inside is None else (inside,)

    def array_document(self, model: ArrayModel) -> dict[str, Any]:
        """The `attributes.json` of a dataset, as it was read."""
        return in_order({**model.extra, **model.attributes}, model.members)

    def group_document(self, model: GroupModel) -> dict[str, Any]:
        """The `attributes.json` of a group, as it was read."""
        return in_order({**model.extra, **model.attributes}, model.members)
