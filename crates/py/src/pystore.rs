//! A store written in Python, as one of the engine's.
//!
//! It needs `get(key, start, stop)`, `put(key, value)`, `delete(key)` and `list(prefix)`; what it lacks beyond them is made of them.

use crate::foreign::failed;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use zarrite_engine::store::{Error, Found, Object, Put, Range, Result, Store, Version};
use zarrite_engine::stores::keys::{below, check_key, check_prefix, move_by_copy};
use zarrite_engine::sync::Mutex;

/// The Python object and what is known of it.
pub struct PyStore {
    store: Arc<Py<PyAny>>,
    url: String,
    identity: String,
    read_only: bool,
    /// Conditional puts exclude one another here, where the object has none of its own.
    conditional: Mutex<()>,
    has_put_if_absent: bool,
}

impl PyStore {
    /// Takes a Python object for a store.
    pub fn new(py: Python<'_>, store: Py<PyAny>, read_only: bool) -> PyResult<Self> {
        let bound = store.bind(py);
        let given = bound.getattr_opt("url")?.and_then(|url| url.extract::<String>().ok());
        let url = given.unwrap_or_else(|| format!("python://{}", store.as_ptr() as usize));
        let own = bound
            .getattr_opt("read_only")?
            .is_some_and(|flag| flag.is_truthy().unwrap_or(false));
        let has_put_if_absent = bound.hasattr("put_if_absent")?;
        let identity = format!("python:{url}");
        let read_only = read_only || own;
        Ok(Self {
            store: Arc::new(store),
            url,
            identity,
            read_only,
            conditional: Mutex::new(()),
            has_put_if_absent,
        })
    }

    fn writable(&self) -> Result<()> {
        if self.read_only {
            Err(Error::ReadOnly { url: self.url.clone() })
        } else {
            Ok(())
        }
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let asked = if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}/")
        };
        let found = Python::attach(|py| -> PyResult<Vec<String>> {
            let listed = self.store.call_method1(py, "list", (asked.as_str(),))?;
            listed.bind(py).try_iter()?.map(|key| key?.extract()).collect()
        });
        let mut keys = found.map_err(|error| failed(prefix, error))?;
        keys.retain(|key| below(key, prefix).is_some() && check_key(key).is_ok());
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}

/// Calls `get` and hands over the bytes.
fn fetch(store: &Py<PyAny>, key: &str, range: Range) -> Result<Option<Vec<u8>>> {
    let bounds: (Option<i64>, Option<i64>) = match range {
        Range::All => (None, None),
        Range::FromTo(start, stop) => (Some(start as i64), i64::try_from(stop).ok()),
        Range::Last(0) => (Some(0), Some(0)),
        Range::Last(count) => (Some(-i64::try_from(count).unwrap_or(i64::MAX)), None),
    };
    let got = Python::attach(|py| -> PyResult<Option<Vec<u8>>> {
        let got = match range {
            Range::All => store.call_method1(py, "get", (key,))?,
            _ => store.call_method1(py, "get", (key, bounds.0, bounds.1))?,
        };
        let got = got.bind(py);
        if got.is_none() {
            return Ok(None);
        }
        if let Ok(bytes) = got.cast::<PyBytes>() {
            return Ok(Some(bytes.as_bytes().to_vec()));
        }
        PyBuffer::<u8>::get(got)?.to_vec(py).map(Some)
    });
    got.map_err(|error| failed(key, error))
}

/// An object read whole when it was opened: the Python store says nothing of versions or sizes.
struct Held {
    bytes: Vec<u8>,
}

impl Object for Held {
    fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn version(&self) -> Version {
        Version::tag(&format!("{:x?}", md(&self.bytes)))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = start.checked_add(into.len()).and_then(|end| self.bytes.get(start..end));
        let found = found.ok_or_else(|| Error::corrupt("", "a read reaches beyond the object"))?;
        into.copy_from_slice(found);
        Ok(())
    }

    fn is_current(&self) -> bool {
        false
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(&self.bytes)
    }
}

/// A digest that tells contents apart.
fn md(bytes: &[u8]) -> [u64; 2] {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let one = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        (seed, bytes).hash(&mut hasher);
        hasher.finish()
    };
    [one(1), one(2)]
}

impl Store for PyStore {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn is_local(&self) -> bool {
        true
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        check_key(key)?;
        let Some(bytes) = fetch(&self.store, key, range)? else {
            return Ok(None);
        };
        into.extend_from_slice(&bytes);
        let object_bytes = (range == Range::All).then_some(bytes.len() as u64);
        Ok(Some(Found {
            object_bytes,
            version: None,
        }))
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        check_key(key)?;
        Ok(fetch(&self.store, key, Range::All)?.map(|bytes| Arc::new(Held { bytes }) as Arc<dyn Object>))
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        self.writable()?;
        check_key(key)?;
        let value = parts.concat();
        let _alone = (how != Put::Always).then(|| self.conditional.lock());
        let native = how == Put::IfAbsent && self.has_put_if_absent;
        match &how {
            Put::IfAbsent if !native && fetch(&self.store, key, Range::All)?.is_some() => return Ok(false),
            Put::IfVersion(version) => {
                let now = fetch(&self.store, key, Range::All)?.map(|bytes| Held { bytes }.version());
                if now.as_ref() != Some(version) {
                    return Ok(false);
                }
            }
            _ => {}
        }
        let done = Python::attach(|py| -> PyResult<bool> {
            let value = PyBytes::new(py, &value);
            if native {
                return self
                    .store
                    .call_method1(py, "put_if_absent", (key, value))?
                    .is_truthy(py);
            }
            self.store.call_method1(py, "put", (key, value))?;
            Ok(true)
        });
        done.map_err(|error| failed(key, error))
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.writable()?;
        check_key(key)?;
        let done = Python::attach(|py| self.store.call_method1(py, "delete", (key,)).map(drop));
        done.map_err(|error| failed(key, error))
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.writable()?;
        let mut keys = self.keys(check_prefix(prefix)?)?;
        keys.sort_by_key(|key| key.matches('/').count());
        keys.iter().try_for_each(|key| self.delete(key))?;
        Ok(keys.len() as u64)
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        for key in self.keys(check_prefix(prefix)?)? {
            let bytes = fetch(&self.store, &key, Range::All)?.map_or(0, |bytes| bytes.len() as u64);
            if !each(&key, bytes) {
                break;
            }
        }
        Ok(())
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        let prefix = check_prefix(prefix)?;
        let (mut names, mut prefixes) = (Vec::new(), BTreeSet::new());
        for key in self.keys(prefix)? {
            match below(&key, prefix).unwrap_or_default().split_once('/') {
                None => names.push(below(&key, prefix).unwrap_or_default().to_owned()),
                Some((first, _)) => {
                    prefixes.insert(first.to_owned());
                }
            }
        }
        Ok((names, prefixes.into_iter().collect()))
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        check_key(key)?;
        Ok(fetch(&self.store, key, Range::All)?.map(|bytes| bytes.len() as u64))
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        self.writable()?;
        move_by_copy(self, from, to)
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}
