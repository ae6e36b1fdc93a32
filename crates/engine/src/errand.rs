//! Requests to a network and what is done with their answers: many are in flight, and few threads compute.
//!
//! A thread for each request would be woken twice for it. Here the threads that decode also make the requests: each does what came,
//! asks for more where that may be, and sleeps only when neither is to be done.

use crate::array::{Door, IN_FLIGHT, far};
use crate::budget::Taken;
use crate::error::Result;
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

    /// The request of item `at`; `None` when the item could be done without.
    ///
    /// # Errors
    /// Why it cannot be made: nothing more is asked then.
    fn ask(&self, at: usize) -> Result<Option<Asked<Self::Answer>>>;

    /// Does an item with what came, on a thread that computes. `taken` is the memory of the request: who asks again lets go of
    /// it before.
    ///
    /// # Errors
    /// The first is what the whole errand fails with.
    fn finish(&self, at: usize, answer: store::Result<Self::Answer>, taken: Option<Taken<'_>>) -> Result<()>;
}

/// A request that can be made.
pub struct Asked<T> {
    /// Memory that is held from the request on until its item is done.
    pub bytes: usize,
    /// Makes it.
    pub begin: Box<dyn FnOnce(Later<T>) -> Option<Way> + Send>,
}

/// Does all items of an errand.
///
/// # Errors
/// The first failure; [`Error::Stopped`](crate::error::Error::Stopped) when interrupted.
pub fn run<E: Errand>(errand: E, items: usize, door: &mut Door<'_>) -> Result<()> {
    let trip = Arc::new(Trip {
        errand,
        items,
        state: Mutex::new(State {
            next: 0,
            left: items,
            in_flight: 0,
            waiting: 0,
            stopped: false,
            answers: VecDeque::new(),
            postponed: Vec::new(),
            ways: HashMap::new(),
        }),
        more: Condvar::default(),
    });
    let workers = runtime().threads().min(items);
    let working = Arc::clone(&trip);
    let done = far(workers, Arc::new(move |_, _: &mut Workspace| working.work()), door);
    trip.stop();
    done
}

struct Trip<E: Errand> {
    errand: E,
    items: usize,
    state: Mutex<State<E::Answer>>,
    /// Something came, or all is done.
    more: Condvar,
}

struct State<T> {
    next: usize,
    /// Items that are not done.
    left: usize,
    in_flight: usize,
    /// Threads that sleep.
    waiting: usize,
    stopped: bool,
    answers: VecDeque<(usize, store::Result<T>, Option<Taken<'static>>)>,
    /// Requests for which there was no memory.
    postponed: Vec<(usize, Asked<T>)>,
    /// What ends the requests in flight when it is dropped.
    ways: HashMap<usize, Way>,
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
            if let Some((at, answer, taken)) = state.answers.pop_front() {
                let way = state.ways.remove(&at);
                drop(state);
                drop(way);
                go_on()?;
                self.errand.finish(at, answer, taken)?;
                state = self.done();
            } else if state.in_flight < IN_FLIGHT && (state.next < self.items || !state.postponed.is_empty()) {
                state = self.ask(state)?;
            } else {
                state = self.sleep(state);
                drop(state);
                go_on()?;
                state = self.state.lock();
            }
        }
    }

    /// An item is done.
    fn done(&self) -> MutexGuard<'_, State<E::Answer>> {
        let mut state = self.state.lock();
        state.left -= 1;
        if state.left == 0 {
            self.more.notify_all();
        }
        state
    }

    fn sleep<'a>(&self, mut state: MutexGuard<'a, State<E::Answer>>) -> MutexGuard<'a, State<E::Answer>> {
        state.waiting += 1;
        (state, _) = self.more.wait_for(state, ASK);
        state.waiting -= 1;
        state
    }

    /// Makes the next request, or sleeps when there is no memory for it.
    fn ask<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<E::Answer>>,
    ) -> Result<MutexGuard<'a, State<E::Answer>>> {
        let postponed = state.postponed.pop();
        let alone = state.in_flight == 0;
        state.in_flight += 1;
        let (at, asked) = if let Some((at, asked)) = postponed {
            drop(state);
            (at, asked)
        } else {
            let at = state.next;
            state.next += 1;
            drop(state);
            go_on()?;
            let Some(asked) = self.errand.ask(at)? else {
                let mut state = self.done();
                state.in_flight -= 1;
                return Ok(state);
            };
            (at, asked)
        };
        // Who holds some waits for what it has to come: that gives memory back.
        let taken = if alone {
            runtime().budget.take(asked.bytes)
        } else if let Some(taken) = runtime().budget.try_take(asked.bytes) {
            taken
        } else {
            let mut state = self.state.lock();
            state.in_flight -= 1;
            state.postponed.push((at, asked));
            if state.in_flight > 0 && state.answers.is_empty() {
                state = self.sleep(state);
            }
            return Ok(state);
        };
        let coming = Coming {
            trip: Arc::clone(self),
            at,
            taken: Some(taken),
        };
        let way = (asked.begin)(Box::new(move |answer| coming.came(answer)));
        let mut state = self.state.lock();
        if let Some(way) = way
            && !state.stopped
        {
            state.ways.insert(at, way);
        }
        Ok(state)
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
    taken: Option<Taken<'static>>,
}

impl<E: Errand> Coming<E> {
    fn came(mut self, answer: store::Result<E::Answer>) {
        let taken = self.taken.take();
        self.hand_over(answer, taken);
    }

    fn hand_over(&self, answer: store::Result<E::Answer>, taken: Option<Taken<'static>>) {
        let mut state = self.trip.state.lock();
        if state.stopped {
            drop(state);
            return;
        }
        state.in_flight -= 1;
        state.answers.push_back((self.at, answer, taken));
        if state.waiting > 0 {
            self.trip.more.notify_one();
        }
    }
}

impl<E: Errand> Drop for Coming<E> {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            let lost = store::Error::Io {
                key: String::new(),
                errno: None,
                why: "a request ended without an answer".to_owned(),
            };
            self.hand_over(Err(lost), Some(taken));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
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

        fn ask(&self, at: usize) -> Result<Option<Asked<usize>>> {
            if at % 10 == 9 {
                self.sum.fetch_add(at, Ordering::Relaxed);
                return Ok(None);
            }
            let (lost, in_flight, most) = (self.lost, Arc::clone(&self.in_flight), Arc::clone(&self.most));
            Ok(Some(Asked {
                bytes: 1 << 20,
                begin: Box::new(move |then| {
                    most.fetch_max(in_flight.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    std::thread::spawn(move || {
                        in_flight.fetch_sub(1, Ordering::Relaxed);
                        if lost != Some(at) {
                            then(Ok(at));
                        }
                    });
                    None
                }),
            }))
        }

        fn finish(&self, at: usize, answer: store::Result<usize>, _taken: Option<Taken<'_>>) -> Result<()> {
            let answer = answer?;
            assert_eq!(at, answer);
            if self.refused == Some(at) {
                return Err(Error::Defect("refused".into()));
            }
            self.sum.fetch_add(answer, Ordering::Relaxed);
            Ok(())
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
        assert!(most <= IN_FLIGHT);
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
            fn ask(&self, _at: usize) -> Result<Option<Asked<()>>> {
                Ok(Some(Asked {
                    bytes: 0,
                    begin: Box::new(|then| Some(Box::new(Mutex::new(then)))),
                }))
            }
            fn finish(&self, _at: usize, answer: store::Result<()>, _taken: Option<Taken<'_>>) -> Result<()> {
                Ok(answer?)
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
