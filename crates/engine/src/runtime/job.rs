//! Work that threads take piece by piece, and how it is stopped.

use super::Work;
use crate::error::{Error, Result};
use crate::sync::{Condvar, Mutex};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use zarrite_core::Workspace;

thread_local! {
    /// The job this thread is helping with.
    static CURRENT: Cell<Option<Arc<Job>>> = const { Cell::new(None) };
}

/// The job this thread is helping with.
fn current() -> Option<Arc<Job>> {
    let job = CURRENT.take();
    CURRENT.set(job.clone());
    job
}

/// Whether who asked for what this thread does has given up.
///
/// # Errors
/// [`Error::Stopped`] then.
pub fn go_on() -> Result<()> {
    if current().is_some_and(|job| job.is_stopped()) {
        return Err(Error::Stopped);
    }
    Ok(())
}

/// Items that threads take one batch after another.
pub struct Job {
    /// Until it is done: what it holds, such as the memory of a result, is let go of before its caller goes on.
    work: Mutex<Option<Arc<Work>>>,
    pub items: usize,
    pub batch: usize,
    /// How many threads may be at it.
    pub most: usize,
    next: AtomicUsize,
    pub stopped: AtomicBool,
    /// The job whose item asked for this one: when that is stopped, so is this.
    within: Option<Arc<Job>>,
    pub state: Mutex<JobState>,
    pub left: Condvar,
}

#[derive(Default)]
pub struct JobState {
    pub inside: usize,
    pub error: Option<Error>,
}

impl Job {
    /// Work on so many items, by so many threads at most.
    pub fn new(items: usize, batch: usize, most: usize, work: Arc<Work>) -> Self {
        Self {
            work: Mutex::new(Some(work)),
            items,
            most,
            batch: batch.max(1),
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            within: current(),
            state: Mutex::default(),
            left: Condvar::default(),
        }
    }

    pub fn exhausted(&self) -> bool {
        self.is_stopped() || self.next.load(Ordering::Relaxed) >= self.items
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.within.as_ref().is_some_and(|outer| outer.is_stopped())
    }

    /// Takes items until none is left.
    pub fn help(self: &Arc<Self>, workspace: &mut Workspace) {
        let Some(work) = self.work.lock().clone() else {
            return;
        };
        let before = CURRENT.replace(Some(Arc::clone(self)));
        self.take_items(&*work, workspace);
        CURRENT.set(before);
    }

    /// Lets go of the work: whoever still holds this job, a queue or a thread that came late, holds nothing of the caller's.
    pub fn end(&self) {
        let work = self.work.lock().take();
        drop(work);
    }

    fn take_items(&self, work: &Work, workspace: &mut Workspace) {
        loop {
            let first = self.next.fetch_add(self.batch, Ordering::Relaxed);
            if first >= self.items {
                return;
            }
            for at in first..self.items.min(first + self.batch) {
                if self.is_stopped() {
                    return;
                }
                let done = catch_unwind(AssertUnwindSafe(|| work(at, workspace)));
                let done = done.unwrap_or_else(|panic| {
                    // What the panic left half done is not used again.
                    *workspace = Workspace::new();
                    Err(Error::Defect(said(panic.as_ref())))
                });
                if let Err(error) = done {
                    self.stopped.store(true, Ordering::Relaxed);
                    self.state.lock().error.get_or_insert(error);
                    return;
                }
            }
        }
    }

    pub fn leave(&self) {
        let mut state = self.state.lock();
        state.inside -= 1;
        if state.inside == 0 {
            self.left.notify_all();
        }
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic".into())
}

/// Work that was handed to the pool: it can be told that nobody waits for it any more.
pub struct Stop(pub(super) Arc<Job>);

impl Stop {
    /// Nothing more of it is begun, nor of what it asked for.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}
