//! The workbench as people meet it: the real binary on a pseudo-terminal.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod screen;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use glassbox::run::folder::{NewRun, RunFolder};
use glassbox::run::state::{State, Status, this_host};
use screen::Screen;

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn run(home: &Path, status: Status, pid: Option<u32>) -> RunFolder {
    let spec = "title = \"quickstart\"\n[evaluate]\n";
    let new = NewRun { title: "quickstart", spec, device: "cpu", seed: 1, argv: Vec::new() };
    let folder = RunFolder::create(&home.join("runs"), &new).unwrap();
    let state = State { status, pid, host: Some(this_host()), ..State::queued(None) };
    state.write(folder.path()).unwrap();
    folder
}

fn kill(signal: &str, pid: u32) {
    Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
}

#[test]
fn a_terminal_that_answers_nothing_is_up_soon_and_q_leaves_it_in_order() {
    let home = home();
    let start = Instant::now();
    let mut screen = Screen::open(home.path(), (80, 24));
    screen.wait_for("No runs yet");
    // The limit is 0.5 s on an idle machine; the tests run beside each other.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

/// A finished run with one neuron and its picture.
fn run_with_a_picture(home: &Path) -> RunFolder {
    let folder = run(home, Status::Finished, None);
    let pixels =
        image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([x as u8 * 8, y as u8 * 8, 99]));
    std::fs::create_dir_all(folder.path().join("neurons/pictures")).unwrap();
    pixels.save(folder.path().join("neurons/pictures/one.png")).unwrap();
    let fixture = Path::new("tests/fixtures/runs/v1/20261101-120000-version-1-0001");
    let text = std::fs::read_to_string(fixture.join("results/neurons.json")).unwrap();
    let mut neurons: serde_json::Value = serde_json::from_str(&text).unwrap();
    // Whatever the pictures are called, they are this one.
    fn point_at_it(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(object) => {
                for (key, value) in object {
                    if key == "picture" {
                        *value = "neurons/pictures/one.png".into();
                    } else {
                        point_at_it(value);
                    }
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(point_at_it),
            _ => {}
        }
    }
    point_at_it(&mut neurons);
    std::fs::create_dir_all(folder.path().join("results")).unwrap();
    std::fs::write(folder.path().join("results/neurons.json"), neurons.to_string()).unwrap();
    folder
}

fn count(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).filter(|window| *window == what).count()
}

#[test]
fn a_mute_terminal_gets_half_blocks() {
    let home = home();
    run_with_a_picture(home.path());
    let mut screen = Screen::open(home.path(), (120, 40));
    screen.wait_for("finished");
    screen.press("4");
    screen.wait_for("▀▀▀");
    assert!(screen.text().contains("half-blocks"), "{}", screen.text());
    assert_eq!(count(&screen.bytes(), b"a=T"), 0);
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

#[test]
fn kitty_gets_placeholders_and_is_left_as_it_was() {
    let home = home();
    run_with_a_picture(home.path());
    let mut screen = Screen::open_on(screen::KITTY, home.path(), (120, 40));
    screen.wait_for("finished");
    screen.press("4");
    screen.wait_for("\u{10EEEE}");
    screen.wait_for("sent ");
    assert!(!screen.text().contains('▀'), "{}", screen.text());
    let sent = count(&screen.bytes(), b"a=T,U=1,f=100");
    assert!(sent > 0);
    // Away and back: nothing is sent twice, and nothing is left behind.
    screen.press("1");
    screen.wait_without("\u{10EEEE}");
    screen.press("4");
    screen.wait_for("\u{10EEEE}");
    assert_eq!(count(&screen.bytes(), b"a=T,U=1,f=100"), sent);
    // Unless somebody says that the terminal has lost them.
    screen.press("\x0c");
    let start = Instant::now();
    while count(&screen.bytes(), b"a=T,U=1,f=100") < 2 * sent {
        assert!(start.elapsed() < Duration::from_secs(20), "they are not sent again");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(count(&screen.bytes(), b"\x1b[c"), 2, "it is asked again what it can");
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
    assert_eq!(count(&screen.bytes(), b"a=d,d=I"), 2 * sent);
}

#[test]
fn answers_that_come_late_or_in_pieces_press_no_keys() {
    let home = home();
    let mut screen = Screen::open(home.path(), (100, 30));
    screen.wait_for("No runs yet");
    // 'q' in the version would quit, '?' would open the help.
    for piece in ["\x1bP>|q", "?q(1.0)\x1b", "\\\x1b[?62;", "22c", "\x1b_Gi=31;OK\x1b\\"] {
        screen.press(piece);
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(screen.is_alive() && !screen.text().contains("type to search"), "{}", screen.text());
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

#[test]
fn answers_under_way_do_not_end_in_the_shell() {
    let home = home();
    run_with_a_picture(home.path());
    let delay = Duration::from_millis(100);
    let mut screen = Screen::open_far_away(screen::KITTY, delay, home.path(), (120, 40));
    screen.wait_for("finished");
    screen.press("4");
    screen.wait_for("\u{10EEEE}");
    // All is asked and sent anew; no answer to that can be there yet.
    let fences = count(&screen.bytes(), b"\x1b[5n");
    screen.press("\x0c");
    let start = Instant::now();
    while count(&screen.bytes(), b"\x1b[5n") == fences {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing is sent again");
        std::thread::sleep(Duration::from_millis(1));
    }
    screen.press("\x1a");
    screen.wait_for_sleep();
    let bytes = screen.bytes();
    let left = bytes.windows(8).rposition(|bytes| bytes == b"\x1b[?1049l").unwrap();
    let shell = String::from_utf8_lossy(&bytes[left..]).into_owned();
    // As a terminal echoes what nobody has read.
    assert!(!shell.contains("^[") && !shell.contains("[0n"), "{shell:?}");
    kill("-CONT", screen.pid());
    screen.wait_for("\u{10EEEE}");
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

#[test]
fn in_the_background_the_terminal_is_not_asked() {
    let home = home();
    let mut command = portable_pty::CommandBuilder::new("/bin/sh");
    // With jobs, as in an interactive shell: one that asked would be stopped.
    let doctor = format!("set -m; {} doctor & wait", env!("CARGO_BIN_EXE_glassbox"));
    command.args(["-c", &doctor]);
    let screen = Screen::of(command, home.path(), (200, 60));
    screen.wait_for("it runs in the background");
}

#[test]
fn signals_end_it_in_order() {
    for signal in ["-TERM", "-HUP", "-INT"] {
        let home = home();
        let mut screen = Screen::open(home.path(), (80, 24));
        screen.wait_for("No runs yet");
        kill(signal, screen.pid());
        screen.ends_in_order();
    }
}

#[test]
fn a_terminal_that_goes_away_is_a_quiet_end() {
    let home = home();
    let mut child = screen::hang_up_once_it_shows(home.path(), "No runs yet");
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "still there without a terminal");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_ne!(child.wait().unwrap().exit_code(), 101, "it panicked");
    let log = home.path().join(".local/state/glassbox/glassbox.log");
    let log = std::fs::read_to_string(log).unwrap_or_default();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn quit_and_stop_stops_the_run() {
    let home = home();
    // A worker of another host is live as long as its heart beats, and can be asked to stop.
    let folder = run(home.path(), Status::Running, Some(std::process::id()));
    let beating = State { heartbeat: 9e12, ..folder.state().unwrap() };
    beating.write(folder.path()).unwrap();
    let mut screen = Screen::open(home.path(), (100, 30));
    screen.wait_for("running");
    screen.press("q");
    screen.wait_for("quit and stop it");
    screen.press("\x1b[B");
    screen.wait_for("› quit and stop it");
    screen.press("\r");
    assert_eq!(screen.ends_in_order(), 0);
    let control = std::fs::read_to_string(folder.path().join("control")).unwrap_or_default();
    assert!(control.contains("stop"), "the run was not asked to stop: '{control}'");
}

#[test]
fn it_follows_the_size_and_says_so_when_that_is_too_small() {
    let home = home();
    run(home.path(), Status::Finished, None);
    let mut screen = Screen::open(home.path(), (120, 40));
    screen.wait_for("finished");
    screen.resize(40, 10);
    screen.wait_for("glassbox needs");
    screen.resize(80, 24);
    screen.wait_for("finished");
    screen.press("2");
    screen.wait_for("presets");
    screen.press("?");
    screen.wait_for("type to search");
    // Esc and a letter in one write would be Alt with that letter.
    screen.press("\x1b");
    screen.wait_without("type to search");
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

#[test]
fn a_worker_that_is_killed_is_shown_as_lost_and_takes_nothing_with_it() {
    let home = home();
    let folder = run(home.path(), Status::Running, Some(1));
    let mut screen = Screen::open(home.path(), (120, 40));
    screen.wait_for("running");
    let silent = State { heartbeat: 1.0, ..folder.state().unwrap() };
    silent.write(folder.path()).unwrap();
    screen.wait_for("lost");
    std::fs::remove_dir_all(folder.path()).unwrap();
    screen.wait_for("No runs yet");
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

#[test]
fn nothing_is_sent_while_nothing_changes() {
    let home = home();
    run(home.path(), Status::Finished, None);
    let mut screen = Screen::open(home.path(), (80, 24));
    screen.wait_for("finished");
    std::thread::sleep(Duration::from_millis(700));
    // The machine's own numbers may change: only they may be sent, a few cells every two seconds.
    let before = screen.bytes().len();
    std::thread::sleep(Duration::from_millis(1500));
    let sent = screen.bytes().len() - before;
    assert!(sent < 400, "{sent} bytes");
    screen.press("q");
    screen.ends_in_order();
}

#[test]
fn ten_thousand_random_keys_and_resizes_leave_it_alive() {
    let home = home();
    run(home.path(), Status::Finished, None);
    let mut screen = Screen::open(home.path(), (100, 30));
    screen.wait_for("finished");
    let mut seed: u64 = 11;
    let mut roll = |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % sides
    };
    for _ in 0..10_000 {
        match roll(30) {
            0 => screen.resize(20 + roll(180) as u16, 5 + roll(50) as u16),
            // q, Ctrl-c and Ctrl-z end or stop it; e and Enter start editors and workers.
            n => {
                let keys = ["j", "k", "h", "l", "g", "G", "/", "x", "p", "c", " ", "T", "?", ":"];
                let more = ["1", "2", "4", "\t", "\x1b", "\x1b[A", "\x1b[B", "\x7f", "z", "L", "+"];
                let all: Vec<&str> = keys.into_iter().chain(more).collect();
                screen.press(all[(n as usize * 7 + roll(25) as usize) % all.len()]);
            }
        }
    }
    screen.resize(120, 40);
    std::thread::sleep(Duration::from_millis(300));
    assert!(screen.is_alive());
    // How an Esc and the key behind it arrive depends on the machine's speed, and so does what is
    // open now: out of everything, layer by layer, until `q` is a key and not a letter.
    for _ in 0..20 {
        if !screen.is_alive() {
            break;
        }
        for key in ["\x1b", "\x1b", "q"] {
            std::thread::sleep(Duration::from_millis(250));
            screen.press(key);
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    assert_eq!(screen.ends_in_order(), 0);
}

#[test]
fn a_dumb_terminal_is_refused_with_a_hint() {
    let home = home();
    let words = screen::on_a_terminal_called("dumb", home.path());
    assert!(words.contains("TERM=dumb") && words.contains("hint"), "{words}");
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_until_it_is_woken_up() {
    let home = home();
    run(home.path(), Status::Finished, None);
    let mut screen = Screen::open(home.path(), (80, 24));
    screen.wait_for("finished");
    screen.press("\x1a");
    screen.wait_for_sleep();
    kill("-CONT", screen.pid());
    screen.wait_for("finished");
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

/// An editor that does this with the file's name in `$1`. By `exec`, so that it is the workbench's
/// own child.
fn editor(home: &Path, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = home.join("editor");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("exec {}", path.display())
}

#[test]
fn a_changed_copy_of_the_spec_can_be_started_and_the_run_keeps_its_own() {
    let home = home();
    let folder = run(home.path(), Status::Finished, None);
    // Ctrl-C in an editor goes to every process of the foreground.
    let editor = editor(home.path(), "kill -INT $PPID; echo '# changed' >> \"$1\"");
    let mut screen = Screen::open_with_editor(home.path(), (100, 30), &editor);
    screen.wait_for("finished");
    screen.press("e");
    screen.wait_for("start a new run?");
    screen.press("\x1b");
    screen.wait_without("start a new run?");
    assert!(screen.is_alive());
    assert_eq!(folder.spec().unwrap(), "title = \"quickstart\"\n[evaluate]\n");
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

#[test]
fn an_editor_that_fails_is_told() {
    let home = home();
    run(home.path(), Status::Finished, None);
    let mut screen = Screen::open_with_editor(home.path(), (100, 30), "false");
    screen.wait_for("finished");
    screen.press("e");
    screen.wait_for("ended with exit code 1");
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

#[test]
fn an_editor_that_is_put_to_sleep_takes_the_workbench_along() {
    let home = home();
    run(home.path(), Status::Finished, None);
    let number = home.path().join("editor.pid");
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; kill -STOP $$", number.display());
    let editor = editor(home.path(), &format!("{script}; echo '# changed' >> \"$1\""));
    let mut screen = Screen::open_with_editor(home.path(), (100, 30), &editor);
    screen.wait_for("finished");
    screen.press("e");
    screen.wait_for_sleep();
    // As the shell's fg does, to all of the job.
    kill("-CONT", screen.pid());
    kill("-CONT", std::fs::read_to_string(&number).unwrap().trim().parse().unwrap());
    screen.wait_for("start a new run?");
    screen.press("\x1b");
    screen.wait_without("start a new run?");
    screen.press("q");
    assert_eq!(screen.ends_in_order(), 0);
}

const REPORT: &str = "GLASSBOX_TEST_REPORT";

#[test]
#[ignore = "the other half of the test below, which runs it on a terminal of its own"]
fn a_workbench_that_panics() {
    let Some(report) = std::env::var_os(REPORT) else { return };
    glassbox::tui::terminal::install_panic_hook(report.into());
    let _screen = glassbox::tui::terminal::Screen::enter(true).unwrap();
    panic!("made up for a test");
}

#[test]
fn a_panic_gives_the_terminal_back_and_leaves_a_report() {
    let home = home();
    let report = home.path().join("state/glassbox.log");
    let mut command = portable_pty::CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_workbench_that_panics", "--ignored", "--nocapture"]);
    command.env(REPORT, &report);
    let mut screen = Screen::of(command, home.path(), (100, 30));
    screen.wait_for("glassbox stopped by a mistake of its own");
    // The test harness's word for a test that failed, as it had to.
    assert_eq!(screen.ends_in_order(), 101);
    let text = std::fs::read_to_string(&report).unwrap();
    assert!(text.contains("made up for a test") && text.contains("panicked in thread"), "{text}");
    let bytes = screen.bytes();
    assert!(
        bytes.windows(8).any(|bytes| bytes == b"\x1b[?1049h"),
        "it never was on its own screen"
    );
}
