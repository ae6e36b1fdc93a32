//! Whether the thread that waits was told to stop.
//!
//! Who enters the engine from a program leaves a question behind for as long as it is inside: "was I interrupted?" What waits
//! long on that thread (the network) asks it once in a while. On the engine's own threads nobody left one.

use std::cell::RefCell;

type Question = Box<dyn FnMut() -> bool>;

thread_local! {
    static QUESTION: RefCell<Option<Question>> = const { RefCell::new(None) };
}

/// The question stands until this is dropped.
pub struct Asking {
    before: Option<Question>,
}

/// Leaves a question on this thread.
pub fn ask(question: impl FnMut() -> bool + 'static) -> Asking {
    let before = QUESTION.replace(Some(Box::new(question)));
    Asking { before }
}

/// Whether this thread was interrupted.
pub fn is_told_to_stop() -> bool {
    // Taken out while it is asked: the answer may enter the engine again.
    let Some(mut question) = QUESTION.take() else {
        return false;
    };
    let stop = question();
    QUESTION.set(Some(question));
    stop
}

impl Drop for Asking {
    fn drop(&mut self) {
        QUESTION.set(self.before.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_stands_as_long_as_it_is_held() {
        assert!(!is_told_to_stop());
        let asking = ask(|| true);
        assert!(is_told_to_stop());
        let inner = ask(|| false);
        assert!(!is_told_to_stop());
        drop(inner);
        assert!(is_told_to_stop());
        drop(asking);
        assert!(!is_told_to_stop());
    }
}
