//! Cells whose length varies: strings and byte strings.
//!
//! Inside a request such a cell is a *view* of 16 bytes, an address and a length, so that plans and copies move it like any other
//! cell of fixed size. What a view points at lives in an arena ([`crate::Context::arena`]) that the request keeps until its last
//! cell was handed over, or in the caller's own values when writing.

/// Bytes of a view.
pub const VIEW_BYTES: usize = 16;

/// Writes a view of `bytes` into a cell.
///
/// # Panics
/// When the cell is shorter than [`VIEW_BYTES`].
pub fn put_view(cell: &mut [u8], bytes: &[u8]) {
    cell[..8].copy_from_slice(&(bytes.as_ptr() as u64).to_ne_bytes());
    cell[8..16].copy_from_slice(&(bytes.len() as u64).to_ne_bytes());
}

/// The bytes a cell's view points at.
///
/// # Safety
/// The cell was written by [`put_view`], and what it points at is alive and unchanged for `'a`.
///
/// # Panics
/// When the cell is shorter than [`VIEW_BYTES`].
#[allow(unsafe_code)]
pub unsafe fn view<'a>(cell: &[u8]) -> &'a [u8] {
    let word = |at: usize| {
        let mut raw = [0; 8];
        raw.copy_from_slice(&cell[at..at + 8]);
        u64::from_ne_bytes(raw)
    };
    let (address, bytes) = (word(0) as usize, word(8) as usize);
    if bytes == 0 {
        return &[];
    }
    // SAFETY: the caller promises that a live slice was put here.
    unsafe { std::slice::from_raw_parts(address as *const u8, bytes) }
}

/// Whether packed cells are all the fill cell, bit by bit; views are compared by what they point at.
#[allow(unsafe_code)]
pub fn is_filled(cells: &[u8], fill: &[u8], views: bool) -> bool {
    if !views {
        return crate::copy::is_filled(cells, fill);
    }
    // SAFETY: cells of a program with views are written by `put_view` alone and live as long as their request.
    let same = |cell: &[u8]| unsafe { view(cell) == view(fill) };
    cells.chunks_exact(VIEW_BYTES).all(same)
}
