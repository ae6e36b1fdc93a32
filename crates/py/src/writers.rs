//! What keeps writers apart: versions of objects, locks, claims, and pauses before another attempt.

use crate::door::{Pending, go_on};
use pyo3::prelude::*;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zarrite_engine::sync::Mutex;
use zarrite_engine::{store, write};

/// What tells one content of a key from another.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Version(pub store::Version);

/// A lock that was got; it ends with `release`, or with this object.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Held(Mutex<Option<Box<dyn Send>>>);

impl Held {
    /// The lock that the engine got.
    pub fn of(lock: Box<dyn Send>) -> Self {
        Self(Mutex::new(Some(lock)))
    }
}

#[pymethods]
impl Held {
    fn release(&self) {
        drop(self.0.lock().take());
    }
}

/// Which objects of an append were put already, and which were there before.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Claim(pub Arc<write::Claim>);

#[pymethods]
impl Claim {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }
}

/// Waits so long at most; how long is left to chance, so that of several who wait each gets its turn.
#[pyfunction]
pub fn pause(seconds: f64) -> Pending {
    Pending::new(move |mut door| {
        let chance = (RandomState::new().hash_one(0) % 1000) as f64 / 1000.0;
        let end = Instant::now() + Duration::try_from_secs_f64(seconds * chance).unwrap_or_default();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            go_on(&mut door)?;
            if left.is_zero() {
                return Ok(Box::new(|py| Ok(py.None())));
            }
            std::thread::sleep(left.min(Duration::from_millis(40)));
        }
    })
}
