//! What was deleted of the lower store: noted in memory, and in the upper store as objects without bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Weak};

use crate::store::{Result, Store};
use crate::stores::keys::below;
use crate::sync::Mutex;

/// Below this prefix of the upper store each empty object says that the key behind it is deleted.
pub const NOTES: &str = ".zarrite-deleted";

/// The notes of one overlay, which all overlays of the same two places share.
#[derive(Default)]
pub(super) struct Deleted {
    /// Keys of the lower store that are not there any more. A key that was put again stays noted: the upper store goes first.
    keys: Mutex<BTreeSet<String>>,
    /// Held by what looks at both stores before it writes.
    pub change: Mutex<()>,
}

/// The notes by the identity of their overlay, while one lives.
static ALIVE: Mutex<BTreeMap<String, Weak<Deleted>>> = Mutex::new(BTreeMap::new());

fn alive(identity: &str) -> Arc<Deleted> {
    let mut alive = ALIVE.lock();
    alive.retain(|_, held| held.strong_count() > 0);
    let held = alive.get(identity).and_then(Weak::upgrade).unwrap_or_default();
    alive.insert(identity.to_owned(), Arc::downgrade(&held));
    held
}

impl Deleted {
    /// The notes of an overlay, with those that its upper store keeps.
    pub fn of(identity: &str, upper: &dyn Store) -> Result<Arc<Self>> {
        let mut noted = BTreeSet::new();
        upper.list(NOTES, &mut |key, _| {
            noted.extend(below(key, NOTES).map(str::to_owned));
            true
        })?;
        let deleted = alive(identity);
        deleted.keys.lock().append(&mut noted);
        Ok(deleted)
    }

    pub fn has(&self, key: &str) -> bool {
        self.keys.lock().contains(key)
    }

    pub fn has_below(&self, prefix: &str) -> bool {
        let start = format!("{prefix}/");
        let keys = self.keys.lock();
        let next = keys
            .range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded))
            .next();
        next.is_some_and(|key| key.starts_with(&start))
    }

    pub fn note(&self, key: String) {
        self.keys.lock().insert(key);
    }
}

/// Whether a key of the upper store is a note, and no object of the overlay.
pub(super) fn is_note(key: &str) -> bool {
    key == NOTES || below(key, NOTES).is_some()
}
