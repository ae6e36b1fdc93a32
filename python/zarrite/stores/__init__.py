"""Where objects are kept, and what a user may pass as `store`."""

from zarrite.stores.paths import StorePath, join, join_url, normalize_path, place_of
from zarrite.stores.protocol import MappingStore, PythonStore, origin_of, store_of_object
from zarrite.stores.url import Address, Place, address, is_ours_to_close, named_memory_store, reopen, resolve

__all__ = [
    "Address",
    "MappingStore",
    "Place",
    "PythonStore",
    "StorePath",
    "address",
    "is_ours_to_close",
    "join",
    "join_url",
    "named_memory_store",
    "normalize_path",
    "origin_of",
    "place_of",
    "reopen",
    "resolve",
    "store_of_object",
]
