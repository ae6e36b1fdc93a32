//! How many requests a place is asked at once: as many as it bears.
//!
//! A server that asks for patience (429, 503) halves the number, and each answer that comes raises it a little, as TCP does it
//! with packets. So a place that throttles slows its readers down, and none of them fails.

use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::network::{Network, network};
use crate::sync::Mutex;

/// Answers that belong to one burst halve the number once.
const BURST: Duration = Duration::from_millis(100);
/// By how much a full round of answers raises the number.
const RAISE: f64 = 4.0;

/// The requests in flight to one place.
pub struct Pace {
    places: Semaphore,
    state: Mutex<State>,
}

struct State {
    limit: f64,
    /// Places that are taken away when they come back.
    owed: usize,
    cut: Option<Instant>,
    /// Nothing is asked before.
    rest: Option<Instant>,
}

/// The right to one request, until it is dropped.
pub struct Turn<'a> {
    pace: &'a Pace,
    place: Option<SemaphorePermit<'a>>,
    _of_all: Option<SemaphorePermit<'static>>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            places: Semaphore::new(Network::MOST),
            state: Mutex::new(State {
                limit: Network::MOST as f64,
                owed: 0,
                cut: None,
                rest: None,
            }),
        }
    }
}

impl Pace {
    /// Waits for the right to make a request.
    pub async fn turn(&self) -> Turn<'_> {
        // Neither semaphore is ever closed.
        let place = self.places.acquire().await.ok();
        loop {
            let rest = self.state.lock().rest;
            match rest {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until.into()).await,
                _ => break,
            }
        }
        let of_all = network().flight.acquire().await.ok();
        Turn {
            pace: self,
            place,
            _of_all: of_all,
        }
    }

    /// The server asks for patience, perhaps for so long.
    pub fn slow(&self, wait: Option<Duration>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        if let Some(wait) = wait {
            state.rest = state.rest.max(now.checked_add(wait));
        }
        if state.cut.is_some_and(|cut| now.duration_since(cut) < BURST) {
            return;
        }
        state.cut = Some(now);
        let before = state.limit as usize;
        let in_flight = before.saturating_sub(self.places.available_permits());
        state.limit = (state.limit.min(in_flight as f64) / 2.0).max(1.0);
        let fewer = before - state.limit as usize;
        state.owed += fewer - self.places.forget_permits(fewer);
    }

    /// The server answered.
    pub fn well(&self) {
        let mut state = self.state.lock();
        if state.limit >= Network::MOST as f64 {
            return;
        }
        let before = state.limit as usize;
        state.limit = (state.limit + RAISE / state.limit).min(Network::MOST as f64);
        for _ in before..state.limit as usize {
            if state.owed > 0 {
                state.owed -= 1;
            } else {
                self.places.add_permits(1);
            }
        }
    }

    #[cfg(test)]
    fn limit(&self) -> usize {
        self.state.lock().limit as usize
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state.lock();
        if state.owed > 0
            && let Some(place) = self.place.take()
        {
            state.owed -= 1;
            place.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_throttles_is_asked_less_and_then_more_again() {
        let pace = Pace::default();
        let done = network().wait(async {
            let turns: Vec<_> = futures_util::future::join_all((0..64).map(|_| pace.turn())).await;
            pace.slow(None);
            assert_eq!(pace.limit(), 32);
            pace.slow(None);
            assert_eq!(pace.limit(), 32, "one burst counts once");
            drop(turns);
            assert_eq!(pace.places.available_permits(), 32);
            for _ in 0..10_000 {
                drop(pace.turn().await);
                pace.well();
            }
            Ok(())
        });
        assert_eq!(done, Ok(()));
        assert_eq!(pace.limit(), Network::MOST);
        assert_eq!(pace.places.available_permits(), Network::MOST);
    }

    #[test]
    fn at_least_one_request_is_always_let_through() {
        let pace = Pace::default();
        let done = network().wait(async {
            for _ in 0..20 {
                let turn = pace.turn().await;
                pace.state.lock().cut = None;
                pace.slow(None);
                drop(turn);
            }
            assert_eq!(pace.limit(), 1);
            drop(pace.turn().await);
            Ok(())
        });
        assert_eq!(done, Ok(()));
    }
}
