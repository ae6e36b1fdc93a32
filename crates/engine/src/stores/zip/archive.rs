//! A zip archive of this machine that is read and changed.
//!
//! Changes are kept beside the archive until the store is closed: small objects in memory, others in a file without a name.
//! Closing writes the archive anew (what did not change is copied as it lies there) and gives it the name of the old one. So
//! an archive is there as it was or as it became, whenever the process ends; who has the old one open goes on reading it; and
//! no name is in it twice.

mod object;
mod opened;
mod publish;
pub(super) mod records;
mod scratch;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Crc;

use self::object::{Open, Opened};
use self::records::{NAME_BYTES, Said};
use self::scratch::Scratch;
use self::state::{Held, Slot, State, Value};
use crate::store::{Error, Found, Object, Put, Range, Result, Store, Version};
use crate::stores::keys::{check_key, check_move, check_prefix, move_by_copy, names_below};
use crate::sync::RwLock;

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

/// Numbers of archives and of puts, which never come back.
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Archive {
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
            self.note(!after);
        }
        Ok(done)
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

#[cfg(test)]
mod tests;
