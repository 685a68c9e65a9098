//! One round of questions to the terminal: who it is, which pictures it can draw, how large its cells
//! are, what its background is. All are sent at once, the last one is one that every terminal
//! answers, and nobody waits for one that does not.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::event::Event;

use super::input;
use super::parse::{Answer, Input, Parser};

/// How long the terminal may take. Most answer within 5 ms, over a slow line within 150.
pub const PATIENCE: Duration = Duration::from_millis(200);

/// Numbers of the graphics queries: to whoever answers first, and to the terminal around tmux.
const HERE: u32 = 31;
const AROUND: u32 = 32;

/// What one terminal said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Name and version, as XTVERSION tells them.
    pub version: Option<String>,
    /// Whether it understands kitty's graphics.
    pub graphics: bool,
    /// What it can do, by DA1's numbers; `None` = it did not answer.
    pub attributes: Option<Vec<u16>>,
    /// Pixels across and down a cell.
    pub cell: Option<(u16, u16)>,
    /// Its background: red, green, blue.
    pub background: Option<[u8; 3]>,
    /// The terminal in which tmux runs, as far as tmux lets it answer; `None` = not asked for.
    pub around: Option<Box<Answers>>,
}

impl Answers {
    /// Nothing said yet. `in_tmux`: two are going to answer, tmux first.
    pub fn none(in_tmux: bool) -> Self {
        Self { around: in_tmux.then(Box::default), ..Self::default() }
    }

    /// Whether it was tmux that answered.
    pub fn name_tmux(&self) -> bool {
        self.version.as_deref().is_some_and(|version| version.starts_with("tmux"))
    }

    /// Takes an answer in.
    pub fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Graphics(AROUND, understood) => {
                if let Some(around) = &mut self.around {
                    around.graphics = understood;
                }
            }
            Answer::Graphics(HERE, understood) => self.graphics = understood,
            Answer::Graphics(..) | Answer::Ready => {}
            Answer::Version(name) => {
                put(&mut self.version, name, self.around.as_mut(), |around| &mut around.version);
            }
            Answer::Attributes(numbers) => {
                put(&mut self.attributes, numbers, self.around.as_mut(), |around| {
                    &mut around.attributes
                });
            }
            Answer::CellSize(width, height) => self.cell = Some((width, height)),
            Answer::Background(colour) => self.background = Some(colour),
        }
    }

    /// Where no cell's size was told, the size of the window may tell it.
    pub fn look_at_window(&mut self) {
        if self.cell.is_none() {
            self.cell = cell_from_window();
        }
    }

    /// Whether the last of the questions has been answered by everybody who was asked.
    pub fn are_complete(&self) -> bool {
        let by = |answers: &Self| answers.attributes.is_some();
        by(self) && self.around.as_deref().is_none_or(by)
    }
}

/// tmux answers first, and its answer looks like anybody's.
fn put<T>(
    place: &mut Option<T>,
    value: T,
    around: Option<&mut Box<Answers>>,
    of: impl Fn(&mut Answers) -> &mut Option<T>,
) {
    match (&place, around) {
        (Some(_), Some(around)) => *of(around) = Some(value),
        _ => *place = Some(value),
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Asked {
    /// The answers.
    pub answers: Answers,
    /// How long they took.
    pub took: Duration,
    /// What the user did meanwhile.
    pub early: Vec<Event>,
    /// Where the stream stands: it must be read on from here.
    pub parser: Parser,
}

/// Whether the process is in a pane of tmux, at this end of a connection or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tmux {
    /// No.
    #[default]
    No,
    /// Its answer will tell: GNU screen calls itself the same, and may print what is meant for the
    /// terminal around tmux.
    Perhaps,
    /// Yes.
    Yes,
}

/// What the environment says of tmux.
pub fn tmux(variable: impl Fn(&str) -> Option<String>) -> Tmux {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let term = set("TERM").unwrap_or_default();
    match (set("TMUX"), set("STY")) {
        (Some(_), _) => Tmux::Yes,
        (None, None) if term.starts_with("tmux") => Tmux::Yes,
        (None, None) if term.starts_with("screen") => Tmux::Perhaps,
        _ => Tmux::No,
    }
}

/// Wraps escape sequences so that tmux hands them to the terminal around it.
pub fn through_tmux(sequences: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", sequences.replace('\x1b', "\x1b\x1b"))
}

/// For whoever comes first. The last one ends the wait.
const QUESTIONS: &str = "\x1b[>q\x1b[16t\x1b]11;?\x1b\\\x1b[c";

/// One pixel, to be looked at and not to be kept.
fn graphics(number: u32) -> String {
    format!("\x1b_Gi={number},s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\")
}

/// The whole round.
pub fn questions(in_tmux: bool) -> String {
    if in_tmux {
        // tmux itself would take the graphics query for a title.
        return format!("{QUESTIONS}{}", questions_around());
    }
    format!("{}{QUESTIONS}", graphics(HERE))
}

/// For the terminal around tmux.
fn questions_around() -> String {
    through_tmux(&format!("{}{QUESTIONS}", graphics(AROUND)))
}

/// Asks on standard output and reads what comes on standard input. In raw mode, and while nobody
/// else reads.
pub fn ask(tmux: Tmux, patience: Duration) -> io::Result<Asked> {
    let start = Instant::now();
    let in_tmux = tmux == Tmux::Yes;
    let mut asked = Asked { answers: Answers::none(in_tmux), ..Asked::default() };
    send(&questions(in_tmux))?;
    asked.listen(start, patience)?;
    if tmux == Tmux::Perhaps && asked.answers.name_tmux() {
        asked.answers.around = Some(Box::default());
        send(&questions_around())?;
        asked.listen(start, patience)?;
    }
    asked.took = start.elapsed();
    asked.answers.look_at_window();
    Ok(asked)
}

fn send(questions: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(questions.as_bytes())?;
    out.flush()
}

impl Asked {
    /// Until all have answered, or the patience is at its end.
    fn listen(&mut self, start: Instant, patience: Duration) -> io::Result<()> {
        while !self.answers.are_complete() {
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            let Some(bytes) = input::read_within(left)? else { break };
            for input in self.parser.feed(&bytes) {
                match input {
                    Input::Answer(answer) => self.answers.take(answer),
                    Input::Event(event) => self.early.push(event),
                }
            }
        }
        Ok(())
    }
}

/// The same for a command that prints lines: raw mode for as long as it takes, and nothing left on
/// the line by a terminal that does not know what was asked. What was typed ahead is lost. In the
/// background nobody is asked, and nobody has answered: the shell would stop the command.
pub fn ask_from_the_shell(tmux: Tmux, patience: Duration) -> io::Result<Asked> {
    if !is_in_the_foreground() {
        return Ok(Asked { answers: Answers::none(tmux == Tmux::Yes), ..Asked::default() });
    }
    crossterm::terminal::enable_raw_mode()?;
    let asked = ask(tmux, patience).and_then(|asked| {
        send("\r\x1b[K")?;
        // What is still on its way would be typed at the shell's prompt.
        if !asked.answers.are_complete() {
            let _ = input::read_within(PATIENCE)?;
        }
        Ok(asked)
    });
    crossterm::terminal::disable_raw_mode()?;
    asked
}

/// Whether the shell has left the terminal to this process.
pub fn is_in_the_foreground() -> bool {
    rustix::termios::tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// From the size of the window in pixels, where the terminal tells the system.
fn cell_from_window() -> Option<(u16, u16)> {
    let size = crossterm::terminal::window_size().ok()?;
    let cell = (size.width.checked_div(size.columns)?, size.height.checked_div(size.rows)?);
    (cell.0 > 0 && cell.1 > 0).then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmux_answers_first_and_the_terminal_around_it_second() {
        let mut answers = Answers::none(true);
        answers.take(Answer::Version("tmux 3.5a".into()));
        answers.take(Answer::Attributes(vec![1, 2]));
        assert!(!answers.are_complete());
        answers.take(Answer::Graphics(AROUND, true));
        answers.take(Answer::Version("kitty(0.41.1)".into()));
        answers.take(Answer::Attributes(vec![62]));
        assert!(answers.are_complete());
        let around = answers.around.unwrap();
        assert_eq!(answers.version.as_deref(), Some("tmux 3.5a"));
        assert_eq!(around.version.as_deref(), Some("kitty(0.41.1)"));
        assert!(around.graphics && !answers.graphics);
    }

    #[test]
    fn without_tmux_the_newest_answer_counts() {
        let mut answers = Answers::none(false);
        answers.take(Answer::Attributes(vec![62, 4]));
        assert!(answers.are_complete());
        answers.take(Answer::Graphics(AROUND, true));
        assert_eq!((answers.graphics, answers.around), (false, None));
    }

    #[test]
    fn the_fence_comes_last_and_escapes_are_doubled_for_tmux() {
        assert!(questions(false).ends_with("\x1b[c"));
        assert_eq!(through_tmux("\x1b[c"), "\x1bPtmux;\x1b\x1b[c\x1b\\");
        assert!(questions(true).ends_with("\x1b\x1b[c\x1b\\"));
        // For tmux it would be a title.
        assert!(!questions(true).contains("i=31") && questions(false).contains("i=31"));
    }

    #[test]
    fn tmux_is_known_at_both_ends_of_a_connection() {
        let tmux = |variables: &[(&str, &str)]| {
            tmux(|name| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(tmux(&[("TMUX", "/tmp/tmux-0/default,1,0"), ("TERM", "xterm")]), Tmux::Yes);
        assert_eq!(tmux(&[("TERM", "tmux-256color")]), Tmux::Yes);
        assert_eq!(tmux(&[("TERM", "screen-256color")]), Tmux::Perhaps);
        assert_eq!(tmux(&[("TERM", "screen-256color"), ("STY", "1.pts-0")]), Tmux::No);
        assert_eq!(tmux(&[("TERM", "xterm-kitty"), ("TMUX", "")]), Tmux::No);
        let named = |version: &str| Answers { version: Some(version.into()), ..Answers::default() };
        assert!(named("tmux 3.5a").name_tmux() && !named("GNU Screen").name_tmux());
    }
}
