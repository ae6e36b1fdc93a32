//! From stored bytes to the cells that are wanted.

use super::{PART_BYTES, Read};
use crate::error::{Error, Result};
use crate::runtime::{Work, runtime};
use std::sync::Arc;
use zarrite_core::cells::VIEW_BYTES;
use zarrite_core::copy::{self, Copy, CopyAxis};
use zarrite_core::layout::Compiled;
use zarrite_core::program::Missing;
use zarrite_core::{Leaf, Memory, Wanted, Workspace};

/// Parts of an uncompressed chunk nearer than this are read together.
const NEAR_BYTES: usize = 4 << 10;

impl Read {
    /// Decodes stored bytes to where they are wanted.
    pub(super) fn place(
        &self,
        key: &str,
        leaf: &Compiled<'_, Leaf>,
        wanted: &Wanted<'_>,
        stored: &[u8],
        workspace: &mut Workspace,
    ) -> Result<()> {
        let n = leaf.bytes();
        if leaf.chain.is_plain() {
            self.check_size(key, leaf, stored.len() as u64)?;
            return self.scatter(leaf, wanted, stored);
        }
        if let Some(offset) = self.array.lies_together(leaf, wanted, &self.out.strides)
            // SAFETY: pieces of a plan write disjoint cells.
            && let Some(cells) = unsafe { self.out.memory.bytes_mut(offset, n) }
        {
            return self.decode(key, leaf, stored, cells, workspace);
        }
        if let Some(done) = self.place_parts(key, leaf, wanted, stored, workspace) {
            return done;
        }
        let mut cells = workspace.buffer(n)?;
        let done = self.decode(key, leaf, stored, &mut cells[..n], workspace);
        let done = done.and_then(|()| self.scatter(leaf, wanted, &cells[..n]));
        workspace.put_back(cells);
        done
    }

    /// Decodes the wanted parts of a chunk alone, where its codec can.
    pub(super) fn place_parts(
        &self,
        key: &str,
        leaf: &Compiled<'_, Leaf>,
        wanted: &Wanted<'_>,
        stored: &[u8],
        workspace: &mut Workspace,
    ) -> Option<Result<()>> {
        let n = leaf.bytes();
        let codec = leaf.chain.only_codec().filter(|_| n >= PART_BYTES)?;
        let parts = self.parts(leaf, wanted)?;
        let mut cells = match workspace.buffer(n) {
            Ok(cells) => cells,
            Err(error) => return Some(Err(error.into())),
        };
        let done = parts.iter().try_fold(true, |_, &(first, last)| {
            codec.decode_range(stored, first, &mut cells[first..last], &mut workspace.context)
        });
        let done = match done {
            Ok(true) => Some(self.scatter(leaf, wanted, &cells[..n])),
            Ok(false) => None,
            Err(why) => Some(Err(self.array.undecodable(key, why))),
        };
        workspace.put_back(cells);
        done
    }

    pub(super) fn decode(
        &self,
        key: &str,
        leaf: &Compiled<'_, Leaf>,
        stored: &[u8],
        cells: &mut [u8],
        workspace: &mut Workspace,
    ) -> Result<()> {
        if self.few
            && let Some(done) = self.decode_together(key, leaf, stored, cells, workspace)
        {
            return done;
        }
        leaf.chain
            .decode(stored, cells, workspace)
            .map_err(|why| self.array.undecodable(key, why))
    }

    /// One large chunk decoded by all threads, where its codec can decode a part alone.
    fn decode_together(
        &self,
        key: &str,
        leaf: &Compiled<'_, Leaf>,
        stored: &[u8],
        cells: &mut [u8],
        workspace: &mut Workspace,
    ) -> Option<Result<()>> {
        let n = cells.len();
        // Quarters of a thread's share, so that a slow thread does not hold up the rest; whole cells.
        let parts = runtime().threads() * 4;
        let share = n
            .div_ceil(parts)
            .next_multiple_of(self.array.program.cell_bytes.max(1))
            .max(1);
        let codec = leaf.chain.only_codec()?;
        match codec.decode_range(stored, 0, &mut cells[..share.min(n)], &mut workspace.context) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(why) => return Some(Err(self.array.undecodable(key, why))),
        }
        let (array, leaf, key) = (self.array.clone(), leaf.share(), key.to_owned());
        let (stored_bytes, stored, cells) = (stored.len(), Memory::of(stored), Memory::of_mut(cells));
        let work: Arc<Work> = Arc::new(move |part, workspace| {
            let first = (part + 1) * share;
            let last = n.min(first + share);
            // SAFETY: both outlive `run_and_help`, and parts are disjoint.
            let (source, target) = unsafe {
                (
                    stored.bytes(0, stored_bytes),
                    cells.bytes_mut(first as isize, last - first),
                )
            };
            let (Some(source), Some(target), Some(codec)) = (source, target, leaf.chain.only_codec()) else {
                return Err(Error::Defect("a part of a chunk lies outside of it".into()));
            };
            codec
                .decode_range(source, first, target, &mut workspace.context)
                .map(drop)
                .map_err(|why| array.undecodable(&key, why))
        });
        Some(runtime().run_and_help(n.div_ceil(share) - 1, 1, work, workspace))
    }

    /// Parts of an uncompressed chunk, read and scattered; `start` is where the chunk begins in its object.
    pub(super) fn plain_parts(
        &self,
        object: &dyn crate::store::Object,
        start: u64,
        leaf: &Leaf,
        wanted: &Wanted<'_>,
        parts: &[(usize, usize)],
        workspace: &mut Workspace,
    ) -> Result<()> {
        // Only the stretch that the parts span is held: a chunk may be far larger than what is wanted of it.
        let n = leaf.bytes();
        let (low, high) = parts
            .first()
            .zip(parts.last())
            .map_or((0, n), |(first, last)| (first.0, last.1));
        let mut cells = workspace.buffer(high - low)?;
        let mut read =
            |first: usize, last: usize| object.read_at(start + first as u64, &mut cells[first - low..last - low]);
        let done = if parts.is_empty() {
            read(0, n)
        } else {
            parts.iter().try_for_each(|&(first, last)| read(first, last))
        };
        let done = done.map_err(Error::from).and_then(|()| {
            let mut copy = self.array.copy_out(leaf, wanted, &self.out.strides);
            copy.from -= low as isize;
            Ok(copy.run(
                &Memory::of(&cells[..high - low]),
                &self.out.memory,
                self.array.program.cell_bytes,
            )?)
        });
        workspace.put_back(cells);
        done
    }

    /// The byte ranges of a decoded chunk that hold what is wanted, or `None` when the whole may as well be had.
    pub(super) fn parts(&self, leaf: &Leaf, wanted: &Wanted<'_>) -> Option<Vec<(usize, usize)>> {
        let cell = self.array.program.cell_bytes;
        let n = leaf.bytes();
        if wanted.cells().saturating_mul(cell) > n / 4 {
            return None;
        }
        let copy = self.array.copy_out(leaf, wanted, &self.out.strides);
        let mut starts = vec![copy.from];
        let mut length = cell as isize;
        // From the innermost axis outwards: what lies near becomes longer, the rest becomes more.
        let mut axes: Vec<&CopyAxis> = copy.axes.iter().collect();
        axes.sort_by_key(|axis| match axis {
            CopyAxis::Stride { from, .. } => from.unsigned_abs(),
            CopyAxis::List(_) => usize::MAX,
        });
        for axis in axes {
            match axis {
                CopyAxis::Stride { count: 0, .. } => return None,
                CopyAxis::Stride { count, from, .. } => {
                    let reach = (*count as isize - 1) * from;
                    if from.unsigned_abs() <= length as usize + NEAR_BYTES {
                        if reach < 0 {
                            for start in &mut starts {
                                *start += reach;
                            }
                        }
                        length += reach.abs();
                    } else {
                        if starts.len() * count > 1024 {
                            return None;
                        }
                        starts = (0..*count as isize)
                            .flat_map(|i| starts.iter().map(move |s| s + i * from))
                            .collect();
                    }
                }
                CopyAxis::List(pairs) => {
                    if starts.len() * pairs.len() > 1024 {
                        return None;
                    }
                    starts = pairs
                        .iter()
                        .flat_map(|(from, _)| starts.iter().map(move |s| s + from))
                        .collect();
                }
            }
        }
        starts.sort_unstable();
        let mut parts: Vec<(usize, usize)> = Vec::new();
        for start in starts {
            let (first, last) = (start as usize, (start + length) as usize);
            match parts.last_mut() {
                Some((_, end)) if first <= *end + NEAR_BYTES => *end = last.max(*end),
                _ => parts.push((first, last)),
            }
        }
        let bytes: usize = parts.iter().map(|(first, last)| last - first).sum();
        (bytes <= n / 2 && parts.last().is_some_and(|&(_, last)| last <= n)).then_some(parts)
    }

    pub(super) fn scatter(&self, leaf: &Leaf, wanted: &Wanted<'_>, cells: &[u8]) -> Result<()> {
        let copy = self.array.copy_out(leaf, wanted, &self.out.strides);
        Ok(copy.run(&Memory::of(cells), &self.out.memory, self.array.program.cell_bytes)?)
    }

    /// What reads where nothing was written.
    pub(super) fn absent(&self, key: &str, leaf: &Leaf, wanted: &Wanted<'_>) -> Result<()> {
        let program = &self.array.program;
        if program.missing == Missing::Error {
            return Err(Error::Missing {
                place: self.array.place(key),
            });
        }
        let cell = program.cell_bytes;
        let mut copy: Copy = self.array.copy_out(leaf, wanted, &self.out.strides);
        copy.from = 0;
        let last = copy.axes.len().saturating_sub(1);
        let mut longest = 1;
        for (at, axis) in copy.axes.iter_mut().enumerate() {
            match axis {
                CopyAxis::Stride { count, from, .. } if at == last => {
                    *from = cell as isize;
                    longest = (*count).max(1);
                }
                CopyAxis::Stride { from, .. } => *from = 0,
                CopyAxis::List(pairs) => pairs.iter_mut().for_each(|(from, _)| *from = 0),
            }
        }
        let mut row = vec![0; longest * cell];
        if cell > 0 {
            copy::fill(&mut row, program.fill());
        }
        debug_assert!(program.vlen.is_none() || cell == VIEW_BYTES);
        Ok(copy.run(&Memory::of(&row), &self.out.memory, cell)?)
    }
}
