"""Codecs from cells to bytes that know numbers: pcodec and zfp, and zfp as numcodecs has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from ..errors import MetadataValidationError
from .checks import brief, choice, integer, only, refuse
from .codecs import BYTE, SERIALIZER, Cells, Codec, Lowering

NUMBERS = {
    "int8": "i1",
    "int16": "i2",
    "int32": "i4",
    "int64": "i8",
    "uint8": "u1",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
    "float16": "f2",
    "bfloat16": "bf2",
    "float32": "f4",
    "float64": "f8",
    "complex64": "c8",
    "complex128": "c16",
}
"""The engine's names of NumPy's number types."""


def number_code(numpy: np.dtype[Any]) -> str | None:
    """The engine's name of a number type, dates as the integers they are; None for what is no number."""
    return "i8" if numpy.kind in "mM" else NUMBERS.get(numpy.name)


def _turns(numpy: np.dtype[Any]) -> list[list[int]]:
    """What has to be turned round so that numbers are in this machine's byte order."""
    if numpy.isnative or numpy.itemsize == 1:
        return []
    parts = 2 if numpy.kind == "c" else 1
    return [[0, numpy.itemsize // parts, parts]]


class _Packer(Codec):
    """A serializer that works on numbers in this machine's byte order."""

    __slots__ = ()
    kind = SERIALIZER
    is_compressor = True
    takes: ClassVar[frozenset[str]]
    """The engine's names of the types it takes."""

    def settle(self, cells: Cells) -> Codec:
        if cells.vlen or number_code(cells.numpy) not in self.takes:
            raise MetadataValidationError(f"codec {self.name!r} packs {self.describe()}, and is given {cells}")
        return self

    def describe(self) -> str:
        """The types it takes, in words."""
        return ", ".join(name for name, code in NUMBERS.items() if code in self.takes)

    def pack(self, chain: Lowering, **parameters: Any) -> None:
        """Adds this step, which reads native numbers."""
        chain.swap(_turns(chain.numpy))
        chain.steps.append({"name": self.id or self.name, "dtype": number_code(chain.numpy), **parameters})
        chain.numpy = BYTE


class PCodec(_Packer):
    """Numbers packed by pco, every bit kept.

    Args:
        level: 0 (fastest) to 12 (smallest).
        mode_spec: "auto" looks for structure such as multiples of 0.1; "classic" takes the numbers as they are.
        delta_spec: "auto", "none", "try_consecutive" or "try_lookback".
        paging_spec: "equal_pages_up_to", the one there is.
        delta_encoding_order: 0 to 7 differences of neighbours; None leaves it to `delta_spec`.
        equal_pages_up_to: numbers that are packed together, at most.
    """

    __slots__ = (
        "delta_encoding_order",
        "delta_spec",
        "equal_pages_up_to",
        "level",
        "mode_spec",
        "paging_spec",
    )  # in the order of the documents
    name = "numcodecs.pcodec"
    id = "pcodec"
    takes = frozenset(NUMBERS.values()) - {"bf2"}
    level: int
    mode_spec: str
    delta_spec: str
    paging_spec: str
    delta_encoding_order: int | None
    equal_pages_up_to: int

    def __init__(
        self,
        level: int = 8,
        mode_spec: str = "auto",
        delta_spec: str = "auto",
        paging_spec: str = "equal_pages_up_to",
        delta_encoding_order: int | None = None,
        equal_pages_up_to: int = 262144,
    ) -> None:
        self.level = integer(level, "level of codec 'pcodec'", 0, 12)
        self.mode_spec = choice(mode_spec, "mode_spec of codec 'pcodec'", ("auto", "classic"))
        deltas = ("auto", "none", "try_consecutive", "try_lookback")
        self.delta_spec = choice(delta_spec, "delta_spec of codec 'pcodec'", deltas)
        self.paging_spec = choice(paging_spec, "paging_spec of codec 'pcodec'", ("equal_pages_up_to",))
        order = delta_encoding_order
        what = "delta_encoding_order of codec 'pcodec'"
        self.delta_encoding_order = None if order is None else integer(order, what, 0, 7)
        if order is not None and self.delta_spec not in {"auto", "try_consecutive"}:
            refuse(what, f"null where delta_spec is {self.delta_spec!r}", order)
        self.equal_pages_up_to = integer(equal_pages_up_to, "equal_pages_up_to of codec 'pcodec'", 1, 2**24)

    def lower(self, chain: Lowering) -> None:
        parameters = self.configuration()
        del parameters["paging_spec"]
        self.pack(chain, **parameters)


MODES: dict[str, tuple[str, ...]] = {
    "reversible": (),
    "expert": ("minbits", "maxbits", "maxprec", "minexp"),
    "fixed_accuracy": ("tolerance",),
    "fixed_rate": ("rate",),
    "fixed_precision": ("precision",),
}
"""The ways zfp works, and the parameters of each."""


def _axes(name: str, cells: Cells) -> None:
    if len(cells.shape) > 4:
        raise MetadataValidationError(
            f"codec {name!r} packs chunks of 1 to 4 axes and is given {len(cells.shape)}; put codec 'zarrs.squeeze' or "
            "'reshape' before it"
        )


class ZfpCodec(_Packer):
    """zfp: numbers in blocks of 4 along each of 1 to 4 axes, cut off where a mode says.

    What zfp cannot keep is refused when it is written: unsigned numbers above the largest signed one of their width in
    any mode; NaN, infinity and integers that need the two highest bits in every mode but "reversible".

    Args:
        mode: "reversible" keeps every bit; each other mode needs its parameters and takes no others.
        tolerance: of "fixed_accuracy": the most that a float may be off, rounded down to a power of two.
        rate: of "fixed_rate": bits for each cell.
        precision: of "fixed_precision": bit planes that are kept, 0 for all.
        minbits: of "expert": bits of a block, at least.
        maxbits: of "expert": bits of a block, at most.
        maxprec: of "expert": bit planes that are kept, at most.
        minexp: of "expert": the power of two below which floats are not kept.

    Example:
        >>> from zarrite.codecs import ZfpCodec
        >>> ZfpCodec("fixed_accuracy", tolerance=0.05).to_dict()
        {'name': 'zfp', 'configuration': {'mode': 'fixed_accuracy', 'tolerance': 0.05}}

    Source: "zfp" of zarr-extensions.
    """

    __slots__ = ("mode", "parameters")
    name = "zfp"
    takes = frozenset(NUMBERS.values()) - {"c8", "c16"}
    mode: str
    parameters: tuple[tuple[str, float], ...]

    def __init__(
        self,
        mode: str,
        *,
        tolerance: float | None = None,
        rate: float | None = None,
        precision: int | None = None,
        minbits: int | None = None,
        maxbits: int | None = None,
        maxprec: int | None = None,
        minexp: int | None = None,
    ) -> None:
        self.mode = choice(mode, "mode of codec 'zfp'", tuple(MODES))
        wanted = MODES[self.mode]
        given = {
            "tolerance": tolerance,
            "rate": rate,
            "precision": precision,
            "minbits": minbits,
            "maxbits": maxbits,
            "maxprec": maxprec,
            "minexp": minexp,
        }
        parameters: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        only(parameters, wanted, f"codec 'zfp' in mode {self.mode!r}")
        missing = [name for name in wanted if name not in parameters]
        if missing:
            raise MetadataValidationError(
                f"codec 'zfp' in mode {self.mode!r} needs the parameters {', '.join(missing)}"
            )
        self.parameters = tuple((name, _parameter(name, parameters[name])) for name in wanted)
        found = dict(self.parameters)
        if found.get("minbits", 0) > found.get("maxbits", 0):
            refuse("minbits of codec 'zfp'", "at most maxbits", parameters["minbits"])

    def configuration(self) -> dict[str, Any]:
        return {"mode": self.mode, **dict(self.parameters)}

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        parameters = dict(configuration)
        if "mode" not in parameters:
            raise MetadataValidationError("codec 'zfp' needs the parameter mode")
        mode = choice(parameters.pop("mode"), "mode of codec 'zfp'", tuple(MODES))
        only(parameters, MODES[mode], f"codec 'zfp' in mode {mode!r}")
        return cls(mode, **parameters)

    def settle(self, cells: Cells) -> Codec:
        super().settle(cells)
        _axes(self.name, cells)
        return self

    def lower(self, chain: Lowering) -> None:
        self.pack(chain, **self.configuration())


def _parameter(name: str, value: object) -> float:
    what = f"{name} of codec 'zfp'"
    limits = {
        "minbits": (0, 2**16),
        "maxbits": (1, 2**32 - 1),
        "maxprec": (1, 64),
        "minexp": (-(2**20), 2**20),
        "precision": (0, 64),
    }
    if name in limits:
        return integer(value, what, *limits[name])
    number = _real(value, what)
    if number < 0 or (name == "rate" and number == 0):
        refuse(what, "above 0" if name == "rate" else "0 or more", value)
    return number


def _real(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        refuse(what, "a number", value)
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        refuse(what, "a finite number", brief(value))
    return value if isinstance(value, (int, float)) else float(value)


ZFPY_MODES = {2: "fixed_rate", 3: "fixed_precision", 4: "fixed_accuracy", 5: "reversible"}


class ZFPY(_Packer):
    """zfp as numcodecs has it: behind a header that says type, shape and mode again, and is believed when read.

    Args:
        mode: 2 (`rate`), 3 (`precision`), 4 (`tolerance`) or 5 (every bit is kept).
        tolerance: the most that a float may be off; below 0, every bit is kept.
        rate: bits for each cell; below 0, every bit is kept.
        precision: bit planes that are kept; below 0, every bit is kept.
        compression_kwargs: the parameter of the mode once more, as documents have it.
    """

    __slots__ = ("compression_kwargs", "mode", "precision", "rate", "tolerance")  # in the order of the documents
    name = "numcodecs.zfpy"
    id = "zfpy"
    takes = frozenset({"i4", "i8", "f4", "f8"})
    mode: int
    tolerance: float
    rate: float
    precision: int
    compression_kwargs: tuple[tuple[str, float], ...] | None

    def __init__(
        self,
        mode: int = 4,
        tolerance: float = -1,
        rate: float = -1,
        precision: int = -1,
        compression_kwargs: Mapping[str, float] | None = None,
    ) -> None:
        self.mode = choice(mode, "mode of codec 'zfpy'", tuple(ZFPY_MODES))
        self.tolerance = _real(tolerance, "tolerance of codec 'zfpy'")
        self.rate = _real(rate, "rate of codec 'zfpy'")
        self.precision = integer(precision, "precision of codec 'zfpy'", -1, 64)
        if compression_kwargs is not None:
            if not isinstance(compression_kwargs, Mapping):
                refuse("compression_kwargs of codec 'zfpy'", "an object", compression_kwargs)
            what = "codec 'zfpy' in compression_kwargs"
            only(dict(compression_kwargs), ("tolerance", "rate", "precision"), what)
            for name, value in compression_kwargs.items():
                _real(value, f"{name} of {what}")
        self.compression_kwargs = None if compression_kwargs is None else tuple(compression_kwargs.items())

    def configuration(self) -> dict[str, Any]:
        found = {"mode": self.mode, "tolerance": self.tolerance, "rate": self.rate, "precision": self.precision}
        if self.compression_kwargs is not None:
            found["compression_kwargs"] = dict(self.compression_kwargs)  # type: ignore[assignment]
        return found

    def settle(self, cells: Cells) -> Codec:
        super().settle(cells)
        _axes(self.id, cells)
        return self

    def lower(self, chain: Lowering) -> None:
        mode = ZFPY_MODES[self.mode]
        given = {
            "fixed_rate": self.rate,
            "fixed_precision": self.precision,
            "fixed_accuracy": self.tolerance,
            "reversible": -1,
        }[mode]
        if given < 0:
            mode = "reversible"
        names = MODES[mode]
        self.pack(chain, mode=mode, **dict.fromkeys(names, given))
