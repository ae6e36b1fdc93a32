//! Objects of a Python store that are held open.

use super::calls::{Calls, Part, changed};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zarrite_engine::store::{Error, Object, Range, Result, Version};

/// Bytes that a Python object keeps, where it keeps them.
pub enum Lent {
    /// Of a `bytes` object.
    Bytes(PyBackedBytes),
    /// Of any other object with a buffer, in one piece.
    Buffer(PyBuffer<u8>),
    /// Copied, since they do not lie in one piece.
    Copied(Vec<u8>),
}

impl Lent {
    /// Takes an object for bytes; it is held, and not copied.
    pub fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone().into()));
        }
        let buffer = PyBuffer::<u8>::get(object)?;
        if buffer.is_c_contiguous() {
            return Ok(Self::Buffer(buffer));
        }
        buffer.to_vec(object.py()).map(Self::Copied)
    }
}

impl Deref for Lent {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Copied(bytes) => bytes,
            Self::Buffer(buffer) if buffer.len_bytes() == 0 => &[],
            // SAFETY: the buffer's owner keeps that many bytes there as long as the buffer is held. A store's objects are replaced
            // as wholes and not changed in place (`PythonStore`); if one is, its bytes are of either content, and any bytes are
            // allowed here: what is stored is never trusted.
            Self::Buffer(buffer) => unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast(), buffer.len_bytes()) },
        }
    }
}

/// An object read whole when it was opened: its store says nothing of versions or sizes.
pub struct Held {
    pub bytes: Lent,
}

impl Object for Held {
    fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn version(&self) -> Version {
        Version::tag(&digest(&self.bytes))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = start.checked_add(into.len()).and_then(|end| self.bytes.get(start..end));
        let found = found.ok_or_else(|| Error::corrupt("", "a read reaches beyond the object"))?;
        into.copy_from_slice(found);
        Ok(())
    }

    fn is_current(&self) -> bool {
        false
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(&self.bytes)
    }
}

/// A digest that tells contents apart.
pub fn digest(bytes: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let one = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        (seed, bytes).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:x}-{:x}", one(1), one(2))
}

/// A version that no other is equal to, for content of which nothing is known.
fn unlike_any() -> Version {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Version::counter(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An object whose ranges are asked for when they are wanted, and the part that came when it was opened.
pub struct PyObjectHeld {
    calls: Arc<Calls>,
    key: String,
    start: u64,
    part: Part,
}

impl PyObjectHeld {
    pub fn new(calls: Arc<Calls>, key: &str, start: u64, part: Part) -> Self {
        let key = key.to_owned();
        Self {
            calls,
            key,
            start,
            part,
        }
    }
}

impl Object for PyObjectHeld {
    fn bytes(&self) -> u64 {
        self.part.object_bytes
    }

    fn version(&self) -> Version {
        self.part.version.as_deref().map_or_else(unlike_any, Version::tag)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        if into.is_empty() {
            return Ok(());
        }
        let end = offset.saturating_add(into.len() as u64);
        let held = offset
            .checked_sub(self.start)
            .and_then(|first| usize::try_from(first).ok())
            .and_then(|first| self.part.bytes.get(first..first.checked_add(into.len())?));
        if let Some(held) = held {
            into.copy_from_slice(held);
            return Ok(());
        }
        let version = self.part.version.as_deref();
        let found = self.calls.get(&self.key, Range::FromTo(offset, end), version)?;
        let found = found.ok_or_else(|| changed(&self.key))?;
        if found.len() != into.len() {
            let (got, want) = (found.len(), into.len());
            let why = format!("{got} bytes came where {want} were asked for, from byte {offset}");
            return Err(Error::corrupt(&self.key, why));
        }
        into.copy_from_slice(&found);
        Ok(())
    }

    fn is_current(&self) -> bool {
        // Where there are versions, the next read finds out: it asks for this one.
        self.part.version.is_some()
    }
}
