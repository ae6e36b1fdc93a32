//! Makes stores that keep what they read.

use crate::error::raise;
use crate::store::Store;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::Path;
use std::time::Duration;
use zarrite_engine::stores::{Cached, Check};

/// The same store, with a shelf in memory or in a folder; `name`: of the place, for every process that shares the folder;
/// `check_s`: how long what is kept is used unasked, `None` for ever.
#[pyfunction]
#[pyo3(signature = (store, max_bytes, name, *, folder=None, check_s=None))]
pub fn cached_store(
    py: Python<'_>,
    store: PyRef<'_, Store>,
    max_bytes: u64,
    name: &str,
    folder: Option<&str>,
    check_s: Option<f64>,
) -> PyResult<Store> {
    let check = match check_s {
        None => Check::Never,
        Some(seconds) => Check::After(
            Duration::try_from_secs_f64(seconds)
                .map_err(|why| PyValueError::new_err(format!("{seconds} seconds: {why}")))?,
        ),
    };
    let inner = store.inner();
    let made = match folder {
        None => Ok(Cached::in_memory(inner, name, max_bytes, check)),
        Some(folder) => py.detach(|| Cached::in_folder(inner, name, Path::new(folder), max_bytes, check)),
    };
    Ok(Store::of(made.map_err(|error| raise(py, &error.into()))?))
}
