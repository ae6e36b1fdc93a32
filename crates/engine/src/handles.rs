//! Shards held open with their indexes, so that the second read of a shard is one read.

use crate::decoded::Counts;
use crate::error::{Error, Result};
use crate::runtime::runtime;
use crate::store::Object;
use crate::sync::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use zarrite_core::shard::ShardIndex;

/// An open shard: its object, and the indexes read so far, by level and by where their shard begins (a nested shard may begin where its shard does).
pub struct Handle {
    /// The object.
    pub object: Arc<dyn Object>,
    indexes: Mutex<HashMap<(usize, u64), Arc<ShardIndex>>>,
    /// When the store was last asked for it, in milliseconds of the cache of decoded chunks.
    asked_us: AtomicU64,
    used: AtomicBool,
}

impl Handle {
    /// Holds an object.
    pub fn new(object: Arc<dyn Object>, asked_us: u64) -> Self {
        Self {
            object,
            indexes: Mutex::default(),
            asked_us: AtomicU64::new(asked_us),
            used: AtomicBool::new(false),
        }
    }

    /// When the store was last asked for it.
    pub fn asked_us(&self) -> u64 {
        self.asked_us.load(Ordering::Relaxed)
    }

    /// Notes when the store was asked and said that this is what it has.
    pub fn asked(&self, now_us: u64) {
        self.asked_us.fetch_max(now_us, Ordering::Relaxed);
    }

    /// Whether nobody asked this before.
    pub fn is_new(&self) -> bool {
        !self.used.swap(true, Ordering::Relaxed)
    }

    /// The index at `place`, read by `read` when nobody has yet. The lock is held meanwhile: one reader reads, others wait.
    ///
    /// # Errors
    /// What `read` says.
    pub fn index(&self, place: (usize, u64), read: impl FnOnce() -> Result<ShardIndex>) -> Result<Arc<ShardIndex>> {
        let mut indexes = self.indexes.lock();
        if let Some(index) = indexes.get(&place) {
            return Ok(Arc::clone(index));
        }
        let index = Arc::new(read()?);
        indexes.insert(place, Arc::clone(&index));
        Ok(index)
    }

    fn bytes(&self) -> usize {
        256 + self.indexes.lock().values().map(|index| index.bytes()).sum::<usize>()
    }
}

/// How many shards are held open (fewer where the process may open few files), and how large their indexes may be together.
const MOST: usize = 256;
const MOST_BYTES: usize = 64 << 20;

/// The shards held open, the longest unused given up first.
pub struct Handles {
    inner: Mutex<Inner>,
    most: usize,
}

impl Default for Handles {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            most: open_files().map_or(MOST, |files| MOST.min(files / 4)).max(4),
        }
    }
}

/// How many files this process may open.
#[cfg(unix)]
fn open_files() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|files| usize::try_from(files).ok())
}

#[cfg(not(unix))]
fn open_files() -> Option<usize> {
    None
}

/// The system's numbers for "too many open files", of the process and of the machine.
const TOO_MANY_OPEN: [i32; 2] = [24, 23];

#[derive(Default)]
struct Inner {
    /// By the object's name: the store's identity and the key.
    map: HashMap<String, (u64, Arc<Handle>)>,
    clock: u64,
    hits: u64,
    misses: u64,
    evictions: u64,
}

impl Handles {
    /// The open object of a key: held and still current, or opened by `open`. `None` when there is no such key.
    ///
    /// # Errors
    /// What `open` says.
    pub fn get(
        &self,
        identity: &str,
        key: &str,
        open: impl Fn() -> std::result::Result<Option<Arc<dyn Object>>, crate::store::Error>,
    ) -> Result<Option<Arc<Handle>>> {
        let name = name(identity, key);
        let held = {
            let mut inner = self.inner.lock();
            inner.clock += 1;
            let clock = inner.clock;
            inner.map.get_mut(&name).map(|(used, handle)| {
                *used = clock;
                Arc::clone(handle)
            })
        };
        if let Some(handle) = held
            && handle.object.is_current()
        {
            self.inner.lock().hits += 1;
            return Ok(Some(handle));
        }
        let asked_us = runtime().decoded.now_us();
        let opened = open().or_else(|error| match error {
            crate::store::Error::Io { errno: Some(errno), .. } if TOO_MANY_OPEN.contains(&errno) => {
                // What is held here may be what is missing.
                let held = std::mem::take(&mut self.inner.lock().map);
                drop(held);
                open()
            }
            error => Err(error),
        });
        let Some(object) = opened.map_err(Error::from)? else {
            self.inner.lock().map.remove(&name);
            return Ok(None);
        };
        let is_held = object.may_be_held();
        let handle = Arc::new(Handle::new(object, asked_us));
        if !is_held {
            self.inner.lock().misses += 1;
            return Ok(Some(handle));
        }
        let mut given_up = Vec::new();
        {
            let mut inner = self.inner.lock();
            inner.misses += 1;
            inner.clock += 1;
            let clock = inner.clock;
            if inner.map.len() >= self.most || (inner.clock.is_multiple_of(64) && inner.bytes() > MOST_BYTES) {
                // A quarter at a time, so that this is rare.
                let mut ages: Vec<u64> = inner.map.values().map(|(used, _)| *used).collect();
                ages.sort_unstable();
                let limit = ages[ages.len() / 4];
                given_up.extend(inner.map.extract_if(|_, (used, _)| *used <= limit));
                inner.evictions += given_up.len() as u64;
            }
            inner.map.insert(name, (clock, Arc::clone(&handle)));
        }
        // Files are closed outside the lock.
        drop(given_up);
        Ok(Some(handle))
    }

    /// Lets go of a key that was written here, and of what was decoded of it.
    pub fn forget(&self, identity: &str, key: &str) {
        runtime().decoded.forget(identity, key);
        let gone = self.inner.lock().map.remove(&name(identity, key));
        drop(gone);
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        let inner = self.inner.lock();
        Counts {
            count: inner.map.len() as u64,
            bytes: inner.bytes() as u64,
            budget_bytes: MOST_BYTES as u64,
            hits: inner.hits,
            misses: inner.misses,
            evictions: inner.evictions,
        }
    }

    /// Begins to count anew.
    pub fn reset_counts(&self) {
        let mut inner = self.inner.lock();
        (inner.hits, inner.misses, inner.evictions) = (0, 0, 0);
    }
}

/// Names one object of this process, whichever store leads to it.
pub fn name(identity: &str, key: &str) -> String {
    format!("{identity}/{key}")
}

impl Inner {
    fn bytes(&self) -> usize {
        self.map.values().map(|(_, handle)| handle.bytes()).sum()
    }
}
