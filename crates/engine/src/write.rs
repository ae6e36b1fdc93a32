//! THE write: the read's line walked backwards.
//!
//! Pieces are grouped by object, so that each object is read (only where some of its cells must survive) and put at most once a
//! request, under the lock of that object, whole. Chunks of a shard that no piece touches are carried over as the bytes they are.

mod apart;
mod far;
mod shard;

use self::apart::Target;
use self::shard::{Built, Shard};
use crate::array::{Array, Cells, Door, Selection, drive};
use crate::error::{Error, Result};
use crate::runtime::{Work, go_on, runtime};
use crate::store::{Put, Version};
use crate::sync::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use zarrite_core::cells::is_filled;
use zarrite_core::copy::{self, Copy, CopyAxis};
use zarrite_core::{Leaf, Memory, Plan, Wanted, Workspace};

/// Requests that encode less than this run on the calling thread.
const LITTLE_BYTES: usize = 64 << 10;
/// ... and put no more objects than this.
const LITTLE_PIECES: usize = 64;
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
    if write.is_errand() {
        let store = Arc::clone(&array.store);
        return far::run(write, door).map_err(|error| error.in_store(&*store));
    }
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

impl Write {
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
            let built = self.compute(workspace, |workspace| {
                self.shard(object, old.as_deref(), stays, workspace)
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

    /// A shard with its new chunks; `None` when it holds none and need not stay.
    fn shard(
        &self,
        object: &Target<'_>,
        old: Option<&[u8]>,
        stays: bool,
        workspace: &mut Workspace,
    ) -> Result<Option<Built>> {
        let pieces: Vec<usize> = (0..self.plan.object_pieces(object.at)).collect();
        let shard = Shard {
            write: self,
            key: object.key,
            at: object.at,
            stays,
        };
        match shard.build(0, &pieces, old, workspace) {
            // Every cell that is known is written: a damaged shard is replaced.
            Err(Error::Decode { .. }) if object.whole => shard.build(0, &pieces, None, workspace),
            built => built,
        }
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
