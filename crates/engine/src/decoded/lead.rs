//! Who decodes a chunk that is not kept, where several threads want it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::part::{ENTRY_BYTES, Kept};
use super::{Decoded, Spot};
use crate::error::Result;
use crate::runtime::{ASK, go_on};
use crate::store::Version;
use crate::sync::{Condvar, Mutex};

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

impl Decoded {
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
}

impl Leading<'_> {
    /// The chunk's name.
    pub fn spot(&self) -> &Spot {
        &self.spot
    }

    /// Keeps the decoded chunk, and gives back memory of that kind which may serve again.
    ///
    /// `asked_us`: when the store was asked for it.
    pub fn keep(self, mut cells: Vec<u8>, bytes: usize, version: Option<Version>, asked_us: u64) -> Option<Vec<u8>> {
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
            seen_us: AtomicU64::new(asked_us),
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
