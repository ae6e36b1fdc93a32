"""PyTorch on zarrite: datasets of crops for `torch.utils.data.DataLoader`.

`CropStream` is an iterable dataset: it reads crops that share chunks together, ahead of their use, and mixes them.
`CropDataset` has a length and an item for each number; `CropSampler` gives it an order that suits its chunks. Both are
for worker processes, forked or spawned, and for several programs that learn together.

Whole arrays need none of this: `torch.from_dlpack(array)` and `torch.from_numpy(array[...])`.

Example:
    >>> import numpy as np, zarrite.torch
    >>> from torch.utils.data import DataLoader
    >>> image = zarrite.array(np.zeros((64, 64), "float32"), chunks=(16, 16))
    >>> stream = zarrite.torch.CropStream(image, (8, 8), batch_size=16, seed=0)
    >>> print(*(tuple(batch.shape) for batch in DataLoader(stream, batch_size=None)))
    (16, 8, 8) (16, 8, 8) (16, 8, 8) (16, 8, 8)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from zarrite.crops import Crops
from zarrite.errors import MissingDependencyError

try:
    import torch
    from torch.utils.data import Dataset, IterableDataset, Sampler, get_worker_info
except ModuleNotFoundError as missing:
    raise MissingDependencyError("torch", "loading crops for PyTorch", "torch") from missing

__all__ = ["CropDataset", "CropSampler", "CropStream"]

# Crops of one batch that are read at the same time.
TOGETHER = 16

Transform = Callable[[Any], Any] | None


class CropDataset(Dataset):  # type: ignore[misc]
    """Crops by number: a map-style dataset.

    A batch is read at once when a `DataLoader` asks for it.

    Args:
        arrays: an array, or several as a tuple or a mapping by name; see `zarrite.crops.Crops`.
        size: length of a crop along the last axes, in cells.
        stride: from one crop of the grid to the next; `size` when `None`.
        count: so many crops at random places instead of a grid.
        origins: the first cell of each crop instead, shape (n, len(size)).
        seed: what random places follow from.
        transform: called with each sample: a tensor, or a tuple or dictionary of tensors.

    Example:
        >>> import numpy as np, zarrite.torch
        >>> image = zarrite.array(np.arange(16.0).reshape(4, 4), chunks=(2, 2))
        >>> labels = zarrite.array(np.eye(4, dtype="int64"), chunks=(2, 2))
        >>> crops = zarrite.torch.CropDataset((image, labels), (2, 2))
        >>> crops[3]
        (tensor([[10., 11.],
                [14., 15.]], dtype=torch.float64), tensor([[1, 0],
                [0, 1]]))
    """

    def __init__(
        self,
        arrays: Any,
        size: int | Sequence[int],
        *,
        stride: int | Sequence[int] | None = None,
        count: int | None = None,
        origins: Any = None,
        seed: int = 0,
        transform: Transform = None,
    ) -> None:
        self.crops = Crops(arrays, size, stride=stride, count=count, origins=origins)
        self.seed = seed
        self.transform = transform

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, number: int) -> Any:
        return self._sample(self.crops.read(self.crops.origins(self.seed)[number]))

    def __getitems__(self, numbers: Sequence[int]) -> list[Any]:
        """Several crops, read at the same time."""
        wanted = self.crops.origins(self.seed)[list(numbers)]
        if len(wanted) < 2:
            return [self._sample(self.crops.read(origin)) for origin in wanted]
        with ThreadPoolExecutor(min(len(wanted), TOGETHER)) as pool:
            return [self._sample(cells) for cells in pool.map(self.crops.read, wanted)]

    def _sample(self, cells: Any) -> Any:
        sample = tensors(cells)
        return sample if self.transform is None else self.transform(sample)


class CropSampler(Sampler):  # type: ignore[misc]
    """An order of a `CropDataset` in which crops that share chunks follow each other, mixed by a buffer.

    Args:
        dataset: the crops.
        seed: what the order follows from.
        buffer: how many crops are mixed.
        rank: which of `world_size` programs this is.
        world_size: how many programs learn together; each gets crops of its own, and as many as the others.
        drop_last: leave out crops that `world_size` does not divide, instead of giving some to two ranks.

    Example:
        >>> import numpy as np, zarrite.torch
        >>> crops = zarrite.torch.CropDataset(zarrite.array(np.zeros((8, 8)), chunks=(4, 4)), (2, 2))
        >>> sorted(zarrite.torch.CropSampler(crops)) == list(range(16))
        True
    """

    def __init__(
        self,
        dataset: CropDataset,
        *,
        seed: int = 0,
        buffer: int = 64,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = False,
    ) -> None:
        self.dataset = dataset
        self.epoch = 0
        self._settings: dict[str, Any] = {"seed": seed, "buffer": buffer, "rank": rank, "world_size": world_size}
        self._drop_last = drop_last

    def set_epoch(self, epoch: int) -> None:
        """Says which time through the data comes next; each has an order of its own."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.dataset.crops.share(self._settings["world_size"], self._drop_last)

    def __iter__(self) -> Iterator[int]:
        origins = self.dataset.crops.origins(self.dataset.seed)
        placed = Crops(self.dataset.crops.arrays, self.dataset.crops.size, origins=origins)
        return iter(placed.visits(epoch=self.epoch, drop_last=self._drop_last, **self._settings))


class CropStream(IterableDataset):  # type: ignore[misc]
    """Crops as a stream: an iterable dataset that reads ahead.

    Each worker process of a `DataLoader`, and each rank, gets crops of its own. With `batch_size` crops are read
    straight into batches, and the loader's own is `None`: `DataLoader(stream, batch_size=None)`.

    Args:
        arrays: an array, or several as a tuple or a mapping by name; see `zarrite.crops.Crops`.
        size: length of a crop along the last axes, in cells.
        batch_size: give so many crops at once; single ones when `None`.
        stride: from one crop of the grid to the next; `size` when `None`.
        count: so many crops at random places, new ones in each epoch, instead of a grid.
        origins: the first cell of each crop instead, shape (n, len(size)).
        seed: what random places and the random order follow from, together with the epoch. `None` draws one from
            PyTorch's own generator each time the data are gone through.
        shuffle: visit objects, and the crops in them, in random order.
        buffer: how many crops are mixed, and held in memory for that.
        ahead: how many crops are read before they are asked for.
        rank: which of `world_size` programs this is.
        world_size: how many programs learn together.
        drop_last: leave out what does not fill a batch, and crops that `world_size` does not divide.
        transform: called with each sample, or batch: a tensor, or a tuple or dictionary of tensors.

    Raises:
        ValueError: several ranks and no seed: they would not agree on who gets what.
    """

    def __init__(
        self,
        arrays: Any,
        size: int | Sequence[int],
        *,
        batch_size: int | None = None,
        stride: int | Sequence[int] | None = None,
        count: int | None = None,
        origins: Any = None,
        seed: int | None = None,
        shuffle: bool = True,
        buffer: int = 64,
        ahead: int | None = None,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = False,
        transform: Transform = None,
    ) -> None:
        super().__init__()
        if seed is None and world_size > 1:
            raise ValueError("ranks share crops out by a seed that all of them have; pass the same seed to each")
        self.crops = Crops(arrays, size, stride=stride, count=count, origins=origins)
        self.batch_size = batch_size
        self.transform = transform
        self._seed = seed
        self._drop_last = drop_last
        self._settings: dict[str, Any] = {
            "shuffle": shuffle,
            "buffer": buffer,
            "ahead": ahead,
            "rank": rank,
            "world_size": world_size,
        }
        # In memory that workers share, so that those which stay from epoch to epoch see it change.
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()
        self._passes = 0

    @property
    def epoch(self) -> int:
        """Which time through the data comes next."""
        return int(self._epoch[0])

    def set_epoch(self, epoch: int) -> None:
        """Says which time through the data comes next, to all workers: each has places and an order of its own."""
        self._epoch[0] = epoch

    def __len__(self) -> int:
        """How many samples, or batches, this rank gets."""
        rows = self.batch_size or 1
        crops = self.crops.share(self._settings["world_size"], self._drop_last)
        return crops // rows if self._drop_last else (crops + rows - 1) // rows

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        if self._seed is not None:
            seed, epoch = self._seed, self.epoch
        else:
            # All workers of a loader have one seed in common. Those that stay count how often they were asked.
            seed = int(torch.randint(1 << 62, ())) if info is None else info.seed - info.id
            epoch = self.epoch + self._passes
            self._passes += 1
        samples = self.crops.stream(
            batch_size=self.batch_size,
            seed=seed,
            epoch=epoch,
            worker=worker,
            workers=workers,
            drop_last=self._drop_last,
            **self._settings,
        )
        for cells in samples:
            sample = tensors(cells)
            yield sample if self.transform is None else self.transform(sample)


def tensors(cells: Any) -> Any:
    """NumPy arrays (one, a tuple or a dictionary of them) as tensors of the same memory.

    Raises:
        TypeError: cells of a type that PyTorch does not have.
    """
    if isinstance(cells, Mapping):
        return {name: tensors(of) for name, of in cells.items()}
    if isinstance(cells, tuple):
        return tuple(tensors(of) for of in cells)
    cells = np.asarray(cells)
    native = cells if cells.dtype.isnative else cells.astype(cells.dtype.newbyteorder("="))
    try:
        return torch.from_numpy(native)
    except TypeError as error:
        raise TypeError(
            f"PyTorch has no tensors of {cells.dtype}; read such arrays with zarrite.crops, which gives NumPy arrays"
        ) from error
