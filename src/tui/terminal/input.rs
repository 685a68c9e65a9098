//! The one reader of what the terminal sends, on a thread of its own.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use crossterm::event::Event;
use filedescriptor::{POLLIN, poll, pollfd};
use tokio::sync::mpsc;

use super::parse::{Input, Parser, Waiting};

/// After an Esc: longer, and people would notice; shorter, and a slow line would part an arrow key.
const SHORTLY: Duration = Duration::from_millis(40);
/// In the middle of a sequence: a packet that was lost has been sent again by then.
const LONG: Duration = Duration::from_secs(2);
/// In the middle of a paste.
const PASTE: Duration = Duration::from_secs(5);

/// The thread. Dropping it ends the reading at once, before anything more is taken.
#[derive(Debug)]
pub struct Reader {
    /// What came before the thread was there.
    early: std::vec::IntoIter<Event>,
    inbox: Option<mpsc::Receiver<io::Result<Input>>>,
    stop: PipeWriter,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Reader {
    /// Starts it where the parser stands.
    pub fn start(parser: Parser, early: Vec<Event>) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let (sender, inbox) = mpsc::channel(256);
        let thread = std::thread::Builder::new()
            .name("input".into())
            .spawn(move || read_on(parser, &stopped, &sender))?;
        Ok(Self { early: early.into_iter(), inbox: Some(inbox), stop, thread: Some(thread) })
    }

    /// The next thing; `None` when there will be none any more.
    pub async fn next(&mut self) -> Option<io::Result<Input>> {
        if let Some(event) = self.early.next() {
            return Some(Ok(Input::Event(event)));
        }
        self.inbox.as_mut()?.recv().await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Nobody listens: a full channel must not keep it.
        self.inbox = None;
        let _ = self.stop.write_all(&[0]);
        if let Some(thread) = self.thread.take() {
            // Only joined, so that whoever reads next has the terminal for himself.
            let _ = thread.join();
        }
    }
}

fn read_on(mut parser: Parser, stopped: &PipeReader, sender: &mpsc::Sender<io::Result<Input>>) {
    let mut bytes = [0; 4096];
    loop {
        let patience = match parser.waiting() {
            Waiting::No => None,
            Waiting::Shortly => Some(SHORTLY),
            Waiting::Long => Some(LONG),
            Waiting::ForItsEnd => Some(PASTE),
        };
        let inputs = match wait(Some(stopped), patience) {
            Ok(Ready::Stopped) => return,
            Ok(Ready::Nothing) => parser.flush(),
            Ok(Ready::Bytes) => match rustix::io::read(io::stdin().as_fd(), &mut bytes) {
                Ok(0) => {
                    let _ = sender.blocking_send(Err(io::ErrorKind::UnexpectedEof.into()));
                    return;
                }
                Ok(read) => parser.feed(&bytes[..read]),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                Err(error) => {
                    let _ = sender.blocking_send(Err(error.into()));
                    return;
                }
            },
            Err(error) => {
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        for input in inputs {
            if sender.blocking_send(Ok(input)).is_err() {
                return;
            }
        }
    }
}

/// What there is to read on standard input; `None` if nothing comes in time, or nothing ever will.
pub(super) fn read_within(patience: Duration) -> io::Result<Option<Vec<u8>>> {
    match wait(None, Some(patience))? {
        Ready::Bytes => {
            let mut bytes = vec![0; 4096];
            match rustix::io::read(io::stdin().as_fd(), &mut bytes) {
                Ok(0) => Ok(None),
                Ok(read) => {
                    bytes.truncate(read);
                    Ok(Some(bytes))
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(Some(Vec::new())),
                Err(error) => Err(error.into()),
            }
        }
        Ready::Stopped | Ready::Nothing => Ok(None),
    }
}

enum Ready {
    Bytes,
    Stopped,
    Nothing,
}

fn wait(stopped: Option<&PipeReader>, patience: Option<Duration>) -> io::Result<Ready> {
    let of = |fd: &dyn AsRawFd| pollfd { fd: fd.as_raw_fd(), events: POLLIN, revents: 0 };
    let mut fds = vec![of(&io::stdin())];
    fds.extend(stopped.map(|stopped| of(stopped)));
    match poll(&mut fds, patience) {
        Ok(0) => Ok(Ready::Nothing),
        Ok(_) if fds.get(1).is_some_and(|fd| fd.revents != 0) => Ok(Ready::Stopped),
        Ok(_) => Ok(Ready::Bytes),
        Err(filedescriptor::Error::Poll(error) | filedescriptor::Error::Io(error)) => {
            match error.kind() {
                // A signal: the same again; at most the patience is a little longer.
                io::ErrorKind::Interrupted => wait(stopped, patience),
                _ => Err(error),
            }
        }
        Err(error) => Err(io::Error::other(error)),
    }
}
