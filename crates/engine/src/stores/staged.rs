//! New nodes out of sight: their chunks go to the store below, their documents are held back until all is published.
mod publish;

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Memory;
use crate::store::{
    Error, Found, Later, Lock, Object, Put, Range, Result, Safety, Store, Version, Way, get_at_once, put_at_once,
};
use crate::stores::keys::{below, check_key, check_prefix, join};
use crate::sync::Mutex;

/// A store in which nothing appears in the one below before it is published. It serves one block of code, and is closed then.
#[derive(Clone)]
pub struct Staged(Arc<Inner>);

struct Inner {
    under: Arc<dyn Store>,
    identity: String,
    /// Names of documents; of those of one node the last one is published last.
    names: Vec<String>,
    /// The documents that are held back.
    held: Memory,
    state: Mutex<State>,
    closed: AtomicBool,
}

#[derive(Default)]
struct State {
    /// What each document that is held back replaces: a version of it, or nothing.
    bases: BTreeMap<String, Option<Version>>,
    /// What is to be replaced as a whole, and where its successor's chunks lie until then.
    moved: BTreeMap<String, String>,
}

impl Staged {
    /// A stage before a store; `names` are those of documents.
    pub fn of(inner: Arc<dyn Store>, names: Vec<String>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let identity = format!("staged-{count}:{}", inner.identity());
        Self(Arc::new(Inner {
            under: inner,
            identity,
            names,
            held: Memory::new(),
            state: Mutex::default(),
            closed: AtomicBool::new(false),
        }))
    }
    fn open_for(&self) -> Result<()> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(Error::Closed { url: self.url() });
        }
        Ok(())
    }

    fn is_document(&self, key: &str) -> bool {
        self.0.names.iter().any(|name| name == name_of(key))
    }

    /// Where an object lies in the store below.
    fn real(&self, key: &str) -> String {
        let state = self.0.state.lock();
        let moved = state.moved.iter().find(|(place, _)| is_within(key, place));
        moved.map_or_else(
            || key.to_owned(),
            |(place, aside)| join(aside, below(key, place).unwrap_or_default()),
        )
    }

    fn is_moved(&self, key: &str) -> bool {
        self.0.state.lock().moved.keys().any(|place| is_within(key, place))
    }

    /// Which store has an object, and its name there.
    fn at(&self, key: &str) -> Result<(&dyn Store, String)> {
        self.open_for()?;
        check_key(key)?;
        if self.is_document(key) && (self.is_moved(key) || self.0.state.lock().bases.contains_key(key)) {
            return Ok((&self.0.held, key.to_owned()));
        }
        Ok((&*self.0.under, self.real(key)))
    }

    /// Refuses what would show before it is published: only nodes that are new here may be changed.
    fn check_new(&self, key: &str) -> Result<()> {
        let state = self.0.state.lock();
        let new = state.moved.keys().any(|place| is_within(key, place))
            || state
                .bases
                .iter()
                .any(|(document, base)| base.is_none() && below(key, node_of(document)).is_some());
        if new {
            return Ok(());
        }
        Err(Error::refused(
            key,
            "it belongs to a node that is there already, and what is staged is not to be seen yet; \
             stage it with overwrite=True, or write it outside",
        ))
    }

    fn put_document(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        let known = self.is_moved(key) || self.0.state.lock().bases.contains_key(key);
        if known {
            self.0.state.lock().bases.entry(key.to_owned()).or_default();
            return self.0.held.put(key, parts, how);
        }
        let base = self.0.under.get_versioned(key, &mut Vec::new())?;
        let holds = match &how {
            Put::Always => true,
            Put::IfAbsent => base.is_none(),
            Put::IfVersion(version) => base.as_ref() == Some(version),
        };
        if holds {
            self.0.held.put(key, parts, Put::Always)?;
            self.0.state.lock().bases.insert(key.to_owned(), base);
        }
        Ok(holds)
    }

    /// Takes what is below a prefix out of sight of the stage; what is put there from now on lies aside.
    fn hide(&self, prefix: &str) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dot = if prefix.is_empty() { "" } else { "." };
        let aside = format!("{prefix}{dot}staged-{:x}-{count:x}", std::process::id());
        let mut state = self.0.state.lock();
        state.bases.retain(|key, _| below(key, prefix).is_none());
        state.moved.insert(prefix.to_owned(), aside);
    }

    /// Whether anything is below a prefix of the store below.
    fn is_there(&self, prefix: &str) -> Result<bool> {
        let mut any = false;
        self.0.under.list(prefix, &mut |_, _| {
            any = true;
            false
        })?;
        Ok(any)
    }
}

/// The last part of a key.
fn name_of(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(_, name)| name)
}

/// The node that a document describes.
fn node_of(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(node, _)| node)
}

/// Whether a path is a place or lies below it.
fn is_within(path: &str, place: &str) -> bool {
    path == place || below(path, place).is_some()
}

#[deny(clippy::missing_trait_methods)]
impl Store for Staged {
    fn url(&self) -> String {
        self.0.under.url()
    }

    fn identity(&self) -> &str {
        &self.0.identity
    }

    fn is_local(&self) -> bool {
        self.0.under.is_local()
    }

    fn read_only(&self) -> bool {
        self.0.under.read_only()
    }

    fn reads_ahead(&self) -> bool {
        false
    }

    /// Nobody else reaches what nobody else can see.
    fn safety(&self) -> Safety {
        Safety::Process
    }

    fn prove(&self, key: &str, parts: &[&[u8]]) -> Result<Safety> {
        let _ = (key, parts);
        Ok(Safety::Process)
    }

    fn try_lock(&self, _name: &str) -> Result<Lock> {
        Ok(Lock::Unknown)
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        let (store, key) = self.at(key)?;
        store.get(&key, range, into)
    }

    fn get_with(&self, key: &str, range: Range, each: &mut dyn FnMut(&[u8], &Found)) -> Result<Option<Found>> {
        let (store, key) = self.at(key)?;
        store.get_with(&key, range, each)
    }

    fn answers_later(&self) -> bool {
        false
    }

    fn get_later(&self, key: &str, range: Range, then: Later<Option<(Bytes, Found)>>) -> Option<Way> {
        get_at_once(self, key, range, then)
    }

    fn get_versioned(&self, key: &str, into: &mut Vec<u8>) -> Result<Option<Version>> {
        let (store, key) = self.at(key)?;
        store.get_versioned(&key, into)
    }

    fn knows_versions(&self) -> bool {
        self.0.under.knows_versions()
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        let (store, key) = self.at(key)?;
        store.version(&key)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range], each: &mut dyn FnMut(usize, Vec<u8>) -> bool) -> Result<bool> {
        let (store, key) = self.at(key)?;
        store.get_ranges(&key, ranges, each)
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        // What is held is answered here; the rest is asked for in one batch.
        let (mut places, mut asked) = (Vec::new(), Vec::new());
        for (place, key) in keys.iter().enumerate() {
            let held = match self.at(key) {
                Ok((store, real)) if std::ptr::addr_eq(store, &raw const *self.0.under) => {
                    places.push(place);
                    asked.push(real);
                    continue;
                }
                Ok((store, real)) => {
                    let mut bytes = Vec::new();
                    store
                        .get(&real, Range::All, &mut bytes)
                        .map(|found| found.map(|_| bytes))
                }
                Err(why) => Err(why),
            };
            if !each(place, held) {
                return;
            }
        }
        if !asked.is_empty() {
            self.0
                .under
                .get_many(&asked, &mut |at, answer| each(places[at], answer));
        }
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        let (store, key) = self.at(key)?;
        store.open(&key)
    }

    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        let (store, key) = self.at(key)?;
        store.open_part(&key, part)
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        self.open_for()?;
        check_key(key)?;
        if self.is_document(key) {
            return self.put_document(key, parts, how);
        }
        self.check_new(key)?;
        self.0.under.put(&self.real(key), parts, how)
    }

    fn takes_later(&self) -> bool {
        false
    }

    fn put_later(&self, key: &str, parts: Vec<Bytes>, how: Put, then: Later<bool>) {
        put_at_once(self, key, &parts, how, then);
    }

    fn put_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
        for (place, (key, value)) in items.iter().enumerate() {
            if !each(place, self.put(key, &[value], Put::Always).map(drop)) {
                return;
            }
        }
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.open_for()?;
        check_key(key)?;
        if self.is_document(key) {
            if self.check_new(key).is_ok() {
                return self.0.held.delete(key);
            }
            // A node without its document is no node.
            if self.0.under.size(key)?.is_some() {
                self.hide(node_of(key));
            }
            return Ok(());
        }
        self.check_new(key)?;
        self.0.under.delete(&self.real(key))
    }

    fn delete_many(&self, keys: &[String]) -> Result<()> {
        keys.iter().try_for_each(|key| self.delete(key))
    }

    /// Never: what a server copies is not looked at on its way.
    fn copy_from(&self, _source: &dyn Store, _from: &str, _to: &str) -> Result<Option<bool>> {
        Ok(None)
    }

    fn deletes_at_once(&self) -> bool {
        true
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.open_for()?;
        let prefix = check_prefix(prefix)?;
        let held = self.0.held.delete_prefix(prefix)?;
        if self.is_moved(prefix) || self.check_new(&join(prefix, "c")).is_ok() {
            return Ok(held + self.0.under.delete_prefix(&self.real(prefix))?);
        }
        if !self.is_there(prefix)? {
            return Ok(held);
        }
        self.hide(prefix);
        Ok(held + 1)
    }

    fn list_keys(&self, prefix: &str, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        self.list(prefix, &mut |key, _| each(key))
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        self.open_for()?;
        let prefix = check_prefix(prefix)?;
        let moved = self.0.state.lock().moved.clone();
        let mut found = BTreeMap::new();
        let mut note = |key: &str, bytes: u64| {
            let aside = moved.iter().find(|(_, aside)| below(key, aside).is_some());
            if let Some((place, aside)) = aside {
                found.insert(join(place, below(key, aside).unwrap_or_default()), bytes);
            } else if !moved.keys().any(|place| below(key, place).is_some()) {
                found.insert(key.to_owned(), bytes);
            }
            true
        };
        self.0.under.list(&self.real(prefix), &mut note)?;
        self.0.held.list(prefix, &mut |key, bytes| {
            found.insert(key.to_owned(), bytes);
            true
        })?;
        for (key, bytes) in found {
            if below(&key, prefix).is_some() && !each(&key, bytes) {
                break;
            }
        }
        Ok(())
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        self.open_for()?;
        let prefix = check_prefix(prefix)?;
        let (keys, prefixes) = self.0.under.list_dir(&self.real(prefix))?;
        let (held_keys, held_prefixes) = self.0.held.list_dir(prefix)?;
        let moved = self.0.state.lock().moved.clone();
        let hidden = |name: &String| {
            let path = join(prefix, name);
            moved.iter().any(|(place, aside)| *aside == path || *place == path)
        };
        let keys: BTreeSet<String> = keys.into_iter().chain(held_keys).collect();
        let mut prefixes: BTreeSet<String> = prefixes.into_iter().filter(|name| !hidden(name)).collect();
        prefixes.extend(held_prefixes);
        Ok((keys.into_iter().collect(), prefixes.into_iter().collect()))
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        let (store, key) = self.at(key)?;
        store.size(&key)
    }

    fn move_prefix(&self, from: &str, _to: &str) -> Result<()> {
        Err(Error::refused(
            from,
            "what is staged is not moved; make it under its name",
        ))
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
