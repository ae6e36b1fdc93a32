"""Names of axes, wherever writers put them. Source: format reference 3.5 and 3.6."""

from __future__ import annotations

from typing import Any

from ..model.node import ArrayModel

XARRAY = "_ARRAY_DIMENSIONS"
NCZARR = ("_nczarr_array", "_NCZARR_ARRAY")
REFERENCES = ("dimension_references", "dimrefs")


def dimension_names(model: ArrayModel) -> tuple[str | None, ...] | None:
    """The name of each axis: as the format has them, else as xarray writes them, else as NCZarr refers to them.

    Names that are not as many as the axes name nothing: NCZarr keeps a scalar as an array of one cell.

    Example:
        >>> array = ArrayModel.create(shape=(2, 3), dtype="i4", zarr_format=2, attributes={XARRAY: ["y", "x"]})
        >>> dimension_names(array)
        ('y', 'x')
    """
    if model.dimension_names is not None:
        return model.dimension_names
    for found in (model.attributes.get(XARRAY), *_references(model)):
        if isinstance(found, list) and len(found) == model.ndim and all(isinstance(name, str) for name in found):
            return tuple(name.rpartition("/")[2] for name in found)
    return None


def _references(model: ArrayModel) -> list[Any]:
    holders = [place.get(name) for place in (model.attributes, model.extra) for name in NCZARR]
    return [holder[name] for holder in holders if isinstance(holder, dict) for name in REFERENCES if name in holder]
