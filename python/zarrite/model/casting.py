"""Codecs that compute with numbers as their registered texts say: `cast_value` and `scale_offset`.

What they do to the fill value the engine works out, with the arithmetic that cells get.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from ..errors import MetadataValidationError
from .checks import brief, choice, mapping, mistake, only, refuse
from .codecs import ARRAY, Cells, Codec, Lowering
from .dtype_names import dtype_from_json, parse_dtype
from .dtypes import DType
from .filters import turns
from .numbers import FLOATS, INTEGERS, number_of

ROUNDINGS = ("nearest-even", "towards-zero", "towards-positive", "towards-negative", "nearest-away")
RANGES = ("clamp", "wrap")
Pairs = tuple[tuple[Any, Any], ...]


class CastValue(Codec):
    """Numbers kept as numbers of another data type.

    Args:
        data_type: what they are kept as: an integer or a float type.
        rounding: "nearest-even", "towards-zero", "towards-positive", "towards-negative" or "nearest-away".
        out_of_range: "clamp" to the nearest limit (or infinity), "wrap" round (integers only), or None for an error.
        scalar_map: "encode" and "decode", each a list of pairs: a value, and what it becomes before any other rule.
    """

    __slots__ = ("data_type", "decode", "encode", "out_of_range", "rounding")
    name = "cast_value"
    kind = ARRAY
    is_fixed = True
    data_type: DType
    rounding: str
    out_of_range: str | None
    encode: Pairs
    decode: Pairs

    def __init__(
        self, data_type: Any, rounding: str = "nearest-even", out_of_range: str | None = None, scalar_map: Any = None
    ) -> None:
        found = parse_dtype(data_type).native()
        if found.name not in INTEGERS and found.name not in FLOATS:
            refuse("data_type of codec 'cast_value'", "an integer or a float type", found.name)
        if out_of_range == "wrap" and found.name not in INTEGERS:
            raise MetadataValidationError(
                f"codec 'cast_value': out_of_range 'wrap' is only valid for integers, not for {found.name}; "
                "take 'clamp', or leave it out"
            )
        self.data_type = found
        self.rounding = choice(rounding, "rounding of codec 'cast_value'", ROUNDINGS)
        self.out_of_range = (
            None if out_of_range is None else choice(out_of_range, "out_of_range of codec 'cast_value'", RANGES)
        )
        given = {} if scalar_map is None else mapping(scalar_map, "scalar_map of codec 'cast_value'")
        only(given, ("encode", "decode"), "scalar_map of codec 'cast_value'")
        self.encode = _pairs(given.get("encode"), "encode")
        self.decode = _pairs(given.get("decode"), "decode")

    @property
    def scalar_map(self) -> dict[str, list[list[Any]]]:
        """What is mapped, as documents have it."""
        both = {"encode": self.encode, "decode": self.decode}
        return {name: [list(pair) for pair in pairs] for name, pairs in both.items() if pairs}

    def configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = {"data_type": self.data_type.to_json()}
        if self.rounding != ROUNDINGS[0]:
            found["rounding"] = self.rounding
        if self.out_of_range is not None:
            found["out_of_range"] = self.out_of_range
        if self.scalar_map:
            found["scalar_map"] = self.scalar_map
        return found

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, ("data_type", "rounding", "out_of_range", "scalar_map"), "codec 'cast_value'")
        if "data_type" not in configuration:
            raise MetadataValidationError("codec 'cast_value' needs the parameter data_type")
        return cls(**{**configuration, "data_type": dtype_from_json(configuration["data_type"])})

    def settle(self, cells: Cells) -> Codec:
        self._lowered(number_of(cells, self.name))
        return self

    def after(self, cells: Cells) -> Cells:
        return cells.of(self.data_type.numpy, self.data_type)

    def _lowered(self, plain: DType) -> dict[str, Any]:
        """The parameters for cells of a type, every value of the map as the cell it is."""
        ways = {"encode": (self.encode, plain, self.data_type), "decode": (self.decode, self.data_type, plain)}
        maps = {
            name: [
                [
                    _cell(found, source, f"codec 'cast_value': the scalar_map's {name}"),
                    _cell(becomes, target, f"codec 'cast_value': the scalar_map's {name}"),
                    found == "NaN",
                ]
                for found, becomes in pairs
            ]
            for name, (pairs, source, target) in ways.items()
        }
        return {
            "dtype": plain.name,
            "data_type": self.data_type.name,
            "rounding": self.rounding,
            "out_of_range": self.out_of_range or "error",
            **maps,
        }

    def lower(self, chain: Lowering) -> None:
        plain = number_of(chain.cells, self.name)
        chain.swap(turns(chain.numpy))
        chain.steps.append({"name": self.name, **self._lowered(plain)})
        chain.become(self.data_type.numpy, self.data_type)


class ScaleOffset(Codec):
    """`(cell - offset) * scale`, in the arithmetic of the cell's own type; what it cannot hold is an error.

    Args:
        offset: what is taken away first, a value of the data type; None for nothing.
        scale: what is multiplied by then, a value of the data type; None for one.
    """

    __slots__ = ("offset", "scale")
    name = "scale_offset"
    kind = ARRAY
    is_fixed = True
    offset: Any
    scale: Any

    def __init__(self, offset: Any = None, scale: Any = None) -> None:
        self.offset = None if offset is None else _json(offset, "offset of codec 'scale_offset'")
        self.scale = None if scale is None else _json(scale, "scale of codec 'scale_offset'")

    def configuration(self) -> dict[str, Any]:
        both = {"offset": self.offset, "scale": self.scale}
        return {name: value for name, value in both.items() if value is not None}

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, ("offset", "scale"), "codec 'scale_offset'")
        for name, value in configuration.items():
            if value is None:
                refuse(f"{name} of codec 'scale_offset'", "a value of the data type", value)
        return cls(**configuration)

    def settle(self, cells: Cells) -> Codec:
        plain = number_of(cells, self.name)
        scale = self._lowered(plain)["scale"]
        if scale in (_cell(0, plain, "zero"), _cell(-0.0, plain, "zero") if plain.name in FLOATS else None):
            refuse("codec 'scale_offset': scale", "non-zero, as reading divides by it", self.scale)
        return self

    def _lowered(self, plain: DType) -> dict[str, Any]:
        offset = 0 if self.offset is None else self.offset
        scale = 1 if self.scale is None else self.scale
        return {
            "dtype": plain.name,
            "offset": _cell(offset, plain, "codec 'scale_offset': offset"),
            "scale": _cell(scale, plain, "codec 'scale_offset': scale"),
        }

    def lower(self, chain: Lowering) -> None:
        plain = number_of(chain.cells, self.name)
        chain.swap(turns(chain.numpy))
        chain.steps.append({"name": self.name, **self._lowered(plain)})
        chain.become(plain.numpy, plain)


def _pairs(value: Any, what: str) -> Pairs:
    """The entries of one direction of a map, from a list of pairs or a mapping."""
    where = f"{what} in the scalar_map of codec 'cast_value'"
    entries = list(value.items()) if isinstance(value, Mapping) else value
    if entries is None:
        return ()
    if not isinstance(entries, (list, tuple)):
        refuse(where, "a list of pairs", value)
    for pair in entries:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            refuse(f"each entry of {where}", "a pair of values", pair)
    return tuple((_json(found, where), _json(becomes, where)) for found, becomes in entries)


def _json(value: Any, what: str) -> int | float | str:
    """A scalar in the form that documents have for it."""
    found = value.item() if isinstance(value, np.generic) else value
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        mistake(what, "a number, or text that stands for one", value)
    if isinstance(found, float) and not math.isfinite(found):
        return "NaN" if math.isnan(found) else "Infinity" if found > 0 else "-Infinity"
    return found


def _cell(value: Any, data_type: DType, what: str) -> str:
    """The bytes of a value of a type, in hexadecimal."""
    try:
        return data_type.cell(data_type.fill_from_json(value)).hex()
    except MetadataValidationError:
        raise MetadataValidationError(
            f"{what} value {brief(value)} is not representable in dtype {data_type.name}; write it as that type's fill "
            "values are written"
        ) from None
