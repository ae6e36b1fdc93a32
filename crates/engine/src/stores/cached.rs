//! Another store, and a shelf of bytes that were read from it.
//!
//! What is kept are the ranges that were asked for, with the version of their object. How long they are used without asking the store is
//! the user's word: for ever (data that never changes), for a time, or not at all; then the store is asked for the version, which costs
//! one small request and no bytes. Writes that go through this store are seen at once; those of others when the store is asked.

mod current;
pub mod folder;
pub mod memory;
mod object;
pub mod shelf;

use bytes::Bytes;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use self::folder::FolderShelf;
use self::memory::MemoryShelf;
use self::object::Open;
use self::shelf::{Entry, SUMS, Shelf, now_ms};
use crate::store::{
    Found, Later, Lock, Object, Put, Range, Result, Safety, Store, Version, Way, get_at_once, put_at_once,
};
use crate::stores::keys::{check_key, reserve};
use crate::sync::Mutex;

/// When the store is asked whether what is kept is still what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Never: the data does not change.
    Never,
    /// When it was not asked for so long; zero asks each time.
    After(Duration),
}

/// Counters of writes that objects are spread over.
const WRITES: usize = 1024;

/// Threads that ask for many objects at once.
const ASKERS: usize = 64;

/// A store that keeps what it read. Copies share the shelf.
#[derive(Clone)]
pub struct Cached(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    /// Of the place, for everybody who shares the shelf.
    name: String,
    shelf: Box<dyn Shelf>,
    check: Check,
    /// The versions that the store named last, and when.
    faces: Mutex<HashMap<String, (Version, u64)>>,
    writes: Vec<AtomicU64>,
}

impl Cached {
    /// Keeps what is read of a store in memory, under the name of the place.
    pub fn in_memory(store: Arc<dyn Store>, name: &str, budget_bytes: u64, check: Check) -> Self {
        Self::of(store, name, Box::new(MemoryShelf::new(budget_bytes)), check)
    }

    /// Keeps what is read of a store in a folder, which other processes may use too: those that give the place the same name.
    ///
    /// # Errors
    /// [`Error::Io`](crate::store::Error::Io) when the folder cannot be made.
    pub fn in_folder(
        store: Arc<dyn Store>,
        name: &str,
        folder: &Path,
        budget_bytes: u64,
        check: Check,
    ) -> Result<Self> {
        Ok(Self::of(
            store,
            name,
            Box::new(FolderShelf::new(folder, budget_bytes)?),
            check,
        ))
    }

    fn of(store: Arc<dyn Store>, name: &str, shelf: Box<dyn Shelf>, check: Check) -> Self {
        Self(Arc::new(Inner {
            store,
            name: name.to_owned(),
            shelf,
            check,
            faces: Mutex::default(),
            writes: (0..WRITES).map(|_| AtomicU64::new(0)).collect(),
        }))
    }
}

impl Inner {
    fn count(found: bool) {
        let sum = if found { &SUMS.hits } else { &SUMS.misses };
        sum.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        check_key(key)?;
        if let Some(entry) = self.kept(key, range)?
            && let Some(bytes) = entry.within(range)
        {
            Self::count(true);
            reserve(key, bytes.len() as u64, into)?;
            into.extend_from_slice(bytes);
            return Ok(Some(Found {
                object_bytes: entry.object_bytes,
                version: entry.version,
            }));
        }
        Self::count(false);
        let writes = self.writes(key).load(Ordering::Acquire);
        let asked_ms = now_ms();
        // A store on this machine says its version apart; asked before the bytes are read, it is never newer than they are.
        let before = if self.store.is_local() && self.store.knows_versions() {
            self.store.version(key)?
        } else {
            None
        };
        let from = into.len();
        let Some(found) = self.store.get(key, range, into)? else {
            return Ok(None);
        };
        let bytes = &into[from..];
        let start = match range {
            Range::All => Some(0),
            Range::FromTo(start, stop) if start < stop => Some(start),
            Range::FromTo(..) => None,
            Range::Last(_) => found.object_bytes.and_then(|all| all.checked_sub(bytes.len() as u64)),
        };
        if let Some(start) = start {
            let whole = (range == Range::All).then_some(bytes.len() as u64);
            let entry = Entry {
                start,
                bytes: bytes.into(),
                object_bytes: found.object_bytes.or(whole),
                version: found.version.clone().or(before).and_then(|version| version.to_keep()),
                asked_ms,
            };
            self.keep(key, entry, writes);
        }
        Ok(Some(found))
    }

    /// Asks for many objects side by side, and hands each answer over on this thread.
    fn get_each(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        let one = |key: &str| {
            let mut bytes = Vec::new();
            Ok(self.get(key, Range::All, &mut bytes)?.map(|_| bytes))
        };
        if self.store.is_local() || keys.len() < 2 {
            let _ = keys.iter().enumerate().all(|(place, key)| each(place, one(key)));
            return;
        }
        let (next, (send, answers)) = (AtomicU64::new(0), mpsc::channel());
        std::thread::scope(|scope| {
            for _ in 0..keys.len().min(ASKERS) {
                let (send, next, one) = (send.clone(), &next, &one);
                scope.spawn(move || {
                    loop {
                        let place = next.fetch_add(1, Ordering::Relaxed) as usize;
                        let Some(key) = keys.get(place) else { return };
                        if send.send((place, one(key))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(send);
            // Dropped when `each` has enough: then the threads stop.
            for (place, answer) in answers {
                if !each(place, answer) {
                    break;
                }
            }
        });
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for Cached {
    fn url(&self) -> String {
        self.0.store.url()
    }

    fn identity(&self) -> &str {
        self.0.store.identity()
    }

    fn is_local(&self) -> bool {
        self.0.store.is_local()
    }

    fn read_only(&self) -> bool {
        self.0.store.read_only()
    }

    fn safety(&self) -> Safety {
        self.0.store.safety()
    }

    fn prove(&self, key: &str, parts: &[&[u8]]) -> Result<Safety> {
        self.0.store.prove(key, parts)
    }

    fn try_lock(&self, name: &str) -> Result<Lock> {
        self.0.store.try_lock(name)
    }

    /// Never: what is kept here is asked for first.
    fn reads_ahead(&self) -> bool {
        false
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        self.0.get(key, range, into)
    }

    fn get_with(&self, key: &str, range: Range, each: &mut dyn FnMut(&[u8], &Found)) -> Result<Option<Found>> {
        let mut held = Vec::new();
        let found = self.0.get(key, range, &mut held)?;
        if let Some(found) = &found {
            each(&held, found);
        }
        Ok(found)
    }

    fn answers_later(&self) -> bool {
        false
    }

    fn get_later(&self, key: &str, range: Range, then: Later<Option<(Bytes, Found)>>) -> Option<Way> {
        get_at_once(self, key, range, then)
    }

    /// Always the store's own: a conditional put follows.
    fn get_versioned(&self, key: &str, into: &mut Vec<u8>) -> Result<Option<Version>> {
        self.0.store.get_versioned(key, into)
    }

    fn knows_versions(&self) -> bool {
        self.0.store.knows_versions()
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        check_key(key)?;
        Ok(self.0.current(key)?.0)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range], each: &mut dyn FnMut(usize, Vec<u8>) -> bool) -> Result<bool> {
        for (place, range) in ranges.iter().enumerate() {
            let mut bytes = Vec::new();
            if self.get(key, *range, &mut bytes)?.is_none() {
                return Ok(false);
            }
            if !each(place, bytes) {
                break;
            }
        }
        Ok(true)
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        self.0.get_each(keys, each);
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        self.open_part(key, Range::FromTo(0, 1))
    }

    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        check_key(key)?;
        let inner = &self.0;
        if let Some(entry) = inner.kept(key, part)?
            && let (Some(version), Some(bytes)) = (&entry.version, entry.object_bytes)
        {
            Inner::count(true);
            return Ok(Some(Arc::new(Open {
                version: version.clone(),
                bytes,
                asked_ms: entry.asked_ms,
                key: key.to_owned(),
                cache: Arc::clone(inner),
                object: Mutex::new(None),
            })));
        }
        Inner::count(false);
        let writes = inner.writes(key).load(Ordering::Acquire);
        let asked_ms = now_ms();
        let Some(object) = inner.store.open_part(key, part)? else {
            return Ok(None);
        };
        let Some(version) = object.version().to_keep().filter(|_| inner.store.knows_versions()) else {
            // Ranges of it could not be told from those of another version.
            return Ok(Some(object));
        };
        let (start, end) = part.within(object.bytes());
        let mut bytes = Vec::new();
        object.append_at(start, end - start, &mut bytes)?;
        let entry = Entry {
            start,
            bytes: bytes.into(),
            object_bytes: Some(object.bytes()),
            version: Some(version.clone()),
            asked_ms,
        };
        let bytes = object.bytes();
        inner.keep(key, entry, writes);
        Ok(Some(Arc::new(Open {
            version,
            bytes,
            asked_ms,
            key: key.to_owned(),
            cache: Arc::clone(inner),
            object: Mutex::new(Some(object)),
        })))
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        let done = self.0.store.put(key, parts, how);
        // Also when it failed: what became of it is not known.
        self.0.changed(key);
        done
    }

    fn takes_later(&self) -> bool {
        false
    }

    fn put_later(&self, key: &str, parts: Vec<Bytes>, how: Put, then: Later<bool>) {
        put_at_once(self, key, &parts, how, then);
    }

    fn put_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
        self.0.store.put_many(items, each);
        for (key, _) in items {
            self.0.changed(key);
        }
    }

    fn delete(&self, key: &str) -> Result<()> {
        let done = self.0.store.delete(key);
        self.0.changed(key);
        done
    }

    fn delete_many(&self, keys: &[String]) -> Result<()> {
        let done = self.0.store.delete_many(keys);
        for key in keys {
            self.0.changed(key);
        }
        done
    }

    fn deletes_at_once(&self) -> bool {
        self.0.store.deletes_at_once()
    }

    fn copy_from(&self, source: &dyn Store, from: &str, to: &str) -> Result<Option<bool>> {
        let done = self.0.store.copy_from(source, from, to);
        self.0.changed(to);
        done
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        let done = self.0.store.delete_prefix(prefix);
        self.0.changed_all();
        done
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        self.0.store.list(prefix, each)
    }

    fn list_keys(&self, prefix: &str, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        self.0.store.list_keys(prefix, each)
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        self.0.store.list_dir(prefix)
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        self.0.store.size(key)
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        let done = self.0.store.move_prefix(from, to);
        self.0.changed_all();
        done
    }

    fn close(&self) -> Result<()> {
        self.0.store.close()
    }
}

#[cfg(test)]
mod tests;
