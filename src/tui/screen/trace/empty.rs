//! What stands where there is nothing to show: why, and what brings it.

use crate::tui::action::{Action, Place};
pub(super) use crate::tui::screen::concepts::empty::say;
use crate::tui::screen::concepts::empty::{is_planned, of_section};
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{DrawContext, Scene};

/// The command that brings a trace without any download.
const COMMAND: &str = "glassbox run paper-small";

/// Why the whole screen is empty.
pub(super) fn nothing(scene: &Scene<'_>, context: &DrawContext<'_>) -> String {
    let runs = context.key(Action::ShowRuns, Place::Trace);
    let new = context.key(Action::NewRun, Place::Trace);
    let Some(run) = scene.selected.and_then(|id| scene.world.run(id)) else {
        return format!(
            "The neurons behind each prediction stand here: which ones brought it, what each one \
             likes, and what the answer would be without them.\n\n{new} starts a run from a preset; \
             '{COMMAND}' brings a trace in minutes."
        );
    };
    let name = short_name(&run.info.id);
    let Some(detail) = scene.world.detail(&run.info.id) else {
        return format!("reading {name}…");
    };
    let words = if is_planned(detail, "trace") || detail.unreadable.contains_key("trace") {
        of_section("trace", run, detail, context)
    } else {
        format!(
            "{name} traced no predictions.\n\nA [trace] section in the spec finds the neurons \
             behind right and wrong answers, with [attack] behind those to adversarial images, too; \
             [trace.detector] tells adversarial images by them. {new} starts a run; '{COMMAND}' \
             brings it all in minutes."
        )
    };
    format!("{words}\n\n{runs} leads to the other runs.")
}
