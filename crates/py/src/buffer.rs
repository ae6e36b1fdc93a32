//! Memory that crosses: NumPy arrays in and out.

use numpy::npyffi::{NPY_ARRAY_CARRAY, NpyTypes, PY_ARRAY_API, PyArrayObject, npy_intp};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use zarrite_core::Memory;
use zarrite_engine::blocks::{Block, LEAST_BYTES};
use zarrite_engine::{Cells, runtime};

/// Keeps a result's memory; gives it back to the pool when NumPy lets go.
#[pyclass(frozen)]
struct Kept {
    _block: Block,
}

/// A fresh array of a data type, in C order, of any content; large ones in recycled memory.
pub fn allocate<'py>(
    py: Python<'py>,
    dtype: &Bound<'py, PyArrayDescr>,
    shape: &[usize],
) -> PyResult<Bound<'py, PyUntypedArray>> {
    let bytes = shape
        .iter()
        .try_fold(dtype.itemsize(), |n, &extent| n.checked_mul(extent));
    let bytes = bytes.filter(|&n| isize::try_from(n).is_ok()).ok_or_else(|| {
        PyMemoryError::new_err(format!(
            "an array of shape {shape:?} has more bytes than memory can address"
        ))
    })?;
    let block = if bytes >= LEAST_BYTES {
        runtime::runtime().blocks.take(bytes)
    } else {
        None
    };
    let mut dims: smallvec::SmallVec<[npy_intp; 8]> = shape.iter().map(|&n| n as npy_intp).collect();
    let address = block.as_ref().map_or(std::ptr::null_mut(), Block::address);
    // SAFETY: the type and the descriptor are NumPy's own (the call takes a reference to the descriptor); `address` is null, and
    // NumPy allocates, or points at enough bytes, which the array's base keeps alive.
    unsafe {
        let array = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            numpy::npyffi::get_type_object(py, NpyTypes::PyArray_Type),
            dtype.clone().into_dtype_ptr(),
            dims.len() as i32,
            dims.as_mut_ptr(),
            std::ptr::null_mut(),
            address.cast(),
            if address.is_null() { 0 } else { NPY_ARRAY_CARRAY },
            std::ptr::null_mut(),
        );
        let array = Bound::from_owned_ptr_or_err(py, array)?;
        if let Some(block) = block {
            let kept = Bound::new(py, Kept { _block: block })?;
            let done = PY_ARRAY_API.PyArray_SetBaseObject(py, array.as_ptr().cast(), kept.into_ptr());
            if done < 0 {
                return Err(PyErr::fetch(py));
            }
        }
        Ok(array.cast_into_unchecked())
    }
}

/// The scalar of an array without axes; any other array as it is.
pub fn scalar<'py>(py: Python<'py>, array: Bound<'py, PyUntypedArray>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the call takes over the reference.
    unsafe {
        let out = PY_ARRAY_API.PyArray_Return(py, array.into_any().into_ptr().cast::<PyArrayObject>());
        Bound::from_owned_ptr_or_err(py, out)
    }
}

/// Where an array's cells are, an axis of the selection each; `axes[i]` is the array's axis or `None` for one that an integer fixed.
fn memory_of(array: &Bound<'_, PyUntypedArray>, axes: &[Option<usize>]) -> Cells {
    let (shape, strides) = (array.shape(), array.strides());
    // SAFETY: NumPy says where the array's cells are; `keep` holds the array, so that it neither goes nor moves.
    let memory = unsafe {
        let base = (*array.as_array_ptr()).fields.data.cast();
        Memory::array(base, shape, strides, array.dtype().itemsize())
    };
    let strides = axes.iter().map(|axis| axis.map_or(0, |axis| strides[axis])).collect();
    Cells {
        memory,
        strides,
        keep: Box::new(array.clone().unbind()),
    }
}

/// An array to be read into: `kept` are the axes of the selection that it has.
///
/// # Errors
/// `ValueError` when shape or data type are not the selection's, or the array cannot be written.
pub fn output(
    array: &Bound<'_, PyUntypedArray>,
    counts: &[usize],
    kept: &[bool],
    dtype: &Bound<'_, PyArrayDescr>,
) -> PyResult<Cells> {
    let want: Vec<usize> = counts
        .iter()
        .zip(kept)
        .filter(|(_, kept)| **kept)
        .map(|(&count, _)| count)
        .collect();
    if array.shape() != want {
        return Err(PyValueError::new_err(format!(
            "out has shape {:?}, but the selection has shape {want:?}: pass an array of that shape",
            array.shape()
        )));
    }
    if !array.dtype().is_equiv_to(dtype) {
        return Err(PyValueError::new_err(format!(
            "out has dtype {}, but the array has dtype {dtype}: pass an array of that dtype",
            array.dtype()
        )));
    }
    // SAFETY: reading a field of a live array.
    let flags = unsafe { (*array.as_array_ptr()).fields.flags };
    if flags & numpy::npyffi::NPY_ARRAY_WRITEABLE == 0 {
        return Err(PyValueError::new_err(
            "out is read-only: pass an array that can be written",
        ));
    }
    let mut next = 0;
    let axes: Vec<Option<usize>> = kept
        .iter()
        .map(|&kept| {
            next += usize::from(kept);
            kept.then(|| next - 1)
        })
        .collect();
    Ok(memory_of(array, &axes))
}

/// Values to be written to a selection, broadcast to its shape; `None` when they do not fit.
pub fn input(
    array: &Bound<'_, PyUntypedArray>,
    counts: &[usize],
    kept: &[bool],
    dtype: &Bound<'_, PyArrayDescr>,
) -> Option<Cells> {
    if !array.dtype().is_equiv_to(dtype) {
        return None;
    }
    let shape = array.shape();
    let mut left = shape.len();
    let mut axes = vec![None; counts.len()];
    for axis in (0..counts.len()).rev().filter(|&axis| kept[axis]) {
        if left == 0 {
            break;
        }
        left -= 1;
        if shape[left] == counts[axis] && shape[left] != 1 {
            axes[axis] = Some(left);
        } else if shape[left] != 1 {
            return None;
        }
    }
    shape[..left]
        .iter()
        .all(|&extent| extent == 1)
        .then(|| memory_of(array, &axes))
}
