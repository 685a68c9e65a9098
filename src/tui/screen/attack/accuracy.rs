//! What the run measured of attacks as a whole: accuracy against epsilon, one curve an attack; who
//! else is fooled; what makes the numbers doubtful.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Focus, Shown, State, say};
use crate::run::results::evaluate::{Evaluate, Network, Row, Transfer};
use crate::tui::action::{Action, Place};
use crate::tui::history::Series;
use crate::tui::number;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::curve::{Across, Curve, Line as CurveLine};

/// Epsilons are told to a hundredth of a level.
const PER_LEVEL: f64 = 100.0;
/// From here on the text stands beside the curve.
const BESIDE: u16 = 72;
/// Beside the curve the text has at most this: more would only be gaps.
const WIDEST_TEXT: u16 = 64;
/// Rows below which a curve says nothing.
const LEAST_CURVE: u16 = 7;

/// One curve.
#[derive(Debug)]
struct Measured {
    name: String,
    series: Series,
    intervals: Vec<(u64, f64, f64)>,
}

impl Measured {
    fn new(name: String, mut points: Vec<(f64, f64, [f64; 2])>) -> Self {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut series = Series::default();
        let mut intervals = Vec::new();
        for (epsilon, top1, [low, high]) in points {
            let step = step_of(epsilon);
            series.push(step, 0.0, top1);
            intervals.push((step, low, high));
        }
        Self { name, series, intervals }
    }
}

fn step_of(epsilon: f64) -> u64 {
    (epsilon * PER_LEVEL).round().max(0.0) as u64
}

fn is_l2(norm: &str) -> bool {
    norm == "l2"
}

/// The norm that the chart is about: the curve's, else pixel levels.
fn chart_is_l2(evaluate: &Evaluate) -> bool {
    match &evaluate.curve {
        Some(curve) => is_l2(&curve.norm),
        None => {
            let mut attacked = evaluate.rows.iter().filter(|row| row.epsilon > 0.0).peekable();
            attacked.peek().is_some() && attacked.all(|row| is_l2(&row.norm))
        }
    }
}

/// The curve that was asked for, then one for each attack of the table, all from the clean point.
fn measured(evaluate: &Evaluate) -> Vec<Measured> {
    let l2 = chart_is_l2(evaluate);
    let mut all: Vec<Measured> = Vec::new();
    if let Some(curve) = &evaluate.curve {
        let points = curve.points.iter().map(|p| (p.epsilon, p.top1, p.top1_interval));
        all.push(Measured::new(format!("{} curve", curve.attack), points.collect()));
    }
    let clean = evaluate.rows.iter().find(|row| row.attack == "none");
    let clean = clean.map(|row| (0.0, row.top1, row.interval()));
    let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in &evaluate.rows {
        if row.attack == "none" || row.epsilon <= 0.0 || is_l2(&row.norm) != l2 {
            continue;
        }
        let steps = row.steps.map(|steps| format!("-{steps}")).unwrap_or_default();
        let name = format!("{}{steps}", row.attack);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((name, vec![row])),
        }
    }
    for (name, rows) in groups {
        let points = rows.into_iter().map(|row| (row.epsilon, row.top1, row.interval()));
        all.push(Measured::new(name, clean.into_iter().chain(points).collect()));
    }
    all.retain(|measured| !measured.series.is_empty());
    all.truncate(Role::SERIES.len());
    all
}

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    view.clickable(area, Click::Cell(Place::Attack, 1, 0));
    let evaluate = shown.detail.and_then(|detail| detail.evaluate.as_deref());
    let mut title = Line::from("accuracy against epsilon");
    let warnings = warnings(shown).len();
    if warnings > 0 {
        let words = format!(" · {warnings} {}", if warnings == 1 { "warning" } else { "warnings" });
        title.push_span(Span::styled(words, context.style(Role::Warning)));
    }
    let inner = context.frame(title, area, buf);
    if inner.is_empty() {
        return;
    }
    let Some(evaluate) = evaluate else {
        return say(&nothing(context), Role::Muted, context, inner, buf);
    };
    let lines = lines(shown);
    let (chart, words) = split(inner, lines.len() as u16);
    draw_chart(evaluate, shown, context, chart, buf);
    let first = state.scroll.min(lines.len().saturating_sub(1));
    let mut rows = words.rows();
    for (role, line, wraps) in &lines[first..] {
        let room = usize::from(words.width);
        let parts = if *wraps { text::wrap(line, room) } else { vec![text::fit(line, room)] };
        for part in parts {
            let Some(row) = rows.next() else {
                return more(state, context, area, buf);
            };
            buf.set_string(row.x, row.y, part, context.style(*role));
        }
    }
}

/// That there is more than fits, in the frame: nothing goes unseen in silence.
fn more(state: &State, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let words = if state.focus == Focus::Accuracy {
        let down = context.key(Action::Down, Place::Attack);
        format!(" {down} shows more ")
    } else {
        let focus = context.key(Action::NextFocus, Place::Attack);
        format!(" more: {focus} ")
    };
    let width = text::width(&words) as u16;
    if area.width > width + 4 {
        let at = area.right() - width - 2;
        buf.set_string(at, area.bottom() - 1, words, context.style(Role::Muted));
    }
}

/// Where the curve stands and where the text.
fn split(inner: Rect, lines: u16) -> (Rect, Rect) {
    if inner.width >= BESIDE {
        let width = (inner.width * 2 / 5).min(WIDEST_TEXT);
        let chart = Rect { width: inner.width - width - 3, ..inner };
        return (chart, Rect { x: inner.right() - width, width, ..inner });
    }
    // A blank row between them.
    let text = (lines + 1).min(inner.height.saturating_sub(LEAST_CURVE)).min(inner.height / 2);
    let chart = Rect { height: inner.height - text, ..inner };
    let below = text.saturating_sub(1);
    (chart, Rect { y: inner.bottom() - below, height: below, ..inner })
}

fn draw_chart(
    evaluate: &Evaluate,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let measured = measured(evaluate);
    let roles = Role::SERIES;
    let lines: Vec<CurveLine<'_>> = measured
        .iter()
        .zip(roles)
        .map(|(measured, role)| CurveLine {
            name: &measured.name,
            series: &measured.series,
            role,
            intervals: &measured.intervals,
        })
        .collect();
    let l2 = chart_is_l2(evaluate);
    let last = measured.iter().filter_map(|m| m.series.last()).map(|point| point.last_step).max();
    let last = last.unwrap_or(0);
    // Where the attack that is set now would be.
    let mark = shown.knobs.level().filter(|_| !l2).map(step_of).filter(|step| *step <= last);
    let curve = Curve {
        title: &["top-1".into(), "95 % intervals".into()],
        lines: &lines,
        steps: 0..=last,
        smoothing: 0,
        log: false,
        scale: 1.0,
        limits: (0.0, 1.0),
        cursor: mark,
        across: Across { word: if l2 { "ε l2" } else { "ε" }, per_unit: PER_LEVEL as u64 },
        empty: "no attack with a bound was measured",
        ascii: context.glyphs.is_ascii(),
        theme: context.theme,
    };
    curve.draw(area, buf);
}

fn nothing(context: &DrawContext<'_>) -> String {
    let new = context.key(Action::NewRun, Place::Attack);
    format!(
        "How accuracy falls as epsilon grows stands here. The run measured none yet: an [evaluate] \
         section with\n\ncurve = {{ method = \"pgd\", epsilons = [0, 1, 2, 4, 8] }}\n\ndoes; {new} \
         starts a run."
    )
}

/// Every warning beside a robust accuracy of the run.
fn warnings(shown: &Shown<'_>) -> Vec<String> {
    let Some(detail) = shown.detail else { return Vec::new() };
    let evaluated = detail.evaluate.as_deref().map(Evaluate::warnings).unwrap_or_default();
    let mut all: Vec<String> = evaluated
        .into_iter()
        .map(|(about, warning)| format!("warning: {about}: {}", warning.sentence()))
        .collect();
    if let Some(attack) = detail.attack.as_deref() {
        let own = attack.warnings.iter();
        all.extend(
            own.map(|warning| format!("warning: {}: {}", attack.name(), warning.sentence())),
        );
    }
    all
}

/// The text: its colour, itself, whether it may be broken.
pub(super) fn lines(shown: &Shown<'_>) -> Vec<(Role, String, bool)> {
    let evaluate = shown.detail.and_then(|detail| detail.evaluate.as_deref());
    let Some(evaluate) = evaluate else { return Vec::new() };
    let mut lines = match &evaluate.transfer {
        Some(transfer) => table(transfer),
        None => vec![(
            Role::Muted,
            "Who else is fooled by these images: transfer = { method = \"pgd\", targets = [{ arch = \
             \"…\", weights = \"…\" }] } in [evaluate] measures it."
                .to_owned(),
            true,
        )],
    };
    if evaluate.curve.is_none() {
        let words = "The curve in full: curve = { method = \"pgd\", epsilons = [0, 1, 2, 4, 8] } in \
                     [evaluate].";
        lines.push((Role::Muted, words.into(), true));
    }
    lines.extend(warnings(shown).into_iter().map(|line| (Role::Warning, line, true)));
    lines
}

/// Made on (rows), tried on (columns); the networks by letters, told below.
fn table(transfer: &Transfer) -> Vec<(Role, String, bool)> {
    let mut networks: Vec<&Network> = Vec::new();
    for network in transfer.sources.iter().chain(&transfer.targets) {
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    let letter = |network: &Network| {
        let at = networks.iter().position(|one| *one == network).unwrap_or(0);
        char::from(b'A' + (at % 26) as u8)
    };
    let norm = if is_l2(&transfer.norm) { " l2" } else { "" };
    let (attack, epsilon) = (&transfer.attack, transfer.epsilon);
    let bound = if epsilon == 0.0 { String::new() } else { format!(" ε {epsilon}{norm}") };
    let images = number::count(transfer.images);
    let mut lines =
        vec![(Role::Text, format!("transfer: {attack}{bound} · top-1 of {images} images"), false)];
    let mut head = text::pad("made on, tried on", NAME);
    for target in &transfer.targets {
        head.push_str(&text::pad_left(&letter(target).to_string(), NUMBER));
        // The white-box star below it.
        head.push(' ');
    }
    lines.push((Role::Muted, head, false));
    let mut clean = text::pad("no attack", NAME);
    for top1 in &transfer.clean_top1 {
        clean.push_str(&text::pad_left(&number::fraction(*top1), NUMBER));
        clean.push(' ');
    }
    lines.push((Role::Real, clean, false));
    let mut has_white_box = false;
    for (source, row) in transfer.sources.iter().zip(&transfer.top1) {
        let mut line = text::pad(&format!("{} {}", letter(source), source.arch), NAME);
        for (target, top1) in transfer.targets.iter().zip(row) {
            let white = target == source;
            has_white_box |= white;
            line.push_str(&text::pad_left(&number::fraction(*top1), NUMBER));
            line.push(if white { '*' } else { ' ' });
        }
        lines.push((Role::Adversarial, line, false));
    }
    for network in &networks {
        let from = match &network.weights {
            None => "this run's own".to_owned(),
            Some(weights) => text::fit_end(weights, WEIGHTS),
        };
        lines.push((Role::Muted, format!("{} {} · {from}", letter(network), network.arch), false));
    }
    if has_white_box {
        lines.push((Role::Muted, "* made on itself: no transfer".into(), false));
    }
    lines
}

const NAME: usize = 18;
const NUMBER: usize = 7;
/// The end of a path tells weights apart.
const WEIGHTS: usize = 40;
