//! Strings and byte strings: views inside the engine, objects in Python.

use crate::strings;
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use zarrite_core::cells::{VIEW_BYTES, put_view, view};
use zarrite_core::program::Vlen;
use zarrite_core::{Memory, shape};
use zarrite_engine::Cells;

/// The objects that packed views stand for.
///
/// # Safety
/// Every view was written by the engine, and what it points at is alive.
pub unsafe fn objects<'py>(py: Python<'py>, views: &[u8], vlen: Vlen) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for cell in views.chunks_exact(VIEW_BYTES) {
        // SAFETY: the caller's promise.
        let bytes = unsafe { view(cell) };
        match vlen {
            Vlen::String => out.append(PyString::from_bytes(py, bytes)?)?,
            Vlen::Bytes => out.append(PyBytes::new(py, bytes))?,
        }
    }
    Ok(out)
}

/// Views of an array's strings, broadcast to a selection; `None` when the shapes do not fit.
pub fn input(
    values: &Bound<'_, PyUntypedArray>,
    counts: &[usize],
    kept: &[bool],
    vlen: Vlen,
) -> PyResult<Option<Cells>> {
    let (views, text) = if strings::holds_strings(values) {
        views_of_text(values)?
    } else {
        views_of_objects(values, vlen)?
    };
    let shape = values.shape();
    let own = shape::strides(shape, VIEW_BYTES);
    let mut strides = vec![0; counts.len()];
    let mut left = shape.len();
    for axis in (0..counts.len()).rev().filter(|&axis| kept[axis]) {
        if left == 0 {
            break;
        }
        left -= 1;
        if shape[left] == counts[axis] {
            strides[axis] = own[left];
        } else if shape[left] != 1 {
            return Ok(None);
        }
    }
    if shape[..left].iter().any(|&extent| extent != 1) {
        return Ok(None);
    }
    let memory = Memory::of(&views);
    Ok(Some(Cells {
        memory,
        strides,
        keep: Box::new((views, text)),
    }))
}

/// Views, and what keeps the text alive that they point at.
type Views = (Vec<u8>, Box<dyn std::any::Any + Send + Sync>);

fn views_of_text(values: &Bound<'_, PyUntypedArray>) -> PyResult<Views> {
    let (text, ends) = strings::text_of(values)?;
    let mut views = vec![0; ends.len() * VIEW_BYTES];
    let mut start = 0;
    for (&end, cell) in ends.iter().zip(views.chunks_exact_mut(VIEW_BYTES)) {
        put_view(cell, &text[start..end]);
        start = end;
    }
    Ok((views, Box::new(text)))
}

fn views_of_objects(values: &Bound<'_, PyUntypedArray>, vlen: Vlen) -> PyResult<Views> {
    let list = values
        .call_method0("ravel")?
        .call_method0("tolist")?
        .cast_into::<PyList>()?;
    let mut views = vec![0; list.len() * VIEW_BYTES];
    for (at, cell) in views.chunks_exact_mut(VIEW_BYTES).enumerate() {
        let mut item = list.get_item(at)?;
        if vlen == Vlen::String && !item.is_exact_instance_of::<PyString>() {
            // As NumPy does when it makes strings of objects.
            item = item.str()?.into_any();
            list.set_item(at, &item)?;
        }
        if let Ok(text) = item.cast::<PyString>() {
            // The text lives in the string object, which the list keeps.
            put_view(cell, text.to_str()?.as_bytes());
        } else if let Ok(bytes) = item.cast::<PyBytes>() {
            put_view(cell, bytes.as_bytes());
        } else {
            return Err(PyTypeError::new_err(format!(
                "cannot store a {} as bytes",
                item.get_type()
            )));
        }
    }
    Ok((views, Box::new(list.unbind())))
}
