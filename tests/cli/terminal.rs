//! A run in the foreground of a terminal: a bar, unless the terminal is dumb.

use std::io::Read;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::runs::{Runs, SMALL, with};

/// All that a run of some epochs writes to a terminal that calls itself `term`.
fn written(term: &str, epochs: usize) -> String {
    let runs = Runs::new();
    let pair = native_pty_system()
        .openpty(PtySize { rows: 24, cols: 100, pixel_width: 0, pixel_height: 0 })
        .unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_glassbox"));
    let epochs = format!("train.epochs={epochs}");
    let sets: Vec<&str> = SMALL.iter().copied().chain([epochs.as_str()]).collect();
    command.args(with(&["run", "quickstart"], &sets));
    command.env_clear();
    command.env("TERM", term);
    command.env("HOME", runs.root());
    command.env("GLASSBOX_RUNS_DIR", runs.root());
    std::fs::create_dir_all(runs.root()).unwrap();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut bytes = Vec::new();
    // A terminal whose last program has gone reads as an error.
    let _ = pair.master.try_clone_reader().unwrap().read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(child.wait().unwrap().success(), "{text}");
    text
}

#[test]
fn on_a_terminal_a_run_shows_a_bar_and_leaves_its_results() {
    // Long enough for the bar to be drawn in the middle of it.
    let text = written("xterm-256color", 20);
    for part in ["images/s", "train [", "epoch 20 of 20", "ATTACK", "finished"] {
        assert!(text.contains(part), "no {part} in {text:?}");
    }
    // The bar is gone when the results come.
    let results = text.rsplit("status").next().unwrap();
    assert!(!results.contains("[=") && !results.contains("images/s"), "{text:?}");
}

#[test]
fn on_a_dumb_terminal_there_are_plain_lines() {
    let text = written("dumb", 2);
    assert!(text.contains("epoch 2 of 2") && text.contains("finished"), "{text:?}");
    assert!(!text.contains('\u{1b}') && !text.contains("train ["), "{text:?}");
}
