//! Where a fork waits until no request is under way, so that no lock is held in the child by a thread that does not live there.
//!
//! One number and no lock of its own: how many are inside, and two bits of a fork. Who must wait here sleeps a little and looks again.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A fork waits: no request begins, those under way go on.
const WAITING: usize = 1 << (usize::BITS - 1);
/// A fork happens: nobody enters.
const HELD: usize = 1 << (usize::BITS - 2);

const LOOK: Duration = Duration::from_micros(50);
/// How long a fork waits for requests to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the end of the process waits for requests that nobody waits for any more.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

static INSIDE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// How many gates this thread holds.
    static HOLDS: Cell<usize> = const { Cell::new(0) };
}

/// Held while a request, or a piece of one, is under way.
pub struct Gate(());

impl Gate {
    /// Enters a request. A request within another goes on while a fork waits, or that would wait for ever.
    pub fn request() -> Self {
        Self::enter(if HOLDS.get() > 0 { HELD } else { HELD | WAITING })
    }

    /// Enters a piece of a request that another thread began.
    pub fn piece() -> Self {
        Self::enter(HELD)
    }

    fn enter(closed: usize) -> Self {
        while INSIDE.fetch_add(1, Ordering::Acquire) & closed != 0 {
            INSIDE.fetch_sub(1, Ordering::Release);
            std::thread::sleep(LOOK);
        }
        HOLDS.set(HOLDS.get() + 1);
        Self(())
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::Release);
        HOLDS.set(HOLDS.get() - 1);
    }
}

/// Waits until no other thread is inside and lets none in, for a fork: `false` when that took too long.
pub fn close() -> bool {
    let until = Instant::now() + PATIENCE;
    let wait = || {
        std::thread::sleep(LOOK);
        Instant::now() < until
    };
    // Another thread may be about to fork.
    while INSIDE.fetch_or(WAITING, Ordering::Relaxed) & WAITING != 0 {
        if !wait() {
            return false;
        }
    }
    let own = WAITING | HOLDS.get();
    while INSIDE
        .compare_exchange(own, own | HELD, Ordering::Acquire, Ordering::Relaxed)
        .is_err()
    {
        if !wait() {
            INSIDE.fetch_and(!WAITING, Ordering::Relaxed);
            return false;
        }
    }
    true
}

/// Waits until no other thread is inside, for the end of the process: `false` when that took too long. Others may enter again.
pub fn wait_until_empty() -> bool {
    let until = Instant::now() + LAST_PATIENCE;
    while INSIDE.load(Ordering::Acquire) & !(WAITING | HELD) > HOLDS.get() {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

/// Ends a [`close`] that said `true`, in the parent.
pub fn open() {
    INSIDE.fetch_and(!(WAITING | HELD), Ordering::Release);
}

/// Ends a [`close`], whatever it said, in the child, where the thread that forked is the only one.
pub fn open_in_child() {
    INSIDE.store(HOLDS.get(), Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn nobody_is_inside_while_it_is_closed() {
        static CLOSED: AtomicBool = AtomicBool::new(false);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let _outer = Gate::request();
                        assert!(!CLOSED.load(Ordering::Relaxed));
                        let _inner = Gate::request();
                        assert!(!CLOSED.load(Ordering::Relaxed));
                    }
                });
            }
            for _ in 0..200 {
                // Tests beside this one hold gates too, for less than the patience.
                assert!(close());
                CLOSED.store(true, Ordering::Relaxed);
                std::thread::sleep(LOOK);
                CLOSED.store(false, Ordering::Relaxed);
                open();
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
