//! What the whole process shares: the CPU pool, the locks of objects, the caches and the memory budget.
//!
//! Started on first use. A forked child starts its own: the parent's threads do not live there.

mod job;
mod turns;

use self::job::Job;
pub use self::job::{Stop, go_on};
pub use self::turns::Turn;
use self::turns::Turns;
use crate::ahead::Ahead;
use crate::blocks::Blocks;
use crate::budget::{Budget, memory_of_machine};
use crate::decoded::Decoded;
use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::handles::{Handles, name};
use crate::sync::{Condvar, Mutex};
use bytes::Bytes;
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use zarrite_core::Workspace;

/// Work on item `at`, by whichever thread takes it.
pub type Work = dyn Fn(usize, &mut Workspace) -> Result<()> + Send + Sync;

/// Whether the caller wants to give up; asked now and then by who waits.
pub type Interrupted<'a> = &'a mut dyn FnMut() -> bool;

/// How often a waiting caller asks whether it was interrupted.
pub(crate) const ASK: Duration = Duration::from_millis(40);
/// How long an interrupted caller waits for workers to finish the piece they hold.
const LEAVE: Duration = Duration::from_millis(80);
/// Idle memory goes back to the system after this.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Arc<Job>>,
    threads: usize,
    /// Threads that nobody called yet.
    idle: usize,
    /// Threads that were called, and are on their way.
    called: usize,
}

/// Threads and what they are to do. Those that compute are few and keep their memory; those that wait for a network are many and
/// keep none.
#[derive(Default)]
struct Lane {
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// Workspaces for threads that wait for a network most of the time: as many are in use as threads work.
#[derive(Default)]
struct Desks {
    used: usize,
    idle: Vec<Workspace>,
}

/// What the process shares.
pub struct Runtime {
    computing: Lane,
    waiting: Lane,
    threads: AtomicUsize,
    turns: Turns,
    desks: Mutex<Desks>,
    desk_free: Condvar,
    /// Objects held open, with the indexes of shards.
    pub handles: Handles,
    /// Decoded chunks.
    pub decoded: Decoded,
    /// Chunks on a network that will be read next.
    pub ahead: Ahead,
    /// Memory for results, kept for the next.
    pub blocks: Blocks,
    /// Bytes in flight.
    pub budget: Budget,
    /// The machine's memory.
    pub machine_bytes: usize,
}

static RUNTIME: AtomicPtr<Runtime> = AtomicPtr::new(std::ptr::null_mut());
static PROCESS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static WORKSPACE: Cell<Option<Box<Workspace>>> = const { Cell::new(None) };
}

/// Runs `work` with this thread's workspace; work inside work gets a fresh one.
pub fn with_workspace<T>(work: impl FnOnce(&mut Workspace) -> T) -> T {
    let mut workspace = WORKSPACE.take().unwrap_or_else(|| Box::new(new_workspace()));
    let out = work(&mut workspace);
    WORKSPACE.set(Some(workspace));
    out
}

fn new_workspace() -> Workspace {
    // A sixteenth of the budget is kept in all: many threads keep little each.
    let share = runtime().budget.total() / runtime().threads() / 16;
    Workspace::keeping(share.clamp(4 << 20, 64 << 20))
}

/// The process' runtime, started on first use and anew in a forked child.
pub fn runtime() -> &'static Runtime {
    let process = std::process::id();
    let current = RUNTIME.load(Ordering::Acquire);
    if !current.is_null() && PROCESS.load(Ordering::Acquire) == process {
        // SAFETY: a runtime that was published is never freed.
        return unsafe { &*current };
    }
    start(current, process)
}

#[cold]
fn start(seen: *mut Runtime, process: u32) -> &'static Runtime {
    let fresh = Box::into_raw(Box::new(Runtime::new()));
    match RUNTIME.compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            PROCESS.store(process, Ordering::Release);
            // SAFETY: just published, never freed; a parent's runtime stays allocated, its threads do not exist here.
            unsafe { &*fresh }
        }
        Err(other) => {
            // SAFETY: nobody else saw `fresh`; `other` was published.
            unsafe {
                drop(Box::from_raw(fresh));
                &*other
            }
        }
    }
}

impl Runtime {
    fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            computing: Lane::default(),
            waiting: Lane::default(),
            threads: AtomicUsize::new(threads),
            turns: Turns::default(),
            desks: Mutex::default(),
            desk_free: Condvar::default(),
            handles: Handles::default(),
            decoded: Decoded::default(),
            ahead: Ahead::default(),
            blocks: Blocks::default(),
            budget: Budget::default(),
            machine_bytes: memory_of_machine().unwrap_or(usize::MAX),
        }
    }

    /// How many threads work.
    pub fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    /// Sets how many threads work; those there are stay until they would be idle.
    pub fn set_threads(&self, threads: usize) {
        self.threads.store(threads.clamp(1, 1024), Ordering::Relaxed);
    }

    /// The lock of one object, whichever handle writes it. Who has one waits for no other.
    pub fn lock(&self, identity: &str, key: &str) -> Turn<'_> {
        // One name for one object, whichever store leads to it.
        self.turns.wait(&name(identity, key))
    }

    /// As [`Self::lock`], if nobody has it.
    pub fn try_lock(&self, identity: &str, key: &str) -> Option<Turn<'_>> {
        self.turns.take(&name(identity, key))
    }

    /// Bytes that are handed on, whose memory comes back when nobody needs them any more.
    pub fn lend(&'static self, buffer: Vec<u8>) -> Bytes {
        struct Lent(Vec<u8>);
        impl AsRef<[u8]> for Lent {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        impl Drop for Lent {
            fn drop(&mut self) {
                let buffer = std::mem::take(&mut self.0);
                if let Some(desk) = runtime().desks.lock().idle.last_mut() {
                    desk.put_back(buffer);
                }
            }
        }
        Bytes::from_owner(Lent(buffer))
    }

    fn lane(&self, job: &Job) -> &Lane {
        if job.most > self.threads() {
            &self.waiting
        } else {
            &self.computing
        }
    }

    fn post(&'static self, job: &Arc<Job>, most: usize) {
        let wanted = job.items.div_ceil(job.batch).min(most);
        if wanted == 0 {
            return;
        }
        let lane = self.lane(job);
        let mut queue = lane.queue.lock();
        queue.jobs.push_back(Arc::clone(job));
        let waiting = wanted.min(queue.idle);
        queue.idle -= waiting;
        queue.called += waiting;
        let room = self.threads().max(job.most).saturating_sub(queue.threads);
        for _ in 0..(wanted - waiting).min(room) {
            let started = std::thread::Builder::new()
                .name("zarrite".into())
                .spawn(move || self.serve(lane));
            // Without another thread the work takes longer; without any, the caller does it.
            queue.threads += usize::from(started.is_ok());
        }
        drop(queue);
        for _ in 0..waiting {
            lane.wake.notify_one();
        }
    }

    fn serve(&'static self, lane: &'static Lane) {
        let waits = std::ptr::eq(lane, &raw const self.waiting);
        let mut queue = lane.queue.lock();
        loop {
            while queue.jobs.front().is_some_and(|job| job.exhausted()) {
                queue.jobs.pop_front();
            }
            if let Some(job) = queue.jobs.iter().find(|job| !job.exhausted()).cloned() {
                job.state.lock().inside += 1;
                drop(queue);
                let gate = Gate::piece();
                with_workspace(|workspace| job.help(workspace));
                job.leave();
                drop(job);
                drop(gate);
                if waits {
                    WORKSPACE.set(None);
                }
                queue = lane.queue.lock();
                continue;
            }
            if !waits && queue.threads > self.threads() {
                queue.threads -= 1;
                return;
            }
            queue.idle += 1;
            let timed_out;
            (queue, timed_out) = lane.wake.wait_for(queue, IDLE);
            if queue.called > 0 {
                queue.called -= 1;
            } else {
                queue.idle -= 1;
            }
            if timed_out && waits && queue.jobs.is_empty() {
                queue.threads -= 1;
                return;
            }
            if timed_out {
                drop(queue);
                WORKSPACE.set(None);
                self.blocks.trim(IDLE);
                self.decoded.trim();
                queue = lane.queue.lock();
            }
        }
    }

    /// Does `work` on every item, in parallel, while this thread waits and may be interrupted.
    ///
    /// # Errors
    /// The first failure; [`Error::Stopped`] when interrupted. Pieces that were begun may still finish: `work` owns all it touches.
    pub fn run_and_wait(
        &'static self,
        items: usize,
        batch: usize,
        work: Arc<Work>,
        interrupted: Interrupted<'_>,
    ) -> Result<()> {
        self.run_wide(items, batch, self.threads(), work, interrupted)
    }

    /// As [`Self::run_and_wait`], by so many threads: for work that waits for a network more than it computes.
    ///
    /// # Errors
    /// As [`Self::run_and_wait`].
    pub fn run_wide(
        &'static self,
        items: usize,
        batch: usize,
        most: usize,
        work: Arc<Work>,
        interrupted: Interrupted<'_>,
    ) -> Result<()> {
        let job = Arc::new(Job::new(items, batch, most, work));
        self.post(&job, most);
        if self.lane(&job).queue.lock().threads == 0 {
            with_workspace(|workspace| job.help(workspace));
        }
        let mut until: Option<Instant> = None;
        let mut state = job.state.lock();
        while !(job.exhausted() && state.inside == 0) {
            (state, _) = job.left.wait_for(state, ASK);
            if let Some(until) = until {
                if Instant::now() > until {
                    break;
                }
                continue;
            }
            drop(state);
            if interrupted() {
                job.stopped.store(true, Ordering::Relaxed);
                until = Some(Instant::now() + LEAVE);
            }
            state = job.state.lock();
        }
        job.end();
        if until.is_some() {
            return Err(Error::Stopped);
        }
        state.error.take().map_or(Ok(()), Err)
    }

    /// Does `work` on every item with this thread taking part: what a worker uses within its own piece.
    ///
    /// # Errors
    /// The first failure.
    pub fn run_and_help(
        &'static self,
        items: usize,
        batch: usize,
        work: Arc<Work>,
        workspace: &mut Workspace,
    ) -> Result<()> {
        self.run_wide_and_help(items, batch, self.threads(), work, workspace)
    }

    /// As [`Self::run_and_help`], by so many threads: for work that waits for a network more than it computes.
    ///
    /// # Errors
    /// The first failure.
    pub fn run_wide_and_help(
        &'static self,
        items: usize,
        batch: usize,
        most: usize,
        work: Arc<Work>,
        workspace: &mut Workspace,
    ) -> Result<()> {
        let job = Arc::new(Job::new(items, batch, most, work));
        if items > batch {
            self.post(&job, most.saturating_sub(1));
        }
        job.help(workspace);
        let mut state = job.state.lock();
        while state.inside > 0 {
            state = job.left.wait(state);
        }
        job.end();
        match state.error.take() {
            Some(error) => Err(error),
            // Some items were left out.
            None if job.is_stopped() => Err(Error::Stopped),
            None => Ok(()),
        }
    }

    /// As [`Self::run_and_help`], with work that borrows.
    ///
    /// # Errors
    /// The first failure.
    pub fn run_scoped(
        &'static self,
        items: usize,
        batch: usize,
        work: &(dyn Fn(usize, &mut Workspace) -> Result<()> + Sync),
        workspace: &mut Workspace,
    ) -> Result<()> {
        struct Borrowed(*const (dyn Fn(usize, &mut Workspace) -> Result<()> + Sync));
        // SAFETY: what it points at is `Sync`.
        unsafe impl Send for Borrowed {}
        // SAFETY: as above.
        unsafe impl Sync for Borrowed {}
        impl Borrowed {
            fn call(&self, at: usize, workspace: &mut Workspace) -> Result<()> {
                // SAFETY: items are only taken while `run_and_help` below has not returned; a thread that comes later finds none.
                unsafe { (*self.0)(at, workspace) }
            }
        }
        // SAFETY: the lifetime is shortened again by `Borrowed::call`'s condition.
        let work: &(dyn Fn(usize, &mut Workspace) -> Result<()> + Sync + 'static) =
            unsafe { std::mem::transmute(work) };
        let work = Borrowed(std::ptr::from_ref(work));
        self.run_and_help(
            items,
            batch,
            Arc::new(move |at, workspace| work.call(at, workspace)),
            workspace,
        )
    }

    /// Decodes or encodes on a thread that waited for a network: however many such threads there are, as many compute at once as
    /// threads work, each with the memory that is kept for it.
    pub fn compute<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> T {
        struct Seat<'a>(&'a Runtime, Option<Workspace>);
        impl Drop for Seat<'_> {
            fn drop(&mut self) {
                let mut desks = self.0.desks.lock();
                desks.used -= 1;
                // What a panic left half done is not used again.
                desks.idle.extend(self.1.take().filter(|_| !std::thread::panicking()));
                drop(desks);
                self.0.desk_free.notify_one();
            }
        }
        let mut desks = self.desks.lock();
        while desks.used >= self.threads() {
            desks = self.desk_free.wait(desks);
        }
        desks.used += 1;
        let held = desks.idle.pop();
        drop(desks);
        let mut seat = Seat(self, held);
        work(seat.1.get_or_insert_with(new_workspace))
    }

    /// Hands one piece of work to the pool and returns at once. Of work that waits for a network, `most` is how many threads may.
    pub fn spawn(&'static self, most: usize, work: impl FnOnce() + Send + 'static) -> Stop {
        let once = Mutex::new(Some(work));
        let work: Arc<Work> = Arc::new(move |_, _| {
            let work = once.lock().take();
            if let Some(work) = work {
                work();
            }
            Ok(())
        });
        let job = Arc::new(Job::new(1, 1, most, work));
        self.post(&job, 1);
        if self.lane(&job).queue.lock().threads == 0 {
            with_workspace(|workspace| job.help(workspace));
        }
        Stop(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_once_and_the_first_failure_stops_the_rest() {
        let sum = Arc::new(AtomicUsize::new(0));
        let inner = Arc::clone(&sum);
        let work: Arc<Work> = Arc::new(move |at, _| {
            inner.fetch_add(at, Ordering::Relaxed);
            Ok(())
        });
        runtime()
            .run_and_wait(1000, 7, Arc::clone(&work), &mut || false)
            .expect("no failure");
        assert_eq!(sum.load(Ordering::Relaxed), 499_500);
        with_workspace(|workspace| runtime().run_and_help(1000, 7, work, workspace)).expect("no failure");
        assert_eq!(sum.load(Ordering::Relaxed), 999_000);

        let fails: Arc<Work> = Arc::new(|at, _| {
            if at == 5 {
                Err(Error::Defect("five".into()))
            } else {
                Ok(())
            }
        });
        assert!(matches!(
            runtime().run_and_wait(1000, 1, fails, &mut || false),
            Err(Error::Defect(_))
        ));
        let panics: Arc<Work> = Arc::new(|_, _| panic!("on purpose"));
        assert!(matches!(
            runtime().run_and_wait(3, 1, panics, &mut || false),
            Err(Error::Defect(_))
        ));
    }

    #[test]
    fn what_work_holds_is_let_go_of_before_its_caller_goes_on() {
        let held = Arc::new(());
        let borrowed = Arc::clone(&held);
        let holding = move || -> Arc<Work> {
            let held = Arc::clone(&borrowed);
            Arc::new(move |_, _| {
                std::hint::black_box(&held);
                Ok(())
            })
        };
        for _ in 0..500 {
            runtime()
                .run_and_wait(64, 1, holding(), &mut || false)
                .expect("no failure");
            // The caller of these lines, and what makes the work.
            assert_eq!(Arc::strong_count(&held), 2);
            with_workspace(|workspace| runtime().run_and_help(64, 1, holding(), workspace)).expect("no failure");
            assert_eq!(Arc::strong_count(&held), 2);
        }
    }

    #[test]
    fn an_interrupted_caller_leaves_soon() {
        let slow: Arc<Work> = Arc::new(|_, _| {
            std::thread::sleep(Duration::from_millis(5));
            Ok(())
        });
        let began = Instant::now();
        let stopped = runtime().run_and_wait(100_000, 1, slow, &mut || began.elapsed() > Duration::from_millis(20));
        assert!(matches!(stopped, Err(Error::Stopped)));
        assert!(began.elapsed() < Duration::from_millis(200));
    }

    #[test]
    fn work_within_work_never_waits_for_a_free_thread() {
        let outer: Arc<Work> = Arc::new(|_, workspace| {
            let inner: Arc<Work> = Arc::new(|_, _| Ok(()));
            runtime().run_and_help(50, 1, inner, workspace)
        });
        runtime()
            .run_and_wait(200, 1, outer, &mut || false)
            .expect("no failure");
    }
}
