//! The small worker behind the attack screen, seen from the workbench: starts it, asks it, ends it.
//! All of that on threads of its own; the loop only leaves a wish.

mod pictures;
mod worker;

use std::path::PathBuf;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use self::pictures::Pictures;
use self::worker::Worker;
use crate::run::live;

/// What is needed to start one.
#[derive(Debug, Clone)]
pub struct Place {
    /// This program.
    pub executable: PathBuf,
    /// Where runs live.
    pub runs_dir: PathBuf,
    /// Where folders for pictures are made; may be deleted at any time.
    pub cache: PathBuf,
}

/// Told what the worker of a run says, and the newest question that it had been given by then.
type Answered = dyn Fn(&str, u64, live::Answer) + Send + Sync;

/// How long the workbench waits for a worker that was killed: long enough for any that can end.
const KILLED: Duration = Duration::from_millis(500);

/// At most one worker. Dropping it ends that and removes its pictures.
#[derive(Debug)]
pub struct Attacks {
    slot: Arc<Slot>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, PartialEq)]
enum Wish {
    Ask(String, live::Ask),
    End,
}

#[derive(Debug, Default)]
struct Slot {
    wishes: Mutex<Wishes>,
    changed: Condvar,
    /// The worker that was started last: it can be killed while the thread waits for it.
    process: Mutex<Option<Arc<Mutex<Child>>>>,
}

#[derive(Debug, Default)]
struct Wishes {
    /// The worker of now is to end, before anything else is asked.
    end: bool,
    newest: Option<(String, live::Ask)>,
    over: bool,
}

impl Slot {
    // A panic elsewhere leaves a wish, which is still a wish.
    fn lock(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, wish: Wish) {
        let mut wishes = self.lock();
        match wish {
            Wish::Ask(run, ask) => wishes.newest = Some((run, ask)),
            // What was asked before is not wanted any more.
            Wish::End => (wishes.end, wishes.newest) = (true, None),
        }
        self.changed.notify_one();
    }

    fn next(&self) -> Option<Wish> {
        let mut wishes = self.lock();
        loop {
            if wishes.over {
                return None;
            }
            if std::mem::take(&mut wishes.end) {
                return Some(Wish::End);
            }
            if let Some((run, ask)) = wishes.newest.take() {
                return Some(Wish::Ask(run, ask));
            }
            wishes = self.changed.wait(wishes).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Arc<Mutex<Child>>>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attacks {
    /// Starts the thread; no worker yet. Pictures that workbenches of this host have left behind are
    /// swept away. `answered` is called on threads that may wait.
    pub fn start(
        place: Place,
        answered: impl Fn(&str, u64, live::Answer) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let slot = Arc::new(Slot::default());
        let (theirs, answered) = (Arc::clone(&slot), Arc::new(answered) as Arc<Answered>);
        let thread = std::thread::Builder::new()
            .name("attacks".into())
            .spawn(move || work(&theirs, &place, &answered))?;
        Ok(Self { slot, thread: Some(thread) })
    }

    /// Asks the worker of this run, which is started if there is none; one of another run is ended.
    /// Takes the place of a question that still waits.
    pub fn ask(&self, run: String, ask: live::Ask) {
        self.slot.put(Wish::Ask(run, ask));
    }

    /// Ends the worker, if there is one. What it still has to say nobody hears.
    pub fn end(&self) {
        self.slot.put(Wish::End);
    }
}

impl Drop for Attacks {
    fn drop(&mut self) {
        self.slot.lock().over = true;
        self.slot.changed.notify_one();
        let Some(thread) = self.thread.take() else { return };
        // The thread may be writing to a worker that reads nothing, because it was stopped.
        if let Some(process) = self.slot.process().take() {
            let _ = process.lock().unwrap_or_else(PoisonError::into_inner).kill();
        }
        // It takes as long as killing a process and removing a few files. The terminal is still
        // taken meanwhile, so nothing that hangs in the kernel is waited for.
        let until = Instant::now() + 2 * KILLED;
        while !thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn work(slot: &Slot, place: &Place, answered: &Arc<Answered>) {
    let mut pictures = Pictures::of(&place.cache);
    pictures.sweep();
    let mut worker: Option<Worker> = None;
    while let Some(wish) = slot.next() {
        let (run, ask) = match wish {
            Wish::Ask(run, ask) => (run, ask),
            Wish::End => {
                worker = None;
                continue;
            }
        };
        if worker.as_ref().is_none_or(|worker| !worker.takes(&run, &ask)) {
            // The old one is gone before the new one needs its memory.
            drop(worker.take());
            let started = pictures.folder().and_then(|folder| {
                let run_folder = place.runs_dir.join(&run);
                Worker::start(&place.executable, (&run, &run_folder), folder, &ask, answered)
            });
            match started {
                Ok(started) => {
                    *slot.process() = Some(started.process());
                    worker = Some(started);
                }
                Err(error) => {
                    let why = format!("failed to start the worker that attacks images: {error}");
                    answered(&run, ask.id, live::Answer::Failed { why });
                }
            }
        }
        if let Some(worker) = &mut worker {
            worker.ask(&ask);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::sync::mpsc;

    use super::*;
    use crate::run::live::Answer;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn ask(id: u64) -> live::Ask {
        live::Ask { id, image: 3, attack: "method = 'fgsm'".into() }
    }

    /// With a worker that is this script.
    fn attacks(folder: &Path, script: &str) -> (Attacks, mpsc::Receiver<(String, Answer)>) {
        let executable = folder.join("glassbox");
        fs::write(&executable, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).unwrap();
        let (send, receive) = mpsc::channel();
        let place = Place { executable, runs_dir: "/runs".into(), cache: folder.join("cache") };
        let answered = move |run: &str, _, answer| {
            let _ = send.send((run.to_owned(), answer));
        };
        (Attacks::start(place, answered).unwrap(), receive)
    }

    /// Refuses every question with the words of its command line and its own process id.
    const REFUSES: &str = "while read -r line; do id=${line#*:}; id=${id%%,*}\n\
        echo \"{\\\"answer\\\":\\\"refused\\\",\\\"id\\\":$id,\\\"why\\\":\\\"$* $$\\\"}\"; done";

    fn refused(receive: &mpsc::Receiver<(String, Answer)>) -> (String, u64, String) {
        match receive.recv_timeout(PATIENCE).unwrap() {
            (run, Answer::Refused { id, why }) => (run, id, why),
            other => panic!("{other:?}"),
        }
    }

    fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
        let since = Instant::now();
        while !is_so() {
            assert!(since.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A process that has not ended; a zombie has.
    fn lives(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| !rest.trim().is_empty() && !rest.starts_with(" Z"))
    }

    #[test]
    fn a_worker_is_kept_for_its_run_and_ended_for_another() {
        let home = tempfile::tempdir().unwrap();
        let (attacks, receive) = attacks(home.path(), REFUSES);
        attacks.ask("a".into(), ask(1));
        let (run, id, first) = refused(&receive);
        assert_eq!((run.as_str(), id), ("a", 1));
        assert!(first.starts_with("worker --live --pictures "), "{first}");
        assert!(first.contains(" /runs/a "), "{first}");
        attacks.ask("a".into(), ask(2));
        assert_eq!(refused(&receive), ("a".into(), 2, first.clone()));
        attacks.ask("b".into(), ask(3));
        let (run, id, second) = refused(&receive);
        assert_eq!((run.as_str(), id), ("b", 3));
        let pid = |words: &str| words.rsplit(' ').next().unwrap().to_owned();
        assert_ne!(pid(&first), pid(&second));
        assert!(!lives(&pid(&first)), "two workers at a time");

        attacks.end();
        wait_until("it did not end", || !lives(&pid(&second)));
        assert!(receive.recv_timeout(Duration::from_millis(100)).is_err(), "an end is no failure");
        attacks.ask("b".into(), ask(4));
        let (_, _, third) = refused(&receive);
        let folder = Path::new(third.split(' ').nth(3).unwrap()).to_owned();
        assert!(folder.is_dir());
        drop(attacks);
        assert!(!lives(&pid(&third)) && !folder.exists(), "it outlives the workbench");
    }

    #[test]
    fn a_worker_that_dies_is_a_failure_in_its_last_words_and_the_next_question_starts_another() {
        let home = tempfile::tempdir().unwrap();
        let script = "read -r line; echo 'computes on the CPU' >&2; echo 'no memory' >&2; exit 3";
        let (attacks, receive) = attacks(home.path(), script);
        for id in [1, 2] {
            attacks.ask("a".into(), ask(id));
            let (run, answer) = receive.recv_timeout(PATIENCE).unwrap();
            let Answer::Failed { why } = answer else { panic!("{answer:?}") };
            assert_eq!(run, "a");
            assert!(why.contains("exit status: 3") && why.ends_with("no memory"), "{why}");
        }
        drop(attacks);
        assert!(receive.try_recv().is_err(), "one failure each");
    }

    #[test]
    fn an_end_is_served_before_what_was_asked_after_it_and_forgets_what_was_asked_before() {
        let slot = Slot::default();
        let wish = |id| Wish::Ask("a".into(), ask(id));
        for wish in [wish(1), Wish::End, wish(2), wish(3)] {
            slot.put(wish);
        }
        assert_eq!((slot.next(), slot.next()), (Some(Wish::End), Some(wish(3))));
        slot.put(wish(4));
        slot.put(Wish::End);
        assert_eq!(slot.next(), Some(Wish::End));
        assert!(slot.lock().newest.is_none());
        slot.lock().over = true;
        assert_eq!(slot.next(), None);
    }

    #[test]
    fn a_worker_that_dies_tells_the_newest_question_that_it_was_given() {
        let home = tempfile::tempdir().unwrap();
        let executable = home.path().join("glassbox");
        fs::write(&executable, "#!/bin/sh\nread -r line; read -r line; exit 3\n").unwrap();
        fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).unwrap();
        let (send, receive) = mpsc::channel();
        let place = Place { executable, runs_dir: "/runs".into(), cache: home.path().into() };
        let answered = move |_: &str, asked, _| {
            let _ = send.send(asked);
        };
        let attacks = Attacks::start(place, answered).unwrap();
        let mut asked = 7;
        attacks.ask("a".into(), ask(asked));
        // A second one that comes in time replaces the first.
        let told = loop {
            if let Ok(told) = receive.recv_timeout(Duration::from_millis(300)) {
                break told;
            }
            asked += 1;
            attacks.ask("a".into(), ask(asked));
        };
        assert!(told > 7 && told <= asked, "{told}, {asked}");
    }

    #[test]
    fn a_worker_that_reads_nothing_does_not_keep_the_workbench_from_ending() {
        let home = tempfile::tempdir().unwrap();
        let told = home.path().join("pid");
        let script = format!("echo $$ > {}; kill -STOP $$", told.display());
        let (attacks, _receive) = attacks(home.path(), &script);
        // More than a pipe holds.
        attacks.ask("a".into(), live::Ask { attack: "x".repeat(1 << 20), ..ask(1) });
        let pid = || fs::read_to_string(&told).unwrap_or_default().trim().to_owned();
        wait_until("it did not start", || !pid().is_empty());
        let since = Instant::now();
        drop(attacks);
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
        wait_until("it outlives the workbench", || !lives(&pid()));
    }

    #[test]
    fn what_is_no_answer_and_what_cannot_start_are_failures() {
        let home = tempfile::tempdir().unwrap();
        let failure = |receive: &mpsc::Receiver<(String, Answer)>| match receive
            .recv_timeout(PATIENCE)
            .unwrap()
            .1
        {
            Answer::Failed { why } => why,
            other => panic!("{other:?}"),
        };
        {
            let (attacks, receive) = attacks(home.path(), "echo 'hello'; cat >/dev/null");
            attacks.ask("a".into(), ask(1));
            assert!(failure(&receive).contains("no answer"));
        }
        let (attacks, receive) = attacks(home.path(), "true");
        fs::remove_file(home.path().join("glassbox")).unwrap();
        attacks.ask("a".into(), ask(1));
        assert!(failure(&receive).contains("failed to start"));
    }

    #[test]
    fn its_own_last_word_is_not_repeated_as_a_death() {
        let home = tempfile::tempdir().unwrap();
        let script = "echo '{\"answer\":\"failed\",\"why\":\"no data\"}'; echo oh >&2; exit 2";
        let (attacks, receive) = attacks(home.path(), script);
        attacks.ask("a".into(), ask(1));
        let (_, answer) = receive.recv_timeout(PATIENCE).unwrap();
        assert_eq!(answer, Answer::Failed { why: "no data".into() });
        assert!(receive.recv_timeout(Duration::from_millis(300)).is_err());
    }
}
