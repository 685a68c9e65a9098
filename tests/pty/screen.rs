//! The real binary on a pseudo-terminal, and the screen it would show. Unless a test says otherwise the
//! terminal answers nothing.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Two busy cores are slow; a test that fails waits this long once.
const PATIENCE: Duration = Duration::from_secs(20);

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

pub struct Screen {
    parser: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
}

/// What a terminal is asked, and what it answers.
pub type Answers = [(&'static str, &'static str)];

/// As kitty answers.
pub const KITTY: &Answers = &[
    ("\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\", "\x1b_Gi=31;OK\x1b\\"),
    ("\x1b[>q", "\x1bP>|kitty(0.41.1)\x1b\\"),
    ("\x1b[16t", "\x1b[6;20;10t"),
    ("\x1b]11;?\x1b\\", "\x1b]11;rgb:1414/1717/1d1d\x1b\\"),
    ("\x1b[c", "\x1b[?62;52;c"),
    ("\x1b[5n", "\x1b[0n"),
];

/// The questions in `bytes` from `from` on, in their order: each answer, and where its question ends.
fn asked(terminal: &Answers, bytes: &[u8], from: usize) -> Vec<(&'static str, usize)> {
    let mut found = Vec::new();
    for (question, answer) in terminal {
        let question = question.as_bytes();
        let starts = bytes[from..].windows(question.len()).enumerate();
        let ends = starts.filter(|(_, w)| *w == question).map(|(at, _)| from + at + question.len());
        found.extend(ends.map(|end| (*answer, end)));
    }
    found.sort_unstable_by_key(|(_, end)| *end);
    found
}

type Started = (Box<dyn Child + Send + Sync>, Box<dyn MasterPty + Send>);

/// The workbench on a new pseudo-terminal of that size.
fn start(home: &Path, size: PtySize) -> Started {
    start_as("xterm-256color", home, size)
}

fn run(mut command: CommandBuilder, term: &str, home: &Path, size: PtySize) -> Started {
    let pair = native_pty_system().openpty(size).unwrap();
    command.env("TERM", term);
    command.env("HOME", home);
    command.env("PATH", "/usr/bin:/bin");
    command.cwd(home);
    (pair.slave.spawn_command(command).unwrap(), pair.master)
}

/// All that it says on a terminal of that name, until it ends.
pub fn on_a_terminal_called(term: &str, home: &Path) -> String {
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let (mut child, master) = start_as(term, home, size);
    let mut reader = master.try_clone_reader().unwrap();
    let mut words = Vec::new();
    // A pseudo-terminal ends with an error when nobody holds its other side.
    let _ = reader.read_to_end(&mut words);
    assert_eq!(child.wait().unwrap().exit_code(), 2);
    String::from_utf8_lossy(&words).into_owned()
}

fn start_as(term: &str, home: &Path, size: PtySize) -> Started {
    run(workbench(home), term, home, size)
}

fn workbench(home: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_glassbox"));
    command.args(["--runs-dir", home.join("runs").to_str().unwrap()]);
    command.env_clear();
    command
}

/// A workbench whose terminal is closed as soon as it shows `text`.
pub fn hang_up_once_it_shows(home: &Path, text: &str) -> Box<dyn Child + Send + Sync> {
    let (child, master) =
        start(home, PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 });
    let mut reader = master.try_clone_reader().unwrap();
    let mut parser = vt100::Parser::new(cells(24), cells(80), 0);
    let mut buffer = vec![0; 65536];
    while !parser.screen().contents().contains(text) {
        let read = reader.read(&mut buffer).unwrap();
        assert!(read > 0, "it ended before it showed '{text}'");
        parser.process(&buffer[..read]);
    }
    child
}

impl Screen {
    pub fn open(home: &Path, size: (u16, u16)) -> Self {
        Self::of(workbench(home), home, size)
    }

    /// With this as `$EDITOR`.
    pub fn open_with_editor(home: &Path, size: (u16, u16), editor: &str) -> Self {
        let mut command = workbench(home);
        command.env("EDITOR", editor);
        Self::of(command, home, size)
    }

    /// On a terminal that answers: what it says to what it is asked.
    pub fn open_on(terminal: &'static Answers, home: &Path, size: (u16, u16)) -> Self {
        Self::on(terminal, Duration::ZERO, workbench(home), home, size)
    }

    /// On one at the end of a long line: its answers take this long.
    pub fn open_far_away(
        terminal: &'static Answers,
        delay: Duration,
        home: &Path,
        size: (u16, u16),
    ) -> Self {
        Self::on(terminal, delay, workbench(home), home, size)
    }

    /// Another program.
    pub fn of(command: CommandBuilder, home: &Path, size: (u16, u16)) -> Self {
        Self::on(&[], Duration::ZERO, command, home, size)
    }

    fn on(
        terminal: &'static Answers,
        delay: Duration,
        command: CommandBuilder,
        home: &Path,
        (columns, rows): (u16, u16),
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let (child, master) = run(command, "xterm-256color", home, size);
        let parser = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let mut reader = master.try_clone_reader().unwrap();
        let (shown, seen) = (Arc::clone(&parser), Arc::clone(&bytes));
        let writer = Arc::new(Mutex::new(master.take_writer().unwrap()));
        let answers = Arc::clone(&writer);
        let (say, said) = std::sync::mpsc::channel::<(&str, Instant)>();
        std::thread::spawn(move || {
            for (answer, at) in said {
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                // The other side may be gone by now.
                if answers.lock().unwrap().write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        });
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            let mut answered = 0;
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                shown.lock().unwrap().process(&buffer[..read]);
                let mut seen = seen.lock().unwrap();
                seen.extend_from_slice(&buffer[..read]);
                for (answer, end) in asked(terminal, &seen, answered) {
                    let _ = say.send((answer, Instant::now() + delay));
                    answered = end;
                }
            }
        });
        Self { parser, bytes, writer, master, child }
    }

    pub fn text(&self) -> String {
        self.parser.lock().unwrap().screen().contents()
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }

    pub fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !self.text().contains(text) {
            assert!(start.elapsed() < PATIENCE, "no '{text}' in:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn wait_without(&self, text: &str) {
        let start = Instant::now();
        while self.text().contains(text) {
            assert!(start.elapsed() < PATIENCE, "still '{text}' in:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn press(&mut self, keys: &str) {
        let mut writer = self.writer.lock().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.parser.lock().unwrap().screen_mut().set_size(cells(rows), cells(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits until the process is stopped, as by Ctrl-Z, and holds that the shell has its terminal.
    pub fn wait_for_sleep(&self) {
        let start = Instant::now();
        let stat = format!("/proc/{}/stat", self.pid());
        let is_stopped = |stat: String| {
            let after = stat.rsplit(')').next().unwrap_or_default().trim_start().to_owned();
            after.starts_with('T')
        };
        while !std::fs::read_to_string(&stat).is_ok_and(is_stopped) {
            assert!(start.elapsed() < PATIENCE, "awake:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
        // What it wrote last may still be on its way.
        std::thread::sleep(Duration::from_millis(200));
        assert!(!self.parser.lock().unwrap().screen().alternate_screen(), "not the shell's screen");
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end and holds that the shell got its terminal back.
    pub fn ends_in_order(&mut self) -> u32 {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "still there:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        };
        // What it wrote last may still be on its way.
        let ended = Instant::now();
        let is_left = || !self.parser.lock().unwrap().screen().alternate_screen();
        while !is_left() && ended.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(200));
        let parser = self.parser.lock().unwrap();
        let screen = parser.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "no cursor");
        assert!(!screen.bracketed_paste(), "paste is still bracketed");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        status.exit_code()
    }
}
