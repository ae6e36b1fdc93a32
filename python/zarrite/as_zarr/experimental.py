"""`zarr.experimental`: a cache of what is stored."""

from zarrite.storage import CacheStore

__all__ = ["CacheStore"]
