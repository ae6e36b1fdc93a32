//! Requests to a network and what is done with their answers: many are in flight, and few threads compute.
//!
//! A thread for each request would be woken twice for it. Here the threads that decode also make the requests: each does what came,
//! asks for more where that may be, and sleeps only when neither is to be done.

use crate::array::{Door, IN_FLIGHT, far};
use crate::budget::Taken;
use crate::error::{Error, Result};
use crate::runtime::{ASK, go_on, runtime};
use crate::store::{self, Later, Way};
use crate::sync::{Condvar, Mutex, MutexGuard};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use zarrite_core::Workspace;

/// What is asked for, and what is done with it.
pub trait Errand: Send + Sync + 'static {
    /// What comes.
    type Answer: Send + 'static;
    /// What an item holds until it is done: the lock of an object that is changed, for one.
    type Held: Send + 'static;

    /// The first request of item `at`. Only who `may_wait` waits for another's lock: then this errand holds none.
    ///
    /// # Errors
    /// Why it cannot be made: nothing more is asked then.
    fn ask(&self, at: usize, may_wait: bool) -> Result<First<Self>>;

    /// Goes on with what came, on a thread that computes: with another request, or the item is done. `taken` is the memory of the
    /// item: who waits for another answer lets go of it before.
    ///
    /// # Errors
    /// The first is what the whole errand fails with.
    fn finish(
        &self,
        at: usize,
        held: Self::Held,
        answer: store::Result<Self::Answer>,
        taken: Taken<'static>,
    ) -> Result<Option<Next<Self>>>;
}

/// What an item begins with.
pub enum First<E: Errand + ?Sized> {
    /// A request, and the memory that is held from then on until the item is done.
    Asked(Asked<E>, usize),
    /// Somebody else has what is needed.
    Busy,
}

/// What an item goes on with: it keeps its memory.
pub type Next<E> = (Asked<E>, Taken<'static>);

/// A request that can be made.
pub struct Asked<E: Errand + ?Sized> {
    /// What the item holds meanwhile.
    pub held: E::Held,
    /// Makes it.
    pub begin: Begin<E::Answer>,
}

/// Makes a request. What it returns ends the request when it is dropped; one that changes something is not ended.
pub type Begin<T> = Box<dyn FnOnce(Later<T>) -> Option<Way> + Send>;

/// Does all items of an errand.
///
/// # Errors
/// The first failure; [`Error::Stopped`] when interrupted.
pub fn run<E: Errand>(errand: E, items: usize, door: &mut Door<'_>) -> Result<()> {
    let trip = Arc::new(Trip {
        errand,
        items,
        state: Mutex::new(State {
            next: 0,
            left: items,
            in_flight: 0,
            coming: 0,
            waiting: 0,
            stopped: false,
            answers: VecDeque::new(),
            postponed: Vec::new(),
            busy: VecDeque::new(),
            again: 0,
            ways: HashMap::new(),
        }),
        more: Condvar::default(),
    });
    let workers = runtime().threads().min(items);
    let working = Arc::clone(&trip);
    let done = far(
        workers,
        false,
        Arc::new(move |_, _: &mut Workspace| working.work()),
        door,
    );
    trip.stop();
    if !matches!(done, Ok(()) | Err(Error::Stopped)) {
        trip.wait_for_the_rest(door);
    }
    done
}

struct Trip<E: Errand> {
    errand: E,
    items: usize,
    state: Mutex<State<E>>,
    /// Something came, or all is done.
    more: Condvar,
}

struct State<E: Errand> {
    next: usize,
    /// Items that are not done.
    left: usize,
    in_flight: usize,
    /// Requests of which nothing came yet, also where nobody waits for it.
    coming: usize,
    /// Threads that sleep.
    waiting: usize,
    stopped: bool,
    answers: VecDeque<Came<E>>,
    /// Requests for which there was no memory.
    postponed: Vec<(usize, Asked<E>, usize)>,
    /// Items that wait for somebody else.
    busy: VecDeque<usize>,
    /// So many of them were not tried since an item was done.
    again: usize,
    /// What ends the requests in flight when it is dropped.
    ways: HashMap<usize, Way>,
}

/// An answer, and all that is held for its item.
struct Came<E: Errand> {
    at: usize,
    held: E::Held,
    answer: store::Result<E::Answer>,
    taken: Taken<'static>,
}

impl<E: Errand> State<E> {
    /// The item that is asked next, and whether it may wait.
    fn next(&mut self, items: usize) -> Option<(usize, bool)> {
        if self.next < items {
            self.next += 1;
            return Some((self.next - 1, false));
        }
        if self.in_flight == 0 {
            return self.busy.pop_front().map(|at| (at, true));
        }
        self.again = self.again.checked_sub(1)?;
        self.busy.pop_front().map(|at| (at, false))
    }
}

impl<E: Errand> Trip<E> {
    fn work(self: &Arc<Self>) -> Result<()> {
        self.take_turns().inspect_err(|_| self.stop())
    }

    fn take_turns(self: &Arc<Self>) -> Result<()> {
        let mut state = self.state.lock();
        loop {
            // Who stopped it says why.
            if state.left == 0 || state.stopped {
                return Ok(());
            }
            if let Some(Came {
                at,
                held,
                answer,
                taken,
            }) = state.answers.pop_front()
            {
                let way = state.ways.remove(&at);
                drop(state);
                drop(way);
                go_on()?;
                state = match self.errand.finish(at, held, answer, taken)? {
                    Some((asked, taken)) => self.begin(at, asked, taken, true),
                    None => self.done(),
                };
            } else if state.in_flight < IN_FLIGHT && !state.postponed.is_empty() {
                let alone = state.in_flight == 0;
                state.in_flight += 1;
                if let Some((at, asked, bytes)) = state.postponed.pop() {
                    drop(state);
                    state = self.begin_when_there_is_memory(at, asked, bytes, alone);
                }
            } else if state.in_flight < IN_FLIGHT
                && let Some((at, may_wait)) = state.next(self.items)
            {
                let alone = state.in_flight == 0;
                state.in_flight += 1;
                drop(state);
                state = self.ask(at, may_wait, alone)?;
            } else {
                state = self.sleep(state);
                drop(state);
                go_on()?;
                state = self.state.lock();
            }
        }
    }

    /// An item is done.
    fn done(&self) -> MutexGuard<'_, State<E>> {
        let mut state = self.state.lock();
        state.left -= 1;
        state.again = state.busy.len();
        if state.left == 0 {
            self.more.notify_all();
        }
        state
    }

    fn sleep<'a>(&self, mut state: MutexGuard<'a, State<E>>) -> MutexGuard<'a, State<E>> {
        state.waiting += 1;
        (state, _) = self.more.wait_for(state, ASK);
        state.waiting -= 1;
        state
    }

    /// Asks for an item that was not asked for.
    fn ask(self: &Arc<Self>, at: usize, may_wait: bool, alone: bool) -> Result<MutexGuard<'_, State<E>>> {
        go_on()?;
        match self.errand.ask(at, may_wait)? {
            First::Asked(asked, bytes) => Ok(self.begin_when_there_is_memory(at, asked, bytes, alone)),
            First::Busy => {
                let mut state = self.state.lock();
                state.in_flight -= 1;
                state.busy.push_back(at);
                Ok(state)
            }
        }
    }

    /// Makes a request; who is not alone waits for memory until something came: that gives some back.
    fn begin_when_there_is_memory(
        self: &Arc<Self>,
        at: usize,
        asked: Asked<E>,
        bytes: usize,
        alone: bool,
    ) -> MutexGuard<'_, State<E>> {
        let taken = if alone {
            runtime().budget.take(bytes)
        } else if let Some(taken) = runtime().budget.try_take(bytes) {
            taken
        } else {
            let mut state = self.state.lock();
            state.in_flight -= 1;
            state.postponed.push((at, asked, bytes));
            if state.in_flight > 0 && state.answers.is_empty() {
                state = self.sleep(state);
            }
            return state;
        };
        self.begin(at, asked, taken, false)
    }

    fn begin(
        self: &Arc<Self>,
        at: usize,
        asked: Asked<E>,
        taken: Taken<'static>,
        more: bool,
    ) -> MutexGuard<'_, State<E>> {
        let mut state = self.state.lock();
        state.in_flight += usize::from(more);
        state.coming += 1;
        drop(state);
        let coming = Coming {
            trip: Arc::clone(self),
            at,
            holds: Some((asked.held, taken)),
        };
        let way = (asked.begin)(Box::new(move |answer| coming.came(answer)));
        let mut state = self.state.lock();
        if let Some(way) = way
            && !state.stopped
        {
            state.ways.insert(at, way);
        }
        state
    }

    /// What is changed at this moment is changed when this returns, unless the caller gives up: nothing lands behind a failure.
    fn wait_for_the_rest(&self, door: &mut Door<'_>) {
        let mut state = self.state.lock();
        while state.coming > 0 {
            state = self.sleep(state);
            if let Door::Wait(interrupted) = door {
                drop(state);
                if interrupted() {
                    return;
                }
                state = self.state.lock();
            }
        }
    }

    /// Nothing more is begun, and nobody waits for what is on its way.
    fn stop(&self) {
        let mut state = self.state.lock();
        state.stopped = true;
        let ways = std::mem::take(&mut state.ways);
        let answers = std::mem::take(&mut state.answers);
        let postponed = std::mem::take(&mut state.postponed);
        drop(state);
        self.more.notify_all();
        drop((ways, answers, postponed));
    }
}

/// An answer that is awaited; one that never comes is a failure too.
struct Coming<E: Errand> {
    trip: Arc<Trip<E>>,
    at: usize,
    holds: Option<(E::Held, Taken<'static>)>,
}

impl<E: Errand> Coming<E> {
    fn came(mut self, answer: store::Result<E::Answer>) {
        self.hand_over(answer);
    }

    fn hand_over(&mut self, answer: store::Result<E::Answer>) {
        let Some((held, taken)) = self.holds.take() else {
            return;
        };
        let at = self.at;
        let mut state = self.trip.state.lock();
        state.in_flight -= 1;
        state.coming -= 1;
        if state.stopped {
            drop(state);
            drop((held, taken));
            self.trip.more.notify_all();
            return;
        }
        state.answers.push_back(Came {
            at,
            held,
            answer,
            taken,
        });
        if state.waiting > 0 {
            self.trip.more.notify_one();
        }
    }
}

impl<E: Errand> Drop for Coming<E> {
    fn drop(&mut self) {
        self.hand_over(Err(store::Error::Io {
            key: String::new(),
            errno: None,
            why: "a request ended without an answer".to_owned(),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers from another thread, the last asked first; some never come, some are failures.
    struct Echo {
        lost: Option<usize>,
        refused: Option<usize>,
        in_flight: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
        sum: Arc<AtomicUsize>,
    }

    impl Errand for Echo {
        type Answer = usize;
        /// Which request of the item it is.
        type Held = usize;

        fn ask(&self, at: usize, may_wait: bool) -> Result<First<Self>> {
            match at % 10 {
                8 if !may_wait => Ok(First::Busy),
                _ => Ok(First::Asked(self.asked(at, 0), 1 << 20)),
            }
        }

        fn finish(
            &self,
            at: usize,
            held: usize,
            answer: store::Result<usize>,
            taken: Taken<'static>,
        ) -> Result<Option<Next<Self>>> {
            let answer = answer?;
            assert_eq!(at, answer);
            if self.refused == Some(at) {
                return Err(Error::Defect("refused".into()));
            }
            if at % 10 == 7 && held < 3 {
                return Ok(Some((self.asked(at, held + 1), taken)));
            }
            self.sum.fetch_add(answer, Ordering::Relaxed);
            Ok(None)
        }
    }

    impl Echo {
        fn asked(&self, at: usize, held: usize) -> Asked<Self> {
            let (lost, in_flight, most) = (self.lost, Arc::clone(&self.in_flight), Arc::clone(&self.most));
            let begin: Begin<usize> = Box::new(move |then| {
                most.fetch_max(in_flight.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                std::thread::spawn(move || {
                    in_flight.fetch_sub(1, Ordering::Relaxed);
                    if lost != Some(at) {
                        then(Ok(at));
                    }
                });
                None
            });
            Asked { held, begin }
        }
    }

    fn echo(lost: Option<usize>, refused: Option<usize>) -> (Result<()>, usize, usize) {
        let (most, sum) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let errand = Echo {
            lost,
            refused,
            in_flight: Arc::default(),
            most: Arc::clone(&most),
            sum: Arc::clone(&sum),
        };
        let done = run(errand, 1000, &mut Door::Wait(&mut || false));
        (done, most.load(Ordering::Relaxed), sum.load(Ordering::Relaxed))
    }

    #[test]
    fn every_item_is_finished_once_and_no_more_are_asked_than_may_be() {
        let (done, most, sum) = echo(None, None);
        assert!(done.is_ok());
        assert_eq!(sum, 499_500);
        // Who goes on with an item has given its place away, and takes another at once.
        assert!(most <= IN_FLIGHT + runtime().threads());
    }

    #[test]
    fn what_failed_is_what_the_errand_fails_with() {
        assert!(matches!(echo(None, Some(500)).0, Err(Error::Defect(why)) if why == "refused"));
        let lost = echo(Some(7), None).0.map_err(|error| error.to_string());
        assert!(lost.is_err_and(|why| why.contains("without an answer")));
    }

    #[test]
    fn an_interrupted_caller_waits_for_no_answer() {
        struct Never;
        impl Errand for Never {
            type Answer = ();
            type Held = ();
            fn ask(&self, _at: usize, _may_wait: bool) -> Result<First<Self>> {
                let begin: Begin<()> = Box::new(|then| Some(Box::new(Mutex::new(then))));
                Ok(First::Asked(Asked { held: (), begin }, 0))
            }
            fn finish(
                &self,
                _at: usize,
                (): (),
                answer: store::Result<()>,
                _taken: Taken<'static>,
            ) -> Result<Option<Next<Self>>> {
                Ok(answer.map(|()| None)?)
            }
        }
        let mut asked = 0;
        let mut interrupted = || {
            asked += 1;
            asked > 2
        };
        let done = run(Never, 1000, &mut Door::Wait(&mut interrupted));
        assert!(matches!(done, Err(Error::Stopped)));
    }
}
