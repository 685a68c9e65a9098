//! Operators and networks against PyTorch: fixtures made by the scripts beside this file.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod attacks;
mod consistency;
mod consistency_wordnet;
mod detector;
mod dissection;
mod fgsm;
mod formula;
mod networks;
mod neurons;
mod operators;
mod planted;
mod predict;
mod preprocess;
mod resnet18_training;
mod shapesnet;
mod trace;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};

/// A fixture's tensors by name.
struct Fixture(HashMap<String, Tensor>);

impl Fixture {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        Self(candle_core::safetensors::load(path, &Device::Cpu).unwrap())
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn get(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| panic!("the fixture has no {name}"))
    }
}

/// The file or folder `name` of the real data, if it is there: below `$GLASSBOX_TEST_DATA`, else below `../shared/data`.
fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GLASSBOX_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: no {}; set GLASSBOX_TEST_DATA to run this test", path.display());
    None
}

/// The length of the difference over the length of what was expected.
fn relative_error(actual: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(actual.dims(), expected.dims());
    let length = |tensor: &Tensor| -> f64 {
        let values = tensor.to_dtype(DType::F64).unwrap();
        values.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt()
    };
    length(&(actual - expected).unwrap()) / length(expected)
}

#[track_caller]
fn assert_close(what: &str, actual: &Tensor, expected: &Tensor, tolerance: f64) {
    let error = relative_error(actual, expected);
    // Not `error > tolerance`, which NaN would pass.
    assert!(error <= tolerance, "{what}: relative error {error:e}, allowed {tolerance:e}");
}
