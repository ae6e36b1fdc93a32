"""What of an array follows a draft, and may be read but is written only where a program asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import MetadataValidationError
from .checks import brief
from .codecs import ARRAY, BYTE, Cells, Codec, cells_of, settle_chain
from .dtypes import DType
from .grids import Grid
from .node import ArrayModel
from .sharding import ShardingCodec

SETTING = "experimental.drafts"


def settle_codecs(codecs: tuple[Codec, ...], data_type: DType, grid: Grid, shape: tuple[int, ...]) -> tuple[Codec, ...]:
    """The chain, settled for the objects of a grid, of whatever shape they are.

    Raises:
        MetadataValidationError: a codec that does not fit, or that is another one for chunks of another shape.
    """
    samples = grid.samples(shape)
    settled = settle_chain(codecs, cells_of(data_type, samples[0]))
    for sample in samples[1:]:
        other = settle_chain(codecs, cells_of(data_type, sample))
        if other != settled:
            raise MetadataValidationError(
                f"the codecs depend on the shape of a chunk, and the chunks of grid {grid.name!r} differ in shape"
            )
    return settled


def clipped(codecs: Sequence[Codec], shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """A shard's shape and the inner chunk's that does not divide it, if there are any."""
    cells = Cells(BYTE, None, shape)
    for codec in codecs:
        if isinstance(codec, ShardingCodec):
            if codec.clips(cells.shape):
                return cells.shape, codec.chunk_shape
            return clipped(codec.codecs, codec.chunk_shape)
        if codec.kind != ARRAY:
            return None
        cells = codec.after(cells)
    return None


def given_index(codecs: Sequence[Codec]) -> bool:
    """Whether some level of shards has its index in the document."""
    return any(
        isinstance(codec, ShardingCodec) and (codec.predefined_index is not None or given_index(codec.codecs))
        for codec in codecs
    )


def refuse_drafts(model: ArrayModel) -> None:
    """Refuses to make what follows a draft.

    Raises:
        MetadataValidationError: names the draft.
    """
    for draft in (model.grid.draft, model.keys.draft):
        if draft is not None:
            raise MetadataValidationError(
                f"{draft} is a draft that may still change, so it is read but not written; "
                f"set {SETTING!r} in zarrite.config to write it all the same"
            )
    if given_index(model.codecs):
        raise MetadataValidationError(
            "shards whose index stands in the array's document are read and not written; choose index_location "
            "'end' or 'start'"
        )
    axes = model.grid.axes
    for shape in model.grid.samples(model.shape):
        # Where an axis has no chunks at all, none is clipped.
        found = clipped(model.codecs, tuple(edge if edges.runs else 0 for edge, edges in zip(shape, axes, strict=True)))
        if found is not None:
            raise MetadataValidationError(
                f"shards {brief(found[0])} are not divisible by chunks {brief(found[1])}; "
                "each edge of a shard must be a multiple of the chunk's "
                f"(clipped chunks are a draft; set {SETTING!r} in zarrite.config to write them all the same)"
            )
