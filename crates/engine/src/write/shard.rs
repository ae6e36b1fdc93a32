//! A shard with new chunks: those that no piece touches are carried over as the bytes they are.

use super::{LITTLE_BYTES, Write};
use crate::error::{Error, Result};
use crate::runtime::{go_on, runtime};
use crate::sync::Mutex;
use bytes::Bytes;
use zarrite_core::layout::Level;
use zarrite_core::shard::ShardIndex;
use zarrite_core::{Error as CoreError, Workspace};

/// A shard as it is put: pieces of the old one and new bytes, in the order of their slots.
pub(super) struct Built {
    /// New bytes: one buffer, or one a batch of chunks that were encoded beside each other.
    bodies: Vec<Vec<u8>>,
    segments: Vec<Segment>,
    index: Vec<u8>,
    index_at_end: bool,
}

/// Consecutive bytes of a shard and where they come from.
struct Segment {
    source: Source,
    first: usize,
    last: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Old,
    Body(usize),
}

impl Built {
    pub(super) fn parts<'a>(&'a self, old: &'a [u8]) -> Vec<&'a [u8]> {
        let mut parts = Vec::with_capacity(self.segments.len() + 1);
        if !self.index_at_end {
            parts.push(&self.index[..]);
        }
        parts.extend(self.segments.iter().map(|segment| match segment.source {
            Source::Old => &old[segment.first..segment.last],
            Source::Body(body) => &self.bodies[body][segment.first..segment.last],
        }));
        if self.index_at_end {
            parts.push(&self.index);
        }
        parts
    }

    /// As `parts`, to be handed on.
    pub(super) fn into_parts(self, old: &Bytes) -> Vec<Bytes> {
        let bodies: Vec<Bytes> = self.bodies.into_iter().map(|body| runtime().lend(body)).collect();
        let mut parts: Vec<Bytes> = self
            .segments
            .iter()
            .map(|segment| match segment.source {
                Source::Old => old.slice(segment.first..segment.last),
                Source::Body(body) => bodies[body].slice(segment.first..segment.last),
            })
            .collect();
        let at = if self.index_at_end { parts.len() } else { 0 };
        parts.insert(at, self.index.into());
        parts
    }

    fn push(&mut self, source: Source, first: usize, last: usize) {
        match self.segments.last_mut() {
            Some(segment) if segment.source == source && segment.last == first => segment.last = last,
            _ => self.segments.push(Segment { source, first, last }),
        }
    }

    pub(super) fn put_back(self, workspace: &mut Workspace) {
        self.bodies.into_iter().for_each(|body| workspace.put_back(body));
    }
}

/// Where a chunk's new bytes are: body, first and last byte; `None` when it holds nothing but the fill value.
type Placed = Option<(usize, usize, usize)>;

/// A shard being written.
pub(super) struct Shard<'a> {
    pub(super) write: &'a Write,
    pub(super) key: &'a str,
    pub(super) at: usize,
    /// Whether the object stays when nothing is left in it.
    pub(super) stays: bool,
}

impl Shard<'_> {
    /// The shard at `level` with its new chunks; `None` when it holds none.
    pub(super) fn build(
        &self,
        depth: usize,
        pieces: &[usize],
        old: Option<&[u8]>,
        workspace: &mut Workspace,
    ) -> Result<Option<Built>> {
        // All of these chunks lie in one shard of this level, whichever is asked.
        let (leaf, _) = self
            .write
            .plan
            .piece(self.at, pieces.first().copied().unwrap_or_default());
        let level = &*self.write.array.program.level(depth, &leaf)?;
        let writable = level.place.check_writable();
        writable.map_err(|why| self.write.array.unencodable(self.key, why))?;
        let undecodable = |why: CoreError| self.write.array.undecodable(self.key, why);
        let old_index = match old {
            None => ShardIndex::empty(level.place.slots()),
            Some(old) => {
                let range = level.place.index_range(old.len() as u64).map_err(undecodable)?;
                let stored = &old[range.start as usize..range.end as usize];
                level.place.decode_index(stored, workspace).map_err(undecodable)?
            }
        };
        let old = old.unwrap_or_default();
        let groups = self.groups(level, pieces);
        let (bodies, new) = self.chunks(depth, &groups, &old_index, old, workspace)?;
        let mut built = Built {
            bodies,
            segments: Vec::new(),
            index: Vec::new(),
            index_at_end: level.place.index_at_end(),
        };
        let mut index = ShardIndex::empty(level.place.slots());
        let mut at = level.place.first_byte();
        let mut touched = groups.iter().zip(new).peekable();
        for slot in 0..level.place.slots() {
            let placed = if touched.peek().is_some_and(|((its, _), _)| *its == slot) {
                touched
                    .next()
                    .and_then(|(_, placed)| placed)
                    .map(|(body, first, last)| (Source::Body(body), first, last))
            } else {
                let range = old_index.get(slot, old.len() as u64).map_err(undecodable)?;
                range.map(|range| (Source::Old, range.start as usize, range.end as usize))
            };
            if let Some((source, first, last)) = placed {
                built.push(source, first, last);
                index.set(slot, at, (last - first) as u64);
                at += (last - first) as u64;
            }
        }
        if built.segments.is_empty() && !(self.stays && depth == 0) {
            built.put_back(workspace);
            return Ok(None);
        }
        let encoded = level.place.encode_index(&index, workspace);
        built.index = encoded.map_err(|why| self.write.array.unencodable(self.key, why))?;
        Ok(Some(built))
    }

    /// The pieces by the slot of this level that holds them, ascending.
    fn groups(&self, level: &Level, pieces: &[usize]) -> Vec<(usize, Vec<usize>)> {
        let slot = |piece: usize| level.slot(&self.write.plan.piece(self.at, piece).0);
        let mut slots: Vec<(usize, usize)> = pieces.iter().map(|&piece| (slot(piece), piece)).collect();
        slots.sort_unstable();
        let group = |group: &[(usize, usize)]| (group[0].0, group.iter().map(|&(_, piece)| piece).collect());
        slots.chunk_by(|a, b| a.0 == b.0).map(group).collect()
    }

    /// The new chunks of this level, one a group, and the buffers they are in.
    fn chunks(
        &self,
        depth: usize,
        groups: &[(usize, Vec<usize>)],
        old_index: &ShardIndex,
        old: &[u8],
        workspace: &mut Workspace,
    ) -> Result<(Vec<Vec<u8>>, Vec<Placed>)> {
        let last = depth + 1 == self.write.array.program.depth();
        let one = |(slot, pieces): &(usize, Vec<usize>), body: &mut Vec<u8>, workspace: &mut Workspace| {
            go_on()?;
            let range = old_index.get(*slot, old.len() as u64);
            let range = range.map_err(|why| self.write.array.undecodable(self.key, why))?;
            let old = range.map(|range| &old[range.start as usize..range.end as usize]);
            let first = body.len();
            let kept = if last {
                self.write
                    .leaf(self.key, self.at, pieces[0], old, body, false, workspace)?
            } else if let Some(built) = self.build(depth + 1, pieces, old, workspace)? {
                built
                    .parts(old.unwrap_or_default())
                    .iter()
                    .for_each(|part| body.extend_from_slice(part));
                built.put_back(workspace);
                true
            } else {
                false
            };
            Ok::<_, Error>(kept.then_some((first, body.len())))
        };
        let many = |groups: &[(usize, Vec<usize>)], at: usize, workspace: &mut Workspace| {
            let mut body = workspace.empty_buffer();
            let place = |(first, last)| (at, first, last);
            let placed = groups
                .iter()
                .map(|group| Ok(one(group, &mut body, workspace)?.map(place)));
            let placed: Result<Vec<Placed>> = placed.collect();
            Ok::<_, Error>((body, placed?))
        };
        if depth > 0 || !self.write.few || groups.len() < 2 {
            let (body, placed) = many(groups, 0, workspace)?;
            return Ok((vec![body], placed));
        }
        // About a quarter of a megabyte of cells a batch.
        let size = (4 * LITTLE_BYTES / self.write.leaf_bytes).max(1);
        let batches: Vec<_> = groups.chunks(size).collect();
        let made: Vec<Mutex<(Vec<u8>, Vec<Placed>)>> = batches.iter().map(|_| Mutex::default()).collect();
        let work = |at: usize, workspace: &mut Workspace| -> Result<()> {
            *made[at].lock() = many(batches[at], at, workspace)?;
            Ok(())
        };
        runtime().run_scoped(batches.len(), 1, &work, workspace)?;
        let (bodies, placed): (Vec<_>, Vec<_>) = made.into_iter().map(Mutex::into_inner).unzip();
        Ok((bodies, placed.concat()))
    }
}
