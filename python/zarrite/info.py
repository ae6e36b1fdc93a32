"""Handles for people: `info`, `info_complete()` and `tree()`, as text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from zarrite.described import Described, Located
from zarrite.model.node import ArrayModel, GroupModel

__all__ = ["ArrayInfo", "GroupInfo", "Tree", "human_bytes", "kind_of"]

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def human_bytes(count: int) -> str:
    """A number of bytes in a unit people read: `1.5 MiB`.

    Example:
        >>> human_bytes(1536), human_bytes(7)
        ('1.5 KiB', '7 B')
    """
    amount = float(count)
    for unit in UNITS:
        if amount < 1024 or unit == UNITS[-1]:
            break
        amount /= 1024
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"


def kind_of(url: str) -> str:
    """The kind of a store, by its URL."""
    scheme = url.partition(":")[0]
    return {"file": "LocalStore", "memory": "MemoryStore", "zip": "ZipStore"}.get(scheme, scheme or "Store")


def _lines(rows: Iterable[tuple[str, object]]) -> str:
    shown = [(label, str(value)) for label, value in rows if value is not None]
    width = max(len(label) for label, _ in shown)
    return "\n".join(f"{label:<{width}} : {value}" for label, value in shown)


def _fill(value: object) -> str:
    """A fill value as a person would write it."""
    if isinstance(value, str):
        return repr(str(value))
    return repr(value) if isinstance(value, bytes) or value is None else str(value)


def _codecs(codecs: Iterable[Any]) -> str:
    return ", ".join(repr(codec) for codec in codecs) or "none"


class ArrayInfo(NamedTuple):
    """What an array is; print it.

    Attributes:
        rows: labels and values, in order.
        compressors: the codecs that make the bytes of a chunk smaller.
    """

    rows: tuple[tuple[str, object], ...]
    compressors: tuple[object, ...] = ()

    @classmethod
    def of(cls, array: Described, stored_bytes: int | None = None, objects: int | None = None) -> ArrayInfo:
        """The facts of a handle; with what is stored of it where that was asked of the store."""
        model = array.metadata
        stored = model.grid.chunk_shape if model.grid.is_regular else "<variable>"
        chunks, shards = (stored, None) if model.inner_chunk is None else (model.inner_chunk, stored)
        rows: list[tuple[str, object]] = [
            ("Name", array.name),
            ("Type", "Array"),
            ("Zarr format", model.zarr_format),
            ("Data type", array.dtype),
            ("Shape", array.shape),
            ("Dimension names", array.dimension_names),
            ("Shard shape", shards),
            ("Chunk shape", chunks),
            ("Fill value", _fill(array.fill_value)),
            ("Order", array.order),
            ("Filters", _codecs(array.filters)),
            ("Serializer", repr(array.serializer)),
            ("Compressors", _codecs(array.compressors)),
            ("Read-only", array.read_only),
            ("Store", f"{kind_of(array._store.url)} {array._store.url}"),
            ("No. bytes", f"{array.nbytes} ({human_bytes(array.nbytes)})"),
        ]
        if stored_bytes is not None:
            ratio = f"{array.nbytes / stored_bytes:.1f}" if stored_bytes else "nothing stored"
            rows.append(("No. bytes stored", f"{stored_bytes} ({human_bytes(stored_bytes)})"))
            rows.append(("Storage ratio", ratio))
        if objects is not None:
            most = 1
            for count in model.chunk_grid_shape:
                most *= count
            rows.append(("Shards written" if shards else "Chunks written", f"{objects} of {most}"))
        return cls(tuple(rows), tuple(array.compressors))

    @property
    def _zarr_format(self) -> int:
        # Where libraries that write with zarr-python look the format up.
        return int(str(dict(self.rows)["Zarr format"]))

    @property
    def _compressors(self) -> tuple[object, ...]:
        # Where the tests of ome-zarr-py look for what they asked for.
        return self.compressors

    def __repr__(self) -> str:
        return _lines(self.rows)

    def __str__(self) -> str:
        return repr(self)


class GroupInfo(NamedTuple):
    """What a group is; print it.

    Attributes:
        rows: labels and values, in order.
    """

    rows: tuple[tuple[str, object], ...]

    @classmethod
    def of(cls, group: Located, model: GroupModel, members: Iterable[object] | None = None) -> GroupInfo:
        """The facts of a handle; with the models of all its members where they were asked for."""
        rows: list[tuple[str, object]] = [
            ("Name", group.name),
            ("Type", "Group"),
            ("Zarr format", model.zarr_format),
            ("Read-only", group.read_only),
            ("Store", f"{kind_of(group._store.url)} {group._store.url}"),
        ]
        if members is not None:
            found = list(members)
            arrays = sum(1 for member in found if isinstance(member, ArrayModel))
            rows += [("No. members", len(found)), ("No. arrays", arrays), ("No. groups", len(found) - arrays)]
        return cls(tuple(rows))

    @property
    def _zarr_format(self) -> int:
        # Where libraries that write with zarr-python look the format up.
        return int(str(dict(self.rows)["Zarr format"]))

    def __repr__(self) -> str:
        return _lines(self.rows)

    def __str__(self) -> str:
        return repr(self)


class Tree:
    """A hierarchy drawn with lines; print it.

    Args:
        name: what stands at the top.
        members: models by path relative to the top.
        more: how many members are not shown.
    """

    def __init__(self, name: str, members: dict[str, ArrayModel | GroupModel], more: int = 0) -> None:
        self._name = name or "/"
        self._members = members
        self._more = more

    def lines(self) -> list[str]:
        """The drawing, line by line."""
        children: dict[str, list[str]] = {}
        for path in sorted(self._members):
            parent, _, name = path.rpartition("/")
            children.setdefault(parent, []).append(name)
        drawn = [self._name]
        self._draw("", "", children, drawn)
        if self._more:
            drawn.append(f"... and {self._more} more")
        return drawn

    def _draw(self, parent: str, indent: str, children: dict[str, list[str]], drawn: list[str]) -> None:
        names = children.get(parent, [])
        for place, name in enumerate(names):
            last = place == len(names) - 1
            path = f"{parent}/{name}" if parent else name
            model = self._members[path]
            label = f"{name} {model.shape} {model.dtype}" if isinstance(model, ArrayModel) else name
            drawn.append(f"{indent}{'└── ' if last else '├── '}{label}")
            self._draw(path, indent + ("    " if last else "│   "), children, drawn)

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    __str__ = __repr__
