//! What a read does with the cache of decoded chunks: a look before a chunk is read, and keeping it after.

use super::{LITTLE_BYTES, LITTLE_PIECES, PART_BYTES, Read};
use crate::array::Array;
use crate::decoded::{Kept, Lead, Leading, Name, Spot};
use crate::error::Result;
use crate::handles::{Handle, name};
use crate::runtime::runtime;
use crate::store::{Range, Version};
use std::sync::Arc;
use zarrite_core::layout::Compiled;
use zarrite_core::{Leaf, Wanted, Workspace};

/// Smaller chunks are decoded as fast as they are found.
const LEAST_BYTES: usize = 8 << 10;
/// Cells that one thread copies from kept chunks as fast as several would.
const COPIED_BYTES: usize = 2 << 20;
/// A request that decodes no more is not looked through piece by piece.
const GUESS_BYTES: usize = 4 << 20;
/// A chunk of which parts can be decoded alone is kept when parts of it were wanted so often before.
const OFTEN: u64 = 2;
/// How often a read waits for another that decodes the same chunk.
const WAITS: usize = 4;

/// How one request uses the cache.
pub(super) struct Keeping {
    /// Every chunk is kept, and not those alone that were wanted in part.
    all: bool,
    /// Bytes of the cells that are wanted.
    wanted_bytes: usize,
}

/// What is needed to keep a chunk once it was decoded.
pub(super) struct Keeper {
    leading: Leading<'static>,
    version: Option<Version>,
    asked_us: u64,
}

/// Chunks of a shard that this thread decodes for all, by piece.
pub(super) type Keepers = Vec<(usize, Keeper)>;

impl Keeper {
    fn of(leading: Leading<'static>, version: &Version, handle: &Handle) -> Self {
        Self {
            leading,
            version: Some(version.clone()),
            asked_us: handle.asked_us(),
        }
    }
}

impl Keeping {
    /// `None` where the request leaves the cache alone.
    pub fn of(array: &Array, leaf_bytes: usize, total: usize, wanted_bytes: usize) -> Option<Self> {
        // Views point into memory that is kept nowhere.
        if array.program.vlen.is_some() || array.keeps_decoded == Some(false) {
            return None;
        }
        let cache = &runtime().decoded;
        let most = cache.budget_bytes();
        let tells = array.store.knows_versions();
        if array.keeps_decoded == Some(true) || !cache.is_by_itself() {
            let used = leaf_bytes < most && (tells || !cache.fresh().is_zero());
            return used.then_some(Self {
                all: true,
                wanted_bytes,
            });
        }
        // What is more than half of the cache would push itself out before it is used again.
        let used = (LEAST_BYTES..=most / 4).contains(&leaf_bytes) && total <= most / 2;
        (used && tells && array.store.is_local()).then_some(Self {
            all: false,
            wanted_bytes,
        })
    }
}

impl Read {
    /// Whether the cache has to do with a chunk at all, and whether the chunk is kept when it is read.
    fn keeps(&self, keeping: &Keeping, place: &[u64], leaf: &Leaf, wanted: &Wanted<'_>) -> (bool, bool) {
        let program = &self.array.program;
        if leaf.chain.is_plain() && (!keeping.all || self.array.store.is_local()) {
            return (false, false);
        }
        let keeps = keeping.all || !wanted.covers(&program.grid.inside(place));
        (keeps || !self.cache.is_empty(), keeps)
    }

    fn name(&self, key: &str) -> Name {
        let array = &self.array;
        self.cache.name(array.store.identity(), key, array.program.print)
    }

    /// Whether something is kept of a chunk.
    pub(super) fn has_kept(&self, key: &str, place: &[u64]) -> bool {
        self.cache.has(&self.cache.spot(&self.name(key), place))
    }

    /// Whether an object that is a chunk is still what was kept; with when the store was asked, where it was.
    fn is_current(&self, key: &str, kept: &Kept) -> Result<(bool, Option<u64>)> {
        let (cache, store) = (self.cache, &self.array.store);
        if !store.is_local() && cache.is_fresh(kept) {
            return Ok((true, None));
        }
        if !store.knows_versions() {
            return Ok((cache.is_fresh(kept), None));
        }
        let now_us = cache.now_us();
        let version = store.version(key)?;
        Ok((version.is_some() && version == kept.version, Some(now_us)))
    }

    /// Reads an object that is a chunk by way of the cache; `None` where the cache has nothing to do with it.
    pub(super) fn kept_chunk(
        &self,
        keeping: &Keeping,
        key: &str,
        place: &[u64],
        leaf: &Compiled<'_, Leaf>,
        wanted: &Wanted<'_>,
        workspace: &mut Workspace,
    ) -> Option<Result<()>> {
        let (looks, keeps) = self.keeps(keeping, place, leaf, wanted);
        if !looks {
            return None;
        }
        let cache = self.cache;
        for _ in 0..=WAITS {
            let spot = cache.spot(&self.name(key), place);
            if let Some(kept) = cache.find(&spot) {
                match self.is_current(key, &kept) {
                    Ok((true, asked_us)) if kept.cells.len() == leaf.bytes() => {
                        cache.hit(&kept, asked_us);
                        return Some(self.scatter(leaf, wanted, &kept.cells));
                    }
                    Ok(_) => cache.take_out(&spot, &kept),
                    Err(error) => return Some(Err(error)),
                }
            }
            if !keeps {
                return None;
            }
            match cache.lead(spot) {
                Lead::Mine(leading) => return Some(self.chunk_to_keep(key, leaf, wanted, leading, workspace)),
                Lead::Busy(flight) => {
                    if let Err(stopped) = flight.wait() {
                        return Some(Err(stopped));
                    }
                }
                Lead::Again => {}
            }
        }
        None
    }

    fn chunk_to_keep(
        &self,
        key: &str,
        leaf: &Compiled<'_, Leaf>,
        wanted: &Wanted<'_>,
        leading: Leading<'static>,
        workspace: &mut Workspace,
    ) -> Result<()> {
        let (store, n) = (&self.array.store, leaf.bytes());
        let _taken = (n > LITTLE_BYTES).then(|| runtime().budget.take(n.saturating_mul(2)));
        let mut asked_us = self.cache.now_us();
        let mut stored = workspace.empty_buffer();
        let ahead = (!store.is_local()).then(|| runtime().ahead.take(&name(store.identity(), key), &[]));
        let found = if let Some(came) = ahead.flatten() {
            Ok(came.map(|came| {
                (stored, asked_us) = (came.bytes, came.asked_us);
                came.version
            }))
        } else if store.is_local() && store.knows_versions() {
            store.get_versioned(key, &mut stored).map(|found| found.map(Some))
        } else {
            let found = store.get(key, Range::All, &mut stored);
            found.map(|found| found.map(|found| found.version))
        };
        let done = match found {
            Ok(Some(version)) => {
                let keeper = Keeper {
                    leading,
                    version: version.and_then(|version| version.to_keep()),
                    asked_us,
                };
                self.place_and_keep(key, leaf, wanted, &stored, keeper, workspace)
            }
            Ok(None) => self.absent(key, leaf, wanted),
            Err(error) => Err(error.into()),
        };
        workspace.put_back(stored);
        done
    }

    /// Decodes stored bytes, puts them where they are wanted, and keeps the chunk.
    pub(super) fn place_and_keep(
        &self,
        key: &str,
        leaf: &Compiled<'_, Leaf>,
        wanted: &Wanted<'_>,
        stored: &[u8],
        keeper: Keeper,
        workspace: &mut Workspace,
    ) -> Result<()> {
        let cache = self.cache;
        let n = leaf.bytes();
        let by_itself = self.keeping.as_ref().is_some_and(|keeping| !keeping.all);
        let nameless = keeper.version.is_none() && cache.fresh().is_zero();
        if nameless {
            // Written this moment, or a store that does not say: it could not be told from what comes next.
            return self.place(key, leaf, wanted, stored, workspace);
        }
        if by_itself
            && n >= PART_BYTES
            && leaf.chain.only_codec().is_some()
            && cache.meets(keeper.leading.spot()) < OFTEN
            && self.parts(leaf, wanted).is_some()
            && let Some(done) = self.place_parts(key, leaf, wanted, stored, workspace)
        {
            // A codec that decodes a part alone did that; whoever comes back again and again has the whole kept.
            return done;
        }
        let mut cells = workspace.buffer(n)?;
        let done = if leaf.chain.is_plain() {
            self.check_size(key, leaf, stored.len() as u64)
                .map(|()| cells[..n].copy_from_slice(stored))
        } else {
            self.decode(key, leaf, stored, &mut cells[..n], workspace)
        };
        let done = done.and_then(|()| self.scatter(leaf, wanted, &cells[..n]));
        let spare = match &done {
            Ok(()) => keeper.leading.keep(cells, n, keeper.version, keeper.asked_us),
            Err(_) => Some(cells),
        };
        if let Some(spare) = spare {
            workspace.put_back(spare);
        }
        done
    }

    /// Of some chunks of a shard, those that have to be read: what was kept goes where it is wanted.
    ///
    /// Gives also what this thread decodes for all, and what others decode just now.
    pub(super) fn without_kept(
        &self,
        keeping: &Keeping,
        handle: &Handle,
        key: &str,
        at: usize,
        pieces: std::ops::Range<usize>,
    ) -> Result<(Vec<usize>, Keepers, Vec<usize>)> {
        let (mut rest, mut keepers, mut others) = (Vec::with_capacity(pieces.len()), Keepers::new(), Vec::new());
        let Some(version) = handle.object.version().to_keep() else {
            return Ok((pieces.collect(), keepers, others));
        };
        let cache = self.cache;
        let name = self.name(key);
        for piece in pieces {
            let (place, wanted) = self.plan.piece(at, piece);
            let leaf = self.array.program.leaf(&place)?;
            let (looks, keeps) = self.keeps(keeping, &place, &leaf, &wanted);
            if looks {
                let spot = cache.spot(&name, &place);
                if self.scatter_kept(&spot, &version, &leaf, &wanted)? {
                    continue;
                }
                if keeps {
                    match cache.lead(spot) {
                        Lead::Mine(leading) => keepers.push((piece, Keeper::of(leading, &version, handle))),
                        Lead::Busy(_) => {
                            others.push(piece);
                            continue;
                        }
                        Lead::Again => {}
                    }
                }
            }
            rest.push(piece);
        }
        Ok((rest, keepers, others))
    }

    /// Puts a kept chunk of a shard where it is wanted; `false` where none of this version is kept.
    fn scatter_kept(
        &self,
        spot: &Spot,
        version: &Version,
        leaf: &Compiled<'_, Leaf>,
        wanted: &Wanted<'_>,
    ) -> Result<bool> {
        let cache = self.cache;
        let Some(kept) = cache.find(spot) else { return Ok(false) };
        if kept.version.as_ref() != Some(version) || kept.cells.len() != leaf.bytes() {
            cache.take_out(spot, &kept);
            return Ok(false);
        }
        cache.hit(&kept, None);
        self.scatter(leaf, wanted, &kept.cells)?;
        Ok(true)
    }

    /// Puts chunks that others decoded where they are wanted, and reads those that they did not.
    pub(super) fn put_down_others(
        &self,
        handle: &Handle,
        key: &str,
        at: usize,
        others: &[usize],
        workspace: &mut Workspace,
    ) -> Result<()> {
        let cache = self.cache;
        let Some(version) = handle.object.version().to_keep() else {
            return self.stored_chunks(handle, key, at, others, &mut Keepers::new(), workspace);
        };
        'others: for &piece in others {
            let (place, wanted) = self.plan.piece(at, piece);
            let leaf = self.array.program.leaf(&place)?;
            let mut keepers = Keepers::new();
            for _ in 0..=WAITS {
                let spot = cache.spot(&self.name(key), &place);
                if self.scatter_kept(&spot, &version, &leaf, &wanted)? {
                    continue 'others;
                }
                match cache.lead(spot) {
                    Lead::Busy(flight) => flight.wait()?,
                    Lead::Again => {}
                    Lead::Mine(leading) => {
                        keepers.push((piece, Keeper::of(leading, &version, handle)));
                        break;
                    }
                }
            }
            self.stored_chunks(handle, key, at, &[piece], &mut keepers, workspace)?;
        }
        Ok(())
    }

    /// Whether so much of a request is kept that what is left is little.
    pub(super) fn leaves_little(&self) -> bool {
        let (plan, pieces) = (&self.plan, self.plan.pieces());
        let Some(keeping) = &self.keeping else { return false };
        if pieces > LITTLE_PIECES || self.cache.is_empty() || keeping.wanted_bytes > COPIED_BYTES {
            return false;
        }
        let is_kept = |object: usize, name: &Name, piece: usize| {
            let (place, _) = plan.piece(object, piece);
            self.cache.has(&self.cache.spot(name, &place))
        };
        let name = |object: usize| self.name(&self.array.key(&plan.object(object)));
        if pieces.saturating_mul(self.leaf_bytes) <= GUESS_BYTES {
            // Neighbours are read together, so that the first and the last tell of all; a wrong guess costs little.
            let last = plan.objects().saturating_sub(1);
            return is_kept(0, &name(0), 0) && is_kept(last, &name(last), plan.object_pieces(last).saturating_sub(1));
        }
        let mut missing = 0;
        for object in 0..plan.objects() {
            let name = name(object);
            for piece in 0..plan.object_pieces(object) {
                if !is_kept(object, &name, piece) {
                    missing += self.leaf_bytes;
                    if missing > LITTLE_BYTES {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Asks whether a shard that was held is still what the store has, where its reads would not find out.
    pub(super) fn check_held(&self, key: &str, handle: Arc<Handle>) -> Result<Option<Arc<Handle>>> {
        let (cache, store) = (self.cache, &self.array.store);
        let asks = self.keeping.as_ref().is_some_and(|keeping| keeping.all) && !store.is_local();
        let age_us = cache.now_us().saturating_sub(handle.asked_us());
        if !asks || handle.is_new() || u128::from(age_us) < cache.fresh().as_micros() {
            return Ok(Some(handle));
        }
        let now_us = cache.now_us();
        if store.knows_versions() && store.version(key)?.as_ref() == Some(&handle.object.version()) {
            handle.asked(now_us);
            return Ok(Some(handle));
        }
        runtime().handles.forget(store.identity(), key);
        Ok(None)
    }
}

/// Takes out what is needed to keep a piece.
pub(super) fn keeper_of(keepers: &mut Keepers, piece: usize) -> Option<Keeper> {
    let at = keepers.iter().position(|(its, _)| *its == piece)?;
    Some(keepers.swap_remove(at).1)
}
