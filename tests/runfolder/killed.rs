//! `kill -9` at any instant, then resume: as if nothing had happened.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use glassbox::run::folder::RunFolder;
use glassbox::run::state::Status;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::runs::{Runs, Worker, wait_for, wait_for_end, wait_for_training};

/// A few seconds of training with a checkpoint every other step, then every stage.
fn overrides<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec![
        "title='killed'",
        "data.train_images=96",
        "data.test_images=16",
        "train.batch_size=16",
        "train.checkpoint_every='2 steps'",
        "neurons.top=2",
    ];
    all.extend(more);
    all
}

/// Everything that adversarial training draws and remembers.
const ADVERSARIAL: &[&str] = &[
    "train.epochs=3",
    "train.adversarial.method='pgd'",
    "train.adversarial.steps=2",
    "train.adversarial.epsilon='normal 4 cut 8'",
    "train.adversarial.target='random'",
    "train.adversarial.on_overfitting='restore'",
    "train.probe.every='2 steps'",
    "train.probe.images=8",
    "train.probe.alarm_steps=2",
];

/// What must not differ: weights, results and pictures; by path.
pub fn outcome(run: &RunFolder) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for part in ["checkpoints", "results", "adversarial", "neurons", "dissect", "trace"] {
        let folder = run.path().join(part);
        if folder.exists() {
            collect(run.path(), &folder, &mut files);
        }
    }
    files
}

pub fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// A reader finds a whole folder, whatever the worker was writing.
fn assert_readable(runs: &Runs, run: &RunFolder) {
    let listed = RunFolder::list(&runs.root()).unwrap();
    assert!(listed.iter().all(|listed| listed.run.is_ok()), "{listed:?}");
    run.info().unwrap();
    run.spec().unwrap();
    for name in ["evaluate", "attack", "neurons", "dissect", "consistency", "trace"] {
        run.result::<serde_json::Value>(name).unwrap();
    }
}

/// Kills the worker `times` times, each time when `moment` returns, and compares what is left in the
/// end with an uninterrupted run of the same spec. Returns the killed one.
pub fn kill_and_compare(
    runs: &Runs,
    create: impl Fn() -> RunFolder,
    times: usize,
    mut moment: impl FnMut(usize, &RunFolder),
) -> RunFolder {
    let whole = create();
    assert_eq!(runs.work(&whole).wait(), Some(0));
    assert_eq!(whole.state().unwrap().status, Status::Finished);

    let run = create();
    for kill in 0..times {
        let worker = runs.work(&run);
        wait_for(run.path(), "the worker", |state| state.pid == Some(worker.pid()));
        moment(kill, &run);
        assert!(worker.kill_nine(), "kill {kill} came after the end: the run is too short");
        assert_readable(runs, &run);
    }
    assert_eq!(runs.work(&run).wait(), Some(0));
    assert_eq!(run.state().unwrap().status, Status::Finished);

    let (expected, found) = (outcome(&whole), outcome(&run));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, bytes) in &expected {
        let seed = std::process::id();
        assert!(found[name] == *bytes, "{name} differs after {times} kills, seed {seed}");
    }
    run
}

/// Some moment within `longest_ms`, drawn from the number of this process.
fn some_moment(longest_ms: u64) -> impl FnMut() {
    let seed = std::process::id();
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(seed));
    move || std::thread::sleep(Duration::from_millis(random.random_range(0..longest_ms)))
}

/// Training, then every stage.
fn kill_training(times: usize, more: &[&str], longest_ms: u64) {
    let runs = Runs::new();
    let mut wait = some_moment(longest_ms);
    let create = || runs.create(&overrides(more));
    let run = kill_and_compare(&runs, create, times, |_, _| wait());
    for file in ["checkpoints/best.safetensors", "checkpoints/last.json"] {
        assert!(run.path().join(file).exists(), "no {file}");
    }
}

#[test]
fn a_run_killed_three_times_ends_with_the_same_bits() {
    kill_training(3, &["train.epochs=4"], 700);
}

#[test]
fn adversarial_training_killed_three_times_ends_with_the_same_bits() {
    kill_training(3, ADVERSARIAL, 900);
}

#[test]
#[ignore = "minutes; run it by name before a release"]
fn kill_nine_twenty_times() {
    kill_training(20, &["train.epochs=40"], 1500);
}

/// No training: attacks with random starts on fresh weights, every part of `[evaluate]`, two targets
/// an image.
fn attacks(images: usize) -> String {
    format!(
        "[data]\nimage_size = 32\ntest_images = {images}\ntrain_images = 16\n\
         [evaluate]\nbatch_size = 8\nattacks = [\n\
         {{ method = 'none' }}, {{ method = 'fgsm', epsilon = 4 }},\n\
         {{ method = 'pgd', epsilon = 4, steps = 2, restarts = 2 }}]\n\
         [evaluate.curve]\nmethod = 'pgd'\nsteps = 2\nepsilons = [0, 8]\n\
         [evaluate.transfer]\nmethod = 'fgsm'\nepsilon = 8\n\
         [attack]\nmethod = 'pgd'\nepsilon = 4\nsteps = 3\ntarget = 'random'\n\
         targets_per_image = 2\nbatch_size = 8\n"
    )
}

/// Waits until a stage has left records of some batches.
fn wait_for_records(run: &RunFolder, stage: &str) {
    let file = run.path().join(format!("progress/{stage}.jsonl"));
    let since = std::time::Instant::now();
    while fs::read_to_string(&file).map_or(0, |text| text.lines().count()) < 8 {
        assert!(since.elapsed() < Duration::from_secs(300), "no records of {stage}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills in the midst of the evaluation, then at some moments, then in the midst of the attack.
fn kill_attacks(times: usize, images: usize, longest_ms: u64) {
    let runs = Runs::new();
    let mut wait = some_moment(longest_ms);
    let create = || runs.create_from(&attacks(images));
    let run = kill_and_compare(&runs, create, times, |kill, run| match kill {
        0 => wait_for_records(run, "evaluate"),
        last if last + 1 == times => wait_for_records(run, "attack"),
        _ => wait(),
    });
    let log = fs::read_to_string(run.path().join("log.txt")).unwrap();
    assert!(log.matches("goes on after").count() >= 2, "nothing was taken up:\n{log}");
    assert!(!run.path().join("progress").exists(), "records are left behind");
    let is_picture = |name: &String| Path::new(name).extension() == Some("png".as_ref());
    let pictures = outcome(&run).keys().filter(|name| is_picture(name)).count();
    assert_eq!(pictures, 2 * images);
}

#[test]
fn an_attack_killed_three_times_ends_with_the_same_bits() {
    kill_attacks(3, 120, 400);
}

#[test]
#[ignore = "minutes; run it by name before a release"]
fn kill_an_attack_ten_times() {
    kill_attacks(10, 600, 1000);
}

#[test]
fn neurons_killed_while_they_are_ranked_end_with_the_same_bits() {
    let runs = Runs::new();
    let spec = "[data]\nimage_size = 32\ntest_images = 600\ntrain_images = 16\n\
                [attack]\nepsilon = 4\n[neurons]\ntop = 3\nbatch_size = 4\ndiscrepancy = [1]\n";
    let mut wait = some_moment(400);
    kill_and_compare(
        &runs,
        || runs.create_from(spec),
        3,
        |_, run| {
            wait_for(run.path(), "the neurons", |state| state.stage.as_deref() == Some("neurons"));
            wait();
        },
    );
}

#[test]
fn neurons_asked_to_stop_go_on_where_they_were() {
    let runs = Runs::new();
    let spec = "[data]\nimage_size = 32\ntest_images = 600\ntrain_images = 16\n\
                [neurons]\ntop = 3\nbatch_size = 4\nadversarial = 'none'\n";
    let whole = runs.create_from(spec);
    assert_eq!(runs.work(&whole).wait(), Some(0));
    let run = runs.create_from(spec);
    let worker = runs.work(&run);
    wait_for(run.path(), "the neurons", |state| {
        state.stage.as_deref() == Some("neurons") && state.step > 8
    });
    glassbox::run::control::send(run.path(), glassbox::run::control::Command::Stop).unwrap();
    worker.wait();
    assert_eq!(run.state().unwrap().status, Status::Stopped);
    assert_eq!(runs.work(&run).wait(), Some(0));
    let log = fs::read_to_string(run.path().join("log.txt")).unwrap();
    assert!(log.contains("goes on after"), "{log}");
    assert!(outcome(&run) == outcome(&whole), "the results differ");
}

#[test]
fn who_started_the_run_may_die() {
    let runs = Runs::new();
    let words = crate::runs::with(&["run", "quickstart"], crate::runs::ENDLESS);
    let mut command = runs.glassbox(&words);
    let starter = Worker(command.stderr(std::process::Stdio::null()).spawn().unwrap());
    let since = std::time::Instant::now();
    let run = loop {
        if let Ok(run) = RunFolder::resolve(&runs.root(), "last") {
            break run;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "no run was made");
        std::thread::sleep(Duration::from_millis(20));
    };
    let state = wait_for_training(run.path());
    let worker = state.pid.unwrap();
    // A session of its own: no terminal of the starter can hang it up.
    let stat = fs::read_to_string(format!("/proc/{worker}/stat")).unwrap();
    let session = stat.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap();
    assert_eq!(session, worker.to_string());
    assert!(starter.kill_nine());
    let step = run.state().unwrap().step;
    wait_for(run.path(), "more steps", |state| state.step > step + 2);
    crate::runs::signal(worker, "-HUP");
    wait_for(run.path(), "more steps", |state| state.step > step + 4);
    crate::runs::signal(worker, "-TERM");
    assert_eq!(wait_for_end(run.path()).status, Status::Stopped);
    assert!(run.path().join("checkpoints/last.json").exists());
}

#[test]
fn a_second_worker_on_a_folder_is_refused() {
    let runs = Runs::new();
    let run = runs.create(crate::runs::ENDLESS);
    let first = runs.work(&run);
    let pid = first.pid();
    wait_for_training(run.path());
    assert_eq!(runs.work(&run).wait(), Some(2));
    let state = run.state().unwrap();
    assert_eq!((state.status, state.pid), (Status::Running, Some(pid)));
    assert!(first.kill_nine());
}

#[test]
fn a_worker_that_vanished_is_concluded_lost_and_never_written_so() {
    let runs = Runs::new();
    let run = runs.create(crate::runs::ENDLESS);
    let worker = runs.work(&run);
    wait_for_training(run.path());
    assert!(worker.kill_nine());
    let mut state = run.state().unwrap();
    state.heartbeat -= 60.0;
    state.write(run.path()).unwrap();
    assert_eq!(run.status().unwrap().1, Status::Lost);
    assert_eq!(run.state().unwrap(), state);
    // It can be taken up again, and told to end.
    glassbox_resume(&runs, &run);
    let state = wait_for_training(run.path());
    crate::runs::signal(state.pid.unwrap(), "-TERM");
    assert_eq!(wait_for_end(run.path()).status, Status::Stopped);
}

#[test]
fn two_resumes_at_once_start_one_worker() {
    let runs = Runs::new();
    let run = runs.create(crate::runs::ENDLESS);
    let worker = runs.work(&run);
    wait_for_training(run.path());
    assert!(worker.kill_nine());
    wait_for(run.path(), "the loss noticed", |_| run.status().unwrap().1 == Status::Lost);
    let resumes = [(), ()].map(|()| runs.glassbox(&["resume", "last"]).spawn().unwrap());
    for resume in resumes {
        // The later one is either refused, since the run goes on already, or sees it go on.
        let code = resume.wait_with_output().unwrap().status.code();
        assert!(matches!(code, Some(0 | 2)), "{code:?}");
    }
    let state = wait_for_training(run.path());
    assert_eq!(workers(&run), [state.pid.unwrap()]);
    crate::runs::signal(state.pid.unwrap(), "-TERM");
    assert_eq!(wait_for_end(run.path()).status, Status::Stopped);
}

/// The processes that work on a run.
fn workers(run: &RunFolder) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .filter(|pid| glassbox::run::state::is_worker(*pid, run.path()))
        .collect()
}

fn glassbox_resume(runs: &Runs, run: &RunFolder) {
    let output = runs.glassbox(&["resume", &run.id()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
