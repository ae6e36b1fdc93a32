"""Arrays and groups as they are described: frozen, whatever format they came from or go to."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ..errors import MetadataValidationError
from .checks import brief, integers
from .codecs import Codec, Lowering, TransposeCodec, lower_chain
from .dtypes import DType
from .grids import Grid, check_chunk
from .keys import ChunkKeys
from .registry import Registry
from .sharding import ShardingCodec

Parts = tuple[tuple[Codec, ...], Codec | None, tuple[Codec, ...]]


class Format(Protocol):
    """What a format adds to the model: its own defaults, and its documents."""

    number: int
    why_read_only: str
    """Why nodes of this format are never written; "" where they are."""
    names_axes: bool
    """Whether documents of this format have names for axes."""

    @property
    def create(self) -> Callable[..., ArrayModel]:
        """Makes a new array with everything settled as this format has it; takes what `ArrayModel.create` takes."""

    def parts(self, model: ArrayModel) -> Parts:
        """Filters, serializer and compressors of a chunk, as this format tells them apart."""

    def array_document(self, model: ArrayModel) -> dict[str, Any]:
        """The document that describes an array, attributes included."""

    def group_document(self, model: GroupModel) -> dict[str, Any]:
        """The document that describes a group, attributes included."""


READERS: Registry[Any] = Registry("reader", {})
"""What only documents tell: `copies`, the models that a group's document repeats; `zarrite.formats` lists it."""

FORMATS: Registry[Format] = Registry("format", {})
"""Every format, by its number as text; `zarrite.formats` lists them."""


class _Default:
    """The fill value that the data type has when nobody chose one."""

    def __repr__(self) -> str:
        return "DEFAULT_FILL"

    def __reduce__(self) -> str:
        return "DEFAULT_FILL"


DEFAULT_FILL = _Default()


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayModel:
    """What an array is, complete.

    Attributes:
        zarr_format: the number of the format it is kept in.
        shape: cells along each axis.
        data_type: what a cell is.
        grid: where the stored objects lie; the shards when there are shards.
        keys: how the objects are called.
        codecs: the chain, in encoding order.
        fill_value: what unwritten cells read as, a scalar of the data type; None where format 2 says null.
        attributes: the user's own JSON; copy it before changing it, the model is shared.
        dimension_names: a name or None for each axis, or None for none at all.
        order: "F" when format 2 keeps chunks in column-major order.
        extra: members of the document that nobody here knows, kept for the next writer.
        members: names of the document's members in the order they were found.
        keeps_tokens: whether the document had NaN or Infinity where JSON has no such words, so that it may keep them.
    """

    zarr_format: int
    shape: tuple[int, ...]
    data_type: DType
    grid: Grid
    keys: ChunkKeys
    codecs: tuple[Codec, ...]
    fill_value: Any
    attributes: dict[str, Any]
    dimension_names: tuple[str | None, ...] | None = None
    order: str = "C"
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)
    members: tuple[str, ...] = ()
    keeps_tokens: bool = False

    # ------------------------------------------------------------ what follows from the fields

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy type of what reading gives."""
        return self.data_type.numpy

    @property
    def node_type(self) -> str:
        """The word documents have for this."""
        return "array"

    @property
    def chunk_grid(self) -> Grid:
        """The same as `grid`, by the name zarr-python gives it."""
        return self.grid

    @property
    def chunk_key_encoding(self) -> ChunkKeys:
        """The same as `keys`, by the name zarr-python gives it."""
        return self.keys

    @property
    def dimension_separator(self) -> str:
        """What stands between the numbers in the keys of stored objects."""
        return self.keys.separator

    @property
    def extra_fields(self) -> dict[str, Any]:
        """The same as `extra`, by the name zarr-python gives it."""
        return self.extra

    @cached_property
    def why_read_only(self) -> str:
        """Why nothing of this array can be written whatever the store allows; "" where it can."""
        return FORMATS[str(self.zarr_format)].why_read_only

    @cached_property
    def _sharding(self) -> ShardingCodec | None:
        for codec in self.codecs:
            if isinstance(codec, ShardingCodec):
                return codec
        return None

    @cached_property
    def chunks(self) -> tuple[int, ...]:
        """Shape of the smallest part that is read alone: an inner chunk when there are shards.

        Raises:
            IrregularGridError: chunks have several shapes.
        """
        return self.grid.chunk_shape if self.inner_chunk is None else self.inner_chunk

    @cached_property
    def inner_chunk(self) -> tuple[int, ...] | None:
        """Shape of the chunks inside shards; None when chunks are objects of their own or shards have other axes."""
        sharding = self._sharding
        if sharding is None or any(codec.reshapes for codec in self.codecs):
            return None
        # The inner shape is in the order of axes that transposes before it leave.
        axes = list(range(self.ndim))
        for codec in self.codecs:
            if isinstance(codec, TransposeCodec):
                axes = [axes[axis] for axis in codec.order]
        placed = dict(zip(axes, sharding.chunk_shape, strict=False))
        return tuple(placed[axis] for axis in range(self.ndim))

    @property
    def shards(self) -> tuple[int, ...] | None:
        """Shape of a shard, or None when chunks are objects of their own.

        Raises:
            IrregularGridError: shards have several shapes.
        """
        return None if self._sharding is None else self.grid.chunk_shape

    @cached_property
    def _parts(self) -> Parts:
        return FORMATS[str(self.zarr_format)].parts(self)

    @property
    def inner_codecs(self) -> tuple[Codec, ...]:
        """The chain of a chunk: inside the shard when there are shards."""
        return self.codecs if self._sharding is None else self._sharding.codecs

    @property
    def filters(self) -> tuple[Codec, ...]:
        """The codecs from cells to cells, inside the shard when there are shards; format 2's own `filters`."""
        return self._parts[0]

    @property
    def serializer(self) -> Codec | None:
        """The codec from cells to bytes; None in format 2, which has no word for it."""
        return self._parts[1]

    @property
    def compressors(self) -> tuple[Codec, ...]:
        """The codecs from bytes to bytes; format 2's own `compressor`."""
        return self._parts[2]

    @cached_property
    def chunk_grid_shape(self) -> tuple[int, ...]:
        """How many stored objects there can be along each axis."""
        return self.grid.shape_over(self.shape)

    @cached_property
    def fill_cell(self) -> bytes:
        """The bytes of an unwritten cell as they lie in memory; where cells vary in length, UTF-8 or the bytes."""
        return self.data_type.cell(self.fill_value)

    @property
    def chunk_cells(self) -> int:
        """The number of cells in a stored object; in the largest, where they differ."""
        return math.prod(self.grid.largest)

    @property
    def chunk_counts(self) -> tuple[int, ...]:
        """How many chunks there are along each axis, written or not."""
        return tuple(self._counted(axis) for axis in range(self.ndim))

    def _counted(self, axis: int) -> int:
        extent, edges = self.shape[axis], self.grid.axes[axis]
        if self.inner_chunk is None:
            return edges.count(extent)
        inner, count, left = self.inner_chunk[axis], 0, extent
        for edge, chunks, _ in edges.covering(extent):
            whole = min(chunks, left // edge)
            count += whole * -(-edge // inner)
            left -= whole * edge
            if whole < chunks:
                count += -(-left // inner)
                left = 0
        return count

    def chunk_lengths(self, axis: int) -> tuple[int, ...]:
        """The cells of each chunk along an axis that lie inside the array."""
        extent, edges = self.shape[axis], self.grid.axes[axis]
        if self.inner_chunk is None:
            return edges.lengths(extent)
        inner = self.inner_chunk[axis]
        found: list[int] = []
        for start, stop in edges.parts(extent):
            whole, rest = divmod(stop - start, inner)
            found.extend([inner] * whole + [rest] * bool(rest))
        return tuple(found)

    def _identity(self) -> tuple[Any, ...]:
        return (
            self.zarr_format,
            self.shape,
            self.data_type,
            self.grid,
            self.keys,
            self.codecs,
            None if self.fill_value is None else self.fill_cell,  # NaN payloads and -0.0 count, so bytes are compared
            self.__dict__["dimension_names"],
            self.order,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArrayModel):
            return NotImplemented
        return (
            self._identity() == other._identity()
            and same_json(self.attributes, other.attributes)
            and same_json(self.extra, other.extra)
        )

    def __hash__(self) -> int:
        return hash(self._identity())

    # ------------------------------------------------------------ others like it

    def with_shape(self, shape: Sequence[int]) -> ArrayModel:
        """The same array with another shape of as many axes.

        Raises:
            MetadataValidationError: another number of axes, or a length that no array has.
        """
        new = integers(tuple(shape), "shape")
        if len(new) != self.ndim:
            raise MetadataValidationError(
                f"shape {brief(new)} has {len(new)} entries for {self.ndim} axes; give one for each"
            )
        grid = self.grid
        if new != self.shape:
            grid = grid.fitted(new, self.inner_chunk or (1,) * self.ndim)
            check_chunk(grid.largest, self.ndim, self.data_type.cell_bytes, "the largest chunk of the grid")
        self.keys.check(grid.shape_over(new))
        return dataclasses.replace(self, shape=new, grid=grid)

    def with_attributes(self, attributes: dict[str, Any]) -> ArrayModel:
        """The same array with other attributes."""
        return dataclasses.replace(self, attributes=attributes)

    # ------------------------------------------------------------ what others are told

    @cached_property
    def shown(self) -> ArrayModel:
        """The model as users hold it: where the format has no names for axes, without an attribute for them."""
        if FORMATS[str(self.zarr_format)].names_axes:
            return self
        return _sharing(_NamelessModel, self)

    def lower(self, *, write_empty_chunks: bool = False, missing: str = "fill") -> tuple[str, tuple[object, ...]]:
        """What the engine needs to know, every name resolved.

        Args:
            write_empty_chunks: whether chunks that hold nothing but the fill value are stored.
            missing: "fill" when chunks that were never written read as the fill value, "error" when that is an error.

        Returns:
            a JSON text, and the codecs written in Python that it numbers.
        """
        known = self._lowered.get((write_empty_chunks, missing))
        if known is None:
            known = self._lowered[write_empty_chunks, missing] = self._lower(write_empty_chunks, missing)
        return known

    @cached_property
    def _lowered(self) -> dict[tuple[bool, str], tuple[str, tuple[object, ...]]]:
        return {}

    def _lower(self, write_empty_chunks: bool, missing: str) -> tuple[str, tuple[object, ...]]:
        handles: list[object] = []
        chain = Lowering(self.data_type.memory, self.data_type.vlen, handles, self.data_type)
        lower_chain(self.codecs, chain)
        document = {
            "shape": self.shape,
            "cell_bytes": self.data_type.cell_bytes,
            "vlen": self.data_type.vlen,
            "fill": self.fill_cell.hex(),
            "chunk_shape": self.grid.lowered(self.shape),
            "bounded": self.grid.bounded,
            "keys": self.keys.lowered(self.ndim),
            "codecs": chain.steps,
            "write_empty_chunks": bool(write_empty_chunks),
            "missing": missing,
        }
        return json.dumps(document), tuple(handles)

    def document(self) -> dict[str, Any]:
        """The document of this array, attributes included, as JSON values."""
        return FORMATS[str(self.zarr_format)].array_document(self)

    def to_dict(self) -> dict[str, Any]:
        """The document with the members that it leaves out because they say nothing, as zarr-python's `to_dict` has."""
        document = self.document()
        if FORMATS[str(self.zarr_format)].names_axes:
            document.setdefault("storage_transformers", [])
        return document

    @classmethod
    def create(cls, *, shape: Any, dtype: Any, zarr_format: int = 3, **settings: Any) -> ArrayModel:
        """A new array, with everything that was left to us decided.

        Args:
            shape: cells along each axis, or one integer.
            dtype: what a cell is; see `parse_dtype`.
            zarr_format: number of the format.
            settings: `chunks`, `shards`, `filters`, `serializer`, `compressors`, `fill_value`, `order`, `attributes`,
                `chunk_key_encoding` and `dimension_names`, each as `create_array` takes it; left out means "auto".
                `drafts` says whether drafts of extensions may be written.

        Raises:
            MetadataValidationError: settings that contradict each other, or that the format has no words for.
        """
        return FORMATS[str(zarr_format)].create(shape=shape, dtype=dtype, **settings)


class _NamelessModel(ArrayModel):
    """An array of a format without names for axes. Libraries tell formats apart by whether the attribute is there."""

    @property
    def dimension_names(self) -> Any:
        raise AttributeError(
            f"format {self.zarr_format} has no names for axes; those that attributes hold are array.dimension_names"
        )

    def with_shape(self, shape: Sequence[int]) -> ArrayModel:
        return _sharing(ArrayModel, self).with_shape(shape)

    def with_attributes(self, attributes: dict[str, Any]) -> ArrayModel:
        return _sharing(ArrayModel, self).with_attributes(attributes)

    def __repr__(self) -> str:
        return repr(_sharing(ArrayModel, self))


def _sharing(kind: type[ArrayModel], model: ArrayModel) -> ArrayModel:
    """A model seen as another class: both have one and the same content."""
    other = object.__new__(kind)
    object.__setattr__(other, "__dict__", model.__dict__)
    return other


class Consolidated:
    """What lies below a group, as the group's own document repeats it.

    Args:
        group: the group.
    """

    def __init__(self, group: GroupModel) -> None:
        self._group = group

    @cached_property
    def metadata(self) -> dict[str, ArrayModel | GroupModel]:
        """Models by name of the direct members; those of groups repeat what lies below these."""
        found: dict[str, ArrayModel | GroupModel] = READERS["copies"](self._group)
        return found

    @property
    def flattened_metadata(self) -> dict[str, ArrayModel | GroupModel]:
        """Models by path, of everything below; what lies below a group stands beside it, and not in it."""
        found: dict[str, ArrayModel | GroupModel] = {}
        for name, model in self.metadata.items():
            below = model.consolidated_metadata if isinstance(model, GroupModel) else None
            found[name] = model if below is None else model.with_consolidated({})  # type: ignore[union-attr]
            if below is not None:
                found.update({f"{name}/{path}": inner for path, inner in below.flattened_metadata.items()})
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Consolidated) and self.metadata == other.metadata

    __hash__ = None  # type: ignore[assignment]


@dataclasses.dataclass(frozen=True, eq=False)
class GroupModel:
    """What a group is.

    Attributes:
        zarr_format: the number of the format it is kept in.
        attributes: the user's own JSON; copy it before changing it, the model is shared.
        consolidated: documents of what lies below, as the group's own document repeats them, or None.
        extra: members of the document that nobody here knows, kept for the next writer.
        members: names of the document's members in the order they were found.
        keeps_tokens: whether the document had NaN or Infinity where JSON has no such words, so that it may keep them.
        consolidated_name: the document that repeats the others, where it does not have its usual name; "" where it has.
    """

    zarr_format: int = 3
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    consolidated: dict[str, Any] | None = None
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)
    members: tuple[str, ...] = ()
    keeps_tokens: bool = False
    consolidated_name: str = ""

    @property
    def node_type(self) -> str:
        """The word documents have for this."""
        return "group"

    @property
    def extra_fields(self) -> dict[str, Any]:
        """The same as `extra`, by the name zarr-python gives it."""
        return self.extra

    @cached_property
    def consolidated_metadata(self) -> Consolidated | None:
        """What lies below as the group's own document repeats it, or None; by the name zarr-python gives it."""
        return None if self.consolidated is None else Consolidated(self)

    @cached_property
    def why_read_only(self) -> str:
        """Why nothing of this group can be written whatever the store allows; "" where it can."""
        return FORMATS[str(self.zarr_format)].why_read_only

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GroupModel):
            return NotImplemented
        mine = (self.attributes, self.consolidated, self.extra)
        return self.zarr_format == other.zarr_format and same_json(
            mine, (other.attributes, other.consolidated, other.extra)
        )

    def __hash__(self) -> int:
        return hash((self.zarr_format, len(self.attributes), self.consolidated is None))

    def with_attributes(self, attributes: dict[str, Any]) -> GroupModel:
        """The same group with other attributes."""
        return dataclasses.replace(self, attributes=attributes)

    def with_consolidated(self, consolidated: dict[str, Any] | None) -> GroupModel:
        """The same group with other documents repeated in its own."""
        return dataclasses.replace(self, consolidated=consolidated)

    def to_dict(self) -> dict[str, Any]:
        """The document of this group, attributes included, as JSON values."""
        return FORMATS[str(self.zarr_format)].group_document(self)


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, NaN being the same as NaN and 1 not the same as true or 1.0."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same_json(v, other[k]) for k, v in one.items())
        )
    if isinstance(one, (list, tuple)):
        return isinstance(other, (list, tuple)) and len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (one != one and other != other)
    return type(one) is type(other) and bool(one == other)
