"""Settings of a new array that resembles another."""

from __future__ import annotations

from typing import Any

from zarrite.array import Array
from zarrite.making import default_format
from zarrite.model.irregular import RectilinearGrid
from zarrite.model.node import DEFAULT_FILL

__all__ = ["kept_format", "kept_settings", "like"]

CODECS = ("filters", "serializer", "compressors")


def like(other: Any, **asked: Any) -> dict[str, Any]:
    """Shape, data type, chunks and codecs of another array, with what was asked for over them.

    Args:
        other: a zarrite array, or anything with `shape` and `dtype` (and perhaps `chunks`).
        asked: settings as `create_array` takes them.
    """
    if not hasattr(other, "shape") or not hasattr(other, "dtype"):
        raise TypeError(f"{type(other).__name__} has no shape and dtype to take after")
    settings: dict[str, Any] = {"shape": other.shape, "dtype": other.dtype}
    same_shape = "shape" not in asked or tuple(_as_tuple(asked["shape"])) == tuple(other.shape)
    if isinstance(other, Array):
        settings["dtype"] = other.metadata.data_type  # NumPy has no types for some of them
        settings["zarr_format"] = kept_format(other)
        settings["order"] = other.metadata.order
        settings["fill_value"] = other.fill_value
        settings["dimension_names"] = getattr(other.metadata, "dimension_names", None) if same_shape else None
        if len(_as_tuple(asked.get("shape", other.shape))) == other.ndim:
            settings.update(_grid_of(other, same_shape))
        same = (asked.get("zarr_format") or settings["zarr_format"]) == other.metadata.zarr_format
        if same and asked.get("dtype", other.dtype) == other.dtype:
            settings.update(_codecs_of(other))
    elif same_shape and _regular(getattr(other, "chunks", None)):
        settings["chunks"] = other.chunks
    settings.update({name: value for name, value in asked.items() if value is not None or name == "fill_value"})
    return settings


def kept_format(other: Array) -> int:
    """The format of an array made after another: the other's, or the default where that one is never written."""
    return default_format(None) if other.metadata.why_read_only else other.metadata.zarr_format


def _codecs_of(other: Array) -> dict[str, Any]:
    model = other.metadata
    settings: dict[str, Any] = {"filters": model.filters, "compressors": model.compressors}
    if model.serializer is not None:  # else the format has no word for it, and the data type decides
        settings["serializer"] = model.serializer
    return settings


def _grid_of(other: Array, same_shape: bool) -> dict[str, Any]:
    """Chunks and shards as settings; lengths that are listed fit only an array of the same shape."""
    grid, inner = other.metadata.grid, other.metadata.inner_chunk
    if grid.is_regular:
        stored: Any = grid.chunk_shape
    elif same_shape:
        stored = grid if isinstance(grid, RectilinearGrid) else grid.listed()
    else:
        return {} if inner is None else {"chunks": inner, "shards": "auto"}
    return {"chunks": stored, "shards": None} if inner is None else {"chunks": inner, "shards": stored}


def chunks_of(other: Array) -> Any:
    """The chunks of an array as a setting for another of its shape."""
    return _grid_of(other, True)["chunks"]


def _as_tuple(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if hasattr(shape, "__index__") else tuple(shape)


def _regular(chunks: Any) -> bool:
    return isinstance(chunks, tuple) and bool(chunks) and all(isinstance(edge, int) for edge in chunks)


def kept_settings(data: Any, zarr_format: int, asked: dict[str, Any]) -> dict[str, Any]:
    """Settings of `from_array`, where "keep" means: as `data` has them, or "auto" where it has none."""
    settings = dict(asked)
    is_array = isinstance(data, Array)
    keeps_codecs = is_array and data.metadata.zarr_format == zarr_format
    own: dict[str, Any] = _codecs_of(data) if keeps_codecs else {}
    for name in CODECS:
        if _is_keep(settings.get(name)):
            settings[name] = own.get(name, "auto")
    chunks, shards = None, None
    if is_array:
        grid = _grid_of(data, True)
        chunks, shards = grid["chunks"], grid["shards"]
        if not keeps_codecs:
            shards = None
            # Another format may have no words for chunks of several shapes.
            chunks = chunks if data.metadata.grid.is_regular or data.metadata.inner_chunk is not None else None
    else:
        chunks = getattr(data, "chunks", None)
        chunks = chunks if _regular(chunks) else None
    if _is_keep(settings.get("chunks")):
        settings["chunks"] = "auto" if chunks is None else chunks
    if _is_keep(settings.get("shards")):
        settings["shards"] = shards
    if is_array:
        if settings.get("fill_value") is DEFAULT_FILL:
            settings["fill_value"] = data.fill_value
        if settings.get("attributes") is None:
            settings["attributes"] = data.attrs.asdict()
        if settings.get("dimension_names") is None and keeps_codecs:
            settings["dimension_names"] = getattr(data.metadata, "dimension_names", None)
        if settings.get("chunk_key_encoding") is None and keeps_codecs:
            settings["chunk_key_encoding"] = data.metadata.keys
        if settings.get("order") is None:
            settings["order"] = data.metadata.order
    return settings


def _is_keep(value: Any) -> bool:
    return isinstance(value, str) and value == "keep"
