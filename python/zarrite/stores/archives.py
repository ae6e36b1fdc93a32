"""Zip archives as places: in a file of this machine, to be changed too, and under a key of any store, to be read."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from typing import Any

from zarrite import _engine, formats
from zarrite._engine import Store
from zarrite.errors import HandleError, StoreNotFoundError, UrlError
from zarrite.stores.paths import join_url

__all__ = [
    "is_zip",
    "outside_folder",
    "place_of_zip",
    "zip_file",
    "zip_over",
    "zip_remote",
    "zip_to_change",
]


def zip_over(store: Store, key: str, *, prefix: str = "") -> Store:
    """The entries of an archive that is an object of another store, for reading.

    Opening it is one request, or two where the archive's directory is larger than 64 KiB; then an entry is one request.

    Args:
        store: the store that holds the archive.
        key: the archive's key in it.
        prefix: a folder in the archive that becomes the root.

    Raises:
        StoreNotFoundError: there is no such object.
        StoreError: it is no archive, or a damaged one.

    Example:
        >>> import io, zipfile, zarrite
        >>> from zarrite.stores.archives import zip_over
        >>> file = io.BytesIO()
        >>> with zipfile.ZipFile(file, "w") as archive:
        ...     archive.writestr("a/k", b"1")
        >>> store = zarrite.storage.MemoryStore({"x.zip": file.getvalue()})
        >>> zip_over(store, "x.zip", prefix="a").get("k").result()
        b'1'
    """
    found = _open_over(store, key)
    if found is None:
        raise StoreNotFoundError(key, "there is no such object, so no archive", url=store.url)
    return found[0].prefixed(prefix) if prefix else found[0]


def _open_over(store: Store, key: str) -> tuple[Store, str] | None:
    found = _engine.zip_over(store, key)
    if found is None:
        return None
    archive, folder = found
    url = f"{join_url(store.url, key)}|zip:"
    return (archive if archive.url == url else archive.prefixed("", url)), folder


def zip_file(path: str, *, read_only: bool) -> tuple[Store, str]:
    """The archive of a file, and the folder in it that everything lies in.

    Args:
        path: the file, from the root.
        read_only: open what is there; else the archive can be changed, and is made when it is missing.
    """
    if not read_only:
        return zip_to_change(path)
    # What this process changed and did not write yet is seen by its readers too.
    changed = _engine.zip_changed(path)
    return (changed.with_read_only(), "") if changed is not None else _engine.zip_file(path)


def zip_to_change(path: str) -> tuple[Store, str]:
    """The archive of a file, to be read and changed."""
    # In an archive of this kind documents come first (OME's proposal for single files).
    first = list(formats.document_keys("")) if path.lower().endswith(".ozx") else []
    return _engine.zip_archive(path, first=first)


def is_zip(store: Store) -> bool:
    """Whether a store is an archive, or a folder in one."""
    return store.url.startswith("zip://") or "|zip:" in store.url


def zip_remote(place: str, options: Mapping[str, Any] | None, *, writes: bool) -> tuple[Store, str] | None:
    """The archive that a place on a network is; `None` where there is no such object (but perhaps such a folder).

    Raises:
        UrlError: `writes`; archives are written on this machine.
    """
    from zarrite.stores.roots import file_of, kept

    at = file_of(place, options)
    if at is None:
        return None
    if writes:
        raise UrlError(
            f"{place}: zip archives are written on this machine, not on a network; "
            "write a local one and copy it there when it is complete"
        )
    found = _open_over(*at)
    return found and (kept(found[0], options), found[1])


def outside_folder(folder: str, inside: str) -> str:
    """The folder that goes before a path in an archive: none where the path begins with it.

    Example:
        >>> outside_folder("x.zarr", "a"), outside_folder("x.zarr", "x.zarr/a")
        ('x.zarr', '')
    """
    return "" if f"{inside}/".startswith(f"{folder}/") else folder


def place_of_zip(store: Store) -> tuple[str, str]:
    """Where an archive of this machine can be found again: its file, and the folder in it that the store is.

    Raises:
        HandleError: it has changes that are not written yet.
    """
    if _engine.zip_state(store):
        raise HandleError(f"{store.url} has changes that are not written yet; close it before its handles travel")
    folder = store.identity.partition("#")[2].partition("/")[2]
    return store.url.removesuffix(f"/{folder}").removeprefix("zip://"), folder


@atexit.register
def _write_all() -> None:
    """Writes what was changed and not closed; what fails is told, and the archive stays as it was."""
    failed: list[Exception] = []
    for store in _engine.zips_changed():
        try:
            store.close()
        except Exception as error:  # the others are written first
            failed.append(error)
    if failed:
        raise failed[0]
