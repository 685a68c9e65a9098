//! A trace that was killed or stopped, and what a power cut leaves of it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use glassbox::run::control::{self, Command};
use glassbox::run::folder::RunFolder;
use glassbox::run::state::Status;

use crate::killed::{kill_and_compare, outcome};
use crate::runs::{Runs, wait_for};

/// A network of one layer, every kind of prediction, batches of few.
const TRACE: &str = "[data]\nimage_size = 32\ntest_images = 400\ntrain_images = 40\n\
    [model]\narch = 'sequential'\nlayers = ['conv 64 5 stride=2 padding=2', 'relu', \
    'adaptive-avg-pool 2', 'flatten', 'linear 16']\n\
    [attack]\nmethod = 'fgsm'\nepsilon = 4\n\
    [trace]\ntop = 3\nbatch_size = 4\nlimit = 0\npictures = 7\n";

/// Files of prediction differences that are there.
fn batches(run: &RunFolder) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.path().join("progress/trace"));
    let files = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter(|file| file.extension() == Some("f32".as_ref())).collect()
}

fn wait_for_batches(run: &RunFolder, count: usize) {
    let since = Instant::now();
    while batches(run).len() < count {
        assert!(since.elapsed() < Duration::from_secs(300), "no {count} batches were traced");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_trace_killed_three_times_ends_with_the_same_bits() {
    let runs = Runs::new();
    let run = kill_and_compare(
        &runs,
        || runs.create_from(TRACE),
        3,
        |kill, run| match kill {
            // While the network answers, then twice among what is traced.
            0 => {
                wait_for(run.path(), "the trace", |state| {
                    state.stage.as_deref() == Some("trace") && state.step > 8
                });
            }
            kill => wait_for_batches(run, 20 * kill),
        },
    );
    let log = fs::read_to_string(run.path().join("log.txt")).unwrap();
    assert!(log.contains("goes on after"), "nothing was taken up:\n{log}");
    assert!(!run.path().join("progress").exists(), "records are left behind");
}

#[test]
fn a_trace_asked_to_stop_goes_on_even_where_a_batch_is_lost() {
    let runs = Runs::new();
    let whole = runs.create_from(TRACE);
    assert_eq!(runs.work(&whole).wait(), Some(0));
    let run = runs.create_from(TRACE);
    let worker = runs.work(&run);
    wait_for_batches(&run, 6);
    control::send(run.path(), Command::Stop).unwrap();
    worker.wait();
    assert_eq!(run.state().unwrap().status, Status::Stopped);
    // As a power cut leaves them: counted as written, and gone, or half there.
    let files = batches(&run);
    fs::remove_file(&files[1]).unwrap();
    fs::write(&files[2], b"half").unwrap();
    assert_eq!(runs.work(&run).wait(), Some(0));
    assert!(outcome(&run) == outcome(&whole), "the results differ");
}
