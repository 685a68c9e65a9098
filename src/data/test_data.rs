//! Where tests find real data. Without it they say so and pass: the data may not be shipped.

use std::path::{Path, PathBuf};

/// The folder or file `name` below `$GLASSBOX_TEST_DATA`, else below `../shared/data`.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
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
