//! Another store, and a record of what was asked of it: tests count requests, and people see what a read costs.

use bytes::Bytes;
use std::sync::Arc;

use crate::sync::Mutex;

use crate::store::{Found, Later, Lock, Object, Put, Range, Result, Safety, Store, Version, Way};

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method: `get`, `open`, `put`, `delete`, `delete_prefix`, `list`, `list_dir`, `size`, `move_prefix`, `is_current`;
    /// and of an open object `read` and `is_current`.
    pub operation: &'static str,
    /// The key or prefix; of a move, where from.
    pub key: String,
    /// The first byte asked for; negative when counted from the end.
    pub start: Option<i64>,
    /// One past the last byte asked for.
    pub stop: Option<i64>,
}

/// A store that writes down every request. Copies share the record.
#[derive(Clone)]
pub struct Record {
    inner: Arc<dyn Store>,
    ledger: Ledger,
}

#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<Call>>>);

impl Ledger {
    fn note(&self, operation: &'static str, key: &str) {
        self.note_range(operation, key, Range::All);
    }

    fn note_range(&self, operation: &'static str, key: &str, range: Range) {
        let place = |place| Some(i64::try_from(place).unwrap_or(i64::MAX));
        let (start, stop) = match range {
            Range::All => (None, None),
            Range::FromTo(start, stop) => (place(start), place(stop)),
            Range::Last(count) => (place(count).map(|count| -count), None),
        };
        self.0.lock().push(Call {
            operation,
            key: key.to_owned(),
            start,
            stop,
        });
    }
}

impl Record {
    /// A store with an empty record.
    pub fn of(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            ledger: Ledger::default(),
        }
    }

    /// The requests so far, in the order they were made.
    pub fn calls(&self) -> Vec<Call> {
        self.ledger.0.lock().clone()
    }

    fn recorded(&self, inner: Arc<dyn Object>, key: &str) -> Arc<dyn Object> {
        Arc::new(Open {
            inner,
            key: key.to_owned(),
            ledger: self.ledger.clone(),
        })
    }

    /// The requests so far; the record begins anew.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.ledger.0.lock())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for Record {
    fn url(&self) -> String {
        self.inner.url()
    }

    fn identity(&self) -> &str {
        self.inner.identity()
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    fn read_only(&self) -> bool {
        self.inner.read_only()
    }

    fn reads_ahead(&self) -> bool {
        self.inner.reads_ahead()
    }

    fn safety(&self) -> Safety {
        self.inner.safety()
    }

    fn prove(&self, key: &str, parts: &[&[u8]]) -> Result<Safety> {
        self.ledger.note("put", key);
        self.inner.prove(key, parts)
    }

    fn try_lock(&self, name: &str) -> Result<Lock> {
        self.inner.try_lock(name)
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        self.ledger.note_range("get", key, range);
        self.inner.get(key, range, into)
    }

    fn get_with(&self, key: &str, range: Range, each: &mut dyn FnMut(&[u8], &Found)) -> Result<Option<Found>> {
        self.ledger.note_range("get", key, range);
        self.inner.get_with(key, range, each)
    }

    fn answers_later(&self) -> bool {
        self.inner.answers_later()
    }

    fn get_later(&self, key: &str, range: Range, then: Later<Option<(Bytes, Found)>>) -> Option<Way> {
        self.ledger.note_range("get", key, range);
        self.inner.get_later(key, range, then)
    }

    fn get_versioned(&self, key: &str, into: &mut Vec<u8>) -> Result<Option<Version>> {
        self.ledger.note("get", key);
        self.inner.get_versioned(key, into)
    }

    fn knows_versions(&self) -> bool {
        self.inner.knows_versions()
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        self.ledger.note("is_current", key);
        self.inner.version(key)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range], each: &mut dyn FnMut(usize, Vec<u8>) -> bool) -> Result<bool> {
        for range in ranges {
            self.ledger.note_range("get", key, *range);
        }
        self.inner.get_ranges(key, ranges, each)
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        for key in keys {
            self.ledger.note("get", key);
        }
        self.inner.get_many(keys, each);
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        self.ledger.note("open", key);
        Ok(self.inner.open(key)?.map(|inner| self.recorded(inner, key)))
    }

    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        self.ledger.note("open", key);
        Ok(self.inner.open_part(key, part)?.map(|inner| self.recorded(inner, key)))
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        self.ledger.note("put", key);
        self.inner.put(key, parts, how)
    }

    fn takes_later(&self) -> bool {
        self.inner.takes_later()
    }

    fn put_later(&self, key: &str, parts: Vec<Bytes>, how: Put, then: Later<bool>) {
        self.ledger.note("put", key);
        self.inner.put_later(key, parts, how, then);
    }

    fn put_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
        for (key, _) in items {
            self.ledger.note("put", key);
        }
        self.inner.put_many(items, each);
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.ledger.note("delete", key);
        self.inner.delete(key)
    }

    fn delete_many(&self, keys: &[String]) -> Result<()> {
        for key in keys {
            self.ledger.note("delete", key);
        }
        self.inner.delete_many(keys)
    }

    fn deletes_at_once(&self) -> bool {
        self.inner.deletes_at_once()
    }

    fn copy_from(&self, source: &dyn Store, from: &str, to: &str) -> Result<Option<bool>> {
        let copied = self.inner.copy_from(source, from, to)?;
        if copied.is_some() {
            self.ledger.note("copy", to);
        }
        Ok(copied)
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.ledger.note("delete_prefix", prefix);
        self.inner.delete_prefix(prefix)
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        self.ledger.note("list", prefix);
        self.inner.list(prefix, each)
    }

    fn list_keys(&self, prefix: &str, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        self.ledger.note("list", prefix);
        self.inner.list_keys(prefix, each)
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        self.ledger.note("list_dir", prefix);
        self.inner.list_dir(prefix)
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        self.ledger.note("size", key);
        self.inner.size(key)
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        self.ledger.note("move_prefix", from);
        self.inner.move_prefix(from, to)
    }

    fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

/// An open object whose reads are written down.
struct Open {
    inner: Arc<dyn Object>,
    key: String,
    ledger: Ledger,
}

#[deny(clippy::missing_trait_methods)]
impl Object for Open {
    fn bytes(&self) -> u64 {
        self.inner.bytes()
    }

    fn version(&self) -> Version {
        self.inner.version()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.ledger.note_range(
            "read",
            &self.key,
            Range::FromTo(offset, offset.saturating_add(into.len() as u64)),
        );
        self.inner.read_at(offset, into)
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        self.ledger
            .note_range("read", &self.key, Range::FromTo(offset, offset.saturating_add(bytes)));
        self.inner.append_at(offset, bytes, into)
    }

    fn read_with(&self, offset: u64, bytes: u64, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.ledger
            .note_range("read", &self.key, Range::FromTo(offset, offset.saturating_add(bytes)));
        self.inner.read_with(offset, bytes, each)
    }

    fn read_later(&self, offset: u64, bytes: u64, then: Later<Bytes>) -> Option<Way> {
        self.ledger
            .note_range("read", &self.key, Range::FromTo(offset, offset.saturating_add(bytes)));
        self.inner.read_later(offset, bytes, then)
    }

    fn is_current(&self) -> bool {
        self.ledger.note("is_current", &self.key);
        self.inner.is_current()
    }

    fn may_be_held(&self) -> bool {
        self.inner.may_be_held()
    }

    /// Never, for the same reason as below.
    #[cfg(unix)]
    fn as_file(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    /// Never: what is read without asking could not be written down.
    fn in_memory(&self) -> Option<&[u8]> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::{Memory, contract};

    #[test]
    fn a_recorded_store_keeps_the_contract() {
        contract::check(&|| Arc::new(Record::of(Arc::new(Memory::new()))));
    }

    #[test]
    fn every_request_is_written_down_in_its_order() {
        let store = Record::of(Arc::new(Memory::new()));
        let copy = store.clone();
        store.put("a", &[b"12345"], Put::Always).expect("a put");
        copy.get("a", Range::Last(2), &mut Vec::new()).expect("a get");
        store.get_many(&["a".to_owned(), "b".to_owned()], &mut |_, _| true);
        let object = store.open("a").expect("an open").expect("an object");
        object.append_at(1, 2, &mut Vec::new()).expect("a read");
        store.list_dir("").expect("a listing");
        let call = |operation, key: &str, start, stop| Call {
            operation,
            key: key.to_owned(),
            start,
            stop,
        };
        let want = [
            call("put", "a", None, None),
            call("get", "a", Some(-2), None),
            call("get", "a", None, None),
            call("get", "b", None, None),
            call("open", "a", None, None),
            call("read", "a", Some(1), Some(3)),
            call("list_dir", "", None, None),
        ];
        assert_eq!(store.calls(), want);
        assert_eq!(copy.take(), want);
        assert_eq!(store.calls(), []);
    }
}
