"""What an array has in its store: documents and chunk objects, named and counted; handles rebuilt from documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from zarrite import formats
from zarrite._engine import Store
from zarrite.config import ArrayConfig
from zarrite.described import Described
from zarrite.errors import HandleError
from zarrite.model.node import ArrayModel, GroupModel
from zarrite.stores import Address, join, reopen

__all__ = [
    "array_model",
    "chunk_indices",
    "chunk_key",
    "chunk_objects",
    "count_chunks",
    "documents",
    "reopen_array",
    "reopen_group",
]

H = TypeVar("H")


def chunk_key(path: str, model: ArrayModel, index: Sequence[int]) -> str:
    """The key of a stored object, by its place in the grid."""
    return join(path, model.keys.encode(index))


def chunk_indices(keys: Iterable[str], path: str, model: ArrayModel) -> dict[str, tuple[int, ...]]:
    """Which of some keys are stored objects of an array, and their places in the grid (inside it or not)."""
    first = f"{path}/" if path else ""
    decode = model.keys.decoder(model.ndim)
    found = {}
    for key in keys:
        place = decode(key[len(first) :]) if key.startswith(first) else None
        if place is not None:
            found[key] = place
    return found


def chunk_objects(keys: Iterable[str], path: str, model: ArrayModel) -> int:
    """How many of some keys are stored objects inside an array's grid."""
    counts = model.chunk_grid_shape
    places = chunk_indices(keys, path, model).values()
    return sum(1 for place in places if all(at < count for at, count in zip(place, counts, strict=True)))


def count_chunks(store: Store, path: str, model: ArrayModel) -> int:
    """How many chunks of an array were written; a stored shard counts for all chunks in it. Lists the store."""
    places = chunk_indices(store.list(path).result(), path, model).values()
    axes, inner = model.grid.axes, model.inner_chunk
    count = 0
    for place in places:
        chunks = 1
        for axis, (at, edges, length) in enumerate(zip(place, axes, model.shape, strict=True)):
            cells = min(length, edges.start(at + 1)) - edges.start(at)
            chunks *= max(0, int(cells > 0) if inner is None else -(-cells // inner[axis]))
        count += chunks
    return count


def documents(handle: Any) -> dict[str, bytes]:
    """The documents of a handle's model."""
    return formats.described(handle.metadata, handle.path)


def _parsed(path: str, found: Mapping[str, bytes], kind: type[Any]) -> Any:
    model = formats.parse(path, found)
    if not isinstance(model, kind):
        raise HandleError(f"the handle of {path!r} was sent without documents that describe it")
    return model


def array_model(path: str, found: Mapping[str, bytes]) -> ArrayModel:
    """The model of an array's documents, by their keys.

    Raises:
        MetadataValidationError: they cannot be understood.
        HandleError: they describe no array.
    """
    model: ArrayModel = _parsed(path, found, ArrayModel)
    return model


def reopen_array(
    cls: type[Any], where: Address, path: str, found: Mapping[str, bytes], config: ArrayConfig | None
) -> Described:
    """An array handle as it was when it was pickled."""
    handle: Described = cls(reopen(where), path, _parsed(path, found, ArrayModel), config)
    return handle


def reopen_group(cls: type[H], where: Address, path: str, found: Mapping[str, bytes]) -> H:
    """A group handle as it was when it was pickled."""
    return cls(reopen(where), path, _parsed(path, found, GroupModel))  # type: ignore[call-arg]
