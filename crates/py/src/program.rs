//! `Program`: a lowered document, compiled.

use crate::error::raise;
use crate::foreign::PythonCodec;
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zarrite_core::Error;

/// Programs with codecs written in Python, each with a number of its own.
static PROGRAMS: AtomicU64 = AtomicU64::new(1);

/// One array's lowered document, compiled. Immutable and shared between handles.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Program {
    inner: Arc<zarrite_core::Program>,
}

impl Program {
    /// The compiled program.
    pub fn inner(&self) -> Arc<zarrite_core::Program> {
        Arc::clone(&self.inner)
    }
}

#[pymethods]
impl Program {
    #[new]
    #[pyo3(signature = (document, codecs=Vec::new()))]
    fn new(py: Python<'_>, document: &str, codecs: Vec<Py<PyAny>>) -> PyResult<Self> {
        let numbered = !codecs.is_empty();
        // Asked again during a request whenever it meets a chunk of another shape, on a thread that does not hold Python.
        let finder = move |entry: &serde_json::Value| {
            let codec = entry["handle"].as_u64().and_then(|at| codecs.get(at as usize));
            let codec = codec.ok_or_else(|| Error::Document(format!("there is no Python codec for {entry}")))?;
            let codec = Python::attach(|py| codec.clone_ref(py));
            Ok(Box::new(PythonCodec::new(entry, codec)) as Box<dyn zarrite_core::Codec>)
        };
        let mut inner =
            zarrite_core::Program::build(document, Arc::new(finder)).map_err(|error| raise(py, &error.into()))?;
        if numbered {
            // What a codec in Python does, the document does not say.
            inner.print ^= PROGRAMS.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        Ok(Self { inner: Arc::new(inner) })
    }
}
