//! Everything about a run that is a number or a sentence: gauges, rates, results, what went wrong.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::charts;
use crate::run::latest::attack_behind;
use crate::run::results::attack::Attack;
use crate::run::results::evaluate::Evaluate;
use crate::run::state::Status;
use crate::tui::action::{Action, Place};
use crate::tui::glyphs::StatusSign;
use crate::tui::number;
use crate::tui::screen::runs::{short_name, short_names};
use crate::tui::screen::{DrawContext, Scene};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::gauge::Gauge;
use crate::tui::world::{RunDetail, RunSummary};

/// What the spec says about training, for the words beside the numbers.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    epochs: Option<u64>,
}

impl Plan {
    /// Reads a resolved spec. What is not there is not said.
    pub fn of(spec: &str) -> Self {
        let Ok(spec) = spec.parse::<toml::Table>() else { return Self::default() };
        let train = spec.get("train").and_then(toml::Value::as_table);
        let epochs = train.and_then(|t| t.get("epochs")).and_then(toml::Value::as_integer);
        Self { epochs: epochs.and_then(|e| u64::try_from(e).ok()) }
    }
}

/// `train · epoch 3 of 10`: the rest of the region's title.
pub fn place(run: &RunSummary, plan: &Plan) -> String {
    let Some(stage) = &run.state.stage else { return StatusSign::of(run.status).word.into() };
    let mut place = stage.clone();
    match (stage.as_str(), plan.epochs) {
        ("train", Some(epochs)) if run.state.steps > 0 && epochs > 0 => {
            let done = run.state.step.saturating_mul(epochs) / run.state.steps;
            place.push_str(&format_epoch(done, epochs));
        }
        _ => {}
    }
    if !matches!(run.status, Status::Running | Status::Starting) {
        place = format!("{place} · {}", StatusSign::of(run.status).word);
    }
    place
}

fn format_epoch(done: u64, epochs: u64) -> String {
    format!(" · epoch {} of {epochs}", (done + 1).min(epochs))
}

/// Sentences that come before everything else: why it waits, why it failed, what to do.
pub fn messages(run: &RunSummary, context: &DrawContext<'_>) -> Vec<(Role, String)> {
    let mut lines = Vec::new();
    match run.status {
        Status::Queued => {
            let reason = run.state.reason.as_deref().unwrap_or("waits for its device");
            lines.push((Role::Queued, format!("queued: {}", short_names(reason))));
        }
        Status::Lost => {
            let key = context.key(Action::Resume, Place::Runs);
            let text = "lost: the worker is gone without a word. What it had written is intact";
            let after = "takes it up from its last checkpoint, or from the start if it has none.";
            lines.push((Role::Lost, format!("{text}; {key} {after}")));
        }
        _ => {}
    }
    if run.latest.get("overfitting").is_some_and(|raised| *raised > 0.0) {
        let shown = |metric: &str| {
            run.latest.get(metric).map_or_else(|| "–".to_owned(), |top1| number::fraction(*top1))
        };
        let text = format!(
            "catastrophic overfitting: the probe set holds against FGSM ({}) but not against PGD \
             ({}); the log says since when",
            shown("fgsm_top1"),
            shown("pgd_top1")
        );
        lines.push((Role::Warning, text));
    }
    if let (Status::Failed, Some(error)) = (run.status, &run.state.error) {
        lines.push((Role::Error, format!("failed: {}", error.message)));
        if let Some(hint) = &error.hint {
            lines.push((Role::Warning, format!("hint: {hint}")));
        }
    }
    lines
}

/// Draws messages, wrapped; answers how many rows they took. At most a third of the area.
pub fn draw_messages(
    lines: &[(Role, String)],
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> u16 {
    let most = (area.height / 3).max(2).min(area.height);
    let mut row = 0;
    for (role, line) in lines {
        for part in text::wrap(line, usize::from(area.width)) {
            if row == most {
                return row;
            }
            let room = usize::from(area.width);
            buf.set_stringn(area.x, area.y + row, part, room, context.style(*role));
            row += 1;
        }
    }
    row
}

/// Label, 0..1, number, colour.
type Reading = (String, f64, String, Role);

/// Under which attack the run's adversarial accuracy is, as a gauge's label.
fn under(detail: Option<&RunDetail>) -> String {
    let attack = detail.and_then(|detail| attack_behind(&detail.spec, detail.evaluate.as_deref()));
    attack.unwrap_or_else(|| "adversarial top-1".into())
}

/// What is shown as a gauge, as far as it was measured.
pub fn readings(run: &RunSummary, detail: Option<&RunDetail>) -> Vec<Reading> {
    let latest = |metric: &str| run.latest.get(metric).copied();
    let mut readings: Vec<Reading> = Vec::new();
    if let Some(top1) = latest("top1") {
        readings.push(("clean top-1".into(), top1, number::fraction(top1), Role::Real));
    }
    if let Some(top1) = latest("adversarial_top1") {
        readings.push((under(detail), top1, number::fraction(top1), Role::Adversarial));
    }
    if let Some(percent) = latest("cpu_percent").filter(|_| run.status.is_live()) {
        let number = format!("{percent:.0} %");
        readings.push(("worker cpu".into(), percent / 100.0, number, Role::Series3));
    }
    if let Some((used, total)) = memory(run) {
        let name =
            if run.info.device.starts_with("cuda") { "card memory" } else { "worker memory" };
        let mut number = number::bytes(used);
        // `99.9 GiB` is a cell longer than every other number.
        if text::width(&number) > usize::from(NUMBER_WIDTH) {
            number.retain(|c| c != ' ');
        }
        readings.push((name.into(), used / total, number, Role::Series4));
    }
    let progress = run.state.progress;
    let sign = StatusSign::of(run.status);
    readings.push(("progress".into(), progress, number::percent(progress), sign.role));
    readings
}

/// Bytes used, of how many there are, while somebody uses them and if both are known.
fn memory(run: &RunSummary) -> Option<(f64, f64)> {
    let latest = |metric: &str| run.latest.get(metric).copied();
    let (used, total) = latest("memory_bytes").zip(latest("memory_total_bytes"))?;
    (run.status.is_live() && total > 0.0).then_some((used, total))
}

const LABEL_WIDTH: u16 = 17;
const NUMBER_WIDTH: u16 = 7;
// From here on two gauges stand side by side.
const TWO_GAUGES: u16 = 100;

/// Rows that the gauges of `readings` take.
pub fn gauge_rows(readings: &[Reading], width: u16) -> u16 {
    (if width >= TWO_GAUGES { readings.len().div_ceil(2) } else { readings.len() }) as u16
}

/// Draws the gauges, as many as fit.
pub fn draw_gauges(readings: &[Reading], context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let columns: u16 = if area.width >= TWO_GAUGES { 2 } else { 1 };
    let width = (area.width - 3 * (columns - 1)) / columns;
    for (index, (label, value, number, role)) in readings.iter().enumerate() {
        let (column, row) = (index as u16 % columns, index as u16 / columns);
        if row >= area.height {
            return;
        }
        let gauge = Gauge {
            label,
            value: *value,
            number,
            role: *role,
            label_width: LABEL_WIDTH,
            number_width: NUMBER_WIDTH,
            ascii: context.glyphs.is_ascii(),
            theme: context.theme,
        };
        gauge.draw(Rect::new(area.x + column * (width + 3), area.y + row, width, 1), buf);
    }
}

/// `1,204 img/s · 1 h 12 m left · lr 0.0087 · 2.1 GiB · pid 311 on server`
pub fn numbers(run: &RunSummary, width: usize) -> String {
    let latest = |metric: &str| run.latest.get(metric).copied();
    let working = matches!(run.status, Status::Running | Status::Paused);
    let parts = [
        latest("images_per_second")
            .map(|rate| format!("{} img/s", number::count(rate.max(0.0) as u64))),
        run.state.eta_s.filter(|_| working).map(|s| format!("{} left", number::duration(s))),
        latest("learning_rate").map(|rate| format!("lr {}", number::value(rate))),
        latest("memory_bytes").filter(|_| memory(run).is_none()).map(number::bytes),
        run.state.host.clone().zip(run.state.pid).map(|(host, pid)| format!("pid {pid} on {host}")),
    ];
    let mut line = String::new();
    for part in parts.into_iter().flatten() {
        let longer = if line.is_empty() { part } else { format!("{line} · {part}") };
        if text::width(&longer) > width {
            break;
        }
        line = longer;
    }
    line
}

/// A line of the results: cells, their widths given by [`COLUMNS`].
struct Row {
    cells: [String; 6],
    role: Role,
}

const COLUMNS: [usize; 6] = [13, 6, 8, 16, 8, 9];

/// Lines of what the stages left behind.
#[derive(Debug, Default)]
pub struct Results {
    /// In the order in which they are drawn.
    pub lines: Vec<(Role, String)>,
    /// So many of them are warnings, at the end.
    pub warnings: usize,
}

/// What the stages left behind, as lines that fit `width`; warnings last, each with what to try.
pub fn results(detail: &RunDetail, width: usize) -> Results {
    let mut lines = Vec::new();
    let mut warnings = Vec::new();
    if let Some(evaluate) = &detail.evaluate {
        lines.extend(evaluation(evaluate));
        for (about, warning) in evaluate.warnings() {
            warnings.push(format!("warning: {about}: {}", warning.sentence()));
        }
    }
    if let Some(attack) = &detail.attack {
        lines.push((Role::Text, attack_line(attack)));
        for warning in &attack.warnings {
            warnings.push(format!("warning: {}: {}", attack.method, warning.sentence()));
        }
    }
    let table = lines.len();
    let wrapped = warnings.iter().flat_map(|warning| text::wrap(warning, width));
    lines.extend(wrapped.map(|line| (Role::Warning, line)));
    Results { warnings: lines.len() - table, lines }
}

impl Results {
    /// The lines that are drawn in `rows` rows: when some warnings must go, the last row says so.
    pub fn fitting(&self, rows: usize) -> Vec<(Role, String)> {
        let mut shown: Vec<(Role, String)> = self.lines.iter().take(rows).cloned().collect();
        let cut = self.lines.len() - shown.len();
        if let Some((role, last)) = shown.last_mut().filter(|_| cut > 0) {
            *role = Role::Warning;
            *last = "warnings that have no room here: glassbox show tells them".into();
        }
        shown
    }
}

fn evaluation(evaluate: &Evaluate) -> Vec<(Role, String)> {
    let head = ["evaluated", "ε", "top-1", "95 %", "top-5", "images"].map(str::to_owned);
    let mut rows = vec![Row { cells: head, role: Role::Muted }];
    rows.extend(evaluate.rows.iter().map(|row| {
        let clean = row.attack == "none";
        let doubtful = if row.warnings.is_empty() { "" } else { " !" };
        let norm = if row.norm == "l2" { " l2" } else { "" };
        let [low, high] = row.interval();
        Row {
            cells: [
                if clean { "clean".into() } else { format!("{}{norm}{doubtful}", row.attack) },
                if clean { "–".into() } else { row.epsilon.to_string() },
                number::fraction(row.top1),
                format!("{low:.4}–{high:.4}"),
                number::fraction(row.top5),
                number::count(row.images),
            ],
            role: if clean { Role::Real } else { Role::Adversarial },
        }
    }));
    let line = |row: Row| {
        let mut line = text::pad(&row.cells[0], COLUMNS[0]);
        for (cell, width) in row.cells.iter().zip(COLUMNS).skip(1) {
            line.push_str(&text::pad_left(cell, width));
        }
        (row.role, line)
    };
    rows.into_iter().map(line).collect()
}

fn attack_line(attack: &Attack) -> String {
    let mut line = format!(
        "attack {} · {} images · success {} · |x*−x| ≤ {}",
        attack.name(),
        number::count(attack.images),
        number::fraction(attack.success_rate),
        attack.largest_change(),
    );
    // One network's accuracies stand in the table above; several say what transfers.
    for model in attack.models.iter().filter(|_| attack.models.len() > 1) {
        let (clean, adversarial) = (model.top1_clean, model.top1_adversarial);
        line = format!("{line} · {} {clean:.4} → {adversarial:.4}", model.arch);
    }
    line
}

/// The compared runs, one a line, in the colours of their curves.
pub fn draw_compared(scene: &Scene<'_>, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let names = scene.compared.iter().map(|id| text::width(short_name(id)));
    let widest = names.max().unwrap_or(0);
    for (index, id) in scene.compared.iter().take(usize::from(area.height)).enumerate() {
        let Some(run) = scene.world.run(id) else { continue };
        let y = area.y + index as u16;
        let sign = StatusSign::of(run.status);
        let latest = |metric: &str| {
            run.latest.get(metric).map_or_else(|| "–".to_owned(), |value| number::fraction(*value))
        };
        let style = context.style(charts::role_of(index));
        // Numbers first: under one another whatever the attack is called.
        let mut numbers = format!(
            "{} {:>5}  clean {:<6}  attack {:<6}",
            sign.symbol,
            number::percent(run.state.progress),
            latest("top1"),
            latest("adversarial_top1"),
        );
        if run.latest.contains_key("adversarial_top1") {
            let _ = write!(numbers, "  {}", under(scene.world.detail(id)));
        }
        let room = usize::from(area.width);
        let name_room = room.saturating_sub(text::width(&numbers) + 5).max(8).min(widest);
        let name = text::pad(&text::fit_ends(short_name(id), name_room), name_room);
        let (x, _) = buf.set_stringn(area.x, y, format!("━ {name}   "), room, style);
        let left = usize::from(area.right().saturating_sub(x));
        buf.set_stringn(x, y, numbers, left, context.style(Role::Text));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tui::fixture;

    #[test]
    fn the_plan_is_read_from_the_spec() {
        let plan = Plan::of("[train]\nepochs = 10\n");
        assert_eq!(plan, Plan { epochs: Some(10) });
        assert_eq!(Plan::of("not toml at all ["), Plan::default());
        assert_eq!(Plan::of("train = 3"), Plan::default());
    }

    #[test]
    fn the_last_epoch_is_never_passed() {
        assert_eq!(format_epoch(0, 10), " · epoch 1 of 10");
        assert_eq!(format_epoch(10, 10), " · epoch 10 of 10");
    }

    #[test]
    fn memory_is_a_gauge_where_its_limit_is_known() {
        let world = fixture::world(Path::new("/none"));
        let mut run = world.run(fixture::RUNNING).unwrap().clone();
        let has = |run: &RunSummary| {
            let readings = readings(run, None);
            readings.into_iter().find(|(label, ..)| label == "card memory")
        };
        assert!(has(&run).is_none() && numbers(&run, 200).contains("2.1 GiB"));
        let total = 4.2 * 1_073_741_824.0;
        run.latest.insert("memory_total_bytes".into(), total);
        let (_, share, number, _) = has(&run).unwrap();
        assert!((share - 0.5).abs() < 1e-9, "{share}");
        assert_eq!(number, "2.1 GiB");
        assert!(!numbers(&run, 200).contains("2.1 GiB"), "not twice");
        run.latest.insert("memory_bytes".into(), 60.5 * 1_073_741_824.0);
        assert_eq!(has(&run).unwrap().2, "60.5GiB");
        run.status = Status::Finished;
        assert!(has(&run).is_none(), "nobody uses it any more");
    }
}
