"""Writers that are known to have written what others cannot read, or read as something else.

Each is recognised by what it left: a member, a setting, the head of a frame. Where nothing in the data tells a sound
array from a broken one, the finding is a warning that names what to compare. Source: format reference 8.8.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable, Iterator
from typing import Any

from zarrite.check.findings import ERROR, NOTE, WARNING, Finding
from zarrite.check.walk import Hierarchy, Node
from zarrite.errors import ZarriteError
from zarrite.formats.examine import with_separator
from zarrite.model.codecs import Codec
from zarrite.model.keys import ChunkKeys
from zarrite.model.node import ArrayModel
from zarrite.model.sharding import ShardingCodec
from zarrite.stored import chunk_indices

__all__ = ["check_writers", "other_separator"]

Rule = Callable[[Any, Node, ArrayModel], Iterator[Finding]]
COMPARE = "compare the cells with their source, and write the array anew where they differ"
BLOSC_HEAD = struct.Struct("<BBBBIII")


def check_writers(hierarchy: Hierarchy) -> Iterator[Finding]:
    """What known writers left."""
    for node, model in hierarchy.arrays():
        for rule in RULES:
            yield from rule(hierarchy.store, node, model)


def all_codecs(codecs: tuple[Codec, ...]) -> Iterator[Codec]:
    """Every codec of a chain, those inside shards too."""
    for codec in codecs:
        yield codec
        if isinstance(codec, ShardingCodec):
            yield from all_codecs(codec.codecs)


def _setting(codec: Codec, name: str) -> Any:
    configuration = codec.to_json().get("configuration")
    return configuration.get(name) if isinstance(configuration, dict) else None


def _document(node: Node) -> str:
    return next(iter(node.documents), node.path)


def _version(model: ArrayModel) -> tuple[int, ...] | None:
    """The release of zarrs that wrote an array, which it keeps in an attribute."""
    told = model.attributes.get("_zarrs") or model.extra.get("_zarrs")
    text = told.get("version") if isinstance(told, dict) else None
    if not isinstance(text, str):
        return None
    numbers = [part for part in text.split("-")[0].split(".") if part.isdecimal()]
    return tuple(int(part) for part in numbers[:3]) or None


# ------------------------------------------------------------------ by what the document says


def _wrong_checksums(store: Any, node: Node, model: ArrayModel) -> Iterator[Finding]:
    del store
    version = _version(model)
    if version is not None and version < (0, 11, 5) and any(one.name == "crc32c" for one in _checked(model)):
        yield node.found(
            WARNING,
            _document(node),
            "zarrs-checksums",
            f"zarrs {_dotted(version)} wrote this array, and before 0.11.5 its CRC-32C checksums were wrong",
            "read it with that release or without checking, and write it anew",
        )


def _checked(model: ArrayModel) -> Iterator[Codec]:
    for codec in all_codecs(model.codecs):
        yield codec
        if isinstance(codec, ShardingCodec):
            yield from codec.index_codecs


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _shifted_bits(store: Any, node: Node, model: ArrayModel) -> Iterator[Finding]:
    del store
    version = _version(model)
    for codec in all_codecs(model.codecs):
        if codec.name == "packbits" and _setting(codec, "first_bit"):
            sure = version is not None and version[:2] == (0, 20)
            yield node.found(
                ERROR if sure else WARNING,
                _document(node),
                "zarrs-packbits",
                "packbits begins above bit 0, which zarrs 0.20 wrote in a wrong way"
                + (", and that release wrote this array" if sure else ""),
                COMPARE,
            )


def _clamped(store: Any, node: Node, model: ArrayModel) -> Iterator[Finding]:
    del store
    if (
        model.dtype.kind == "u"
        and model.dtype.itemsize in (4, 8)
        and any(c.name == "zfp" for c in all_codecs(model.codecs))
    ):
        yield node.found(
            WARNING,
            _document(node),
            "zarrs-zfp-unsigned",
            f"zfp has no unsigned numbers: zarrs writes those above {2 ** (8 * model.dtype.itemsize - 1) - 1} as it",
            COMPARE,
        )


def _turned(store: Any, node: Node, model: ArrayModel) -> Iterator[Finding]:
    del store
    for codec in all_codecs(model.codecs):
        order = _setting(codec, "order") if codec.name == "transpose" else None
        if isinstance(order, list | tuple) and any(order[to] != axis for axis, to in enumerate(order)):
            yield node.found(
                NOTE,
                _document(node),
                "zarrita-transpose",
                f"the transpose {list(order)} is not its own inverse; zarrita.js before 2026-08 wrote such wrongly",
                f"if zarrita.js wrote it, {COMPARE}",
            )


def _no_index_checksum(store: Any, node: Node, model: ArrayModel) -> Iterator[Finding]:
    del store
    for codec in all_codecs(model.codecs):
        if isinstance(codec, ShardingCodec) and not any(one.name == "crc32c" for one in codec.index_codecs):
            yield node.found(
                NOTE,
                _document(node),
                "index-unchecked",
                "the index of the shards has no checksum; zarrita.js before 2026-05 cannot read that, and damage to it "
                "may pass unseen",
                "write the array anew with crc32c among the codecs of the index",
            )
            return


def _nested_keys(store: Any, node: Node, model: ArrayModel) -> Iterator[Finding]:
    del store
    separator = other_separator(node, model)
    if separator is not None:
        repairable = bool(with_separator(node.path, node.documents, separator))
        yield node.found(
            ERROR,
            _document(node),
            "separator",
            f"no chunk is where the document says, and there are objects called as chunks are with {separator!r} "
            "between the numbers: n5-zarr and old nested stores left the separator out",
            f"say {separator!r} in the document; until then every cell reads as the fill value",
            repairable=repairable,
        )


def other_separator(node: Node, model: ArrayModel) -> str | None:
    """The separator with which the objects of an array are its chunks, where they are not with its own."""
    if node.chunks or model.ndim < 2 or not node.others:
        return None
    other = "." if model.keys.separator == "/" else "/"
    try:
        keys = ChunkKeys(model.keys.name, other)
    except ZarriteError:
        return None
    places = chunk_indices(node.others, node.path, dataclasses.replace(model, keys=keys)).values()
    counts = model.chunk_grid_shape
    inside = [all(at < count for at, count in zip(place, counts, strict=True)) for place in places]
    return other if inside and all(inside) else None


# ------------------------------------------------------------------ by what a chunk says


def _blosc_frames(store: Any, node: Node, model: ArrayModel) -> Iterator[Finding]:
    """The head of the first chunk's frame against the document."""
    codec = model.codecs[-1] if model.codecs else None
    if codec is None or codec.name != "blosc" or not node.chunks:
        return
    key = next(iter(node.chunks))
    size = store.size(key).result() or 0
    head = bytes(store.get(key, 0, min(size, BLOSC_HEAD.size)).result() or b"")
    if len(head) < BLOSC_HEAD.size:
        return
    _, _, flags, typesize, _, _, length = BLOSC_HEAD.unpack(head)
    if BLOSC_HEAD.size <= length < size:
        yield node.found(
            NOTE,
            key,
            "blosc-trailing",
            f"{size - length} bytes follow the blosc frame of the chunk, as z5 writes them; some readers refuse that",
            "nothing needs to be done: the frame says where it ends",
        )
    declared = _setting(codec, "typesize")
    if flags & 0b101 and isinstance(declared, int) and declared != typesize:
        yield node.found(
            NOTE,
            key,
            "blosc-typesize",
            f"cells have {declared} bytes and the frame is shuffled by {typesize}, as zarr-python 3.0 and jzarr wrote "
            "it: the cells are right and take more room than they need",
            "write the array anew to save the room",
        )


RULES: tuple[Rule, ...] = (
    _wrong_checksums,
    _shifted_bits,
    _clamped,
    _turned,
    _no_index_checksum,
    _nested_keys,
    _blosc_frames,
)
