//! Decoded chunks, kept for the next read that wants some of the same cells.
//!
//! What is kept is named by the object, the chunk's place in the grid and the codecs that were run, and carries the version of the object:
//! who finds it asks whether the object still has that version. A write of this process counts up a number of the object besides, so
//! that a read which began before the write leaves nothing behind it.
//!
//! Two ways of use share the memory. By itself the cache takes chunks of stores on this machine of which a read wanted a part, since who
//! reads a part of a chunk is likely to want the rest next. Where a user gives it bytes, it takes every chunk.

mod lead;
mod names;
mod part;

pub use self::lead::{Flight, Lead, Leading};
pub use self::names::{Name, Spot};
pub use self::part::Kept;
use self::part::Part;
use crate::runtime::runtime;
use crate::sync::Mutex;
use std::collections::hash_map::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Locks that the chunks are spread over.
const PARTS: usize = 16;
/// Counters of writes that objects are spread over.
const WRITES: usize = 4096;
/// Chunks that were read in part lately, each remembered as a number.
const MET: usize = 4096;
/// What the cache takes by itself: this share of the budget for requests, and no more than these bytes.
const SHARE: usize = 16;
const MOST_BYTES: usize = 128 << 20;
/// Stands for "as much as the cache takes by itself".
const BY_ITSELF: usize = usize::MAX;

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Chunks kept.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The most bytes that are kept.
    pub budget_bytes: u64,
    /// Chunks that were found and current.
    pub hits: u64,
    /// Chunks that were not.
    pub misses: u64,
    /// Chunks given up for others.
    pub evictions: u64,
}

/// The cache of the process.
pub struct Decoded {
    parts: Vec<Mutex<Part>>,
    seeds: [RandomState; 2],
    writes: Vec<AtomicU64>,
    writes_of_all: AtomicU64,
    met: Vec<AtomicU64>,
    bytes: AtomicUsize,
    asked_bytes: AtomicUsize,
    fresh_us: AtomicU64,
    born: Instant,
    /// Whether anything was found or kept since somebody looked.
    used: AtomicBool,
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
}

impl Default for Decoded {
    fn default() -> Self {
        let zeros = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            seeds: [RandomState::new(), RandomState::new()],
            writes: zeros(WRITES),
            writes_of_all: AtomicU64::new(0),
            met: zeros(MET),
            bytes: AtomicUsize::new(0),
            asked_bytes: AtomicUsize::new(BY_ITSELF),
            fresh_us: AtomicU64::new(0),
            born: Instant::now(),
            used: AtomicBool::new(false),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }
}

impl Decoded {
    /// The most bytes that are kept.
    pub fn budget_bytes(&self) -> usize {
        match self.asked_bytes.load(Ordering::Relaxed) {
            BY_ITSELF => (runtime().budget.total() / SHARE).min(MOST_BYTES),
            bytes => bytes,
        }
    }

    /// Sets how much is kept; `None`: as much as the cache takes by itself, and only of chunks that were read in part.
    pub fn set_budget_bytes(&self, bytes: Option<usize>) {
        self.asked_bytes.store(
            bytes.map_or(BY_ITSELF, |bytes| bytes.min(BY_ITSELF - 1)),
            Ordering::Relaxed,
        );
        self.shrink_to(self.budget_bytes());
    }

    /// Whether nobody said how much is kept.
    pub fn is_by_itself(&self) -> bool {
        self.asked_bytes.load(Ordering::Relaxed) == BY_ITSELF
    }

    /// How long a chunk of a store on a network is taken for current without asking.
    pub fn fresh(&self) -> Duration {
        Duration::from_micros(self.fresh_us.load(Ordering::Relaxed))
    }

    /// Sets how long that is.
    pub fn set_fresh(&self, fresh: Duration) {
        let us = u64::try_from(fresh.as_micros()).unwrap_or(u64::MAX);
        self.fresh_us.store(us, Ordering::Relaxed);
    }

    /// Microseconds since the cache was made: to be asked before the store is. No answer comes within one, so none is taken for newer.
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) == 0
    }

    fn part(&self, digests: [u64; 2]) -> &Mutex<Part> {
        &self.parts[digests[1] as usize % PARTS]
    }

    /// Whether something is kept of a chunk, current or not.
    pub fn has(&self, spot: &Spot) -> bool {
        self.part(spot.digests).lock().kept.contains_key(&spot.digests)
    }

    /// What is kept of a chunk; whether the object still has that version, the caller asks.
    pub fn find(&self, spot: &Spot) -> Option<Arc<Kept>> {
        let found = {
            let part = self.part(spot.digests).lock();
            part.kept.get(&spot.digests).map(|(_, kept)| Arc::clone(kept))
        };
        let kept = found?;
        if kept.writes == self.writes_of(spot.counter) {
            return Some(kept);
        }
        self.take_out(spot, &kept);
        None
    }

    /// Notes that what was found was current; `asked_us`: when the store was asked, where it was.
    pub fn hit(&self, kept: &Kept, asked_us: Option<u64>) {
        kept.visited.store(true, Ordering::Relaxed);
        if let Some(asked_us) = asked_us {
            kept.seen_us.fetch_max(asked_us, Ordering::Relaxed);
        }
        self.used.store(true, Ordering::Relaxed);
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the store was asked for a chunk lately enough.
    pub fn is_fresh(&self, kept: &Kept) -> bool {
        self.now_us().saturating_sub(kept.seen_us.load(Ordering::Relaxed)) < self.fresh_us.load(Ordering::Relaxed)
    }

    /// Takes out what was found and is no longer current.
    pub fn take_out(&self, spot: &Spot, stale: &Arc<Kept>) {
        let gone = {
            let mut part = self.part(spot.digests).lock();
            match part.kept.get(&spot.digests) {
                Some((_, kept)) if Arc::ptr_eq(kept, stale) => part.kept.remove(&spot.digests),
                _ => None,
            }
        };
        if let Some((_, kept)) = gone {
            self.bytes.fetch_sub(kept.bytes(), Ordering::Relaxed);
        }
    }

    /// How often a chunk was met here not long ago, up to three times; once more from now on.
    pub fn meets(&self, spot: &Spot) -> u64 {
        let met = &self.met[spot.digests[0] as usize % MET];
        let (name, seen) = (spot.digests[1] & !3, met.load(Ordering::Relaxed));
        let count = if seen & !3 == name { seen & 3 } else { 0 };
        met.store(name | (count + 1).min(3), Ordering::Relaxed);
        count
    }

    /// Gives up chunks until `bytes` more may be kept; `None` where they never may. Memory that may serve again comes back.
    fn make_room(&self, bytes: usize, most: usize, first: usize) -> Option<Vec<u8>> {
        let mut spare = Vec::new();
        let mut empty = 0;
        let mut at = first;
        loop {
            let taken = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| {
                kept.checked_add(bytes).filter(|&all| all <= most)
            });
            if taken.is_ok() {
                return Some(spare);
            }
            let gone = self.parts[at % PARTS].lock().give_up();
            match gone {
                Some(kept) => {
                    empty = 0;
                    self.bytes.fetch_sub(kept.bytes(), Ordering::Relaxed);
                    self.evictions.fetch_add(1, Ordering::Relaxed);
                    spare = Arc::try_unwrap(kept).map_or(spare, |kept| kept.cells);
                }
                None if empty == PARTS => return None,
                None => empty += 1,
            }
            at += 1;
        }
    }

    fn shrink_to(&self, most: usize) {
        let _ = self.make_room(0, most, 0);
    }

    /// Gives back what the cache took by itself and nobody used since this was last called.
    pub fn trim(&self) {
        if self.is_by_itself() && !self.used.swap(false, Ordering::Relaxed) {
            self.shrink_to(0);
        }
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        Counts {
            count: self.parts.iter().map(|part| part.lock().kept.len() as u64).sum(),
            bytes: self.bytes.load(Ordering::Relaxed) as u64,
            budget_bytes: self.budget_bytes() as u64,
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }

    /// Begins to count anew.
    pub fn reset_counts(&self) {
        for count in [&self.hits, &self.misses, &self.evictions] {
            count.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
