//! Questions of many threads, asked together.
//!
//! Crossing into Python takes its lock, and a store that waits for a network wants its requests at once. So threads leave their questions
//! here; one of them takes Python's lock, and asks all that came by then in one call. While a call waits for its answers the next one is
//! gathered, so nothing is held up.

use pyo3::prelude::*;
use std::sync::Arc;
use zarrite_engine::sync::{Condvar, Mutex};

/// Calls that may be under way together. More would be smaller ones: who waits for a call joins the next.
const CALLS: usize = 16;

/// Questions that wait for a thread to ask them.
pub struct Gather<Q, A> {
    waiting: Mutex<Waiting<Q, A>>,
}

struct Waiting<Q, A> {
    groups: Vec<(Vec<Q>, Arc<Slot<A>>)>,
    /// A thread is on its way to take them.
    taken_soon: bool,
    /// Threads that take or have taken some and wait for the answers.
    calls: usize,
}

impl<Q, A> Waiting<Q, A> {
    /// Whether the thread that asks is to call, since nobody else is about to.
    fn calls(&mut self) -> bool {
        let calls = !self.taken_soon && self.calls < CALLS && !self.groups.is_empty();
        if calls {
            self.taken_soon = true;
            self.calls += 1;
        }
        calls
    }
}

/// Where the answers of one thread's questions arrive.
struct Slot<A> {
    state: Mutex<State<A>>,
    came: Condvar,
}

struct State<A> {
    answers: Option<Vec<A>>,
    /// The thread that waits here is to call.
    calls: bool,
}

impl<Q, A> Default for Gather<Q, A> {
    fn default() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                groups: Vec::new(),
                taken_soon: false,
                calls: 0,
            }),
        }
    }
}

impl<Q, A> Gather<Q, A> {
    /// The answers to `questions`, in their order. `ask` is called with those of other threads too, and answers every one.
    pub fn ask(&self, questions: Vec<Q>, ask: impl Fn(Python<'_>, &[Q]) -> Vec<A>) -> Vec<A> {
        if questions.is_empty() {
            return Vec::new();
        }
        let slot = Arc::new(Slot {
            state: Mutex::new(State {
                answers: None,
                calls: false,
            }),
            came: Condvar::default(),
        });
        let mut calls = {
            let mut waiting = self.waiting.lock();
            waiting.groups.push((questions, Arc::clone(&slot)));
            waiting.calls()
        };
        loop {
            if calls {
                self.call(&ask);
            }
            let mut state = slot.state.lock();
            loop {
                if let Some(answers) = state.answers.take() {
                    return answers;
                }
                if std::mem::take(&mut state.calls) {
                    calls = true;
                    break;
                }
                state = slot.came.wait(state);
            }
        }
    }

    /// Asks all that waits by the time Python's lock is had, and sees to it that what came meanwhile is asked by one of those who wait.
    fn call(&self, ask: &impl Fn(Python<'_>, &[Q]) -> Vec<A>) {
        Python::attach(|py| {
            let groups = {
                let mut waiting = self.waiting.lock();
                waiting.taken_soon = false;
                std::mem::take(&mut waiting.groups)
            };
            let counts: Vec<(usize, Arc<Slot<A>>)> = groups
                .iter()
                .map(|(group, slot)| (group.len(), Arc::clone(slot)))
                .collect();
            let all: Vec<Q> = groups.into_iter().flat_map(|(group, _)| group).collect();
            let mut answers = ask(py, &all).into_iter();
            for (count, slot) in counts {
                slot.state.lock().answers = Some(answers.by_ref().take(count).collect());
                slot.came.notify_all();
            }
        });
        let next = {
            let mut waiting = self.waiting.lock();
            waiting.calls -= 1;
            let first = waiting.groups.first().map(|(_, slot)| Arc::clone(slot));
            first.filter(|_| waiting.calls())
        };
        if let Some(next) = next {
            next.state.lock().calls = true;
            next.came.notify_all();
        }
    }
}
