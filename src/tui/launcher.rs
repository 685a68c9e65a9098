//! Starts and steers workers as a user would: by this same program's commands and by the run
//! folder's `control` file; and keeps what the user writes into a run. Every call runs on a thread
//! of its own and answers with a message.

use std::fs;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, waitpid};

use super::effect::Order;
use super::message::{Message, Notice};
use super::screen::runs::short_name;
use crate::run::bookmarks::Bookmarks;
use crate::run::control;

/// What is needed to start something.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// This program.
    pub executable: PathBuf,
    /// Where runs live.
    pub runs_dir: PathBuf,
}

impl Launcher {
    /// `glassbox run SPEC --detach --json`: answers with the new run's id, or with the command's
    /// own words.
    pub fn start(&self, spec: &str) -> Message {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("glassbox-{}-{number}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        let written = create_private(&path).and_then(|mut file| file.write_all(spec.as_bytes()));
        let answer = match written {
            Ok(()) => self.command(&["run", &path.to_string_lossy(), "--detach", "--json"]),
            Err(error) => Err(format!("failed to write {}: {error}", path.display())),
        };
        // The run folder has its own copy by now.
        let _ = fs::remove_file(&path);
        // Nobody knows the file by the name it had for a moment.
        let answer = answer.map_err(|text| text.replace(&*path.to_string_lossy(), "spec.toml"));
        let id = answer.and_then(|text| {
            let value: serde_json::Value = serde_json::from_str(&text)
                .map_err(|error| format!("'glassbox run --json' answered no JSON: {error}"))?;
            let id = value.get("id").and_then(serde_json::Value::as_str);
            id.map(str::to_owned).ok_or_else(|| "'glassbox run --json' named no id".into())
        });
        match id {
            Ok(id) => Message::RunStarted(id),
            Err(error) => Message::Noticed(Notice::error(error)),
        }
    }

    /// `glassbox resume RUN`.
    pub fn resume(&self, run: &str) -> Message {
        Message::Noticed(match self.command(&["resume", run]) {
            Ok(_) => Notice::info(format!("{} goes on", short_name(run))),
            Err(error) => Notice::error(error),
        })
    }

    /// `glassbox report RUN… --out RUN/report`, into the folder of the first run.
    pub fn report(&self, runs: &[String]) -> Message {
        let Some(first) = runs.first() else {
            return Message::Noticed(Notice::info("no run is selected"));
        };
        let out = self.runs_dir.join(first).join("report");
        let out = out.to_string_lossy();
        let mut words = vec!["report", "--out", &out];
        words.extend(runs.iter().map(String::as_str));
        Message::Noticed(match self.command(&words) {
            // It prints the names of the files.
            Ok(files) => {
                let page = format!("{out}/report.html");
                let others = files.lines().filter(|file| *file != page).count();
                Notice::info(format!("{page} and {others} more files"))
            }
            Err(error) => Notice::error(error),
        })
    }

    /// Tells a run's worker.
    pub fn control(&self, run: &str, order: Order) -> Message {
        let (command, words) = match order {
            Order::Pause => (control::Command::Pause, "asked to pause"),
            Order::Resume => (control::Command::Resume, "asked to go on"),
            Order::Checkpoint => (control::Command::Checkpoint, "asked for a checkpoint"),
            Order::Stop => (control::Command::Stop, "asked to stop"),
        };
        Message::Noticed(match control::send(&self.runs_dir.join(run), command) {
            Ok(()) => Notice::info(format!("{}: {words}", short_name(run))),
            Err(error) => Notice::error(error.message),
        })
    }

    /// Keeps a neuron's bookmark in its run, or takes it away.
    pub fn bookmark(&self, run: &str, layer: &str, neuron: usize, note: Option<String>) -> Message {
        // One after another: each call reads the file, changes it and writes it whole.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.runs_dir.join(run);
        let words = if note.is_some() { "bookmarked" } else { "bookmark taken away" };
        // What was typed must not be lost with the file.
        let typed = note.clone().filter(|note| !note.is_empty());
        let kept = Bookmarks::read(&folder).and_then(|mut bookmarks| {
            bookmarks.set(layer, neuron, note);
            bookmarks.write(&folder)
        });
        Message::Noticed(match kept {
            Ok(()) => Notice::info(format!("{layer} · neuron {neuron}: {words}")),
            Err(error) => {
                let hint = error.hint.map_or(String::new(), |hint| format!(" ({hint})"));
                let note = typed.map_or(String::new(), |note| format!("; the note was '{note}'"));
                Notice::error(format!("{}{hint}{note}", error.message))
            }
        })
    }

    /// Runs one of this program's commands. Its output goes to files, not pipes: a worker that
    /// inherits a pipe would keep it open for as long as the run takes.
    fn command(&self, arguments: &[&str]) -> Result<String, String> {
        let failed = |error: std::io::Error| format!("failed to run glassbox: {error}");
        let mut out = scratch().map_err(failed)?;
        let mut err = scratch().map_err(failed)?;
        let status = Command::new(&self.executable)
            .args(arguments)
            .arg("--runs-dir")
            .arg(&self.runs_dir)
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(failed)?)
            .stderr(err.try_clone().map_err(failed)?)
            .status()
            .map_err(failed)?;
        let mut text = String::new();
        let from = if status.success() { &mut out } else { &mut err };
        from.rewind().and_then(|()| from.read_to_string(&mut text)).map_err(failed)?;
        let text = text.trim().to_owned();
        match (status.success(), text.is_empty()) {
            (true, _) => Ok(text),
            // The frame round it says that it is an error.
            (false, false) => Err(text.strip_prefix("error: ").unwrap_or(&text).to_owned()),
            (false, true) => Err(format!("'glassbox {}' ended with {status}", arguments.join(" "))),
        }
    }
}

/// A copy of a spec for the editor; the caller removes it.
pub fn copy_spec(text: &str) -> std::io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("glassbox-spec-{}.toml", std::process::id()));
    let _ = fs::remove_file(&path);
    create_private(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}

/// Runs `$VISUAL`, `$EDITOR` or `vi` on a file and waits for it. When it is put to sleep (Ctrl-Z),
/// this process sleeps too: the shell that started both waits for this one.
pub fn run_editor(path: &Path) -> Result<(), String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".into());
    let failed = |error: std::io::Error| format!("failed to run '{editor}': {error}");
    // By the shell: people write `code --wait` there, and quote what needs quoting.
    #[allow(clippy::zombie_processes, reason = "it is waited for by its number")]
    let child = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(path)
        .spawn()
        .map_err(failed)?;
    let status = wait_for(child.id()).map_err(failed)?;
    match (status.exit_status(), status.terminating_signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => {
            Err(format!("'{editor}' ended with exit code {code}; set $EDITOR to another one"))
        }
        (None, signal) => Err(format!("'{editor}' was ended by signal {}", signal.unwrap_or(0))),
    }
}

/// How a child ended.
fn wait_for(child: u32) -> std::io::Result<WaitStatus> {
    let child = i32::try_from(child).ok().and_then(Pid::from_raw);
    loop {
        match waitpid(child, WaitOptions::UNTRACED) {
            // It goes on together with this process, or after somebody wakes it by itself.
            Ok(Some((_, status))) if status.stopped() => kill_process(getpid(), Signal::STOP)?,
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) => {}
            Err(error) if error == rustix::io::Errno::INTR => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Nobody else may read it, and nobody may have laid a link there.
fn create_private(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).read(true).create_new(true).mode(0o600).open(path)
}

/// A file without a name.
fn scratch() -> std::io::Result<fs::File> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("glassbox-{}-out-{number}", std::process::id()));
    let file = create_private(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::tui::message::Severity;

    fn launcher(folder: &Path, script: &str) -> Launcher {
        let executable = folder.join("glassbox");
        fs::write(&executable, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).unwrap();
        Launcher { executable, runs_dir: folder.join("runs") }
    }

    #[test]
    fn the_command_gets_the_spec_and_its_id_comes_back_while_a_worker_lives_on() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        let script = format!(
            "cat \"$2\" > {0}; echo \"$@\" >> {0}; (sleep 30 & echo $! > {0}.pid); echo '{{\"id\":\"x-1\"}}'",
            seen.display()
        );
        let started = std::time::Instant::now();
        let message = launcher(folder.path(), &script).start("title = \"t\"\n");
        let pid = fs::read_to_string(folder.path().join("seen.pid")).unwrap();
        let _ = Command::new("kill").arg(pid.trim()).status();
        assert!(started.elapsed().as_secs() < 20);
        let Message::RunStarted(id) = message else { panic!("{message:?}") };
        assert_eq!(id, "x-1");
        let seen = fs::read_to_string(seen).unwrap();
        assert!(seen.starts_with("title = \"t\"\nrun "), "{seen}");
        assert!(seen.contains("--detach --json --runs-dir"), "{seen}");
    }

    #[test]
    fn bookmarks_are_kept_in_the_run_and_a_damaged_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let launcher = launcher(folder.path(), "exit 1");
        let run = folder.path().join("runs/x-1");
        fs::create_dir_all(&run).unwrap();
        let marks: Vec<_> = (0..8)
            .map(|neuron| {
                let launcher = launcher.clone();
                let note = Some(format!("note {neuron}"));
                std::thread::spawn(move || launcher.bookmark("x-1", "conv5", neuron, note))
            })
            .collect();
        for mark in marks {
            assert!(
                matches!(mark.join().unwrap(), Message::Noticed(notice) if notice.severity == Severity::Info)
            );
        }
        launcher.bookmark("x-1", "conv5", 3, None);
        let kept = Bookmarks::read(&run).unwrap();
        assert_eq!(kept.bookmarks.len(), 7);
        assert_eq!(kept.of("conv5", 4).unwrap().note, "note 4");
        fs::write(run.join("neurons/bookmarks.json"), "[").unwrap();
        let told = launcher.bookmark("x-1", "conv5", 3, Some("dogs".into()));
        let Message::Noticed(notice) = told else { panic!() };
        assert!(notice.text.contains("mend it") && notice.text.contains("'dogs'"), "{notice:?}");
        assert_eq!(fs::read_to_string(run.join("neurons/bookmarks.json")).unwrap(), "[");
    }

    #[test]
    fn a_report_goes_into_the_folder_of_the_first_run() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        let script = format!(
            "echo \"$@\" > {}; echo \"$3/report.html\"; echo \"$3/report.md\"",
            seen.display()
        );
        let launcher = launcher(folder.path(), &script);
        let told = launcher.report(&["a-1".into(), "b-2".into()]);
        let out = folder.path().join("runs/a-1/report").display().to_string();
        let text = format!("{out}/report.html and 1 more files");
        assert!(matches!(told, Message::Noticed(notice) if notice.text == text));
        let seen = fs::read_to_string(seen).unwrap();
        assert!(seen.starts_with(&format!("report --out {out} a-1 b-2 --runs-dir")), "{seen}");
    }

    #[test]
    fn a_refused_spec_is_told_in_the_commands_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo \"error: $2:3: no such data\" >&2; exit 2";
        let message = launcher(folder.path(), script).start("x");
        let Message::Noticed(notice) = message else { panic!("{message:?}") };
        let text = "spec.toml:3: no such data".into();
        assert_eq!(notice, Notice { severity: Severity::Error, text });
    }
}
