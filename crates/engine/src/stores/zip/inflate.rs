//! Deflated bytes of an archive, and the checksum that it keeps of an object.

use std::cell::RefCell;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::directory::Entry;
use crate::store::{Error, Result};
use crate::stores::keys::reserve;

/// Refuses bytes that do not have the checksum of their entry.
pub(super) fn compare(key: &str, entry: &Entry, bytes: &[u8]) -> Result<()> {
    let mut crc = Crc::new();
    crc.update(bytes);
    if crc.sum() == entry.crc {
        return Ok(());
    }
    Err(Error::corrupt(
        key,
        "its bytes do not have the checksum that the archive keeps of them",
    ))
}

/// Inflates a stream that must give just so many bytes. Memory grows with what really comes, not with what is promised.
pub(super) fn inflate(key: &str, stored: &[u8], bytes: u64, into: &mut Vec<u8>) -> Result<()> {
    INFLATER.with_borrow_mut(|stream| {
        stream.reset(false);
        inflate_with(stream, key, stored, bytes, into)
    })
}

thread_local! {
    /// Making one costs more than inflating a small object.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

fn inflate_with(stream: &mut Decompress, key: &str, stored: &[u8], bytes: u64, into: &mut Vec<u8>) -> Result<()> {
    const STEP: u64 = 1 << 20;
    loop {
        let (read, wrote) = (stream.total_in(), stream.total_out());
        let step = (bytes - wrote).min(STEP);
        let before = into.len();
        reserve(key, step, into)?;
        into.resize(before + step as usize, 0);
        let status = stream
            .decompress(&stored[read as usize..], &mut into[before..], FlushDecompress::None)
            .map_err(|cause| Error::corrupt(key, format!("it cannot be inflated: {cause}")))?;
        into.truncate(before + (stream.total_out() - wrote) as usize);
        if status == Status::StreamEnd {
            break;
        }
        if (stream.total_in(), stream.total_out()) == (read, wrote) {
            let why = if wrote == bytes {
                "it inflates to more than its size"
            } else {
                "its deflated bytes end early"
            };
            return Err(Error::corrupt(key, why));
        }
    }
    if stream.total_out() == bytes {
        return Ok(());
    }
    Err(Error::corrupt(
        key,
        format!("it inflates to {} bytes and not to {bytes}", stream.total_out()),
    ))
}
