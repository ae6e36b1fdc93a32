//! THE write: the read's line walked backwards.
//!
//! Pieces are grouped by object, so that each object is read (only where some of its cells must survive) and put at most once a
//! request, under the lock of that object, whole. Chunks of a shard that no piece touches are carried over as the bytes they are.

use crate::array::{Array, Cells, Door, Selection, drive};
use crate::error::{Error, Result};
use crate::exclude;
use crate::runtime::{Work, go_on, runtime};
use crate::store::{self, Lock, Put, Range, Safety, Version};
use crate::sync::Mutex;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use zarrite_core::cells::is_filled;
use zarrite_core::copy::{self, Copy, CopyAxis};
use zarrite_core::layout::Level;
use zarrite_core::shard::ShardIndex;
use zarrite_core::{Error as CoreError, Leaf, Memory, Plan, Wanted, Workspace};

/// Requests that encode less than this run on the calling thread.
const LITTLE_BYTES: usize = 64 << 10;
/// ... and put no more objects than this.
const LITTLE_PIECES: usize = 64;
/// How often a change is made anew when another machine was faster.
const TRIES: u32 = 64;

impl Claim {
    /// Notes an object that is there, or is gone again.
    fn meet(&self, key: &str, now: Option<Version>) {
        let mut seen = self.seen.lock();
        match now {
            Some(now) => seen.insert(key.to_owned(), now),
            None => seen.remove(key),
        };
        self.met.fetch_add(1, Ordering::Relaxed);
    }
}

struct Write {
    array: Array,
    plan: Plan,
    values: Cells,
    /// Too few objects for every thread: the chunks of a shard are shared out instead.
    few: bool,
    /// Bytes of the largest leaf chunk.
    leaf_bytes: usize,
    claim: Option<Arc<Claim>>,
}

/// The objects of an append in a place without locks: a put must not replace what another appender has put.
///
/// Objects that are not there are made. One that is there is replaced only while it is what it was when the caller last made
/// its claim in the array's document: see `python/zarrite/claims.py`.
#[derive(Default)]
pub struct Claim {
    /// What was found there, by key.
    seen: Mutex<HashMap<String, Version>>,
    /// What is done.
    done: Mutex<HashSet<String>>,
    /// How many objects were met that have to be claimed first.
    met: AtomicUsize,
}

/// Writes the caller's cells to a selection.
///
/// # Errors
/// See [`Error`]; every object is then as it was or as it was to be, never between.
pub fn write(array: &Array, selection: &Selection, values: Cells, door: Door<'_>) -> Result<()> {
    run(array, selection, values, None, door)
}

/// Writes cells that nobody else may write: `false` when objects were met that have to be claimed, after which the same
/// call goes on with those.
///
/// # Errors
/// As [`write()`].
pub fn write_claimed(
    array: &Array,
    selection: &Selection,
    values: Cells,
    claim: &Arc<Claim>,
    door: Door<'_>,
) -> Result<bool> {
    claim.met.store(0, Ordering::Relaxed);
    run(array, selection, values, Some(Arc::clone(claim)), door)?;
    Ok(claim.met.load(Ordering::Relaxed) == 0)
}

fn run(array: &Array, selection: &Selection, values: Cells, claim: Option<Arc<Claim>>, door: Door<'_>) -> Result<()> {
    if array.store.read_only() {
        return Err(crate::store::Error::ReadOnly { url: array.store.url() }.into());
    }
    let (plan, leaf_bytes) = array.plan(selection)?;
    let objects = plan.objects();
    let leaf_bytes = leaf_bytes.max(1);
    let bytes = plan.pieces().saturating_mul(leaf_bytes);
    let little = bytes <= LITTLE_BYTES && plan.pieces() <= LITTLE_PIECES && array.program.depth() == 0;
    let threads = runtime().threads();
    let batch = (LITTLE_BYTES / leaf_bytes).min(objects / (threads * 4)).max(1);
    let few = objects < threads * 4;
    let write = Arc::new(Write {
        array: array.clone(),
        plan,
        values,
        few,
        leaf_bytes,
        claim,
    });
    // With few shards, one after another, each by all threads.
    let (items, batch) = if few && array.program.depth() > 0 && (array.store.is_local() || objects < 2) {
        (1, 1)
    } else {
        (objects, batch)
    };
    let work: Arc<Work> = Arc::new(move |at, workspace| {
        if items == objects {
            return write.object(at, workspace);
        }
        (0..objects).try_for_each(|at| {
            go_on()?;
            write.object(at, workspace)
        })
    });
    drive(&*array.store, items.min(objects), batch, little, work, door).map_err(|error| error.in_store(&*array.store))
}

/// How long to wait before the next try, so that of several writers each gets its turn.
fn pause(attempt: u32) -> Duration {
    let most = 1_u64 << attempt.min(7);
    let part = RandomState::new().hash_one(attempt) % 1000;
    Duration::from_micros(most * (500 + part))
}

/// An object that is written.
struct Target<'a> {
    key: &'a str,
    /// Which of the plan's objects it is.
    at: usize,
    /// Whether every cell of it inside the array, as the handle knows it, is written.
    whole: bool,
    /// Whether nothing of the old object is to stay.
    alone: bool,
}

/// A shard as it is put: pieces of the old one and new bytes, in the order of their slots.
struct Built {
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
    fn parts<'a>(&'a self, old: &'a [u8]) -> Vec<&'a [u8]> {
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

    fn push(&mut self, source: Source, first: usize, last: usize) {
        match self.segments.last_mut() {
            Some(segment) if segment.source == source && segment.last == first => segment.last = last,
            _ => self.segments.push(Segment { source, first, last }),
        }
    }

    fn put_back(self, workspace: &mut Workspace) {
        self.bodies.into_iter().for_each(|body| workspace.put_back(body));
    }
}

/// Where a chunk's new bytes are: body, first and last byte; `None` when it holds nothing but the fill value.
type Placed = Option<(usize, usize, usize)>;

impl Write {
    fn object(&self, at: usize, workspace: &mut Workspace) -> Result<()> {
        let store = &self.array.store;
        let key = self.array.key(&self.plan.object(at));
        // First the lock, then the budget: who holds of the budget never waits for a lock.
        let _lock = runtime().lock(store.identity(), &key);
        let bytes = self.leaf_bytes.saturating_mul(self.plan.object_pieces(at));
        let _taken = (bytes > LITTLE_BYTES).then(|| runtime().budget.take(bytes.saturating_mul(2)));
        let whole = self.covers_object(at);
        let object = Target {
            key: &key,
            at,
            whole,
            // Cells beyond the end of the array as this handle knows it may be those of a writer who knows it longer.
            alone: whole && !self.overhangs(at),
        };
        let done = match store.safety() {
            _ if self.claim.is_some() => self.claimed(&object, workspace),
            Safety::Process => self.alone(&object, workspace),
            Safety::Locks => self.locked(&object, workspace),
            Safety::Conditions | Safety::Unproven if object.alone => self.here(&object, workspace),
            Safety::Conditions | Safety::Unproven => self.conditional(&object, workspace),
            Safety::Nothing => self.unprotected(&object, workspace),
        };
        runtime().handles.forget(store.identity(), &key);
        done
    }

    /// Replaces an object in a place that only this process reaches.
    fn alone(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        // An object whose known cells are all written is read only once it turns out to be there.
        if object.whole && !object.alone {
            let done = self.replace(object, None, &Put::IfAbsent, false, workspace)?;
            if done == Some(true) {
                return Ok(());
            }
        }
        self.here(object, workspace)
    }

    /// Replaces an object that nobody but this process writes, or nothing of which is to stay.
    fn here(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        let store = &self.array.store;
        let mut old = None;
        if !object.alone {
            let mut stored = workspace.empty_buffer();
            old = store.get(object.key, Range::All, &mut stored)?.map(|_| stored);
        }
        let may_exist = object.alone || old.is_some();
        if self.replace(object, old, &Put::Always, false, workspace)?.is_none() && may_exist {
            store.delete(object.key)?;
        }
        Ok(())
    }

    /// Replaces an object under a lock that other processes respect; one that is not there needs none to be made.
    fn locked(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        let store = &self.array.store;
        loop {
            match exclude::wait_for_object(&**store, object.key)? {
                Lock::Missing => match self.replace(object, None, &Put::IfAbsent, false, workspace)? {
                    Some(false) => {}
                    Some(true) | None => return Ok(()),
                },
                Lock::Held(_held) => return self.here(object, workspace),
                Lock::Unknown | Lock::Busy if object.alone => return self.here(object, workspace),
                Lock::Unknown | Lock::Busy => {
                    exclude::unprotected(&**store, object.key, || self.said("its file system has no locks"))?;
                    return self.conditional(object, workspace);
                }
            }
        }
    }

    /// Replaces an object as long as it is the one that was read, else reads it again.
    fn conditional(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        let (store, key) = (&self.array.store, object.key);
        // An object whose known cells are all written is read only once it turns out to be there.
        let mut unread = object.whole;
        for attempt in 0..TRIES {
            let mut stored = workspace.empty_buffer();
            let version = if unread {
                None
            } else {
                store.get_versioned(key, &mut stored)?
            };
            let (how, old) = match version {
                Some(version) => (Put::IfVersion(version), Some(stored)),
                None => (Put::IfAbsent, None),
            };
            if store.safety() == Safety::Unproven
                && let Some(old) = &old
                && store.prove(key, &[old])? == Safety::Nothing
            {
                return self.unprotected(object, workspace);
            }
            // No store deletes on a condition, so an object that became empty stays.
            let stays = old.is_some();
            match self.replace(object, old, &how, stays, workspace) {
                Ok(Some(true)) => return Ok(()),
                Ok(None) if !unread => return Ok(()),
                Ok(_) => {}
                Err(Error::Store {
                    why: store::Error::Unsafe { .. },
                    ..
                }) => return self.unprotected(object, workspace),
                Err(error) => return Err(error),
            }
            if !std::mem::take(&mut unread) {
                go_on()?;
                std::thread::sleep(pause(attempt));
            }
        }
        Err(store::Error::Changed { key: key.to_owned() }.into())
    }

    /// Makes an object that is not there, or replaces what was claimed.
    fn claimed(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        let (Some(claim), store, key) = (&self.claim, &self.array.store, object.key) else {
            return Ok(());
        };
        if claim.done.lock().contains(key) {
            return Ok(());
        }
        let seen = claim.seen.lock().get(key).cloned();
        let (how, old) = match &seen {
            None => (Put::IfAbsent, None),
            Some(seen) => {
                let mut stored = workspace.empty_buffer();
                match store.get_versioned(key, &mut stored)? {
                    Some(now) if now == *seen => (Put::IfVersion(now), Some(stored)),
                    now => {
                        claim.meet(key, now);
                        return Ok(());
                    }
                }
            }
        };
        if store.safety() == Safety::Unproven
            && let Some(old) = &old
            && store.prove(key, &[old])? == Safety::Nothing
        {
            let (key, why) = (key.to_owned(), "the server does not look at conditions".to_owned());
            return Err(store::Error::Unsafe { key, why }.into());
        }
        if self.replace(object, old, &how, true, workspace)? == Some(true) {
            claim.done.lock().insert(key.to_owned());
            return Ok(());
        }
        let mut stored = workspace.empty_buffer();
        let now = store.get_versioned(key, &mut stored)?;
        workspace.put_back(stored);
        claim.meet(key, now);
        Ok(())
    }

    /// Replaces an object with nothing to keep others away, if that is wanted.
    fn unprotected(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        if !object.whole {
            exclude::unprotected(&*self.array.store, object.key, || {
                self.said("it takes no conditional puts")
            })?;
        }
        self.here(object, workspace)
    }

    /// Why a partial write is not safe, and what is.
    fn said(&self, why: &str) -> String {
        let edges = self.array.program.grid.axes().iter().map(|axis| match axis.uniform() {
            Some(edge) => edge.saturating_mul(axis.per_object()).to_string(),
            None => "irregular".to_owned(),
        });
        let what = if self.array.program.depth() > 0 {
            "shards"
        } else {
            "chunks"
        };
        format!(
            "a part of an object is written, {why}, so another process that writes to the same object at the same time \
             may lose cells; write whole {what} (of shape ({})), or set array.unsafe_writes to \"allow\"",
            edges.collect::<Vec<_>>().join(", ")
        )
    }

    /// Whether an object has room for cells beyond the end of the array.
    fn overhangs(&self, at: usize) -> bool {
        let object = self.plan.object(at);
        let mut axes = self.array.program.grid.axes().iter().zip(&object);
        axes.any(|(axis, &index)| axis.overhangs(index))
    }

    /// Puts an object with its new cells; `false` when the condition did not hold, `None` when it holds nothing but fill
    /// values, and need not be there: then nothing is put. One that `stays` is put nevertheless.
    fn replace(
        &self,
        object: &Target<'_>,
        old: Option<Vec<u8>>,
        how: &Put,
        stays: bool,
        workspace: &mut Workspace,
    ) -> Result<Option<bool>> {
        let (key, at) = (object.key, object.at);
        let done = if self.array.program.depth() == 0 {
            let mut bytes = workspace.empty_buffer();
            let kept = self.compute(workspace, |workspace| {
                self.leaf(key, at, 0, old.as_deref(), &mut bytes, stays, workspace)
            });
            let done = match kept {
                Ok(true) => self.put(key, &[&bytes], how).map(Some),
                Ok(false) => Ok(None),
                Err(error) => Err(error),
            };
            workspace.put_back(bytes);
            done
        } else {
            let pieces: Vec<usize> = (0..self.plan.object_pieces(at)).collect();
            let shard = Shard {
                write: self,
                key,
                at,
                stays,
            };
            let built = self.compute(workspace, |workspace| {
                match shard.build(0, &pieces, old.as_deref(), workspace) {
                    // Every cell that is known is written: a damaged shard is replaced.
                    Err(Error::Decode { .. }) if object.whole => shard.build(0, &pieces, None, workspace),
                    built => built,
                }
            });
            match built? {
                None => Ok(None),
                Some(built) => {
                    let done = self.put(key, &built.parts(old.as_deref().unwrap_or_default()), how);
                    built.put_back(workspace);
                    done.map(Some)
                }
            }
        };
        if let Some(old) = old {
            workspace.put_back(old);
        }
        done
    }

    /// Encodes: beside the threads of the pool, which are many where a put waits for a network, only as many as compute at once.
    fn compute<T>(&self, workspace: &mut Workspace, work: impl FnOnce(&mut Workspace) -> T) -> T {
        if self.array.store.is_local() {
            return work(workspace);
        }
        runtime().compute(work)
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: &Put) -> Result<bool> {
        Ok(self.array.store.put(key, parts, how.clone())?)
    }

    /// Whether every cell of an object that lies inside the array is written, so that the old one need not be read.
    fn covers_object(&self, at: usize) -> bool {
        let program = &self.array.program;
        let object = self.plan.object(at);
        let axes = program.grid.axes().iter().zip(&object);
        let inside = axes.fold(1_u64, |n, (axis, &index)| n.saturating_mul(axis.leaves_inside(index)));
        let pieces = self.plan.object_pieces(at);
        pieces as u64 == inside
            && (0..pieces).all(|piece| {
                let (leaf, wanted) = self.plan.piece(at, piece);
                wanted.covers(&program.grid.inside(&leaf))
            })
    }

    /// The copy from the caller's cells to a leaf chunk's.
    fn copy_in(&self, leaf: &Leaf, wanted: &Wanted<'_>) -> Copy {
        let mut copy = self.array.copy_out(leaf, wanted, &self.values.strides);
        std::mem::swap(&mut copy.from, &mut copy.to);
        for axis in &mut copy.axes {
            match axis {
                CopyAxis::Stride { from, to, .. } => std::mem::swap(from, to),
                CopyAxis::List(pairs) => pairs.iter_mut().for_each(|(from, to)| std::mem::swap(from, to)),
            }
        }
        copy
    }

    /// Appends a leaf chunk with its new cells, encoded; `false` when it holds nothing but the fill value and need not stay.
    #[allow(clippy::too_many_arguments)]
    fn leaf(
        &self,
        key: &str,
        at: usize,
        piece: usize,
        old: Option<&[u8]>,
        stored: &mut Vec<u8>,
        stays: bool,
        workspace: &mut Workspace,
    ) -> Result<bool> {
        let program = &self.array.program;
        let (place, wanted) = self.plan.piece(at, piece);
        let leaf = program.leaf(&place)?;
        let n = leaf.bytes();
        // SAFETY: the caller does not write its values while they are read.
        let together = self
            .array
            .lies_together(&leaf, &wanted, &self.values.strides)
            .and_then(|offset| unsafe { self.values.memory.bytes(offset, n) });
        if let Some(cells) = together {
            return self.encode(key, &leaf, cells, stored, stays, workspace);
        }
        let extents = program.grid.inside(&place);
        let overhangs = extents[..] != leaf.chunk[..];
        let whole = wanted.covers(&extents);
        let mut cells = workspace.buffer(n)?;
        let fill = |cells: &mut [u8]| {
            if n > 0 {
                copy::fill(cells, program.fill());
            }
        };
        let prepared = match old {
            // What lies beyond the end of the array stays too: it may be what another writer appended.
            Some(stored) if !whole || overhangs => match leaf.chain.decode(stored, &mut cells[..n], workspace) {
                Err(_) if whole => {
                    fill(&mut cells[..n]);
                    Ok(())
                }
                done => done.map_err(|why| self.array.undecodable(key, why)),
            },
            _ => {
                if !whole || overhangs {
                    fill(&mut cells[..n]);
                }
                Ok(())
            }
        };
        let done = prepared.and_then(|()| {
            let target = Memory::of_mut(&mut cells[..n]);
            self.copy_in(&leaf, &wanted)
                .run(&self.values.memory, &target, program.cell_bytes)?;
            self.encode(key, &leaf, &cells[..n], stored, stays, workspace)
        });
        workspace.put_back(cells);
        // Views that were decoded pointed here; they are stored now.
        workspace.context.arena.clear();
        done
    }

    #[allow(clippy::too_many_arguments)]
    fn encode(
        &self,
        key: &str,
        leaf: &Leaf,
        cells: &[u8],
        stored: &mut Vec<u8>,
        stays: bool,
        workspace: &mut Workspace,
    ) -> Result<bool> {
        let program = &self.array.program;
        if !stays && !program.write_empty_chunks && is_filled(cells, program.fill(), program.vlen.is_some()) {
            return Ok(false);
        }
        leaf.chain
            .encode(cells, stored, workspace)
            .map_err(|why| self.array.unencodable(key, why))?;
        Ok(true)
    }
}

/// A shard being written.
struct Shard<'a> {
    write: &'a Write,
    key: &'a str,
    at: usize,
    /// Whether the object stays when nothing is left in it.
    stays: bool,
}

impl Shard<'_> {
    /// The shard at `level` with its new chunks; `None` when it holds none.
    fn build(
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
