//! Files with weights as PyTorch writes them, and files that only look so.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod accuracy;
mod allocation;
mod damaged;
mod pytorch;
mod refused;
mod strict;

use std::path::{Path, PathBuf};

/// A file of `tests/reference/weights.py`.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/weights").join(name)
}

/// Real data of that name, if it is there.
fn real(name: &str) -> Option<PathBuf> {
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

/// The files that are to be read.
const GOOD: [&str; 12] = [
    "zip.pth",
    "legacy.pth",
    "checkpoint.pth",
    "checkpoint_legacy.pth",
    "protocol3.pth",
    "protocol3_legacy.pth",
    "protocol4.pth",
    "protocol4_legacy.pth",
    "protocol5.pth",
    "protocol5_legacy.pth",
    "mixed.safetensors",
    "expected.safetensors",
];
