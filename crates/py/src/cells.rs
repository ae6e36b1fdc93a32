//! `Cells`: an array where it is, as Python reads and writes it.

use crate::buffer::{allocate, input, output, scalar};
use crate::door::{Finish, Pending, wait};
use crate::key::{Settled, settle};
use crate::program::Program;
use crate::store::Store;
use crate::{strings, text};
use numpy::{PyArray1, PyArrayDescr, PyArrayDescrMethods, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;
use zarrite_core::cells::VIEW_BYTES;
use zarrite_core::program::Vlen;
use zarrite_core::{Axis, Memory};
use zarrite_engine::sync::Mutex;
use zarrite_engine::write::{Claim, write_claimed};
use zarrite_engine::{Array, Selection, read, write};

/// The cells of one array.
#[pyclass(frozen, module = "zarrite._engine")]
pub struct Cells {
    array: Array,
    dtype: Py<PyArrayDescr>,
    finish: Option<Py<PyAny>>,
}

/// What a read needs beside its memory.
struct Request {
    selection: Selection,
    counts: Vec<usize>,
    kept: Vec<bool>,
    scalar: bool,
}

impl Request {
    fn of(settled: Settled) -> Self {
        let Settled {
            axes,
            counts,
            kept,
            scalar,
        } = settled;
        Self {
            selection: Selection::Axes(axes),
            counts,
            kept,
            scalar,
        }
    }

    /// Settled axes; an integer took those in `drop` away.
    fn of_axes(axes: &Bound<'_, PyAny>, drop: &[usize]) -> PyResult<Self> {
        let axes: Vec<Axis> = axes
            .try_iter()?
            .map(|axis| parse_axis(&axis?))
            .collect::<PyResult<_>>()?;
        let counts: Vec<usize> = axes.iter().map(Axis::count).collect();
        let kept = (0..axes.len()).map(|axis| !drop.contains(&axis)).collect();
        Ok(Self {
            selection: Selection::Axes(axes),
            counts,
            kept,
            scalar: true,
        })
    }

    /// Settled points.
    fn of_points(points: &Bound<'_, PyAny>) -> PyResult<Self> {
        let points: Vec<Vec<u64>> = points
            .try_iter()?
            .map(|axis| indices(&axis?))
            .collect::<PyResult<_>>()?;
        let count = points.first().map_or(0, Vec::len);
        Ok(Self {
            selection: Selection::Points(points),
            counts: vec![count],
            kept: vec![true],
            scalar: false,
        })
    }

    fn shape(&self) -> Vec<usize> {
        self.counts
            .iter()
            .zip(&self.kept)
            .filter(|(_, kept)| **kept)
            .map(|(&count, _)| count)
            .collect()
    }
}

#[pymethods]
impl Cells {
    #[new]
    #[pyo3(signature = (program, store, path, dtype, finish=None, keeps_decoded=None))]
    fn new(
        program: PyRef<'_, Program>,
        store: PyRef<'_, Store>,
        path: &str,
        dtype: Bound<'_, PyArrayDescr>,
        finish: Option<Py<PyAny>>,
        keeps_decoded: Option<bool>,
    ) -> PyResult<Self> {
        let program = program.inner();
        let makes_objects = program.vlen.is_some() && !strings::is_strings(&dtype);
        if makes_objects != finish.is_some() {
            return Err(PyTypeError::new_err(
                "cells that become Python objects, and only they, need a `finish`",
            ));
        }
        if program.vlen.is_none() && dtype.itemsize() != program.cell_bytes {
            return Err(PyTypeError::new_err(format!(
                "dtype {dtype} has {} bytes a cell, the program {}",
                dtype.itemsize(),
                program.cell_bytes
            )));
        }
        let array = Array {
            program,
            store: store.inner(),
            path: path.into(),
            keeps_decoded,
        };
        Ok(Self {
            array,
            dtype: dtype.unbind(),
            finish,
        })
    }

    /// The cells of a basic key.
    fn get(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match settle(key, &self.array.program.grid.shape) {
            Some(settled) => self.read_now(py, Request::of(settled)),
            None => Ok(py.NotImplemented()),
        }
    }

    /// Writes the cells of a basic key.
    fn set(&self, py: Python<'_>, key: &Bound<'_, PyAny>, values: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some(settled) = settle(key, &self.array.program.grid.shape) else {
            return Ok(false);
        };
        let request = Request::of(settled);
        let Ok(values) = values.cast::<PyUntypedArray>() else {
            return Ok(false);
        };
        let Some(cells) = self.values(values, &request)? else {
            return Ok(false);
        };
        let array = &self.array;
        wait(py, |door| write(array, &request.selection, cells, door))?;
        Ok(true)
    }

    /// Reads settled axes.
    fn read(
        &self,
        py: Python<'_>,
        axes: &Bound<'_, PyAny>,
        drop: Vec<usize>,
        out: Option<&Bound<'_, PyUntypedArray>>,
    ) -> PyResult<Pending> {
        let request = Request::of_axes(axes, &drop)?;
        self.reading(py, request, out)
    }

    /// Writes settled axes.
    fn write(&self, axes: &Bound<'_, PyAny>, values: &Bound<'_, PyUntypedArray>) -> PyResult<Pending> {
        let request = Request::of_axes(axes, &[])?;
        self.writing(request, values, None)
    }

    /// Writes a selection that nobody else may write; `False` when objects were met that have to be claimed first.
    fn write_claimed(
        &self,
        axes: &Bound<'_, PyAny>,
        values: &Bound<'_, PyUntypedArray>,
        claim: PyRef<'_, crate::writers::Claim>,
    ) -> PyResult<Pending> {
        let request = Request::of_axes(axes, &[])?;
        self.writing(request, values, Some(&claim.0))
    }

    /// Reads single cells.
    fn read_points(
        &self,
        py: Python<'_>,
        points: &Bound<'_, PyAny>,
        out: Option<&Bound<'_, PyUntypedArray>>,
    ) -> PyResult<Pending> {
        self.reading(py, Request::of_points(points)?, out)
    }

    /// Writes single cells.
    fn write_points(&self, points: &Bound<'_, PyAny>, values: &Bound<'_, PyUntypedArray>) -> PyResult<Pending> {
        self.writing(Request::of_points(points)?, values, None)
    }

    /// The key of a stored object by its index in the grid.
    fn chunk_key(&self, index: Vec<u64>) -> String {
        self.array.key(&index)
    }
}

impl Cells {
    fn read_now(&self, py: Python<'_>, request: Request) -> PyResult<Py<PyAny>> {
        if self.array.program.vlen.is_some() || self.array.program.cell_bytes == 0 {
            return self.reading(py, request, None)?.result(py);
        }
        let array = allocate(py, self.dtype.bind(py), &request.shape())?;
        let cells = output(&array, &request.counts, &request.kept, self.dtype.bind(py))?;
        wait(py, |door| read(&self.array, &request.selection, cells, door))?;
        if request.scalar {
            Ok(scalar(py, array)?.unbind())
        } else {
            Ok(array.into_any().unbind())
        }
    }

    fn reading(&self, py: Python<'_>, request: Request, out: Option<&Bound<'_, PyUntypedArray>>) -> PyResult<Pending> {
        let array = self.array.clone();
        if let Some(vlen) = array.program.vlen {
            return Ok(self.reading_text(py, array, request, vlen, out));
        }
        let dtype = self.dtype.bind(py);
        let result = match out {
            Some(out) => out.clone(),
            None => allocate(py, dtype, &request.shape())?,
        };
        let cells = output(&result, &request.counts, &request.kept, dtype)?;
        let (result, given) = (result.unbind(), out.is_some());
        let waits = !array.store.is_local();
        let pending = Pending::new(move |door| {
            if array.program.cell_bytes > 0 {
                read(&array, &request.selection, cells, door)?;
            }
            let finish: Finish = Box::new(move |py| {
                if given || !request.scalar {
                    return Ok(result.into_any());
                }
                Ok(scalar(py, result.into_bound(py))?.unbind())
            });
            Ok(finish)
        });
        Ok(pending.waiting(waits))
    }

    /// Cells of varying length are read as views, which become NumPy's strings or Python's objects at the end.
    fn reading_text(
        &self,
        py: Python<'_>,
        array: Array,
        request: Request,
        vlen: Vlen,
        out: Option<&Bound<'_, PyUntypedArray>>,
    ) -> Pending {
        let finish = self.finish.as_ref().map(|finish| finish.clone_ref(py));
        let dtype = self.dtype.clone_ref(py);
        let out = out.map(|out| out.clone().unbind());
        Pending::new(move |door| {
            let total = zarrite_core::shape::bytes(&request.counts, VIEW_BYTES)?;
            // Kept by the request, not by this function: who leaves early does not take the memory from under the workers.
            let views = Arc::new(Mutex::new(vec![0_u8; total]));
            let memory = Memory::of_mut(&mut views.lock());
            let strides = zarrite_core::shape::strides(&request.counts, VIEW_BYTES);
            let keep = Box::new(Arc::clone(&views));
            let arena = read(
                &array,
                &request.selection,
                zarrite_engine::Cells { memory, strides, keep },
                door,
            )?;
            let finish: Finish = Box::new(move |py| {
                // These (the array's program for its fill value) keep what the views point at.
                let kept = (arena, array);
                let views = views.lock();
                let shape = request.shape();
                if request.scalar && shape.is_empty() && out.is_none() {
                    // SAFETY: the read wrote every view, and what they point at is kept.
                    let list = unsafe { text::objects(py, &views, vlen)? };
                    return Ok(list.get_item(0)?.unbind());
                }
                let Some(finish) = finish else {
                    let target = match out {
                        Some(out) => out.into_bound(py),
                        None => py
                            .import("numpy")?
                            .call_method1("empty", (PyTuple::new(py, shape)?, dtype))?
                            .cast_into::<PyUntypedArray>()?,
                    };
                    // SAFETY: as above; the target has the request's shape.
                    unsafe { strings::put(&target, &views)? };
                    return Ok(target.into_any().unbind());
                };
                // SAFETY: as above.
                let list = unsafe { text::objects(py, &views, vlen)? };
                drop(kept);
                let made = finish.bind(py).call1((list, PyTuple::new(py, shape)?))?;
                match out {
                    Some(out) => {
                        out.bind(py).set_item(pyo3::types::PyEllipsis::get(py), made)?;
                        Ok(out.into_any())
                    }
                    None => Ok(made.unbind()),
                }
            });
            Ok(finish)
        })
    }

    fn values(&self, values: &Bound<'_, PyUntypedArray>, request: &Request) -> PyResult<Option<zarrite_engine::Cells>> {
        if let Some(vlen) = self.array.program.vlen {
            return text::input(values, &request.counts, &request.kept, vlen);
        }
        Ok(input(
            values,
            &request.counts,
            &request.kept,
            self.dtype.bind(values.py()),
        ))
    }

    fn writing(
        &self,
        request: Request,
        values: &Bound<'_, PyUntypedArray>,
        claim: Option<&Arc<Claim>>,
    ) -> PyResult<Pending> {
        let Some(cells) = self.values(values, &request)? else {
            return Err(PyValueError::new_err(format!(
                "values of shape {:?} and dtype {} do not fit a selection of shape {:?} and dtype {}",
                values.shape(),
                values.dtype(),
                request.counts,
                self.dtype.bind(values.py())
            )));
        };
        let array = self.array.clone();
        let waits = !array.store.is_local();
        let claim = claim.map(Arc::clone);
        let pending = Pending::new(move |door| {
            let nothing = array.program.cell_bytes == 0;
            let done = match claim {
                None if nothing => None,
                None => {
                    write(&array, &request.selection, cells, door)?;
                    None
                }
                Some(claim) => Some(nothing || write_claimed(&array, &request.selection, cells, &claim, door)?),
            };
            Ok(Box::new(move |py: Python<'_>| {
                pyo3::IntoPyObjectExt::into_py_any(done, py)
            }))
        });
        Ok(pending.waiting(waits))
    }
}

fn parse_axis(axis: &Bound<'_, PyAny>) -> PyResult<Axis> {
    if let Ok(stride) = axis.cast_exact::<PyTuple>() {
        let (start, step, count): (u64, i64, u64) = stride.extract()?;
        return Ok(Axis::Stride { start, step, count });
    }
    Ok(Axis::Index(indices(axis)?))
}

fn indices(axis: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    let array = axis
        .cast::<PyArray1<i64>>()
        .map_err(|_| PyTypeError::new_err("an axis is (start, step, count) or an int64 array of one axis"))?;
    let view = array.readonly();
    let view = view.as_array();
    let checked = view.iter().map(|&index| u64::try_from(index));
    checked
        .collect::<Result<_, _>>()
        .map_err(|_| PyIndexError::new_err("an index is negative after settling"))
}
