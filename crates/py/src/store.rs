//! `Store`: a place that keeps objects, as Python sees it.

use crate::door::{Pending, stored, wait, warn};
use crate::error::raise;
use crate::hooks::{Lender, Signer};
use crate::listing;
use crate::pystore::PyStore;
use numpy::PyUntypedArray;
use pyo3::IntoPyObjectExt;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zarrite_engine::level::list_dirs;
use zarrite_engine::store::{Error as StoreError, Lock, Put, Range, Safety, Store as Contract};
use zarrite_engine::stores::remote::{Rules, Settings};
use zarrite_engine::stores::{Local, LocalOptions, Memory, Prefix, ReadOnly, Record, Remote, Staged};
use zarrite_engine::sync::Mutex;
use zarrite_engine::transfer::Listing;
use zarrite_engine::{Door, exclude};

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

    /// The store itself.
    pub fn inner(&self) -> Arc<dyn Contract> {
        Arc::clone(&self.inner)
    }
}

/// What is said of a document that is replaced without protection.
const UNPROTECTED: &str = "the store takes no conditional puts, so another process that changes the same node at the \
                           same time may lose this change, or this one its own; let one process change it, or set \
                           array.unsafe_writes to \"allow\"";

/// What tells one content of a key from another.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Version(zarrite_engine::store::Version);

/// A lock that was got; it ends with `release`, or with this object.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Held(Mutex<Option<Box<dyn Send>>>);

/// Which objects of an append were put already, and which were there before.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Claim(pub Arc<zarrite_engine::write::Claim>);

#[pymethods]
impl Claim {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }
}

/// Waits so long at most; how long is left to chance, so that of several who wait each gets its turn.
#[pyfunction]
pub fn pause(seconds: f64) -> Pending {
    Pending::new(move |mut door| {
        let chance = (RandomState::new().hash_one(0) % 1000) as f64 / 1000.0;
        let end = Instant::now() + Duration::try_from_secs_f64(seconds * chance).unwrap_or_default();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let stopped = match &mut door {
                Door::Wait(interrupted) => interrupted(),
                Door::Help => false,
            };
            if stopped {
                return Err(zarrite_engine::Error::Stopped);
            }
            if left.is_zero() {
                return Ok(Box::new(|py| Ok(py.None())));
            }
            std::thread::sleep(left.min(Duration::from_millis(40)));
        }
    })
}

#[pymethods]
impl Held {
    fn release(&self) {
        drop(self.0.lock().take());
    }
}

/// Bytes as they come back: made Python's once.
pub struct Bytes(pub Vec<u8>);

impl<'py> IntoPyObject<'py> for Bytes {
    type Target = PyBytes;
    type Output = Bound<'py, PyBytes>;
    type Error = std::convert::Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(PyBytes::new(py, &self.0))
    }
}

/// The bytes of a value that is to be put; copied, since a pending put may outlive the caller's buffer.
pub fn value_bytes(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if value.is_instance_of::<PyUntypedArray>() {
        let bytes = value.call_method0("tobytes")?;
        return Ok(bytes.cast::<PyBytes>()?.as_bytes().to_vec());
    }
    let py = value.py();
    let flat = py
        .import("builtins")?
        .getattr("memoryview")?
        .call1((value,))?
        .call_method1("cast", ("B",))?;
    PyBuffer::<u8>::get(&flat)?.to_vec(py)
}

pub fn range(start: Option<i64>, stop: Option<i64>) -> PyResult<Range> {
    Ok(match (start, stop) {
        (None, None) => Range::All,
        (Some(start), None) if start < 0 => Range::Last(start.unsigned_abs()),
        (start, stop) => {
            let (start, stop) = (start.unwrap_or(0), stop.unwrap_or(i64::MAX));
            if start < 0 || stop < 0 {
                return Err(PyTypeError::new_err(
                    "a range counts from the start, or is (-n, None): the last n bytes",
                ));
            }
            Range::FromTo(start as u64, stop as u64)
        }
    })
}

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
            let mut stop = || {
                let stopped = match &mut door {
                    Door::Wait(interrupted) => interrupted(),
                    Door::Help => false,
                };
                if stopped {
                    Err(zarrite_engine::Error::Stopped)
                } else {
                    Ok(())
                }
            };
            let lock = exclude::wait(&*store, &prefix, &mut stop).map_err(|error| error.in_store(&*store))?;
            let held = match lock {
                Lock::Held(held) => Some(Held(Mutex::new(Some(held)))),
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
            Ok(Box::new(move |py| pyo3::IntoPyObjectExt::into_py_any(count, py)))
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
            Ok(Box::new(move |py| pyo3::IntoPyObjectExt::into_py_any(levels, py)))
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

/// Objects in this process' memory.
#[pyfunction]
#[pyo3(signature = (initial=None, *, read_only=false, url=None))]
pub fn memory_store(
    py: Python<'_>,
    initial: Option<&Bound<'_, PyDict>>,
    read_only: bool,
    url: Option<&str>,
) -> PyResult<Store> {
    let store = Memory::at(url);
    for (key, value) in initial.into_iter().flatten() {
        let put = store.put(&key.extract::<String>()?, &[&value_bytes(&value)?], Put::Always);
        put.map_err(|error| raise(py, &error.into()))?;
    }
    Ok(Store::of(if read_only { store.to_read_only() } else { store }))
}

/// Files below a folder.
#[pyfunction]
#[pyo3(signature = (root, *, read_only=false, fsync=false, follow_symlinks=true))]
pub fn local_store(py: Python<'_>, root: &str, read_only: bool, fsync: bool, follow_symlinks: bool) -> PyResult<Store> {
    let options = LocalOptions {
        read_only,
        fsync,
        follow_symlinks,
    };
    let store = Local::new(Path::new(root), options).map_err(|error| raise(py, &error.into()))?;
    Ok(Store::of(store))
}

/// A bucket, a container or a web server; options by the names of the crate that speaks to it, rules by the engine's own.
#[pyfunction]
#[pyo3(signature = (root, options, rules, *, sign=None, credentials=None, distinct="", from_environment=true, read_only=false))]
#[expect(clippy::too_many_arguments, reason = "keywords, in Python")]
pub fn remote_store(
    py: Python<'_>,
    root: &str,
    options: std::collections::BTreeMap<String, String>,
    rules: std::collections::BTreeMap<String, String>,
    sign: Option<Py<PyAny>>,
    credentials: Option<Py<PyAny>>,
    distinct: &str,
    from_environment: bool,
    read_only: bool,
) -> PyResult<Store> {
    let mut kept = Rules::default();
    for (name, value) in &rules {
        match kept.take(name, value) {
            Ok(true) => {}
            Ok(false) => return Err(PyTypeError::new_err(format!("there is no rule {name:?}"))),
            Err(why) => return Err(refused(py, why)),
        }
    }
    kept.sign = sign.map(|function| Arc::new(Signer::new(function)) as _);
    kept.lend = credentials.map(|function| Arc::new(Lender::new(function)) as _);
    let settings = Settings::new(root, options, kept, from_environment, read_only, distinct);
    let opened = py.detach(|| Remote::new(settings));
    let store = opened.map_err(|error| match error {
        StoreError::Io { key, why, .. } => refused(py, format!("{key}: {why}")),
        other => raise(py, &other.into()),
    })?;
    Ok(Store::of(store))
}

/// The error of a place that cannot be meant.
fn refused(py: Python<'_>, why: String) -> PyErr {
    let made = py
        .import("zarrite.errors")
        .and_then(|errors| errors.getattr("UrlError")?.call1((why,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// A store written in Python.
#[pyfunction]
#[pyo3(signature = (store, *, read_only=false))]
pub fn python_store(py: Python<'_>, store: Py<PyAny>, read_only: bool) -> PyResult<Store> {
    Ok(Store::of(PyStore::new(py, store, read_only)?))
}

/// What is written to a stage, on its way to be seen.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Stage(Staged);

#[pymethods]
impl Stage {
    #[new]
    fn new(store: PyRef<'_, Store>, names: Vec<String>) -> Self {
        Self(Staged::of(store.inner(), names))
    }

    #[getter]
    fn store(&self) -> Store {
        Store::of(self.0.clone())
    }

    fn publish(&self) -> Pending {
        let stage = self.0.clone();
        Pending::done(move || stored(&stage, stage.publish()))
    }

    fn discard(&self) -> Pending {
        let stage = self.0.clone();
        Pending::done(move || stored(&stage, stage.discard()))
    }
}

/// The same store with a ledger of what is asked of it.
#[pyfunction]
pub fn recorded_store(store: PyRef<'_, Store>) -> Store {
    let recorded = Record::of(store.inner());
    Store {
        inner: Arc::new(recorded.clone()),
        recorded: Some(recorded),
    }
}

/// One request: operation, key, first byte, one past the last.
type Entry = (String, String, Option<i64>, Option<i64>);

/// What was asked of a recorded store since last asked: (operation, key, start, stop).
#[pyfunction]
pub fn recorded(store: PyRef<'_, Store>) -> PyResult<Vec<Entry>> {
    let Some(recorded) = &store.recorded else {
        return Err(PyTypeError::new_err(
            "this store keeps no ledger: make one with recorded_store",
        ));
    };
    Ok(recorded
        .take()
        .into_iter()
        .map(|entry| (entry.operation.to_owned(), entry.key, entry.start, entry.stop))
        .collect())
}
