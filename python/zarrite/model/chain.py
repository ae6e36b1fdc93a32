"""All codecs by name, those of other packages too, and the ways a codec may be written down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import numpy as np

from ..errors import BaseZarrError, MetadataValidationError, UnknownCodecError
from .casting import CastValue, ScaleOffset
from .checks import brief, mapping, named, only, refusal, refuse
from .checksums import CRC32, Adler32, Crc32cCodec, Fletcher32, JenkinsLookup3
from .codecs import (
    ARRAY,
    BYTES,
    SERIALIZER,
    BytesCodec,
    Codec,
    Lowering,
    TransposeCodec,
    VLenBytesCodec,
    VLenUTF8Codec,
)
from .compressors import BZ2, LZ4, LZMA, BloscCodec, GzipCodec, Shuffle, Zlib, ZstdCodec
from .filters import AsType, BitRound, Delta, FixedScaleOffset, NumcodecsBitRound, PackBits, Quantize
from .images import image_codec
from .labels import Categorize, VLenArray
from .n5 import N5Default, N5Lz4, n5_from_json
from .nesting import ConditionalCodec, VLenCodec, VLenV2Codec
from .nullable import OptionalCodec, ZarrsOptionalCodec
from .numeric import ZFPY, PCodec, ZfpCodec
from .object_codecs import Json2, MsgPack2, Pickle
from .packing import PackBitsCodec
from .registry import Registry
from .reshaping import ReshapeCodec, SqueezeCodec
from .sharding import READ, ShardingCodec

BUILT_IN: tuple[type[Codec], ...] = (
    BytesCodec,
    TransposeCodec,
    ShardingCodec,
    VLenUTF8Codec,
    VLenBytesCodec,
    Crc32cCodec,
    CRC32,
    Adler32,
    Fletcher32,
    JenkinsLookup3,
    GzipCodec,
    ZstdCodec,
    BloscCodec,
    Zlib,
    BZ2,
    LZ4,
    LZMA,
    Shuffle,
    Delta,
    FixedScaleOffset,
    Quantize,
    AsType,
    BitRound,
    NumcodecsBitRound,
    PackBits,
    PackBitsCodec,
    CastValue,
    ScaleOffset,
    N5Default,
    PCodec,
    ZfpCodec,
    ZFPY,
    ReshapeCodec,
    SqueezeCodec,
    ConditionalCodec,
    VLenCodec,
    VLenV2Codec,
    OptionalCodec,
)

COMPOSED: tuple[type[Codec], ...] = (ZarrsOptionalCodec, Json2, MsgPack2, Pickle, VLenArray, Categorize)
"""Codecs that the engine knows nothing of: they are made of its others, and of Python."""

UNNAMED: tuple[type[Codec], ...] = (N5Lz4,)
"""Codecs that no document of Zarr names."""

CODECS: Registry[Any] = Registry(
    "codec",
    {codec.name: codec for codec in (*BUILT_IN, *COMPOSED)},
    {"endian": "bytes", "zarrs.reshape": "reshape"},
    error=UnknownCodecError,
)
"""Codecs by their names in v3 documents."""

IDS: dict[str, type[Codec]] = {
    codec.id: codec for codec in (*BUILT_IN, *COMPOSED) if codec.id and codec is not NumcodecsBitRound
}
"""Codecs by their names in v2 documents, which are numcodecs' names."""

SHORT = {name: codec for name, codec in IDS.items() if name not in {one.name for one in BUILT_IN}}
"""Names that a user may give short, and that documents of format 3 prefix."""

PREFIX = "numcodecs."
PREFIXED = {PREFIX + name: codec for name, codec in IDS.items() if name != NumcodecsBitRound.id}
"""numcodecs' codecs by the names they have in v3 documents when zarr-python writes them."""


class PythonCodec(Codec):
    """A codec written in Python, by a user or another package.

    The class it wraps has a `name`; `encode(data: bytes)` and `decode(data: bytes)`, each giving bytes; and, when it
    has parameters, `configuration()` and the class method `from_config(configuration)`. `kind` may say "array" or
    "serializer" in place of "bytes": what is encoded are then the cells of a chunk, one after the other.
    """

    __slots__ = ("codec",)
    is_compressor = True
    codec: Any

    def __init__(self, codec: Any) -> None:
        for method in ("encode", "decode"):
            if not callable(getattr(codec, method, None)):
                raise MetadataValidationError(
                    f"a codec must have the methods encode and decode, and {brief(codec)} has no {method}"
                )
        name = getattr(codec, "name", None)
        if not isinstance(name, str) or not name:
            refuse(f"the name of codec {brief(codec)}", "a string", name)
        kind = getattr(codec, "kind", BYTES)
        if kind not in (ARRAY, SERIALIZER, BYTES):
            refuse(f"the kind of codec {name!r}", "'array', 'serializer' or 'bytes'", kind)
        object.__setattr__(self, "codec", codec)

    @property
    def name(self) -> str:  # type: ignore[override]
        return cast("str", self.codec.name)

    @property
    def id(self) -> str:  # type: ignore[override]
        return self.name

    @property
    def kind(self) -> str:  # type: ignore[override]
        return cast("str", getattr(self.codec, "kind", BYTES))

    @property
    def is_fixed(self) -> bool:  # type: ignore[override]
        return getattr(self.codec, "stored_bytes", None) is not None

    def configuration(self) -> dict[str, Any]:
        found = getattr(self.codec, "configuration", None)
        return dict(found()) if callable(found) else {}

    def values(self) -> tuple[Any, ...]:
        return (type(self.codec), repr(sorted(self.configuration().items())))

    def lower(self, chain: Lowering) -> None:
        chain.in_python(self.codec, self.name, self.kind, getattr(self.codec, "stored_bytes", None))
        if self.kind != BYTES:
            chain.become(np.dtype(np.uint8))


class SkippedCodec(Codec):
    """A codec nobody here knows, in a document that says it need not be understood: reading goes past it.

    Writing does not, since whoever knows it would then miss it.
    """

    __slots__ = ("document", "kind", "name")
    document: dict[str, Any]
    kind: str  # type: ignore[misc]
    name: str  # type: ignore[misc]

    def __init__(self, document: dict[str, Any], kind: str = BYTES) -> None:
        self.document = document
        self.kind = kind
        self.name = str(document["name"])

    def __hash__(self) -> int:
        return hash(self.name)

    def to_json(self) -> dict[str, Any]:
        return self.document

    def lower(self, chain: Lowering) -> None:
        chain.in_python(self, self.name, self.kind)

    def decode(self, data: bytes) -> bytes:
        """The data as they are."""
        return data

    def encode(self, data: bytes) -> bytes:  # noqa: ARG002 - it has the shape of every codec's
        """Never: what would be written, other readers could misread.

        Raises:
            UnknownCodecError: always.
        """
        raise UnknownCodecError(
            f"codec {self.name!r} is not known, so data cannot be written with it; only reading works"
        )


def register_codec(codec: type, name: str | None = None) -> None:
    """Makes a codec class known under its name, for this process.

    Packages do the same for every process with the entry point group `zarrite.codecs`.

    Args:
        codec: a subclass of `Codec`, or a class with `name`, `encode` and `decode` (see `PythonCodec`).
        name: the name in documents; left out, the class's own.
    """
    CODECS.add(name or codec.name, codec)  # type: ignore[attr-defined]


def codec_from_json(value: object) -> Codec:
    """The codec that an entry of a v3 document means.

    Raises:
        UnknownCodecError: nothing has that name.
        MetadataValidationError: a parameter is wrong.
    """
    name, configuration = named(value, "codec")
    if name == ShardingCodec.name:
        return sharding_from_json(configuration)
    if name.startswith("https://"):
        name = _name_of_uri(name)
    if name == N5Default.name:
        return n5_from_json(configuration, codec_from_json)
    if name in (OptionalCodec.name, ZarrsOptionalCodec.name):
        return optional_from_json(name, configuration)
    known = PREFIXED.get(name)
    if known is not None:
        return known.from_numcodecs(configuration)
    image = image_codec(name, configuration)
    if image is not None:
        return image
    found = CODECS.get(name)
    if found is None:
        if isinstance(value, dict) and value.get("must_understand") is False:
            return SkippedCodec(value)
        found = CODECS[name]
    return _made(found, configuration)


ADDRESSES = ("https://codec.zarrs.dev/", "https://purl.org/zarr/spec/codec/")
"""Where codecs were described before there was a register; their addresses were their names."""


def _name_of_uri(uri: str) -> str:
    """The name that a codec has today which was once called by an address; the address itself where there is none."""
    if uri.startswith(ADDRESSES):
        # The kind of the codec or its version stands beside the name.
        for part in reversed(uri.split("/")[3:]):
            for name in (part, PREFIX + part, "zarrs." + part):
                if name in CODECS or name in PREFIXED:
                    return name
    return uri


def codecs_from_json(entries: Iterable[object]) -> tuple[Codec, ...]:
    """The chain that a list of entries means. What is passed by has the kind of its place in the list."""
    codecs = [codec_from_json(entry) for entry in entries]
    at = next((at for at, codec in enumerate(codecs) if codec.kind == SERIALIZER), 0)
    return tuple(
        SkippedCodec(codec.document, ARRAY) if isinstance(codec, SkippedCodec) and place < at else codec
        for place, codec in enumerate(codecs)
    )


def skipped(codecs: Iterable[Codec]) -> list[str]:
    """The names of codecs that are passed by, those inside shards too."""
    names = []
    for codec in codecs:
        if isinstance(codec, SkippedCodec):
            names.append(codec.name)
        for inner in ("codecs", "index_codecs"):
            names += skipped(getattr(codec, inner, ()))
    return names


def codec_from_numcodecs(value: object) -> Codec:
    """The codec that an entry of a v2 document means.

    Raises:
        UnknownCodecError: nothing has that id.
        MetadataValidationError: a parameter is wrong.
    """
    configuration = dict(mapping(value, "a filter or compressor"))
    name = configuration.pop("id", None)
    if not isinstance(name, str):
        refuse("the id of a filter or compressor", "a string", name)
    known = IDS.get(name)
    if known is not None:
        return known.from_numcodecs(configuration)
    image = image_codec(name, configuration)
    if image is not None:
        return image
    found = CODECS.get(name)
    if found is None or found in BUILT_IN:
        raise UnknownCodecError(
            f"no filter or compressor is called {name!r}; known: {', '.join(sorted(IDS))}. "
            "A package can add one with the entry point group 'zarrite.codecs'"
        )
    return _made(found, configuration)


def _made(found: Any, configuration: dict[str, Any]) -> Codec:
    if isinstance(found, type) and issubclass(found, Codec):
        if found.nested:
            configuration = _with_codecs(found, configuration)
        return found.from_configuration(configuration)
    try:
        make = getattr(found, "from_config", None)
        return PythonCodec(make(configuration) if make is not None else found(**configuration))
    except BaseZarrError:
        raise
    except Exception as error:
        raise MetadataValidationError(
            f"codec {getattr(found, 'name', found)!r} does not take the configuration {brief(configuration)}: {error}"
        ) from error


def _with_codecs(found: type[Codec], configuration: dict[str, Any]) -> dict[str, Any]:
    """A configuration with codec objects in place of the lists of documents in it."""
    if shard_depth(configuration) > MAX_SHARD_DEPTH:
        raise MetadataValidationError(f"codecs inside codecs go deeper than {MAX_SHARD_DEPTH}; nest fewer")
    made = dict(configuration)
    for member in found.nested:
        if member in made:
            if not isinstance(made[member], list):
                refuse(f"{member} of codec {found.name!r}", "a list of codecs", made[member])
            made[member] = [codec_from_json(entry) for entry in made[member]]
    return made


MAX_SHARD_DEPTH = 16
"""Shards inside shards, at most. Real files have one; what nests deeper means to exhaust the reader."""

NESTING = ("codecs", "index_codecs", "mask_codecs", "data_codecs")
"""Every parameter that holds codecs."""


def sharding_from_json(configuration: dict[str, Any]) -> ShardingCodec:
    """A sharding codec with the chains inside it."""
    allowed = ShardingCodec.fields
    for key in configuration:
        if key not in allowed:
            raise MetadataValidationError(
                f"codec 'sharding_indexed' has no parameter {brief(key)}; it has: {', '.join(allowed)}"
            )
    if shard_depth(configuration) > MAX_SHARD_DEPTH:
        raise MetadataValidationError(f"shards inside shards go deeper than {MAX_SHARD_DEPTH}; nest fewer")
    if "chunk_shape" not in configuration:
        raise MetadataValidationError("codec 'sharding_indexed' needs the parameter chunk_shape")
    chains = {}
    for member in ("codecs", "index_codecs"):
        entries = configuration.get(member)
        if not isinstance(entries, list):
            refuse(f"{member} of codec 'sharding_indexed'", "a list of codecs", entries)
        chains[member] = codecs_from_json(entries)
    shape = configuration["chunk_shape"]
    if not isinstance(shape, list):
        refuse("chunk_shape of codec 'sharding_indexed'", "a list of integers", shape)
    location = configuration.get("index_location", "end")
    given = configuration.get("predefined_index")
    return ShardingCodec(shape, chains["codecs"], chains["index_codecs"], location, given)


READ["sharding"] = sharding_from_json


def optional_from_json(name: str, configuration: dict[str, Any]) -> OptionalCodec:
    """The codec of cells that may be missing, with the two chains inside it."""
    members = ("mask_codecs", "data_codecs")
    only(configuration, members, f"codec {name!r}")
    if shard_depth(configuration) > MAX_SHARD_DEPTH:
        raise MetadataValidationError(f"chains inside chains go deeper than {MAX_SHARD_DEPTH}; nest fewer")
    chains = []
    for member in members:
        entries = configuration.get(member)
        if not isinstance(entries, list):
            refuse(f"{member} of codec {name!r}", "a list of codecs", entries)
        chains.append([codec_from_json(entry) for entry in entries])
    return (OptionalCodec if name == OptionalCodec.name else ZarrsOptionalCodec)(*chains)


def shard_depth(configuration: dict[str, Any]) -> int:
    """How many codecs that hold codecs lie inside one another, counted up to one more than is allowed."""
    depth, level = 0, [configuration]
    while level and depth <= MAX_SHARD_DEPTH:
        depth += 1
        lists = [_listed(outer.get(member)) for outer in level for member in NESTING]
        inner = [entry.get("configuration") for entries in lists for entry in entries if isinstance(entry, dict)]
        level = [one for one in inner if isinstance(one, dict) and not one.keys().isdisjoint(NESTING)]
    return depth


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def codec_from_user(value: Any) -> Codec:
    """The codec a user means: one of ours, one of zarr-python's or numcodecs', a name, or either form of document.

    Raises:
        MetadataValidationError: none of these.
        UnknownCodecError: a name that is not known.
    """
    found = _from_user(value)
    # What is new is written under the registered name.
    return BitRound(found.keepbits) if isinstance(found, NumcodecsBitRound) else found


def _from_user(value: Any) -> Codec:
    if isinstance(value, Codec):
        return value
    if isinstance(value, str):
        known = SHORT.get(value)
        return codec_from_json(value) if known is None else known.from_numcodecs({})
    if isinstance(value, dict):
        value = _plain(value)  # what other libraries make of a document has tuples
        return codec_from_numcodecs(value) if "id" in value and "name" not in value else codec_from_json(value)
    if not isinstance(value, type):
        if hasattr(value, "to_dict"):
            return codec_from_json(_plain(value.to_dict()))
        if hasattr(value, "get_config"):
            return codec_from_numcodecs(_plain(value.get_config()))
        if hasattr(value, "encode") and hasattr(value, "decode"):
            return PythonCodec(value)
    if isinstance(value, type):
        raise MetadataValidationError(
            f"a codec must be an object, and {value.__name__} is a class; call it to make one: {value.__name__}()"
        )
    raise refusal("a codec", "a codec object, a name, or an object with 'name' or 'id'", value)


def _plain(value: Any) -> Any:
    """Enumerations and tuples inside a configuration as what JSON has for them."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return getattr(value, "value", value)


def codecs_from_user(value: Any) -> tuple[Codec, ...]:
    """One codec, several, or none."""
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return tuple(codec_from_user(one) for one in value)
    if isinstance(value, Iterable) and not isinstance(value, (str, dict)):
        return tuple(codec_from_user(one) for one in value)
    return (codec_from_user(value),)
