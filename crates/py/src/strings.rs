//! NumPy's strings of any length (`StringDType`): cells filled and read in place, without a Python string for each.

use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCapsule, PyCapsuleMethods};
use std::ffi::{c_char, c_int, c_void};
use std::ptr::NonNull;
use zarrite_core::cells::{VIEW_BYTES, view};

/// `NPY_VSTRING`.
const TYPE_NUMBER: c_int = 2056;

/// A string as `NpyString_load` gives it.
#[repr(C)]
struct Loaded {
    bytes: usize,
    start: *const c_char,
}

type Load = unsafe extern "C" fn(*mut c_void, *const c_void, *mut Loaded) -> c_int;
type Pack = unsafe extern "C" fn(*mut c_void, *mut c_void, *const c_char, usize) -> c_int;
type Acquire = unsafe extern "C" fn(*const c_void) -> *mut c_void;
type Release = unsafe extern "C" fn(*mut c_void);

/// NumPy's functions for strings, by their places in its table, which are part of its stable interface.
#[derive(Clone, Copy)]
struct Api {
    load: Load,
    pack: Pack,
    acquire: Acquire,
    release: Release,
}

static API: PyOnceLock<Api> = PyOnceLock::new();

fn api(py: Python<'_>) -> PyResult<Api> {
    API.get_or_try_init(py, || {
        let capsule = py.import("numpy._core._multiarray_umath")?.getattr("_ARRAY_API")?;
        let capsule = capsule.cast_into::<PyCapsule>()?;
        let table: NonNull<*const c_void> = capsule.pointer_checked(None)?.cast();
        // SAFETY: the table of every NumPy that has the type, and only arrays of that type lead here, holds these functions at
        // these places; NumPy is never unloaded.
        unsafe {
            Ok(Api {
                load: std::mem::transmute::<*const c_void, Load>(table.add(313).read()),
                pack: std::mem::transmute::<*const c_void, Pack>(table.add(314).read()),
                acquire: std::mem::transmute::<*const c_void, Acquire>(table.add(316).read()),
                release: std::mem::transmute::<*const c_void, Release>(table.add(318).read()),
            })
        }
    })
    .copied()
}

/// The memory that an array's strings lie in, for this caller alone until it is dropped.
struct Allocator {
    api: Api,
    allocator: *mut c_void,
}

impl Allocator {
    fn of(array: &Bound<'_, PyUntypedArray>) -> PyResult<Self> {
        let api = api(array.py())?;
        // SAFETY: the array's descriptor is of NumPy's string type, as `holds_strings` says.
        let allocator = unsafe { (api.acquire)(array.dtype().as_dtype_ptr().cast()) };
        Ok(Self { api, allocator })
    }
}

impl Drop for Allocator {
    fn drop(&mut self) {
        // SAFETY: acquired by `of`, released once.
        unsafe { (self.api.release)(self.allocator) };
    }
}

/// Whether an array's cells are NumPy's strings.
pub fn holds_strings(array: &Bound<'_, PyUntypedArray>) -> bool {
    array.dtype().num() == TYPE_NUMBER
}

/// As [`holds_strings`], of a data type.
pub fn is_strings(dtype: &Bound<'_, numpy::PyArrayDescr>) -> bool {
    dtype.num() == TYPE_NUMBER
}

/// Calls `each` with the address of every cell, in C order.
fn walk(array: &Bound<'_, PyUntypedArray>, mut each: impl FnMut(*mut c_void) -> PyResult<()>) -> PyResult<()> {
    if array.is_empty() {
        return Ok(());
    }
    let (shape, strides) = (array.shape(), array.strides());
    // SAFETY: the array is alive.
    let mut cell = unsafe { (*array.as_array_ptr()).fields.data };
    let mut index = vec![0; shape.len()];
    loop {
        each(cell.cast())?;
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return Ok(());
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < shape[axis] {
                cell = cell.wrapping_offset(strides[axis]);
                break;
            }
            cell = cell.wrapping_offset(-strides[axis] * (shape[axis] as isize - 1));
            index[axis] = 0;
        }
    }
}

/// Puts the text that views stand for into an array's cells, in C order.
///
/// # Safety
/// There is a view for every cell; every view was written by the engine, and what it points at is alive.
pub unsafe fn put(array: &Bound<'_, PyUntypedArray>, views: &[u8]) -> PyResult<()> {
    let strings = Allocator::of(array)?;
    let mut views = views.chunks_exact(VIEW_BYTES);
    walk(array, |cell| {
        let Some(text) = views.next() else {
            return Ok(());
        };
        // SAFETY: the caller's promise.
        let text = str::from_utf8(unsafe { view(text) }).map_err(|why| PyValueError::new_err(why.to_string()))?;
        // SAFETY: the cell belongs to the array whose allocator this is.
        let put = unsafe { (strings.api.pack)(strings.allocator, cell, text.as_ptr().cast(), text.len()) };
        if put < 0 {
            return Err(PyMemoryError::new_err("no memory for the array's text"));
        }
        Ok(())
    })
}

/// The text of an array's cells, one after the other in C order, and where each ends. A copy: others may
/// change the array while it is being written.
pub fn text_of(array: &Bound<'_, PyUntypedArray>) -> PyResult<(Vec<u8>, Vec<usize>)> {
    let strings = Allocator::of(array)?;
    let (mut text, mut ends) = (Vec::new(), Vec::with_capacity(array.len()));
    walk(array, |cell| {
        let mut found = Loaded {
            bytes: 0,
            start: std::ptr::null(),
        };
        // SAFETY: the cell belongs to the array whose allocator this is.
        match unsafe { (strings.api.load)(strings.allocator, cell, &raw mut found) } {
            0 => {}
            1 => {
                return Err(PyValueError::new_err(
                    "cannot store a missing value as a string; fill it first",
                ));
            }
            _ => return Err(PyMemoryError::new_err("an array's text cannot be read")),
        }
        if found.bytes > 0 {
            // SAFETY: NumPy says that the text lies there, and the allocator is held.
            text.extend_from_slice(unsafe { std::slice::from_raw_parts(found.start.cast(), found.bytes) });
        }
        ends.push(text.len());
        Ok(())
    })?;
    Ok((text, ends))
}
