//! Makes stores of places: memory, files, a network, an object of Python.

use crate::error::raise;
use crate::hooks::{Lender, Signer};
use crate::pystore::PyStore;
use crate::store::Store;
use crate::values::value_bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use zarrite_engine::store::{Error, Put, Store as _};
use zarrite_engine::stores::remote::{Rules, Settings};
use zarrite_engine::stores::{Local, LocalOptions, Memory, Remote};

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

/// The memory store of this process that prints itself with a number, while anybody holds it.
#[pyfunction]
pub fn living_memory_store(number: u64) -> Option<Store> {
    Memory::alive(number).map(Store::of)
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
    options: BTreeMap<String, String>,
    rules: BTreeMap<String, String>,
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
        Error::Io { key, why, .. } => refused(py, format!("{key}: {why}")),
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
