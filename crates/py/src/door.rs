//! `Pending`: work that was asked for, and its two doors.

use crate::error::raise;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use zarrite_engine::array::IN_FLIGHT;
use zarrite_engine::gate::{Gate, wait_until_empty};
use zarrite_engine::interrupt;
use zarrite_engine::runtime::Stop;
use zarrite_engine::store::Store;
use zarrite_engine::sync::Mutex;
use zarrite_engine::{Door, Error, Result, exclude, runtime};

/// Whether the interpreter knows whom to wait for when it ends.
static ENDS_WELL: AtomicBool = AtomicBool::new(false);

/// Makes the Python object of an outcome, with the interpreter attached.
pub type Finish = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;
/// The work, without the interpreter.
pub type Task = Box<dyn FnOnce(Door<'_>) -> Result<Finish> + Send>;

/// Runs work while this thread waits, with the interpreter's lock released and signals answered.
pub fn wait<T: Send>(py: Python<'_>, task: impl FnOnce(Door<'_>) -> Result<T> + Send) -> PyResult<T> {
    let (done, signal) = py.detach(|| {
        let _gate = Gate::request();
        let signal = Rc::new(Cell::new(None));
        let mut interrupted = {
            let signal = Rc::clone(&signal);
            move || {
                let raised = Python::attach(|py| py.check_signals().err());
                let stop = raised.is_some();
                if stop {
                    signal.set(raised);
                }
                stop
            }
        };
        let _asking = interrupt::ask(interrupted.clone());
        let done = task(Door::Wait(&mut interrupted));
        (done, signal.take())
    });
    match (done, signal) {
        (_, Some(signal)) => Err(signal),
        (Ok(value), None) => {
            warn(py)?;
            Ok(value)
        }
        (Err(error), None) => Err(raise(py, &error)),
    }
}

/// Warns of what the engine found worth telling.
///
/// # Errors
/// The warning itself, where the user made warnings errors.
pub fn warn(py: Python<'_>) -> PyResult<()> {
    if !exclude::has_warnings() {
        return Ok(());
    }
    let category = py.import("zarrite.errors")?.getattr("UnsafeWriteWarning")?;
    let warn = py.import("warnings")?.getattr("warn")?;
    exclude::warnings()
        .into_iter()
        .try_for_each(|said| warn.call1((said, &category, 2)).map(drop))
}

/// Ends waiting where whoever waits was interrupted.
///
/// # Errors
/// [`Error::Stopped`] when he was.
pub fn go_on(door: &mut Door<'_>) -> Result<()> {
    let stopped = match door {
        Door::Wait(interrupted) => interrupted(),
        Door::Help => false,
    };
    if stopped { Err(Error::Stopped) } else { Ok(()) }
}

/// Called when the interpreter is about to end: waits until no thread hands anything over to it.
///
/// Such a thread would be ended where it waits for the interpreter, with frames of Rust above it, and the process aborted.
#[pyfunction]
fn at_exit(py: Python<'_>) {
    py.detach(wait_until_empty);
}

/// Work that has been asked for. Nothing runs until one of its doors is opened; one of them, once.
#[pyclass(frozen, module = "zarrite._engine", generic)]
pub struct Pending {
    task: Mutex<Option<Task>>,
    /// Whether it waits for a store more than it computes.
    waits: bool,
}

impl Pending {
    /// Work to be started by a door.
    pub fn new(task: impl FnOnce(Door<'_>) -> Result<Finish> + Send + 'static) -> Self {
        Self {
            task: Mutex::new(Some(Box::new(task))),
            waits: false,
        }
    }

    /// The same, which waits for a store more than it computes: many such go on at once.
    pub fn waiting(self, waits: bool) -> Self {
        Self { waits, ..self }
    }

    /// Work whose outcome converts by itself.
    pub fn of<T>(task: impl FnOnce() -> Result<T> + Send + 'static) -> Self
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
    {
        Self::new(move |_| {
            let value = task()?;
            Ok(Box::new(move |py| pyo3::IntoPyObjectExt::into_py_any(value, py)))
        })
        .waiting(true)
    }

    /// Work without an outcome.
    pub fn done(task: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        Self::of(move || task().map(|()| None::<bool>))
    }

    fn take(&self) -> PyResult<Task> {
        let task = self.task.lock().take();
        task.ok_or_else(|| PyRuntimeError::new_err("this work was already waited for"))
    }
}

#[pymethods]
impl Pending {
    /// Blocks until the work is done.
    pub fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let task = self.take()?;
        wait(py, task)?(py)
    }

    /// Lets an event loop go on until the work is done.
    fn __await__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let task = self.take()?;
        if !ENDS_WELL.swap(true, Ordering::Relaxed) {
            let at_exit = wrap_pyfunction!(at_exit, py)?;
            py.import("atexit")?.call_method1("register", (at_exit,))?;
        }
        let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
        let future = event_loop.call_method0("create_future")?;
        let waiting = future.call_method0("__await__")?;
        let settle = Settle {
            future: future.clone().unbind(),
        };
        let event_loop = event_loop.unbind();
        let most = if self.waits { IN_FLIGHT } else { 1 };
        let stop = py.detach(|| {
            runtime::runtime().spawn(most, move || {
                // Held until the outcome is handed over: the interpreter does not end while a thread of ours is in it.
                let _gate = Gate::request();
                let done = task(Door::Help);
                // The interpreter may be gone, and so may the loop: then nobody waits.
                let _ = Python::try_attach(|py| settle.hand_over(py, &event_loop, done));
            })
        });
        future.call_method1("add_done_callback", (Cancelled { stop },))?;
        Ok(waiting)
    }
}

/// Called by the event loop when a future is done: one that was cancelled begins nothing more.
#[pyclass(frozen)]
struct Cancelled {
    stop: Stop,
}

#[pymethods]
impl Cancelled {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if future.call_method0("cancelled")?.is_truthy()? {
            self.stop.stop();
        }
        Ok(())
    }
}

/// Called by the event loop with an outcome.
#[pyclass(frozen)]
struct Settle {
    future: Py<PyAny>,
}

impl Settle {
    fn hand_over(self, py: Python<'_>, event_loop: &Py<PyAny>, done: Result<Finish>) {
        let outcome = match done {
            Ok(finish) => warn(py).and_then(|()| finish(py)),
            Err(error) => Err(raise(py, &error)),
        };
        let (value, error) = match outcome {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(error.into_value(py))),
        };
        // A loop that was closed meanwhile refuses; nobody waits then.
        let _ = event_loop.call_method1(py, "call_soon_threadsafe", (self, value, error));
    }
}

#[pymethods]
impl Settle {
    fn __call__(&self, py: Python<'_>, value: Py<PyAny>, error: Py<PyAny>) -> PyResult<()> {
        if self.future.call_method0(py, "done")?.is_truthy(py)? {
            return Ok(()); // cancelled
        }
        if error.is_none(py) {
            self.future.call_method1(py, "set_result", (value,))?;
        } else {
            self.future.call_method1(py, "set_exception", (error,))?;
        }
        Ok(())
    }
}

/// A failure of the store as a failure of the request.
pub fn stored<T>(store: &dyn Store, done: zarrite_engine::store::Result<T>) -> Result<T> {
    done.map_err(|why| Error::from(why).in_store(store))
}
