"""Codecs of the package `imagecodecs`: images, and compressors that come with them. The package is optional.

Documents name them `imagecodecs_<name>`, in both formats, and configure them as the package's own classes are made.
What such a codec turns into what is known here, so that a node can be opened, shown and copied without the package.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import MetadataValidationError, MissingDependencyError
from .checks import brief, mapping, refuse, text
from .codecs import ARRAY, BYTE, BYTES, SERIALIZER, Cells, Codec, Lowering

PREFIX = "imagecodecs_"

IMAGES = frozenset(
    [
        "apng",
        "avif",
        "bmp",
        "dicomrle",
        "gif",
        "heif",
        "htj2k",
        "jetraw",
        "jpeg",
        "jpeg2k",
        "jpegls",
        "jpegxl",
        "jpegxr",
        "jpegxs",
        "lerc",
        "ljpeg",
        "pcodec",
        "png",
        "qoi",
        "rgbe",
        "spng",
        "sperr",
        "sz3",
        "tiff",
        "ultrahdr",
        "webp",
        "zfp",
    ]
)
"""From the cells of a chunk to bytes."""

STREAMS = frozenset(
    [
        "blosc",
        "blosc2",
        "brotli",
        "bz2",
        "deflate",
        "lz4",
        "lz4f",
        "lz4h5",
        "lzf",
        "lzfse",
        "lzham",
        "lzma",
        "lzo",
        "lzw",
        "packbits",
        "pglz",
        "snappy",
        "zlib",
        "zlibng",
        "zopfli",
        "zstd",
    ]
)
"""From bytes to bytes."""

PREDICTORS = frozenset(("delta", "floatpred", "xor", "bitshuffle", "byteshuffle"))
"""From cells to as many bytes of the same cells."""


def image_codec(name: str, configuration: dict[str, Any]) -> ImageCodec | None:
    """The codec of a document, or None when the name is none of this package."""
    if not name.startswith(PREFIX) or name.removeprefix(PREFIX) not in IMAGES | STREAMS | PREDICTORS:
        return None
    return ImageCodec(name, configuration)


class ImageCodec(Codec):
    """A codec of the package `imagecodecs`; install it with `pip install 'zarrite[images]'`.

    Args:
        name: its name in documents, "imagecodecs_jpeg" for example.
        configuration: the parameters of the package's class, as documents have them.

    Example:
        >>> from zarrite.codecs import ImageCodec
        >>> ImageCodec("imagecodecs_png", {"level": 3}).to_dict()
        {'name': 'imagecodecs_png', 'configuration': {'level': 3}}
    """

    __slots__ = ("cells", "name", "parameters")
    is_compressor = True
    name: str  # type: ignore[misc]
    parameters: dict[str, Any]
    cells: Cells | None

    def __init__(self, name: str, configuration: dict[str, Any] | None = None, *, _cells: Cells | None = None) -> None:
        short = text(name, "the name of an image codec").removeprefix(PREFIX)
        if short not in IMAGES | STREAMS | PREDICTORS or short == name:
            refuse("the name of an image codec", f"one such as '{PREFIX}jpeg'", name)
        self.name = name
        self.parameters = dict(mapping({} if configuration is None else configuration, f"configuration of {name!r}"))
        self.cells = _cells

    @property
    def id(self) -> str:  # type: ignore[override]
        return self.name

    @property
    def kind(self) -> str:  # type: ignore[override]
        short = self.name.removeprefix(PREFIX)
        return SERIALIZER if short in IMAGES else BYTES if short in STREAMS else ARRAY

    def configuration(self) -> dict[str, Any]:
        return self.parameters

    def values(self) -> tuple[Any, ...]:
        # A settled codec is made for chunks of one shape; where chunks differ in shape, so do the codecs.
        shape = None if self.cells is None else self.cells.shape
        return (self.name, repr(sorted(self.parameters.items())), shape)

    def __repr__(self) -> str:
        return f"ImageCodec({self.name!r}, {self.parameters!r})"

    def settle(self, cells: Cells) -> Codec:
        if self.kind == BYTES:
            return self
        if cells.vlen:
            raise MetadataValidationError(f"codec {self.name!r} stores numbers, and is given {cells}")
        return ImageCodec(self.name, self.parameters, _cells=cells)

    def lower(self, chain: Lowering) -> None:
        size = None
        if self.kind == ARRAY and self.cells is not None:
            size = math.prod(self.cells.shape) * self.cells.numpy.itemsize
        running = _Running(self.name, self.parameters, None if self.kind == BYTES else self.cells)
        chain.in_python(running, self.name, self.kind, size)
        if self.kind != BYTES:
            chain.numpy = BYTE


class _Running:
    """What the engine calls: bytes in, bytes out, the package's class between."""

    def __init__(self, name: str, parameters: dict[str, Any], cells: Cells | None) -> None:
        self.name = name
        self.parameters = parameters
        self.cells = cells
        self._codec: Any = None

    @property
    def codec(self) -> Any:
        """The package's object, made when the first chunk needs it.

        Raises:
            MissingDependencyError: `imagecodecs` is not installed, or not with this codec.
            MetadataValidationError: it does not take the parameters.
        """
        if self._codec is None:
            made = _class_of(self.name)
            try:
                self._codec = made.from_config(dict(self.parameters))
            except ValueError as error:
                if "not available" in str(error):
                    raise MissingDependencyError(
                        f"codec {self.name!r} is none of those that the installed imagecodecs was built with"
                    ) from error
                raise self._refused(error) from error
            except Exception as error:
                raise self._refused(error) from error
        return self._codec

    def _refused(self, error: Exception) -> MetadataValidationError:
        return MetadataValidationError(
            f"codec {self.name!r} does not take the configuration {brief(self.parameters)}: {error}"
        )

    def encode(self, data: bytes) -> bytes:
        """Plain bytes to stored ones."""
        if self.cells is None:
            return _bytes(self.codec.encode(data))
        cells = np.frombuffer(data, self.cells.numpy).reshape(self.cells.shape)
        return _bytes(self.codec.encode(cells))

    def decode(self, data: bytes) -> bytes:
        """Stored bytes to plain ones.

        Raises:
            MetadataValidationError: what is stored has another shape or type than the chunk.
        """
        if self.cells is None:
            return _bytes(self.codec.decode(data))
        # The codec is given the room, so that what an image claims to be costs nothing.
        wanted = self.cells.numpy
        room = np.empty(self.cells.shape, wanted.newbyteorder("="))
        found = self.codec.decode(data, out=room)
        found = room if found is None else np.asarray(found)
        if found.size != room.size or found.dtype != room.dtype:
            raise MetadataValidationError(
                f"codec {self.name!r} found {found.dtype} of shape {found.shape}, and the chunk has {room.dtype} of "
                f"shape {room.shape}"
            )
        return found.astype(wanted, copy=False).tobytes()


def _bytes(made: Any) -> bytes:
    return made.tobytes() if isinstance(made, np.ndarray) else bytes(made)


def _class_of(name: str) -> Any:
    """The package's class for a name.

    Raises:
        MissingDependencyError: the package is not installed, or is one without this codec.
    """
    try:
        from imagecodecs import numcodecs
    except ImportError as error:
        package = "imagecodecs" if "imagecodecs" in str(error) else "numcodecs"
        raise MissingDependencyError(package, f"codec {name!r}", "images") from error
    for found in vars(numcodecs).values():
        if isinstance(found, type) and getattr(found, "codec_id", None) == name:
            return found
    raise MissingDependencyError("a newer imagecodecs", f"codec {name!r}", "images")
