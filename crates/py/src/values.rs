//! Bytes and ranges on their way between Python and the engine.

use numpy::PyUntypedArray;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zarrite_engine::store::Range;

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
