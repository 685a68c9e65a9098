//! Runs to test with: small enough for seconds, and the real thing throughout.

#![allow(dead_code, reason = "each test binary needs a part of it")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use glassbox::run::folder::RunFolder;
use glassbox::run::state::{State, Status};

/// Long enough for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

/// A runs folder of its own, and nothing of the user's settings.
pub struct Runs {
    home: tempfile::TempDir,
}

impl Runs {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub fn root(&self) -> PathBuf {
        self.home.path().join("runs")
    }

    /// `glassbox` with these words.
    pub fn glassbox(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
        command.args(words).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GLASSBOX_") {
                command.env_remove(name);
            }
        }
        command
            .env("GLASSBOX_RUNS_DIR", self.root())
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .env("XDG_DATA_HOME", self.home.path().join("data"));
        command
    }

    /// Makes a run and starts no worker for it.
    pub fn create(&self, overrides: &[&str]) -> RunFolder {
        let overrides: Vec<String> = overrides.iter().map(|set| (*set).to_owned()).collect();
        let spec = glassbox::spec::load("quickstart", &overrides).unwrap();
        glassbox::job::create::create(&self.root(), spec, vec!["test".into()]).unwrap()
    }

    /// Makes a run of a spec of one's own, and starts no worker for it.
    pub fn create_from(&self, text: &str) -> RunFolder {
        let file = self.home.path().join("mine.toml");
        std::fs::write(&file, text).unwrap();
        let spec = glassbox::spec::load(file.to_str().unwrap(), &[]).unwrap();
        glassbox::job::create::create(&self.root(), spec, vec!["test".into()]).unwrap()
    }

    /// Starts the worker of a run.
    pub fn work(&self, run: &RunFolder) -> Worker {
        let path = run.path().to_str().unwrap();
        let mut command = self.glassbox(&["worker", "--slots", "1", path]);
        Worker(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

/// A worker, killed when the test ends early.
pub struct Worker(pub Child);

impl Worker {
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// `kill -9`; tells whether there was still something to kill.
    pub fn kill_nine(mut self) -> bool {
        let going = self.0.try_wait().unwrap().is_none();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        going
    }

    /// The exit code.
    pub fn wait(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes a folder as Broden's of so many pictures of ground, a square on every other one.
pub fn broden(root: &Path, images: usize) {
    std::fs::create_dir_all(root.join("images")).unwrap();
    let csv = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
    csv("category.csv", "name,first,last,count,frequency\nobject,1,2,2,12\n");
    csv(
        "label.csv",
        "number,name,category,frequency,coverage,syns\n\
         1,square,object(6),6,3.0,\n2,ground,object(12),12,9.0,\n",
    );
    csv(
        "c_object.csv",
        "code,number,name,frequency,coverage\n1,1,square,6,3.0\n2,2,ground,12,9.0\n",
    );
    let mut index = "image,split,ih,iw,sh,sw,object\n".to_owned();
    for number in 0..images {
        let shade = image::Rgb([(number * 10 % 200) as u8; 3]);
        let mut picture = image::RgbImage::from_pixel(16, 16, shade);
        let mut labels = image::RgbImage::from_pixel(8, 8, image::Rgb([2, 0, 0]));
        if number % 2 == 0 {
            for at in 0..16 {
                picture.put_pixel(at % 4 + 6, at / 4 + 6, image::Rgb([255, 0, 0]));
            }
            for at in 0..4 {
                labels.put_pixel(at % 2 + 3, at / 2 + 3, image::Rgb([1, 0, 0]));
            }
        }
        picture.save(root.join(format!("images/{number}.png"))).unwrap();
        labels.save(root.join(format!("images/{number}_object.png"))).unwrap();
        writeln!(index, "{number}.png,train,16,16,8,8,{number}_object.png").unwrap();
    }
    csv("index.csv", &index);
}

/// A whole run of about a second: every stage, little of each.
pub const SMALL: &[&str] = &[
    "data.train_images=64",
    "data.test_images=16",
    "train.epochs=2",
    "train.batch_size=16",
    "neurons.top=2",
    "neurons.layers=['conv2']",
];

/// One that trains until it is told otherwise.
pub const ENDLESS: &[&str] =
    &["data.train_images=64", "data.test_images=16", "train.epochs=100000", "train.batch_size=16"];

/// `--set A --set B` behind these words.
pub fn with<'a>(words: &[&'a str], overrides: &[&'a str]) -> Vec<&'a str> {
    let sets = overrides.iter().flat_map(|set| ["--set", *set]);
    words.iter().copied().chain(sets).collect()
}

/// Waits until a run's state is as wanted. Panics with the state when it does not come.
pub fn wait_for(run: &Path, what: &str, wanted: impl Fn(&State) -> bool) -> State {
    let since = Instant::now();
    loop {
        let state = State::read(run).unwrap();
        if wanted(&state) {
            return state;
        }
        assert!(since.elapsed() < PATIENCE, "{what} did not come: {state:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a run is in the middle of its training.
pub fn wait_for_training(run: &Path) -> State {
    wait_for(run, "training", |state| state.status == Status::Running && state.step > 0)
}

/// Waits until a run has ended.
pub fn wait_for_end(run: &Path) -> State {
    wait_for(run, "an end", |state| !state.status.is_live())
}

/// Sends a signal.
pub fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}
