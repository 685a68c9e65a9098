//! Follows a run to its end, for `run` and `watch`: a bar on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{print, show};
use crate::error::{Error, Result};
use crate::run::folder::RunFolder;
use crate::run::follow::Follower;
use crate::run::state::{State, Status};
use crate::tui::glyphs::Glyphs;
use crate::tui::{number, text};

/// Often enough for a bar, seldom enough for a file server.
const EVERY: Duration = Duration::from_millis(200);

/// Where and how a followed run is told.
#[derive(Debug)]
pub(super) struct Mouth {
    way: Way,
    glyphs: Glyphs,
}

#[derive(Debug)]
enum Way {
    /// Lines on standard output; from the `last` lines on.
    Out {
        /// How much of the past is told.
        last: usize,
    },
    /// Lines on standard error.
    Talk,
    /// A bar on standard error, lines above it.
    Bar(ProgressBar),
}

impl Mouth {
    /// Lines on standard output, the last few of what has been said already.
    pub(super) fn out(last: usize, glyphs: Glyphs) -> Self {
        Self { way: Way::Out { last }, glyphs }
    }

    /// Lines on standard error.
    pub(super) fn talk(glyphs: Glyphs) -> Self {
        Self { way: Way::Talk, glyphs }
    }

    /// For a command whose standard output is its result: a bar where somebody sees it.
    pub(super) fn beside_a_result(glyphs: Glyphs) -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        if dumb || !std::io::stderr().is_terminal() {
            return Self::talk(glyphs);
        }
        let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
        // The template is ours, so it parses; without it the plain bar does as well.
        if let Ok(style) = ProgressStyle::with_template("{prefix:>9} [{bar:30}] {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { way: Way::Bar(bar), glyphs }
    }

    /// Tells a line; `false` = nobody listens any more.
    fn line(&self, line: &str) -> Result<bool> {
        let line = self.glyphs.text(&text::clean(line));
        match &self.way {
            Way::Out { .. } => return print::has_reader(&format!("{line}\n")),
            Way::Talk => print::talk(&line),
            Way::Bar(bar) => bar.println(line),
        }
        Ok(true)
    }

    fn progress(&self, state: &State, status: Status, metrics: &BTreeMap<String, f64>) {
        let Way::Bar(bar) = &self.way else { return };
        bar.set_position((state.progress.clamp(0.0, 1.0) * 1000.0) as u64);
        let stage = state.stage.as_deref().filter(|_| status == Status::Running);
        bar.set_prefix(text::clean(stage.unwrap_or(status.word())).into_owned());
        bar.set_message(self.glyphs.text(&message(state, status, metrics)));
    }
}

/// What stands behind the bar: `43 %  1,204 images/s  2 m 05 s left  top1 0.9132`.
fn message(state: &State, status: Status, metrics: &BTreeMap<String, f64>) -> String {
    if let Some(reason) = state.reason.as_ref().filter(|_| status == Status::Queued) {
        return text::clean(reason).into_owned();
    }
    let mut parts = vec![number::percent(state.progress)];
    if let Some(rate) = metrics.get("images_per_second") {
        parts.push(format!("{} images/s", number::value(*rate)));
    }
    if let Some(eta) = state.eta_s {
        parts.push(format!("{} left", number::duration(eta)));
    }
    for name in ["loss", "top1", "adversarial_top1"] {
        if let Some(value) = metrics.get(name) {
            parts.push(format!("{name} {}", show::shown(name, *value)));
        }
    }
    parts.join("  ")
}

/// How following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The run has ended, with this status.
    Run(Status),
    /// Nobody reads what is printed.
    NobodyListens,
}

/// Follows a run until it ends. `interrupted` is called with 1, 2, … for each Ctrl-C (or SIGTERM);
/// its error ends the following.
pub(super) fn follow(
    folder: &RunFolder,
    mouth: &Mouth,
    mut interrupted: impl FnMut(usize) -> Result<()>,
) -> Result<End> {
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Error::failed(format!("failed to listen to signals: {error}")))?;
    let mut follower = Follower::new(folder.path());
    let mut metrics = BTreeMap::new();
    let mut interruptions = 0;
    let mut told_standing = None;
    let mut first = true;
    let end = loop {
        for _ in signals.pending() {
            interruptions += 1;
            interrupted(interruptions)?;
        }
        // The state before the lines: those of an ended run are all there then.
        let (state, status) = folder.status()?;
        let mut lines = Vec::new();
        loop {
            let update = follower.poll();
            lines.extend(update.log);
            for event in update.events {
                metrics.extend(event.metrics);
            }
            if !update.more {
                break;
            }
        }
        if let Way::Out { last } = mouth.way
            && first
        {
            lines.drain(..lines.len().saturating_sub(last));
        }
        // Why it waits stands in no log: nothing has happened.
        let waiting =
            state.reason.as_ref().filter(|_| status == Status::Queued && state.pid.is_some());
        let standing = waiting.map(|_| show::standing(&state, status));
        if standing != told_standing && !matches!(mouth.way, Way::Bar(_)) {
            lines.extend(standing.clone());
            told_standing = standing;
        }
        first = false;
        for line in lines {
            if !mouth.line(&line)? {
                return Ok(End::NobodyListens);
            }
        }
        mouth.progress(&state, status, &metrics);
        if !status.is_live() {
            break End::Run(status);
        }
        std::thread::sleep(EVERY);
    };
    if let Way::Bar(bar) = &mouth.way {
        bar.finish_and_clear();
    }
    Ok(end)
}

/// Whether a run ended well; its own words otherwise.
pub(super) fn verdict(folder: &RunFolder, status: Status) -> Result<()> {
    let id = folder.id();
    let again = format!("take it up again with: glassbox resume {id}");
    match status {
        Status::Failed => {
            let failure = folder.state()?.error;
            let why = failure.as_ref().map_or("no reason given", |failure| &failure.message);
            let error = Error::failed(format!("run '{id}' failed: {why}"));
            Err(error.hint(failure.and_then(|failure| failure.hint).unwrap_or(again)))
        }
        Status::Lost => Err(Error::failed(format!(
            "run '{id}' is lost: its worker gives no sign of life and its process is gone"
        ))
        .hint(again)),
        Status::Stopped => Err(Error::interrupted(format!("run '{id}' was stopped")).hint(again)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_tells_rate_time_left_and_accuracy() {
        let state = State {
            status: Status::Running,
            progress: 0.43,
            eta_s: Some(125.0),
            ..State::queued(None)
        };
        let metrics =
            BTreeMap::from([("images_per_second".to_owned(), 412.0), ("top1".to_owned(), 0.9132)]);
        assert_eq!(
            message(&state, Status::Running, &metrics),
            "43 %  412.0 images/s  2 m 05 s left  top1 0.9132"
        );
        let waiting = State::queued(Some("waits\u{1b}[2J for cpu".into()));
        assert_eq!(message(&waiting, Status::Queued, &metrics), "waits[2J for cpu");
    }
}
