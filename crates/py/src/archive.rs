//! Zip archives, as Python opens, changes and closes them.

use crate::door::{Pending, stored, wait};
use crate::store::Store;
use pyo3::prelude::*;
use std::path::Path;
use std::sync::Arc;
use zarrite_engine::Error;
use zarrite_engine::store::Result;
use zarrite_engine::stores::zip::Layout;
use zarrite_engine::stores::{Archive, Zip};

/// A store, and the folder in it that everything lies in (empty when there is none).
type Opened = (Store, String);

fn opened(py: Python<'_>, open: impl FnOnce() -> Result<Opened> + Send) -> PyResult<Opened> {
    wait(py, |_| open().map_err(Error::from))
}

/// The entries of a zip archive in a file.
#[pyfunction]
pub fn zip_store(py: Python<'_>, path: &str) -> PyResult<Store> {
    zip_file(py, path).map(|(store, _)| store)
}

/// The same, with the folder that everything lies in.
#[pyfunction]
pub fn zip_file(py: Python<'_>, path: &str) -> PyResult<Opened> {
    opened(py, || {
        let zip = Zip::new(Path::new(path))?;
        let folder = zip.folder().to_owned();
        Ok((Store::shared(Arc::new(zip)), folder))
    })
}

/// The entries of a zip archive that is an object of another store; `None` when there is no such object.
#[pyfunction]
pub fn zip_over(py: Python<'_>, store: PyRef<'_, Store>, key: String) -> PyResult<Option<Opened>> {
    let under = store.inner();
    let found = wait(py, |_| stored(&*under, Zip::over(&*under, &key)))?;
    Ok(found.map(|zip| {
        let folder = zip.folder().to_owned();
        (Store::shared(Arc::new(zip)), folder)
    }))
}

/// The zip archive of a file, to be read and changed; made when it is missing.
///
/// `first` are the names of documents that come before everything else.
#[pyfunction]
#[pyo3(signature = (path, *, first=Vec::new()))]
pub fn zip_archive(py: Python<'_>, path: &str, first: Vec<String>) -> PyResult<Opened> {
    opened(py, || {
        let archive = Archive::new(Path::new(path), Layout { first })?;
        let folder = archive.folder();
        Ok((Store::shared(Arc::new(archive)), folder))
    })
}

/// The zip archive of a file that was changed and is not written yet.
#[pyfunction]
pub fn zip_changed(py: Python<'_>, path: &str) -> PyResult<Option<Store>> {
    let found = wait(py, |_| Archive::changed_at(Path::new(path)).map_err(Error::from))?;
    Ok(found.map(|archive| Store::shared(Arc::new(archive))))
}

/// Whether a store leads to a zip archive that can be changed: `None` when it does not, and else whether it was changed.
#[pyfunction]
pub fn zip_state(store: PyRef<'_, Store>) -> Option<bool> {
    Archive::by_identity(store.inner().identity()).map(|archive| archive.is_changed())
}

/// Closes a store. What was put into a zip archive is written, or, unless it is to be kept, given up.
#[pyfunction]
#[pyo3(signature = (store, keep=true))]
pub fn close(store: PyRef<'_, Store>, keep: bool) -> Pending {
    finish(&store, keep)
}

pub fn finish(store: &Store, keep: bool) -> Pending {
    let store = store.inner();
    Pending::done(move || {
        match Archive::by_identity(store.identity()) {
            Some(archive) if !keep => archive.discard(),
            _ => stored(&*store, store.close())?,
        }
        Ok(())
    })
}

/// Every zip archive that was changed and is not written yet.
#[pyfunction]
pub fn zips_changed() -> Vec<Store> {
    let found = Archive::all_changed();
    found
        .into_iter()
        .map(|archive| Store::shared(Arc::new(archive)))
        .collect()
}
