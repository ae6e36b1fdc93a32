"""Stores of obstore: rebuilt where all of their settings can be carried over, asked through its calls where not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from operator import methodcaller
from typing import Any

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import StoreError, UrlError
from zarrite.stores.coroutines import followed, run_all
from zarrite.stores.names import name_of
from zarrite.stores.protocol import Answers, Done, Keys, Part, Parts, Question, Sizes
from zarrite.stores.remote import remote_store

__all__ = ["ObstoreStore", "store_of"]

# The scheme of each kind that lies on a network, and where its configuration names the bucket.
_KINDS = {"S3Store": ("s3", "bucket"), "GCSStore": ("gs", "bucket"), "AzureStore": ("az", "container_name")}
_NAMES = frozenset((*_KINDS, "HTTPStore", "LocalStore", "MemoryStore"))


def _kind(place: object) -> str:
    classes = type(place).__mro__
    return next((cls.__name__ for cls in classes if cls.__name__ in _NAMES and cls.__module__ == "obstore.store"), "")


def store_of(place: Any, *, read_only: bool = False) -> Store | ObstoreStore:
    """The engine's own store of the same place; where something cannot be carried over, one that asks obstore."""
    rebuilt = _rebuilt(place, _kind(place), read_only)
    return ObstoreStore(place) if rebuilt is None else rebuilt


def _rebuilt(place: Any, kind: str, read_only: bool) -> Store | None:
    prefix = str(getattr(place, "prefix", None) or "")
    if kind == "LocalStore":
        # Without a prefix its keys are paths from the root of the file system.
        return _engine.local_store(prefix or "/", read_only=read_only)
    if kind == "MemoryStore":
        return None
    # Functions that fetch credentials, and the waits between retries, live in obstore.
    if getattr(place, "credential_provider", None) is not None or place.retry_config is not None:
        return None
    options = dict(place.client_options or {})
    if not all(isinstance(value, str | bool | int) for value in options.values()):
        return None
    try:
        if kind == "HTTPStore":
            return remote_store(str(place.url), options, read_only=True)
        scheme, names_bucket = _KINDS[kind]
        options |= place.config
        root = remote_store(f"{scheme}://{options.pop(names_bucket)}", options, read_only=read_only)
        return root.prefixed(prefix) if prefix.strip("/") else root
    except (KeyError, StoreError, UrlError):
        return None


class ObstoreStore:
    """A store of obstore's as the engine asks for it: many keys at once, through obstore's own coroutines."""

    is_local = False

    def __init__(self, store: Any) -> None:
        self.store = store
        kind = _kind(store)
        self.url = f"python+obstore://{name_of(store)}"
        self.read_only = kind == "HTTPStore"
        # Its class is obstore's, so its modules are loaded.
        said = sys.modules["obstore.exceptions"]
        self._missing = (FileNotFoundError, said.NotFoundError)
        self._refused = (said.AlreadyExistsError, said.PreconditionError)
        self._unsupported = (said.NotSupportedError, NotImplementedError)

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """The bytes of an object, or a range of them."""
        (part,) = self._parts([(key, start, stop, None)])
        if isinstance(part, BaseException):
            raise part
        return None if part is None else part[0]

    def get_many(self, questions: Sequence[Question]) -> Answers:
        """The bytes of many objects, or ranges of them, each of the version that is asked for; one batch."""
        return [part[0] if isinstance(part, tuple) else part for part in self._parts(questions)]

    def open_many(self, questions: Sequence[tuple[str, int | None, int | None]]) -> Parts:
        """Parts of many objects, with how many bytes each object has and its version; one batch."""
        return self._parts([(*question, None) for question in questions])

    def put(self, key: str, value: bytes) -> None:
        """Keeps an object."""
        self.store.put(key, value)

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> Done:
        """Keeps many objects; one batch."""
        return run_all([partial(self.store.put_async, key, value) for key, value in items])

    def put_if_absent(self, key: str, value: bytes) -> bool:
        """Keeps an object unless there is one; says whether it did."""
        return self._put(key, value, "create")

    def put_if_version(self, key: str, value: bytes, version: str) -> bool:
        """Keeps an object where the one that is there has this version; says whether it did."""
        return self._put(key, value, {"e_tag": version})

    def delete(self, key: str) -> None:
        """Forgets an object."""
        try:
            self.store.delete(key)
        except self._missing:
            pass

    def delete_many(self, keys: Sequence[str]) -> None:
        """Forgets many objects."""
        try:
            self.store.delete(list(keys))
        except self._missing:
            for key in keys:
                self.delete(key)

    def list(self, prefix: str) -> Keys:
        """All keys that begin with `prefix`."""
        return [key for key, _ in self.list_sizes(prefix)]

    def list_sizes(self, prefix: str) -> Sizes:
        """All keys below `prefix`, with their bytes."""
        return [(meta["path"], meta["size"]) for batch in self.store.list(prefix.rstrip("/") or None) for meta in batch]

    def list_dir(self, prefix: str) -> tuple[Keys, Keys]:
        """The names of objects directly below a prefix, and those that more lies below."""
        found = self.store.list_with_delimiter(prefix or None)
        below = f"{prefix}/" if prefix else ""
        names = [meta["path"].removeprefix(below) for meta in found["objects"]]
        prefixes = [path.rstrip("/").removeprefix(below) for path in found["common_prefixes"]]
        return names, prefixes

    def size(self, key: str) -> int | None:
        """How many bytes an object has."""
        try:
            return int(self.store.head(key)["size"])
        except self._missing:
            return None

    def _put(self, key: str, value: bytes, mode: Any) -> bool:
        try:
            self.store.put(key, value, mode=mode)
        except self._refused:
            return False
        except self._missing:
            if mode == "create":
                raise
            return False  # what was to be replaced is gone
        return True

    def _parts(self, questions: Sequence[Question]) -> Parts:
        answers = run_all([partial(followed, self._request(*question), _body) for question in questions])
        return [self._part(question, answer) for question, answer in zip(questions, answers, strict=True)]

    def _request(self, key: str, start: int | None, stop: int | None, version: str | None) -> Any:
        options: dict[str, Any] = {}
        if stop is not None:
            # Of an empty range the first byte is asked for: the answer says whether there is an object.
            options["range"] = (start or 0, max(stop, (start or 0) + 1))
        elif start is not None:
            options["range"] = {"suffix": -start} if start < 0 else {"offset": start}
        if version is not None:
            options["if_match"] = version
        return partial(self.store.get_async, key, options=options)

    def _part(self, question: Question, answer: Any) -> Part:
        _, start, stop, version = question
        if isinstance(answer, self._missing):
            return None
        if isinstance(answer, self._refused) and version is not None:
            return None
        if isinstance(answer, BaseException):
            return answer if start is None else self._again(question, answer)
        found, body = answer
        data = bytes(body)
        if stop is not None:
            data = data[: max(stop - (start or 0), 0)]
        return data, int(found.meta["size"]), found.meta["e_tag"]

    def _again(self, question: Question, error: BaseException) -> Part:
        """A range that was refused: it begins behind the end, or the server cannot count from the end."""
        key, start, stop, version = question
        size = self.size(key)
        if size is None:
            return None
        first = start or 0
        if first >= size or (stop is not None and first >= stop):
            return b"", size, None
        if first < 0 and isinstance(error, self._unsupported):
            first = max(size + first, 0)
            (part,) = self._parts([(key, first, size, version)])
            return part
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.store,)

    def __repr__(self) -> str:
        return f"<ObstoreStore of {self.store!r}>"


_body = methodcaller("bytes_async")
