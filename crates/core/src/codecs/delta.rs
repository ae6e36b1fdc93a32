//! `delta`: the first cell, then the difference of every cell to the one before.

use super::elementwise::{Each, Elementwise, Kind, convert, convert_through, update, with_cell};
use super::numbers::{Cell, Complex};
use crate::context::kept;
use crate::{Context, Result};
use half::f16;
use serde_json::Value;

/// The codec.
pub struct Delta {
    plain: Kind,
    stored: Kind,
}

impl Delta {
    /// From `{"dtype", "astype"}`.
    ///
    /// # Errors
    /// [`crate::Error::Document`] for a type that is no number.
    pub fn build(entry: &Value) -> Result<Each<Self>> {
        Ok(Each(Self {
            plain: Kind::read(entry, "dtype")?,
            stored: Kind::read(entry, "astype")?,
        }))
    }

    /// The type in which stored differences are added up.
    fn adding(&self) -> Kind {
        match (self.plain, self.stored) {
            (plain, stored) if plain == stored => plain,
            (Kind::Bool, _) => Kind::Bool,
            // Whole numbers wrap round, so that the low bits are right in the widest type whatever the signs are.
            (plain, stored) if plain.is_whole() && stored.is_whole() => Kind::I64,
            (plain, stored) => plain.common(stored),
        }
    }
}

fn differences<C: Cell>(source: &[u8], target: &mut [u8]) {
    let Some(first) = source.get(..C::BYTES) else {
        return;
    };
    target[..C::BYTES].copy_from_slice(first);
    let pairs = source
        .chunks_exact(C::BYTES)
        .zip(source[C::BYTES..].chunks_exact(C::BYTES));
    for ((before, cell), to) in pairs.zip(target[C::BYTES..].chunks_exact_mut(C::BYTES)) {
        C::get(cell).minus(C::get(before)).put(to);
    }
}

fn add_up<C: Cell>(cells: &mut [u8]) {
    let mut sum = None;
    update::<C>(cells, |cell| {
        let next = sum.map_or(cell, |sum: C| sum.plus(cell));
        sum = Some(next);
        next
    });
}

impl Elementwise for Delta {
    const NAME: &'static str = "delta";
    const LOCAL: bool = false;

    fn widths(&self) -> (usize, usize) {
        (self.plain.bytes(), self.stored.bytes())
    }

    fn forward(&self, plain: &[u8], stored: &mut [u8], context: &mut Context) -> Result<()> {
        if self.plain == self.stored {
            with_cell!(self.plain, C => differences::<C>(plain, stored));
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut context.scratch);
        scratch.resize(plain.len(), 0);
        with_cell!(self.plain, C => differences::<C>(plain, &mut scratch));
        convert(self.plain, self.stored, &scratch, stored);
        context.scratch = kept(scratch);
        Ok(())
    }

    fn backward(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        let adding = self.adding();
        convert_through([self.stored, adding, self.plain], stored, plain, context, |cells| {
            with_cell!(adding, C => add_up::<C>(cells));
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_golden, check_round_trip, sample};
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_those_of_numcodecs() {
        let codec = Delta::build(&json!({"name": "delta", "dtype": "i2", "astype": "i2"})).unwrap();
        check_golden(
            &codec,
            "64000083007d07000700",
            "64009c8200fa07830000",
            "64000083007d07000700",
        );
        let codec = Delta::build(&json!({"name": "delta", "dtype": "u2", "astype": "u1"})).unwrap();
        check_golden(&codec, "64005a005f002c01", "64f605cd", "64005a015f012c02");
        let codec = Delta::build(&json!({"name": "delta", "dtype": "f4", "astype": "i2"})).unwrap();
        check_golden(
            &codec,
            "0000c03f00005040000030c00000c842",
            "01000100faff6600",
            "0000803f00000040000080c00000c442",
        );
    }

    #[test]
    fn every_pair_of_whole_types_that_loses_nothing_comes_back() {
        let mut context = Context::new();
        for dtype in ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"] {
            for astype in [dtype, "i8", "u8"] {
                let codec = Delta::build(&json!({"name": "delta", "dtype": dtype, "astype": astype})).unwrap();
                let plain: Vec<u8> = sample(1600)
                    .iter()
                    .map(|byte| if dtype == "b1" { byte & 1 } else { *byte })
                    .collect();
                check_round_trip(&codec, &plain, &mut context);
                check_round_trip(&codec, &[], &mut context);
            }
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        let codec = Delta::build(&json!({"name": "delta", "dtype": "u2", "astype": "u1"})).unwrap();
        Mutants::from(&codec, 3000, vec![(vec![7; 80], 80), (vec![], 0)]).run();
    }
}
