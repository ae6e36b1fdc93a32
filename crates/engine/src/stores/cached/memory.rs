//! Stored bytes kept in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::shelf::{Entry, SUMS, Share, Shelf};
use crate::store::Range;
use crate::sync::Mutex;

/// What an entry costs beside its bytes.
const ENTRY_BYTES: u64 = 256;

/// Entries in memory, the oldest that nobody used given up first.
pub struct MemoryShelf {
    inner: Mutex<Inner>,
    budget_bytes: u64,
    share: Share,
}

#[derive(Default)]
struct Inner {
    objects: HashMap<Arc<str>, Vec<Held>>,
    /// In the order they came; what was given up since is passed over.
    queue: VecDeque<(Arc<str>, u64)>,
    next: u64,
    count: u64,
    bytes: u64,
}

struct Held {
    number: u64,
    entry: Entry,
    used: AtomicBool,
}

impl MemoryShelf {
    /// An empty one.
    pub fn new(budget_bytes: u64) -> Self {
        Self {
            inner: Mutex::default(),
            budget_bytes,
            share: Share::of(budget_bytes),
        }
    }
}

fn cost(entry: &Entry) -> u64 {
    entry.bytes.len() as u64 + ENTRY_BYTES
}

impl Inner {
    fn take_out(&mut self, object: &str, which: impl Fn(&Held) -> bool) -> u64 {
        let Some(held) = self.objects.get_mut(object) else { return 0 };
        let (before, mut bytes) = (held.len(), 0);
        held.retain(|held| {
            let stays = !which(held);
            if !stays {
                bytes += cost(&held.entry);
            }
            stays
        });
        let gone = (before - held.len()) as u64;
        if held.is_empty() {
            self.objects.remove(object);
        }
        self.count -= gone;
        self.bytes -= bytes;
        gone
    }

    fn give_up_one(&mut self) -> bool {
        while let Some((object, number)) = self.queue.pop_front() {
            let held = self.objects.get(&object);
            let Some(held) = held.and_then(|held| held.iter().find(|held| held.number == number)) else {
                continue;
            };
            if held.used.swap(false, Ordering::Relaxed) {
                self.queue.push_back((object, number));
                continue;
            }
            self.take_out(&object, |held| held.number == number);
            return true;
        }
        false
    }
}

impl Shelf for MemoryShelf {
    fn get(&self, object: &str, range: Range) -> Option<Entry> {
        let inner = self.inner.lock();
        let held = inner.objects.get(object)?;
        let held = held.iter().find(|held| held.entry.within(range).is_some())?;
        held.used.store(true, Ordering::Relaxed);
        Some(held.entry.clone())
    }

    fn put(&self, object: &str, entry: Entry) {
        let bytes = cost(&entry);
        if bytes > self.budget_bytes / 4 {
            return;
        }
        let mut inner = self.inner.lock();
        let (start, end) = (entry.start, entry.start + entry.bytes.len() as u64);
        // What the new entry has too, or what is of another version, serves nobody any more.
        inner.take_out(object, |held| {
            let its = &held.entry;
            its.version != entry.version || its.start >= start && its.start + its.bytes.len() as u64 <= end
        });
        while inner.bytes + bytes > self.budget_bytes && inner.give_up_one() {
            SUMS.evictions.fetch_add(1, Ordering::Relaxed);
        }
        inner.next += 1;
        let number = inner.next;
        let name: Arc<str> = inner
            .objects
            .get_key_value(object)
            .map_or_else(|| object.into(), |(name, _)| Arc::clone(name));
        inner.queue.push_back((Arc::clone(&name), number));
        if inner.queue.len() as u64 > 64 + 2 * inner.count {
            let Inner { queue, objects, .. } = &mut *inner;
            queue.retain(|(object, its)| {
                *its == number
                    || objects
                        .get(object)
                        .is_some_and(|held| held.iter().any(|held| held.number == *its))
            });
        }
        inner.objects.entry(name).or_default().push(Held {
            number,
            entry,
            used: AtomicBool::new(false),
        });
        inner.count += 1;
        inner.bytes += bytes;
        self.share.set(inner.count, inner.bytes);
    }

    fn touch(&self, object: &str, entry: &Entry, asked_ms: u64) {
        let mut inner = self.inner.lock();
        for held in inner.objects.get_mut(object).into_iter().flatten() {
            if held.entry.version == entry.version {
                held.entry.asked_ms = held.entry.asked_ms.max(asked_ms);
            }
        }
    }

    fn remove(&self, object: &str) {
        let mut inner = self.inner.lock();
        inner.take_out(object, |_| true);
        self.share.set(inner.count, inner.bytes);
    }

    fn clear(&self) {
        let mut inner = self.inner.lock();
        *inner = Inner {
            next: inner.next,
            ..Inner::default()
        };
        self.share.set(0, 0);
    }
}
