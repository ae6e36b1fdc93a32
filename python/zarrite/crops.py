"""Crops: boxes of one size out of one array or several, in an order that suits their chunks.

For programs that learn from volumes too large for memory. Crops that share chunks are read one after another, by
several threads, ahead of their use; which crop comes out next is random nevertheless. `zarrite.torch` makes datasets
for PyTorch of this; nothing here needs it.

Example:
    >>> import numpy as np, zarrite.crops
    >>> image = zarrite.array(np.arange(64).reshape(8, 8), chunks=(4, 4))
    >>> crops = zarrite.crops.Crops(image, (2, 2))
    >>> len(crops)
    16
    >>> crops[3]
    array([[ 6,  7],
           [14, 15]])
    >>> print(*(batch.shape for batch in crops.stream(batch_size=6, seed=1)))
    (6, 2, 2) (6, 2, 2) (4, 2, 2)
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

import zarrite
from zarrite import Array

__all__ = ["Crops", "Visits"]

# A block of crops that are read near each other is so many crops long, or a chunk where that is longer.
BLOCK_CROPS = 2
# Reads that wait for a network at the same time.
IN_FLIGHT = 32


class Visits:
    """The order in which crops are read, and the order in which they come out.

    Attributes:
        reads: the numbers of the crops in the order of their reading: those of one object together.
        places: the place of each of these reads among what comes out.
    """

    __slots__ = ("places", "reads")

    def __init__(self, reads: NDArray[np.int64], places: NDArray[np.int64]) -> None:
        self.reads = reads
        self.places = places

    def __len__(self) -> int:
        return len(self.reads)

    def __iter__(self) -> Iterator[int]:
        """The numbers of the crops as they come out."""
        out = np.empty_like(self.reads)
        out[self.places] = self.reads
        return iter(out.tolist())


class Crops:
    """Boxes of one size in one array, or at the same place in several.

    Args:
        arrays: an array; or several as a tuple, a list or a mapping by name: an image and its labels, say. Places that
            `zarrite.open_array` takes may stand for arrays.
        size: length of a crop along the last axes, in cells. Axes before them are taken whole, and the arrays may
            differ there: of an image of shape (3, 512, 512) and labels of shape (512, 512) the size (64, 64) gives
            crops of shape (3, 64, 64) and (64, 64).
        stride: from one crop to the next along these axes; `size` when `None`, so that crops touch. The last crop of an
            axis ends where the array ends, so that each cell is in a crop unless the stride is larger than the size.
        count: so many crops at random places instead of a grid.
        origins: the first cell of each crop instead, shape (n, len(size)).

    Raises:
        ValueError: arrays of different lengths along the axes that are cropped, or shorter than a crop.
    """

    def __init__(
        self,
        arrays: Any,
        size: int | Sequence[int],
        *,
        stride: int | Sequence[int] | None = None,
        count: int | None = None,
        origins: Any = None,
    ) -> None:
        self.size = (size,) if isinstance(size, int) else tuple(int(edge) for edge in size)
        self._form, found = _form_of(arrays)
        self.arrays = tuple(
            array if isinstance(array, Array) else zarrite.open_array(array, mode="r") for array in found
        )
        self.lengths = self._agreed()
        if sum(given is not None for given in (stride, count, origins)) > 1:
            raise ValueError("stride, count and origins are three ways to say where crops are; give one of them")
        self._count = count
        self._drawn: tuple[tuple[int, int], NDArray[np.int64]] | None = None
        if origins is not None:
            self._fixed: NDArray[np.int64] | None = self._checked(origins)
        elif count is None:
            steps = self.size if stride is None else (stride,) * len(self.size) if isinstance(stride, int) else stride
            self._fixed = self._grid(steps)
        else:
            self._fixed = None

    def _agreed(self) -> tuple[int, ...]:
        """The lengths of the axes that are cropped."""
        if not self.arrays:
            raise ValueError("no array was given to take crops of")
        if not self.size or min(self.size) < 1:
            raise ValueError(f"a crop needs at least one cell along each axis, not {self.size}")
        rank = len(self.size)
        for array in self.arrays:
            if array.ndim < rank:
                raise ValueError(f"crops of {rank} axes were asked of {array.url}, which has {array.ndim}")
            lengths = array.shape[-rank:]
            if lengths != self.arrays[0].shape[-rank:]:
                raise ValueError(
                    f"{array.url} has {lengths} cells along the axes that are cropped, and {self.arrays[0].url} has "
                    f"{self.arrays[0].shape[-rank:]}; crops are at the same place in all arrays"
                )
            if any(edge > length for edge, length in zip(self.size, lengths, strict=True)):
                raise ValueError(f"a crop of {self.size} does not fit into the {lengths} cells of {array.url}")
        return self.arrays[0].shape[-rank:]

    def _grid(self, steps: Sequence[int]) -> NDArray[np.int64]:
        if len(steps) != len(self.size) or min(steps) < 1:
            raise ValueError(f"stride must have {len(self.size)} steps of at least one cell, not {tuple(steps)}")
        axes = []
        for length, edge, step in zip(self.lengths, self.size, steps, strict=True):
            starts = np.arange(0, length - edge + 1, step)
            if step <= edge and starts[-1] != length - edge:
                starts = np.append(starts, length - edge)
            axes.append(starts)
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)).astype(np.int64)

    def _checked(self, origins: Any) -> NDArray[np.int64]:
        found = np.array(origins, dtype=np.int64)
        if found.ndim != 2 or found.shape[1] != len(self.size):
            raise ValueError(f"origins must have the shape (n, {len(self.size)}), not {found.shape}")
        outside = (found < 0) | (found > np.subtract(self.lengths, self.size))
        if outside.any():
            where = int(outside.any(axis=1).argmax())
            raise ValueError(f"the crop at {found[where].tolist()} leaves the {self.lengths} cells that there are")
        return found

    def __len__(self) -> int:
        """How many crops there are."""
        return len(self._fixed) if self._fixed is not None else int(self._count or 0)

    def origins(self, seed: int = 0, epoch: int = 0) -> NDArray[np.int64]:
        """The first cell of each crop, shape (n, axes); a seed and an epoch give the same random ones everywhere."""
        if self._fixed is not None:
            return self._fixed
        # Who asks for one crop after another asks with the same words.
        if self._drawn is None or self._drawn[0] != (seed, epoch):
            room = np.subtract(self.lengths, self.size) + 1
            found = np.random.default_rng((0, seed, epoch)).integers(0, room, (len(self), len(room)))
            self._drawn = (seed, epoch), found
        return self._drawn[1]

    def __getitem__(self, number: int) -> Any:
        """The cells of a crop: an array, or a tuple or dictionary of arrays, as the arrays were given."""
        # NumPy's words for what is out of range, which end a loop.
        return self.read(self.origins()[number])

    def read(self, origin: Any, out: Sequence[NDArray[Any]] | None = None) -> Any:
        """The cells of the crop at a place, one native call an array.

        Args:
            origin: the first cell along each axis.
            out: an array to be filled for each array, of `shapes`.
        """
        key = (..., *(slice(int(at), int(at) + edge) for at, edge in zip(origin, self.size, strict=True)))
        if out is None:
            return self.formed([array[key] for array in self.arrays])
        for array, into in zip(self.arrays, out, strict=True):
            array.read(key, out=into)
        return self.formed(out)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of a crop in each array."""
        return tuple((*array.shape[: array.ndim - len(self.size)], *self.size) for array in self.arrays)

    def formed(self, parts: Sequence[Any]) -> Any:
        """One part for each array in the form in which the arrays were given: alone, a tuple or a dictionary."""
        if self._form is None:
            return parts[0]
        return tuple(parts) if isinstance(self._form, int) else dict(zip(self._form, parts, strict=True))

    # ---------------------------------------------------------------- the order

    def share(self, world_size: int, drop_last: bool = False) -> int:
        """How many crops a rank gets: as many as every other, or those that have more would wait for ever."""
        return len(self) // world_size if drop_last else -(-len(self) // world_size)

    def visits(
        self,
        *,
        seed: int = 0,
        epoch: int = 0,
        shuffle: bool = True,
        buffer: int = 64,
        rank: int = 0,
        world_size: int = 1,
        worker: int = 0,
        workers: int = 1,
        together: int = 1,
        drop_last: bool = False,
    ) -> Visits:
        """The crops of one worker, in the order of an epoch.

        All arguments are as in `stream`; `together` is the number of crops that go to one worker, its batch.
        """
        if not (0 <= rank < world_size and 0 <= worker < workers):
            raise ValueError(f"there is no rank {rank} of {world_size}, or no worker {worker} of {workers}")
        rng = np.random.default_rng((1, seed, epoch))
        order = self._by_chunk(self.origins(seed, epoch), rng) if shuffle else np.arange(len(self))
        each = self.share(world_size, drop_last)
        mine = np.take(order, np.arange(rank * each, (rank + 1) * each), mode="wrap") if each else order[:0]
        turns = -(-each // together)
        start, stop = (turns * at // workers * together for at in (worker, worker + 1))
        reads = mine[start:stop]
        mixing = np.random.default_rng((2, seed, epoch, rank, worker))
        return Visits(reads, _mixed(len(reads), buffer, mixing) if shuffle else np.arange(len(reads)))

    def _by_chunk(self, origins: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """The numbers of the crops: objects in random order, blocks of chunks within them, crops within those."""
        middles = origins + np.array(self.size) // 2
        array, rank = self.arrays[0], len(self.size)
        keys: list[NDArray[Any]] = [rng.random(len(origins))]
        for lengths in (array.read_chunk_sizes, array.write_chunk_sizes):
            block = np.zeros(len(origins), dtype=np.int64)
            for axis, (sizes, edge) in enumerate(zip(lengths[-rank:], self.size, strict=True)):
                ends = _ends(sizes, BLOCK_CROPS * edge)
                block = block * (len(ends) + 1) + np.searchsorted(ends, middles[:, axis], side="right")
            found, numbers = np.unique(block, return_inverse=True)
            keys.append(rng.permutation(len(found))[numbers])
        return np.lexsort(keys)

    # ---------------------------------------------------------------- the cells

    def stream(
        self,
        *,
        batch_size: int | None = None,
        seed: int = 0,
        epoch: int = 0,
        shuffle: bool = True,
        buffer: int = 64,
        ahead: int | None = None,
        rank: int = 0,
        world_size: int = 1,
        worker: int = 0,
        workers: int = 1,
        drop_last: bool = False,
    ) -> Iterator[Any]:
        """The crops of an epoch, read ahead by threads.

        Args:
            batch_size: give so many crops at once, along a new first axis. They are read straight to their places.
            seed: what random places and the random order follow from.
            epoch: which time through the data it is; each has places and an order of its own.
            shuffle: visit objects, and the crops in them, in random order; otherwise in the order of their numbers.
            buffer: how many crops are mixed: each comes out at random among so many that are read after it. They are
                held in memory.
            ahead: how many crops are read before they are asked for; as many as keep the machine, or the network, busy
                when `None`.
            rank: which of `world_size` programs this is. Each gets crops of its own, and as many as the others.
            world_size: how many programs learn together.
            worker: which of `workers` processes of this program this is.
            workers: how many processes read for this program.
            drop_last: what becomes of crops that `world_size` does not divide, and of a batch that is not full: left
                out, or else some crops are given to two ranks, and the last batch is smaller.

        Returns:
            samples: an array, or a tuple or dictionary of arrays, as the arrays were given.
        """
        rows = batch_size or 1
        visits = self.visits(
            seed=seed,
            epoch=epoch,
            shuffle=shuffle,
            buffer=buffer,
            rank=rank,
            world_size=world_size,
            worker=worker,
            workers=workers,
            together=rows,
            drop_last=drop_last,
        )
        local = all(array._store.is_local for array in self.arrays)
        threads = max(1, (os.cpu_count() or 1) // workers) if local else IN_FLIGHT
        ahead = max(2 * threads, rows) if ahead is None else ahead
        batches = _Batches(self, visits, self.origins(seed, epoch), rows, drop_last)
        for batch in batches.all(min(threads, max(ahead, 1)), (buffer if shuffle else 0) + ahead):
            yield self.formed(batch if batch_size is not None else [cells[0] for cells in batch])


class _Batches:
    """Batches that are being filled: reads go in one order, places come out in another."""

    def __init__(self, crops: Crops, visits: Visits, origins: NDArray[np.int64], rows: int, drop_last: bool) -> None:
        self._crops = crops
        self._visits = visits
        self._origins = origins
        self._rows = rows
        self._stop = len(visits) // rows * rows if drop_last else len(visits)
        # By number of the batch: its memory, and the reads that fill it.
        self._open: dict[int, tuple[list[NDArray[Any]], deque[Future[Any]]]] = {}
        self._asked = 0

    def all(self, threads: int, lead: int) -> Iterator[list[NDArray[Any]]]:
        """The batches in order; up to `lead` crops are asked for beyond the batch that is waited for."""
        pool = ThreadPoolExecutor(threads, thread_name_prefix="zarrite-crops")
        try:
            for number in range(-(-self._stop // self._rows)):
                self._ask(pool, (number + 1) * self._rows + lead)
                cells, reads = self._open.pop(number)
                while reads:
                    reads.popleft().result()
                yield cells
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, pool: ThreadPoolExecutor, until: int) -> None:
        visits, rows = self._visits, self._rows
        for step in range(self._asked, min(until, len(visits))):
            number, row = divmod(int(visits.places[step]), rows)
            if visits.places[step] >= self._stop:
                continue
            if number not in self._open:
                self._open[number] = self._empty(min(rows, self._stop - number * rows)), deque()
            cells, reads = self._open[number]
            origin = self._origins[visits.reads[step]]
            reads.append(pool.submit(self._crops.read, origin, [of[row, ...] for of in cells]))
        self._asked = max(self._asked, min(until, len(visits)))

    def _empty(self, rows: int) -> list[NDArray[Any]]:
        crops = self._crops
        return [
            np.empty((rows, *shape), dtype=array.dtype) for array, shape in zip(crops.arrays, crops.shapes, strict=True)
        ]


def _form_of(arrays: Any) -> tuple[Any, tuple[Any, ...]]:
    """How arrays were given (`None`: one alone; a number: in a row; names), and the arrays."""
    if isinstance(arrays, Mapping):
        return tuple(arrays), tuple(arrays.values())
    if isinstance(arrays, tuple | list):
        return len(arrays), tuple(arrays)
    return None, (arrays,)


def _ends(lengths: Sequence[int], least: int) -> NDArray[np.int64]:
    """Where blocks end that are made of whole parts of an axis and have a least length; not the last one's end."""
    ends = []
    last = end = 0
    for length in lengths[:-1]:
        end += length
        if end - last >= least:
            ends.append(end)
            last = end
    return np.array(ends, dtype=np.int64)


def _mixed(count: int, buffer: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The place of each of some reads among what comes out of a buffer that is emptied at random."""
    places = np.empty(count, dtype=np.int64)
    held = list(range(min(max(buffer, 1), count)))
    following = len(held)
    for place, chance in enumerate(rng.random(count).tolist()):
        at = int(chance * len(held))
        places[held[at]] = place
        if following < count:
            held[at] = following
            following += 1
        else:
            held[at] = held[-1]
            held.pop()
    return places
