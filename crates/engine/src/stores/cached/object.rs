//! An open object of which ranges are kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Inner;
use super::shelf::Entry;
use crate::store::{Error, Object, Range, Result, Version};
use crate::stores::memory::check_within;
use crate::sync::Mutex;

/// An object that is read from the shelf where it can be. All of its ranges are of one version.
pub(super) struct Open {
    pub cache: Arc<Inner>,
    pub key: String,
    pub version: Version,
    pub bytes: u64,
    pub asked_ms: u64,
    /// The store's own, once something had to be read from it.
    pub object: Mutex<Option<Arc<dyn Object>>>,
}

impl Open {
    /// Reads from the store what is not kept.
    fn fetch(&self, start: u64, end: u64) -> Result<Vec<u8>> {
        let opened = self.object.lock().clone();
        let (store, key) = (&self.cache.store, &self.key);
        let changed = || Error::Changed { key: key.clone() };
        let mut bytes = Vec::new();
        if opened.is_none() && !store.is_local() {
            let found = store
                .get(key, Range::FromTo(start, end), &mut bytes)?
                .ok_or_else(changed)?;
            if let Some(version) = found.version {
                let is_same = version == self.version && bytes.len() as u64 == end - start;
                return if is_same { Ok(bytes) } else { Err(changed()) };
            }
            bytes.clear();
        }
        let object = match opened {
            Some(object) => object,
            None => store.open(key)?.ok_or_else(changed)?,
        };
        if object.version() != self.version {
            return Err(changed());
        }
        object.append_at(start, end - start, &mut bytes)?;
        self.object.lock().get_or_insert(object);
        Ok(bytes)
    }
}

impl Object for Open {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn version(&self) -> Version {
        self.version.clone()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        check_within(&self.key, offset, into.len() as u64, self.bytes)?;
        let end = offset + into.len() as u64;
        if into.is_empty() {
            return Ok(());
        }
        let cache = &self.cache;
        let range = Range::FromTo(offset, end);
        if let Some(entry) = cache.shelf.get(&cache.object(&self.key), range)
            && entry.version.as_ref() == Some(&self.version)
            && let Some(bytes) = entry.within(range)
            && bytes.len() == into.len()
        {
            Inner::count(true);
            into.copy_from_slice(bytes);
            return Ok(());
        }
        Inner::count(false);
        let writes = cache.writes(&self.key).load(Ordering::Acquire);
        let bytes = self.fetch(offset, end)?;
        into.copy_from_slice(&bytes);
        let entry = Entry {
            start: offset,
            bytes: bytes.into(),
            object_bytes: Some(self.bytes),
            version: Some(self.version.clone()),
            asked_ms: self.asked_ms,
        };
        cache.keep(&self.key, entry, writes);
        Ok(())
    }

    fn is_current(&self) -> bool {
        let version = self.cache.store.version(&self.key);
        version.is_ok_and(|version| version.as_ref() == Some(&self.version))
    }

    /// Never: stores without a shelf lead here too, and promise more than the shelf's user asked for.
    fn may_be_held(&self) -> bool {
        false
    }
}
