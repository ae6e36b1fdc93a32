"""`zarr.api.synchronous`: the functions of the top level, the same as coroutines in `zarr.api.asynchronous`."""

from typing import Any

from zarrite.as_zarr import top as _top, waiting as _waiting

__all__ = _waiting.__all__


def __getattr__(name: str) -> Any:
    return getattr(_top, name)
