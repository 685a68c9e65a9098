//! The `glassbox` command: parse, dispatch, map an error to an exit code.

fn main() {}
