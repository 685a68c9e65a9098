//! Watches the runs folder from a thread of its own, and publishes what it sees as snapshots of
//! which only the newest counts. Polls, because inotify sees no writes over NFS; survives
//! everything.

mod follow;
mod latest;
mod listing;
mod looks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use sysinfo::System;
use tokio::sync::watch;

use self::follow::Followed;
use self::listing::Listing;
use super::world::{Machine, World};
use crate::run::state;

/// Followed runs are looked at this often: a curve that moves four times a second looks alive.
const FOLLOW: Duration = Duration::from_millis(250);
/// The list is read this often; more rarely where reading it takes long (see [`PATIENCE`]).
const LIST: Duration = Duration::from_secs(1);
/// Reading the list may take one part in so many of the time.
const PATIENCE: u32 = 10;
/// Often enough to see a machine get busy, rarely enough to keep an idle line quiet.
const MACHINE: Duration = Duration::from_secs(2);

/// The reader's end in the workbench.
#[derive(Debug)]
pub struct Reader {
    /// The newest snapshot.
    pub world: watch::Receiver<Arc<World>>,
    /// How busy the machine is.
    pub machine: watch::Receiver<Option<Machine>>,
    orders: Sender<Vec<String>>,
}

impl Reader {
    /// Starts the thread. It ends when this end is dropped.
    pub fn start(root: PathBuf) -> std::io::Result<Self> {
        let (world_in, world) = watch::channel(Arc::default());
        let (machine_in, machine) = watch::channel(None);
        let (orders, received) = channel();
        thread::Builder::new().name("reader".into()).spawn(move || {
            Work::new(root, world_in, machine_in).run(&received);
        })?;
        Ok(Self { world, machine, orders })
    }

    /// Follows these runs from now on, and no others.
    pub fn follow(&self, runs: Vec<String>) {
        // An error would mean that the thread is gone; the closed `world` says so already.
        let _ = self.orders.send(runs);
    }
}

struct Work {
    root: PathBuf,
    world_in: watch::Sender<Arc<World>>,
    machine_in: watch::Sender<Option<Machine>>,
    listing: Listing,
    followed: Vec<Followed>,
    wanted: Vec<String>,
    world: World,
    next_list: Instant,
    next_machine: Instant,
    /// `None` where the system tells nothing: then the header shows nothing.
    system: Option<System>,
}

impl Work {
    fn new(
        root: PathBuf,
        world_in: watch::Sender<Arc<World>>,
        machine_in: watch::Sender<Option<Machine>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            listing: Listing::new(root.clone()),
            root,
            world_in,
            machine_in,
            followed: Vec::new(),
            wanted: Vec::new(),
            world: World::default(),
            next_list: now,
            next_machine: now,
            system: System::new().ok(),
        }
    }

    fn run(mut self, orders: &Receiver<Vec<String>>) {
        loop {
            match orders.recv_timeout(FOLLOW) {
                Ok(wanted) => self.wanted = orders.try_iter().last().unwrap_or(wanted),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // A damaged run must not end the watching of all others.
            if catch_unwind(AssertUnwindSafe(|| self.look())).is_err() {
                self.listing = Listing::new(self.root.clone());
                self.followed.clear();
                let problem = "reading the runs failed; the log says more. Trying again…";
                self.world =
                    World { problem: Some(problem.into()), loaded: true, ..World::default() };
                self.world_in.send_replace(Arc::new(self.world.clone()));
                self.next_list = Instant::now() + LIST * PATIENCE;
            }
            if self.world_in.is_closed() {
                return;
            }
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        let mut changed = false;
        if now >= self.next_list {
            changed |= self.listing.read(&mut self.world);
            changed |= !std::mem::replace(&mut self.world.loaded, true);
            let took = now.elapsed();
            self.next_list = now + LIST.max(took * PATIENCE);
        }
        changed |= self.follow();
        if changed {
            self.world.now = state::now();
            self.world_in.send_replace(Arc::new(self.world.clone()));
        }
        if now >= self.next_machine {
            self.next_machine = now + MACHINE;
            self.measure();
        }
    }

    fn follow(&mut self) -> bool {
        let before = self.followed.len();
        self.followed.retain(|followed| self.wanted.contains(followed.id()));
        let mut changed = before != self.followed.len();
        for id in &self.wanted {
            let known = self.followed.iter().any(|followed| followed.id() == id);
            if let (false, Some(run)) = (known, self.world.run(id)) {
                self.followed.push(Followed::new(id.clone(), run.folder.clone()));
            }
        }
        for followed in &mut self.followed {
            if followed.poll() {
                changed = true;
                self.world.details.insert(followed.id().clone(), followed.detail());
            }
        }
        let kept = &self.followed;
        self.world.details.retain(|id, _| kept.iter().any(|followed| followed.id() == id));
        changed
    }

    /// Rounded to what is shown, so that an idle machine sends nothing.
    fn measure(&mut self) {
        const TENTH_GIB: u64 = (1 << 30) / 10;
        let Some(system) = &mut self.system else { return };
        system.refresh_cpu_usage();
        system.refresh_memory();
        let machine = Machine {
            cpu: f64::from(system.global_cpu_usage()).round() / 100.0,
            memory_bytes: system.used_memory() / TENTH_GIB * TENTH_GIB,
            memory_total_bytes: system.total_memory(),
        };
        self.machine_in.send_if_modified(|shown| {
            let changed = *shown != Some(machine);
            *shown = Some(machine);
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::folder::{NewRun, RunFolder};
    use crate::run::state::{State, Status};

    fn create(root: &std::path::Path, title: &str) -> RunFolder {
        let spec = "title = \"x\"\n";
        RunFolder::create(root, &NewRun { title, spec, device: "cpu", seed: 1, argv: Vec::new() })
            .unwrap()
    }

    fn look(work: &mut Work) -> World {
        work.next_list = Instant::now();
        work.look();
        work.world.clone()
    }

    fn work(root: &std::path::Path) -> Work {
        Work::new(root.to_owned(), watch::channel(Arc::default()).0, watch::channel(None).0)
    }

    #[test]
    fn sees_runs_come_change_and_go() {
        let root = tempfile::tempdir().unwrap();
        let mut work = work(root.path());
        assert!(look(&mut work).runs.is_empty());
        assert!(work.world.loaded);
        let run = create(root.path(), "one");
        let world = look(&mut work);
        assert_eq!(world.runs[0].status, Status::Queued);
        let state = State { status: Status::Finished, ..State::queued(None) };
        state.write(run.path()).unwrap();
        assert_eq!(look(&mut work).runs[0].status, Status::Finished);
        std::fs::remove_dir_all(run.path()).unwrap();
        assert!(look(&mut work).runs.is_empty());
    }

    #[test]
    fn a_copied_run_goes_by_its_folders_name() {
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "one");
        let copy = root.path().join("copy");
        std::fs::create_dir(&copy).unwrap();
        for file in ["run.json", "spec.toml", "state.json"] {
            std::fs::copy(run.path().join(file), copy.join(file)).unwrap();
        }
        let world = look(&mut work(root.path()));
        let mut ids: Vec<&str> = world.runs.iter().map(|run| run.info.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, [run.id().as_str(), "copy"]);
        assert_eq!(world.run("copy").unwrap().folder, copy);
    }

    #[test]
    fn follows_what_was_asked_for_and_only_that() {
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "one");
        std::fs::write(
            run.path().join("events.jsonl"),
            "{\"t\":1,\"stage\":\"train\",\"step\":1,\"metrics\":{\"loss\":2.5,\"top1\":0.25}}\n",
        )
        .unwrap();
        std::fs::write(run.path().join("log.txt"), "hello\n").unwrap();
        let mut work = work(root.path());
        assert!(look(&mut work).details.is_empty());
        work.wanted = vec![run.id()];
        let world = look(&mut work);
        assert_eq!(world.runs[0].latest["top1"], 0.25);
        assert_eq!(world.detail(&run.id()).unwrap().log, ["hello"]);
        work.wanted.clear();
        assert!(look(&mut work).details.is_empty());
    }

    #[test]
    fn a_bookmark_and_a_look_of_the_training_are_seen_and_damaged_ones_are_told() {
        use crate::run::bookmarks::Bookmarks;
        use crate::run::history;
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "one");
        let mut work = work(root.path());
        look(&mut work);
        work.wanted = vec![run.id()];
        look(&mut work);
        let mut marks = Bookmarks::default();
        marks.set("conv5", 147, Some("dogs".into()));
        marks.write(run.path()).unwrap();
        std::fs::create_dir_all(run.path().join(history::FOLDER)).unwrap();
        let neurons = serde_json::to_string(&crate::tui::fixture::neurons()).unwrap();
        std::fs::write(run.path().join(history::file(400)), neurons).unwrap();
        std::fs::write(run.path().join(history::file(800)), "{").unwrap();
        work.followed[0].look_now();
        let world = look(&mut work);
        let detail = world.detail(&run.id()).unwrap();
        assert_eq!(detail.bookmarks, marks);
        let steps: Vec<u64> = detail.neuron_history.iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [400]);
        assert!(detail.log.iter().any(|line| line.contains("000800.json")), "{:?}", detail.log);
        std::fs::remove_file(run.path().join("neurons/bookmarks.json")).unwrap();
        work.followed[0].look_now();
        let world = look(&mut work);
        assert_eq!(world.detail(&run.id()).unwrap().bookmarks, Bookmarks::default());
        assert_eq!(world.detail(&run.id()).unwrap().log.len(), 1, "told once");
    }

    #[test]
    fn what_neurons_mean_is_read_and_damage_is_told_and_mended() {
        use crate::tui::fixture;
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "one");
        let mut work = work(root.path());
        look(&mut work);
        work.wanted = vec![run.id()];
        look(&mut work);
        let results = run.path().join("results");
        std::fs::create_dir_all(&results).unwrap();
        let (dissect, consistency) = (fixture::dissect(0), fixture::consistency(0));
        let write = |name: &str, text: &str| std::fs::write(results.join(name), text).unwrap();
        write("dissect.json", "{\"data\": 3");
        write("consistency.json", &serde_json::to_string(&consistency).unwrap());
        work.followed[0].look_now();
        let world = look(&mut work);
        let detail = world.detail(&run.id()).unwrap();
        let read = detail.consistency.as_deref().unwrap();
        assert_eq!((read.layers.len(), &read.nouns), (2, &consistency.nouns));
        assert_eq!(detail.dissect, None);
        assert!(detail.unreadable["dissect"].contains("dissect.json"), "{:?}", detail.unreadable);
        assert!(detail.log.iter().any(|line| line.contains("dissect.json")), "{:?}", detail.log);
        write("dissect.json", &serde_json::to_string(&dissect).unwrap());
        work.followed[0].look_now();
        let world = look(&mut work);
        let detail = world.detail(&run.id()).unwrap();
        assert!(detail.unreadable.is_empty());
        let read = detail.dissect.as_deref().unwrap();
        assert_eq!((read.layers.len(), &read.concepts), (2, &dissect.concepts));
        assert_eq!(read.layers[1].neurons[147].best.real.concept, "dog");
        // What was read stays where a newer file is damaged.
        write("dissect.json", "{");
        work.followed[0].look_now();
        let world = look(&mut work);
        let detail = world.detail(&run.id()).unwrap();
        assert!(detail.dissect.is_some() && detail.unreadable.contains_key("dissect"));
    }

    #[test]
    fn a_trace_is_read_and_its_damage_is_told() {
        use crate::tui::fixture;
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "one");
        let mut work = work(root.path());
        look(&mut work);
        work.wanted = vec![run.id()];
        look(&mut work);
        let results = run.path().join("results");
        std::fs::create_dir_all(&results).unwrap();
        let trace = fixture::trace(0);
        let file = results.join("trace.json");
        std::fs::write(&file, serde_json::to_string(&trace).unwrap()).unwrap();
        work.followed[0].look_now();
        let world = look(&mut work);
        let read = world.detail(&run.id()).unwrap().trace.clone().unwrap();
        assert_eq!(read.predictions.len(), trace.predictions.len());
        std::fs::write(&file, "{").unwrap();
        work.followed[0].look_now();
        let world = look(&mut work);
        let detail = world.detail(&run.id()).unwrap();
        assert!(detail.unreadable["trace"].contains("trace.json"), "{:?}", detail.unreadable);
        assert!(detail.trace.is_some(), "what was read stays");
    }

    #[test]
    fn nothing_is_published_when_nothing_changed() {
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "one");
        let mut work = work(root.path());
        let seen = work.world_in.subscribe();
        work.wanted = vec![run.id()];
        look(&mut work);
        let mut seen = seen;
        assert!(seen.has_changed().unwrap());
        seen.mark_unchanged();
        for _ in 0..3 {
            look(&mut work);
        }
        assert!(!seen.has_changed().unwrap());
    }

    #[test]
    fn a_copied_run_is_known_by_its_folder_and_so_is_a_renamed_one() {
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "one");
        let copy = root.path().join(format!("{}-copy", run.id()));
        std::fs::create_dir(&copy).unwrap();
        for name in ["run.json", "spec.toml", "state.json"] {
            std::fs::copy(run.path().join(name), copy.join(name)).unwrap();
        }
        let mut work = work(root.path());
        let world = look(&mut work);
        let mut ids: Vec<&str> = world.runs.iter().map(|run| run.info.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, [run.id(), format!("{}-copy", run.id())]);
        for run in &world.runs {
            assert_eq!(run.folder, root.path().join(&run.info.id));
        }
        assert_eq!(work.listing.known(), 2, "what is known of each is kept");
    }

    #[test]
    fn control_codes_and_direction_marks_of_a_log_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "one");
        std::fs::write(run.path().join("log.txt"), "a\u{1b}[2Jb\u{202e}c\n").unwrap();
        let mut work = work(root.path());
        look(&mut work);
        work.wanted = vec![run.id()];
        let world = look(&mut work);
        assert_eq!(world.detail(&run.id()).unwrap().log, ["a[2Jbc"]);
    }

    #[test]
    fn a_damaged_run_is_named_and_the_others_are_shown() {
        let root = tempfile::tempdir().unwrap();
        create(root.path(), "good");
        let bad = root.path().join("20200101-000000-bad-0000");
        std::fs::create_dir(&bad).unwrap();
        std::fs::write(bad.join("run.json"), "{").unwrap();
        let world = look(&mut work(root.path()));
        assert_eq!(world.runs.len(), 1);
        assert_eq!(world.unreadable.len(), 1);
    }
}
