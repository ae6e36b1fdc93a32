"""From what a user passes as `store` to an engine store and a path inside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import HandleError, ReadOnlyError, UrlError, meant
from zarrite.stores.paths import StorePath, file_path, join, normalize_path, scheme_of, unescaped
from zarrite.stores.protocol import MappingStore, PythonStore, origin_of, store_of_object

__all__ = [
    "Address",
    "Place",
    "StorePath",
    "address",
    "is_ours_to_close",
    "reopen",
    "resolve",
]


Place = str | os.PathLike[str] | Store | StorePath | PythonStore | MutableMapping[str, Any] | None


# ---------------------------------------------------------------- places

# What `memory:` URLs name lies in this one.
_process_memory = _engine.memory_store(url="memory://")

ARCHIVES = (".zip", ".ozx")
"""How the names of zip archives end; `stores/archives.py` knows them."""

REMOTE = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "http", "https"))
"""The schemes that lead to a network; `stores/remote.py` knows them."""
SIMPLE = REMOTE | {"", "file", "memory", "zip"}
"""The schemes of roots that are opened here; others are looked for elsewhere."""


def named_memory_store(name: str) -> Store:
    """The memory store of this process that goes by a name; by `~` and a number one without a name, while it lives."""
    number = name.removeprefix("~")
    living = _engine.living_memory_store(int(number)) if name[:1] == "~" and number.isdecimal() else None
    return _process_memory.prefixed(name) if living is None else living


def resolve(
    place: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    read_only: bool = False,
    writes: bool = False,
    mode: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> tuple[Store, str]:
    """The store a user means, and the path inside it.

    Args:
        place: a path, a `file://` or `memory://` URL, a `*.zip` archive, a dictionary, a store, an object with
            `get`/`put`/`delete`/`list`, a `StorePath`, or `None` for a fresh store in memory.
        path: a path below that place.
        read_only: give a store that refuses writes.
        writes: whether the caller is going to write; a place that cannot be written is refused now.
        mode: the mode that asks for writes, to be named where they are refused.
        storage_options: options of stores on a network, by the names that fsspec's users type.

    Raises:
        UrlError: a place zarrite cannot open; the sentence names what is missing.
        ReadOnlyError: `writes` into a place that is open for reading only.
        TypeError: an object that is no store.
    """
    inside = normalize_path(path)
    if is_pipeline(place):
        from zarrite.stores.adapters import open_url
        from zarrite.stores.roots import Roots

        roots = Roots(lambda text: _from_text(text, read_only))
        store, base = open_url(place, roots, storage_options, read_only=read_only)
        if writes and store.read_only:
            raise _not_written(store, mode)
        return (store.with_read_only() if read_only and not store.read_only else store), join(base, inside)
    if storage_options and not _is_remote(place):
        raise UrlError(
            f"storage_options ({', '.join(sorted(storage_options))}) belong to remote stores, and {place!r} is not one"
        )
    if _is_remote(place):
        from zarrite.stores.remote import remote_store

        found = None
        if place.partition("?")[0].lower().endswith(ARCHIVES):
            from zarrite.stores.archives import zip_remote

            found = zip_remote(place, storage_options, writes=writes)
        store, base = found or (remote_store(place, storage_options, read_only=read_only), "")
    else:
        store, base = _store(place, read_only)
    if base and (store.url.startswith("zip:") or store.url.endswith("|zip:")):
        from zarrite.stores.archives import outside_folder

        base = outside_folder(base, inside)
    if store.read_only:
        if writes:
            raise _not_written(store, mode)
    elif read_only:
        store = store.with_read_only()
    return store, join(base, inside)


def _not_written(store: Store, mode: str | None) -> ReadOnlyError:
    if "icechunk:" in store.url:
        why = "a version of a repository never changes: write with zarrite.transaction"
    elif mode is None or store.url.startswith(("http://", "https://")):
        why = ""
    else:
        why = f"mode is {mode!r}, which writes: pass a store that takes writes"
    return ReadOnlyError(store.url, why)


def is_pipeline(place: Any) -> bool:
    """Whether a place is a text of several stages, or one of the roots that only pipelines have."""
    if not isinstance(place, str) or not (":/" in place or "|" in place):
        return False
    return "|" in place or ("::" in place and "://" in place) or scheme_of(place)[0] not in SIMPLE


def json_at(text: str, storage_options: Mapping[str, Any] | None = None) -> Any:
    """The value that a pipeline ending in `json:` leads to."""
    from zarrite.stores.adapters import read_json
    from zarrite.stores.roots import Roots

    roots = Roots(lambda root: _from_text(root, True))
    return read_json(text, roots, storage_options)


def is_ours_to_close(given: Any, store: Store) -> bool:
    """Whether a call that was given a place closes the store it made of it: a zip archive that nobody else changes.

    Args:
        given: what the caller passed as the store.
        store: the store, before anything is written.
    """
    return isinstance(given, str | os.PathLike) and _engine.zip_state(store) is False


def _is_remote(place: Any) -> bool:
    return isinstance(place, str) and ":/" in place and scheme_of(place)[0] in REMOTE


def _store(place: Any, read_only: bool) -> tuple[Store, str]:
    if type(place) is str:
        return _from_text(place, read_only)
    if isinstance(place, Store):
        return place, ""
    if isinstance(place, StorePath):
        return place.store, place.path
    if place is None:
        return _engine.memory_store(), ""
    if isinstance(place, str):
        return _from_text(str(place), read_only)
    # A path of universal_pathlib may lead to a network.
    if isinstance(place, os.PathLike) and getattr(place, "protocol", "") in ("", "file", "local"):
        text = os.fspath(place)
        if not isinstance(text, str):
            raise TypeError("a path is text, not bytes")
        return _from_file(text, read_only)
    stands = getattr(type(place), "__zarrite_store__", None)
    if stands is not None:
        named: tuple[Store, str] = stands(place, read_only)
        return named
    found = None
    if type(place) is not dict and not type(place).__module__.startswith("zarrite"):
        from zarrite.stores.foreign import store_of

        found = store_of(place, read_only)
    if found is not None:
        return found
    if isinstance(place, MutableMapping):
        return _of_mapping(place), ""
    if isinstance(place, PythonStore):
        return store_of_object(place, bool(getattr(place, "read_only", False))), ""
    raise TypeError(
        f"{type(place).__name__} is not a place zarrite can open; pass a path, a URL, a dictionary, a zarrite store, "
        "or an object with the methods get, put, delete and list"
    )


def _from_text(text: str, read_only: bool) -> tuple[Store, str]:
    name, rest = scheme_of(text) if ":/" in text else ("", text)
    if text[:7].lower() == "memory:":
        name, rest = "memory", text[7:]
    if not name:
        if not text:
            raise UrlError("the store is an empty text; pass '.' for the working directory, or None for memory")
        return _from_file(text, read_only)
    if name == "file":
        return _from_file(file_path(text, rest), read_only)
    if name == "memory":
        root, _, inside = rest.lstrip("/").partition("/")
        return named_memory_store(unescaped(root)), normalize_path(unescaped(inside))
    if name == "zip":
        return _within(text, rest.removeprefix("//"), read_only)
    schemes = ("file", "memory", *sorted(REMOTE))
    known = "a path, file://, memory://, s3://, gs://, az://, https://, and *.zip archives"
    raise UrlError(f"{text!r}: no store is known for {name}://{meant(name, schemes)}; known: {known}")


def _within(text: str, path: str, read_only: bool) -> tuple[Store, str]:
    """What `zip:///folder/a.zip/inside` names: the archive is the part of the path that is a file."""
    path = unescaped(path)
    head = path.rstrip("/")
    while head and not os.path.isfile(head):
        head = head.rpartition("/")[0]
    if not head or path[:1] != "/":
        raise UrlError(
            f"{text!r}: no archive is there; write ARCHIVE|zip:INSIDE, or zip://INSIDE::ARCHIVE as fsspec does"
        )
    from zarrite.stores.archives import zip_file

    return zip_file(head, read_only=read_only)[0], normalize_path(path[len(head) :])


def bound_format(place: Any) -> str | None:
    """The name of the format that a pipeline says its node has; `None` where it says nothing."""
    if not isinstance(place, str) or "|" not in place:
        return None
    from zarrite.stores.adapters import bound_format as bound

    return bound(place)


def _from_file(path: str, read_only: bool) -> tuple[Store, str]:
    if "\0" in path:
        raise UrlError(f"{path!r} is not a path: it holds a NUL character")
    if path.lower().endswith(ARCHIVES) and not os.path.isdir(path):
        from zarrite.stores.archives import zip_file

        return zip_file(os.path.abspath(path), read_only=read_only)
    return _engine.local_store(_absolute(path), read_only=read_only), ""


def _absolute(path: str) -> str:
    """The path from the root, without `.`, `..` and doubled slashes; of one that is so already, itself."""
    if path[0] == "/" and "//" not in path and "/." not in path and path[-1] != "/" and os.sep == "/":
        return path
    return os.path.abspath(path)


# ---------------------------------------------------------------- handles that travel


class Address(NamedTuple):
    """How another process (or this one, later) finds a store again.

    Attributes:
        kind: "local", "zip", "remote", "url", "memory" or "python".
        place: a file path (of an archive with a folder in it), a URL with options, the process and identity of a memory
            store, or the Python object.
        read_only: whether the handle refuses writes.
    """

    kind: str
    place: Any
    read_only: bool


# Memory stores whose handles were pickled, by identity: what arrives in this process again finds them here. They are
# kept, because a pickle may outlive every handle.
_travelling: dict[str, Store] = {}


def _of_mapping(mapping: MutableMapping[str, Any]) -> Store:
    """The store of a mapping; all stores of one mapping have one identity."""
    return store_of_object(MappingStore(mapping))


def address(store: Store) -> Address:
    """Where a store can be found again.

    Raises:
        HandleError: it cannot be described.
    """
    url, read_only = store.url, store.read_only
    if "|" in url or url.startswith("s3+"):
        if url.startswith("memory:") or ":memory:" in url:
            raise HandleError(f"a handle on {url} cannot be sent elsewhere: a part of it is in this process's memory")
        from zarrite.stores.roots import options_of as told

        return Address("url", (url, told(store)), read_only)
    if url.startswith("file://"):
        return Address("local", unescaped(url.removeprefix("file://")), read_only)
    if url.startswith("zip://"):
        from zarrite.stores.archives import place_of_zip

        return Address("zip", place_of_zip(store), True)
    if url.startswith("memory://"):
        if not read_only or store.identity not in _travelling:
            _travelling[store.identity] = store
        return Address("memory", (os.getpid(), store.identity), read_only)
    if _is_remote(url):
        from zarrite.stores.remote import options_of

        return Address("remote", (url, options_of(store)), read_only)
    origin = origin_of(store)
    if origin is not None:
        return Address("python", origin, read_only)
    raise HandleError(f"a handle on {url} cannot be sent elsewhere; open the store again where it is needed")


def reopen(where: Address) -> Store:
    """The store at an address.

    Raises:
        HandleError: it was in the memory of another process.
    """
    if where.kind == "local":
        return _engine.local_store(where.place, read_only=where.read_only)
    if where.kind == "url":
        found, inside = resolve(where.place[0], storage_options=where.place[1], read_only=where.read_only)
        return found.prefixed(inside) if inside else found
    if where.kind == "zip":
        path, folder = where.place
        return _engine.zip_store(path).prefixed(folder)
    if where.kind == "remote":
        from zarrite.stores.remote import remote_store

        return remote_store(*where.place, read_only=where.read_only)
    if where.kind == "python":
        return store_of_object(where.place, where.read_only)
    process, identity = where.place
    store = _travelling.get(identity)
    if store is None:
        raise HandleError(
            f"this handle points into the memory of process {process} and is used in process {os.getpid()}; "
            "write the data to a path that both can open"
        )
    return store.with_read_only() if where.read_only and not store.read_only else store
