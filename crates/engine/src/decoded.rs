//! Decoded chunks, kept for the next read that wants some of the same cells.
//!
//! What is kept is named by the object, the chunk's place in the grid and the codecs that were run, and carries the version of the object:
//! who finds it asks whether the object still has that version. A write of this process counts up a number of the object besides, so
//! that a read which began before the write leaves nothing behind it.
//!
//! Two ways of use share the memory. By itself the cache takes chunks of stores on this machine of which a read wanted a part, since who
//! reads a part of a chunk is likely to want the rest next. Where a user gives it bytes, it takes every chunk.

use crate::error::Result;
use crate::runtime::{ASK, go_on, runtime};
use crate::store::Version;
use crate::sync::{Condvar, Mutex};
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
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
/// What an entry costs beside its cells.
const ENTRY_BYTES: usize = 256;

/// One chunk's cells.
pub struct Kept {
    /// The cells, in the order of the chunk.
    pub cells: Vec<u8>,
    /// The object's version they were read from.
    pub version: Option<Version>,
    /// Writes of the object by this process before it was read.
    writes: u64,
    /// When the store was last asked, in milliseconds of the cache's life.
    seen_ms: AtomicU64,
    visited: AtomicBool,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.cells.capacity() + ENTRY_BYTES
    }
}

/// Names one object for the cache, and says how often this process had written it when the name was made: make it before reading.
pub struct Name {
    digests: [u64; 2],
    counter: usize,
    writes: u64,
}

/// Names one chunk.
pub struct Spot {
    digests: [u64; 2],
    counter: usize,
    writes: u64,
}

/// A chunk that somebody decodes just now.
#[derive(Default)]
pub struct Flight {
    done: Mutex<bool>,
    landed: Condvar,
}

impl Flight {
    /// Waits until it was decoded, or was not.
    ///
    /// # Errors
    /// [`Error::Stopped`](crate::Error::Stopped) when who asked gave up.
    pub fn wait(&self) -> Result<()> {
        let mut done = self.done.lock();
        while !*done {
            (done, _) = self.landed.wait_for(done, ASK);
            go_on()?;
        }
        Ok(())
    }
}

/// Held by the one who decodes a chunk; others wait until it is dropped.
pub struct Leading<'a> {
    cache: &'a Decoded,
    spot: Spot,
    flight: Arc<Flight>,
}

/// Who decodes a chunk that was not found.
pub enum Lead<'a> {
    /// The caller.
    Mine(Leading<'a>),
    /// Somebody else, who began before. Wait while leading nothing and holding nothing of the budget.
    Busy(Arc<Flight>),
    /// Nobody: it has been decoded since.
    Again,
}

#[derive(Default)]
struct Part {
    kept: HashMap<[u64; 2], (u64, Arc<Kept>)>,
    flights: HashMap<[u64; 2], Arc<Flight>>,
    /// In the order they came, each with the number it came under: what was taken out since is passed over.
    queue: VecDeque<([u64; 2], u64)>,
    next: u64,
}

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
    fresh_ms: AtomicU64,
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
            fresh_ms: AtomicU64::new(0),
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
        Duration::from_millis(self.fresh_ms.load(Ordering::Relaxed))
    }

    /// Sets how long that is.
    pub fn set_fresh(&self, fresh: Duration) {
        let ms = u64::try_from(fresh.as_millis()).unwrap_or(u64::MAX);
        self.fresh_ms.store(ms, Ordering::Relaxed);
    }

    /// Milliseconds since the cache was made: to be asked before the store is.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) == 0
    }

    /// Names an object, as it is decoded by a program.
    pub fn name(&self, identity: &str, key: &str, program: u64) -> Name {
        let digests = self.digests(identity, key);
        let counter = digests[0] as usize % WRITES;
        Name {
            digests: digests.map(|digest| fold(digest, program)),
            counter,
            writes: self.writes_of(counter),
        }
    }

    /// Names the chunk at a place of the grid, which lies in an object.
    pub fn spot(&self, name: &Name, place: &[u64]) -> Spot {
        let digest = |name| place.iter().fold(name, |digest, &index| fold(digest, index));
        Spot {
            digests: name.digests.map(digest),
            counter: name.counter,
            writes: name.writes,
        }
    }

    fn digests(&self, identity: &str, key: &str) -> [u64; 2] {
        self.seeds.each_ref().map(|seed| {
            let mut hasher = seed.build_hasher();
            // One name for one object, whichever store leads to it.
            for part in [identity, "/", key] {
                hasher.write(part.as_bytes());
            }
            hasher.finish()
        })
    }

    fn writes_of(&self, counter: usize) -> u64 {
        self.writes[counter].load(Ordering::Acquire) + self.writes_of_all.load(Ordering::Acquire)
    }

    /// Notes that this process wrote or deleted an object: nothing read before is used again.
    pub fn forget(&self, identity: &str, key: &str) {
        let counter = self.digests(identity, key)[0] as usize % WRITES;
        self.writes[counter].fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that this process changed objects of which it does not know the names.
    pub fn forget_all(&self) {
        self.writes_of_all.fetch_add(1, Ordering::AcqRel);
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

    /// Notes that what was found was current; `asked_ms`: when the store was asked, where it was.
    pub fn hit(&self, kept: &Kept, asked_ms: Option<u64>) {
        kept.visited.store(true, Ordering::Relaxed);
        if let Some(asked_ms) = asked_ms {
            kept.seen_ms.fetch_max(asked_ms, Ordering::Relaxed);
        }
        self.used.store(true, Ordering::Relaxed);
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the store was asked for a chunk lately enough.
    pub fn is_fresh(&self, kept: &Kept) -> bool {
        self.now_ms().saturating_sub(kept.seen_ms.load(Ordering::Relaxed)) < self.fresh_ms.load(Ordering::Relaxed)
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

    /// Says who decodes a chunk that was not found.
    pub fn lead(&self, spot: Spot) -> Lead<'_> {
        let mut part = self.part(spot.digests).lock();
        if part.kept.contains_key(&spot.digests) {
            return Lead::Again;
        }
        if let Some(flight) = part.flights.get(&spot.digests) {
            return Lead::Busy(Arc::clone(flight));
        }
        let flight = Arc::new(Flight::default());
        part.flights.insert(spot.digests, Arc::clone(&flight));
        self.misses.fetch_add(1, Ordering::Relaxed);
        Lead::Mine(Leading {
            cache: self,
            spot,
            flight,
        })
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

/// One number of two, of which the first is not to be guessed.
fn fold(digest: u64, number: u64) -> u64 {
    let mixed = u128::from(digest ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) * 0xD6E8_FEB8_6659_FD93_u128;
    ((mixed >> 64) as u64 ^ mixed as u64).rotate_left(23)
}

impl Part {
    /// Takes out the oldest that was not used since it was last passed over.
    fn give_up(&mut self) -> Option<Arc<Kept>> {
        while let Some((digests, number)) = self.queue.pop_front() {
            match self.kept.get(&digests) {
                Some((its, kept)) if *its == number => {
                    if kept.visited.swap(false, Ordering::Relaxed) {
                        self.queue.push_back((digests, number));
                        continue;
                    }
                }
                _ => continue,
            }
            return self.kept.remove(&digests).map(|(_, kept)| kept);
        }
        None
    }

    fn put(&mut self, digests: [u64; 2], kept: Arc<Kept>) -> Option<Arc<Kept>> {
        self.next += 1;
        let number = self.next;
        self.queue.push_back((digests, number));
        if self.queue.len() > 64 + 2 * self.kept.len() {
            let kept = &self.kept;
            let is_there = |entry: &([u64; 2], u64)| {
                entry.1 == number || kept.get(&entry.0).is_some_and(|(number, _)| *number == entry.1)
            };
            self.queue.retain(is_there);
        }
        self.kept.insert(digests, (number, kept)).map(|(_, old)| old)
    }
}

impl Leading<'_> {
    /// The chunk's name.
    pub fn spot(&self) -> &Spot {
        &self.spot
    }

    /// Keeps the decoded chunk, and gives back memory of that kind which may serve again.
    ///
    /// `asked_ms`: when the store was asked for it.
    pub fn keep(self, mut cells: Vec<u8>, bytes: usize, version: Option<Version>, asked_ms: u64) -> Option<Vec<u8>> {
        let cache = self.cache;
        let most = cache.budget_bytes();
        if bytes + ENTRY_BYTES > most || self.spot.writes != cache.writes_of(self.spot.counter) {
            return Some(cells);
        }
        cells.truncate(bytes);
        let mut back = None;
        if cells.capacity() > bytes + bytes / 8 {
            // Memory of a larger chunk: only what is needed of it is kept.
            let mut exact = Vec::new();
            if exact.try_reserve_exact(bytes).is_err() {
                return Some(cells);
            }
            exact.extend_from_slice(&cells);
            back = Some(std::mem::replace(&mut cells, exact));
        }
        let kept = Kept {
            cells,
            version,
            writes: self.spot.writes,
            seen_ms: AtomicU64::new(asked_ms),
            visited: AtomicBool::new(false),
        };
        let Some(spare) = cache.make_room(kept.bytes(), most, self.spot.digests[1] as usize) else {
            return back.or(Some(kept.cells));
        };
        cache.used.store(true, Ordering::Relaxed);
        let old = cache
            .part(self.spot.digests)
            .lock()
            .put(self.spot.digests, Arc::new(kept));
        if let Some(old) = old {
            cache.bytes.fetch_sub(old.bytes(), Ordering::Relaxed);
        }
        back.or(Some(spare))
    }
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        let digests = self.spot.digests;
        self.cache.part(digests).lock().flights.remove(&digests);
        *self.flight.done.lock() = true;
        self.flight.landed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(cache: &Decoded, key: &str, cells: Vec<u8>) {
        let name = cache.name("memory:1", key, 7);
        let Lead::Mine(leading) = cache.lead(cache.spot(&name, &[0])) else {
            panic!("nobody else decodes {key}");
        };
        let bytes = cells.len();
        leading.keep(cells, bytes, Some(Version::counter(1)), 0);
    }

    fn find(cache: &Decoded, key: &str) -> Option<Vec<u8>> {
        let name = cache.name("memory:1", key, 7);
        cache.find(&cache.spot(&name, &[0])).map(|kept| kept.cells.clone())
    }

    #[test]
    fn what_was_kept_is_found_until_this_process_writes_it() {
        let cache = Decoded::default();
        keep(&cache, "a/c/0", vec![1; 1000]);
        assert_eq!(find(&cache, "a/c/0"), Some(vec![1; 1000]));
        let name = cache.name("memory:1/a", "c/0", 7);
        assert!(
            cache.find(&cache.spot(&name, &[0])).is_some(),
            "the same object by another store"
        );
        let other = cache.name("memory:1", "a/c/0", 8);
        assert!(cache.find(&cache.spot(&other, &[0])).is_none(), "another program");
        cache.forget("memory:1/a", "c/0");
        assert_eq!(find(&cache, "a/c/0"), None);
        assert!(cache.is_empty());
    }

    #[test]
    fn a_read_that_began_before_a_write_leaves_nothing_behind_it() {
        let cache = Decoded::default();
        let name = cache.name("memory:1", "k", 7);
        let Lead::Mine(leading) = cache.lead(cache.spot(&name, &[0])) else {
            panic!("nobody else");
        };
        cache.forget("memory:1", "k");
        assert!(leading.keep(vec![0; 10], 10, Some(Version::counter(1)), 0).is_some());
        assert_eq!(find(&cache, "k"), None);
        assert!(cache.is_empty());
    }

    #[test]
    fn the_budget_holds_and_what_is_used_stays() {
        let cache = Decoded::default();
        // Many for each of the parts: one alone in its part is given up when room is needed there.
        let most = 1 << 20;
        cache.set_budget_bytes(Some(most));
        keep(&cache, "used", vec![9; 4000]);
        for at in 0..1500 {
            keep(&cache, &format!("k{at}"), vec![1; 4000]);
            assert!(cache.counts().bytes as usize <= most);
            let name = cache.name("memory:1", "used", 7);
            let kept = cache.find(&cache.spot(&name, &[0])).expect("what is used stays");
            cache.hit(&kept, None);
        }
        assert!(cache.counts().evictions > 1000);
        keep(&cache, "large", vec![1; most]);
        assert_eq!(find(&cache, "large"), None);
        cache.set_budget_bytes(Some(0));
        assert_eq!(cache.counts().bytes, 0);
        assert_eq!(cache.counts().count, 0);
    }

    #[test]
    fn threads_that_want_one_chunk_decode_it_once() {
        let cache = Decoded::default();
        let decoded = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    loop {
                        if find(&cache, "k").is_some() {
                            return;
                        }
                        let name = cache.name("memory:1", "k", 7);
                        match cache.lead(cache.spot(&name, &[0])) {
                            Lead::Mine(leading) => {
                                std::thread::sleep(Duration::from_millis(20));
                                decoded.fetch_add(1, Ordering::Relaxed);
                                leading.keep(vec![1; 10], 10, None, 0);
                            }
                            Lead::Busy(flight) => flight.wait().expect("nobody stops"),
                            Lead::Again => {}
                        }
                    }
                });
            }
        });
        assert_eq!(decoded.load(Ordering::Relaxed), 1);
    }
}
