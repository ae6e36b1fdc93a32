//! The read from a store on a network: what is asked at once is bounded by requests in flight and by memory, never by threads that decode.
//!
//! A chunk that is an object is one request. Shards take two rounds however many they are: all indexes, then all ranges, near ones merged
//! and far ones beside each other. A small shard that is wanted whole is one request.

pub(super) mod ahead;
mod chunks;

use super::{GAP_BYTES, LITTLE_BYTES, PART_BYTES, Read, TRIES};
use crate::array::{Door, IN_FLIGHT, far};
use crate::budget::Taken;
use crate::errand::{self, Asked, Begin, Errand, First, Next};
use crate::error::{Error, Result};
use crate::handles::{Handle, name};
use crate::runtime::{Work, go_on, runtime, with_workspace};
use crate::store::{self, Range};
use crate::sync::Mutex;
use bytes::Bytes;
use std::sync::Arc;
use zarrite_core::layout::Compiled;
use zarrite_core::{Leaf, Memory, Wanted, Workspace};

/// Shards up to so many bytes of cells are asked for whole when half of them is wanted.
const WHOLE_BYTES: usize = 4 << 20;
/// What one request may span: as little as keeps requests in flight, within these.
const SPAN_BYTES: std::ops::RangeInclusive<u64> = (1 << 20)..=(8 << 20);
/// Unwanted bytes that one request may take along where there are more ranges than may be in flight.
const FAR_GAP_BYTES: u64 = 512 << 10;
/// Shards whose indexes are held at a time.
const SHARDS: usize = 4096;

/// A chunk and where its wanted bytes are.
#[derive(Clone)]
struct Place {
    shard: Arc<Shard>,
    piece: usize,
    start: u64,
    end: u64,
    /// Where the stretch begins in an uncompressed chunk of which only that is wanted.
    low: Option<usize>,
}

struct Shard {
    at: usize,
    key: String,
    handle: Arc<Handle>,
}

/// Ranges of one shard that are asked for at once.
struct Run {
    places: Vec<Place>,
    start: u64,
    end: u64,
}

/// Reads everything a request touches.
pub(super) fn read_all(read: &Arc<Read>, mut door: Door<'_>) -> Result<()> {
    let objects = read.plan.objects();
    ahead::ask(read);
    if read.array.program.depth() == 0 {
        return chunks::read_chunks(read, objects, &mut door);
    }
    for first in (0..objects).step_by(SHARDS) {
        let found: Arc<Mutex<Vec<Place>>> = Arc::default();
        let (shared, places) = (Arc::clone(read), Arc::clone(&found));
        let look: Arc<Work> = Arc::new(move |at, workspace| {
            let mut its = shared.look(first + at, workspace)?;
            places.lock().append(&mut its);
            Ok(())
        });
        far(SHARDS.min(objects - first), read.is_little(), look, &mut door)?;
        let runs = merged(std::mem::take(&mut *found.lock()));
        let (read, count, little) = (Arc::clone(read), runs.len(), read.is_little());
        if is_errand(&read, count) {
            errand::run(Runs { read, runs }, count, &mut door)?;
        } else {
            let fetch: Arc<Work> = Arc::new(move |at, workspace| read.fetch(&runs[at], workspace));
            far(count, little, fetch, &mut door)?;
        }
    }
    Ok(())
}

/// Whether so many requests are more than threads that may wait for one each.
fn is_errand(read: &Read, requests: usize) -> bool {
    requests > runtime().threads() && read.array.store.answers_later()
}

/// Ranges of shards.
struct Runs {
    read: Arc<Read>,
    runs: Vec<Run>,
}

impl Errand for Runs {
    type Answer = Bytes;
    type Held = ();

    fn ask(&self, at: usize, _may_wait: bool) -> Result<First<Self>> {
        let run = &self.runs[at];
        let (start, bytes, shard) = (run.start, run.end - run.start, Arc::clone(&run.places[0].shard));
        let begin: Begin<_> = Box::new(move |then| shard.handle.object.read_later(start, bytes, then));
        let bytes = (bytes as usize).saturating_add(self.read.leaf_bytes);
        Ok(First::Asked(Asked { held: (), begin }, bytes))
    }

    fn finish(
        &self,
        at: usize,
        (): (),
        answer: store::Result<Self::Answer>,
        taken: Taken<'static>,
    ) -> Result<Option<Next<Self>>> {
        let run = &self.runs[at];
        let done = match answer {
            Ok(stored) => self.read.put_down_run(run, &stored),
            Err(why) => Err(why.into()),
        };
        drop(taken);
        if done.is_err() {
            with_workspace(|workspace| self.read.fetch_until(done, run, workspace))?;
        }
        Ok(None)
    }
}

/// Ranges that lie near each other as one.
fn merged(mut places: Vec<Place>) -> Vec<Run> {
    places.sort_unstable_by_key(|place| (place.shard.at, place.start));
    let total: u64 = places.iter().map(|place| place.end - place.start).sum();
    let span = (total / IN_FLIGHT as u64).clamp(*SPAN_BYTES.start(), *SPAN_BYTES.end());
    let runs = |gap: u64| {
        let mut runs: Vec<Run> = Vec::new();
        for place in &places {
            match runs.last_mut() {
                Some(run)
                    if run.places[0].shard.at == place.shard.at
                        && place.start.saturating_sub(run.end) <= gap
                        && place.end.max(run.end) - run.start <= span =>
                {
                    run.end = run.end.max(place.end);
                    run.places.push(place.clone());
                }
                _ => runs.push(Run {
                    start: place.start,
                    end: place.end,
                    places: vec![place.clone()],
                }),
            }
        }
        runs
    };
    let near = runs(GAP_BYTES);
    if near.len() > IN_FLIGHT {
        runs(FAR_GAP_BYTES)
    } else {
        near
    }
}

impl Read {
    /// Whether its caller can as well compute it.
    fn is_little(&self) -> bool {
        self.plan.pieces().saturating_mul(self.leaf_bytes) <= LITTLE_BYTES
    }

    /// The first and one past the last wanted byte of an uncompressed chunk, where that is much less than all.
    fn stretch(&self, leaf: &Compiled<'_, Leaf>, wanted: &Wanted<'_>) -> Option<(usize, usize)> {
        if !leaf.chain.is_plain() || leaf.bytes() < PART_BYTES {
            return None;
        }
        let parts = self.parts(leaf, wanted)?;
        let (low, high) = (parts.first()?.0, parts.last()?.1);
        (high - low <= leaf.bytes() / 2).then_some((low, high))
    }

    /// Decodes what came, or copies the stretch that begins at `low`.
    #[allow(clippy::too_many_arguments)]
    fn put_down(
        &self,
        key: &str,
        leaf: &Compiled<'_, Leaf>,
        wanted: &Wanted<'_>,
        stored: &[u8],
        low: Option<usize>,
        bytes: usize,
        workspace: &mut Workspace,
    ) -> Result<()> {
        let Some(low) = low else {
            let done = self.place(key, leaf, wanted, stored, workspace);
            if !workspace.context.arena.is_empty() {
                self.arena.lock().append(&mut workspace.context.arena);
            }
            return done;
        };
        // As if the whole chunk had come with as many bytes too few.
        let missing = bytes.saturating_sub(stored.len()) as u64;
        self.check_size(key, leaf, (leaf.bytes() as u64).saturating_sub(missing))?;
        let mut copy = self.array.copy_out(leaf, wanted, &self.out.strides);
        copy.from -= low as isize;
        Ok(copy.run(&Memory::of(stored), &self.out.memory, self.array.program.cell_bytes)?)
    }

    /// Where the wanted chunks of a shard are; those of a shard that comes whole are read at once.
    fn look(&self, at: usize, workspace: &mut Workspace) -> Result<Vec<Place>> {
        let key = self.array.key(&self.plan.object(at));
        let pieces = 0..self.plan.object_pieces(at);
        if let Some(bytes) = self.comes_whole(at)? {
            if let Some(stored) = runtime().ahead.take(&name(self.array.store.identity(), &key), &[]) {
                match stored {
                    Some(stored) => runtime().compute(|ours| self.put_down_shard(&key, at, &stored.bytes, ours))?,
                    None => self.none(&key, at, pieces)?,
                }
                return Ok(Vec::new());
            }
            let _taken = runtime().budget.take(bytes.saturating_add(self.leaf_bytes));
            go_on()?;
            let mut done = Ok(());
            let found = self.array.store.get_with(&key, Range::All, &mut |stored, _| {
                done = runtime().compute(|workspace| self.put_down_shard(&key, at, stored, workspace));
            })?;
            match found {
                Some(_) => done?,
                None => self.none(&key, at, pieces)?,
            }
            return Ok(Vec::new());
        }
        let started_us = runtime().decoded.now_us();
        let mut opened = self.open(at, &key)?;
        // A read of a chunk finds out that its shard was replaced; where the index we hold has none, nothing is read.
        if let Some(held) = &opened
            && held.asked_us() < started_us
            && self.lacks(held, &key, at, pieces.clone(), workspace)?
        {
            runtime().handles.forget(self.array.store.identity(), &key);
            opened = self.open(at, &key)?;
        }
        let Some(handle) = opened else {
            return self.none(&key, at, pieces).map(|()| Vec::new());
        };
        let shard = Arc::new(Shard { at, key, handle });
        let mut found = Vec::new();
        for piece in pieces {
            found.extend(self.find(&shard, piece, workspace)?);
        }
        Ok(found)
    }

    /// Whether a shard has not all of the chunks.
    fn lacks(
        &self,
        handle: &Handle,
        key: &str,
        at: usize,
        mut pieces: std::ops::Range<usize>,
        workspace: &mut Workspace,
    ) -> Result<bool> {
        pieces.try_fold(false, |lacks, piece| {
            let found = self.locate(handle, &self.plan.piece(at, piece).0, workspace);
            Ok(lacks || found.map_err(|error| self.placed(key, error))?.is_none())
        })
    }

    /// Puts the chunks of a whole shard where they are wanted.
    fn put_down_shard(&self, key: &str, at: usize, stored: &[u8], workspace: &mut Workspace) -> Result<()> {
        let undecodable = |why| self.array.undecodable(key, why);
        let level = self.array.program.level(0, &self.plan.piece(at, 0).0)?;
        let range = level.place.index_range(stored.len() as u64).map_err(undecodable)?;
        let index = &stored[range.start as usize..range.end as usize];
        let index = level.place.decode_index(index, workspace).map_err(undecodable)?;
        (0..self.plan.object_pieces(at)).try_for_each(|piece| {
            let (place, wanted) = self.plan.piece(at, piece);
            let leaf = self.array.program.leaf(&place)?;
            match index
                .get(level.slot(&place), stored.len() as u64)
                .map_err(undecodable)?
            {
                Some(range) => {
                    let stored = &stored[range.start as usize..range.end as usize];
                    self.put_down(key, &leaf, &wanted, stored, None, stored.len(), workspace)
                }
                None => self.absent(key, &leaf, &wanted),
            }
        })
    }

    /// The bytes of cells of a shard that is small and wanted for the most part.
    fn comes_whole(&self, at: usize) -> Result<Option<usize>> {
        let program = &self.array.program;
        if program.depth() > 1 {
            return Ok(None);
        }
        let level = program.level(0, &self.plan.piece(at, 0).0)?;
        let bytes = level.place.slots().saturating_mul(self.leaf_bytes);
        let wanted = self.plan.object_pieces(at).saturating_mul(self.leaf_bytes);
        Ok((bytes <= WHOLE_BYTES && wanted >= bytes / 2).then_some(bytes))
    }

    fn none(&self, key: &str, at: usize, pieces: std::ops::Range<usize>) -> Result<()> {
        let mut pieces = pieces;
        pieces.try_for_each(|piece| {
            let (place, wanted) = self.plan.piece(at, piece);
            self.absent(key, &*self.array.program.leaf(&place)?, &wanted)
        })
    }

    /// Where the wanted bytes of a chunk are; one that is missing is filled.
    fn find(&self, shard: &Arc<Shard>, piece: usize, workspace: &mut Workspace) -> Result<Option<Place>> {
        let (place, wanted) = self.plan.piece(shard.at, piece);
        let leaf = self.array.program.leaf(&place)?;
        let taken = runtime()
            .ahead
            .take(&name(self.array.store.identity(), &shard.key), &place);
        if let Some(Some(came)) = taken {
            let stored = &came.bytes[..];
            let n = stored.len();
            runtime().compute(|ours| self.put_down(&shard.key, &leaf, &wanted, stored, None, n, ours))?;
            return Ok(None);
        }
        let found = self.locate(&shard.handle, &place, workspace);
        let Some((start, end)) = found.map_err(|error| self.placed(&shard.key, error))? else {
            self.absent(&shard.key, &leaf, &wanted)?;
            return Ok(None);
        };
        let stretch = self.stretch(&leaf, &wanted);
        if stretch.is_some() {
            self.check_size(&shard.key, &leaf, end - start)?;
        }
        let (start, end) = stretch.map_or((start, end), |(low, high)| (start + low as u64, start + high as u64));
        Ok(Some(Place {
            shard: Arc::clone(shard),
            piece,
            start,
            end,
            low: stretch.map(|(low, _)| low),
        }))
    }

    /// Asks for a run and puts its chunks where they are wanted.
    fn fetch(&self, run: &Run, workspace: &mut Workspace) -> Result<()> {
        let done = self.fetch_once(run);
        self.fetch_until(done, run, workspace)
    }

    /// As often as a shard is replaced meanwhile, its chunks are looked for again.
    fn fetch_until(&self, mut done: Result<()>, run: &Run, workspace: &mut Workspace) -> Result<()> {
        let shard = &run.places[0].shard;
        for _ in 0..TRIES {
            if !matches!(&done, Err(Error::Store { why, .. }) if matches!(why, store::Error::Changed { .. })) {
                return done;
            }
            // Another program replaced the shard: its new index says where things are now.
            runtime().handles.forget(self.array.store.identity(), &shard.key);
            done = self.fetch_anew(run, workspace);
        }
        done
    }

    fn fetch_anew(&self, run: &Run, workspace: &mut Workspace) -> Result<()> {
        let (at, key) = (run.places[0].shard.at, run.places[0].shard.key.clone());
        let Some(handle) = self.open(at, &key)? else {
            return run
                .places
                .iter()
                .try_for_each(|place| self.none(&key, at, place.piece..place.piece + 1));
        };
        let shard = Arc::new(Shard { at, key, handle });
        for place in &run.places {
            if let Some(place) = self.find(&shard, place.piece, workspace)? {
                let (start, end) = (place.start, place.end);
                let places = vec![place];
                self.fetch_once(&Run { places, start, end })?;
            }
        }
        Ok(())
    }

    fn fetch_once(&self, run: &Run) -> Result<()> {
        let bytes = run.end - run.start;
        let _taken = runtime().budget.take((bytes as usize).saturating_add(self.leaf_bytes));
        go_on()?;
        let mut done = Ok(());
        let object = &run.places[0].shard.handle.object;
        object.read_with(run.start, bytes, &mut |stored| done = self.put_down_run(run, stored))?;
        done
    }

    /// Puts the chunks of a run where they are wanted.
    fn put_down_run(&self, run: &Run, stored: &[u8]) -> Result<()> {
        let Shard { at, key, .. } = &*run.places[0].shard;
        runtime().compute(|workspace| {
            run.places.iter().try_for_each(|chunk| {
                let stored = &stored[(chunk.start - run.start) as usize..(chunk.end - run.start) as usize];
                let (place, wanted) = self.plan.piece(*at, chunk.piece);
                let leaf = self.array.program.leaf(&place)?;
                self.put_down(key, &leaf, &wanted, stored, chunk.low, stored.len(), workspace)
            })
        })
    }
}
