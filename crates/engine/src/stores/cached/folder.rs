//! Stored bytes kept in a folder, which processes may share.
//!
//! An entry is a file, written under another name and renamed when it is whole. It says whose bytes it holds and carries a checksum over
//! all of it: what is damaged, cut short or of another object is deleted and was never there. A file's time is when the store was last
//! asked. Where the bytes become too many, the oldest files go; each process looks anew once it has added a part of the budget.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::Crc;

use super::shelf::{Entry, SUMS, Share, Shelf};
use crate::store::{Put, Range, Result, Store, Version};
use crate::stores::options::LocalOptions;
use crate::stores::{Local, keys};
use crate::sync::Mutex;

const MAGIC: &[u8; 8] = b"zarrkep1";
/// Magic, checksum, bytes of the names, first byte, bytes of the object, bytes of the data.
const HEAD: usize = 8 + 4 + 4 + 8 + 8 + 8;
const UNKNOWN: u64 = u64::MAX;
/// The part of the budget that a process adds before it looks at the folder anew.
const LOOK: u64 = 16;

/// Entries as files.
pub struct FolderShelf {
    root: PathBuf,
    files: Local,
    budget_bytes: u64,
    /// What the folder held when it was last looked at, and what this process added since: (files, bytes).
    held: Mutex<Held>,
    share: Share,
}

#[derive(Default)]
struct Held {
    count: u64,
    bytes: u64,
    added: u64,
}

impl FolderShelf {
    /// The entries in a folder, which is made.
    ///
    /// # Errors
    /// [`Error::Io`](crate::store::Error::Io) when the folder cannot be made.
    pub fn new(root: &Path, budget_bytes: u64) -> Result<Self> {
        fs::create_dir_all(root).map_err(|cause| crate::store::Error::from_io(&*root.to_string_lossy(), &cause))?;
        let files = Local::new(root, LocalOptions::default())?;
        let shelf = Self {
            root: root.to_owned(),
            files,
            budget_bytes,
            held: Mutex::default(),
            share: Share::of(budget_bytes),
        };
        shelf.look(&mut shelf.held.lock(), 0);
        Ok(shelf)
    }

    /// Counts what the folder holds, and gives up the oldest where that and `room` more is too much.
    fn look(&self, held: &mut Held, room: u64) {
        let mut found = Vec::new();
        let mut bytes = 0;
        for file in below(&self.root)
            .iter()
            .flat_map(|one| below(one))
            .flat_map(|two| below(&two))
        {
            if let Ok(told) = fs::metadata(&file)
                && told.is_file()
            {
                bytes += told.len();
                found.push((told.modified().unwrap_or(UNIX_EPOCH), told.len(), file));
            }
        }
        if bytes + room > self.budget_bytes {
            found.sort_unstable_by_key(|one| std::cmp::Reverse(one.0));
            // Some room besides, so that this is rare.
            while bytes + room > self.budget_bytes - self.budget_bytes / 8 {
                let Some((_, its, file)) = found.pop() else { break };
                if fs::remove_file(&file).is_ok() {
                    SUMS.evictions.fetch_add(1, Ordering::Relaxed);
                    file.parent().map(fs::remove_dir);
                }
                bytes -= its;
            }
        }
        *held = Held {
            count: found.len() as u64,
            bytes,
            added: 0,
        };
        self.share.set(held.count, held.bytes);
    }

    fn drop_file(&self, key: &str) {
        // It is a copy: who cannot delete it only keeps it longer.
        let _ = self.files.delete(key);
    }

    fn read(&self, key: &str, object: &str) -> Option<Entry> {
        let mut bytes = Vec::new();
        self.files.get(key, Range::All, &mut bytes).ok()??;
        let entry = parse(&bytes, object);
        let Some(mut entry) = entry else {
            self.drop_file(key);
            return None;
        };
        let modified = fs::metadata(self.root.join(key)).ok()?.modified().ok()?;
        entry.asked_ms = u64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
        Some(entry)
    }

    /// The files of an object: key, and the first byte and one past the last.
    fn files_of(&self, object: &str) -> Vec<(String, u64, u64)> {
        let folder = folder_of(object);
        let Ok((names, _)) = self.files.list_dir(&folder) else {
            return Vec::new();
        };
        let parse = |name: String| {
            let (start, end) = name.split_once('-')?;
            let (start, end) = (start.parse().ok()?, end.parse().ok()?);
            Some((keys::join(&folder, &name), start, end))
        };
        names.into_iter().filter_map(parse).collect()
    }
}

/// What lies directly in a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder);
    found
        .map(|found| found.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default()
}

/// The folder of an object. The same in every process.
fn folder_of(object: &str) -> String {
    let digest = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(seed);
        hasher.write(object.as_bytes());
        hasher.finish()
    };
    let (one, two) = (digest(1), digest(2));
    format!("{:02x}/{one:016x}{two:016x}", one >> 56)
}

/// The file of an entry.
fn file_of(object: &str, entry: &Entry) -> String {
    let end = entry.start + entry.bytes.len() as u64;
    format!("{}/{}-{end}", folder_of(object), entry.start)
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    for part in parts {
        crc.update(part);
    }
    crc.sum()
}

/// The bytes of a file before its data.
fn head(object: &str, entry: &Entry) -> Option<Vec<u8>> {
    let version = match &entry.version {
        Some(version) => version.to_text()?,
        None => String::new(),
    };
    let names = format!("{object}\n{version}");
    let mut head = Vec::with_capacity(HEAD + names.len());
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&[0; 4]);
    head.extend_from_slice(&u32::try_from(names.len()).ok()?.to_le_bytes());
    head.extend_from_slice(&entry.start.to_le_bytes());
    head.extend_from_slice(&entry.object_bytes.unwrap_or(UNKNOWN).to_le_bytes());
    head.extend_from_slice(&(entry.bytes.len() as u64).to_le_bytes());
    head.extend_from_slice(names.as_bytes());
    let sum = checksum(&[&head[12..], &entry.bytes]);
    head[8..12].copy_from_slice(&sum.to_le_bytes());
    Some(head)
}

/// The entry in a file, where it is one of this object and whole.
fn parse(file: &[u8], object: &str) -> Option<Entry> {
    let number = |at: usize| Some(u64::from_le_bytes(file.get(at..at + 8)?.try_into().ok()?));
    let short = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
    if file.get(..8)? != MAGIC || short(8)? != checksum(&[file.get(12..)?]) {
        return None;
    }
    let names_end = HEAD.checked_add(short(12)? as usize)?;
    let names = std::str::from_utf8(file.get(HEAD..names_end)?).ok()?;
    let (its, version) = names.rsplit_once('\n')?;
    let data = file.get(names_end..)?;
    if its != object || number(32)? != data.len() as u64 {
        return None;
    }
    let (start, object_bytes) = (number(16)?, number(24)?);
    start.checked_add(data.len() as u64)?;
    Some(Entry {
        start,
        bytes: data.into(),
        object_bytes: (object_bytes != UNKNOWN).then_some(object_bytes),
        version: match version {
            "" => None,
            text => Some(Version::from_text(text)?),
        },
        asked_ms: 0,
    })
}

impl Shelf for FolderShelf {
    fn get(&self, object: &str, range: Range) -> Option<Entry> {
        let wanted = match range {
            Range::FromTo(first, last) => Some((first, last)),
            _ => None,
        };
        let mut files = self.files_of(object);
        // The smallest that may do first.
        files.sort_unstable_by_key(|(_, start, end)| end - start.min(end));
        files
            .iter()
            .filter(|(_, start, end)| {
                wanted.is_none_or(|(first, last)| *start <= first && (first < *end || first >= last))
            })
            .filter_map(|(key, ..)| self.read(key, object))
            .find(|entry| entry.within(range).is_some())
    }

    fn put(&self, object: &str, entry: Entry) {
        let end = entry.start + entry.bytes.len() as u64;
        let Some(before) = head(object, &entry) else { return };
        let bytes = (before.len() + entry.bytes.len()) as u64;
        if bytes > self.budget_bytes / 4 {
            return;
        }
        {
            let mut held = self.held.lock();
            if held.bytes + bytes > self.budget_bytes || held.added > self.budget_bytes / LOOK {
                // Room first: the budget holds at every moment as far as this process knows.
                self.look(&mut held, bytes);
            }
            held.count += 1;
            held.bytes += bytes;
            held.added += bytes;
            self.share.set(held.count, held.bytes);
        }
        for (key, first, last) in self.files_of(object) {
            let is_same = (first, last) == (entry.start, end);
            if !is_same && first >= entry.start && last <= end {
                self.drop_file(&key);
            }
        }
        let key = file_of(object, &entry);
        // A disk that is full, or that refuses: then it is not kept.
        if self.files.put(&key, &[&before, &entry.bytes], Put::Always).is_ok() {
            set_time(&self.root.join(&key), entry.asked_ms);
        }
    }

    fn touch(&self, object: &str, entry: &Entry, asked_ms: u64) {
        set_time(&self.root.join(file_of(object, entry)), asked_ms);
    }

    fn remove(&self, object: &str) {
        let _ = self.files.delete_prefix(&folder_of(object));
    }

    fn clear(&self) {
        for folder in below(&self.root) {
            let _ = fs::remove_dir_all(folder);
        }
        let mut held = self.held.lock();
        *held = Held::default();
        self.share.set(0, 0);
    }
}

fn set_time(file: &Path, ms: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
    if let Ok(file) = fs::File::options().append(true).open(file) {
        let _ = file.set_modified(time);
    }
}
