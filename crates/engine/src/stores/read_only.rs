//! Another store, to be read alone.

use bytes::Bytes;
use std::sync::Arc;

use crate::store::{Error, Found, Later, Lock, Object, Put, Range, Result, Safety, Store, Version, Way};

/// A store that refuses what would change the one it holds.
pub struct ReadOnly {
    inner: Arc<dyn Store>,
}

impl ReadOnly {
    /// The store as it is where it is read-only already.
    pub fn of(inner: Arc<dyn Store>) -> Arc<dyn Store> {
        if inner.read_only() {
            inner
        } else {
            Arc::new(Self { inner })
        }
    }

    fn refused<T>(&self) -> Result<T> {
        Err(Error::ReadOnly { url: self.url() })
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for ReadOnly {
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
        true
    }

    fn reads_ahead(&self) -> bool {
        self.inner.reads_ahead()
    }

    fn safety(&self) -> Safety {
        self.inner.safety()
    }

    fn prove(&self, key: &str, parts: &[&[u8]]) -> Result<Safety> {
        let _ = (key, parts);
        Ok(self.inner.safety())
    }

    fn try_lock(&self, name: &str) -> Result<Lock> {
        self.inner.try_lock(name)
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        self.inner.get(key, range, into)
    }

    fn get_with(&self, key: &str, range: Range, each: &mut dyn FnMut(&[u8], &Found)) -> Result<Option<Found>> {
        self.inner.get_with(key, range, each)
    }

    fn answers_later(&self) -> bool {
        self.inner.answers_later()
    }

    fn get_later(&self, key: &str, range: Range, then: Later<Option<(Bytes, Found)>>) -> Option<Way> {
        self.inner.get_later(key, range, then)
    }

    fn get_versioned(&self, key: &str, into: &mut Vec<u8>) -> Result<Option<Version>> {
        self.inner.get_versioned(key, into)
    }

    fn knows_versions(&self) -> bool {
        self.inner.knows_versions()
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        self.inner.version(key)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range], each: &mut dyn FnMut(usize, Vec<u8>) -> bool) -> Result<bool> {
        self.inner.get_ranges(key, ranges, each)
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        self.inner.get_many(keys, each);
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        self.inner.open(key)
    }

    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        self.inner.open_part(key, part)
    }

    fn put(&self, _key: &str, _parts: &[&[u8]], _how: Put) -> Result<bool> {
        self.refused()
    }

    fn takes_later(&self) -> bool {
        false
    }

    fn put_later(&self, _key: &str, _parts: Vec<Bytes>, _how: Put, then: Later<bool>) {
        then(self.refused());
    }

    fn put_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
        let _ = (0..items.len()).all(|place| each(place, self.refused()));
    }

    fn delete(&self, _key: &str) -> Result<()> {
        self.refused()
    }

    fn delete_many(&self, _keys: &[String]) -> Result<()> {
        self.refused()
    }

    fn deletes_at_once(&self) -> bool {
        self.inner.deletes_at_once()
    }

    fn copy_from(&self, _source: &dyn Store, _from: &str, _to: &str) -> Result<Option<bool>> {
        self.refused()
    }

    fn delete_prefix(&self, _prefix: &str) -> Result<u64> {
        self.refused()
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        self.inner.list(prefix, each)
    }

    fn list_keys(&self, prefix: &str, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        self.inner.list_keys(prefix, each)
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        self.inner.list_dir(prefix)
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        self.inner.size(key)
    }

    fn move_prefix(&self, _from: &str, _to: &str) -> Result<()> {
        self.refused()
    }

    fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::{Memory, contract};

    #[test]
    fn a_store_to_be_read_alone_keeps_the_reading_half_of_the_contract() {
        contract::check_reading(&|objects| {
            ReadOnly::of(Arc::new(
                Memory::with_objects(objects.iter().copied()).expect("a store"),
            ))
        });
    }

    #[test]
    fn a_store_to_be_read_alone_refuses_every_change() {
        let inner = Memory::with_objects([("a/k", &b"12"[..])]).expect("a store");
        let store = ReadOnly::of(Arc::new(inner.clone()));
        contract::check_refusal(&*store, "a/k");
        assert_eq!(inner.objects(), [("a/k".to_owned(), Arc::from(&b"12"[..]))]);
        assert_eq!(store.identity(), inner.identity());
    }
}
