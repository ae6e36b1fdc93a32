//! `Listing`: many objects that are to be copied or deleted, as Python sees them.

use crate::door::Pending;
use crate::store::Store;
use pyo3::prelude::*;
use std::sync::Arc;
use zarrite_engine::transfer;

/// What lies below a prefix, in the order in which it is copied.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Listing(Arc<transfer::Listing>);

impl Listing {
    /// What the engine listed.
    pub fn of(listing: transfer::Listing) -> Self {
        Self(Arc::new(listing))
    }
}

#[pymethods]
impl Listing {
    #[getter]
    fn objects(&self) -> usize {
        self.0.objects()
    }

    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    /// Path, objects and bytes of every node.
    fn nodes(&self) -> Vec<(String, u64, u64)> {
        let shares = self.0.nodes().into_iter();
        shares.map(|share| (share.path, share.objects, share.bytes)).collect()
    }

    /// Copies objects from one place in the order up to another, and says how many bytes they have.
    fn copy(&self, into: PyRef<'_, Store>, target: String, start: usize, stop: usize) -> Pending {
        let (listing, into) = (Arc::clone(&self.0), into.inner());
        Pending::new(move |door| {
            let bytes = listing.copy(&into, &target, start..stop, door)?;
            Ok(Box::new(move |py| pyo3::IntoPyObjectExt::into_py_any(bytes, py)))
        })
    }

    /// Deletes objects, counted from the last in the order, and says how many bytes they had.
    fn delete(&self, start: usize, stop: usize) -> Pending {
        let listing = Arc::clone(&self.0);
        Pending::of(move || listing.delete(start..stop))
    }

    /// Deletes what no listing shows.
    fn sweep(&self) -> Pending {
        let listing = Arc::clone(&self.0);
        Pending::done(move || listing.sweep())
    }
}
