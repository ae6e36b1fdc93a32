"""`zarr.api`: the functions of the top level, and the same as coroutines."""

from zarrite.as_zarr import synchronous, waiting as asynchronous

__all__ = ["asynchronous", "synchronous"]
