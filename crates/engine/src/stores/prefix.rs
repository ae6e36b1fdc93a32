//! The objects of another store below a prefix.

use bytes::Bytes;
use std::sync::Arc;

use crate::store::{Found, Later, Lock, Object, Put, Range, Result, Safety, Store, Version, Way};
use crate::stores::keys::{below, check_key, check_move, check_prefix, join};
use crate::stores::urls;

/// A store whose root is a prefix of another one. A failure names the key in the store that met it.
pub struct Prefix {
    inner: Arc<dyn Store>,
    root: String,
    identity: String,
    url: Option<String>,
}

impl Prefix {
    /// The store below a prefix; the store itself where that is empty.
    ///
    /// # Errors
    /// [`Error::KeyRefused`](crate::store::Error::KeyRefused) when the prefix is refused.
    pub fn of(inner: Arc<dyn Store>, prefix: &str) -> Result<Arc<dyn Store>> {
        Self::written(inner, prefix, None)
    }

    /// The store below a prefix, written with a URL of its own.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn written(inner: Arc<dyn Store>, prefix: &str, url: Option<String>) -> Result<Arc<dyn Store>> {
        let root = check_prefix(prefix)?.to_owned();
        if root.is_empty() && url.is_none() {
            return Ok(inner);
        }
        let identity = join(inner.identity(), &root);
        Ok(Arc::new(Self {
            inner,
            root,
            identity,
            url,
        }))
    }

    /// The other store's key. Checked before it is joined: an empty key would be the prefix.
    fn key(&self, key: &str) -> Result<String> {
        check_key(key)?;
        Ok(join(&self.root, key))
    }

    fn below_root(&self, prefix: &str) -> Result<String> {
        Ok(join(&self.root, check_prefix(prefix)?))
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for Prefix {
    fn url(&self) -> String {
        match &self.url {
            Some(url) => url.clone(),
            None => urls::below(&self.inner.url(), &self.root),
        }
    }

    fn identity(&self) -> &str {
        &self.identity
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
        self.inner.prove(&self.key(key)?, parts)
    }

    fn try_lock(&self, name: &str) -> Result<Lock> {
        self.inner.try_lock(&self.below_root(name)?)
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        self.inner.get(&self.key(key)?, range, into)
    }

    fn get_with(&self, key: &str, range: Range, each: &mut dyn FnMut(&[u8], &Found)) -> Result<Option<Found>> {
        self.inner.get_with(&self.key(key)?, range, each)
    }

    fn answers_later(&self) -> bool {
        self.inner.answers_later()
    }

    fn get_later(&self, key: &str, range: Range, then: Later<Option<(Bytes, Found)>>) -> Option<Way> {
        match self.key(key) {
            Ok(key) => self.inner.get_later(&key, range, then),
            Err(error) => {
                then(Err(error));
                None
            }
        }
    }

    fn get_versioned(&self, key: &str, into: &mut Vec<u8>) -> Result<Option<Version>> {
        self.inner.get_versioned(&self.key(key)?, into)
    }

    fn knows_versions(&self) -> bool {
        self.inner.knows_versions()
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        self.inner.version(&self.key(key)?)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range], each: &mut dyn FnMut(usize, Vec<u8>) -> bool) -> Result<bool> {
        self.inner.get_ranges(&self.key(key)?, ranges, each)
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        // A refused key fails alone: the others are asked for in one batch.
        let (mut places, mut joined) = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        for (place, key) in keys.iter().enumerate() {
            match self.key(key) {
                Ok(key) => {
                    places.push(place);
                    joined.push(key);
                }
                Err(cause) => {
                    if !each(place, Err(cause)) {
                        return;
                    }
                }
            }
        }
        self.inner
            .get_many(&joined, &mut |place, answer| each(places[place], answer));
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        self.inner.open(&self.key(key)?)
    }

    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        self.inner.open_part(&self.key(key)?, part)
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        self.inner.put(&self.key(key)?, parts, how)
    }

    fn takes_later(&self) -> bool {
        self.inner.takes_later()
    }

    fn put_later(&self, key: &str, parts: Vec<Bytes>, how: Put, then: Later<bool>) {
        match self.key(key) {
            Ok(key) => self.inner.put_later(&key, parts, how, then),
            Err(error) => then(Err(error)),
        }
    }

    fn put_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
        let (mut places, mut joined) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        for (place, (key, value)) in items.iter().enumerate() {
            match self.key(key) {
                Ok(key) => {
                    places.push(place);
                    joined.push((key, *value));
                }
                Err(cause) => {
                    if !each(place, Err(cause)) {
                        return;
                    }
                }
            }
        }
        self.inner
            .put_many(&joined, &mut |place, answer| each(places[place], answer));
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.inner.delete(&self.key(key)?)
    }

    fn delete_many(&self, keys: &[String]) -> Result<()> {
        let keys: Vec<_> = keys.iter().map(|key| self.key(key)).collect::<Result<_>>()?;
        self.inner.delete_many(&keys)
    }

    fn deletes_at_once(&self) -> bool {
        self.inner.deletes_at_once()
    }

    fn copy_from(&self, source: &dyn Store, from: &str, to: &str) -> Result<Option<bool>> {
        self.inner.copy_from(source, from, &self.key(to)?)
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.inner.delete_prefix(&self.below_root(prefix)?)
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        self.inner.list(&self.below_root(prefix)?, &mut |key, bytes| {
            below(key, &self.root).is_none_or(|key| each(key, bytes))
        })
    }

    fn list_keys(&self, prefix: &str, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        self.inner.list_keys(&self.below_root(prefix)?, &mut |key| {
            below(key, &self.root).is_none_or(&mut *each)
        })
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        self.inner.list_dir(&self.below_root(prefix)?)
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        self.inner.size(&self.key(key)?)
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = check_move(from, to)?;
        self.inner.move_prefix(&join(&self.root, from), &join(&self.root, to))
    }

    fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Error;
    use crate::stores::{Memory, contract};

    #[test]
    fn a_prefix_keeps_the_contract() {
        contract::check(&|| {
            let inner = Memory::new();
            inner.put("place/besid", &[b"1"], Put::Always).expect("a put");
            inner.put("place/besides/k", &[b"1"], Put::Always).expect("a put");
            Prefix::of(Arc::new(inner), "place/beside/").expect("a prefix")
        });
    }

    #[test]
    fn a_prefix_is_named_as_the_place_it_is() {
        let inner = Memory::new();
        let identity = inner.identity().to_owned();
        let a = Prefix::of(Arc::new(inner.clone()), "a").expect("a prefix");
        let ab = Prefix::of(a, "b").expect("a prefix");
        assert_eq!(ab.identity(), format!("{identity}/a/b"));
        assert_eq!(ab.url(), format!("{}/a/b", inner.url()));
        ab.put("k", &[b"1"], Put::Always).expect("a put");
        assert_eq!(inner.size("a/b/k"), Ok(Some(1)));
        assert_eq!(Prefix::of(ab.clone(), "").expect("the store").identity(), ab.identity());
        assert!(matches!(
            Prefix::of(ab, "../b").map(|_| ()),
            Err(Error::KeyRefused { .. })
        ));
    }

    #[test]
    fn a_prefix_does_not_reach_beside_itself() {
        let inner = Memory::with_objects([("a/k", &b"1"[..]), ("ab/k", b"2"), ("k", b"3")]).expect("a store");
        let store = Prefix::of(Arc::new(inner.clone()), "a").expect("a prefix");
        assert_eq!(store.delete_prefix(""), Ok(1));
        assert_eq!(inner.objects().len(), 2);
        assert!(matches!(
            store.get("../k", Range::All, &mut Vec::new()),
            Err(Error::KeyRefused { .. })
        ));
    }
}
