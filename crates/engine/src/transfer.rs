//! Many objects at once: copied from one place to another, or deleted.
//!
//! What lies below a prefix is listed once. Objects that describe nodes ("documents") have names the caller knows, and an order
//! among all others: a copy puts them last, the deepest first, and a deletion takes them first, the nearest first. So at no moment,
//! whoever looks and whatever is stopped, is there a node whose chunks are not there: missing chunks read as fill values.

use std::collections::HashMap;
use std::ops::Range as Span;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::array::Door;
use crate::error::{Error, Result};
use crate::runtime::{Work, runtime};
use crate::store::{self, Put, Range, Store};
use crate::stores::keys::{below, check_prefix, join};

/// Copies that wait for a network at the same time.
const IN_FLIGHT: usize = 256;

/// Servers copy no larger object in one request.
const SERVER_COPY_BYTES: u64 = 5 << 30;

/// What one object is.
struct Entry {
    /// Its key below the prefix.
    key: Box<str>,
    bytes: u64,
    /// When a copy puts it.
    wave: u32,
}

/// What lies below a prefix, in the order in which it is copied.
pub struct Listing {
    store: Arc<dyn Store>,
    prefix: String,
    entries: Arc<[Entry]>,
    total: u64,
}

/// A node, as far as its place and its objects go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its path below the prefix.
    pub path: String,
    /// Objects that belong to it and to no node below it.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Listing {
    /// Lists what lies below a prefix. `documents` are the last components of the keys of documents, in the order in which those of
    /// one node are to be put.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn of(store: Arc<dyn Store>, prefix: &str, documents: &[String]) -> store::Result<Self> {
        let prefix = check_prefix(prefix)?.to_owned();
        let mut entries: Vec<(Entry, u64)> = Vec::new();
        let mut total = 0_u64;
        store.list(&prefix, &mut |key, bytes| {
            if let Some(rest) = below(key, &prefix) {
                total = total.saturating_add(bytes);
                let name = rest.rsplit_once('/').map_or(rest, |(_, name)| name);
                let place = documents.iter().position(|document| document == name);
                let depth = rest.matches('/').count() as u64;
                // Nothing but documents has a turn of its own: all else is wave 0.
                let turn = place.map_or(0, |place| {
                    1 + (u64::from(u32::MAX) - depth.min(u64::from(u32::MAX))) * (documents.len() as u64 + 1)
                        + place as u64
                });
                let key = rest.into();
                entries.push((Entry { key, bytes, wave: 0 }, turn));
            }
            true
        })?;
        // Stable: within a wave the keys keep their order.
        entries.sort_by_key(|(_, turn)| *turn);
        let (mut wave, mut before) = (0, 0);
        let entries = entries.into_iter().map(|(entry, turn)| {
            if turn != before {
                (wave, before) = (wave + 1, turn);
            }
            Entry { wave, ..entry }
        });
        Ok(Self {
            store,
            prefix,
            entries: entries.collect(),
            total,
        })
    }

    /// How many objects there are.
    pub fn objects(&self) -> usize {
        self.entries.len()
    }

    /// Their bytes.
    pub fn bytes(&self) -> u64 {
        self.total
    }

    /// What each node has, in the order of their paths; what lies in no node goes to the prefix itself.
    pub fn nodes(&self) -> Vec<Share> {
        let folder = |key: &str| {
            key.rsplit_once('/')
                .map_or(String::new(), |(folder, _)| folder.to_owned())
        };
        let mut shares: HashMap<String, (u64, u64)> = HashMap::from([(String::new(), (0, 0))]);
        for entry in self.entries.iter().filter(|entry| entry.wave > 0) {
            shares.entry(folder(&entry.key)).or_default();
        }
        for entry in &*self.entries {
            let mut path = &*entry.key;
            loop {
                path = path.rsplit_once('/').map_or("", |(above, _)| above);
                if let Some((objects, bytes)) = shares.get_mut(path) {
                    *objects += 1;
                    *bytes = bytes.saturating_add(entry.bytes);
                    break;
                }
            }
        }
        let mut shares: Vec<_> = shares
            .into_iter()
            .map(|(path, (objects, bytes))| Share { path, objects, bytes })
            .collect();
        shares.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        shares
    }

    /// Copies a span of the objects, in their order, below a prefix of a store, and says how many bytes they have.
    ///
    /// # Errors
    /// The first failure, which names the key it met. What was copied before it stays.
    pub fn copy(&self, into: &Arc<dyn Store>, target: &str, span: Span<usize>, mut door: Door<'_>) -> Result<u64> {
        let target = check_prefix(target)?.to_owned();
        let carrier = Arc::new(Carrier {
            source: Arc::clone(&self.store),
            into: Arc::clone(into),
            prefix: self.prefix.clone(),
            target,
            entries: Arc::clone(&self.entries),
            direct: AtomicBool::new(true),
        });
        let span = self.within(span);
        for wave in self.waves(span.clone()) {
            carrier.run(wave, &mut door)?;
        }
        Ok(self.bytes_of(span))
    }

    /// Deletes a span of the objects, counted from the last: documents first, those nearest to the prefix before all. Says how
    /// many bytes they have. On this machine what is no document is left to [`Self::sweep`].
    ///
    /// # Errors
    /// The first failure. What was deleted before it is gone.
    pub fn delete(&self, span: Span<usize>) -> Result<u64> {
        let (span, count) = (self.within(span), self.entries.len());
        let span = count - span.end..count - span.start;
        let at_once = self.store.deletes_at_once();
        for wave in self.waves(span.clone()).into_iter().rev() {
            // All at once, by the sweep.
            if at_once || (self.store.is_local() && self.entries[wave.start].wave == 0) {
                continue;
            }
            let keys: Vec<_> = self.entries[wave]
                .iter()
                .map(|entry| join(&self.prefix, &entry.key))
                .collect();
            self.store
                .delete_many(&keys)
                .map_err(|why| Error::from(why).in_store(&*self.store))?;
        }
        Ok(self.bytes_of(span))
    }

    /// Ends a deletion: on this machine takes what is left below the prefix, directories and what stopped writers left, too.
    ///
    /// # Errors
    /// As [`Store::delete_prefix`].
    pub fn sweep(&self) -> Result<()> {
        if self.store.is_local() || self.store.deletes_at_once() {
            let swept = self.store.delete_prefix(&self.prefix);
            swept.map_err(|why| Error::from(why).in_store(&*self.store))?;
        }
        Ok(())
    }

    fn within(&self, span: Span<usize>) -> Span<usize> {
        let stop = span.end.min(self.entries.len());
        span.start.min(stop)..stop
    }

    fn bytes_of(&self, span: Span<usize>) -> u64 {
        let bytes = self.entries[span].iter().map(|entry| entry.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    /// The parts of a span whose objects may go at the same time.
    fn waves(&self, mut span: Span<usize>) -> Vec<Span<usize>> {
        let mut waves = Vec::new();
        while let Some(first) = self.entries[span.clone()].first() {
            let stop = span.start + self.entries[span.clone()].partition_point(|entry| entry.wave == first.wave);
            waves.push(span.start..stop);
            span.start = stop;
        }
        waves
    }
}

/// What every thread that copies needs.
struct Carrier {
    source: Arc<dyn Store>,
    into: Arc<dyn Store>,
    prefix: String,
    target: String,
    entries: Arc<[Entry]>,
    /// Whether objects may go without passing through this process; tried until the target says that it knows no way.
    direct: AtomicBool,
}

impl Carrier {
    fn run(self: &Arc<Self>, span: Span<usize>, door: &mut Door<'_>) -> Result<()> {
        let (carrier, start, count) = (Arc::clone(self), span.start, span.len());
        let work: Arc<Work> = Arc::new(move |at, _| carrier.carry(&carrier.entries[start + at]));
        let is_local = self.source.is_local() && self.into.is_local();
        let (most, batch) = if is_local {
            (runtime().threads(), (count / (4 * runtime().threads())).clamp(1, 64))
        } else {
            (IN_FLIGHT, 1)
        };
        match door {
            Door::Wait(interrupted) => runtime().run_wide(count, batch, most, work, *interrupted),
            Door::Help => runtime().run_wide(count, batch, most, work, &mut || false),
        }
    }

    fn carry(&self, entry: &Entry) -> Result<()> {
        let (from, to) = (join(&self.prefix, &entry.key), join(&self.target, &entry.key));
        let mut there = None;
        if self.direct.load(Ordering::Relaxed) && entry.bytes <= SERVER_COPY_BYTES {
            let copied = self.into.copy_from(&*self.source, &from, &to);
            there = copied.map_err(|why| Error::from(why).in_store(&*self.into))?;
            if there.is_none() {
                self.direct.store(false, Ordering::Relaxed);
            }
        }
        if there.map_or_else(|| self.pass(entry, &from, &to), Ok)? {
            return Ok(());
        }
        // Left out it would read as fill values in the copy, whatever the reason was.
        let why = store::Error::Io {
            key: from,
            errno: None,
            why: "it was listed, and is not there any more: something changes what is being copied".into(),
        };
        Err(Error::from(why).in_store(&*self.source))
    }

    /// Reads the object and puts it. `false` when there is no such object.
    fn pass(&self, entry: &Entry, from: &str, to: &str) -> Result<bool> {
        // A store on a network keeps the bytes once more, until they are sent.
        let times = if self.into.is_local() { 1 } else { 2 };
        let bytes = usize::try_from(entry.bytes).unwrap_or(usize::MAX);
        let _taken = runtime().budget.take(bytes.saturating_mul(times));
        let mut held = Vec::new();
        let found = self.source.get(from, Range::All, &mut held);
        if found.map_err(|why| Error::from(why).in_store(&*self.source))?.is_none() {
            return Ok(false);
        }
        // Shorter or longer than it was listed: it was changed since, or the answer is not the object.
        let got = held.len() as u64;
        if got != entry.bytes {
            let now = self
                .source
                .size(from)
                .map_err(|why| Error::from(why).in_store(&*self.source))?;
            if now.is_some_and(|now| now != got) {
                let why =
                    store::Error::corrupt(from, format!("{got} bytes came, and the store says that it has others"));
                return Err(Error::from(why).in_store(&*self.source));
            }
        }
        let put = self.into.put(to, &[&held], Put::Always);
        put.map_err(|why| Error::from(why).in_store(&*self.into))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::{Memory, Record};

    fn documents() -> Vec<String> {
        [".zattrs", ".zarray", ".zgroup", "zarr.json"]
            .map(str::to_owned)
            .to_vec()
    }

    const KEYS: [&str; 9] = [
        "g/.zattrs",
        "g/.zgroup",
        "g/a/.zarray",
        "g/a/.zattrs",
        "g/a/0.0",
        "g/deep/b/c/0/1",
        "g/deep/b/zarr.json",
        "g/deep/zarr.json",
        "g/z.txt",
    ];

    fn store() -> Arc<dyn Store> {
        let objects = KEYS.map(|key| (key, key.as_bytes()));
        Arc::new(Memory::with_objects(objects).expect("a store"))
    }

    #[test]
    fn what_describes_a_node_is_copied_after_all_it_has_and_the_nearest_last() {
        let listing = Listing::of(store(), "g", &documents()).expect("a listing");
        let order: Vec<_> = listing.entries.iter().map(|entry| &*entry.key).collect();
        let want = [
            "a/0.0",
            "deep/b/c/0/1",
            "z.txt",
            "deep/b/zarr.json",
            "a/.zattrs",
            "a/.zarray",
            "deep/zarr.json",
            ".zattrs",
            ".zgroup",
        ];
        assert_eq!(order, want);
        let waves: Vec<_> = listing.entries.iter().map(|entry| entry.wave).collect();
        assert_eq!(waves, [0, 0, 0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn each_object_belongs_to_the_nearest_node_above_it() {
        let listing = Listing::of(store(), "g", &documents()).expect("a listing");
        let share = |path: &str, keys: &[&str]| Share {
            path: path.to_owned(),
            objects: keys.len() as u64,
            bytes: keys.iter().map(|key| key.len() as u64).sum(),
        };
        let want = [
            share("", &["g/.zattrs", "g/.zgroup", "g/z.txt"]),
            share("a", &["g/a/.zarray", "g/a/.zattrs", "g/a/0.0"]),
            share("deep", &["g/deep/zarr.json"]),
            share("deep/b", &["g/deep/b/c/0/1", "g/deep/b/zarr.json"]),
        ];
        assert_eq!(listing.nodes(), want);
        assert_eq!(listing.bytes(), KEYS.map(str::len).iter().sum::<usize>() as u64);
    }

    #[test]
    fn a_span_is_copied_and_the_spans_are_the_whole() {
        let listing = Listing::of(store(), "g/", &documents()).expect("a listing");
        let into = Memory::new();
        let target: Arc<dyn Store> = Arc::new(into.clone());
        for start in (0..10).step_by(2) {
            let mut never = || false;
            listing
                .copy(&target, "copy", start..start + 2, Door::Wait(&mut never))
                .expect("a copy");
        }
        let copied: Vec<_> = into.objects().into_iter().map(|(key, _)| key).collect();
        assert_eq!(copied, KEYS.map(|key| format!("copy{}", &key[1..])));
    }

    #[test]
    fn a_deletion_takes_documents_first_and_sweeps_the_rest() {
        let record = Record::of(store());
        let listing = Listing::of(Arc::new(record.clone()), "g", &documents()).expect("a listing");
        record.take();
        listing.delete(0..usize::MAX).expect("a deletion");
        let deleted: Vec<_> = record.take().into_iter().map(|call| call.key).collect();
        let want = [
            "g/.zgroup",
            "g/.zattrs",
            "g/deep/zarr.json",
            "g/a/.zarray",
            "g/a/.zattrs",
            "g/deep/b/zarr.json",
        ];
        assert_eq!(deleted, want);
        listing.sweep().expect("a deletion");
        assert_eq!(Listing::of(Arc::new(record), "", &[]).expect("a listing").objects(), 0);
    }

    #[test]
    fn what_goes_meanwhile_is_an_error() {
        let source = store();
        let listing = Listing::of(Arc::clone(&source), "", &documents()).expect("a listing");
        source.delete("g/a/0.0").expect("a deletion");
        let into: Arc<dyn Store> = Arc::new(Memory::new());
        let failed = listing.copy(&into, "", 0..usize::MAX, Door::Wait(&mut || false));
        assert!(matches!(failed, Err(Error::Store { why: store::Error::Io { key, .. }, .. }) if key == "g/a/0.0"));
    }
}
