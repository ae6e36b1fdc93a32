//! Two stores, one over the other: what is not in the upper one is looked for in the lower one, which is never changed.
//!
//! For local changes over an archive that can only be read, and for metadata of one's own over somebody else's data. What is deleted
//! of the lower store is noted: in memory, and as an empty object of the upper store below [`NOTES`], so that it stays deleted when
//! the two are laid over one another again. One process at a time writes through an overlay.

mod deleted;
mod lower;

use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use self::deleted::NOTES;
use self::deleted::{Deleted, is_note};
use self::lower::Lower;
use crate::store::{
    Error, Found, Later, Lock, Object, Put, Range, Result, Safety, Store, Version, Way, get_at_once, put_at_once,
};
use crate::stores::keys::{check_key, check_move, check_prefix, join, move_by_copy};
use crate::stores::urls;

/// How many keys of the lower store are asked about to find out whether anything is left below a name, before the name is shown
/// without proof.
const LOOKS: usize = 10_000;

/// One store over another. Copies of the handle share what was deleted.
#[derive(Clone)]
pub struct Overlay(Arc<Inner>);

struct Inner {
    upper: Arc<dyn Store>,
    lower: Arc<dyn Store>,
    identity: String,
    deleted: Arc<Deleted>,
}

impl Overlay {
    /// Lays `upper` over `lower`.
    ///
    /// # Errors
    /// What listing the upper store's notes of deleted keys says.
    pub fn of(lower: Arc<dyn Store>, upper: Arc<dyn Store>) -> Result<Self> {
        let identity = format!("{}|under|{}", lower.identity(), upper.identity());
        let deleted = Deleted::of(&identity, &*upper)?;
        Ok(Self(Arc::new(Inner {
            upper,
            lower,
            identity,
            deleted,
        })))
    }

    /// Refuses the keys that are no store's, and those that are this one's own.
    fn checked(key: &str) -> Result<()> {
        check_key(key)?;
        if is_note(key) {
            return Err(Error::refused(
                key,
                format!("{NOTES} keeps what was deleted of an overlay"),
            ));
        }
        Ok(())
    }

    fn is_deleted(&self, key: &str) -> bool {
        self.0.deleted.has(key)
    }

    /// Whether the lower store has something below a prefix that was not deleted.
    fn shines_through(&self, prefix: &str) -> Result<bool> {
        let (mut looks, mut found) = (0, false);
        self.0.lower.list(prefix, &mut |key, _| {
            looks += 1;
            found = looks > LOOKS || !self.is_deleted(key);
            !found
        })?;
        Ok(found)
    }

    fn writable(&self) -> Result<()> {
        if self.read_only() {
            return Err(Error::ReadOnly { url: self.url() });
        }
        Ok(())
    }

    /// Notes that a key of the lower store is deleted, and deletes it from the upper one. Noted first: else the lower store's object
    /// would be seen in between.
    fn forget(&self, key: &str) -> Result<()> {
        if !self.is_deleted(key) && self.0.lower.size(key)?.is_some() {
            self.0.upper.put(&join(NOTES, key), &[], Put::Always)?;
            self.0.deleted.note(key.to_owned());
        }
        self.0.upper.delete(key)
    }

    fn opened(&self, key: &str, part: Option<Range>) -> Result<Option<Arc<dyn Object>>> {
        Self::checked(key)?;
        let open = |store: &dyn Store| match part {
            Some(part) => store.open_part(key, part),
            None => store.open(key),
        };
        if let Some(object) = open(&*self.0.upper)? {
            return Ok(Some(object));
        }
        if self.is_deleted(key) {
            return Ok(None);
        }
        Ok(open(&*self.0.lower)?.map(|inner| {
            let (overlay, key) = (self.clone(), key.to_owned());
            Arc::new(Lower { overlay, inner, key }) as Arc<dyn Object>
        }))
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for Overlay {
    fn url(&self) -> String {
        let upper = urls::escaped(&self.0.upper.url()).replace('/', "%2F");
        format!("{}|zarrite.overlay:{upper}", self.0.lower.url())
    }

    fn identity(&self) -> &str {
        &self.0.identity
    }

    fn is_local(&self) -> bool {
        self.0.upper.is_local() && self.0.lower.is_local()
    }

    fn read_only(&self) -> bool {
        self.0.upper.read_only()
    }

    fn safety(&self) -> Safety {
        match self.0.upper.safety() {
            // What lies below has no lock above.
            Safety::Locks => Safety::Conditions,
            safety => safety,
        }
    }

    fn prove(&self, key: &str, parts: &[&[u8]]) -> Result<Safety> {
        self.0.upper.prove(key, parts)
    }

    fn try_lock(&self, _name: &str) -> Result<Lock> {
        Ok(Lock::Unknown)
    }

    /// Never: what is changed above is not told to who reads below.
    fn reads_ahead(&self) -> bool {
        false
    }

    fn get_with(&self, key: &str, range: Range, each: &mut dyn FnMut(&[u8], &Found)) -> Result<Option<Found>> {
        Self::checked(key)?;
        match self.0.upper.get_with(key, range, each)? {
            None if !self.is_deleted(key) => self.0.lower.get_with(key, range, each),
            found => Ok(found),
        }
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        Self::checked(key)?;
        match self.0.upper.get(key, range, into)? {
            None if !self.is_deleted(key) => self.0.lower.get(key, range, into),
            found => Ok(found),
        }
    }

    fn answers_later(&self) -> bool {
        false
    }

    fn get_later(&self, key: &str, range: Range, then: Later<Option<(Bytes, Found)>>) -> Option<Way> {
        get_at_once(self, key, range, then)
    }

    fn get_versioned(&self, key: &str, into: &mut Vec<u8>) -> Result<Option<Version>> {
        Self::checked(key)?;
        match self.0.upper.get_versioned(key, into)? {
            None if !self.is_deleted(key) => self.0.lower.get_versioned(key, into),
            found => Ok(found),
        }
    }

    fn knows_versions(&self) -> bool {
        self.0.upper.knows_versions() && self.0.lower.knows_versions()
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        Self::checked(key)?;
        match self.0.upper.version(key)? {
            None if !self.is_deleted(key) => self.0.lower.version(key),
            found => Ok(found),
        }
    }

    fn get_ranges(&self, key: &str, ranges: &[Range], each: &mut dyn FnMut(usize, Vec<u8>) -> bool) -> Result<bool> {
        Self::checked(key)?;
        if self.0.upper.get_ranges(key, ranges, each)? {
            return Ok(true);
        }
        if self.is_deleted(key) {
            return Ok(false);
        }
        self.0.lower.get_ranges(key, ranges, each)
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        let (mut places, mut asked) = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        for (place, key) in keys.iter().enumerate() {
            match Self::checked(key) {
                Ok(()) => {
                    places.push(place);
                    asked.push(key.clone());
                }
                Err(cause) => {
                    if !each(place, Err(cause)) {
                        return;
                    }
                }
            }
        }
        let (mut below, mut goes_on) = (Vec::new(), true);
        self.0.upper.get_many(&asked, &mut |at, answer| {
            if matches!(answer, Ok(None)) && !self.is_deleted(&asked[at]) {
                below.push(at);
            } else {
                goes_on = each(places[at], answer);
            }
            goes_on
        });
        if goes_on && !below.is_empty() {
            let wanted: Vec<String> = below.iter().map(|&at| asked[at].clone()).collect();
            self.0
                .lower
                .get_many(&wanted, &mut |at, answer| each(places[below[at]], answer));
        }
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        self.opened(key, None)
    }

    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        self.opened(key, Some(part))
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        self.writable()?;
        Self::checked(key)?;
        if how == Put::Always {
            return self.0.upper.put(key, parts, how);
        }
        let _one = self.0.deleted.change.lock();
        if self.is_deleted(key) || self.0.upper.size(key)?.is_some() {
            return self.0.upper.put(key, parts, how);
        }
        let wanted = match how {
            Put::IfVersion(version) => Some(version),
            _ => None,
        };
        let there = self.0.lower.version(key)?;
        if there == wanted {
            return self.0.upper.put(key, parts, Put::IfAbsent);
        }
        Ok(false)
    }

    fn takes_later(&self) -> bool {
        false
    }

    fn put_later(&self, key: &str, parts: Vec<Bytes>, how: Put, then: Later<bool>) {
        put_at_once(self, key, &parts, how, then);
    }

    fn put_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
        let (mut places, mut checked) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        for (place, (key, value)) in items.iter().enumerate() {
            match self.writable().and_then(|()| Self::checked(key)) {
                Ok(()) => {
                    places.push(place);
                    checked.push((key.clone(), *value));
                }
                Err(cause) => {
                    if !each(place, Err(cause)) {
                        return;
                    }
                }
            }
        }
        self.0
            .upper
            .put_many(&checked, &mut |at, answer| each(places[at], answer));
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.writable()?;
        Self::checked(key)?;
        let _one = self.0.deleted.change.lock();
        self.forget(key)
    }

    fn delete_many(&self, keys: &[String]) -> Result<()> {
        keys.iter().try_for_each(|key| self.delete(key))
    }

    fn deletes_at_once(&self) -> bool {
        false
    }

    fn copy_from(&self, source: &dyn Store, from: &str, to: &str) -> Result<Option<bool>> {
        self.writable()?;
        Self::checked(to)?;
        self.0.upper.copy_from(source, from, to)
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.writable()?;
        let prefix = check_prefix(prefix)?;
        let _one = self.0.deleted.change.lock();
        let (mut all, mut lower) = (0, Vec::new());
        self.list(prefix, &mut |_, _| {
            all += 1;
            true
        })?;
        self.0.lower.list(prefix, &mut |key, _| {
            if !is_note(key) && !self.is_deleted(key) {
                lower.push(key.to_owned());
            }
            true
        })?;
        // Those nearest to the prefix first: see the contract.
        lower.sort_by_cached_key(|key| key.matches('/').count());
        let notes: Vec<(String, &[u8])> = lower.iter().map(|key| (join(NOTES, key), &b""[..])).collect();
        let mut failed = None;
        self.0.upper.put_many(&notes, &mut |place, done| {
            match done {
                Ok(()) => self.0.deleted.note(lower[place].clone()),
                Err(cause) => failed = Some(cause),
            }
            failed.is_none()
        });
        if let Some(cause) = failed {
            return Err(cause);
        }
        if prefix.is_empty() {
            let (keys, prefixes) = self.0.upper.list_dir("")?;
            for key in keys.iter().filter(|key| *key != NOTES) {
                self.0.upper.delete(key)?;
            }
            for name in prefixes.iter().filter(|name| *name != NOTES) {
                self.0.upper.delete_prefix(name)?;
            }
        } else {
            self.0.upper.delete_prefix(prefix)?;
        }
        Ok(all)
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        let mut upper = Vec::new();
        self.0.upper.list(prefix, &mut |key, bytes| {
            if !is_note(key) {
                upper.push((key.to_owned(), bytes));
            }
            true
        })?;
        let (mut upper, mut goes_on) = (upper.into_iter().peekable(), true);
        self.0.lower.list(prefix, &mut |key, bytes| {
            while let Some((first, bytes)) = upper.next_if(|(first, _)| goes_on && first.as_str() < key) {
                goes_on = each(&first, bytes);
            }
            let covered = upper.peek().is_some_and(|(first, _)| first == key);
            if goes_on && !covered && !is_note(key) && !self.is_deleted(key) {
                goes_on = each(key, bytes);
            }
            goes_on
        })?;
        while goes_on && let Some((key, bytes)) = upper.next() {
            goes_on = each(&key, bytes);
        }
        Ok(())
    }

    fn list_keys(&self, prefix: &str, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        self.list(prefix, &mut |key, _| each(key))
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        let prefix = check_prefix(prefix)?;
        let (keys, prefixes) = self.0.upper.list_dir(prefix)?;
        let (mut keys, mut prefixes): (BTreeSet<_>, BTreeSet<_>) =
            (keys.into_iter().collect(), prefixes.into_iter().collect());
        let (lower_keys, lower_prefixes) = self.0.lower.list_dir(prefix)?;
        keys.extend(
            lower_keys
                .into_iter()
                .filter(|name| !self.is_deleted(&join(prefix, name))),
        );
        for name in lower_prefixes {
            let whole = join(prefix, &name);
            if prefixes.contains(&name) || !self.0.deleted.has_below(&whole) || self.shines_through(&whole)? {
                prefixes.insert(name);
            }
        }
        if prefix.is_empty() {
            prefixes.remove(NOTES);
            keys.remove(NOTES);
        }
        Ok((keys.into_iter().collect(), prefixes.into_iter().collect()))
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        Self::checked(key)?;
        match self.0.upper.size(key)? {
            None if !self.is_deleted(key) => self.0.lower.size(key),
            found => Ok(found),
        }
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        self.writable()?;
        let (from, to) = check_move(from, to)?;
        move_by_copy(self, from, to)
    }

    fn close(&self) -> Result<()> {
        self.0.upper.close()?;
        self.0.lower.close()
    }
}

#[cfg(test)]
mod tests;
