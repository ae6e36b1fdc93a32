//! Who writes an object: one thread after another.

use crate::sync::{Condvar, Mutex};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// So many parts, so that threads which lock different objects seldom meet.
const PARTS: usize = 64;

/// The locks of objects: each has its own, for objects that shared one would wait for each other's answers from a network.
pub struct Turns {
    parts: Vec<Part>,
    hashers: [RandomState; 2],
}

#[derive(Default)]
struct Part {
    state: Mutex<State>,
    given: Condvar,
}

#[derive(Default)]
struct State {
    held: HashSet<[u64; 2]>,
    waiting: usize,
}

/// The turn of one thread at one object, until it is dropped.
pub struct Turn<'a> {
    part: &'a Part,
    name: [u64; 2],
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            parts: (0..PARTS).map(|_| Part::default()).collect(),
            hashers: [RandomState::new(), RandomState::new()],
        }
    }
}

impl Turns {
    /// Waits until nobody else has the object of a name. Who has one waits for no other.
    pub fn wait(&self, name: &str) -> Turn<'_> {
        let (part, name) = self.find(name);
        let mut state = part.state.lock();
        while !state.held.insert(name) {
            state.waiting += 1;
            state = part.given.wait(state);
            state.waiting -= 1;
        }
        drop(state);
        Turn { part, name }
    }

    /// The turn, if nobody else has it.
    pub fn take(&self, name: &str) -> Option<Turn<'_>> {
        let (part, name) = self.find(name);
        let free = part.state.lock().held.insert(name);
        free.then_some(Turn { part, name })
    }

    fn find(&self, name: &str) -> (&Part, [u64; 2]) {
        let name = [self.hashers[0].hash_one(name), self.hashers[1].hash_one(name)];
        (&self.parts[name[0] as usize % PARTS], name)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.part.state.lock();
        state.held.remove(&self.name);
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.part.given.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_object_has_one_turn_and_different_objects_never_wait() {
        let turns = Turns::default();
        let all: Vec<_> = (0..10_000).map(|at| turns.wait(&at.to_string())).collect();
        drop(all);
        let (inside, sum) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for at in 0..1000 {
                        let turn = turns.wait(if at % 3 == 0 { "a" } else { "b" });
                        if at % 3 == 0 {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            sum.fetch_add(1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                        }
                        drop(turn);
                    }
                });
            }
        });
        assert_eq!(sum.load(Ordering::SeqCst), 8 * 334);
        assert!(turns.parts.iter().all(|part| part.state.lock().held.is_empty()));
    }
}
