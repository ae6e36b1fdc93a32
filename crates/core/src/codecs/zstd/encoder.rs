//! The library's compressor, called directly: a setting it needs for speed is not among those of the safe bindings.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ptr::NonNull;
use zstd_safe::zstd_sys as library;

/// Levels below this one are asked for speed.
const THOROUGH: i32 = 5;
/// Keeps blocks whole. Looking for better places to cut them takes a third of the time at fast levels and makes decoding slower, for
/// about one percent of the size.
const WHOLE_BLOCKS: c_int = 1;

/// A compressor set up for one level.
pub struct Encoder {
    context: NonNull<library::ZSTD_CCtx>,
    settings: Option<(i32, bool)>,
}

// SAFETY: the context is memory without ties to a thread, and only used through `&mut`.
unsafe impl Send for Encoder {}

/// The library's code of an error, where `code` is one.
fn checked(code: usize) -> Result<usize, usize> {
    // SAFETY: takes a number.
    if unsafe { library::ZSTD_isError(code) } == 0 {
        Ok(code)
    } else {
        Err(code)
    }
}

impl Encoder {
    /// A new one; `None` when there is no memory.
    pub fn new() -> Option<Self> {
        // SAFETY: takes nothing; null when there is no memory.
        let context = NonNull::new(unsafe { library::ZSTD_createCCtx() })?;
        Some(Self {
            context,
            settings: None,
        })
    }

    fn set(&mut self, parameter: library::ZSTD_cParameter, value: c_int) -> Result<usize, usize> {
        // SAFETY: the context is alive; unknown parameters and values are answered with an error.
        checked(unsafe { library::ZSTD_CCtx_setParameter(self.context.as_ptr(), parameter, value) })
    }

    /// Sets the level, and whether frames get a checksum.
    ///
    /// # Errors
    /// The library's code.
    pub fn set_up(&mut self, settings: (i32, bool)) -> Result<(), usize> {
        use library::ZSTD_cParameter::{ZSTD_c_checksumFlag, ZSTD_c_compressionLevel, ZSTD_c_experimentalParam20};
        if self.settings == Some(settings) {
            return Ok(());
        }
        self.settings = None;
        let everything = library::ZSTD_ResetDirective::ZSTD_reset_session_and_parameters;
        // SAFETY: the context is alive.
        checked(unsafe { library::ZSTD_CCtx_reset(self.context.as_ptr(), everything) })?;
        self.set(ZSTD_c_compressionLevel, settings.0)?;
        self.set(ZSTD_c_checksumFlag, c_int::from(settings.1))?;
        if settings.0 < THOROUGH {
            // A library that does not know it cuts as it likes.
            let _ = self.set(ZSTD_c_experimentalParam20, WHOLE_BLOCKS);
        }
        self.settings = Some(settings);
        Ok(())
    }

    /// Writes one frame, with its size in its header, into `room`; how long it is. A frame that was begun and did not fit is
    /// forgotten by the next call.
    ///
    /// # Errors
    /// The library's code.
    pub fn frame(&mut self, plain: &[u8], room: &mut [u8]) -> Result<usize, usize> {
        let (to, from) = (room.as_mut_ptr().cast(), plain.as_ptr().cast());
        // SAFETY: the context is alive, both pointers come with the lengths of their slices.
        checked(unsafe { library::ZSTD_compress2(self.context.as_ptr(), to, room.len(), from, plain.len()) })
    }

    /// As [`Self::frame`], appended; room is made for the worst case.
    ///
    /// # Errors
    /// The library's code.
    pub fn append(&mut self, plain: &[u8], stored: &mut Vec<u8>) -> Result<(), usize> {
        stored.reserve(zstd_safe::compress_bound(plain.len()));
        let room = stored.spare_capacity_mut();
        let (to, from) = (room.as_mut_ptr().cast(), plain.as_ptr().cast());
        // SAFETY: the context is alive, both pointers come with the lengths of their slices; what is written is not read.
        let code = unsafe { library::ZSTD_compress2(self.context.as_ptr(), to, room.len(), from, plain.len()) };
        let written = checked(code)?;
        // SAFETY: the library wrote so many bytes, from the end of what was there on and within the capacity.
        unsafe { stored.set_len(stored.len() + written) };
        Ok(())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `new` and freed once.
        unsafe { library::ZSTD_freeCCtx(self.context.as_ptr()) };
    }
}
