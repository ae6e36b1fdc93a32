"""File systems of fsspec: rebuilt where the engine has the same, asked in batches through fsspec's calls where not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import MissingDependencyError, StoreError, UrlError
from zarrite.stores.protocol import Answers, Done, Keys, Parts, Question, Sizes, store_of_object
from zarrite.stores.remote import remote_store

__all__ = ["FsspecStore", "from_fsspec_url", "store_of", "store_of_upath"]

Listed = list[tuple[str, int | None]]

# Classes whose place the engine reaches itself, and the scheme it does it by.
_NATIVE = {
    ("s3fs", "S3FileSystem"): "s3",
    ("gcsfs", "GCSFileSystem"): "gs",
    ("adlfs", "AzureBlobFileSystem"): "az",
    ("fsspec", "HTTPFileSystem"): "http",
    ("fsspec", "LocalFileSystem"): "file",
}
_SCHEMES = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "http": "http", "https": "http"}
# Options that say how fsspec works and not where the data is.
_HOW = frozenset(
    (
        *("asynchronous", "loop", "skip_instance_cache", "use_listings_cache", "listings_expiry_time", "max_paths"),
        *("batch_size", "auto_mkdir", "default_block_size", "default_cache_type", "default_fill_cache"),
        *("default_cache_options", "cache_regions"),
    )
)
# Options that change what is read or written, and that the engine has not.
_ONLY_THERE = ("s3_additional_kwargs", "session_kwargs", "version_aware", "session")
_MISSING = (FileNotFoundError, KeyError, IsADirectoryError, NotADirectoryError)


def store_of_upath(place: Any, *, read_only: bool = False) -> Store | FsspecStore:
    """The store of a path of universal_pathlib."""
    scheme = _SCHEMES.get(place.protocol)
    if scheme is not None:
        rebuilt = _remote(scheme, str(place.path), dict(place.storage_options), read_only)
        if rebuilt is not None:
            return rebuilt
    return store_of(place.fs, str(place.path), read_only=read_only)


def from_fsspec_url(url: str, storage_options: Mapping[str, Any] | None = None, *, read_only: bool = False) -> Store:
    """The store of a URL by fsspec's rules, chains (`simplecache::s3://...`) included.

    Args:
        url: such as `github://owner:name@main/data.zarr`.
        storage_options: options of the file system; of a chain by scheme, `{"s3": {"anon": True}}`.
        read_only: give a store that refuses writes.

    Raises:
        MissingDependencyError: the package that fsspec needs for the URL's scheme is not installed.
        UrlError: a scheme that fsspec does not know, options that its file system does not take, or no fsspec.
    """
    scheme = url.partition("::")[0].partition("://")[0]
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UrlError(f"{_unknown(url, scheme)}; fsspec knows more: pip install 'zarrite[fsspec]'") from error
    try:
        filesystem, path = url_to_fs(url, **dict(storage_options or {}))
    except ImportError as error:
        needed = error.name or f"the fsspec package for {scheme}"
        raise MissingDependencyError(needed, f"opening {scheme}:// URLs") from error
    except OSError as error:
        raise StoreError(url, f"cannot be opened: {error}", error.errno) from error
    except (ValueError, TypeError) as error:
        if "Protocol not known" in str(error):
            raise UrlError(f"{_unknown(url, scheme)}, and what fsspec knows") from error
        raise UrlError(f"{url!r}: {error}") from error
    found = store_of(filesystem, path, read_only=read_only)
    if isinstance(found, Store):
        return found.with_read_only() if read_only and not found.read_only else found
    return store_of_object(found, read_only)


def _unknown(url: str, scheme: str) -> str:
    known = "a path, file://, memory://, s3://, gs://, az://, https://, and *.zip archives"
    return f"{url!r}: no store is known for {scheme}://; known: {known}"


def store_of(filesystem: Any, path: str, *, read_only: bool = False) -> Store | FsspecStore:
    """The engine's own store of a place in a file system; where there is none, one that asks the file system.

    Args:
        filesystem: a file system of fsspec.
        path: the place in it.
        read_only: give a store that refuses writes.
    """
    rebuilt = _rebuilt(filesystem, path, read_only)
    return FsspecStore(filesystem, path) if rebuilt is None else rebuilt


def _rebuilt(filesystem: Any, path: str, read_only: bool) -> Store | None:
    kind = type(filesystem)
    if kind.__name__ == "DirFileSystem" and kind.__module__.startswith("fsspec."):
        return _rebuilt(filesystem.fs, filesystem._join(path), read_only)
    scheme = _NATIVE.get((kind.__module__.partition(".")[0], kind.__name__))
    if scheme is None:
        return None
    path = filesystem._strip_protocol(path)
    if scheme == "file":
        return _engine.local_store(path, read_only=read_only)
    if getattr(filesystem, "storage_args", ()):
        return None
    return _remote(scheme, path, filesystem.storage_options, read_only)


def _remote(scheme: str, path: str, options: Mapping[str, Any], read_only: bool) -> Store | None:
    """The engine's store of a place on a network, where it takes all options."""
    options = {name: value for name, value in options.items() if name not in _HOW}
    if any(options.get(name) for name in _ONLY_THERE) or not all(map(_is_plain, options.values())):
        return None
    try:
        if scheme == "http":
            return None if options else remote_store(path, read_only=True)
        bucket, _, inside = path.partition("/")
        root = remote_store(f"{scheme}://{bucket}", options, read_only=read_only)
        return root.prefixed(inside) if inside.strip("/") else root
    except (StoreError, UrlError):
        return None  # an option that the engine has not


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    return isinstance(value, str | bool | int | None)


class FsspecStore:
    """A place in a file system of fsspec, as the engine asks for it: many keys at once.

    Args:
        filesystem: the file system.
        path: the place in it.
    """

    def __init__(self, filesystem: Any, path: str) -> None:
        if getattr(filesystem, "asynchronous", False):
            # One whose coroutines belong to somebody's event loop: a twin that keeps its own.
            options = {**filesystem.storage_options, "asynchronous": False}
            filesystem = type(filesystem)(*filesystem.storage_args, **options)
        self.filesystem = filesystem
        path = str(filesystem._strip_protocol(path))
        self.root = path.rstrip("/")
        self._below = f"{self.root}/" if path else ""
        protocol = filesystem.protocol
        protocol = protocol if isinstance(protocol, str) else protocol[0]
        self.url = f"python+fsspec+{protocol}://{self.root.lstrip('/')}"
        self.identity = f"{self.url}#{filesystem._fs_token}"
        self.is_local = not filesystem.async_impl
        self.is_shared = protocol != "memory"
        # What does not run on an event loop is seldom made for several threads.
        # Some ask how long an object is before they read all of it, and read it in parts; not when told where to begin.
        self._first = 0 if getattr(filesystem, "max_concurrency", 1) > 1 else None
        self._alone: Any = contextlib.nullcontext() if filesystem.async_impl else threading.RLock()

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """The bytes of an object, or a range of them."""
        (answer,) = self.get_many([(key, start, stop, None)])
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def get_many(self, questions: Sequence[Question]) -> Answers:
        """The bytes of many objects, or ranges of them; one call of the file system."""
        paths = [self._path(key) for key, _, _, _ in questions]
        # Of an empty range the first byte is asked for: the answer says whether there is an object.
        bounds = [
            (self._first if start is None else start, stop if stop is None or stop > (start or 0) else (start or 0) + 1)
            for _, start, stop, _ in questions
        ]
        with self._alone:
            answers = self.filesystem.cat_ranges(
                paths, [start for start, _ in bounds], [stop for _, stop in bounds], on_error="return"
            )
        return [self._taken(question, answer) for question, answer in zip(questions, answers, strict=True)]

    def open_many(self, questions: Sequence[tuple[str, int | None, int | None]]) -> Parts:
        """Parts of many objects, with how many bytes each object has."""
        answers = self.get_many([(*question, None) for question in questions])
        there = [
            key for (key, start, stop), answer in zip(questions, answers, strict=True) if isinstance(answer, bytes)
        ]
        with self._alone:
            sizes = dict(zip(there, self.filesystem.sizes([self._path(key) for key in there]), strict=True))
        return [
            (answer, int(sizes[question[0]]), None) if isinstance(answer, bytes) else answer
            for question, answer in zip(questions, answers, strict=True)
        ]

    def put(self, key: str, value: bytes) -> None:
        """Keeps an object."""
        self._put({self._path(key): value})

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> Done:
        """Keeps many objects; one call of the file system."""
        self._put({self._path(key): bytes(value) for key, value in items})
        return [None] * len(items)

    def delete(self, key: str) -> None:
        """Forgets an object."""
        with self._alone, contextlib.suppress(*_MISSING):
            self.filesystem.rm_file(self._path(key))

    def delete_many(self, keys: Sequence[str]) -> None:
        """Forgets many objects; one call where the file system has such."""
        plain = [key for key in keys if not set("*?[") & set(self._path(key))]
        if self.filesystem.async_impl and len(plain) == len(keys):
            with contextlib.suppress(*_MISSING):
                self.filesystem.rm([self._path(key) for key in keys])
                return
        for key in keys:
            self.delete(key)

    def list(self, prefix: str) -> Keys:
        """All keys that begin with `prefix`."""
        return [key for key, _ in self.list_sizes(prefix)]

    def list_sizes(self, prefix: str) -> Sizes:
        """All keys below `prefix`, with their bytes."""
        found = self._listed(lambda path: self.filesystem.find(path, detail=True).values(), prefix)
        return [(key, size or 0) for key, size in found if size is not None]

    def list_dir(self, prefix: str) -> tuple[Keys, Keys]:
        """The names of objects directly below a prefix, and those that more lies below."""
        found = self._listed(lambda path: self.filesystem.ls(path, detail=True), prefix)
        below = f"{prefix}/" if prefix else ""
        named = [(key.removeprefix(below), size) for key, size in found if key.startswith(below)]
        return [name for name, size in named if size is not None], [name for name, size in named if size is None]

    def size(self, key: str) -> int | None:
        """How many bytes an object has."""
        try:
            with self._alone:
                found = self.filesystem.info(self._path(key))
        except _MISSING:
            return None
        return None if found["type"] == "directory" else int(found["size"] or 0)

    def _listed(self, ask: Callable[[str], Any], prefix: str) -> Listed:
        """Keys with their bytes, `None` for what is a directory."""
        path = self._path(prefix.rstrip("/"))
        try:
            with self._alone:
                # Others write here too: what an earlier listing said is not kept.
                self.filesystem.invalidate_cache()
                found = [(str(each["name"]), each) for each in ask(path)]
        except _MISSING:
            return []
        root = self.root.lstrip("/")
        inside = [(name.strip("/").removeprefix(root).lstrip("/"), each) for name, each in found]
        return [(key, None if each["type"] == "directory" else int(each["size"] or 0)) for key, each in inside if key]

    def _put(self, values: dict[str, bytes]) -> None:
        with self._alone:
            try:
                self.filesystem.pipe(values)
            except FileNotFoundError:
                # A file system whose directories are made before what lies in them.
                for parent in sorted({self.filesystem._parent(path) for path in values}):
                    self.filesystem.makedirs(parent, exist_ok=True)
                self.filesystem.pipe(values)

    def _path(self, key: str) -> str:
        return f"{self._below}{key}" if key else self.root

    def _taken(self, question: Question, answer: Any) -> bytes | BaseException | None:
        key, start, stop, _ = question
        if isinstance(answer, _MISSING):
            return None
        if isinstance(answer, BaseException):
            first = self._first if start is None else start
            return answer if first is None else self._behind(key, first, answer)
        found = bytes(answer)
        return found if stop is None else found[: max(stop - (start or 0), 0)]

    def _behind(self, key: str, start: int, error: BaseException) -> bytes | BaseException | None:
        """The answer for a range that was refused: nothing, where it begins behind the object's end."""
        size = self.size(key)
        if size is None:
            return None
        return b"" if start >= size else error

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.filesystem, self._below or self.root)

    def __repr__(self) -> str:
        return f"<FsspecStore {self.url}>"
