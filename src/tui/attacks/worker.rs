//! One small worker: the process, its pipes and its folder.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Answered, KILLED};
use crate::run::live::{Answer, Ask};

/// Of what it says on its standard error: a sentence and a hint, not a whole backtrace.
const LAST_WORDS: u64 = 600;

/// Started for one run. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub(super) struct Worker {
    run: String,
    folder: PathBuf,
    process: Arc<Mutex<Child>>,
    questions: ChildStdin,
    status: Arc<Status>,
}

#[derive(Debug)]
struct Status {
    /// Under one lock: a question is either given to a worker whose death tells of it, or to the next.
    life: Mutex<Life>,
    /// Nobody listens any more.
    unheard: AtomicBool,
}

#[derive(Debug)]
struct Life {
    /// It has said its last word, or died.
    over: bool,
    /// The newest question that it was given.
    asked: u64,
}

impl Status {
    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// Starts `executable` on the run of this id in `run_folder`, with an empty `folder` for its
    /// pictures; `first` is what it is going to be asked.
    pub(super) fn start(
        executable: &Path,
        (run, run_folder): (&str, &Path),
        folder: PathBuf,
        first: &Ask,
        answered: &Arc<Answered>,
    ) -> io::Result<Self> {
        let started = Self::spawn(executable, run_folder, &folder);
        let (mut process, words) = started.inspect_err(|_| {
            let _ = fs::remove_dir_all(&folder);
        })?;
        let (Some(questions), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let worker = Self {
            run: run.to_owned(),
            folder,
            process: Arc::new(Mutex::new(process)),
            questions,
            status: Arc::new(Status {
                life: Mutex::new(Life { over: false, asked: first.id }),
                unheard: AtomicBool::new(false),
            }),
        };
        let listener = Listener {
            run: run.to_owned(),
            process: Arc::clone(&worker.process),
            status: Arc::clone(&worker.status),
            answered: Arc::clone(answered),
            words,
        };
        std::thread::Builder::new()
            .name("answers".into())
            .spawn(move || listener.listen(answers))?;
        Ok(worker)
    }

    fn spawn(executable: &Path, run_folder: &Path, folder: &Path) -> io::Result<(Child, File)> {
        let path = folder.join("said.txt");
        let said = File::create_new(&path)?;
        let process = Command::new(executable)
            .args(["worker", "--live", "--pictures"])
            .arg(folder)
            .arg(run_folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(said)
            // Keys pressed in an editor that has the terminal are not meant for it.
            .process_group(0)
            .spawn()?;
        Ok((process, File::open(path)?))
    }

    /// Whether it can be asked this about this run. If so, whatever it says counts for that
    /// question, too.
    pub(super) fn takes(&self, run: &str, ask: &Ask) -> bool {
        let mut life = self.status.life();
        let takes = self.run == run && !life.over;
        if takes {
            life.asked = ask.id;
        }
        takes
    }

    /// Whoever must not wait for it can kill it.
    pub(super) fn process(&self) -> Arc<Mutex<Child>> {
        Arc::clone(&self.process)
    }

    /// Asks it. If it has just died, its listener says so.
    pub(super) fn ask(&mut self, ask: &Ask) {
        let Ok(mut line) = serde_json::to_vec(ask) else { return };
        line.push(b'\n');
        let _ = self.questions.write_all(&line);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.status.unheard.store(true, Ordering::Release);
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        // It has nothing that could be lost.
        let _ = process.kill();
        // A process that hangs in the kernel ends when it can; nobody waits for that.
        let until = Instant::now() + KILLED;
        while matches!(process.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Reads what it answers, on a thread of its own, until it ends.
struct Listener {
    run: String,
    process: Arc<Mutex<Child>>,
    status: Arc<Status>,
    answered: Arc<Answered>,
    words: File,
}

impl Listener {
    fn listen(mut self, answers: ChildStdout) {
        for line in BufReader::new(answers).lines() {
            let Ok(line) = line else { break };
            let answer = serde_json::from_str(&line).unwrap_or_else(|error| Answer::Failed {
                why: format!("the worker that attacks images said what is no answer: {error}"),
            });
            let last = matches!(answer, Answer::Failed { .. });
            self.tell(answer);
            if last {
                return;
            }
        }
        let how = self.end().map_or("without a word".to_owned(), |status| status.to_string());
        let words = self.last_words().unwrap_or_default();
        let why = match words.trim() {
            "" => format!("the worker that attacks images has ended: {how}"),
            words => format!("the worker that attacks images has ended ({how}): {words}"),
        };
        self.tell(Answer::Failed { why });
    }

    fn tell(&self, answer: Answer) {
        let asked = {
            let mut life = self.status.life();
            life.over |= matches!(answer, Answer::Failed { .. });
            life.asked
        };
        if !self.status.unheard.load(Ordering::Acquire) {
            (self.answered)(&self.run, asked, answer);
        }
    }

    /// How it ended; it has closed its output, so that is now or very soon.
    fn end(&self) -> Option<ExitStatus> {
        for _ in 0..50 {
            // Never waited for while the lock is held: its owner may want to kill it.
            let ended = self.process.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
            match ended {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
        None
    }

    fn last_words(&mut self) -> io::Result<String> {
        let length = self.words.seek(SeekFrom::End(0))?;
        self.words.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)))?;
        let mut words = Vec::new();
        self.words.read_to_end(&mut words)?;
        let words = String::from_utf8_lossy(&words).into_owned();
        Ok(words.lines().map(str::trim).collect::<Vec<_>>().join(" "))
    }
}
