//! Where a caching store keeps stored bytes, and what it knows of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::decoded::Counts;
use crate::store::{Range, Version};

/// Bytes of one object, kept.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where they begin in the object.
    pub start: u64,
    /// The bytes.
    pub bytes: Arc<[u8]>,
    /// Bytes of the whole object, where they are known.
    pub object_bytes: Option<u64>,
    /// The version they belong to, where the store named one.
    pub version: Option<Version>,
    /// When the store was last asked, in milliseconds of the system's clock.
    pub asked_ms: u64,
}

impl Entry {
    /// The bytes of a range, where this entry has all of them that the object has.
    pub fn within(&self, range: Range) -> Option<&[u8]> {
        let end = self.start + self.bytes.len() as u64;
        let is_end = self.object_bytes == Some(end);
        let (first, last) = match range {
            Range::FromTo(first, last) if is_end || last <= end => (first, last.clamp(first, end.max(first))),
            Range::FromTo(..) => return None,
            range => range.within(self.object_bytes?),
        };
        if first >= last && is_end {
            return Some(&[]);
        }
        let from = usize::try_from(first.checked_sub(self.start)?).ok()?;
        let to = usize::try_from(last.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..to)
    }
}

/// Milliseconds of the system's clock.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A place for entries, bounded in bytes. Nothing here fails: what cannot be kept is not kept.
pub trait Shelf: Send + Sync {
    /// An entry that has a range of an object. `object` names it in all of the world that shares the shelf.
    fn get(&self, object: &str, range: Range) -> Option<Entry>;

    /// Keeps an entry.
    fn put(&self, object: &str, entry: Entry);

    /// Notes that the store was asked and still has the version of an entry.
    fn touch(&self, object: &str, entry: &Entry, asked_ms: u64);

    /// Gives up all of an object.
    fn remove(&self, object: &str);

    /// Gives up everything.
    fn clear(&self);
}

/// Sums over all shelves of the process.
pub static SUMS: Sums = Sums {
    count: AtomicU64::new(0),
    bytes: AtomicU64::new(0),
    budget_bytes: AtomicU64::new(0),
    hits: AtomicU64::new(0),
    misses: AtomicU64::new(0),
    evictions: AtomicU64::new(0),
};

/// What is counted.
pub struct Sums {
    /// Entries kept.
    pub count: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
    /// The most that is kept.
    pub budget_bytes: AtomicU64,
    /// Reads that found what they wanted.
    pub hits: AtomicU64,
    /// Reads that did not.
    pub misses: AtomicU64,
    /// Entries given up for others.
    pub evictions: AtomicU64,
}

impl Sums {
    /// The sums; `reset` begins to count hits, misses and evictions anew.
    pub fn counts(&self, reset: bool) -> Counts {
        let sum = |count: &AtomicU64| {
            if reset {
                count.swap(0, Ordering::Relaxed)
            } else {
                count.load(Ordering::Relaxed)
            }
        };
        Counts {
            count: self.count.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            budget_bytes: self.budget_bytes.load(Ordering::Relaxed),
            hits: sum(&self.hits),
            misses: sum(&self.misses),
            evictions: sum(&self.evictions),
        }
    }
}

/// What one shelf adds to the sums; taken off when it is dropped.
pub struct Share {
    count: AtomicU64,
    bytes: AtomicU64,
    budget_bytes: u64,
}

impl Share {
    /// The share of a shelf with such a budget.
    pub fn of(budget_bytes: u64) -> Self {
        SUMS.budget_bytes.fetch_add(budget_bytes, Ordering::Relaxed);
        Self {
            count: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            budget_bytes,
        }
    }

    /// Sets what the shelf holds now.
    pub fn set(&self, count: u64, bytes: u64) {
        for (own, sum, now) in [
            (&self.count, &SUMS.count, count),
            (&self.bytes, &SUMS.bytes, bytes),
        ] {
            let before = own.swap(now, Ordering::Relaxed);
            sum.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0, 0);
        SUMS.budget_bytes.fetch_sub(self.budget_bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_answers_for_the_ranges_it_has() {
        let entry = |start, bytes: &[u8], object_bytes| Entry {
            start,
            bytes: bytes.into(),
            object_bytes,
            version: None,
            asked_ms: 0,
        };
        let whole = entry(0, b"0123456789", Some(10));
        assert_eq!(whole.within(Range::All), Some(&b"0123456789"[..]));
        assert_eq!(whole.within(Range::Last(3)), Some(&b"789"[..]));
        assert_eq!(whole.within(Range::Last(30)), Some(&b"0123456789"[..]));
        assert_eq!(whole.within(Range::FromTo(2, 4)), Some(&b"23"[..]));
        assert_eq!(whole.within(Range::FromTo(8, 40)), Some(&b"89"[..]));
        assert_eq!(whole.within(Range::FromTo(12, 40)), Some(&b""[..]));
        let part = entry(4, b"456", Some(10));
        assert_eq!(part.within(Range::FromTo(5, 7)), Some(&b"56"[..]));
        assert_eq!(part.within(Range::FromTo(5, 8)), None);
        assert_eq!(part.within(Range::FromTo(3, 6)), None);
        assert_eq!(part.within(Range::All), None);
        assert_eq!(part.within(Range::Last(2)), None);
        let end = entry(7, b"789", Some(10));
        assert_eq!(end.within(Range::Last(2)), Some(&b"89"[..]));
        assert_eq!(end.within(Range::Last(4)), None);
        assert_eq!(end.within(Range::FromTo(8, u64::MAX)), Some(&b"89"[..]));
        let unknown = entry(4, b"456", None);
        assert_eq!(unknown.within(Range::FromTo(4, 7)), Some(&b"456"[..]));
        assert_eq!(unknown.within(Range::FromTo(4, 8)), None);
        assert_eq!(unknown.within(Range::Last(1)), None);
    }
}
