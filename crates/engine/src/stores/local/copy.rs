//! From a file to a file that is there whole or not at all, by the system where it can.

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};

use super::spot::Answer;

/// What is asked of the system at once; a caller that is interrupted waits for no more than this.
#[cfg(target_os = "linux")]
const CALL_BYTES: u64 = 256 << 20;

/// What passes through this process at once where the system does not copy.
const PASS_BYTES: usize = 1 << 20;

/// Fills an empty file with the first bytes of another. `false` when that has fewer.
pub(super) fn fill(from: BorrowedFd<'_>, bytes: u64, into: &OwnedFd) -> Answer<bool> {
    #[cfg(target_os = "linux")]
    {
        let mut done = 0;
        while done < bytes {
            let (mut at, mut to) = (done, done);
            let asked = usize::try_from((bytes - done).min(CALL_BYTES)).unwrap_or(usize::MAX);
            match retry_on_intr(|| rustix::fs::copy_file_range(from, Some(&mut at), into, Some(&mut to), asked)) {
                // A few file systems of the kernel's own say that of files which have bytes.
                Ok(0) if done == 0 => return pass(from, bytes, into),
                Ok(0) => return Ok(false),
                Ok(copied) => done += copied as u64,
                // Between file systems, or in one that cannot: nothing was copied so far.
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) if done == 0 => {
                    return pass(from, bytes, into);
                }
                Err(cause) => return Err(cause),
            }
        }
        Ok(true)
    }
    #[cfg(not(target_os = "linux"))]
    pass(from, bytes, into)
}

/// The same through this process' memory, a piece at a time.
fn pass(from: BorrowedFd<'_>, bytes: u64, into: &OwnedFd) -> Answer<bool> {
    let mut held = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX).min(PASS_BYTES)];
    let mut done = 0;
    while done < bytes {
        let asked = usize::try_from(bytes - done).unwrap_or(usize::MAX).min(held.len());
        let got = retry_on_intr(|| pread(from, &mut held[..asked], done))?;
        if got == 0 {
            return Ok(false);
        }
        let mut put = 0;
        while put < got {
            match retry_on_intr(|| pwrite(into, &held[put..got], done + put as u64))? {
                0 => return Err(Errno::IO),
                wrote => put += wrote,
            }
        }
        done += got as u64;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;
    use super::*;
    use rustix::fd::AsFd;
    use std::fs;

    #[test]
    fn a_file_is_copied_by_the_system_and_by_hand_alike() {
        let scratch = Scratch::new();
        for bytes in [0_usize, 1, 4096, PASS_BYTES, 2 * PASS_BYTES + 7] {
            let content: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
            fs::write(scratch.path("from"), &content).expect("a file");
            let from = fs::File::open(scratch.path("from")).expect("the file");
            for way in [fill, pass] {
                let into = fs::File::create(scratch.path("into")).expect("a file");
                assert_eq!(way(from.as_fd(), bytes as u64, &into.into()), Ok(true));
                assert_eq!(fs::read(scratch.path("into")).expect("the copy"), content);
                let into = fs::File::create(scratch.path("into")).expect("a file");
                assert_eq!(way(from.as_fd(), bytes as u64 + 1, &into.into()), Ok(false));
            }
        }
    }
}
