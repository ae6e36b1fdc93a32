"""Codecs that give the cells of a chunk another shape and leave their order alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import MetadataValidationError
from .checks import brief, integer, integers
from .codecs import ARRAY, Cells, Codec, Lowering


class ReshapeCodec(Codec):
    """The cells of a chunk under another shape, in the same (C) order.

    What follows, an inner chunk of a shard among it, is in the new shape. Cells are then read a whole object at a time.

    Args:
        shape: for each new axis its extent; or a list of the old axes that become it; or -1, once, for what is left.

    Example:
        >>> from zarrite.codecs import ReshapeCodec
        >>> ReshapeCodec([[0, 1], -1]).to_dict()
        {'name': 'reshape', 'configuration': {'shape': [[0, 1], -1]}}

    Source: "reshape" of zarr-extensions.
    """

    __slots__ = ("shape",)
    name = "reshape"
    kind = ARRAY
    is_fixed = True
    reshapes = True
    shape: tuple[int | tuple[int, ...], ...]

    def __init__(self, shape: Sequence[int | Sequence[int]]) -> None:
        what = "shape of codec 'reshape'"
        entries: object = shape
        if not isinstance(entries, Iterable) or isinstance(entries, (str, bytes, dict)):
            raise MetadataValidationError(f"{what} must be a list, not {brief(shape)}")
        found: list[int | tuple[int, ...]] = []
        for one in entries:
            if isinstance(one, (list, tuple)):
                found.append(integers(one, f"each list in {what}"))
            else:
                found.append(integer(one, f"each entry of {what}", low=-1))
        integers([1] * len(found), what)  # no more axes than arrays have
        if 0 in found or found.count(-1) > 1:
            raise MetadataValidationError(f"{what} must have positive extents, and -1 once at most, not {brief(shape)}")
        axes = [axis for one in found if isinstance(one, tuple) for axis in one]
        if any(one >= next_one for one, next_one in itertools.pairwise(axes)):
            raise MetadataValidationError(f"{what} must name the old axes in their order, not {brief(shape)}")
        self.shape = tuple(found)

    def configuration(self) -> dict[str, Any]:
        return {"shape": [list(one) if isinstance(one, tuple) else one for one in self.shape]}

    def after(self, cells: Cells) -> Cells:
        return cells._replace(shape=self.new_shape(cells.shape))

    def settle(self, cells: Cells) -> Codec:
        self.new_shape(cells.shape)
        return self

    def new_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that chunks of a shape get.

        Raises:
            MetadataValidationError: the number of cells would change, or named axes would lie elsewhere.
        """

        def wrong(why: str) -> MetadataValidationError:
            return MetadataValidationError(
                f"codec 'reshape' cannot give chunks of shape {brief(shape)} the shape "
                f"{brief(self.configuration()['shape'])}: {why}"
            )

        new: list[int] = []
        for one in self.shape:
            if isinstance(one, tuple):
                if any(axis >= len(shape) for axis in one):
                    raise wrong(f"there are only {len(shape)} axes")
                new.append(math.prod(shape[axis] for axis in one))
            else:
                new.append(one)
        cells = math.prod(shape)
        if -1 in new:
            known = -math.prod(new)
            if cells % known:
                raise wrong("nothing fits in the place of -1")
            new[new.index(-1)] = cells // known
        if math.prod(new) != cells:
            raise wrong(f"{math.prod(new)} cells are not {cells}")
        for at, one in enumerate(self.shape):
            if isinstance(one, tuple) and one:
                slower = math.prod(new[:at]) == math.prod(shape[: one[0]])
                faster = math.prod(new[at + 1 :]) == math.prod(shape[one[-1] + 1 :])
                if not (slower and faster):
                    raise wrong("the axes it names would lie elsewhere")
        return tuple(new)


class SqueezeCodec(Codec):
    """Chunks without their axes of one cell, as zarrs writes them; one is left where nothing else would be."""

    __slots__ = ()
    name = "zarrs.squeeze"
    kind = ARRAY
    is_fixed = True
    reshapes = True

    def after(self, cells: Cells) -> Cells:
        return cells._replace(shape=tuple(extent for extent in cells.shape if extent != 1) or (1,))

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": self.name})
