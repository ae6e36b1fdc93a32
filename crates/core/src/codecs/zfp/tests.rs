//! Every type, mode and number of axes; refusals; garbage.

use super::super::testing::{Mutants, Xorshift, check_round_trip};
use super::*;
use serde_json::json;

fn entry(name: &str, kind: &str, mode: &str) -> Value {
    json!({"name": name, "dtype": kind, "mode": mode, "tolerance": 0.01, "rate": 8.5, "precision": 20,
        "minbits": 40, "maxbits": 4000, "maxprec": 30, "minexp": -20})
}

fn bare(kind: &str, mode: &str, shape: &[usize]) -> Zfp {
    Zfp::bare(&entry("zfp", kind, mode), shape).unwrap()
}

fn cell_bytes(kind: &str) -> usize {
    with_cell!(kind, C => <C as Cell>::BYTES)
}

/// Smooth numbers as zfp likes them.
fn smooth(shape: &[usize]) -> Vec<f64> {
    let cells = shape.iter().product::<usize>();
    (0..cells)
        .map(|at| (at as f64 / 9.0).sin() * 50.0 + (at % 7) as f64)
        .collect()
}

const SHAPES: [&[usize]; 9] = [
    &[],
    &[1],
    &[4],
    &[103],
    &[5, 7],
    &[8, 8],
    &[3, 6, 9],
    &[2, 5, 4, 7],
    &[1, 1, 1, 1],
];

#[test]
fn any_bits_of_any_type_come_back_in_mode_reversible() {
    let (mut context, mut random) = (Context::new(), Xorshift::new(6));
    for kind in TYPES {
        for shape in SHAPES {
            let bytes = shape.iter().product::<usize>() * cell_bytes(kind);
            let noise: Vec<u8> = (0..bytes).map(|_| random.next() as u8).collect();
            let mut plain = noise;
            // Half precision has no word for every bit of a NaN on its way through single precision; unsigned numbers have a sign.
            if cfg!(target_endian = "little") {
                for cell in plain.chunks_exact_mut(cell_bytes(kind)) {
                    let last = cell.len() - 1;
                    cell[last] &= match kind {
                        "f2" => 0xBB,
                        "u4" | "u8" => 0x7F,
                        _ => 0xFF,
                    };
                }
            }
            if kind == "bf2" {
                plain.fill(0x41);
            }
            for mode in ["zfp", "zfpy"] {
                let codec = Zfp::build(
                    if mode == "zfp" { "zfp" } else { "zfpy" },
                    &entry(mode, kind, "reversible"),
                    shape,
                )
                .unwrap();
                check_round_trip(&codec, &plain, &mut context);
            }
        }
    }
}

#[test]
fn floats_come_back_as_near_as_each_mode_says() {
    let mut context = Context::new();
    for shape in SHAPES {
        let cells = smooth(shape);
        let plain: Vec<u8> = cells.iter().flat_map(|cell| cell.to_ne_bytes()).collect();
        for (mode, most) in [
            ("fixed_accuracy", 0.01),
            ("fixed_precision", 0.1),
            ("fixed_rate", 120.0),
            ("expert", 0.1),
        ] {
            let codec = bare("f8", mode, shape);
            let mut stored = Vec::new();
            codec.encode(&plain, &mut stored, &mut context).unwrap();
            let mut back = vec![0; plain.len()];
            codec.decode(&stored, &mut back, &mut context).unwrap();
            for (cell, raw) in cells.iter().zip(back.chunks_exact(8)) {
                let found = f64::from_ne_bytes(raw.try_into().unwrap());
                assert!((cell - found).abs() <= most, "{mode} {shape:?}: {cell} {found}");
            }
        }
    }
}

#[test]
fn what_zfp_cannot_keep_is_refused_and_never_changed() {
    let mut context = Context::new();
    let refused = |kind: &str, mode: &str, cell: &[u8]| {
        let error = bare(kind, mode, &[1]).encode(cell, &mut Vec::new(), &mut Context::new());
        error.unwrap_err().to_string()
    };
    assert!(refused("u4", "reversible", &(1_u32 << 31).to_ne_bytes()).contains("signed"));
    assert!(refused("u8", "reversible", &u64::MAX.to_ne_bytes()).contains("signed"));
    assert!(refused("i4", "fixed_precision", &i32::MIN.to_ne_bytes()).contains("reversible"));
    assert!(refused("u8", "fixed_rate", &(1_u64 << 62).to_ne_bytes()).contains("reversible"));
    assert!(refused("f4", "fixed_rate", &f32::NAN.to_ne_bytes()).contains("NaN"));
    assert!(refused("f8", "fixed_accuracy", &f64::INFINITY.to_ne_bytes()).contains("infinity"));
    check_round_trip(
        &bare("u4", "reversible", &[1]),
        &(u32::MAX >> 1).to_ne_bytes(),
        &mut context,
    );
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    assert!(Zfp::bare(&entry("zfp", "f4", "reversible"), &[1; 5]).is_err());
    assert!(Zfp::bare(&entry("zfp", "c8", "reversible"), &[1]).is_err());
    assert!(Zfp::bare(&entry("zfp", "f4", "fast"), &[1]).is_err());
    for (member, value) in [("rate", json!(1e9)), ("rate", json!(0)), ("rate", json!("8"))] {
        let mut wrong = entry("zfp", "f4", "fixed_rate");
        wrong[member] = value;
        assert!(Zfp::bare(&wrong, &[8, 8]).is_err());
    }
    let mut wrong = entry("zfp", "f4", "expert");
    wrong["minbits"] = json!(5000);
    assert!(Zfp::bare(&wrong, &[8]).is_err());
}

#[test]
fn a_header_of_another_chunk_is_refused() {
    let mut context = Context::new();
    let codec = |kind: &str, shape: &[usize]| Zfp::with_header(&entry("zfpy", kind, "reversible"), shape).unwrap();
    let mut stored = Vec::new();
    codec("f4", &[6, 4])
        .encode(&[0; 96], &mut stored, &mut context)
        .unwrap();
    codec("f4", &[24]).decode(&stored, &mut [0; 96], &mut context).unwrap();
    codec("f4", &[25])
        .decode(&stored, &mut [0; 100], &mut context)
        .unwrap_err();
    codec("i4", &[6, 4])
        .decode(&stored, &mut [0; 96], &mut context)
        .unwrap_err();
    stored.extend([0; 20]);
    codec("f4", &[6, 4])
        .decode(&stored, &mut [0; 96], &mut context)
        .unwrap_err();
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    for (kind, shape) in [
        ("f8", &[20, 25][..]),
        ("i4", &[1000]),
        ("u1", &[3, 5, 4, 6]),
        ("f4", &[9, 9, 9]),
    ] {
        let plain: Vec<u8> = vec![7; shape.iter().product::<usize>() * cell_bytes(kind)];
        for mode in MODES {
            for name in ["zfp", "zfpy"] {
                let codec = Zfp::build(name, &entry(name, kind, mode), shape).unwrap();
                let mut stored = Vec::new();
                codec.encode(&plain, &mut stored, &mut Context::new()).unwrap();
                Mutants::from(&codec, 400, vec![(stored, plain.len())]).run();
            }
        }
    }
}
