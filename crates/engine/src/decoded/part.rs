//! Chunks that share one lock: those that are kept, and those that somebody decodes just now.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::lead::Flight;
use crate::store::Version;

/// What an entry costs beside its cells.
pub(super) const ENTRY_BYTES: usize = 256;

/// One chunk's cells.
pub struct Kept {
    /// The cells, in the order of the chunk.
    pub cells: Vec<u8>,
    /// The object's version they were read from.
    pub version: Option<Version>,
    /// Writes of the object by this process before it was read.
    pub(super) writes: u64,
    /// When the store was last asked, in milliseconds of the cache's life.
    pub(super) seen_us: AtomicU64,
    pub(super) visited: AtomicBool,
}

impl Kept {
    pub(super) fn bytes(&self) -> usize {
        self.cells.capacity() + ENTRY_BYTES
    }
}

#[derive(Default)]
pub(super) struct Part {
    pub kept: HashMap<[u64; 2], (u64, Arc<Kept>)>,
    pub flights: HashMap<[u64; 2], Arc<Flight>>,
    /// In the order they came, each with the number it came under: what was taken out since is passed over.
    queue: VecDeque<([u64; 2], u64)>,
    next: u64,
}

impl Part {
    /// Takes out the oldest that was not used since it was last passed over.
    pub fn give_up(&mut self) -> Option<Arc<Kept>> {
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

    pub fn put(&mut self, digests: [u64; 2], kept: Arc<Kept>) -> Option<Arc<Kept>> {
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
