//! Where the chunks of one array lie.

use std::sync::Arc;

use super::in_folder;
use crate::store::{Error, Result};

/// Where a chunk lies.
#[derive(Debug, Clone)]
pub enum Reference {
    /// In a part of an object.
    Object {
        /// The object's name in its folder.
        id: [u8; 20],
        /// Where the chunk begins in it.
        offset: u64,
        /// How long the chunk is.
        bytes: u64,
    },
    /// In the table.
    Inline(Arc<[u8]>),
    /// Somewhere that only the other store knows the way to.
    Elsewhere,
}

/// A reference with the object's whole key.
pub enum Place {
    Here(Arc<[u8]>),
    Object { key: String, offset: u64, bytes: u64 },
}

impl Reference {
    pub(super) fn place(&self, folder: &str) -> Place {
        match self {
            Self::Object { id, offset, bytes } => Place::Object {
                key: in_folder(folder, &String::from_utf8_lossy(id)),
                offset: *offset,
                bytes: *bytes,
            },
            Self::Inline(bytes) => Place::Here(Arc::clone(bytes)),
            Self::Elsewhere => Place::Here(Arc::from([])),
        }
    }
}

/// The references of an array's chunks, found by their place in the grid.
#[derive(Debug)]
pub struct Table {
    /// One more than the last chunk along each axis.
    extents: Vec<u64>,
    /// The number of each chunk in C order of the extents, ascending, and what belongs to it.
    numbers: Vec<u64>,
    references: Vec<Reference>,
}

impl Table {
    /// A table of chunks at `chunks`, `ndim` numbers for each.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the numbers do not fit together, or a reference ends behind the last byte there can be.
    pub fn new(ndim: usize, chunks: &[u32], references: Vec<Reference>) -> Result<Self> {
        let wrong = |why: &str| Error::corrupt("", format!("a table of chunks {why}"));
        if ndim.checked_mul(references.len()) != Some(chunks.len()) {
            return Err(wrong("has another number of places than of chunks"));
        }
        let ends = references.iter().all(|reference| match reference {
            Reference::Object { offset, bytes, .. } => offset.checked_add(*bytes).is_some(),
            _ => true,
        });
        if !ends {
            return Err(wrong("leads behind the last byte an object can have"));
        }
        let mut extents = vec![0_u64; ndim];
        if ndim > 0 {
            for chunk in chunks.chunks_exact(ndim) {
                for (extent, &at) in extents.iter_mut().zip(chunk) {
                    *extent = (*extent).max(u64::from(at) + 1);
                }
            }
        }
        let mut all = 1_u64;
        for &extent in &extents {
            let more = all.checked_mul(extent.max(1));
            all = more.ok_or_else(|| wrong("has more places than can be numbered"))?;
        }
        let number = |at: usize| number(&extents, &chunks[at * ndim..(at + 1) * ndim]).unwrap_or(u64::MAX);
        let mut order: Vec<(u64, Reference)> = references
            .into_iter()
            .enumerate()
            .map(|(at, reference)| (number(at), reference))
            .collect();
        order.sort_by_key(|(number, _)| *number);
        order.dedup_by_key(|(number, _)| *number);
        let (numbers, references) = order.into_iter().unzip();
        Ok(Self {
            extents,
            numbers,
            references,
        })
    }

    /// The reference of a chunk; `None` when it was never written.
    pub fn find(&self, chunk: &[u32]) -> Option<&Reference> {
        let number = number(&self.extents, chunk)?;
        let at = self.numbers.binary_search(&number).ok()?;
        self.references.get(at)
    }
}

/// The number of a chunk in C order; `None` when it lies outside.
fn number(extents: &[u64], chunk: &[u32]) -> Option<u64> {
    if chunk.len() != extents.len() {
        return None;
    }
    let mut number = 0;
    for (&extent, &at) in extents.iter().zip(chunk) {
        if u64::from(at) >= extent {
            return None;
        }
        number = number * extent + u64::from(at);
    }
    Some(number)
}

/// The array and the chunk that a key of the default encoding (`array/c/0/1`) names.
pub fn chunk_of(key: &str) -> Option<(&str, Vec<u32>)> {
    let (mut rest, mut chunk) = (key, Vec::new());
    loop {
        let (head, last) = rest.rsplit_once('/').unwrap_or(("", rest));
        if last == "c" {
            chunk.reverse();
            return Some((head, chunk));
        }
        let plain = last.bytes().all(|digit| digit.is_ascii_digit()) && (last.len() == 1 || !last.starts_with('0'));
        if head.is_empty() || !plain {
            return None;
        }
        chunk.push(last.parse().ok()?);
        rest = head;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_chunks_are_told_from_others() {
        assert_eq!(chunk_of("a/b/c/0/12"), Some(("a/b", vec![0, 12])));
        assert_eq!(chunk_of("c/3"), Some(("", vec![3])));
        assert_eq!(chunk_of("a/c"), Some(("a", vec![])));
        assert_eq!(chunk_of("c/0/c/1"), Some(("c/0", vec![1])));
        for key in ["a/zarr", "c/01", "a/d/0", "0/1", "c/4294967296", "c/-1"] {
            assert_eq!(chunk_of(key), None, "{key}");
        }
    }

    #[test]
    fn a_chunk_that_was_not_written_is_not_found() {
        let table = Table::new(2, &[5, 0, 0, 5], vec![Reference::Elsewhere, Reference::Elsewhere]).unwrap();
        assert!(table.find(&[5, 0]).is_some() && table.find(&[0, 5]).is_some());
        for chunk in [&[0, 0][..], &[5, 5], &[6, 0], &[5], &[]] {
            assert!(table.find(chunk).is_none(), "{chunk:?}");
        }
        let scalar = Table::new(0, &[], vec![Reference::Elsewhere]).unwrap();
        assert!(scalar.find(&[]).is_some());
        assert!(Table::new(2, &[], vec![]).unwrap().find(&[0, 0]).is_none());
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        assert!(Table::new(2, &[0, 0, 1], vec![Reference::Elsewhere]).is_err());
        let most = u32::MAX;
        assert!(Table::new(3, &[most, most, most], vec![Reference::Elsewhere]).is_err());
        let beyond = Reference::Object {
            id: [b'A'; 20],
            offset: u64::MAX,
            bytes: 1,
        };
        assert!(Table::new(1, &[0], vec![beyond]).is_err());
    }
}
