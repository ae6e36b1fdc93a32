//! Objects in this process's memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crate::sync::{Mutex, RwLock};

use crate::store::{Error, Found, Object, Put, Range, Result, Store, Version};
use crate::stores::keys::{
    all_below, below, check_key, check_move, check_prefix, join, names_below, reserve, taken_error,
};

/// Each instance is a place of its own, and each put a version of its own: neither number ever comes back.
static INSTANCES: AtomicU64 = AtomicU64::new(0);
static PUTS: AtomicU64 = AtomicU64::new(0);

/// A store in memory. Copies of the handle share the objects.
#[derive(Clone)]
pub struct Memory {
    identity: Arc<str>,
    url: Arc<str>,
    read_only: bool,
    objects: Objects,
}

type Kept = RwLock<BTreeMap<String, Held>>;
type Objects = Arc<Kept>;

/// The stores that are alive, by their instance numbers: what one of them prints leads back to it.
static ALIVE: Mutex<BTreeMap<u64, Weak<Kept>>> = Mutex::new(BTreeMap::new());

#[derive(Clone)]
struct Held {
    bytes: Arc<[u8]>,
    version: u64,
}

impl Held {
    /// The parts one after another, copied once.
    fn new(parts: &[&[u8]]) -> Self {
        let mut bytes = Arc::new_uninit_slice(parts.iter().map(|part| part.len()).sum());
        let mut rest = Arc::get_mut(&mut bytes).unwrap_or_default();
        for part in parts {
            let (now, later) = rest.split_at_mut(part.len());
            for (to, from) in now.iter_mut().zip(*part) {
                to.write(*from);
            }
            rest = later;
        }
        // SAFETY: the parts have as many bytes together as there are, and each was written.
        let bytes = unsafe { bytes.assume_init() };
        Self {
            bytes,
            version: PUTS.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::at(None)
    }

    /// An empty store that is written with this URL.
    pub fn at(url: Option<&str>) -> Self {
        let number = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let objects = Objects::default();
        let mut alive = ALIVE.lock();
        alive.insert(number, Arc::downgrade(&objects));
        // Now and then the list loses those that are gone.
        if alive.len().is_power_of_two() {
            alive.retain(|_, store| store.strong_count() > 0);
        }
        drop(alive);
        Self {
            url: url.map_or_else(|| format!("memory://~{number}"), str::to_owned).into(),
            ..Self::numbered(number, objects)
        }
    }

    /// The store that prints itself as `memory://~number`, where it is still alive.
    pub fn alive(number: u64) -> Option<Self> {
        let objects = ALIVE.lock().get(&number)?.upgrade()?;
        Some(Self::numbered(number, objects))
    }

    fn numbered(number: u64, objects: Objects) -> Self {
        Self {
            identity: format!("memory:{number}").into(),
            url: format!("memory://~{number}").into(),
            read_only: false,
            objects,
        }
    }

    /// A store that holds these objects from the start.
    ///
    /// # Errors
    /// [`Error::KeyRefused`] when one of the keys is refused.
    pub fn with_objects<'a>(objects: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self> {
        let store = Self::new();
        for (key, value) in objects {
            store.put(key, &[value], Put::Always)?;
        }
        Ok(store)
    }

    /// The same objects, to be read alone.
    #[must_use]
    pub fn to_read_only(&self) -> Self {
        Self {
            read_only: true,
            ..self.clone()
        }
    }

    /// Every object in the order of the keys, as of one moment. The bytes are shared and not copied.
    pub fn objects(&self) -> Vec<(String, Arc<[u8]>)> {
        self.objects
            .read()
            .iter()
            .map(|(key, held)| (key.clone(), held.bytes.clone()))
            .collect()
    }

    fn held(&self, key: &str) -> Result<Option<Held>> {
        check_key(key)?;
        Ok(self.objects.read().get(key).cloned())
    }

    fn writable(&self) -> Result<()> {
        if self.read_only {
            Err(Error::ReadOnly { url: self.url() })
        } else {
            Ok(())
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for Memory {
    fn url(&self) -> String {
        self.url.to_string()
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn is_local(&self) -> bool {
        true
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        let Some(held) = self.held(key)? else { return Ok(None) };
        let (start, stop) = range.within(held.bytes.len() as u64);
        reserve(key, stop - start, into)?;
        into.extend_from_slice(&held.bytes[start as usize..stop as usize]);
        let version = Some(Version::counter(held.version));
        Ok(Some(Found {
            object_bytes: Some(held.bytes.len() as u64),
            version,
        }))
    }

    fn knows_versions(&self) -> bool {
        true
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        Ok(self.held(key)?.map(|held| Version::counter(held.version)))
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        let Some(held) = self.held(key)? else { return Ok(None) };
        Ok(Some(Arc::new(Open {
            held,
            key: key.to_owned(),
            store: self.clone(),
        })))
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        self.writable()?;
        check_key(key)?;
        // Copied before the lock is taken: readers do not wait for it.
        let held = Held::new(parts);
        let mut objects = self.objects.write();
        let holds = match how {
            Put::Always => true,
            Put::IfAbsent => !objects.contains_key(key),
            Put::IfVersion(version) => objects
                .get(key)
                .is_some_and(|old| Version::counter(old.version) == version),
        };
        let replaced = if holds {
            objects.insert(key.to_owned(), held)
        } else {
            None
        };
        drop(objects);
        drop(replaced);
        Ok(holds)
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.writable()?;
        check_key(key)?;
        let removed = self.objects.write().remove(key);
        drop(removed);
        Ok(())
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.writable()?;
        let prefix = check_prefix(prefix)?;
        let removed: Vec<_> = {
            let mut objects = self.objects.write();
            let keys: Vec<String> = all_below(&objects, prefix).map(|(key, _)| key.clone()).collect();
            keys.iter().filter_map(|key| objects.remove(key)).collect()
        };
        Ok(removed.len() as u64)
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        let prefix = check_prefix(prefix)?;
        // Collected first: `each` may use the store.
        let found: Vec<(String, u64)> = {
            let objects = self.objects.read();
            all_below(&objects, prefix)
                .map(|(key, held)| (key.clone(), held.bytes.len() as u64))
                .collect()
        };
        for (key, bytes) in &found {
            if !each(key, *bytes) {
                break;
            }
        }
        Ok(())
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        let prefix = check_prefix(prefix)?;
        Ok(names_below(&self.objects.read(), prefix))
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        Ok(self.held(key)?.map(|held| held.bytes.len() as u64))
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        self.writable()?;
        let (from, to) = check_move(from, to)?;
        let mut objects = self.objects.write();
        if all_below(&objects, to).next().is_some() {
            return Err(taken_error(to));
        }
        let keys: Vec<String> = all_below(&objects, from).map(|(key, _)| key.clone()).collect();
        for key in keys {
            if let (Some(held), Some(rest)) = (objects.remove(&key), below(&key, from)) {
                objects.insert(join(to, rest), held);
            }
        }
        Ok(())
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// An object of the store, as it was when it was opened.
struct Open {
    held: Held,
    key: String,
    store: Memory,
}

impl Object for Open {
    fn bytes(&self) -> u64 {
        self.held.bytes.len() as u64
    }

    fn version(&self) -> Version {
        Version::counter(self.held.version)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        into.copy_from_slice(slice_of(&self.held.bytes, &self.key, offset, into.len() as u64)?);
        Ok(())
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        let found = slice_of(&self.held.bytes, &self.key, offset, bytes)?;
        reserve(&self.key, bytes, into)?;
        into.extend_from_slice(found);
        Ok(())
    }

    fn is_current(&self) -> bool {
        self.store
            .objects
            .read()
            .get(&self.key)
            .is_some_and(|held| held.version == self.held.version)
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(&self.held.bytes)
    }
}

/// The bytes from `offset` on, or what to say when the object ends before them.
pub(super) fn slice_of<'a>(all: &'a [u8], key: &str, offset: u64, bytes: u64) -> Result<&'a [u8]> {
    check_within(key, offset, bytes, all.len() as u64)?;
    Ok(&all[offset as usize..(offset + bytes) as usize])
}

/// Refuses a read that reaches beyond an object.
pub(super) fn check_within(key: &str, offset: u64, bytes: u64, object_bytes: u64) -> Result<()> {
    let stop = offset.saturating_add(bytes);
    if stop > object_bytes {
        return Err(short(key, offset, stop, object_bytes));
    }
    Ok(())
}

/// The failure of a read that reaches beyond an object.
pub(super) fn short(key: &str, start: u64, stop: u64, object_bytes: u64) -> Error {
    Error::corrupt(
        key,
        format!("the object ends after {object_bytes} bytes; {start}..{stop} were asked for"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::contract;

    #[test]
    fn memory_keeps_the_contract() {
        contract::check(&|| Arc::new(Memory::new()));
    }

    #[test]
    fn each_store_is_a_place_of_its_own() {
        let (one, two) = (Memory::new(), Memory::new());
        assert_ne!(one.identity(), two.identity());
        assert_eq!(one.identity(), one.clone().identity());
    }

    #[test]
    fn a_read_only_view_shares_the_objects_and_refuses_changes() {
        let store = Memory::with_objects([("a/k", &b"12"[..])]).expect("a store");
        let view = store.to_read_only();
        assert_eq!(view.size("a/k"), Ok(Some(2)));
        let refused = Err(Error::ReadOnly { url: store.url() });
        assert_eq!(view.put("a/k", &[b"3"], Put::Always).map(drop), refused);
        assert_eq!(view.delete("a/k"), refused);
        assert_eq!(view.delete_prefix("a").map(drop), refused);
        assert_eq!(view.move_prefix("a", "b"), refused);
        assert_eq!(store.objects(), [("a/k".to_owned(), Arc::from(&b"12"[..]))]);
    }
}
