//! A store written in Python, as one of the engine's.
//!
//! It needs `get(key, start, stop)`, `put(key, value)`, `delete(key)` and `list(prefix)`; what it lacks beyond them is made of them.
//! What it may have besides is said by `PythonStore` in `python/zarrite/stores/protocol.py`.

mod calls;
mod gather;
mod object;

use self::calls::{Calls, bounds};
use self::object::{Held, Lent, PyObjectHeld, digest};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use zarrite_engine::store::{Error, Found, Object, Put, Range, Result, Safety, Store, Version};
use zarrite_engine::stores::keys::{below, check_key, check_prefix, move_by_copy};
use zarrite_engine::sync::Mutex;

/// The Python object and what is known of it.
pub struct PyStore {
    calls: Arc<Calls>,
    url: String,
    identity: String,
    read_only: bool,
    is_local: bool,
    is_shared: bool,
    /// Conditional puts exclude one another here, where the object has none of its own.
    conditional: Mutex<()>,
    has: Has,
}

/// Methods beyond the four.
#[allow(clippy::struct_excessive_bools)]
struct Has {
    put_if_absent: bool,
    get_versioned: bool,
    put_if_version: bool,
    delete_many: bool,
    list_sizes: bool,
    list_dir: bool,
    size: bool,
    open_many: bool,
}

impl PyStore {
    /// Takes a Python object for a store.
    pub fn new(py: Python<'_>, store: Py<PyAny>, read_only: bool) -> PyResult<Self> {
        let bound = store.bind(py);
        let text = |name: &str| -> PyResult<Option<String>> {
            Ok(bound.getattr_opt(name)?.and_then(|found| found.extract().ok()))
        };
        let flag = |name: &str, otherwise: bool| -> PyResult<bool> {
            bound.getattr_opt(name)?.map_or(Ok(otherwise), |flag| flag.is_truthy())
        };
        let url = text("url")?.unwrap_or_else(|| format!("python://{}", store.as_ptr() as usize));
        let identity = format!("python:{}", text("identity")?.unwrap_or_else(|| url.clone()));
        let has = Has {
            put_if_absent: bound.hasattr("put_if_absent")?,
            get_versioned: bound.hasattr("get_versioned")?,
            put_if_version: bound.hasattr("put_if_version")?,
            delete_many: bound.hasattr("delete_many")?,
            list_sizes: bound.hasattr("list_sizes")?,
            list_dir: bound.hasattr("list_dir")?,
            size: bound.hasattr("size")?,
            open_many: bound.hasattr("open_many")?,
        };
        Ok(Self {
            url,
            identity,
            read_only: read_only || flag("read_only", false)?,
            is_local: flag("is_local", true)?,
            is_shared: flag("is_shared", true)?,
            conditional: Mutex::new(()),
            has,
            calls: Arc::new(Calls::new(store.clone_ref(py), py)?),
        })
    }

    fn writable(&self) -> Result<()> {
        if self.read_only {
            Err(Error::ReadOnly { url: self.url.clone() })
        } else {
            Ok(())
        }
    }

    /// The keys below a prefix, in order; with their bytes where the store tells them with the keys.
    fn keys(&self, prefix: &str, sizes: bool) -> Result<Vec<(String, Option<u64>)>> {
        let asked = if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}/")
        };
        let mut keys = self.calls.call(prefix, |store| {
            if sizes {
                let listed = store.call_method1("list_sizes", (asked.as_str(),))?;
                return listed.try_iter()?.map(|found| found?.extract()).collect();
            }
            let listed = store.call_method1("list", (asked.as_str(),))?;
            let keys = listed.try_iter()?.map(|key| Ok((key?.extract()?, None)));
            keys.collect::<PyResult<Vec<(String, Option<u64>)>>>()
        })?;
        keys.retain(|(key, _)| below(key, prefix).is_some() && check_key(key).is_ok());
        keys.sort_unstable();
        keys.dedup_by(|one, other| one.0 == other.0);
        Ok(keys)
    }

    /// Whether an object is still the version that was read, by its bytes where the store has no versions.
    fn is_version(&self, key: &str, version: &Version) -> Result<bool> {
        let now = self.calls.open(key, Range::All)?;
        Ok(now.is_some_and(|now| Version::tag(&now.version.unwrap_or_else(|| digest(&now.bytes))) == *version))
    }
}

impl Store for PyStore {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn is_local(&self) -> bool {
        self.is_local
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn safety(&self) -> Safety {
        if self.has.put_if_version {
            Safety::Conditions
        } else if !self.is_shared || (self.has.put_if_absent && self.is_local) {
            Safety::Process
        } else {
            Safety::Nothing
        }
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        check_key(key)?;
        let count = if self.calls.gathers() {
            self.calls.get(key, range, None)?.map(|bytes| {
                into.extend_from_slice(&bytes);
                bytes.len()
            })
        } else {
            self.calls.lend(key, range)?.map(|bytes| {
                into.extend_from_slice(&bytes);
                bytes.len()
            })
        };
        let Some(count) = count else { return Ok(None) };
        let object_bytes = (range == Range::All).then_some(count as u64);
        Ok(Some(Found {
            object_bytes,
            version: None,
        }))
    }

    fn get_versioned(&self, key: &str, into: &mut Vec<u8>) -> Result<Option<Version>> {
        check_key(key)?;
        if self.has.get_versioned {
            let found: Option<(Vec<u8>, String)> = self
                .calls
                .call(key, |store| store.call_method1("get_versioned", (key,))?.extract())?;
            return Ok(found.map(|(bytes, version)| {
                into.extend_from_slice(&bytes);
                Version::tag(&version)
            }));
        }
        let Some(part) = self.calls.open(key, Range::All)? else {
            return Ok(None);
        };
        into.extend_from_slice(&part.bytes);
        Ok(Some(Version::tag(&part.version.unwrap_or_else(|| digest(&part.bytes)))))
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        self.get_versioned(key, &mut Vec::new())
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        let refused: Vec<Option<Error>> = keys.iter().map(|key| check_key(key).err()).collect();
        let good = || keys.iter().zip(&refused).filter(|(_, refused)| refused.is_none());
        let mut answers = if self.calls.gathers() {
            let asked = good().map(|(key, _)| (key.clone(), None, None, None)).collect();
            Some(self.calls.get_many(asked).into_iter())
        } else {
            None
        };
        for ((place, key), refused) in keys.iter().enumerate().zip(refused) {
            let answer = match (refused, &mut answers) {
                (Some(error), _) => Err(error),
                (None, Some(answers)) => answers.next().unwrap_or(Ok(None)),
                (None, None) => self.calls.get(key, Range::All, None),
            };
            if !each(place, answer) {
                break;
            }
        }
    }

    fn get_ranges(&self, key: &str, ranges: &[Range], each: &mut dyn FnMut(usize, Vec<u8>) -> bool) -> Result<bool> {
        check_key(key)?;
        if !self.calls.gathers() {
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
            return Ok(true);
        }
        let asked = ranges.iter().map(|&range| {
            let (start, stop) = bounds(range);
            (key.to_owned(), start, stop, None)
        });
        for (place, answer) in self.calls.get_many(asked.collect()).into_iter().enumerate() {
            let Some(bytes) = answer? else { return Ok(false) };
            if !each(place, bytes) {
                break;
            }
        }
        Ok(true)
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        self.open_part(key, Range::FromTo(0, 1))
    }

    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        check_key(key)?;
        if !self.has.open_many && !self.calls.gathers() {
            let whole = self.calls.lend(key, Range::All)?;
            return Ok(whole.map(|bytes| Arc::new(Held { bytes }) as Arc<dyn Object>));
        }
        let Some(part_of) = self.calls.open(key, part)? else {
            return Ok(None);
        };
        if !self.has.open_many {
            let bytes = Lent::Copied(part_of.bytes);
            return Ok(Some(Arc::new(Held { bytes })));
        }
        let start = part.within(part_of.object_bytes).0;
        let object = PyObjectHeld::new(Arc::clone(&self.calls), key, start, part_of);
        Ok(Some(Arc::new(object)))
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        self.writable()?;
        check_key(key)?;
        let value = parts.concat();
        match &how {
            Put::IfAbsent if self.has.put_if_absent => {
                return self.calls.call(key, |store| {
                    let value = PyBytes::new(store.py(), &value);
                    store.call_method1("put_if_absent", (key, value))?.is_truthy()
                });
            }
            Put::IfVersion(version) if self.has.put_if_version => {
                return self.calls.call(key, |store| {
                    let (value, version) = (PyBytes::new(store.py(), &value), version.as_tag());
                    store.call_method1("put_if_version", (key, value, version))?.is_truthy()
                });
            }
            _ => {}
        }
        let _alone = (how != Put::Always).then(|| self.conditional.lock());
        let holds = match &how {
            Put::Always => true,
            Put::IfAbsent => self.calls.get(key, Range::All, None)?.is_none(),
            Put::IfVersion(version) => self.is_version(key, version)?,
        };
        if holds {
            self.calls
                .put_many(vec![(key.to_owned(), value)])
                .pop()
                .unwrap_or(Ok(()))?;
        }
        Ok(holds)
    }

    fn put_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
        let refused: Vec<Option<Error>> = items
            .iter()
            .map(|(key, _)| self.writable().and_then(|()| check_key(key)).err())
            .collect();
        let good = items.iter().zip(&refused).filter(|(_, refused)| refused.is_none());
        let asked = good.map(|((key, value), _)| (key.clone(), value.to_vec())).collect();
        let mut answers = self.calls.put_many(asked).into_iter();
        for (place, refused) in refused.into_iter().enumerate() {
            let answer = refused.map_or_else(|| answers.next().unwrap_or(Ok(())), Err);
            if !each(place, answer) {
                break;
            }
        }
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.writable()?;
        check_key(key)?;
        self.calls
            .call(key, |store| store.call_method1("delete", (key,)).map(drop))
    }

    fn delete_many(&self, keys: &[String]) -> Result<()> {
        if !self.has.delete_many {
            return keys.iter().try_for_each(|key| self.delete(key));
        }
        self.writable()?;
        keys.iter().try_for_each(|key| check_key(key))?;
        let Some(first) = keys.first() else { return Ok(()) };
        self.calls
            .call(first, |store| store.call_method1("delete_many", (keys,)).map(drop))
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.writable()?;
        let mut keys: Vec<String> = self
            .keys(check_prefix(prefix)?, false)?
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        let depth = |key: &String| key.matches('/').count();
        keys.sort_by_key(depth);
        keys.chunk_by(|one, other| depth(one) == depth(other))
            .try_for_each(|level| self.delete_many(level))?;
        Ok(keys.len() as u64)
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        for (key, bytes) in self.keys(check_prefix(prefix)?, self.has.list_sizes)? {
            let bytes = match bytes {
                Some(bytes) => bytes,
                None => self.size(&key)?.unwrap_or(0),
            };
            if !each(&key, bytes) {
                break;
            }
        }
        Ok(())
    }

    fn list_keys(&self, prefix: &str, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        for (key, _) in self.keys(check_prefix(prefix)?, false)? {
            if !each(&key) {
                break;
            }
        }
        Ok(())
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        let prefix = check_prefix(prefix)?;
        let (mut names, mut prefixes) = (BTreeSet::new(), BTreeSet::new());
        if self.has.list_dir {
            let (keys, below): (Vec<String>, Vec<String>) = self
                .calls
                .call(prefix, |store| store.call_method1("list_dir", (prefix,))?.extract())?;
            let good = |name: &String| check_key(name).is_ok() && !name.contains('/');
            names.extend(keys.into_iter().filter(good));
            prefixes.extend(below.into_iter().filter(good));
        } else {
            for (key, _) in self.keys(prefix, false)? {
                match below(&key, prefix).unwrap_or_default().split_once('/') {
                    None => names.insert(below(&key, prefix).unwrap_or_default().to_owned()),
                    Some((first, _)) => prefixes.insert(first.to_owned()),
                };
            }
        }
        Ok((names.into_iter().collect(), prefixes.into_iter().collect()))
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        check_key(key)?;
        if self.has.size {
            return self
                .calls
                .call(key, |store| store.call_method1("size", (key,))?.extract());
        }
        Ok(self.calls.get(key, Range::All, None)?.map(|bytes| bytes.len() as u64))
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        self.writable()?;
        move_by_copy(self, from, to)
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}
