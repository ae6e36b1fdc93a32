//! The contract, what is asked of the store below, and files that are damaged.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::store::Error;
use crate::stores::{Memory, Record, contract};

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "zarrite-cached-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Another place each time.
fn name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("place {}", COUNT.fetch_add(1, Ordering::Relaxed))
}

const EACH: Check = Check::After(Duration::ZERO);
const HOUR: Check = Check::After(Duration::from_secs(3600));

/// A store on a network, as far as a shelf can tell: versions are tags.
#[derive(Clone)]
struct Far(Memory);

impl Far {
    fn tag(version: &Version) -> Version {
        Version::tag(&format!("{version:?}"))
    }
}

impl Store for Far {
    fn url(&self) -> String {
        self.0.url()
    }
    fn identity(&self) -> &str {
        self.0.identity()
    }
    fn is_local(&self) -> bool {
        false
    }
    fn read_only(&self) -> bool {
        false
    }
    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        let found = self.0.get(key, range, into)?;
        Ok(found.map(|found| Found {
            version: found.version.as_ref().map(Self::tag),
            ..found
        }))
    }
    fn knows_versions(&self) -> bool {
        true
    }
    fn version(&self, key: &str) -> Result<Option<Version>> {
        Ok(self.0.version(key)?.as_ref().map(Self::tag))
    }
    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        self.0.open(key)
    }
    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        self.0.put(key, parts, how)
    }
    fn delete(&self, key: &str) -> Result<()> {
        self.0.delete(key)
    }
    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.0.delete_prefix(prefix)
    }
    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        self.0.list(prefix, each)
    }
    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        self.0.list_dir(prefix)
    }
    fn size(&self, key: &str) -> Result<Option<u64>> {
        self.0.size(key)
    }
    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        self.0.move_prefix(from, to)
    }
    fn close(&self) -> Result<()> {
        self.0.close()
    }
}

fn got(store: &dyn Store, key: &str, range: Range) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    store.get(key, range, &mut bytes).expect("a get").map(|_| bytes)
}

#[test]
fn a_cached_store_keeps_the_contract() {
    for check in [EACH, HOUR, Check::Never] {
        contract::check(&|| Arc::new(Cached::in_memory(Arc::new(Memory::new()), &name(), 1 << 20, check)));
        let scratch = Scratch::new();
        contract::check(&|| {
            let folder = Cached::in_folder(Arc::new(Memory::new()), &name(), &scratch.0, 1 << 20, check);
            Arc::new(folder.expect("a folder"))
        });
    }
}

#[test]
fn what_is_kept_is_asked_for_as_often_as_the_user_said() {
    let scratch = Scratch::new();
    for in_folder in [false, true] {
        for (check, want) in [(Check::Never, 0), (HOUR, 0), (EACH, 1)] {
            let below = Far(Memory::new());
            below.put("k", &[b"0123456789"], Put::Always).expect("a put");
            let record = Record::of(Arc::new(below.clone()));
            let store = if in_folder {
                Cached::in_folder(Arc::new(record.clone()), &name(), &scratch.0, 1 << 20, check).expect("a folder")
            } else {
                Cached::in_memory(Arc::new(record.clone()), &name(), 1 << 20, check)
            };
            assert_eq!(got(&store, "k", Range::FromTo(2, 8)).as_deref(), Some(&b"234567"[..]));
            assert_eq!(record.take().len(), 1);
            assert_eq!(got(&store, "k", Range::FromTo(3, 5)).as_deref(), Some(&b"34"[..]));
            let asked = record.take();
            assert_eq!(asked.len(), want, "{check:?} {asked:?}");
            assert!(asked.iter().all(|call| call.operation == "is_current"));
            assert_eq!(got(&store, "k", Range::FromTo(0, 4)).as_deref(), Some(&b"0123"[..]));
            assert_eq!(record.take().len(), 1);
            // Another program writes.
            below.put("k", &[b"abcdefghij"], Put::Always).expect("a put");
            let now = got(&store, "k", Range::FromTo(2, 8)).expect("the object");
            assert_eq!(&now[..] == b"cdefgh", check == EACH);
            // This store writes.
            store.put("k", &[b"ABCDEFGHIJ"], Put::Always).expect("a put");
            assert_eq!(got(&store, "k", Range::FromTo(2, 8)).as_deref(), Some(&b"CDEFGH"[..]));
            store.delete("k").expect("a delete");
            assert_eq!(got(&store, "k", Range::FromTo(2, 8)), None);
        }
    }
}

#[test]
fn the_bytes_that_are_kept_stay_below_the_budget() {
    let scratch = Scratch::new();
    let below = Memory::new();
    for at in 0..100 {
        below
            .put(&format!("k{at}"), &[&[at; 1000]], Put::Always)
            .expect("a put");
    }
    let below = Far(below);
    let budget = 20_000;
    let folder = Cached::in_folder(Arc::new(below.clone()), &name(), &scratch.0, budget, HOUR).expect("a folder");
    let kept = || -> u64 {
        let mut bytes = 0;
        let mut folders = vec![scratch.0.clone()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).expect("a folder") {
                let entry = entry.expect("an entry");
                let told = entry.metadata().expect("a file");
                if told.is_dir() {
                    folders.push(entry.path());
                } else {
                    bytes += told.len();
                }
            }
        }
        bytes
    };
    for at in 0..100 {
        assert_eq!(got(&folder, &format!("k{at}"), Range::All), Some(vec![at; 1000]));
        assert!(kept() <= budget, "{}", kept());
    }
    assert!(kept() > budget / 2);
    let memory = Cached::in_memory(Arc::new(below), &name(), budget, HOUR);
    for at in 0..100 {
        assert_eq!(got(&memory, &format!("k{at}"), Range::All), Some(vec![at; 1000]));
    }
}

#[test]
fn a_damaged_file_is_never_believed() {
    let scratch = Scratch::new();
    let below = Far(Memory::new());
    let value: Vec<u8> = (0..200).collect();
    below.put("k", &[&value], Put::Always).expect("a put");
    let record = Record::of(Arc::new(below));
    let store =
        Cached::in_folder(Arc::new(record.clone()), &name(), &scratch.0, 1 << 20, Check::Never).expect("a folder");
    assert_eq!(got(&store, "k", Range::All), Some(value.clone()));
    let file = || {
        let first = |folder: PathBuf| fs::read_dir(folder).ok()?.next()?.ok().map(|entry| entry.path());
        first(first(first(scratch.0.clone())?)?)
    };
    let good = fs::read(file().expect("the file")).expect("its bytes");
    record.take();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 4;
        fs::write(file().expect("the file"), &bad).expect("a write");
        assert_eq!(got(&store, "k", Range::All), Some(value.clone()), "byte {at}");
        assert_eq!(record.take().len(), 1, "byte {at} was read again");
        fs::write(file().expect("the file"), &good[..at]).expect("a write");
        assert_eq!(got(&store, "k", Range::All), Some(value.clone()), "cut at {at}");
        assert_eq!(record.take().len(), 1, "cut at {at}");
    }
    assert_eq!(got(&store, "k", Range::All), Some(value));
    assert_eq!(record.take(), []);
}

#[test]
fn an_open_object_stays_with_its_version() {
    let below = Far(Memory::new());
    below.put("k", &[b"0123456789"], Put::Always).expect("a put");
    let store = Cached::in_memory(Arc::new(below.clone()), &name(), 1 << 20, Check::Never);
    // By `get`, which names tags as servers do.
    got(&store, "k", Range::Last(2));
    let object = store
        .open_part("k", Range::Last(2))
        .expect("an open")
        .expect("an object");
    below.put("k", &[b"abcdefghij"], Put::Always).expect("a put");
    let mut bytes = [0; 2];
    object.read_at(8, &mut bytes).expect("what is kept");
    assert_eq!(&bytes, b"89");
    assert!(matches!(object.read_at(0, &mut bytes), Err(Error::Changed { .. })));
}
