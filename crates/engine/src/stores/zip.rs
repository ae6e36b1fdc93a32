//! The objects of a zip archive, to be read: one in a file of this machine, or under a key of any store.
//!
//! The archive's directory is read once, when the store is made: with one request for the end of the archive, and another
//! where the directory is larger than that. From then on an object costs one read. Where its bytes begin only a header before
//! them says, which is read along with them; the ranges of an object that is stored as it is are ranges of the archive. A
//! deflated object is inflated whole, whatever part of it is asked for.

mod archive;
mod directory;
mod inflate;
mod many;
mod object;
mod pinned;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use self::archive::{Archive, Layout};
use self::directory::{Entry, HEADER_BYTES, Method};
use self::inflate::{compare, inflate};
use self::object::{Held, Open};
use self::pinned::Pinned;
use crate::store::{Error, Found, Object, Put, Range, Result, Store, Version};
use crate::stores::keys::{all_below, below, check_key, check_prefix, names_below, reserve};
use crate::stores::memory::slice_of;
use crate::stores::{Local, LocalOptions};

/// A zip archive. Copies of the handle share it.
#[derive(Clone)]
pub struct Zip(Arc<Inner>);

struct Inner {
    archive: Arc<dyn Object>,
    /// Where the objects end and the directory begins.
    objects_end: u64,
    entries: BTreeMap<String, Entry>,
    comment: Vec<u8>,
    url: String,
    identity: String,
    is_local: bool,
    closed: AtomicBool,
}

/// Objects of at most so many bytes are read whole where a look at the header would be a request of its own.
const SMALL_BYTES: u64 = 256 << 10;

/// Archives whose store names no versions, counted: each time one is opened may be another archive.
static UNNAMED: AtomicU64 = AtomicU64::new(0);

impl Zip {
    /// The archive in a file of this machine.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such file, [`Error::Corrupt`] when it is no archive or contradicts itself,
    /// [`Error::KeyRefused`] when a name in it is no key, [`Error::Io`] and [`Error::Permission`] when it cannot be read.
    pub fn new(path: &Path) -> Result<Self> {
        let url = format!(
            "zip://{}",
            std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display()
        );
        let name = path.file_name().and_then(|name| name.to_str());
        let (Some(parent), Some(name)) = (path.parent(), name) else {
            return Err(Error::NotFound { url });
        };
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        let directory = Local::new(
            parent,
            LocalOptions {
                read_only: true,
                ..LocalOptions::default()
            },
        )?;
        let Some(archive) = directory.open(name)? else {
            return Err(Error::NotFound { url });
        };
        Self::of(archive, url, true)
    }

    /// The archive under a key of another store; `None` when there is no such key.
    ///
    /// # Errors
    /// As `new`.
    pub fn over(store: &dyn Store, key: &str) -> Result<Option<Self>> {
        let url = format!("{}/{key}|zip:", store.url().trim_end_matches('/'));
        let Some(archive) = store.open_part(key, Range::Last(directory::TAIL_BYTES))? else {
            return Ok(None);
        };
        let place = format!("zip:{}/{key}", store.identity());
        Self::at(archive, url, &place, store.is_local()).map(Some)
    }

    /// The archive that an open object of any store is.
    ///
    /// # Errors
    /// As `new`.
    pub fn of(archive: Arc<dyn Object>, url: String, is_local: bool) -> Result<Self> {
        let place = url.clone();
        Self::at(archive, url, &place, is_local)
    }

    fn at(archive: Arc<dyn Object>, url: String, place: &str, is_local: bool) -> Result<Self> {
        let archive: Arc<dyn Object> = Arc::new(Pinned {
            archive,
            url: url.clone(),
        });
        let directory = directory::read(&*archive, &url)?;
        // An archive that was changed is another place, though its path is the same.
        let version = archive.version();
        let identity = if version.as_tag() == Some("") {
            format!("{place}#{}", UNNAMED.fetch_add(1, Ordering::Relaxed))
        } else {
            // What follows a slash behind the mark is a path in the store.
            format!("{place}#{}", format!("{version:?}").replace('/', "|"))
        };
        Ok(Self(Arc::new(Inner {
            archive,
            objects_end: directory.objects_end,
            entries: directory.entries,
            comment: directory.comment,
            url,
            identity,
            is_local,
            closed: AtomicBool::new(false),
        })))
    }

    /// The deepest folder that everything in the archive lies in, as when a directory was packed with its name; empty when
    /// there is no such folder. A [`Prefix`](crate::stores::Prefix) of that name takes it away.
    pub fn folder(&self) -> &str {
        let entries = &self.0.entries;
        let (Some((first, _)), Some((last, _))) = (entries.first_key_value(), entries.last_key_value()) else {
            return "";
        };
        // Keys are in order: what lies between two keys of one folder lies in it.
        let mut folder = "";
        while let Some((name, _)) = below(first, folder).and_then(|rest| rest.split_once('/')) {
            let deeper = &first[..if folder.is_empty() { 0 } else { folder.len() + 1 } + name.len()];
            if below(last, deeper).is_none() {
                break;
            }
            folder = deeper;
        }
        folder
    }

    fn entry(&self, key: &str) -> Result<Option<&Entry>> {
        check_key(key)?;
        self.usable()?;
        Ok(self.0.entries.get(key))
    }

    fn usable(&self) -> Result<()> {
        if self.0.closed.load(Ordering::Relaxed) {
            Err(Error::Closed {
                url: self.0.url.clone(),
            })
        } else {
            Ok(())
        }
    }

    fn refused<T>(&self) -> Result<T> {
        Err(Error::ReadOnly {
            url: self.0.url.clone(),
        })
    }

    /// Where the bytes of an entry begin: behind a header of its own, whose length only that header knows.
    fn begin(&self, key: &str, entry: &Entry) -> Result<u64> {
        if let Some(begin) = entry.begin_known() {
            return Ok(begin);
        }
        let mut header = [0; HEADER_BYTES];
        self.0.archive.read_at(entry.header, &mut header)?;
        self.begin_in(key, entry, &header)
    }

    /// Where the bytes of an entry begin, as its header says.
    fn begin_in(&self, key: &str, entry: &Entry, header: &[u8]) -> Result<u64> {
        let begin = directory::begin(header, entry.header)
            .filter(|begin| {
                begin
                    .checked_add(entry.stored_bytes)
                    .is_some_and(|end| end <= self.0.objects_end)
            })
            .ok_or_else(|| Error::corrupt(key, "its header in the archive is damaged"))?;
        entry.begin.store(begin, Ordering::Relaxed);
        Ok(begin)
    }

    /// Appends a whole object, and compares the checksum that the archive keeps of it.
    fn append(&self, key: &str, entry: &Entry, into: &mut Vec<u8>) -> Result<()> {
        if let Method::Other(why) = entry.method {
            return Err(Error::corrupt(key, why.to_string()));
        }
        if !self.0.is_local && entry.begin_known().is_none() {
            // The header with the bytes behind it, in one request.
            let mut bytes = Vec::new();
            self.0
                .archive
                .append_at(entry.header, entry.reach() - entry.header, &mut bytes)?;
            if self.unpack(key, entry, &bytes, entry.header, into)? {
                return Ok(());
            }
        }
        let (begin, before) = (self.begin(key, entry)?, into.len());
        let done = if entry.method == Method::Stored {
            self.0.archive.append_at(begin, entry.stored_bytes, into)
        } else {
            let mut stored = Vec::new();
            self.0
                .archive
                .append_at(begin, entry.stored_bytes, &mut stored)
                .and_then(|()| inflate(key, &stored, entry.bytes, into))
        };
        done.and_then(|()| compare(key, entry, &into[before..]))
            .inspect_err(|_| into.truncate(before))
    }

    /// Appends a whole object that lies within bytes of the archive that begin at `start`; `false` when they end too early.
    fn unpack(&self, key: &str, entry: &Entry, bytes: &[u8], start: u64, into: &mut Vec<u8>) -> Result<bool> {
        if let Method::Other(why) = entry.method {
            return Err(Error::corrupt(key, why.to_string()));
        }
        let begin = match entry.begin_known() {
            Some(begin) => begin,
            None => self.begin_in(
                key,
                entry,
                bytes.get((entry.header - start) as usize..).unwrap_or_default(),
            )?,
        };
        let from = (begin - start) as usize;
        let Some(stored) = bytes.get(from..from.saturating_add(entry.stored_bytes as usize)) else {
            return Ok(false);
        };
        let before = into.len();
        let done = if entry.method == Method::Stored {
            reserve(key, entry.bytes, into).map(|()| into.extend_from_slice(stored))
        } else {
            inflate(key, stored, entry.bytes, into)
        };
        done.and_then(|()| compare(key, entry, &into[before..]))
            .inspect_err(|_| into.truncate(before))
            .map(|()| true)
    }
}

impl Store for Zip {
    fn url(&self) -> String {
        self.0.url.clone()
    }

    fn identity(&self) -> &str {
        &self.0.identity
    }

    fn is_local(&self) -> bool {
        self.0.is_local
    }

    fn read_only(&self) -> bool {
        true
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        let Some(entry) = self.entry(key)? else { return Ok(None) };
        let (start, stop) = range.within(entry.bytes);
        match (range, entry.method) {
            (Range::All, _) => self.append(key, entry, into)?,
            (_, Method::Stored) => self
                .0
                .archive
                .append_at(self.begin(key, entry)? + start, stop - start, into)?,
            _ => {
                let mut whole = Vec::new();
                self.append(key, entry, &mut whole)?;
                reserve(key, stop - start, into)?;
                into.extend_from_slice(slice_of(&whole, key, start, stop - start)?);
            }
        }
        Ok(Some(Found {
            object_bytes: Some(entry.bytes),
            version: Some(self.0.archive.version()),
        }))
    }

    fn knows_versions(&self) -> bool {
        true
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        Ok(self.size(key)?.map(|_| self.0.archive.version()))
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        many::get(self, keys, each);
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        let Some(entry) = self.entry(key)? else { return Ok(None) };
        let at_once = !self.0.is_local && entry.begin_known().is_none() && entry.bytes <= SMALL_BYTES;
        let held = if entry.method == Method::Stored && !at_once {
            if self.0.is_local {
                self.begin(key, entry)?;
            }
            Held::Part {
                zip: self.clone(),
                bytes: entry.bytes,
            }
        } else {
            let mut whole = Vec::new();
            self.append(key, entry, &mut whole)?;
            Held::Inflated {
                whole,
                version: self.0.archive.version(),
            }
        };
        Ok(Some(Arc::new(Open {
            key: key.to_owned(),
            held,
        })))
    }

    fn put(&self, _key: &str, _parts: &[&[u8]], _how: Put) -> Result<bool> {
        self.refused()
    }

    fn delete(&self, _key: &str) -> Result<()> {
        self.refused()
    }

    fn delete_prefix(&self, _prefix: &str) -> Result<u64> {
        self.refused()
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        self.usable()?;
        let prefix = check_prefix(prefix)?;
        for (key, entry) in all_below(&self.0.entries, prefix) {
            if !each(key, entry.bytes) {
                break;
            }
        }
        Ok(())
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        self.usable()?;
        let prefix = check_prefix(prefix)?;
        Ok(names_below(&self.0.entries, prefix))
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        Ok(self.entry(key)?.map(|entry| entry.bytes))
    }

    fn move_prefix(&self, _from: &str, _to: &str) -> Result<()> {
        self.refused()
    }

    fn close(&self) -> Result<()> {
        self.0.closed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod packing;
#[cfg(test)]
mod tests;
