//! Bytes in flight: what requests may hold, encoded and decoded, all together.

use crate::sync::{Condvar, Mutex};

/// A process-wide allowance of bytes. What is larger than all of it is let through alone.
pub struct Budget {
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    total: usize,
    used: usize,
    most: usize,
}

/// A quarter of the machine's memory, up to two GiB.
fn default_bytes() -> usize {
    memory_of_machine().map_or(1 << 30, |bytes| (bytes / 4).min(2 << 30))
}

/// The machine's memory in bytes, where the system tells.
pub fn memory_of_machine() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim()
        .trim_end_matches("kB")
        .trim()
        .parse::<usize>()
        .ok()?
        .checked_mul(1024)
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                total: default_bytes(),
                used: 0,
                most: 0,
            }),
            freed: Condvar::default(),
        }
    }
}

/// Bytes taken from the budget; given back when dropped.
pub struct Taken<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Budget {
    /// Waits until `bytes` may be held.
    ///
    /// Who holds some never waits for more: take once, what the whole piece needs.
    pub fn take(&self, bytes: usize) -> Taken<'_> {
        let mut state = self.state.lock();
        let bytes = bytes.min(state.total);
        while state.used + bytes > state.total && state.used > 0 {
            state = self.freed.wait(state);
        }
        state.used += bytes;
        state.most = state.most.max(state.used);
        Taken { budget: self, bytes }
    }

    /// As [`Self::take`], without waiting.
    pub fn try_take(&self, bytes: usize) -> Option<Taken<'_>> {
        let mut state = self.state.lock();
        let bytes = bytes.min(state.total);
        if state.used + bytes > state.total && state.used > 0 {
            return None;
        }
        state.used += bytes;
        state.most = state.most.max(state.used);
        drop(state);
        Some(Taken { budget: self, bytes })
    }

    /// All that may be held.
    pub fn total(&self) -> usize {
        self.state.lock().total
    }

    /// The most that was held at once.
    pub fn most(&self) -> usize {
        self.state.lock().most
    }

    /// Sets what may be held.
    pub fn set_total(&self, bytes: usize) {
        self.state.lock().total = bytes.max(1 << 20);
        self.freed.notify_all();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.budget.state.lock().used -= self.bytes;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_the_budget() {
        let budget = Budget::default();
        budget.set_total(4 << 20);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let taken = budget.take(3 << 20);
                        assert!(budget.most() <= 4 << 20);
                        drop(taken);
                    }
                });
            }
        });
        assert!(budget.most() <= 4 << 20);
        drop(budget.take(1 << 40));
    }
}
