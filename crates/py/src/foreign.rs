//! Codecs and stores that were written in Python.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use zarrite_core::{Codec, Context, Error, Result};
use zarrite_engine::store;
use zarrite_engine::sync::Mutex;

/// Exceptions raised by Python code inside a request, until the request that met them hands them on.
static RAISED: Mutex<Vec<(u64, PyErr)>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(1);
/// Marks the place of a raised exception in the text of an error.
const MARK: &str = "python exception #";

/// Keeps an exception and returns the text that leads back to it.
pub fn keep(error: PyErr) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut raised = RAISED.lock();
    if raised.len() >= 1024 {
        raised.remove(0);
    }
    raised.push((number, error));
    format!("{MARK}{number}")
}

/// The exception that a failure stands for, when a store raised it; a codec's becomes the cause of a chunk's error.
pub fn take_raised(py: Python<'_>, error: &zarrite_engine::Error) -> Option<PyErr> {
    let text = error.to_string();
    let digits = &text[text.find(MARK)? + MARK.len()..];
    let digits = digits.split(|c: char| !c.is_ascii_digit()).next()?;
    let number: u64 = digits.parse().ok()?;
    let raised = {
        let mut all = RAISED.lock();
        let at = all.iter().position(|(its, _)| *its == number)?;
        all.remove(at).1
    };
    let said = raised.value(py).to_string();
    let why = format!("{}: {said}", raised.get_type(py));
    let mut told = error.clone();
    match &mut told {
        zarrite_engine::Error::Decode {
            why: Error::Codec { why: said, .. },
            ..
        }
        | zarrite_engine::Error::Encode {
            why: Error::Codec { why: said, .. },
            ..
        } => *said = why,
        _ => return Some(raised),
    }
    let outer = crate::error::raise(py, &told);
    outer.set_cause(py, Some(raised));
    Some(outer)
}

/// A codec written in Python: an object with `encode(bytes)` and `decode(bytes)`.
pub struct PythonCodec {
    name: String,
    stored_bytes: Option<usize>,
    codec: Py<PyAny>,
}

impl PythonCodec {
    /// The codec of a lowered entry.
    pub fn new(entry: &serde_json::Value, codec: Py<PyAny>) -> Self {
        let name = entry["codec"].as_str().unwrap_or("python").to_owned();
        Self {
            name,
            stored_bytes: entry["stored_bytes"].as_u64().map(|n| n as usize),
            codec,
        }
    }

    fn call(&self, method: &'static str, data: &[u8], take: impl FnOnce(&[u8]) -> Result<()> + Send) -> Result<()> {
        let done = Python::attach(|py| -> PyResult<Result<()>> {
            let out = self.codec.call_method1(py, method, (PyBytes::new(py, data),))?;
            if let Ok(bytes) = out.bind(py).cast::<PyBytes>() {
                return Ok(take(bytes.as_bytes()));
            }
            let buffer = PyBuffer::<u8>::get(out.bind(py))?;
            Ok(take(&buffer.to_vec(py)?))
        });
        done.unwrap_or_else(|error| {
            let codec = Cow::Owned(self.name.clone());
            Err(Error::Codec {
                codec,
                doing: method,
                why: keep(error),
            })
        })
    }
}

impl Codec for PythonCodec {
    fn name(&self) -> &str {
        &self.name
    }

    fn stored_bytes(&self, plain: usize) -> Option<usize> {
        let _ = plain;
        self.stored_bytes
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        self.call("decode", stored, |bytes| {
            if bytes.len() != plain.len() {
                return Err(Error::size("what a Python codec decodes to", plain.len(), bytes.len()));
            }
            plain.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        self.call("decode", stored, |bytes| {
            if bytes.len() > limit {
                return Err(Error::size("what a Python codec decodes to", limit, bytes.len()));
            }
            plain.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        self.call("encode", plain, |bytes| {
            stored.extend_from_slice(bytes);
            Ok(())
        })
    }
}

/// A store's failure for an exception raised in Python.
pub fn failed(key: &str, error: PyErr) -> store::Error {
    store::Error::Io {
        key: key.to_owned(),
        errno: None,
        why: keep(error),
    }
}
