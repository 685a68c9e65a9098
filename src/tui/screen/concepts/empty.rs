//! What stands where there is nothing to show: why, and what brings it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::shown::Seen;
use crate::run::state::Status;
use crate::tui::action::{Action, Place};
use crate::tui::glyphs::StatusSign;
use crate::tui::number;
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{DrawContext, Scene};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::world::{RunDetail, RunSummary};

pub(in crate::tui::screen) fn say(
    words: &str,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    for (line, row) in text::wrap(words, area.width.into()).iter().zip(area.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Muted));
    }
}

/// Why the whole screen is empty.
pub(super) fn nothing(scene: &Scene<'_>, context: &DrawContext<'_>) -> String {
    let runs = context.key(Action::ShowRuns, Place::Concepts);
    let new = context.key(Action::NewRun, Place::Concepts);
    let Some(run) = scene.selected.and_then(|id| scene.world.run(id)) else {
        return format!(
            "What each neuron means stands here: the concept that it detects, and how near the \
             classes of its images are to each other, on real and on adversarial images.\n\n{new} \
             starts a run from a preset."
        );
    };
    let name = short_name(&run.info.id);
    let Some(detail) = scene.world.detail(&run.info.id) else {
        return format!("reading {name}…");
    };
    let mut words: Vec<String> = ["dissect", "consistency"]
        .into_iter()
        .filter(|section| is_planned(detail, section) || detail.unreadable.contains_key(section))
        .map(|section| of_section(section, run, detail, context))
        .collect();
    if words.is_empty() {
        words.push(format!(
            "{name} does not know what its neurons mean.\n\nA [dissect] section in the spec finds \
             the concept that each one detects (Network Dissection), a [consistency] section how \
             near the classes of its images are to each other (WordNet); with \
             [dissect.attack] and [attack] on adversarial images, too. {new} starts a run."
        ));
    }
    words.push(format!("{runs} leads to the other runs."));
    words.join("\n\n")
}

/// Why the selected run has no results of one section.
pub(super) fn lacks(
    section: &'static str,
    seen: &Seen<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
) -> String {
    let Some(run) = scene.world.run(seen.run) else { return "This run is gone.".into() };
    if is_planned(seen.detail, section) || seen.detail.unreadable.contains_key(section) {
        return of_section(section, run, seen.detail, context);
    }
    let new = context.key(Action::NewRun, Place::Concepts);
    let what = if section == "dissect" {
        "which concepts its neurons detect"
    } else {
        "how near the classes of a neuron's images are to each other"
    };
    let has = if section == "dissect" {
        seen.detail.dissect.as_deref().map(|all| all.layers.iter().map(|l| &l.layer).collect())
    } else {
        seen.detail.consistency.as_deref().map(|all| all.layers.iter().map(|l| &l.layer).collect())
    };
    let has: Vec<&String> = has.unwrap_or_default();
    let name = seen.name();
    if has.is_empty() {
        format!("{name} has not found out {what}: a [{section}] section does. {new} starts a run.")
    } else {
        let has: Vec<&str> = has.into_iter().map(String::as_str).collect();
        format!("{name} found out {what} of other layers: {}.", has.join(", "))
    }
}

pub(in crate::tui::screen) fn is_planned(detail: &RunDetail, section: &str) -> bool {
    let (whole, part) = (format!("[{section}]"), format!("[{section}."));
    let mut lines = detail.spec.lines().map(str::trim);
    lines.any(|line| line == whole || line.starts_with(&part))
}

/// How far a section that the run has is.
pub(in crate::tui::screen) fn of_section(
    section: &str,
    run: &RunSummary,
    detail: &RunDetail,
    context: &DrawContext<'_>,
) -> String {
    let name = short_name(&run.info.id);
    if let Some(why) = detail.unreadable.get(section) {
        return format!(
            "The results of {name}'s {section} stage cannot be read: {why}\n\nThe run folder is \
             damaged; running its spec again makes them anew."
        );
    }
    // The layers of a result may be others than the one that is shown, but it is there.
    let is_there = match section {
        "dissect" => detail.dissect.is_some(),
        "trace" => detail.trace.is_some(),
        _ => detail.consistency.is_some(),
    };
    if is_there {
        return format!("{name}'s {section} stage looked at other layers.");
    }
    let state = &run.state;
    let at_it = state.stage.as_deref() == Some(section);
    let left = state.eta_s.map(|seconds| format!(", {} left", number::duration(seconds)));
    let left = left.unwrap_or_default();
    match run.status {
        Status::Running | Status::Paused if at_it => {
            let steps = if state.steps > 0 {
                let (step, steps) = (number::count(state.step), number::count(state.steps));
                format!("step {step} of {steps}")
            } else {
                number::percent(state.progress)
            };
            format!("{name} is at its {section} stage: {steps}{left}. The results appear here.")
        }
        Status::Running | Status::Paused => {
            let stage = state.stage.as_deref().unwrap_or("first");
            let stage = text::clean(stage).into_owned();
            format!(
                "{name} is at its {stage} stage ({}{left}); {section} comes after it, and its \
                 results appear here.",
                number::percent(state.progress)
            )
        }
        Status::Queued | Status::Starting => {
            format!("{name} waits for its turn; its {section} stage brings the results.")
        }
        Status::Finished => format!("{name} finished, and its {section} stage left no results."),
        Status::Failed | Status::Stopped | Status::Lost => {
            let word = StatusSign::of(run.status).word;
            let resume = context.key(Action::Resume, Place::Runs);
            format!(
                "{name} is {word}: it did not come to the results of its {section} stage. {resume} \
                 on the runs screen takes it up again."
            )
        }
    }
}
