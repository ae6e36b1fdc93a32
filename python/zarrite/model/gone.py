"""Names of zarr-python 2, and what is written in their place today: for the error of who still uses one."""

from __future__ import annotations

import sys

from ..errors import meant

__all__ = ["no_attribute"]

PATH = "pass the path or the URL itself wherever a store is asked for"
ALONE = "nothing is needed: writers of one chunk take turns by themselves"
INSTEAD = {
    "ABSStore": PATH,
    "Blosc": "zarrite.codecs.BloscCodec",
    "DBMStore": "see 'Write a store' in the documentation",
    "DirectoryStore": PATH,
    "FSStore": PATH,
    "FsspecStore": PATH,
    "GZip": "zarrite.codecs.GzipCodec",
    "KVStore": "pass the mapping itself",
    "LMDBStore": "see 'Write a store' in the documentation",
    "LRUStoreCache": "zarrite.storage.CacheStore",
    "MemoryStore": "zarrite.storage.MemoryStore",
    "N5Store": PATH,
    "NestedDirectoryStore": PATH,
    "ObjectStore": PATH,
    "ProcessSynchronizer": ALONE,
    "SQLiteStore": "see 'Write a store' in the documentation",
    "TempStore": "tempfile.TemporaryDirectory, and its path",
    "ThreadSynchronizer": ALONE,
    "ZipStore": "zarrite.storage.ZipStore",
    "Zstd": "zarrite.codecs.ZstdCodec",
    "convenience": "its functions are zarrite's own",
    "copy_all": "zarrite.copy",
    "copy_store": "zarrite.copy",
    "hierarchy": "zarrite.Group",
}


def no_attribute(module: str, name: str) -> AttributeError:
    """The error of a name that a module does not have; says what to write, or which names are like it.

    Args:
        module: the module's full name.
        name: what was asked of it.

    Example:
        >>> print(no_attribute("zarrite.codecs", "Blosc"))
        module 'zarrite.codecs' has no attribute 'Blosc'; today: zarrite.codecs.BloscCodec
    """
    instead = INSTEAD.get(name, "")
    way = f"; today: {instead}" if instead else ""
    if not way and not name.startswith("_"):
        way = meant(name, dir(sys.modules[module]))
    return AttributeError(f"module {module!r} has no attribute {name!r}{way}", name=name)
