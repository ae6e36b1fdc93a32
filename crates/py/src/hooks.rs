//! Functions of the program that the network asks: who signs requests, and who lends credentials.

use crate::foreign::keep;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::time::Duration;
use zarrite_engine::stores::remote::{Lend, Lent, Sign, Signed};
use zarrite_engine::sync::Mutex;

/// A function of the program, sync or async.
struct Asked {
    function: Py<PyAny>,
    /// The loop that an async one runs in, one call at a time; it stays, since what such functions hold belongs to a loop.
    event_loop: Mutex<Option<Py<PyAny>>>,
}

impl Asked {
    /// Calls the function and hands what it gives, waited for, to one of `zarrite.stores.hooks`.
    fn call<'py>(&self, py: Python<'py>, args: &[&str], reader: &str) -> PyResult<Bound<'py, PyAny>> {
        let mut answer = self.function.bind(py).call1(PyTuple::new(py, args)?)?;
        if answer.hasattr("__await__")? {
            let awaited = answer.unbind();
            let done = py.detach(|| {
                let mut held = self.event_loop.lock();
                Python::attach(|py| -> PyResult<Py<PyAny>> {
                    let event_loop = match &*held {
                        Some(event_loop) => event_loop.clone_ref(py),
                        None => py.import("asyncio")?.call_method0("new_event_loop")?.unbind(),
                    };
                    *held = Some(event_loop.clone_ref(py));
                    event_loop.call_method1(py, "run_until_complete", (awaited,))
                })
            });
            answer = done?.into_bound(py);
        }
        py.import("zarrite.stores.hooks")?.getattr(reader)?.call1((answer,))
    }
}

/// A function `(method, url)` that signs a request.
pub struct Signer(Asked);

/// A function `()` that gives credentials.
pub struct Lender(Asked);

impl Signer {
    /// Asks this function.
    pub fn new(function: Py<PyAny>) -> Self {
        Self(Asked {
            function,
            event_loop: Mutex::new(None),
        })
    }
}

impl Lender {
    /// Asks this function.
    pub fn new(function: Py<PyAny>) -> Self {
        Self(Asked {
            function,
            event_loop: Mutex::new(None),
        })
    }
}

impl Sign for Signer {
    fn sign(&self, method: &str, url: &str) -> Result<Signed, String> {
        Python::attach(|py| {
            let answer = self.0.call(py, &[method, url], "signed")?;
            let (url, headers) = answer.extract()?;
            Ok(Signed { url, headers })
        })
        .map_err(keep)
    }
}

impl Lend for Lender {
    fn lend(&self) -> Result<Lent, String> {
        Python::attach(|py| {
            let answer = self.0.call(py, &[], "lent")?;
            let (key_id, secret, token, lasts): (String, String, Option<String>, Option<f64>) = answer.extract()?;
            Ok(Lent {
                key_id,
                secret,
                token,
                lasts: lasts.map(|lasts| Duration::try_from_secs_f64(lasts).unwrap_or_default()),
            })
        })
        .map_err(keep)
    }
}
