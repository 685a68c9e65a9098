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
    fn new(name: &str, mut points: Vec<(f64, f64, [f64; 2])>) -> Self {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut series = Series::default();
        let mut intervals = Vec::new();
        for (epsilon, top1, [low, high]) in points {
            let step = step_of(epsilon);
            series.push(step, 0.0, top1);
            intervals.push((step, low, high));
        }
        Self { name: text::clean(name).into_owned(), series, intervals }
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
    if let Some(curve) = &evaluate.curve {
        return is_l2(&curve.norm);
    }
    let mut bounded = evaluate.rows.iter().filter(|row| row.epsilon > 0.0).peekable();
    bounded.peek().is_some() && bounded.all(|row| is_l2(&row.norm))
}

/// What is drawn, and the names of what is not, with the reason.
#[derive(Debug, Default)]
struct Chart {
    drawn: Vec<Measured>,
    left_out: Vec<String>,
}

/// Measurements of one attack, at most one an epsilon.
#[derive(Debug)]
struct Group<'a> {
    attack: String,
    rows: Vec<&'a Row>,
}

impl Group<'_> {
    fn has(&self, epsilon: f64) -> bool {
        self.rows.iter().any(|row| step_of(row.epsilon) == step_of(epsilon))
    }
}

/// The curve that was asked for, then one for each attack of the table, all from the clean point.
fn chart(evaluate: &Evaluate) -> Chart {
    let l2 = chart_is_l2(evaluate);
    let mut all: Vec<Measured> = Vec::new();
    if let Some(curve) = &evaluate.curve {
        let points = curve.points.iter().map(|p| (p.epsilon, p.top1, p.top1_interval));
        all.push(Measured::new(&format!("{} curve", curve.attack), points.collect()));
    }
    let clean = evaluate.rows.iter().find(|row| row.attack == "none");
    let clean = clean.map(|row| (0.0, row.top1, row.interval()));
    let mut left_out: Vec<String> = Vec::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in evaluate.rows.iter().filter(|row| row.attack != "none") {
        if row.epsilon <= 0.0 {
            left_out.push(format!("{} (no bound)", row.name()));
            continue;
        }
        if step_of(row.epsilon) == 0 {
            left_out.push(format!("{} (too small a bound)", row.name()));
            continue;
        }
        if is_l2(&row.norm) != l2 {
            left_out.push(format!("{} (another norm)", row.name()));
            continue;
        }
        let steps = row.steps.map(|steps| format!("-{steps}")).unwrap_or_default();
        let attack = format!("{}{steps}", row.attack);
        // Measured twice at one epsilon, with other restarts or step sizes, which a row does not
        // tell: two curves, not one of them lost.
        let mut groups_of_it = groups.iter_mut().filter(|group| group.attack == attack);
        match groups_of_it.find(|group| !group.has(row.epsilon)) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { attack, rows: vec![row] }),
        }
    }
    for (at, group) in groups.iter().enumerate() {
        let before = groups[..at].iter().filter(|other| other.attack == group.attack).count();
        let name = match before {
            0 => group.attack.clone(),
            before => format!("{} {}", group.attack, before + 1),
        };
        let points = group.rows.iter().map(|row| (row.epsilon, row.top1, row.interval()));
        all.push(Measured::new(&name, clean.into_iter().chain(points).collect()));
    }
    all.retain(|measured| !measured.series.is_empty());
    let more = all.split_off(all.len().min(Role::SERIES.len()));
    let more = more.into_iter().map(|one| format!("{} (no room)", one.name));
    Chart { drawn: all, left_out: more.chain(left_out).collect() }
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
    let lines = lines(shown);
    let (chart, words) = split(inner, &lines);
    match evaluate {
        Some(evaluate) => draw_chart(evaluate, shown, context, chart, buf),
        None => say(&nothing(context), Role::Muted, context, chart, buf),
    }
    let needed: usize = lines.iter().map(|line| line.parts(words.width.into()).len()).sum();
    let fits = needed <= usize::from(words.height);
    let first = if fits { 0 } else { state.scroll.min(lines.len().saturating_sub(1)) };
    let mut rows = words.rows();
    for line in lines.iter().skip(first) {
        for part in line.parts(words.width.into()) {
            let Some(row) = rows.next() else {
                return more(state, context, area, buf);
            };
            buf.set_string(row.x, row.y, part, context.style(line.role));
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

/// A line of the text.
#[derive(Debug)]
pub(super) struct TextLine {
    role: Role,
    text: String,
    how: How,
}

/// What becomes of a line that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// It goes on below.
    Wraps,
    /// A row of a table: the text is made as wide as the longest where there is room.
    Table,
    /// It loses cells behind so many, not its end.
    KeepsEnd(usize),
}

impl TextLine {
    fn new(role: Role, text: impl Into<String>, how: How) -> Self {
        Self { role, text: text.into(), how }
    }

    fn parts(&self, room: usize) -> Vec<String> {
        match self.how {
            How::Wraps => text::wrap(&self.text, room),
            How::Table => vec![text::fit(&self.text, room)],
            How::KeepsEnd(head) => match self.text.split_at_checked(head) {
                Some((head, tail)) => {
                    let left = room.saturating_sub(text::width(head));
                    vec![text::fit(&format!("{head}{}", text::fit_end(tail, left)), room)]
                }
                None => vec![text::fit(&self.text, room)],
            },
        }
    }
}

/// Where the curve stands and where the text.
fn split(inner: Rect, lines: &[TextLine]) -> (Rect, Rect) {
    if lines.is_empty() {
        return (inner, Rect { height: 0, ..inner });
    }
    if inner.width >= BESIDE {
        let table = lines.iter().filter(|line| line.how == How::Table);
        let needed = table.map(|line| text::width(&line.text)).max().unwrap_or(0) as u16;
        let width = (inner.width * 2 / 5).min(WIDEST_TEXT).max(needed.min(inner.width / 2));
        let chart = Rect { width: inner.width - width - 3, ..inner };
        return (chart, Rect { x: inner.right() - width, width, ..inner });
    }
    // A blank row between them.
    let text = (lines.len() as u16 + 1)
        .min(inner.height.saturating_sub(LEAST_CURVE))
        .min(inner.height / 2);
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
    let measured = chart(evaluate).drawn;
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
        across: Across {
            word: if l2 { "ε l2" } else { "ε" },
            per_unit: PER_LEVEL as u64,
            ends: true,
        },
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

/// The text, line by line; scrolled by them.
pub(super) fn lines(shown: &Shown<'_>) -> Vec<TextLine> {
    let evaluate = shown.detail.and_then(|detail| detail.evaluate.as_deref());
    let mut lines = evaluate.map(of_evaluate).unwrap_or_default();
    let warning = |line| TextLine::new(Role::Warning, line, How::Wraps);
    lines.extend(warnings(shown).into_iter().map(warning));
    lines
}

fn of_evaluate(evaluate: &Evaluate) -> Vec<TextLine> {
    let muted = |words: &str| TextLine::new(Role::Muted, words, How::Wraps);
    let mut lines = match &evaluate.transfer {
        Some(transfer) => table(transfer),
        None => vec![muted(
            "Who else is fooled by these images: transfer = { method = \"pgd\", targets = [{ arch = \
             \"…\", weights = \"…\" }] } in [evaluate] measures it.",
        )],
    };
    if evaluate.curve.is_none() {
        lines.push(muted(
            "The curve in full: curve = { method = \"pgd\", epsilons = [0, 1, 2, 4, 8] } in \
             [evaluate].",
        ));
    }
    let left_out = chart(evaluate).left_out;
    if !left_out.is_empty() {
        lines.push(muted(&format!("not drawn: {}", left_out.join(", "))));
    }
    lines
}

/// Made on (rows), tried on (columns); the networks by letters, told below.
fn table(transfer: &Transfer) -> Vec<TextLine> {
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
    let title = format!("transfer of {attack}{bound}: top-1 of {images} images");
    // The star of a white-box attack stands behind its number: every number has room for one.
    let row = |name: &str, cells: Vec<(String, bool)>| {
        let mut line = text::pad(name, NAME);
        for (cell, star) in cells {
            line.push_str(&text::pad_left(&cell, NUMBER));
            line.push(if star { '*' } else { ' ' });
        }
        line
    };
    let head = transfer.targets.iter().map(|target| (letter(target).to_string(), false));
    let clean = transfer.clean_top1.iter().map(|top1| (number::fraction(*top1), false));
    let mut lines = vec![
        TextLine::new(Role::Text, title, How::Wraps),
        TextLine::new(Role::Muted, row("made ↓ tried →", head.collect()), How::Table),
        TextLine::new(Role::Real, row("no attack", clean.collect()), How::Table),
    ];
    let mut has_white_box = false;
    for (source, all) in transfer.sources.iter().zip(&transfer.top1) {
        let cells = transfer.targets.iter().zip(all).map(|(target, top1)| {
            has_white_box |= target == source;
            (number::fraction(*top1), target == source)
        });
        let line = row(&format!("{} {}", letter(source), source.arch), cells.collect());
        lines.push(TextLine::new(Role::Adversarial, line, How::Table));
    }
    for network in &networks {
        let head = format!("{} {} · ", letter(network), network.arch);
        let from = network.weights.as_deref().unwrap_or("this run's own");
        let how = How::KeepsEnd(head.len());
        lines.push(TextLine::new(Role::Muted, format!("{head}{from}"), how));
    }
    if has_white_box {
        lines.push(TextLine::new(Role::Muted, "* made on itself: no transfer", How::Wraps));
    }
    lines
}

const NAME: usize = 14;
const NUMBER: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(attack: &str, norm: &str, epsilon: f64, top1: f64) -> Row {
        Row {
            attack: attack.into(),
            norm: norm.into(),
            epsilon,
            top1,
            images: 100,
            ..Row::default()
        }
    }

    fn evaluate(rows: impl IntoIterator<Item = Row>) -> Evaluate {
        let clean = row("none", "", 0.0, 0.9);
        Evaluate { rows: std::iter::once(clean).chain(rows).collect(), ..Evaluate::default() }
    }

    fn names(chart: &Chart) -> Vec<&str> {
        chart.drawn.iter().map(|measured| measured.name.as_str()).collect()
    }

    #[test]
    fn what_was_measured_twice_at_one_epsilon_is_drawn_twice() {
        let rows = [(2.0, 0.5), (2.0, 0.4), (4.0, 0.3), (4.0, 0.2)];
        let chart = chart(&evaluate(rows.map(|(at, top1)| row("pgd", "linf", at, top1))));
        assert_eq!(names(&chart), ["pgd", "pgd 2"]);
        assert!(chart.left_out.is_empty());
        for (measured, [near, far]) in chart.drawn.iter().zip([[0.5, 0.3], [0.4, 0.2]]) {
            assert_eq!((measured.series.len(), measured.intervals.len()), (3, 3));
            assert_eq!(measured.series.at(200).map(|point| point.last), Some(near));
            assert_eq!(measured.series.at(400).map(|point| point.last), Some(far));
        }
    }

    #[test]
    fn what_is_not_drawn_is_named() {
        let attacks = ["fgsm", "bim", "mim", "apgd-ce", "apgd-dlr", "least-likely", "square"];
        let count = Role::SERIES.len();
        let many = (0..=count)
            .map(|at| row(&format!("{}{at}", attacks[at % attacks.len()]), "linf", 4.0, 0.5));
        let more = [row("pgd", "l2", 300.0, 0.1), row("cw", "l2", 0.0, 0.0)];
        let mut all = evaluate(many.chain(more));
        all.curve = None;
        let linf = evaluate([row("fgsm", "linf", 4.0, 0.5), row("pgd", "l2", 300.0, 0.1)]);
        assert_eq!(chart(&linf).left_out, ["pgd ε 300 l2 (another norm)"]);
        let chart = chart(&all);
        assert_eq!(chart.drawn.len(), count);
        let last = format!("{}{count} (no room)", attacks[count % attacks.len()]);
        let expected = [last.as_str(), "pgd ε 300 l2 (another norm)", "cw (no bound)"];
        assert_eq!(chart.left_out, expected);
        let lines = of_evaluate(&all);
        let line = format!("not drawn: {}", expected.join(", "));
        assert!(lines.iter().any(|one| one.text == line && one.role == Role::Muted), "{lines:?}");
    }
}
