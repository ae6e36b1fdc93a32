//! How a stage ends: what was written is published, or deleted.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::{Staged, is_within, name_of, node_of};
use crate::store::{Error, Put, Range, Result, Store};
use crate::stores::keys::{below, join};

impl Staged {
    /// Publishes what was written: what is replaced goes, then the documents come, members before the groups that hold them.
    ///
    /// # Errors
    /// The store's; [`Error::Changed`] when a document is no longer what it was when the stage saw it.
    pub fn publish(&self) -> Result<()> {
        let (inner, state) = (&self.0.under, std::mem::take(&mut *self.0.state.lock()));
        self.0.closed.store(true, Ordering::Release);
        for (place, aside) in &state.moved {
            if place.is_empty() {
                self.replace_all(aside)?;
            } else {
                inner.delete_prefix(place)?;
                inner.move_prefix(aside, place)?;
            }
        }
        let mut documents: Vec<&String> = state.bases.keys().collect();
        let rank = |key: &str| self.0.names.iter().position(|name| *name == name_of(key));
        documents.sort_by_key(|key| (std::cmp::Reverse(key.matches('/').count()), rank(key), (*key).clone()));
        for key in documents {
            let mut bytes = Vec::new();
            if self.0.held.get(key, Range::All, &mut bytes)?.is_none() {
                continue;
            }
            let how = match &state.bases[key] {
                _ if state.moved.keys().any(|place| below(key, place).is_some()) => Put::Always,
                None => Put::IfAbsent,
                Some(version) => Put::IfVersion(version.clone()),
            };
            match inner.put(key, &[&bytes], how) {
                Ok(true) => {}
                Ok(false) => return Err(Error::Changed { key: key.clone() }),
                Err(Error::Unsafe { .. }) => {
                    inner.put(key, &[&bytes], Put::Always)?;
                }
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    /// Deletes what was written, and publishes nothing.
    ///
    /// # Errors
    /// The store's.
    pub fn discard(&self) -> Result<()> {
        let state = std::mem::take(&mut *self.0.state.lock());
        self.0.closed.store(true, Ordering::Release);
        for aside in state.moved.values() {
            self.0.under.delete_prefix(aside)?;
        }
        let new: BTreeSet<&str> = state
            .bases
            .iter()
            .filter(|(_, base)| base.is_none())
            .map(|(key, _)| node_of(key))
            .filter(|node| !state.moved.keys().any(|place| is_within(node, place)))
            .collect();
        let mut last: Option<&str> = None;
        for node in new {
            // What lies in another one goes with it.
            if last.is_some_and(|last| is_within(node, last)) {
                continue;
            }
            self.0.under.delete_prefix(node)?;
            last = Some(node);
        }
        Ok(())
    }

    /// Puts what lies in one place of the store where all of the store is.
    fn replace_all(&self, aside: &str) -> Result<()> {
        let inner = &self.0.under;
        let (keys, prefixes) = inner.list_dir("")?;
        keys.iter().try_for_each(|key| inner.delete(key))?;
        let mut old = prefixes.iter().filter(|prefix| *prefix != aside);
        old.try_for_each(|prefix| inner.delete_prefix(prefix).map(drop))?;
        let (keys, prefixes) = inner.list_dir(aside)?;
        for prefix in &prefixes {
            inner.move_prefix(&join(aside, prefix), prefix)?;
        }
        for key in &keys {
            let (from, mut bytes) = (join(aside, key), Vec::new());
            inner.get(&from, Range::All, &mut bytes)?;
            inner.put(key, &[&bytes], Put::Always)?;
            inner.delete(&from)?;
        }
        inner.delete_prefix(aside).map(drop)
    }
}
