//! The terminal itself: entering and leaving the full screen, drawing whole frames, and making sure
//! that whatever happens the shell gets its terminal back.

pub mod input;
mod keys;
pub mod pace;
pub mod parse;
pub mod query;

use std::cell::Cell;
use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::pace::Pace;
use super::screen::View;

/// Buttons, wheel and drags, not every movement as `EnableMouseCapture` asks for: over SSH those
/// would be traffic for nothing.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Whether there is something to restore. Global because the panic hook must know it.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// What of ours the terminal keeps and is to forget when it is given back.
static FAREWELL: Mutex<String> = Mutex::new(String::new());

/// The full screen. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen {
    // One write a frame: over SSH each write may become a packet. Never dropped, since its own drop
    // prints to a standard error that may be gone with the terminal, and panics.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Counted>>>,
    written: Rc<Cell<usize>>,
    pace: Pace,
    /// Asks the terminal whether it has come this far.
    fence: String,
}

/// Standard output, its bytes counted.
#[derive(Debug)]
struct Counted {
    out: BufWriter<Stdout>,
    count: Rc<Cell<usize>>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.count.set(self.count.get() + written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Device status: every terminal that answers anything answers this (`CSI 0 n`).
const FENCE: &str = "\x1b[5n";

impl Screen {
    /// Raw mode, then the alternate screen; the mouse if it is wanted.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        let written = Rc::new(Cell::new(0));
        let out = BufWriter::with_capacity(1 << 16, stdout());
        let mut out = Counted { out, count: Rc::clone(&written) };
        take_over(&mut out, mouse)
            .and_then(|()| Terminal::new(CrosstermBackend::new(out)))
            .map(|terminal| Self {
                terminal: ManuallyDrop::new(terminal),
                written,
                pace: Pace::default(),
                fence: FENCE.into(),
            })
            .inspect_err(|_| restore())
    }

    /// The same, after [`restore`]; the next frame sends every cell.
    pub fn enter_again(&mut self, mouse: bool) -> io::Result<()> {
        take_over(self.terminal.backend_mut(), mouse).inspect_err(|_| restore())?;
        self.pace.forget();
        self.forget()
    }

    /// The terminal answers questions: from now on no more is sent than it takes in. Through tmux, if
    /// the terminal around it answers: tmux itself would say yes to everything at once.
    pub fn trust(&mut self, through_tmux: bool) {
        self.pace.trust();
        self.fence = if through_tmux { query::through_tmux(FENCE) } else { FENCE.into() };
    }

    /// The terminal has come as far as it was asked about. Whether what was sent before may have
    /// been lost on its way.
    pub fn confirmed(&mut self) -> bool {
        self.pace.confirmed(Instant::now())
    }

    /// It is looked at again: what is to come for what was sent before is not waited for.
    pub fn seen_again(&mut self) {
        self.pace.forget();
    }

    /// Whether the terminal may still say that it has come this far.
    pub fn awaits_answers(&self) -> bool {
        self.pace.awaits_answers()
    }

    /// Sends questions, see [`query::questions`].
    pub fn ask(&mut self, questions: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), Print(questions))
    }

    /// Until when nothing should be drawn unless the terminal answers before.
    pub fn blocked_until(&mut self) -> Option<Instant> {
        self.pace.blocked_until(Instant::now())
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws one frame inside a synchronized update: only what differs from the last one is sent, and
    /// of new pictures as much as the line holds.
    pub fn draw(
        &mut self,
        view: &mut View,
        mut fill: impl FnMut(Rect, &mut Buffer, &mut View),
    ) -> io::Result<()> {
        let stage = Rc::clone(&view.stage);
        let (columns, rows) = self.size()?;
        let area = Rect::new(0, 0, columns, rows);
        let room = self.pace.room(Instant::now());
        let before = stage.start(room);
        let mut has_pictures = !before.is_empty();
        let mut next = Buffer::empty(area);
        fill(area, &mut next, view);
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate, Print(before))?;
        if stage.takes_clear() {
            self.forget()?;
            stage.cleared();
        }
        self.terminal.draw(|frame| {
            if frame.area() == area {
                std::mem::swap(frame.buffer_mut(), &mut next);
            } else {
                fill(frame.area(), frame.buffer_mut(), view);
            }
            if let Some(cursor) =
                view.cursor.filter(|cursor| frame.area().contains((*cursor).into()))
            {
                frame.set_cursor_position(cursor);
            }
        })?;
        let room = room.map(|room| room.saturating_sub(self.written.get()));
        let after = stage.finish(room);
        has_pictures |= !after.is_empty();
        let backend = self.terminal.backend_mut();
        queue!(backend, Print(after), EndSynchronizedUpdate)?;
        self.pace.wrote(self.written.take());
        if self.pace.asks(Instant::now(), has_pictures) {
            queue!(self.terminal.backend_mut(), Print(&self.fence))?;
        }
        Write::flush(self.terminal.backend_mut())?;
        remember(stage.farewell());
        Ok(())
    }

    /// Makes the next frame send every cell. Not `Terminal::clear`: that waits for the terminal to
    /// say where its cursor is.
    pub fn forget(&mut self) -> io::Result<()> {
        let (columns, rows) = self.size()?;
        self.terminal.resize(Rect::new(0, 0, columns, rows))
    }

    /// Mouse reports on or off.
    pub fn capture_mouse(&mut self, on: bool) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        execute!(out, Print(if on { MOUSE_ON } else { MOUSE_OFF }))
    }

    /// Into the clipboard of the user's terminal, through SSH and all.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))
    }
}

/// What to send when the terminal is given back, whoever does that.
fn remember(farewell: String) {
    *FAREWELL.lock().unwrap_or_else(PoisonError::into_inner) = farewell;
}

fn take_over(out: &mut impl Write, mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    execute!(
        out,
        EnterAlternateScreen,
        SetTitle("glassbox"),
        EnableBracketedPaste,
        EnableFocusChange,
        cursor::Hide,
        Print(if mouse { MOUSE_ON } else { "" })
    )
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back to the shell. Does nothing the second time, and nothing that can fail is
/// allowed to keep the rest from being done.
pub fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    // Not waited for: the thread that panics may be the one that holds it.
    let farewell = FAREWELL.try_lock().map(|mut farewell| std::mem::take(&mut *farewell));
    let farewell = farewell.unwrap_or_default();
    let _ = execute!(out, EndSynchronizedUpdate, Print(farewell), Print(MOUSE_OFF));
    let _ = execute!(out, DisableFocusChange, DisableBracketedPaste);
    let _ = execute!(out, LeaveAlternateScreen, cursor::Show);
    // Answers and mouse reports that nobody read: the shell would take them for what was typed.
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
    let _ = disable_raw_mode();
}

/// A panic of the workbench's own thread gives the terminal back and says where the report is; one
/// of a background thread is only reported.
pub fn install_panic_hook(log: PathBuf) {
    let workbench = std::thread::current().id();
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let report = format!(
            "{}\nglassbox {} panicked in thread '{}'\n{panic}\n{}\n",
            jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S%:z"),
            env!("CARGO_PKG_VERSION"),
            thread.name().unwrap_or("unnamed"),
            std::backtrace::Backtrace::force_capture(),
        );
        let written = append(&log, &report);
        if thread.id() != workbench {
            return;
        }
        restore();
        // Not a command's output, so not `cli`: the last words of a program that is broken.
        let _ = match written {
            Ok(()) => writeln!(
                io::stderr(),
                "glassbox stopped by a mistake of its own; runs go on. Report: {}",
                log.display()
            ),
            Err(error) => {
                default(panic);
                writeln!(io::stderr(), "no report in {}: {error}", log.display())
            }
        };
    }));
}

fn append(log: &PathBuf, text: &str) -> io::Result<()> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::OpenOptions::new().create(true).append(true).open(log)?.write_all(text.as_bytes())
}
