//! Stores over stores: an overlay, a stage, a ledger.

use crate::door::{Pending, stored};
use crate::error::raise;
use crate::store::Store;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use zarrite_engine::stores::{Overlay, Record, Staged};

/// One store over another.
#[pyfunction]
pub fn overlay_store(py: Python<'_>, lower: PyRef<'_, Store>, upper: PyRef<'_, Store>) -> PyResult<Store> {
    let (lower, upper) = (lower.inner(), upper.inner());
    let both = py.detach(|| Overlay::of(lower, upper));
    Ok(Store::of(both.map_err(|error| raise(py, &error.into()))?))
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
    Store::with_ledger(Record::of(store.inner()))
}

/// One request: operation, key, first byte, one past the last.
type Entry = (String, String, Option<i64>, Option<i64>);

/// What was asked of a recorded store since last asked: (operation, key, start, stop).
#[pyfunction]
pub fn recorded(store: PyRef<'_, Store>) -> PyResult<Vec<Entry>> {
    let Some(recorded) = store.ledger() else {
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
