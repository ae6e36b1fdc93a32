"""The conversion itself: array by array, piece by piece, the next read while the last is written."""

from __future__ import annotations

import contextlib
import math
import os
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarrite.convert.asked import ShapeAsked, parse_bytes, parse_codecs, parse_shape, show_bytes
from zarrite.convert.detect import open_source
from zarrite.convert.digest import digest
from zarrite.convert.plan import ArrayPlan, Plan, default_memory_bytes, make_plan, plan_array
from zarrite.convert.source import (
    Box,
    ConversionError,
    ConversionWarning,
    Skipped,
    Source,
    SourceArray,
    TextError,
    box_shape,
)
from zarrite.convert.target import Skeleton, Target, make_skeleton
from zarrite.progress import Progress, Report, reporter

__all__ = ["Conversion", "convert"]


@dataclass(frozen=True, slots=True, repr=False)
class Conversion:
    """What a conversion did, or would do.

    Attributes:
        source: name of the source.
        kind: what the source was: "HDF5", "netCDF-4", "netCDF-3", "NumPy", "Zarr".
        target: name of the target.
        plan: grids, pieces and memory.
        skipped: what the target does not hold as it was, and why.
        is_dry: whether nothing was written.
        is_verified: whether every cell was read back and compared.
        seconds: time it took.
        stored_objects: objects in the target, documents included; `None` after a dry run.
        stored_bytes: their bytes; `None` after a dry run.
        digests: by array, digests of its pieces in order, in hex; only when verified.
    """

    source: str
    kind: str
    target: str
    plan: Plan
    skipped: tuple[Skipped, ...]
    is_dry: bool = False
    is_verified: bool = False
    seconds: float = 0.0
    stored_objects: int | None = None
    stored_bytes: int | None = None
    digests: dict[str, list[str]] = field(default_factory=dict)

    def __repr__(self) -> str:
        cells = f"{len(self.plan.arrays)} arrays, {show_bytes(self.plan.nbytes)}"
        stored = "dry run" if self.stored_bytes is None else f"stored in {show_bytes(self.stored_bytes)}"
        checked = ", verified" if self.is_verified else ""
        return f"<Conversion of {self.kind} {self.source} to {self.target}: {cells}, {stored}{checked}>"

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "source": self.source,
            "kind": self.kind,
            "target": self.target,
            "dry_run": self.is_dry,
            "verified": self.is_verified,
            "groups": sorted(self.plan.groups),
            "arrays": [plan.to_dict() for plan in self.plan.arrays],
            "bytes": self.plan.nbytes,
            "objects": self.plan.object_count,
            "memory_bytes": self.plan.memory_bytes,
            "memory_limit": self.plan.memory_limit,
            "stored_objects": self.stored_objects,
            "stored_bytes": self.stored_bytes,
            "seconds": round(self.seconds, 3),
            "skipped": [{"path": item.path, "why": item.why} for item in self.skipped],
        }


def convert(
    source: Any,
    target: Any,
    *,
    chunks: ShapeAsked = "auto",
    shards: ShapeAsked = "auto",
    codecs: Any = "auto",
    include: Iterable[str] | str = (),
    exclude: Iterable[str] | str = (),
    dry_run: bool = False,
    overwrite: bool = False,
    verify: bool = False,
    memory: str | int | None = None,
    progress: Progress | str | bool | None = None,
    follow_external: bool = False,
    enum_flags: bool = False,
) -> Conversion:
    """Converts a file or a store to sharded Zarr v3.

    Groups, attributes, dimension names, coordinates, fill values and packed numbers arrive as xarray looks for them, so
    that it shows the same dataset from the source and from the target. Memory stays below a limit, whatever the size of
    the arrays. The target's documents are written when all cells are in place: a conversion that is stopped leaves
    nothing that opens.

    Args:
        source: an HDF5, netCDF-4, netCDF-3, `.npy` or `.npz` file; Zarr of either format in a directory, a zip archive
            or a store; an array or group.
        target: a path, URL or store.
        chunks: "auto" (about 1 MiB, following the source's chunks), "source" (the source's chunks), a size such as
            "4MiB", lengths in cells such as `(10, 180, 360)` for arrays with that many axes, or lengths by dimension
            such as `{"time": 10}`; -1 is the whole axis.
        shards: the same; "auto" is about 64 MiB, "none" stores every chunk by itself.
        codecs: "auto"; compressors as text ("zstd:5", "blosc:zstd:5:shuffle", "gzip:5,crc32c", "none"); codec objects.
        include: globs of paths that are converted; all when empty.
        exclude: globs of paths that are not.
        dry_run: plan and write nothing.
        overwrite: replace a Zarr node, or a conversion that was stopped, at the target.
        verify: read every cell back and compare digests before the target is published.
        memory: limit such as "512MiB"; a quarter of this machine's memory, at most 1 GiB, when `None`.
        progress: a callable, or "auto", "bars", "json", "silent"; see `zarrite.progress`.
        follow_external: follow links and storage of an HDF5 file that lead into other files. Not by default, as a file
            from somebody else could name any file of this machine.
        enum_flags: keep names of enumerated values as CF `flag_values` and `flag_meanings`; xarray does not show them
            from HDF5.

    Returns:
        what was done: grids, bytes, what was left out and why.

    Raises:
        ConversionError: a source that is not read, a target that is taken, shapes or memory that do not fit, cells that
            did not come back (a `ValueError`).
        MissingDependencyError: the source needs a package that is not installed.
        StoreError: the target could not be written (an `OSError`).

    Warns:
        ConversionWarning: for everything that the target does not hold as the source did.

    Example:
        >>> import numpy as np, tempfile, os, zarrite
        >>> folder = tempfile.mkdtemp()
        >>> np.save(os.path.join(folder, "a.npy"), np.arange(10))
        >>> done = zarrite.convert(os.path.join(folder, "a.npy"), os.path.join(folder, "a.zarr"), verify=True)
        >>> zarrite.open_array(os.path.join(folder, "a.zarr"), mode="r")[-1]
        np.int64(9)
    """
    started = time.monotonic()
    compressors = parse_codecs(codecs)
    name, where = _name(source), _name(target)
    _refuse_overlap(source, target)
    limit = default_memory_bytes() if memory is None else parse_bytes(memory)
    with open_source(source, follow_external=follow_external, enum_flags=enum_flags, memory_bytes=limit) as opened:
        plan = make_plan(
            opened,
            chunks=chunks,
            shards=shards,
            include=[include] if isinstance(include, str) else include,
            exclude=[exclude] if isinstance(exclude, str) else exclude,
            memory_bytes=limit,
        )
        job = _Job(plan, opened, compressors, (parse_shape(chunks), parse_shape(shards)), verify, reporter(progress))
        skeleton = make_skeleton(plan, compressors)
        if not (dry_run and _is_absent(target)):
            place = Target(target, os.path.basename(name.rstrip("/")))
            place.check(overwrite=overwrite or dry_run)
        if dry_run:
            return _finished(job, name, where, started, is_dry=True)
        place.begin()
        try:
            job.run(place, skeleton)
            place.publish(skeleton)
            usage = place.usage()
        except BaseException as failure:
            # Chunks without documents are of no use to anybody; the marker stays when even this fails.
            with contextlib.suppress(Exception):
                place.abandon()
                place.close(failure)
            raise
        place.close()
    done = _finished(job, name, where, started, usage=usage)
    for item in done.skipped:
        warnings.warn(str(item), ConversionWarning, stacklevel=2)
    return done


def _finished(
    job: _Job, name: str, where: str, started: float, *, is_dry: bool = False, usage: tuple[int, int] | None = None
) -> Conversion:
    return Conversion(
        name,
        job.source.kind,
        where,
        Plan(job.plan.groups, job.plans, job.plan.memory_limit),
        tuple(job.source.skipped),
        is_dry=is_dry,
        is_verified=job.verify and not is_dry,
        seconds=time.monotonic() - started,
        stored_objects=usage[0] if usage else None,
        stored_bytes=usage[1] if usage else None,
        digests=job.digests,
    )


class _Job:
    """One conversion under way."""

    def __init__(
        self, plan: Plan, source: Source, compressors: Any, asked: tuple[Any, Any], verify: bool, tell: Progress
    ) -> None:
        self.plan = plan
        self.source = source
        self.compressors = compressors
        self.asked = asked
        self.verify = verify
        self.tell = tell
        self.plans = list(plan.arrays)
        self.digests: dict[str, list[str]] = {}
        self.done_bytes = 0
        self.buffers = _Buffers()

    def run(self, place: Target, skeleton: Skeleton) -> None:
        """Writes the cells of all arrays."""
        self._report("", 0)
        for position, plan in enumerate(self.plans):
            before = self.done_bytes
            try:
                self._array(plan, place, skeleton, position)
            except TextError as error:
                if plan.array.as_bytes is None:
                    raise TextError(f"{error}; Zarr strings are UTF-8, leave the array out with exclude") from error
                self.done_bytes = before
                place.clear_array(plan.array.path)
                raw = plan_array(plan.array.as_bytes, *self.asked, self.plan.memory_limit)
                self.plans[position] = raw
                skeleton.add_array(raw, self.compressors)
                self.source.skipped.append(Skipped(raw.array.path, "its text is not UTF-8 and is kept as bytes"))
                self._array(raw, place, skeleton, position)
            # Parts that were never written are done as well.
            self.done_bytes = before + plan.array.nbytes
        self._report("", len(self.plans), finished=True)

    def _array(self, plan: ArrayPlan, place: Target, skeleton: Skeleton, position: int) -> None:
        handle = place.array(skeleton, plan.array.path)
        made: list[tuple[Box, bytes]] = []
        for box, cells, mark in self._read(plan.array, plan.pieces()):
            handle.write(box or ..., cells)
            self.done_bytes += cells.size * plan.array.cell_bytes
            self._report(plan.array.path, position)
            if self.verify:
                made.append((box, mark))
        if self.verify:
            self._verify(place.array(skeleton, plan.array.path), plan.array, made)
            self.digests[plan.array.path] = [mark.hex() for _, mark in made]

    def _read(self, array: SourceArray, boxes: Iterator[Box]) -> Iterator[tuple[Box, NDArray[Any], bytes]]:
        """Pieces of the source with their digests; while one is in use the next is being read."""

        def read(box: Box, turn: int) -> tuple[Box, NDArray[Any], bytes]:
            out = None if array.is_text else self.buffers.give(turn, box_shape(box), np.dtype(array.dtype))
            cells = array.read(box, out)
            return box, cells, digest(cells) if self.verify else b""

        turn = 0
        first = next(boxes, None)
        if first is None:
            return
        with ThreadPoolExecutor(1, thread_name_prefix="zarrite-read") as helper:
            ahead: Future[tuple[Box, NDArray[Any], bytes]] | None = helper.submit(read, first, turn)
            while ahead is not None:
                ready = ahead.result()
                turn = 1 - turn
                following = next(boxes, None)
                ahead = None if following is None else helper.submit(read, following, turn)
                yield ready

    def _verify(self, handle: Any, array: SourceArray, made: list[tuple[Box, bytes]]) -> None:
        """Reads an array back and compares it with what was read from the source.

        Raises:
            ConversionError: a piece that came back differently.
        """
        for box, mark in made:
            out = None if array.is_text else self.buffers.give(0, box_shape(box), np.dtype(array.dtype))
            cells = handle.read(box, out=out) if out is not None and box else handle.read(box or ...)
            if digest(np.asarray(cells)) != mark:
                where = ", ".join(f"{cut.start}:{cut.stop}" for cut in box)
                raise ConversionError(f"array {array.path!r} did not come back as it was read, in [{where}]")

    def _report(self, item: str, done: int, *, finished: bool = False) -> None:
        self.tell(Report("convert", item, self.done_bytes, self.plan.nbytes, done, len(self.plans), finished))


class _Buffers:
    """Two stretches of memory that pieces are read into by turns."""

    def __init__(self) -> None:
        self._held: list[NDArray[np.uint8]] = [np.empty(0, np.uint8), np.empty(0, np.uint8)]

    def give(self, turn: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An uninitialised array; what was given for the same turn before is overwritten."""
        needed = math.prod(shape) * dtype.itemsize
        if self._held[turn].size < needed:
            self._held[turn] = np.empty(0, np.uint8)
            self._held[turn] = np.empty(needed, np.uint8)
        return self._held[turn][:needed].view(dtype).reshape(shape)


def _name(place: Any) -> str:
    if isinstance(place, str | os.PathLike):
        return os.fspath(place)
    return str(getattr(place, "url", None) or type(place).__name__)


def _is_absent(place: Any) -> bool:
    return isinstance(place, str | os.PathLike) and "://" not in os.fspath(place) and not os.path.exists(place)


def _refuse_overlap(source: Any, target: Any) -> None:
    """Refuses to write into what is being read."""
    if not all(isinstance(place, str | os.PathLike) for place in (source, target)):
        return
    one, other = (os.path.realpath(os.fspath(place)) for place in (source, target))
    if one == other or one.startswith(other + os.sep) or other.startswith(one + os.sep):
        raise ConversionError(f"the target {os.fspath(target)} and the source {os.fspath(source)} overlap")
