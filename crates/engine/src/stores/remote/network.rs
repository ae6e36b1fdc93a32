//! The runtime that requests to servers wait in: one a process, started on first use and anew in a forked child.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::interrupt::is_told_to_stop;
use crate::store::{Error, Result, Way};

/// So many threads drive the connections; what is read is decoded elsewhere.
const DRIVERS: usize = 2;
/// How often one who waits asks whether to go on.
const TICK: Duration = Duration::from_millis(100);

/// The runtime of one process.
pub struct Network {
    process: u32,
    runtime: Runtime,
    /// The requests in flight of the whole process.
    pub flight: Semaphore,
}

static NETWORK: AtomicPtr<Network> = AtomicPtr::new(std::ptr::null_mut());

/// This process' runtime.
pub fn network() -> &'static Network {
    let process = std::process::id();
    let seen = NETWORK.load(Ordering::Acquire);
    // SAFETY: what was published is never freed.
    if let Some(network) = unsafe { seen.as_ref() }
        && network.process == process
    {
        return network;
    }
    let fresh = Box::into_raw(Box::new(Network::start(process)));
    match NETWORK.compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: just published; a parent's runtime stays allocated, its threads do not exist here.
        Ok(_) => unsafe { &*fresh },
        // SAFETY: nobody else saw `fresh`; what another thread published is never freed.
        Err(other) => unsafe {
            drop(Box::from_raw(fresh));
            &*other
        },
    }
}

/// Ends when it is dropped.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Network {
    /// Requests of the process that are in flight at the same time.
    pub const MOST: usize = 256;

    fn start(process: u32) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(DRIVERS)
            .thread_name("zarrite-net")
            .enable_io()
            .enable_time()
            .build();
        match runtime {
            Ok(runtime) => Self {
                process,
                runtime,
                flight: Semaphore::new(Self::MOST),
            },
            Err(why) => panic!("the system gives no thread for the network: {why}"),
        }
    }

    /// Begins something on the runtime's own thread, until it is done or what is returned is dropped.
    pub fn begin(&self, work: impl Future<Output = ()> + Send + 'static) -> Way {
        Box::new(Task(self.runtime.spawn(work)))
    }

    /// Begins something that nobody ends. What it does before it waits is done by this thread: the sums of large bodies, for one.
    pub fn send(&self, work: impl Future<Output = ()> + Send + 'static) {
        let _entered = self.runtime.enter();
        let mut work = Box::pin(work);
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.runtime.spawn(work);
        }
    }

    /// As [`Self::wait`], with the work on the runtime's own thread.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn wait_for<T: Send + 'static>(&self, answer: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let mut task = Task(self.runtime.spawn(answer));
        self.wait(async {
            match (&mut task.0).await {
                Ok(answer) => answer,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(error) => panic!("a request ended without an answer: {error}"),
                },
            }
        })
    }

    /// Waits for an answer on this thread, or until the thread is told to stop.
    ///
    /// # Errors
    /// What the answer says; [`Error::Io`] when the thread was told to stop.
    pub fn wait<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(async {
            let mut answer = pin!(answer);
            loop {
                if let Ok(done) = tokio::time::timeout(TICK, answer.as_mut()).await {
                    return done;
                }
                if is_told_to_stop() {
                    return Err(Error::Io {
                        key: String::new(),
                        errno: None,
                        why: "the request was stopped".to_owned(),
                    });
                }
            }
        })
    }
}
