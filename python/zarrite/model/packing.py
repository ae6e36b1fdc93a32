"""The registered `packbits`: as many bits of every number as one wants, one after the other."""

from __future__ import annotations

from typing import Any, Self

from ..errors import MetadataValidationError
from .checks import choice, integer, only
from .codecs import SERIALIZER, Cells, Codec, Lowering
from .dtypes import units_of
from .numbers import BITS, COMPLEX

PADDINGS = ("none", "first_byte", "last_byte")


class PackBitsCodec(Codec):
    """Bits of numbers one after the other, the lowest first; `PackBits` is the older one of numcodecs.

    Args:
        padding_encoding: where a byte counts the unused bits: "first_byte", "last_byte", or "none".
        first_bit: the lowest bit that is kept; None for bit 0.
        last_bit: the highest bit that is kept; None for the highest that the data type has.
    """

    __slots__ = ("first_bit", "last_bit", "padding_encoding")
    name = "packbits"
    kind = SERIALIZER
    is_fixed = True
    padding_encoding: str
    first_bit: int | None
    last_bit: int | None

    def __init__(
        self, padding_encoding: str = "none", first_bit: int | None = None, last_bit: int | None = None
    ) -> None:
        self.padding_encoding = choice(padding_encoding, "padding_encoding of codec 'packbits'", PADDINGS)
        self.first_bit = None if first_bit is None else integer(first_bit, "first_bit of codec 'packbits'", 0, 63)
        self.last_bit = None if last_bit is None else integer(last_bit, "last_bit of codec 'packbits'", 0, 63)

    def configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = {"padding_encoding": self.padding_encoding}
        bits = {"first_bit": self.first_bit, "last_bit": self.last_bit}
        return {**found, **{name: value for name, value in bits.items() if value is not None}}

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, ("padding_encoding", "first_bit", "last_bit"), "codec 'packbits'")
        return cls(**configuration)

    def settle(self, cells: Cells) -> Codec:
        _, bits = self._number(cells)
        last = bits - 1 if self.last_bit is None else self.last_bit
        if not (self.first_bit or 0) <= last < bits:
            raise MetadataValidationError(
                f"codec 'packbits' is to keep the bits from {self.first_bit or 0} to {last}, and numbers of "
                f"{cells.name} have the bits from 0 to {bits - 1}"
            )
        return self

    def _number(self, cells: Cells) -> tuple[str, int]:
        """The name of a number in a cell, and its bits."""
        name = COMPLEX.get(cells.name, cells.name)
        if cells.vlen or name not in BITS:
            raise MetadataValidationError(
                f"codec 'packbits' packs booleans, integers, floats and complex numbers, and is given {cells}; "
                "use codec 'bytes' instead"
            )
        return name, BITS[name]

    def lower(self, chain: Lowering) -> None:
        name, bits = self._number(chain.cells)
        chain.swap([[offset, width, count] for offset, width, count, order in units_of(chain.numpy) if order != "<"])
        chain.steps.append(
            {
                "name": self.name,
                "width": -(-bits // 8),
                "bits": bits,
                "signed": name.startswith("int"),
                "first_bit": self.first_bit or 0,
                "last_bit": bits - 1 if self.last_bit is None else self.last_bit,
                "padding_encoding": self.padding_encoding,
            }
        )
