"""Where a conversion writes: nothing in it opens until everything is there.

The hierarchy is first made in memory. Chunks are written to the target by handles that have their model from there, so
no document is needed to write them; documents follow when all cells are in place, the root's last of all. Until then
the target holds chunks and one marker, by which a later run knows a conversion that was stopped.
"""

from __future__ import annotations

import json
from typing import Any

import zarrite
from zarrite.convert.asked import auto_codecs
from zarrite.convert.plan import ArrayPlan, Plan
from zarrite.convert.source import ConversionError
from zarrite.errors import BaseZarrError, NodeNotFoundError
from zarrite.storage import MemoryStore
from zarrite.stores import is_ours_to_close, join, resolve

__all__ = ["Target", "make_skeleton"]

MARKER = ".zarrite-unfinished"


class Skeleton:
    """The target's hierarchy in memory: documents and models, no cells."""

    def __init__(self) -> None:
        self.store: Any = MemoryStore()
        self.arrays: dict[str, Any] = {}

    def add_array(self, plan: ArrayPlan, compressors: Any) -> None:
        """Makes the documents of one array, replacing any of that path.

        Raises:
            ConversionError: the array cannot be described in Zarr; the sentence says why.
        """
        array = plan.array
        keywords: dict[str, Any] = {} if array.fill_value is None else {"fill_value": array.fill_value}
        try:
            self.arrays[array.path] = zarrite.create_array(
                self.store,
                name=array.path or None,
                shape=array.shape,
                dtype=array.dtype,
                chunks=plan.chunks,
                shards=plan.shards,
                compressors=auto_codecs(array) if isinstance(compressors, str) else compressors,
                attributes=array.attributes,
                dimension_names=array.dimension_names,
                overwrite=True,
                **keywords,
            )
        except (BaseZarrError, zarrite.errors.DataTypeValidationError, TypeError, ValueError) as error:
            raise ConversionError(f"array {array.path!r} cannot be made in Zarr: {error}") from error

    def documents(self) -> list[tuple[str, bytes]]:
        """Keys and bytes of all documents, in the order in which they are published: the deepest first."""
        keys = sorted(self.store.list("").result(), key=lambda key: (-key.count("/"), key))
        return list(zip(keys, self.store.get_many(keys).result(), strict=True))


def make_skeleton(plan: Plan, compressors: Any) -> Skeleton:
    """The hierarchy of a plan, in memory."""
    skeleton = Skeleton()
    for path, attributes in plan.groups.items():
        zarrite.create_group(skeleton.store, path=path or None, attributes=attributes)
    for array in plan.arrays:
        skeleton.add_array(array, compressors)
    return skeleton


class Target:
    """The place that is written.

    Args:
        place: a path, a URL or a store.
        source: name of the source, for the marker.
    """

    def __init__(self, place: Any, source: str) -> None:
        self.place = place
        self.source = source
        self.store, self.path = resolve(place, writes=True)
        self._closes = is_ours_to_close(place, self.store)

    def close(self, failure: BaseException | None = None) -> None:
        """Closes a store that was opened for this; a zip archive is written now, and left as it was after a failure."""
        if self._closes:
            self.store.__exit__(failure and type(failure), failure, None)

    def key(self, name: str) -> str:
        """The store's key of something below the target."""
        return join(self.path, name)

    def check(self, *, overwrite: bool) -> None:
        """Refuses a target that holds something, unless it may be replaced.

        Raises:
            ConversionError: it holds a Zarr node or a stopped conversion and `overwrite` is false; or it holds other
                things, which are never deleted.
        """
        keys, prefixes = self.store.list_dir(self._prefix()).result()
        if not keys and not prefixes:
            return
        unfinished = self.store.get(self.key(MARKER)).result()
        what = "a conversion that was stopped before it was complete" if unfinished is not None else ""
        if not what:
            try:
                node = zarrite.open(self.store, path=self.path or None, mode="r")
                what = f"a Zarr {'array' if isinstance(node, zarrite.Array) else 'group'}"
            except NodeNotFoundError:
                what = ""
            except BaseZarrError:
                what = "a damaged Zarr node"
        if not what:
            raise ConversionError(f"{self.place} holds files that are no Zarr data; choose an empty place")
        if not overwrite:
            raise ConversionError(f"{self.place} holds {what}; overwrite=True (--overwrite) replaces it")

    def begin(self) -> None:
        """Empties the place and marks it as unfinished."""
        keys, prefixes = self.store.list_dir(self._prefix()).result()
        if keys or prefixes:
            # The root's documents go first: from here on nothing opens, however far the rest gets.
            self.store.delete([key for key in self._full(keys) if not key.endswith(MARKER)]).result()
            self.store.delete_prefix(self._prefix()).result()
        note = {"zarrite": "a conversion that is not complete", "source": self.source}
        self.store.put(self.key(MARKER), json.dumps(note, indent=2).encode()).result()

    def array(self, skeleton: Skeleton, path: str) -> Any:
        """A handle that writes and reads the cells of an array whose document is not published yet."""
        made = skeleton.arrays[path]
        return zarrite.Array(self.store, self.key(path) if path else self.path, made.metadata)

    def clear_array(self, path: str) -> None:
        """Forgets the cells of one array."""
        self.store.delete_prefix(f"{self.key(path)}/" if self.key(path) else "").result()

    def publish(self, skeleton: Skeleton) -> None:
        """Puts the documents: members first, the root's last, then takes the marker away."""
        documents = skeleton.documents()
        rest = [(self.key(key), value) for key, value in documents if "/" in key]
        root = [(self.key(key), value) for key, value in documents if "/" not in key]
        self.store.put_many(rest).result()
        self.store.put_many(root).result()
        self.store.delete([self.key(MARKER)]).result()

    def abandon(self) -> None:
        """Takes away what was written, as far as the store lets us; the marker last."""
        keys, prefixes = self.store.list_dir(self._prefix()).result()
        for prefix in self._full(prefixes):
            self.store.delete_prefix(prefix if prefix.endswith("/") else f"{prefix}/").result()
        self.store.delete([key for key in self._full(keys) if not key.endswith(MARKER)]).result()
        self.store.delete_prefix(self._prefix()).result()

    def usage(self) -> tuple[int, int]:
        """Objects and bytes that the target holds."""
        return self.store.usage(self._prefix()).result()

    def _prefix(self) -> str:
        return f"{self.path}/" if self.path else ""

    def _full(self, names: list[str]) -> list[str]:
        """Keys of what a listing of one level gave, which are names within that level."""
        prefix = self._prefix()
        return [name if prefix and name.startswith(prefix) else prefix + name for name in names]
