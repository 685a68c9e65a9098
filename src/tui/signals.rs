//! The signals that the workbench answers to.

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, SIGHUP, SIGINT: end, and leave the terminal in order.
    End,
    /// SIGTSTP: stop until continued.
    Sleep,
    /// SIGCONT: somebody may have used the terminal meanwhile.
    WokenUp,
    /// SIGWINCH: the terminal has another size.
    Resized,
}

/// Listens from the moment it is made.
#[derive(Debug)]
pub struct Signals {
    terminate: Stream,
    hang_up: Stream,
    interrupt: Stream,
    stop: Stream,
    resume: Stream,
    resize: Stream,
}

impl Signals {
    /// Starts listening.
    pub fn listen() -> std::io::Result<Self> {
        let raw = |signal: rustix::process::Signal| SignalKind::from_raw(signal.as_raw());
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(raw(rustix::process::Signal::TSTP))?,
            resume: signal(raw(rustix::process::Signal::CONT))?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    /// Forgets what the keyboard sent while another program had the terminal: Ctrl-C and Ctrl-Z go to
    /// every process of the foreground, and were meant for that one.
    pub async fn forget_keyboard(&mut self) {
        // Long enough for what has arrived to be handed on.
        let over = tokio::time::sleep(std::time::Duration::from_millis(20));
        tokio::pin!(over);
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.stop.recv() => {}
                _ = self.resume.recv() => {}
                () = &mut over => return,
            }
        }
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::End,
            _ = self.hang_up.recv() => Signal::End,
            _ = self.interrupt.recv() => Signal::End,
            _ = self.stop.recv() => Signal::Sleep,
            _ = self.resume.recv() => Signal::WokenUp,
            _ = self.resize.recv() => Signal::Resized,
        }
    }
}
