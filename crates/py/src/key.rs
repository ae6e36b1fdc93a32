//! Basic keys settled where they arrive, so that reading a few cells costs one call.
//!
//! Whatever is not plain (an index array, a mask, a field, a mistake) is left to Python, which says what is wrong with it.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyInt, PySlice, PyTuple};
use zarrite_core::Axis;

/// A settled basic key.
pub struct Settled {
    /// One entry an axis.
    pub axes: Vec<Axis>,
    /// Cells selected along each axis.
    pub counts: Vec<usize>,
    /// Axes the result keeps: an integer takes its axis away.
    pub kept: Vec<bool>,
    /// Whether a result without axes is a scalar.
    pub scalar: bool,
}

/// Settles a basic key; `None` when it is none, or leaves the array.
pub fn settle(key: &Bound<'_, PyAny>, shape: &[u64]) -> Option<Settled> {
    let ndim = shape.len();
    let mut out = Settled {
        axes: Vec::with_capacity(ndim),
        counts: Vec::with_capacity(ndim),
        kept: Vec::with_capacity(ndim),
        scalar: true,
    };
    if let Ok(keys) = key.cast_exact::<PyTuple>() {
        let n = keys.len();
        for at in 0..n {
            let key = keys.get_borrowed_item(at).ok()?;
            if key.is_exact_instance_of::<PyEllipsis>() {
                if !out.scalar {
                    return None; // a second one
                }
                out.scalar = false;
                let rest = n - at - 1;
                while out.axes.len() + rest < ndim {
                    out.whole(shape);
                }
            } else {
                out.push(&key, shape)?;
            }
        }
    } else if key.is_exact_instance_of::<PyEllipsis>() {
        out.scalar = false;
    } else {
        out.push(key, shape)?;
    }
    while out.axes.len() < ndim {
        out.whole(shape);
    }
    Some(out)
}

impl Settled {
    fn whole(&mut self, shape: &[u64]) {
        let count = shape[self.axes.len()];
        self.axes.push(Axis::Stride {
            start: 0,
            step: 1,
            count,
        });
        self.counts.push(count as usize);
        self.kept.push(true);
    }

    fn push(&mut self, key: &Bound<'_, PyAny>, shape: &[u64]) -> Option<()> {
        let extent = *shape.get(self.axes.len())? as i64;
        if let Ok(slice) = key.cast_exact::<PySlice>() {
            let settled = slice.indices(extent as isize).ok()?;
            let (start, step, count) = (
                settled.start.max(0) as u64,
                settled.step as i64,
                settled.slicelength as u64,
            );
            self.axes.push(Axis::Stride { start, step, count });
            self.counts.push(count as usize);
            self.kept.push(true);
            return Some(());
        }
        let index = if key.is_exact_instance_of::<PyInt>() {
            key.extract::<i64>().ok()?
        } else {
            // NumPy's integer scalars; not its arrays, and nothing that is a boolean.
            if key.is_instance_of::<PyBool>() || !is_numpy_integer(key) {
                return None;
            }
            key.call_method0("__index__").ok()?.extract::<i64>().ok()?
        };
        let index = if index < 0 { index + extent } else { index };
        if !(0..extent).contains(&index) {
            return None;
        }
        self.axes.push(Axis::Stride {
            start: index as u64,
            step: 1,
            count: 1,
        });
        self.counts.push(1);
        self.kept.push(false);
        Some(())
    }
}

fn is_numpy_integer(key: &Bound<'_, PyAny>) -> bool {
    use pyo3::sync::PyOnceLock;
    use pyo3::types::PyType;
    static INTEGER: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    INTEGER
        .import(key.py(), "numpy", "integer")
        .is_ok_and(|class| key.is_instance(class).unwrap_or(false))
}
