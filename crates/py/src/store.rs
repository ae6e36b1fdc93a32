//! `Store`: a place that keeps objects, as Python sees it.

use crate::door::{Pending, go_on, stored, wait, warn};
use crate::error::raise;
use crate::listing;
use crate::values::{Bytes, range, value_bytes};
use crate::writers::{Held, Version};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;
use zarrite_engine::exclude;
use zarrite_engine::level::list_dirs;
use zarrite_engine::store::{Lock, Put, Safety, Store as Contract};
use zarrite_engine::stores::{Prefix, ReadOnly, Record};
use zarrite_engine::transfer::Listing;

/// A place that keeps objects under keys.
#[pyclass(frozen, module = "zarrite._engine")]
#[derive(Clone)]
pub struct Store {
    inner: Arc<dyn Contract>,
    recorded: Option<Record>,
}

impl Store {
    /// An engine store as Python sees it.
    pub fn of(inner: impl Contract + 'static) -> Self {
        Self::shared(Arc::new(inner))
    }

    /// A store that others hold too.
    pub fn shared(inner: Arc<dyn Contract>) -> Self {
        Self { inner, recorded: None }
    }

    /// A store that notes what is asked of it.
    pub fn with_ledger(ledger: Record) -> Self {
        Self {
            inner: Arc::new(ledger.clone()),
            recorded: Some(ledger),
        }
    }

    /// What was asked of it, where it notes that.
    pub fn ledger(&self) -> Option<&Record> {
        self.recorded.as_ref()
    }

    /// The store itself.
    pub fn inner(&self) -> Arc<dyn Contract> {
        Arc::clone(&self.inner)
    }
}

/// What is said of a document that is replaced without protection.
const UNPROTECTED: &str = "the store takes no conditional puts, so another process that changes the same node at the \
                           same time may lose this change, or this one its own; let one process change it, or set \
                           array.unsafe_writes to \"allow\"";

#[pymethods]
impl Store {
    #[getter]
    fn url(&self) -> String {
        self.inner.url()
    }

    #[getter]
    fn read_only(&self) -> bool {
        self.inner.read_only()
    }

    #[getter]
    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    #[getter]
    fn identity(&self) -> String {
        self.inner.identity().to_owned()
    }

    fn __repr__(&self) -> String {
        format!(
            "<Store {}{}>",
            self.inner.url(),
            if self.inner.read_only() { ", read-only" } else { "" }
        )
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = other.get();
            other.inner.identity() == self.inner.identity() && other.inner.read_only() == self.inner.read_only()
        })
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.inner.identity().hash(&mut hasher);
        hasher.finish()
    }

    /// The same place, for reading only.
    #[pyo3(signature = (read_only=true))]
    fn with_read_only(&self, read_only: bool) -> PyResult<Self> {
        if read_only == self.inner.read_only() {
            return Ok(self.clone());
        }
        if !read_only {
            return Err(PyTypeError::new_err(
                "a store that was opened for reading cannot become writable: open it anew",
            ));
        }
        Ok(Self {
            inner: ReadOnly::of(self.inner()),
            recorded: self.recorded.clone(),
        })
    }

    /// The objects below a prefix, as a store.
    #[pyo3(signature = (prefix, url=None))]
    fn prefixed(&self, py: Python<'_>, prefix: &str, url: Option<String>) -> PyResult<Self> {
        let inner = Prefix::written(self.inner(), prefix, url).map_err(|error| raise(py, &error.into()))?;
        Ok(Self {
            inner,
            recorded: self.recorded.clone(),
        })
    }

    #[pyo3(signature = (key, start=None, stop=None))]
    fn get(&self, key: String, start: Option<i64>, stop: Option<i64>) -> PyResult<Pending> {
        let (store, range) = (self.inner(), range(start, stop)?);
        Ok(Pending::of(move || {
            let mut bytes = Vec::new();
            let found = stored(&*store, store.get(&key, range, &mut bytes))?;
            Ok(found.map(|_| Bytes(bytes)))
        }))
    }

    fn get_many(&self, keys: Vec<String>) -> Pending {
        let store = self.inner();
        Pending::of(move || {
            let mut out: Vec<Option<Bytes>> = Vec::new();
            out.resize_with(keys.len(), || None);
            let mut failed = None;
            store.get_many(&keys, &mut |at, found| match found {
                Ok(bytes) => {
                    out[at] = bytes.map(Bytes);
                    true
                }
                Err(error) => {
                    failed = Some(error);
                    false
                }
            });
            failed.map_or(Ok(out), |error| stored(&*store, Err(error)))
        })
    }

    fn put(&self, key: String, value: &Bound<'_, PyAny>) -> PyResult<Pending> {
        let (store, value) = (self.inner(), value_bytes(value)?);
        Ok(Pending::done(move || {
            stored(&*store, store.put(&key, &[&value], Put::Always)).map(drop)
        }))
    }

    fn put_if_absent(&self, key: String, value: &Bound<'_, PyAny>) -> PyResult<Pending> {
        let (store, value) = (self.inner(), value_bytes(value)?);
        Ok(Pending::of(move || {
            stored(&*store, store.put(&key, &[&value], Put::IfAbsent))
        }))
    }

    /// The bytes of an object with the version they are.
    fn get_versioned(&self, key: String) -> Pending {
        let store = self.inner();
        Pending::of(move || {
            let mut bytes = Vec::new();
            let version = stored(&*store, store.get_versioned(&key, &mut bytes))?;
            Ok(version.map(|version| (Bytes(bytes), Version(version))))
        })
    }

    /// Puts an object where it is still a version of it, or still absent; `false` when it is not.
    fn put_if_version(
        &self,
        key: String,
        value: &Bound<'_, PyAny>,
        version: Option<PyRef<'_, Version>>,
    ) -> PyResult<Pending> {
        let (store, value) = (self.inner(), value_bytes(value)?);
        let how = version.map_or(Put::IfAbsent, |version| Put::IfVersion(version.0.clone()));
        Ok(Pending::of(move || {
            let done = stored(&*store, store.put(&key, &[&value], how.clone()))?;
            let prove = done && how != Put::IfAbsent && store.safety() == Safety::Unproven;
            if prove && stored(&*store, store.prove(&key, &[&value]))? == Safety::Nothing {
                exclude::unprotected(&*store, &key, || UNPROTECTED.to_owned())?;
            }
            Ok(done)
        }))
    }

    /// Says whether a document may be replaced though nothing keeps other writers away.
    fn unprotected(&self, py: Python<'_>, key: &str) -> PyResult<()> {
        let done = exclude::unprotected(&*self.inner, key, || UNPROTECTED.to_owned());
        done.map_err(|error| raise(py, &error))?;
        warn(py)
    }

    /// What keeps writers of parts of one object apart.
    #[getter]
    fn safety(&self) -> &'static str {
        match self.inner.safety() {
            Safety::Process => "process",
            Safety::Locks => "locks",
            Safety::Conditions => "conditions",
            Safety::Unproven => "unproven",
            Safety::Nothing => "nothing",
        }
    }

    /// Waits for the lock of all below a prefix; `None` where there are no locks, or nothing to be locked.
    fn lock(&self, prefix: String) -> Pending {
        let store = self.inner();
        Pending::new(move |mut door| {
            let mut stop = || go_on(&mut door);
            let lock = exclude::wait(&*store, &prefix, &mut stop).map_err(|error| error.in_store(&*store))?;
            let held = match lock {
                Lock::Held(held) => Some(Held::of(held)),
                Lock::Busy | Lock::Missing | Lock::Unknown => None,
            };
            Ok(Box::new(move |py| held.into_py_any(py)))
        })
    }

    fn put_many(&self, items: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<Pending> {
        let store = self.inner();
        let items: Vec<(String, Vec<u8>)> = items
            .into_iter()
            .map(|(key, value)| Ok((key, value_bytes(&value)?)))
            .collect::<PyResult<_>>()?;
        Ok(Pending::done(move || {
            let borrowed: Vec<(String, &[u8])> = items
                .iter()
                .map(|(key, value)| (key.clone(), value.as_slice()))
                .collect();
            let mut failed = None;
            store.put_many(&borrowed, &mut |_, done| match done {
                Ok(()) => true,
                Err(error) => {
                    failed = Some(error);
                    false
                }
            });
            failed.map_or(Ok(()), |error| stored(&*store, Err(error)))
        }))
    }

    fn delete(&self, keys: Vec<String>) -> Pending {
        let store = self.inner();
        Pending::done(move || stored(&*store, store.delete_many(&keys)))
    }

    fn delete_prefix(&self, prefix: String) -> Pending {
        let store = self.inner();
        Pending::of(move || stored(&*store, store.delete_prefix(&prefix)))
    }

    fn move_prefix(&self, source: String, target: String) -> Pending {
        let store = self.inner();
        Pending::done(move || stored(&*store, store.move_prefix(&source, &target)))
    }

    /// Copies every object below a prefix, as it is, and says how many there were.
    fn copy_prefix(&self, source: String, into: PyRef<'_, Self>, target: String) -> Pending {
        let (from, into) = (self.inner(), into.inner());
        Pending::new(move |door| {
            let listing = stored(&*from, Listing::of(Arc::clone(&from), &source, &[]))?;
            listing.copy(&into, &target, 0..usize::MAX, door)?;
            let count = listing.objects();
            Ok(Box::new(move |py| count.into_py_any(py)))
        })
    }

    /// What lies below a prefix, in the order in which it is to be copied; `documents` name what describes nodes.
    fn listing(&self, prefix: String, documents: Vec<String>) -> Pending {
        let store = self.inner();
        Pending::of(move || {
            let listing = stored(&*store, Listing::of(Arc::clone(&store), &prefix, &documents))?;
            Ok(listing::Listing::of(listing))
        })
    }

    fn list(&self, prefix: String) -> Pending {
        let store = self.inner();
        Pending::of(move || {
            let mut keys = Vec::new();
            stored(
                &*store,
                store.list_keys(&prefix, &mut |key| {
                    keys.push(key.to_owned());
                    true
                }),
            )?;
            Ok(keys)
        })
    }

    fn list_dir(&self, prefix: String) -> Pending {
        let store = self.inner();
        Pending::of(move || stored(&*store, store.list_dir(&prefix)))
    }

    /// As `list_dir` of each of some prefixes, all of them at once.
    fn list_dirs(&self, prefixes: Vec<String>) -> Pending {
        let store = self.inner();
        Pending::new(move |door| {
            let levels = list_dirs(&store, prefixes, door)?;
            Ok(Box::new(move |py| levels.into_py_any(py)))
        })
    }

    /// How many objects there are below a prefix, and their bytes.
    fn usage(&self, prefix: String) -> Pending {
        let store = self.inner();
        Pending::of(move || {
            let (mut count, mut total) = (0_u64, 0_u64);
            stored(
                &*store,
                store.list(&prefix, &mut |_, bytes| {
                    count += 1;
                    total += bytes;
                    true
                }),
            )?;
            Ok((count, total))
        })
    }

    fn size(&self, key: String) -> Pending {
        let store = self.inner();
        Pending::of(move || stored(&*store, store.size(&key)))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let store = self.inner();
        wait(py, move |_| stored(&*store, store.close()))
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// Closes the store; after a failure what was not written yet is given up.
    #[pyo3(signature = (*failure))]
    fn __exit__(&self, py: Python<'_>, failure: &Bound<'_, PyTuple>) -> PyResult<()> {
        let keep = failure.get_item(0).is_ok_and(|kind| kind.is_none());
        crate::archive::finish(self, keep).result(py).map(drop)
    }
}
