//! Memory for results: in huge pages where they help, and kept for the next result of the same size.
//!
//! A fresh result costs a page fault for every page of it, more than decoding many a chunk. A loop that reads array after array, or
//! chunk after chunk, gets the same memory again and again and pays once.

use crate::sync::Mutex;
use std::time::{Duration, Instant};

/// Results below this size are left to NumPy, which keeps small ones itself.
pub const LEAST_BYTES: usize = 1 << 20;

const HUGE: usize = 2 << 20;

/// Memory for one result; of any content. Goes back to the pool it came from when dropped.
pub struct Block {
    address: usize,
    bytes: usize,
}

impl Block {
    /// Where it begins, aligned to a page.
    pub fn address(&self) -> *mut u8 {
        self.address as *mut u8
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        crate::runtime::runtime().blocks.give_back(self.address, self.bytes);
    }
}

struct Kept {
    address: usize,
    bytes: usize,
    since: Instant,
}

/// The pool.
pub struct Blocks {
    kept: Mutex<Vec<Kept>>,
    most: Mutex<usize>,
}

impl Default for Blocks {
    fn default() -> Self {
        let machine = crate::budget::memory_of_machine().unwrap_or(4 << 30);
        Self {
            kept: Mutex::default(),
            most: Mutex::new((machine / 16).clamp(64 << 20, 1 << 30)),
        }
    }
}

impl Blocks {
    /// Memory of at least `bytes`, or `None` when the system has none: then NumPy asks, and says so.
    pub fn take(&self, bytes: usize) -> Option<Block> {
        let bytes = bytes.checked_next_multiple_of(HUGE)?;
        let mut kept = self.kept.lock();
        if let Some(at) = kept.iter().rposition(|block| block.bytes == bytes) {
            let block = kept.remove(at);
            return Some(Block {
                address: block.address,
                bytes,
            });
        }
        drop(kept);
        Some(Block {
            address: system::map(bytes)?,
            bytes,
        })
    }

    fn give_back(&self, address: usize, bytes: usize) {
        let most = *self.most.lock();
        let mut freed = Vec::new();
        if bytes > most {
            freed.push((address, bytes));
        } else {
            let mut kept = self.kept.lock();
            kept.push(Kept {
                address,
                bytes,
                since: Instant::now(),
            });
            let mut total: usize = kept.iter().map(|block| block.bytes).sum();
            while total > most {
                let oldest = kept.remove(0);
                total -= oldest.bytes;
                freed.push((oldest.address, oldest.bytes));
            }
        }
        for (address, bytes) in freed {
            system::unmap(address, bytes);
        }
    }

    /// Gives what nobody took for so long back to the system.
    pub fn trim(&self, idle: Duration) {
        let mut freed = Vec::new();
        self.kept.lock().retain(|block| {
            let keep = block.since.elapsed() < idle;
            if !keep {
                freed.push((block.address, block.bytes));
            }
            keep
        });
        for (address, bytes) in freed {
            system::unmap(address, bytes);
        }
    }

    /// Bytes kept.
    pub fn kept_bytes(&self) -> usize {
        self.kept.lock().iter().map(|block| block.bytes).sum()
    }

    /// The most that is kept.
    pub fn most(&self) -> usize {
        *self.most.lock()
    }

    /// Sets how much is kept; zero keeps nothing.
    pub fn set_most(&self, bytes: usize) {
        *self.most.lock() = bytes;
        if bytes == 0 {
            self.trim(Duration::ZERO);
        }
    }
}

#[cfg(unix)]
mod system {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    /// Anonymous memory aligned to huge pages.
    pub fn map(bytes: usize) -> Option<usize> {
        let with_room = bytes.checked_add(super::HUGE)?;
        // SAFETY: a fresh anonymous mapping aliases nothing.
        let start = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                with_room,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        };
        let start = start.ok()? as usize;
        let aligned = start.next_multiple_of(super::HUGE);
        unmap(start, aligned - start);
        unmap(aligned + bytes, start + with_room - aligned - bytes);
        #[cfg(target_os = "linux")]
        // SAFETY: advice on our own mapping; a refusal changes nothing.
        let _ = unsafe { madvise(aligned as *mut _, bytes, Advice::LinuxHugepage) };
        Some(aligned)
    }

    pub fn unmap(address: usize, bytes: usize) {
        if bytes > 0 {
            // SAFETY: our own mapping, which nobody uses any more.
            let _ = unsafe { munmap(address as *mut _, bytes) };
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::alloc::{Layout, alloc, dealloc};

    pub fn map(bytes: usize) -> Option<usize> {
        let layout = Layout::from_size_align(bytes, 4096).ok()?;
        // SAFETY: the layout is not empty.
        let address = unsafe { alloc(layout) } as usize;
        (address != 0).then_some(address)
    }

    pub fn unmap(address: usize, bytes: usize) {
        if let Ok(layout) = Layout::from_size_align(bytes, 4096) {
            // SAFETY: allocated above with the same layout.
            unsafe { dealloc(address as *mut u8, layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_was_given_back_is_taken_again() {
        let blocks = Blocks::default();
        let block = blocks.take(3 << 20).expect("memory");
        let address = block.address;
        assert_eq!(address % HUGE, 0);
        blocks.give_back(address, block.bytes);
        std::mem::forget(block);
        let again = blocks.take(3 << 20).expect("memory");
        assert_eq!(again.address, address);
        std::mem::forget(again);
        blocks.set_most(0);
        blocks.give_back(address, 4 << 20);
        assert_eq!(blocks.kept_bytes(), 0);
    }
}
