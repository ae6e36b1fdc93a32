//! A zip archive of this machine that is read and changed.
//!
//! Changes are kept beside the archive until the store is closed: small objects in memory, others in a file without a name.
//! Closing writes the archive anew (what did not change is copied as it lies there) and gives it the name of the old one. So
//! an archive is there as it was or as it became, whenever the process ends; who has the old one open goes on reading it; and
//! no name is in it twice.

mod publish;
pub(super) mod records;
mod scratch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use flate2::Crc;

use self::records::{NAME_BYTES, Said};
use self::scratch::Scratch;
use super::Zip;
use crate::store::{Error, Found, Object, Put, Range, Result, Store, Version};
use crate::stores::keys::{all_below, check_key, check_move, check_prefix, move_by_copy, names_below, reserve};
use crate::stores::memory::{short, slice_of};
use crate::sync::{Mutex, RwLock};

/// Objects up to this size are kept in memory, documents above all: they change most.
const SMALL_BYTES: usize = 64 << 10;
/// ... as long as they are not more than this together.
const MEMORY_BYTES: usize = 16 << 20;

/// How an archive is laid out when it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// Names of documents, which come first, those nearest to the root before others; empty where the order is free.
    pub first: Vec<String>,
}

/// The archive of a file. Copies of the handle share it, and so do all that this process opens while one is alive.
#[derive(Clone)]
pub struct Archive(Arc<Inner>);

struct Inner {
    path: PathBuf,
    layout: Layout,
    url: String,
    identity: String,
    process: u32,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    /// The archive as it was when it was opened.
    base: Option<Zip>,
    /// What was put since; `None` for what was deleted.
    changed: BTreeMap<String, Option<Held>>,
    scratch: Option<Arc<Scratch>>,
    /// Bytes of the scratch file, those included that are being written.
    end: u64,
    memory_bytes: usize,
    closed: bool,
}

/// An object that was put.
#[derive(Clone)]
struct Held {
    value: Value,
    crc: u32,
    version: u64,
}

#[derive(Clone)]
enum Value {
    Memory(Arc<[u8]>),
    /// In the scratch file, behind a header.
    Scratch {
        file: Arc<Scratch>,
        header: u64,
        begin: u64,
        bytes: u64,
    },
}

impl Held {
    fn bytes(&self) -> u64 {
        match &self.value {
            Value::Memory(bytes) => bytes.len() as u64,
            Value::Scratch { bytes, .. } => *bytes,
        }
    }

    fn memory_bytes(&self) -> usize {
        match &self.value {
            Value::Memory(bytes) => bytes.len(),
            Value::Scratch { .. } => 0,
        }
    }

    fn append(&self, key: &str, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        match &self.value {
            Value::Memory(held) => {
                let found = slice_of(held, key, offset, bytes)?;
                reserve(key, bytes, into)?;
                into.extend_from_slice(found);
                Ok(())
            }
            Value::Scratch {
                file,
                begin,
                bytes: held,
                ..
            } => {
                if offset.saturating_add(bytes) > *held {
                    return Err(short(key, offset, offset.saturating_add(bytes), *held));
                }
                let before = into.len();
                reserve(key, bytes, into)?;
                into.resize(before + bytes as usize, 0);
                scratch::read_at(&file.file, &mut into[before..], begin + offset)
                    .map_err(|cause| Error::from_io(key, &cause))
                    .inspect_err(|_| into.truncate(before))
            }
        }
    }
}

/// What a key leads to.
enum Slot {
    Held(Held),
    Base(Zip),
}

/// Numbers of archives and of puts, which never come back.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The archives that are open in this process, and those with changes, which are kept until they were written.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Inner>>> = Mutex::new(BTreeMap::new());
static CHANGED: Mutex<Vec<Arc<Inner>>> = Mutex::new(Vec::new());

impl Archive {
    /// The archive of a file, which need not exist yet: closing makes it once something was put.
    ///
    /// # Errors
    /// As [`Zip::new`], without [`Error::NotFound`].
    pub fn new(path: &Path, layout: Layout) -> Result<Self> {
        let path = settled(path)?;
        let mut open = OPEN.lock();
        if let Some(inner) = open.get(&path).and_then(Weak::upgrade)
            && inner.process == std::process::id()
            && inner.is_usable_for(&path)
        {
            return Ok(Self(inner));
        }
        let base = read_base(&path)?;
        let inner = Arc::new(Inner {
            url: format!("zip://{}", path.display()),
            identity: format!("zip:{}#open{}", path.display(), COUNT.fetch_add(1, Ordering::Relaxed)),
            path: path.clone(),
            layout,
            process: std::process::id(),
            state: RwLock::default(),
        });
        inner.state.write().base = base;
        open.retain(|_, inner| inner.strong_count() > 0);
        open.insert(path, Arc::downgrade(&inner));
        Ok(Self(inner))
    }

    /// The archive of a file that has changes which were not written yet.
    ///
    /// # Errors
    /// [`Error::Io`] when the working directory is gone.
    pub fn changed_at(path: &Path) -> Result<Option<Self>> {
        let path = settled(path)?;
        let process = std::process::id();
        let changed = CHANGED.lock();
        let found = changed
            .iter()
            .find(|inner| inner.path == path && inner.process == process);
        Ok(found.map(|inner| Self(Arc::clone(inner))))
    }

    /// The open archive that a store of this process leads to, by the store's identity.
    pub fn by_identity(identity: &str) -> Option<Self> {
        let open = OPEN.lock();
        let found = open.values().filter_map(Weak::upgrade).find(|inner| {
            identity
                .strip_prefix(&*inner.identity)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        found.map(Self)
    }

    /// Every archive of this process with changes that were not written yet.
    pub fn all_changed() -> Vec<Self> {
        let process = std::process::id();
        let changed = CHANGED.lock();
        let own = changed.iter().filter(|inner| inner.process == process);
        own.map(|inner| Self(Arc::clone(inner))).collect()
    }

    /// Whether something was changed that was not written yet.
    pub fn is_changed(&self) -> bool {
        !self.0.state.read().changed.is_empty()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The deepest folder that everything in the archive lay in when it was opened; empty when there is no such folder, and
    /// once something was changed.
    pub fn folder(&self) -> String {
        let state = self.0.state.read();
        let base = state.base.as_ref().filter(|_| state.changed.is_empty());
        base.map_or_else(String::new, |base| base.folder().to_owned())
    }

    /// Closes the store and forgets what was not written. The archive stays as it was.
    pub fn discard(&self) {
        let mut state = self.0.state.write();
        let forgotten = std::mem::take(&mut *state);
        state.closed = true;
        drop(state);
        drop(forgotten);
        self.forget();
    }

    /// Takes the archive off the lists.
    fn forget(&self) {
        CHANGED.lock().retain(|inner| !Arc::ptr_eq(inner, &self.0));
        let mut open = OPEN.lock();
        if open
            .get(&self.0.path)
            .is_some_and(|inner| inner.as_ptr() == Arc::as_ptr(&self.0))
        {
            open.remove(&self.0.path);
        }
    }

    fn usable<'a>(&self, state: &'a State) -> Result<&'a State> {
        if state.closed {
            return Err(Error::Closed {
                url: self.0.url.clone(),
            });
        }
        Ok(state)
    }

    /// Refuses changes in a forked child: what it has of them is a copy, and the parent writes its own.
    fn owned(&self) -> Result<()> {
        if self.0.process == std::process::id() {
            return Ok(());
        }
        Err(Error::Io {
            key: self.0.url.clone(),
            errno: None,
            why: format!(
                "process {} writes this archive; open it again in this one",
                self.0.process
            ),
        })
    }

    fn slot(&self, key: &str) -> Result<Option<Slot>> {
        check_key(key)?;
        let state = self.0.state.read();
        self.usable(&state)?;
        Ok(state.slot(key))
    }

    /// Makes a place for an object's bytes, and puts them there. Called without the lock.
    fn write(&self, key: &str, parts: &[&[u8]], crc: &Crc) -> Result<Value> {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let said = Said {
            name: key,
            bytes: bytes as u64,
            stored_bytes: bytes as u64,
            crc: crc.sum(),
            words: (0, 0),
        };
        let (file, header) = {
            let mut state = self.0.state.write();
            self.usable(&state)?;
            if bytes <= SMALL_BYTES && state.memory_bytes + bytes <= MEMORY_BYTES {
                return Ok(Value::Memory(parts.concat().into()));
            }
            let file = if let Some(file) = &state.scratch {
                Arc::clone(file)
            } else {
                let made = self.scratch().map_err(|cause| Error::from_io(key, &cause))?;
                Arc::clone(state.scratch.insert(Arc::new(made)))
            };
            let header = state.end;
            state.end += said.header_bytes() + bytes as u64;
            (file, header)
        };
        let mut before = Vec::new();
        said.header(&mut before);
        let begin = header + before.len() as u64;
        let mut at = header;
        for part in std::iter::once(&before[..]).chain(parts.iter().copied()) {
            scratch::write_at(&file.file, part, at).map_err(|cause| Error::from_io(key, &cause))?;
            at += part.len() as u64;
        }
        Ok(Value::Scratch {
            file,
            header,
            begin,
            bytes: bytes as u64,
        })
    }

    fn scratch(&self) -> std::io::Result<Scratch> {
        let directory = self.0.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory)?;
        Scratch::new(directory)
    }

    /// Makes changes, and notes that there are some.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T> {
        self.owned()?;
        let mut state = self.0.state.write();
        self.usable(&state)?;
        let before = state.changed.is_empty();
        let done = change(&mut state);
        let after = state.changed.is_empty();
        if before != after {
            let mut changed = CHANGED.lock();
            changed.retain(|inner| !Arc::ptr_eq(inner, &self.0));
            if !after {
                changed.push(Arc::clone(&self.0));
            }
        }
        Ok(done)
    }
}

impl Inner {
    /// Whether who opens the path now may share this: it has changes, or is what lies there.
    fn is_usable_for(&self, path: &Path) -> bool {
        let state = self.state.read();
        !state.closed
            && (!state.changed.is_empty()
                || state
                    .base
                    .as_ref()
                    .map_or_else(|| is_absent(path), |base| base.0.archive.is_current()))
    }
}

impl State {
    fn slot(&self, key: &str) -> Option<Slot> {
        match self.changed.get(key) {
            Some(held) => held.clone().map(Slot::Held),
            None => self.in_base(key).then(|| self.base.clone().map(Slot::Base)).flatten(),
        }
    }

    fn in_base(&self, key: &str) -> bool {
        self.base.as_ref().is_some_and(|base| base.0.entries.contains_key(key))
    }

    fn version(&self, key: &str) -> Option<Version> {
        match self.slot(key)? {
            Slot::Held(held) => Some(Version::counter(held.version)),
            Slot::Base(base) => Some(base.0.archive.version()),
        }
    }

    fn set(&mut self, key: &str, held: Option<Held>) {
        self.memory_bytes += held.as_ref().map_or(0, Held::memory_bytes);
        let replaced = if held.is_some() || self.in_base(key) {
            self.changed.insert(key.to_owned(), held)
        } else {
            self.changed.remove(key)
        };
        self.memory_bytes -= replaced.flatten().as_ref().map_or(0, Held::memory_bytes);
    }

    /// The objects below a checked prefix and their bytes, in the order of the keys.
    fn live(&self, prefix: &str) -> BTreeMap<String, u64> {
        let changed = all_below(&self.changed, prefix);
        let mut found: BTreeMap<String, u64> = changed
            .filter_map(|(key, held)| Some((key.clone(), held.as_ref()?.bytes())))
            .collect();
        if let Some(base) = &self.base {
            let kept = all_below(&base.0.entries, prefix).filter(|(key, _)| !self.changed.contains_key(*key));
            found.extend(kept.map(|(key, entry)| (key.clone(), entry.bytes)));
        }
        found
    }
}

/// The path as this process tells files apart: absolute, and that of the file a link leads to.
fn settled(path: &Path) -> Result<PathBuf> {
    let failed = |cause| Error::from_io(path.to_string_lossy(), &cause);
    let absolute = std::path::absolute(path).map_err(failed)?;
    if let Ok(found) = absolute.canonicalize() {
        return Ok(found);
    }
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Ok(absolute);
    };
    Ok(parent
        .canonicalize()
        .map_or_else(|_| absolute.clone(), |parent| parent.join(name)))
}

/// Whether there is nothing, or a file of no bytes: a place that somebody made for an archive.
fn is_absent(path: &Path) -> bool {
    path.metadata()
        .map_or(!path.exists(), |found| found.is_file() && found.len() == 0)
}

/// The archive that is there; `None` when there is none.
fn read_base(path: &Path) -> Result<Option<Zip>> {
    if is_absent(path) {
        Ok(None)
    } else {
        Zip::new(path).map(Some)
    }
}

impl Store for Archive {
    fn url(&self) -> String {
        self.0.url.clone()
    }

    fn identity(&self) -> &str {
        &self.0.identity
    }

    fn is_local(&self) -> bool {
        true
    }

    fn read_only(&self) -> bool {
        false
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        let held = match self.slot(key)? {
            Some(Slot::Held(held)) => held,
            Some(Slot::Base(base)) => return base.get(key, range, into),
            None => return Ok(None),
        };
        let (start, stop) = range.within(held.bytes());
        held.append(key, start, stop - start, into)?;
        Ok(Some(Found {
            object_bytes: Some(held.bytes()),
            version: Some(Version::counter(held.version)),
        }))
    }

    fn knows_versions(&self) -> bool {
        true
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        check_key(key)?;
        Ok(self.usable(&self.0.state.read())?.version(key))
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        let held = match self.slot(key)? {
            Some(Slot::Held(held)) => Opened::Held(held),
            Some(Slot::Base(base)) => match base.open(key)? {
                Some(object) => Opened::Base(object),
                None => return Ok(None),
            },
            None => return Ok(None),
        };
        Ok(Some(Arc::new(Open {
            archive: self.clone(),
            key: key.to_owned(),
            held,
        })))
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        check_key(key)?;
        self.owned()?;
        if key.len() > NAME_BYTES {
            return Err(Error::refused(
                key,
                "a zip archive has no room for a name of more than 65,535 bytes",
            ));
        }
        let holds = |state: &State| match &how {
            Put::Always => true,
            Put::IfAbsent => state.version(key).is_none(),
            Put::IfVersion(version) => state.version(key).as_ref() == Some(version),
        };
        // Asked before the bytes are written; decided when they are.
        if !holds(self.usable(&self.0.state.read())?) {
            return Ok(false);
        }
        let mut crc = Crc::new();
        for part in parts {
            crc.update(part);
        }
        let value = self.write(key, parts, &crc)?;
        let held = Held {
            value,
            crc: crc.sum(),
            version: COUNT.fetch_add(1, Ordering::Relaxed),
        };
        self.change(|state| {
            let holds = holds(state);
            if holds {
                state.set(key, Some(held));
            }
            holds
        })
    }

    fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.change(|state| state.set(key, None))
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        let prefix = check_prefix(prefix)?;
        self.change(|state| {
            let keys = state.live(prefix);
            for key in keys.keys() {
                state.set(key, None);
            }
            keys.len() as u64
        })
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        let prefix = check_prefix(prefix)?;
        // Collected first: `each` may use the store.
        let found = self.usable(&self.0.state.read())?.live(prefix);
        for (key, bytes) in &found {
            if !each(key, *bytes) {
                break;
            }
        }
        Ok(())
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        let prefix = check_prefix(prefix)?;
        let state = self.0.state.read();
        self.usable(&state)?;
        Ok(match &state.base {
            Some(base) if state.changed.is_empty() => names_below(&base.0.entries, prefix),
            // Without a base nothing is marked as deleted.
            None => names_below(&state.changed, prefix),
            Some(_) => names_below(&state.live(prefix), prefix),
        })
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        match self.slot(key)? {
            Some(Slot::Held(held)) => Ok(Some(held.bytes())),
            Some(Slot::Base(base)) => base.size(key),
            None => Ok(None),
        }
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = check_move(from, to)?;
        move_by_copy(self, from, to)
    }

    /// Writes the archive. When this fails nothing is lost: the store stays open, and closing it again tries again.
    fn close(&self) -> Result<()> {
        self.publish()
    }
}

/// An object as it was when it was opened.
struct Open {
    archive: Archive,
    key: String,
    held: Opened,
}

enum Opened {
    Held(Held),
    Base(Arc<dyn Object>),
}

impl Object for Open {
    fn bytes(&self) -> u64 {
        match &self.held {
            Opened::Held(held) => held.bytes(),
            Opened::Base(object) => object.bytes(),
        }
    }

    fn version(&self) -> Version {
        match &self.held {
            Opened::Held(held) => Version::counter(held.version),
            Opened::Base(object) => object.version(),
        }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        match &self.held {
            Opened::Base(object) => object.read_at(offset, into),
            Opened::Held(held) => {
                let stop = offset.saturating_add(into.len() as u64);
                if stop > held.bytes() {
                    return Err(short(&self.key, offset, stop, held.bytes()));
                }
                match &held.value {
                    Value::Memory(bytes) => {
                        into.copy_from_slice(slice_of(bytes, &self.key, offset, into.len() as u64)?);
                        Ok(())
                    }
                    Value::Scratch { file, begin, .. } => scratch::read_at(&file.file, into, begin + offset)
                        .map_err(|cause| Error::from_io(&*self.key, &cause)),
                }
            }
        }
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        match &self.held {
            Opened::Held(held) => held.append(&self.key, offset, bytes, into),
            Opened::Base(object) => object.append_at(offset, bytes, into),
        }
    }

    fn is_current(&self) -> bool {
        let state = self.archive.0.state.read();
        !state.closed && state.version(&self.key) == Some(self.version())
    }

    fn in_memory(&self) -> Option<&[u8]> {
        match &self.held {
            Opened::Held(Held {
                value: Value::Memory(bytes),
                ..
            }) => Some(bytes),
            Opened::Held(_) => None,
            Opened::Base(object) => object.in_memory(),
        }
    }
}

/// How deep a key lies.
fn depth(key: &str) -> usize {
    key.matches('/').count()
}

/// Whether a key is that of a document of one of these names.
fn is_first(key: &str, names: &[String]) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    names.iter().any(|first| first == name)
}

#[cfg(test)]
mod tests;
