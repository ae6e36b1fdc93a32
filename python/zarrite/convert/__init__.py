"""Conversion of existing data to sharded Zarr v3: HDF5, netCDF, NumPy files and Zarr itself.

`zarrite.convert(source, target)` is all most people need; `zarrite.convert.Conversion` is what it gives back.
"""

from __future__ import annotations

import inspect
import sys
import types
from typing import Any

from zarrite.convert.run import Conversion, convert
from zarrite.convert.source import ConversionError, ConversionWarning

__all__ = ["Conversion", "ConversionError", "ConversionWarning", "convert"]


class _Convert(types.ModuleType):
    """This module, which is called as its one function is: `zarrite.convert(...)`.

    Importing a submodule binds the module to the name `convert` of its parent, whatever function was bound there; so
    the module answers the call itself.
    """

    def __call__(self, *args: Any, **keywords: Any) -> Conversion:
        return convert(*args, **keywords)


sys.modules[__name__].__class__ = _Convert
__signature__ = inspect.signature(convert)
