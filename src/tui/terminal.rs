//! The terminal itself: entering and leaving the full screen, drawing whole frames, and making sure
//! that whatever happens the shell gets its terminal back.

use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange, Event,
    KeyCode, KeyModifiers,
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
use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

use super::screen::View;
use super::theme::Ground;

/// How long the terminal may take to say whether it is light or dark. Most answer within 5 ms, over
/// a slow line within 150; nobody waits for one that never does.
const ANSWER: Duration = Duration::from_millis(200);

/// Buttons, wheel and drags, not every movement as `EnableMouseCapture` asks for: over SSH those
/// would be traffic for nothing.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Whether there is something to restore. Global because the panic hook must know it.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The full screen. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen {
    // One write a frame: over SSH each write may become a packet. Never dropped, since its own drop
    // prints to a standard error that may be gone with the terminal, and panics.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Screen {
    /// Raw mode, then the alternate screen; the mouse if it is wanted.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 16, stdout());
        take_over(&mut out, mouse)
            .and_then(|()| Terminal::new(CrosstermBackend::new(out)))
            .map(|terminal| Self { terminal: ManuallyDrop::new(terminal) })
            .inspect_err(|_| restore())
    }

    /// The same, after [`restore`]; the next frame sends every cell.
    pub fn enter_again(&mut self, mouse: bool) -> io::Result<()> {
        take_over(self.terminal.backend_mut(), mouse).inspect_err(|_| restore())?;
        self.forget()
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws one frame inside a synchronized update: only what differs from the last one is sent.
    pub fn draw(
        &mut self,
        view: &mut View,
        fill: impl FnOnce(Rect, &mut Buffer, &mut View),
    ) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            let area = frame.area();
            fill(area, frame.buffer_mut(), view);
            if let Some(cursor) = view.cursor.filter(|cursor| area.contains((*cursor).into())) {
                frame.set_cursor_position(cursor);
            }
        })?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())
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
    let _ = execute!(out, EndSynchronizedUpdate, Print(MOUSE_OFF));
    let _ = execute!(out, DisableFocusChange, DisableBracketedPaste);
    let _ = execute!(out, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// Asks the terminal whether it is light or dark; `None` if it does not say in time. To be called
/// in raw mode and before anything else reads from the terminal.
pub fn ask_ground() -> Option<Ground> {
    let mut options = QueryOptions::default();
    options.timeout = ANSWER;
    Some(match theme_mode(options).ok()? {
        ThemeMode::Dark => Ground::Dark,
        ThemeMode::Light => Ground::Light,
    })
}

/// Swallows the colour answer of a terminal that was too slow for [`ask_ground`]: it arrives as
/// keys (`Alt-]`, then `11;rgb:…`), and those keys would do things.
#[derive(Debug, Default)]
pub struct LateAnswer {
    /// Keys that may still belong to it.
    left: u8,
}

impl LateAnswer {
    /// The longest answer is `11;rgb:ffff/ffff/ffff` and its end.
    const LONGEST: u8 = 32;

    /// Whether the event is part of such an answer.
    pub fn takes(&mut self, event: &Event) -> bool {
        let Event::Key(key) = event else { return false };
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        if alt && key.code == KeyCode::Char(']') {
            self.left = Self::LONGEST;
            return true;
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let bell = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('g');
        if bell || (alt && key.code == KeyCode::Char('\\')) {
            self.left = 0;
        }
        true
    }
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

#[cfg(test)]
mod tests {
    use crossterm::event::KeyEvent;

    use super::*;

    #[test]
    fn a_late_colour_answer_presses_no_keys() {
        let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        let mut late = LateAnswer::default();
        assert!(!late.takes(&key(KeyCode::Char('q'), KeyModifiers::NONE)));
        assert!(late.takes(&key(KeyCode::Char(']'), KeyModifiers::ALT)));
        for c in "11;rgb:1414/1717/1d1d".chars() {
            assert!(late.takes(&key(KeyCode::Char(c), KeyModifiers::NONE)));
        }
        assert!(late.takes(&key(KeyCode::Char('\\'), KeyModifiers::ALT)));
        assert!(!late.takes(&key(KeyCode::Char('q'), KeyModifiers::NONE)));
    }
}
