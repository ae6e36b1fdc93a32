//! The objects of a zip archive, to be read.
//!
//! The archive's directory is read once, when the store is made; from then on an object that is stored as it is costs one
//! read (two the first time, which finds where its bytes begin), and its ranges are ranges of the archive. A deflated
//! object is inflated whole, whatever part of it is asked for.

mod directory;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use self::directory::{Entry, HEADER_BYTES, Method};
use crate::store::{Error, Found, Object, Put, Range, Result, Store, Version};
use crate::stores::keys::{all_below, below, check_key, check_prefix, names_below, reserve};
use crate::stores::memory::{short, slice_of};
use crate::stores::{Local, LocalOptions};

/// A zip archive. Copies of the handle share it.
#[derive(Clone)]
pub struct Zip(Arc<Inner>);

struct Inner {
    archive: Arc<dyn Object>,
    /// Where the objects end and the directory begins.
    objects_end: u64,
    entries: BTreeMap<String, Entry>,
    url: String,
    identity: String,
    is_local: bool,
    closed: AtomicBool,
}

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

    /// The archive that an open object of any store is.
    ///
    /// # Errors
    /// As `new`.
    pub fn of(archive: Arc<dyn Object>, url: String, is_local: bool) -> Result<Self> {
        let directory = directory::read(&*archive, &url)?;
        // An archive that was changed is another place, though its path is the same.
        let identity = format!("{url}#{:?}", archive.version());
        Ok(Self(Arc::new(Inner {
            archive,
            objects_end: directory.objects_end,
            entries: directory.entries,
            url,
            identity,
            is_local,
            closed: AtomicBool::new(false),
        })))
    }

    /// The one folder that everything in the archive lies in, as when a directory was packed with its name; `None` when there
    /// is no such folder. A [`Prefix`](crate::stores::Prefix) of that name takes it away.
    pub fn single_folder(&self) -> Option<&str> {
        let (first, _) = self.0.entries.first_key_value()?;
        let (folder, _) = first.split_once('/')?;
        let (last, _) = self.0.entries.last_key_value()?;
        // Keys are in order: what lies between two keys of one folder lies in it.
        below(last, folder).map(|_| folder)
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
        let known = entry.begin.load(Ordering::Relaxed);
        if known > 0 {
            return Ok(known);
        }
        let mut header = [0; HEADER_BYTES];
        self.0.archive.read_at(entry.header, &mut header)?;
        let begin = directory::begin(&header, entry.header)
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
        let (begin, before) = (self.begin(key, entry)?, into.len());
        let done = match entry.method {
            Method::Stored => self.0.archive.append_at(begin, entry.stored_bytes, into),
            Method::Deflated => {
                let mut stored = Vec::new();
                self.0
                    .archive
                    .append_at(begin, entry.stored_bytes, &mut stored)
                    .and_then(|()| inflate(key, &stored, entry.bytes, into))
            }
            Method::Other(why) => Err(Error::corrupt(key, why.to_string())),
        };
        let done = done.and_then(|()| {
            let mut crc = Crc::new();
            crc.update(&into[before..]);
            if crc.sum() == entry.crc {
                return Ok(());
            }
            Err(Error::corrupt(
                key,
                "its bytes do not have the checksum that the archive keeps of them",
            ))
        });
        done.inspect_err(|_| into.truncate(before))
    }
}

/// Inflates a stream that must give just so many bytes. Memory grows with what really comes, not with what is promised.
fn inflate(key: &str, stored: &[u8], bytes: u64, into: &mut Vec<u8>) -> Result<()> {
    INFLATER.with_borrow_mut(|stream| {
        stream.reset(false);
        inflate_with(stream, key, stored, bytes, into)
    })
}

thread_local! {
    /// Making one costs more than inflating a small object.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

fn inflate_with(stream: &mut Decompress, key: &str, stored: &[u8], bytes: u64, into: &mut Vec<u8>) -> Result<()> {
    const STEP: u64 = 1 << 20;
    loop {
        let (read, wrote) = (stream.total_in(), stream.total_out());
        let step = (bytes - wrote).min(STEP);
        let before = into.len();
        reserve(key, step, into)?;
        into.resize(before + step as usize, 0);
        let status = stream
            .decompress(&stored[read as usize..], &mut into[before..], FlushDecompress::None)
            .map_err(|cause| Error::corrupt(key, format!("it cannot be inflated: {cause}")))?;
        into.truncate(before + (stream.total_out() - wrote) as usize);
        if status == Status::StreamEnd {
            break;
        }
        if (stream.total_in(), stream.total_out()) == (read, wrote) {
            let why = if wrote == bytes {
                "it inflates to more than its size"
            } else {
                "its deflated bytes end early"
            };
            return Err(Error::corrupt(key, why));
        }
    }
    if stream.total_out() == bytes {
        return Ok(());
    }
    Err(Error::corrupt(
        key,
        format!("it inflates to {} bytes and not to {bytes}", stream.total_out()),
    ))
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

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        let Some(entry) = self.entry(key)? else { return Ok(None) };
        let held = if matches!(entry.method, Method::Stored) {
            Held::Part {
                archive: self.0.archive.clone(),
                begin: self.begin(key, entry)?,
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

/// An object of the archive, held open.
struct Open {
    key: String,
    held: Held,
}

enum Held {
    Part {
        archive: Arc<dyn Object>,
        begin: u64,
        bytes: u64,
    },
    Inflated {
        whole: Vec<u8>,
        version: Version,
    },
}

impl Open {
    fn check(&self, offset: u64, bytes: u64) -> Result<()> {
        let stop = offset.saturating_add(bytes);
        if stop > self.bytes() {
            Err(short(&self.key, offset, stop, self.bytes()))
        } else {
            Ok(())
        }
    }
}

impl Object for Open {
    fn bytes(&self) -> u64 {
        match &self.held {
            Held::Part { bytes, .. } => *bytes,
            Held::Inflated { whole, .. } => whole.len() as u64,
        }
    }

    fn version(&self) -> Version {
        match &self.held {
            Held::Part { archive, .. } => archive.version(),
            Held::Inflated { version, .. } => version.clone(),
        }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.check(offset, into.len() as u64)?;
        match &self.held {
            Held::Part { archive, begin, .. } => archive.read_at(begin + offset, into),
            Held::Inflated { whole, .. } => {
                into.copy_from_slice(slice_of(whole, &self.key, offset, into.len() as u64)?);
                Ok(())
            }
        }
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        self.check(offset, bytes)?;
        match &self.held {
            Held::Part { archive, begin, .. } => archive.append_at(begin + offset, bytes, into),
            Held::Inflated { whole, .. } => {
                reserve(&self.key, bytes, into)?;
                into.extend_from_slice(slice_of(whole, &self.key, offset, bytes)?);
                Ok(())
            }
        }
    }

    /// Always: the store is the archive as it was when it was opened.
    fn is_current(&self) -> bool {
        true
    }

    fn in_memory(&self) -> Option<&[u8]> {
        match &self.held {
            Held::Part { archive, begin, bytes } => archive.in_memory()?.get(*begin as usize..(begin + bytes) as usize),
            Held::Inflated { whole, .. } => Some(whole),
        }
    }
}

#[cfg(test)]
mod packing;
#[cfg(test)]
mod tests;
