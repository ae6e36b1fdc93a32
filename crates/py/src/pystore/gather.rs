//! Questions of many threads, asked together.
//!
//! Crossing into Python takes its lock, and a store that waits for a network wants its requests at once. So threads leave their questions
//! here; one of them takes Python's lock, and asks all that came by then in one call. While a call waits for its answers the next one is
//! gathered, so nothing is held up.

use pyo3::prelude::*;
use std::sync::Arc;
use zarrite_engine::sync::{Condvar, Mutex};

/// Questions that wait for a thread to ask them.
pub struct Gather<Q, A> {
    waiting: Mutex<Waiting<Q, A>>,
}

struct Waiting<Q, A> {
    groups: Vec<(Vec<Q>, Arc<Slot<A>>)>,
    /// A thread is on its way to take them.
    taken_soon: bool,
}

/// Where the answers of one thread's questions arrive.
struct Slot<A> {
    answers: Mutex<Option<Vec<A>>>,
    came: Condvar,
}

impl<Q, A> Default for Gather<Q, A> {
    fn default() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                groups: Vec::new(),
                taken_soon: false,
            }),
        }
    }
}

impl<Q, A> Gather<Q, A> {
    /// The answers to `questions`, in their order. `ask` is called with those of other threads too, and answers every one.
    pub fn ask(&self, questions: Vec<Q>, ask: impl FnOnce(Python<'_>, &[Q]) -> Vec<A>) -> Vec<A> {
        if questions.is_empty() {
            return Vec::new();
        }
        let slot = Arc::new(Slot {
            answers: Mutex::new(None),
            came: Condvar::default(),
        });
        let asks = {
            let mut waiting = self.waiting.lock();
            waiting.groups.push((questions, Arc::clone(&slot)));
            !std::mem::replace(&mut waiting.taken_soon, true)
        };
        if asks {
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
                    *slot.answers.lock() = Some(answers.by_ref().take(count).collect());
                    slot.came.notify_all();
                }
            });
        }
        let mut answers = slot.answers.lock();
        loop {
            if let Some(answers) = answers.take() {
                return answers;
            }
            answers = slot.came.wait(answers);
        }
    }
}
