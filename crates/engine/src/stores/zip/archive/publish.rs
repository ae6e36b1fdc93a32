//! Writing an archive: what did not change is copied as it lies in the old one, and the name changes hands at the end.

use std::fs::{self, File};
use std::io;
use std::sync::Arc;

use super::Archive;
use super::opened::read_base;
use super::records::{self, Said};
use super::scratch::{self, Scratch};
use super::state::{Held, State, Value};
use crate::store::{Error, Result};
use crate::stores::zip::Zip;
use crate::stores::zip::directory::Entry;
use crate::sync::Mutex;

/// One archive of this process is written at a time.
static ONE: Mutex<()> = Mutex::new(());

/// Records that were made are written once there are this many bytes of them.
const BATCH_BYTES: usize = 1 << 20;

/// An object to be written.
struct Item<'a> {
    said: Said<'a>,
    from: From<'a>,
}

/// Where an object's bytes are, and the header before them where it is one that would be written just so.
enum From<'a> {
    Memory(&'a [u8]),
    File {
        file: &'a File,
        /// Tells files apart.
        number: u8,
        header: Option<u64>,
        begin: u64,
    },
}

impl Archive {
    pub(super) fn publish(&self) -> Result<()> {
        let failed = |cause: io::Error| {
            let mut told = Error::from_io(self.0.url.clone(), &cause);
            if let Error::Io { why, .. } | Error::Permission { why, .. } = &mut told {
                why.push_str("; closing it again tries again");
            }
            told
        };
        let _one = ONE.lock();
        {
            let mut state = self.0.state.write();
            if state.closed {
                return Ok(());
            }
            if !state.changed.is_empty() {
                self.owned()?;
                let parent = self.0.path.parent().unwrap_or(std::path::Path::new("."));
                fs::create_dir_all(parent).map_err(failed)?;
                // Other processes that write archives here wait; where directories cannot be locked, the last one wins.
                let _lock = lock(parent);
                // What another process wrote meanwhile is kept: changes are made to the archive that is there now.
                let base = read_base(&self.0.path)?;
                self.write_all(&mut state, base.as_ref()).map_err(failed)?;
            }
            let done = std::mem::take(&mut *state);
            state.closed = true;
            drop(state);
            drop(done);
        }
        self.forget();
        Ok(())
    }

    fn write_all(&self, state: &mut State, base: Option<&Zip>) -> io::Result<()> {
        let first = &self.0.layout.first;
        let old = match base {
            Some(_) => Some(File::open(&self.0.path)?),
            None => None,
        };
        let mut items = Vec::new();
        if let (Some(base), Some(old)) = (base, &old) {
            items.extend(kept(base, old, state)?);
        }
        let new: Vec<(&String, &Held)> = state
            .changed
            .iter()
            .filter_map(|(key, held)| Some((key, held.as_ref()?)))
            .collect();
        let in_place = items.is_empty() && first.is_empty() && is_dense(state, &new);
        items.extend(new.iter().map(|(key, held)| put(key, held)));
        // In the order they lie in, so that what lies together is copied together; what is in memory comes last.
        items.sort_by_key(|item| match &item.from {
            From::File { number, begin, .. } => (*number, *begin),
            From::Memory(_) => (u8::MAX, 0),
        });
        if !first.is_empty() {
            items.sort_by_cached_key(|item| match item.said.name {
                name if is_first(name, first) => (0, depth(name), name.to_owned()),
                _ => (1, 0, String::new()),
            });
        }
        let comment = self.comment(state, base, &items);
        let made = match &state.scratch {
            Some(scratch) if in_place => Arc::clone(scratch),
            _ => Arc::new(self.scratch()?),
        };
        let start = if in_place { state.end } else { 0 };
        let done = write(&made.file, &items, in_place, start, &comment, !first.is_empty())
            .and_then(|()| keep_mode(old.as_ref(), &made))
            .and_then(|()| made.place(&self.0.path));
        if done.is_err() && in_place {
            // What was put is still there, and more may be put behind it.
            let _ = made.file.set_len(start);
        }
        done
    }

    /// What the archive says of itself: for one whose documents come first just that, in the words of OME's proposal; else
    /// what it said before.
    fn comment(&self, state: &State, base: Option<&Zip>, items: &[Item<'_>]) -> Vec<u8> {
        if self.0.layout.first.is_empty() {
            return base.map_or_else(Vec::new, |base| base.0.comment.clone());
        }
        let root = items
            .first()
            .map(|item| item.said.name)
            .filter(|name| !name.contains('/'));
        let bytes = root.and_then(|key| {
            let mut bytes = Vec::new();
            match state.changed.get(key) {
                Some(held) => held.as_ref()?.append(key, 0, held.as_ref()?.bytes(), &mut bytes).ok()?,
                None => base?.append(key, base?.0.entries.get(key)?, &mut bytes).ok()?,
            }
            Some(bytes)
        });
        let document = bytes.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        let version = document
            .as_ref()
            .and_then(|document| document.pointer("/attributes/ome/version")?.as_str());
        let mut ome = serde_json::Map::new();
        if let Some(version) = version {
            ome.insert("version".to_owned(), version.into());
        }
        ome.insert(
            "zipFile".to_owned(),
            serde_json::json!({"centralDirectory": {"jsonFirst": true}}),
        );
        serde_json::json!({ "ome": ome }).to_string().into_bytes()
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

/// Keeps other processes out of the directory's archives, as well as the system can.
fn lock(directory: &std::path::Path) -> Option<File> {
    let directory = File::open(directory).ok()?;
    directory.lock().ok()?;
    Some(directory)
}

/// Who may read the old archive may read the new one, and nobody else.
fn keep_mode(old: Option<&File>, made: &Scratch) -> io::Result<()> {
    match old {
        Some(old) => made.file.set_permissions(old.metadata()?.permissions()),
        None => Ok(()),
    }
}

/// Whether everything in the scratch file is wanted.
fn is_dense(state: &State, new: &[(&String, &Held)]) -> bool {
    let live: u64 = new
        .iter()
        .map(|(_, held)| match &held.value {
            Value::Scratch {
                header, begin, bytes, ..
            } => begin - header + bytes,
            Value::Memory(_) => 0,
        })
        .sum();
    live > 0 && live == state.end
}

/// What stays of the old archive.
fn kept<'a>(base: &'a Zip, old: &'a File, state: &State) -> io::Result<Vec<Item<'a>>> {
    let mut items = Vec::new();
    for (key, entry) in &base.0.entries {
        if state.changed.contains_key(key) {
            continue;
        }
        let begin = base
            .begin(key, entry)
            .map_err(|cause| io::Error::other(cause.to_string()))?;
        items.push(Item {
            said: Said {
                name: key,
                bytes: entry.bytes,
                stored_bytes: entry.stored_bytes,
                crc: entry.crc,
                words: entry.words,
            },
            from: From::File {
                file: old,
                number: 0,
                header: is_plain(key, entry).then_some(entry.header),
                begin,
            },
        });
    }
    Ok(items)
}

/// Whether the header of an entry may be copied with it: it has the name and nothing more, and says the sizes.
fn is_plain(key: &str, entry: &Entry) -> bool {
    entry.is_tight()
        && key.is_ascii()
        && entry.name_is(key)
        && entry.words.0 & 8 == 0
        && entry.bytes.max(entry.stored_bytes) < u64::from(u32::MAX)
}

fn put<'a>(key: &'a str, held: &'a Held) -> Item<'a> {
    let from = match &held.value {
        Value::Memory(bytes) => From::Memory(bytes),
        Value::Scratch {
            file, header, begin, ..
        } => From::File {
            file: &file.file,
            number: 1,
            header: Some(*header),
            begin: *begin,
        },
    };
    Item {
        said: Said {
            name: key,
            bytes: held.bytes(),
            stored_bytes: held.bytes(),
            crc: held.crc,
            words: (0, 0),
        },
        from,
    }
}

/// Writes objects, their directory and the end. `in_place` where those that are in a file are in this one, where they belong.
fn write(file: &File, items: &[Item<'_>], in_place: bool, start: u64, comment: &[u8], long: bool) -> io::Result<()> {
    let mut out = Out {
        file,
        at: start,
        records: Vec::new(),
        run: None,
    };
    let mut directory = Vec::new();
    for Item { said, from } in items {
        let at = match from {
            From::File {
                header: Some(header), ..
            } if in_place => *header,
            From::File {
                file,
                number,
                header: Some(header),
                begin,
            } => out.copy(file, *number, *header, begin + said.stored_bytes)?,
            From::File {
                file,
                number,
                header: None,
                begin,
            } => {
                let at = out.end();
                out.record(|records| said.header(records))?;
                out.copy(file, *number, *begin, begin + said.stored_bytes)?;
                at
            }
            From::Memory(bytes) => {
                let at = out.end();
                out.record(|records| {
                    said.header(records);
                    records.extend_from_slice(bytes);
                })?;
                at
            }
        };
        said.entry(at, &mut directory);
    }
    out.settle()?;
    let (at, bytes) = (out.at, directory.len() as u64);
    records::end(items.len() as u64, at, bytes, long, comment, &mut directory);
    scratch::write_at(file, &directory, at)?;
    // A scratch file that was written before may have been longer.
    file.set_len(at + directory.len() as u64)
}

/// The archive being written: its end, what is to be written there next, and what is to be copied there after that.
struct Out<'a> {
    file: &'a File,
    at: u64,
    records: Vec<u8>,
    run: Option<(&'a File, u8, u64, u64)>,
}

impl<'a> Out<'a> {
    /// Where the next byte comes.
    fn end(&self) -> u64 {
        self.at + self.records.len() as u64 + self.run.map_or(0, |(_, _, start, stop)| stop - start)
    }

    fn record(&mut self, make: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        if self.run.is_some() || self.records.len() > BATCH_BYTES {
            self.settle()?;
        }
        make(&mut self.records);
        Ok(())
    }

    /// Copies bytes of another file, with those before them where they lie together. Says where they come.
    fn copy(&mut self, file: &'a File, number: u8, start: u64, stop: u64) -> io::Result<u64> {
        let at = self.end();
        match &mut self.run {
            Some((_, its, _, end)) if *its == number && *end == start => *end = stop,
            Some(_) => {
                self.settle()?;
                self.run = Some((file, number, start, stop));
            }
            None => self.run = Some((file, number, start, stop)),
        }
        Ok(at)
    }

    /// Writes what is to be written.
    fn settle(&mut self) -> io::Result<()> {
        scratch::write_at(self.file, &self.records, self.at)?;
        self.at += self.records.len() as u64;
        self.records.clear();
        if let Some((file, _, start, stop)) = self.run.take() {
            scratch::copy(file, start, stop - start, self.file, self.at)?;
            self.at += stop - start;
        }
        Ok(())
    }
}
