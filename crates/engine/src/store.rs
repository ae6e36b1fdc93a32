//! The contract of a store: a place that keeps objects under keys.
//!
//! The contract has one colour. It is blocking, and batch-first: the engine's threads call it with the interpreter's lock
//! released, and a store on a network implements the batched calls (`get_many`, `get_ranges`, `put_many`) with a runtime of
//! its own and hands each answer to the callback as it arrives, so that requests in flight do not depend on threads.
//! A store on this machine has nothing to wait for, and the defaults, which loop, are right for it.
//!
//! Callbacks run on the calling thread, one at a time, and return whether to go on; after `false` no more answers come.
//!
//! What every store must do is written as tests in `stores/contract.rs`.

use bytes::Bytes;
use std::sync::Arc;

pub use crate::stores::error::{Error, Result};
use crate::stores::keys::reserve;
pub use crate::stores::version::Version;

/// Bytes of an object. What lies beyond its end is left out, as in HTTP: the answer is shorter and not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// All of it.
    All,
    /// From the first place up to, and without, the second.
    FromTo(u64, u64),
    /// The last bytes; all when the object is shorter.
    Last(u64),
}

impl Range {
    /// The first byte and one past the last, in an object of this many bytes.
    pub fn within(self, object_bytes: u64) -> (u64, u64) {
        match self {
            Self::All => (0, object_bytes),
            Self::FromTo(start, stop) => {
                let start = start.min(object_bytes);
                (start, stop.clamp(start, object_bytes))
            }
            Self::Last(count) => (object_bytes.saturating_sub(count), object_bytes),
        }
    }
}

/// What a get learned beside the bytes. A field is known where it cost nothing to learn.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Bytes of the whole object; known for `All` and `Last`.
    pub object_bytes: Option<u64>,
    /// The version read. For a version that is always known use [`Store::get_versioned`].
    pub version: Option<Version>,
}

/// The version that was found, for a conditional put that follows.
///
/// # Errors
/// [`Error::Io`] when the store did not say it.
pub(crate) fn named(version: Option<Version>, key: &str) -> Result<Version> {
    version.ok_or_else(|| Error::Io {
        key: key.to_owned(),
        errno: None,
        why: "the server names no version (ETag) of its objects, so a change cannot be made safe".into(),
    })
}

/// What an answer is handed to, on a thread of the network's: it does not hold that up.
pub type Later<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// A request that is on its way; nobody waits for it any more once this is dropped.
pub type Way = Box<dyn Send>;

/// What [`Store::get_later`] is where nothing is gained by not waiting.
pub(crate) fn get_at_once<S: Store + ?Sized>(
    store: &S,
    key: &str,
    range: Range,
    then: Later<Option<(Bytes, Found)>>,
) -> Option<Way> {
    let mut came = Vec::new();
    let found = store.get(key, range, &mut came);
    then(found.map(|found| found.map(|found| (came.into(), found))));
    None
}

/// As [`get_at_once`], of [`Store::put_later`].
pub(crate) fn put_at_once<S: Store + ?Sized>(store: &S, key: &str, parts: &[Bytes], how: Put, then: Later<bool>) {
    let parts: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
    then(store.put(key, &parts, how));
}

/// As [`get_at_once`], of [`Object::read_later`].
pub(crate) fn read_at_once<O: Object + ?Sized>(object: &O, offset: u64, bytes: u64, then: Later<Bytes>) -> Option<Way> {
    let mut came = Vec::new();
    then(object.append_at(offset, bytes, &mut came).map(|()| came.into()));
    None
}

/// When a put happens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Put {
    /// In any case.
    #[default]
    Always,
    /// Only where the key has no object.
    IfAbsent,
    /// Only where the object is still this version of it.
    IfVersion(Version),
}

/// What keeps writers of parts of one object from undoing each other, beside the locks of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Nobody but this process reaches the place.
    Process,
    /// Locks that other processes of the machine respect: [`Store::try_lock`].
    Locks,
    /// Conditional puts.
    Conditions,
    /// Conditional puts, if the server does what they ask; some take them and do not look at the condition.
    Unproven,
    /// Nothing.
    Nothing,
}

/// What came of asking for a lock.
pub enum Lock {
    /// Nobody else has it until this is dropped. It ends with the process at the latest.
    Held(Box<dyn Send>),
    /// Somebody else has it.
    Busy,
    /// Nothing of that name is there to be locked.
    Missing,
    /// The place has no locks.
    Unknown,
}

/// An object held open for repeated reads, with no further look-up of its key.
pub trait Object: Send + Sync {
    /// How many bytes it had when it was opened.
    fn bytes(&self) -> u64;

    /// The version that was opened.
    fn version(&self) -> Version;

    /// Fills `into` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the object ends before `into` is full, [`Error::Io`] when the system fails.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()>;

    /// Appends `bytes` bytes from `offset` on to `into`; `into` is as it was when this fails.
    ///
    /// # Errors
    /// As `read_at`.
    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        let before = into.len();
        reserve("", bytes, into)?;
        into.resize(before + bytes as usize, 0);
        self.read_at(offset, &mut into[before..])
            .inspect_err(|_| into.truncate(before))
    }

    /// Hands `bytes` bytes from `offset` on to `each`, where they lie: a store on a network need not copy them.
    ///
    /// # Errors
    /// As `read_at`; `each` was not called then.
    fn read_with(&self, offset: u64, bytes: u64, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut held = Vec::new();
        self.append_at(offset, bytes, &mut held)?;
        each(&held);
        Ok(())
    }

    /// As `read_with`, without waiting, where the store [answers later](Store::answers_later).
    fn read_later(&self, offset: u64, bytes: u64, then: Later<Bytes>) -> Option<Way> {
        read_at_once(self, offset, bytes, then)
    }

    /// Whether the key still leads to what was opened. Costs a look-up; callers ask once in a while.
    fn is_current(&self) -> bool;

    /// Whether every store that leads to this place may go on with this object while it is current.
    fn may_be_held(&self) -> bool {
        true
    }

    /// The object as a file of this system, where it is one.
    #[cfg(unix)]
    fn as_file(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    /// The object's bytes where they lie in memory anyway: no copy is needed.
    fn in_memory(&self) -> Option<&[u8]> {
        None
    }
}

/// A place that keeps objects under keys.
///
/// A key is a path without a leading slash (`"a/zarr.json"`); [`check_key`](crate::stores::keys::check_key) says which are refused. A prefix is a path too:
/// `"a"` means what lies below `a/`, never `ab` nor `a` itself, and `""` means all. A trailing slash is allowed.
///
/// Reading a key that is not there gives `None`, also where the place as a whole does not exist yet.
/// Every method may be called from many threads at once. A reader sees an object as one put left it, whole.
pub trait Store: Send + Sync {
    /// Where this is, as a user would write it.
    fn url(&self) -> String;

    /// Names the place within this process: two stores with the same identity keep the same objects, and
    /// `identity + "/" + key` names one object whichever store leads to it. Locks and caches are keyed on that.
    fn identity(&self) -> &str;

    /// Whether answers come without waiting for a network.
    fn is_local(&self) -> bool;

    /// Whether puts and deletes are refused.
    fn read_only(&self) -> bool;

    /// Whether chunks that will be read next may be asked for ahead: every change made here is then told to [`Ahead`](crate::ahead::Ahead).
    fn reads_ahead(&self) -> bool {
        false
    }

    /// What keeps partial writes of an object apart.
    fn safety(&self) -> Safety {
        if self.is_local() {
            Safety::Process
        } else {
            Safety::Conditions
        }
    }

    /// Finds out whether conditional puts do what they ask ([`Safety::Unproven`]), by one whose condition does not hold: the
    /// object is there, and has these bytes.
    ///
    /// # Errors
    /// As `put`.
    fn prove(&self, key: &str, parts: &[&[u8]]) -> Result<Safety> {
        let _ = (key, parts);
        Ok(self.safety())
    }

    /// Asks for the lock of an object, or of all below a prefix (`""` is the store), without waiting.
    ///
    /// Locks keep processes apart, and threads with them. An object's lock is of what is there now: whoever has it may
    /// replace the object, and then nobody has the lock of the new one.
    ///
    /// # Errors
    /// As `get`.
    fn try_lock(&self, name: &str) -> Result<Lock> {
        let _ = name;
        Ok(Lock::Unknown)
    }

    /// Appends the bytes of an object to `into`; `None`, and `into` unchanged, when there is no such key.
    ///
    /// # Errors
    /// [`Error::KeyRefused`] for a key that no store takes; [`Error::Permission`], [`Error::Io`] or [`Error::Corrupt`] when
    /// the bytes cannot be had. `into` is as it was when this fails.
    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>>;

    /// As `get`, with the bytes handed to `each` where they lie: a store on a network need not copy them.
    ///
    /// # Errors
    /// As `get`; `each` was not called then, and is not when there is no such key.
    fn get_with(&self, key: &str, range: Range, each: &mut dyn FnMut(&[u8], &Found)) -> Result<Option<Found>> {
        let mut held = Vec::new();
        let found = self.get(key, range, &mut held)?;
        if let Some(found) = &found {
            each(&held, found);
        }
        Ok(found)
    }

    /// Whether [`Self::get_later`], and [`Object::read_later`] of what is opened here, return before the answer is there.
    fn answers_later(&self) -> bool {
        false
    }

    /// As `get`, without waiting: `then` gets the answer. What is returned, if anything, ends the request when it is dropped.
    fn get_later(&self, key: &str, range: Range, then: Later<Option<(Bytes, Found)>>) -> Option<Way> {
        get_at_once(self, key, range, then)
    }

    /// Appends the bytes of an object to `into` and says which version they are, for a conditional put that follows.
    ///
    /// # Errors
    /// As `get`.
    fn get_versioned(&self, key: &str, into: &mut Vec<u8>) -> Result<Option<Version>> {
        let Some(object) = self.open(key)? else { return Ok(None) };
        object.append_at(0, object.bytes(), into)?;
        Ok(Some(object.version()))
    }

    /// Whether [`Self::version`] answers by a look that reads no bytes.
    fn knows_versions(&self) -> bool {
        false
    }

    /// The version a key has now; `None` when there is no such key.
    ///
    /// # Errors
    /// As `get`.
    fn version(&self, key: &str) -> Result<Option<Version>> {
        Ok(self.open(key)?.map(|object| object.version()))
    }

    /// Several ranges of one object, merged by the caller where they are near. Each is handed to `each` with its place in
    /// `ranges`, in any order. `false` when there is no such key.
    ///
    /// # Errors
    /// As `get`; answers that came before the failure were handed over.
    fn get_ranges(&self, key: &str, ranges: &[Range], each: &mut dyn FnMut(usize, Vec<u8>) -> bool) -> Result<bool> {
        let Some(object) = self.open(key)? else {
            return Ok(false);
        };
        for (place, range) in ranges.iter().enumerate() {
            let (start, stop) = range.within(object.bytes());
            let mut bytes = Vec::new();
            object.append_at(start, stop - start, &mut bytes)?;
            if !each(place, bytes) {
                break;
            }
        }
        Ok(true)
    }

    /// Many whole objects. Each answer is handed to `each` with its place in `keys`, in any order.
    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        for (place, key) in keys.iter().enumerate() {
            let mut bytes = Vec::new();
            let answer = self.get(key, Range::All, &mut bytes).map(|found| found.map(|_| bytes));
            if !each(place, answer) {
                break;
            }
        }
    }

    /// Holds an object open for repeated reads; `None` when there is no such key.
    ///
    /// # Errors
    /// As `get`.
    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>>;

    /// As `open`, by a read of a part that will be wanted first: on a network both are one request.
    ///
    /// # Errors
    /// As `get`.
    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        let _ = part;
        self.open(key)
    }

    /// Puts a whole object, its parts one after another. `false`, and nothing done, when the condition does not hold.
    ///
    /// Atomic: another reader finds the object that was there or this one, never a part; and when this fails, the one that
    /// was there. Conditional puts exclude one another; a put that is made `Always` asks nobody.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::KeyRefused`], [`Error::Permission`], [`Error::Io`] (a full disk: errno `ENOSPC`).
    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool>;

    /// Whether [`Self::put_later`] returns before the answer is there.
    fn takes_later(&self) -> bool {
        false
    }

    /// As `put`, without waiting: `then` gets the answer. Nothing ends it before: who puts the same object again waits for that.
    fn put_later(&self, key: &str, parts: Vec<Bytes>, how: Put, then: Later<bool>) {
        put_at_once(self, key, &parts, how, then);
    }

    /// Puts many whole objects. Each answer is handed to `each` with its place in `items`, in any order.
    fn put_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
        for (place, (key, value)) in items.iter().enumerate() {
            if !each(place, self.put(key, &[value], Put::Always).map(drop)) {
                break;
            }
        }
    }

    /// Deletes an object; a missing one is fine.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::KeyRefused`], [`Error::Permission`], [`Error::Io`].
    fn delete(&self, key: &str) -> Result<()>;

    /// Deletes many objects, in batches where the store takes such; missing ones are fine.
    ///
    /// # Errors
    /// As `delete`; some of the objects may be gone.
    fn delete_many(&self, keys: &[String]) -> Result<()> {
        keys.iter().try_for_each(|key| self.delete(key))
    }

    /// Whether `delete_prefix` takes everything out of sight at once: then nothing has to be deleted before the rest.
    fn deletes_at_once(&self) -> bool {
        false
    }

    /// Copies an object of a store, or of this one, without its bytes passing through this process: a server does it, or the system.
    /// `None`, and nothing done, where there is no such way; `Some(false)` where there is no such object.
    ///
    /// # Errors
    /// As `get` of that store and `put` of this one.
    fn copy_from(&self, source: &dyn Store, from: &str, to: &str) -> Result<Option<bool>> {
        let _ = (source, from, to);
        Ok(None)
    }

    /// Deletes every object below a prefix and says how many there were.
    ///
    /// Objects that lie nearer to the prefix go first, so that a deletion that was stopped leaves no node's document
    /// without its chunks: chunks that are missing below a document would read as fill values.
    ///
    /// # Errors
    /// As `delete`.
    fn delete_prefix(&self, prefix: &str) -> Result<u64>;

    /// Names every object below a prefix with its bytes, in the order of their keys (as bytes), until `each` returns `false`.
    /// The keys are whole, the prefix included.
    ///
    /// # Errors
    /// As `get`.
    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()>;

    /// As `list`, where how many bytes they have is not wanted: some stores learn that with a request for each.
    ///
    /// # Errors
    /// As `get`.
    fn list_keys(&self, prefix: &str, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        self.list(prefix, &mut |key, _| each(key))
    }

    /// The names directly below a prefix: those of objects, and those that more lies below; sorted, without the prefix.
    ///
    /// # Errors
    /// As `get`.
    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)>;

    /// How many bytes an object has; `None` when there is no such key.
    ///
    /// # Errors
    /// As `get`.
    fn size(&self, key: &str) -> Result<Option<u64>>;

    /// Moves every object below one prefix to another, which must have none. A prefix without objects moves nothing.
    ///
    /// # Errors
    /// As `delete`; [`Error::KeyRefused`] when one prefix is empty or `to` lies below `from`; [`Error::Io`] with errno
    /// `EEXIST` when something is below `to`.
    fn move_prefix(&self, from: &str, to: &str) -> Result<()>;

    /// Lets go of what the store holds. Objects that are open stay readable.
    ///
    /// # Errors
    /// [`Error::Io`] when something that was put could not be kept.
    fn close(&self) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_never_reaches_beyond_the_object() {
        assert_eq!(Range::All.within(7), (0, 7));
        assert_eq!(Range::FromTo(2, 5).within(7), (2, 5));
        assert_eq!(Range::FromTo(2, u64::MAX).within(7), (2, 7));
        assert_eq!(Range::FromTo(9, 12).within(7), (7, 7));
        assert_eq!(Range::FromTo(5, 2).within(7), (5, 5));
        assert_eq!(Range::Last(3).within(7), (4, 7));
        assert_eq!(Range::Last(u64::MAX).within(7), (0, 7));
    }
}
