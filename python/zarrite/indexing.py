"""The other kinds of brackets: `array.oindex[...]`, `array.vindex[...]`, `array.blocks[...]`."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["BlockIndex", "OIndex", "VIndex"]


class Selectable(Protocol):
    """An array as the accessors see it."""

    def get_orthogonal_selection(self, selection: Any, *, fields: Any = None) -> Any: ...
    def set_orthogonal_selection(self, selection: Any, value: Any, *, fields: Any = None) -> None: ...
    def get_coordinate_selection(self, selection: Any, *, fields: Any = None) -> Any: ...
    def set_coordinate_selection(self, selection: Any, value: Any, *, fields: Any = None) -> None: ...
    def get_mask_selection(self, mask: Any, *, fields: Any = None) -> Any: ...
    def set_mask_selection(self, mask: Any, value: Any, *, fields: Any = None) -> None: ...
    def get_block_selection(self, selection: Any, *, fields: Any = None) -> Any: ...
    def set_block_selection(self, selection: Any, value: Any, *, fields: Any = None) -> None: ...
    def _split(self, key: Any) -> tuple[Any, Any]: ...
    def _is_mask(self, key: Any) -> bool: ...


class _Index:
    __slots__ = ("_array",)

    def __init__(self, array: Selectable) -> None:
        self._array = array

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._array!r}>"


class OIndex(_Index):
    """Orthogonal brackets: an index array or mask for one axis chooses along that axis alone.

    Example:
        >>> import numpy as np, zarrite
        >>> array = zarrite.array(np.arange(12).reshape(3, 4))
        >>> array.oindex[[0, 2], [1, 3]]
        array([[ 1,  3],
               [ 9, 11]])
    """

    def __getitem__(self, key: Any) -> Any:
        fields, selection = self._array._split(key)
        if self._array._is_mask(selection):
            return self._array.get_mask_selection(selection, fields=fields)
        return self._array.get_orthogonal_selection(selection, fields=fields)

    def __setitem__(self, key: Any, value: Any) -> None:
        fields, selection = self._array._split(key)
        if self._array._is_mask(selection):
            self._array.set_mask_selection(selection, value, fields=fields)
        else:
            self._array.set_orthogonal_selection(selection, value, fields=fields)


class VIndex(_Index):
    """Vectorised brackets: index arrays for all axes together name single cells; or one mask of the array's shape.

    Example:
        >>> import numpy as np, zarrite
        >>> array = zarrite.array(np.arange(12).reshape(3, 4))
        >>> array.vindex[[0, 2], [1, 3]]
        array([ 1, 11])
    """

    def __getitem__(self, key: Any) -> Any:
        fields, selection = self._array._split(key)
        if self._array._is_mask(selection):
            return self._array.get_mask_selection(selection, fields=fields)
        return self._array.get_coordinate_selection(selection, fields=fields)

    def __setitem__(self, key: Any, value: Any) -> None:
        fields, selection = self._array._split(key)
        if self._array._is_mask(selection):
            self._array.set_mask_selection(selection, value, fields=fields)
        else:
            self._array.set_coordinate_selection(selection, value, fields=fields)


class BlockIndex(_Index):
    """Brackets that count stored objects (chunks; shards where there are shards) instead of cells.

    Example:
        >>> import numpy as np, zarrite
        >>> array = zarrite.array(np.arange(10), chunks=4)
        >>> array.blocks[1]
        array([4, 5, 6, 7])
    """

    def __getitem__(self, key: Any) -> Any:
        fields, selection = self._array._split(key)
        return self._array.get_block_selection(selection, fields=fields)

    def __setitem__(self, key: Any, value: Any) -> None:
        fields, selection = self._array._split(key)
        self._array.set_block_selection(selection, value, fields=fields)
