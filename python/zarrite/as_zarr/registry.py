"""`zarr.registry`: classes by name."""

from __future__ import annotations

from typing import Any

from zarrite.as_zarr.buffers import CPUBuffer, CPUNDBuffer
from zarrite.errors import UnknownCodecError
from zarrite.model.chain import CODECS, codec_from_numcodecs, register_codec as _register

__all__ = [
    "get_buffer_class",
    "get_codec_class",
    "get_ndbuffer_class",
    "get_numcodec",
    "register_codec",
]


def register_codec(key: str, codec_cls: type, *, qualname: str | None = None) -> None:
    """Makes a class of codecs known by a name."""
    _register(codec_cls, key)


def get_codec_class(key: str, reload_config: bool = False) -> type:
    """The class of codecs of a name.

    Raises:
        KeyError, UnknownCodecError: there is none.
    """
    found: Any = CODECS.get(key)
    if found is None:
        raise UnknownCodecError(f"no codec is called {key!r}")
    return found  # type: ignore[no-any-return]


def get_numcodec(data: dict[str, Any]) -> Any:
    """The codec that a document of format 2 describes."""
    return codec_from_numcodecs(data)


def get_buffer_class(reload_config: bool = False) -> type:
    """The class of buffers."""
    return CPUBuffer


def get_ndbuffer_class(reload_config: bool = False) -> type:
    """The class of buffers of cells."""
    return CPUNDBuffer
