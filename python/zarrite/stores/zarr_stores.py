"""Stores with the interface of zarr-python's `Store`: icechunk's, and those of any other package.

They are recognised by their methods; zarr-python itself is not imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from zarrite import _engine
from zarrite._engine import Store
from zarrite.stores.coroutines import collect, run, run_all
from zarrite.stores.names import name_of
from zarrite.stores.protocol import Answers, Done, Keys, MappingStore, Parts, Question, Sizes

__all__ = ["ZarrStore", "rebuilt"]

_SYNC = ("get_sync", "set_sync", "delete_sync")
_MISSING = (FileNotFoundError, KeyError, IsADirectoryError, NotADirectoryError)


def rebuilt(place: Any) -> Store | Any | None:
    """What a store of zarr-python leads to: an engine store, or the object it wraps; `None` for any other store."""
    kind = type(place)
    if not kind.__module__.startswith("zarr.storage"):
        return None
    name, read_only = kind.__name__, bool(place.read_only)
    if name == "LocalStore":
        return _engine.local_store(str(place.root.absolute()), read_only=read_only)
    if name == "MemoryStore":
        return _engine.python_store(_MemoryStore(place), read_only=read_only)
    if name == "ObjectStore":
        return place.store
    if name == "FsspecStore":
        return place.fs, place.path
    if name == "ZipStore" and read_only:
        return _engine.zip_store(str(place.path.absolute()))
    return None


class _MemoryStore(MappingStore):
    """The dictionary of a `MemoryStore`; what is put is a buffer, as that store wants it."""

    def __init__(self, store: Any) -> None:
        super().__init__(store._store_dict)
        self._buffer = _words().prototype.buffer

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> Any:
        """The bytes of an object, or a range of them, where they are: what is put replaces an object."""
        value = self.mapping.get(key)
        if value is None:
            return None
        cells = value.as_numpy_array()
        return cells if start is None and stop is None else cells[start:stop]

    def put(self, key: str, value: bytes) -> None:
        self.mapping[key] = self._buffer.from_bytes(value)

    def put_if_absent(self, key: str, value: bytes) -> bool:
        kept = self._buffer.from_bytes(value)
        return self.mapping.setdefault(key, kept) is kept


class ZarrStore:
    """A store with zarr-python's interface, as the engine asks for it: many keys at once.

    Args:
        store: the store.
        identity: names what it keeps in this process; stores with the same identity keep the same objects.
        version: a word for its content as a whole, where that never changes.
    """

    is_local = False

    def __init__(self, store: Any, identity: str | None = None, version: str | None = None) -> None:
        self.store = store
        self.url = f"python+zarr://{name_of(store)}"
        self.identity = identity or self.url
        self.read_only = bool(getattr(store, "read_only", False))
        self._version = version
        self._words = _words()
        own = getattr(store, "_supports_sync_io", True)
        self._has_sync = own and all(callable(getattr(store, name, None)) and _is_newest(store, name) for name in _SYNC)
        self._tells_sizes = _tells_sizes(store)
        # Where a size costs a read of everything, shards that are wanted whole are asked for at once, as on a network.
        self.is_local = self._has_sync and self._tells_sizes

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """The bytes of an object, or a range of them."""
        answer: bytes | None = _one(self.get_many([(key, start, stop, None)]))
        return answer

    def get_many(self, questions: Sequence[Question]) -> Answers:
        """The bytes of many objects, or ranges of them; one batch of coroutines."""
        answers = self._ask([partial(self._get, *question[:3]) for question in questions])
        return [self._taken(question, answer) for question, answer in zip(questions, answers, strict=True)]

    def open_many(self, questions: Sequence[tuple[str, int | None, int | None]]) -> Parts:
        """Parts of many objects, with how many bytes each object has."""
        if not self._tells_sizes:  # asking for one would read all of an object
            found = self.get_many([(key, None, None, None) for key, _, _ in questions])
            return [
                (answer[start:stop], len(answer), self._version) if isinstance(answer, bytes) else answer
                for answer, (_, start, stop) in zip(found, questions, strict=True)
            ]
        whole = [start is None and stop is None for _, start, stop in questions]
        sized = [question[0] for question, all_of_it in zip(questions, whole, strict=True) if not all_of_it]
        calls = [partial(self._get, *question) for question in questions]
        if self._has_sync:
            answers, sizes = self._ask(calls), run_all([partial(self.store.getsize, key) for key in sized])
        else:
            both = run_all([*calls, *(partial(self.store.getsize, key) for key in sized)])
            answers, sizes = both[: len(calls)], both[len(calls) :]
        told = iter(sizes)
        parts: Parts = []
        for (key, start, stop), answer, all_of_it in zip(questions, answers, whole, strict=True):
            size = None if all_of_it else next(told)
            got = self._taken((key, start, stop, None), answer)
            if got is None or (isinstance(size, BaseException) and self._absent(key, size)):
                parts.append(None)
            elif isinstance(got, BaseException):
                parts.append(got)
            elif isinstance(size, BaseException):
                parts.append(size)
            else:
                parts.append((got, len(got) if size is None else int(size), self._version))
        return parts

    def put(self, key: str, value: bytes) -> None:
        """Keeps an object."""
        _one(self.put_many([(key, value)]))

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> Done:
        """Keeps many objects; one batch of coroutines."""
        buffer = self._words.prototype.buffer
        if self._has_sync:
            return [_tried(partial(self.store.set_sync, key, buffer.from_bytes(value))) for key, value in items]
        return run_all([partial(self.store.set, key, buffer.from_bytes(value)) for key, value in items])

    def delete(self, key: str) -> None:
        """Forgets an object."""
        self.delete_many([key])

    def delete_many(self, keys: Sequence[str]) -> None:
        """Forgets many objects; one batch of coroutines."""
        for key, answer in zip(keys, run_all([partial(self.store.delete, key) for key in keys]), strict=True):
            if isinstance(answer, BaseException) and not self._absent(key, answer):
                raise answer

    def list(self, prefix: str) -> Keys:
        """All keys that begin with `prefix`."""
        return collect(partial(self.store.list_prefix, prefix) if prefix else self.store.list)

    def list_sizes(self, prefix: str) -> Sizes:
        """All keys that begin with `prefix`, with their bytes."""
        keys = self.list(prefix)
        sizes = zip(keys, run_all([partial(self.store.getsize, key) for key in keys]), strict=True)
        there = [(key, size) for key, size in sizes if not self._absent(key, size)]
        return [(key, int(_one([size]))) for key, size in there]

    def list_dir(self, prefix: str) -> tuple[Keys, Keys]:
        """The names of objects directly below a prefix, and those that more lies below."""
        found = collect(partial(self.store.list_dir, prefix))
        names = sorted({name.strip("/").removeprefix(f"{prefix}/") for name in found} - {""})
        # The interface does not say which of them are objects.
        at = [f"{prefix}/{name}" if prefix else name for name in names]
        exist = zip(at, run_all([partial(self.store.exists, key) for key in at]), strict=True)
        objects = {key.rpartition("/")[2] for key, answer in exist if not self._absent(key, answer) and _one([answer])}
        return sorted(objects), [name for name in names if name not in objects]

    def size(self, key: str) -> int | None:
        """How many bytes an object has."""
        (answer,) = run_all([partial(self.store.getsize, key)])
        return None if self._absent(key, answer) else int(_one([answer]))

    def _absent(self, key: str, answer: object) -> bool:  # noqa: ARG002 -- for those who know what their store says of a key
        """Whether a call that wants an object says that there is none."""
        return isinstance(answer, _MISSING)

    def _ask(self, calls: Sequence[Any]) -> Sequence[Any]:
        return [_tried(call) for call in calls] if self._has_sync else run_all(calls)

    def _get(self, key: str, start: int | None, stop: int | None) -> Any:
        words = self._words
        if start is None and stop is None:
            asked = None
        elif stop is None:
            asked = words.suffix(-start) if start and start < 0 else words.offset(start or 0)
        elif (start or 0) >= stop:
            return self._exists(key)
        else:
            asked = words.range(start or 0, stop)
        get = self.store.get_sync if self._has_sync else self.store.get
        return get(key, prototype=words.prototype, byte_range=asked)

    def _exists(self, key: str) -> Any:
        """Whether an object is there, of which no bytes are wanted."""
        return run(self.store.exists(key)) if self._has_sync else self.store.exists(key)

    def _taken(self, question: Question, answer: Any) -> bytes | BaseException | None:
        """The bytes of an answer: a buffer, or whether there is an object when nothing of it was asked for."""
        key, start, stop, _ = question
        if answer is None or answer is False:
            return None
        if answer is True:
            return b""
        if isinstance(answer, BaseException):
            return answer if start is None and stop is None else self._again(key, start or 0, stop, answer)
        found = bytes(answer.to_bytes()) if hasattr(answer, "to_bytes") else bytes(answer)
        wanted = len(found) if stop is None else stop - (start or 0)
        if len(found) > wanted:
            return ValueError(f"{key}: the store gave {len(found)} bytes where {wanted} were asked for")
        return found

    def _again(self, key: str, start: int, stop: int | None, error: BaseException) -> bytes | BaseException | None:
        """A range that was refused: asked for once more where it reaches over an end of the object."""
        size = self.size(key)
        if size is None:
            return None
        first = max(size + start, 0) if start < 0 else start
        last = size if stop is None else min(stop, size)
        if first >= last:
            return b""
        if start >= 0 and (stop is None or stop <= size):
            return error
        return self.get(key, first, last)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.store,)

    def __repr__(self) -> str:
        return f"<ZarrStore of {self.store!r}>"


def _is_newest(store: Any, name: str) -> bool:
    """Whether a method without coroutines does what the one with them does: no subclass changed only the other."""
    kinds = type(store).__mro__
    last = len(kinds)

    def height(name: str) -> int:
        return (
            -1
            if name in getattr(store, "__dict__", ())
            else next((at for at, kind in enumerate(kinds) if name in vars(kind)), last)
        )

    return height(name) <= height(name.removesuffix("_sync"))


def _tells_sizes(store: Any) -> bool:
    """Whether a store knows how long an object is without reading it."""
    owner = next((kind for kind in type(store).__mro__ if "getsize" in vars(kind)), None)
    return owner is not None and not getattr(owner, "__abstractmethods__", ())


def _tried(call: Any) -> Any:
    try:
        return call()
    except Exception as error:
        return error


def _one(answers: Sequence[Any]) -> Any:
    (answer,) = answers
    if isinstance(answer, BaseException):
        raise answer
    return answer


# ---------------------------------------------------------------- the words of the interface


class _Words(NamedTuple):
    """What the interface's methods are called with."""

    prototype: Any
    range: Any
    offset: Any
    suffix: Any


def _words() -> _Words:
    """zarr-python's own, where it is loaded, since its stores look at their types; else ours of the same form."""
    store, buffer = sys.modules.get("zarr.abc.store"), sys.modules.get("zarr.core.buffer")
    if store is None or buffer is None:
        return _Words(_Prototype(_Buffer, _Buffer), _Range, _Offset, _Suffix)
    return _Words(
        buffer.default_buffer_prototype(), store.RangeByteRequest, store.OffsetByteRequest, store.SuffixByteRequest
    )


class _Range(NamedTuple):
    start: int
    end: int


class _Offset(NamedTuple):
    offset: int


class _Suffix(NamedTuple):
    suffix: int


class _Buffer:
    """Bytes, as a store makes and takes them."""

    def __init__(self, data: Any) -> None:
        self._data = bytes(data)

    @classmethod
    def from_bytes(cls, data: Any) -> _Buffer:
        return cls(data)

    from_array_like = from_bytes
    from_buffer = from_bytes

    def to_bytes(self) -> bytes:
        return self._data

    __bytes__ = to_bytes

    def __len__(self) -> int:
        return len(self._data)


class _Prototype(NamedTuple):
    buffer: type[_Buffer]
    nd_buffer: type[_Buffer]
