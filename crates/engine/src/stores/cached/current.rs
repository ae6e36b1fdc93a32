//! Whether what is kept is still what the store has: by asking it for versions, and by counting the writes that go through here.

use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::shelf::{Entry, now_ms};
use super::{Check, Inner, WRITES};
use crate::store::{Range, Result, Version};

/// Versions that are remembered.
const FACES: usize = 1 << 16;

impl Inner {
    pub(super) fn object(&self, key: &str) -> String {
        format!("{}/{key}", self.name)
    }

    pub(super) fn writes(&self, key: &str) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(key.as_bytes());
        &self.writes[hasher.finish() as usize % WRITES]
    }

    fn is_fresh(&self, asked_ms: u64) -> bool {
        match self.check {
            Check::Never => true,
            // A time that lies ahead is no answer: clocks are set back.
            Check::After(time) => now_ms()
                .checked_sub(asked_ms)
                .is_some_and(|age| u128::from(age) < time.as_millis()),
        }
    }

    fn asks_each_time(&self) -> bool {
        self.check == Check::After(Duration::ZERO)
    }

    fn note(&self, key: &str, version: Option<&Version>, asked_ms: u64) {
        let Some(version) = version.and_then(Version::to_keep) else {
            return;
        };
        let mut faces = self.faces.lock();
        if faces.len() >= FACES {
            faces.clear();
        }
        faces.insert(key.to_owned(), (version, asked_ms));
    }

    /// The version a key has as far as was asked, or by asking now.
    pub(super) fn current(&self, key: &str) -> Result<(Option<Version>, u64)> {
        let known = self.faces.lock().get(key).cloned();
        if let Some((version, asked_ms)) = known
            && self.is_fresh(asked_ms)
        {
            return Ok((Some(version), asked_ms));
        }
        let asked_ms = now_ms();
        let version = self.store.version(key)?;
        self.note(key, version.as_ref(), asked_ms);
        Ok((version, asked_ms))
    }

    /// What is kept of a range and still current.
    pub(super) fn kept(&self, key: &str, range: Range) -> Result<Option<Entry>> {
        let object = self.object(key);
        let Some(mut entry) = self.shelf.get(&object, range) else {
            return Ok(None);
        };
        if !self.is_fresh(entry.asked_ms) {
            let current = match &entry.version {
                Some(version) if self.store.knows_versions() => {
                    let (found, asked_ms) = self.current(key)?;
                    (found.as_ref() == Some(version)).then_some(asked_ms)
                }
                _ => None,
            };
            let Some(asked_ms) = current else {
                self.shelf.remove(&object);
                return Ok(None);
            };
            if !self.asks_each_time() {
                self.shelf.touch(&object, &entry, asked_ms);
            }
            entry.asked_ms = asked_ms;
        }
        Ok(Some(entry))
    }

    /// Keeps what was read, unless this store wrote the object meanwhile.
    pub(super) fn keep(&self, key: &str, entry: Entry, writes: u64) {
        // Without a version nobody could ever say that it is current.
        if self.asks_each_time() && entry.version.is_none() || self.writes(key).load(Ordering::Acquire) != writes {
            return;
        }
        self.note(key, entry.version.as_ref(), entry.asked_ms);
        let object = self.object(key);
        self.shelf.put(&object, entry);
        if self.writes(key).load(Ordering::Acquire) != writes {
            self.shelf.remove(&object);
        }
    }

    /// Notes that this store changed an object.
    pub(super) fn changed(&self, key: &str) {
        self.writes(key).fetch_add(1, Ordering::AcqRel);
        self.faces.lock().remove(key);
        self.shelf.remove(&self.object(key));
    }

    /// Notes that this store changed objects of which it does not know all names.
    pub(super) fn changed_all(&self) {
        for writes in &self.writes {
            writes.fetch_add(1, Ordering::AcqRel);
        }
        self.faces.lock().clear();
        self.shelf.clear();
    }
}
