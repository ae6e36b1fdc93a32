# /// script
# requires-python = ">=3.11"
# dependencies = ["zarrite"]
# ///
"""Appends measurements to an array while a second task watches it, in one event loop that never blocks."""

import asyncio

import numpy as np

import zarrite

PLACE = "log.zarr"
BLOCKS, ROWS = 8, 500


async def measure() -> None:
    """Appends blocks of rows: time, value."""
    log = await zarrite.open_array.aio(PLACE, mode="r+")
    for block in range(BLOCKS):
        times = np.arange(block * ROWS, (block + 1) * ROWS, dtype="float64")
        await log.append.aio(np.stack([times, np.sin(times / 100)], axis=1))
        await asyncio.sleep(0.01)


async def watch() -> None:
    """Sees only whole blocks, whenever it looks."""
    seen = 0
    while seen < BLOCKS * ROWS:
        log = await zarrite.open_array.aio(PLACE, mode="r")
        if log.shape[0] > seen:
            rows = await log.read.aio(slice(seen, log.shape[0]))
            assert rows.shape[0] % ROWS == 0
            assert (np.diff(rows[:, 0]) == 1).all()
            print(f"rows {seen} to {log.shape[0]}: mean {rows[:, 1].mean():+.3f}")
            seen = log.shape[0]
        await asyncio.sleep(0.005)


async def main() -> None:
    await zarrite.create_array.aio(PLACE, shape=(0, 2), dtype="float64", chunks=(1000, 2), overwrite=True)
    await asyncio.gather(measure(), watch())


if __name__ == "__main__":
    asyncio.run(main())
