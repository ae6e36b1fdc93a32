# /// script
# requires-python = ">=3.11"
# dependencies = ["zarrite"]
# ///
"""Fills one array from several processes, each of which writes shards of its own."""

import multiprocessing

import numpy as np

import zarrite

PLACE = "field.zarr"


def write(first_row: int) -> float:
    """Computes and writes one row of shards; gives its sum."""
    array = zarrite.open_array(PLACE, mode="r+")
    rows = slice(first_row, first_row + array.shards[0])
    cells = np.random.default_rng(first_row).random((array.shards[0], array.shape[1]), dtype="float32")
    array[rows] = cells
    return float(cells.sum(dtype="float64"))


def main() -> None:
    array = zarrite.create_array(
        PLACE, shape=(1024, 2048), dtype="float32", chunks=(64, 64), shards=(256, 512), overwrite=True
    )
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        sums = pool.map(write, range(0, array.shape[0], array.shards[0]))
    assert np.isclose(array[...].sum(dtype="float64"), sum(sums))
    print(array.info)


if __name__ == "__main__":
    main()
