//! How well adversarial images are told from real ones: the ROC curves of the attack under the
//! cursor, and for every attack the area under each, and what is found at the threshold.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Region, State, empty};
use crate::run::results::trace::{Attacked, Detector, Roc};
use crate::tui::action::Place;
use crate::tui::history::Series;
use crate::tui::number;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::curve::{Across, Curve, Line as CurveLine};
use crate::tui::widget::list::Ground;

/// Shares are drawn to a thousandth.
const PER_UNIT: f64 = 1_000.0;
/// From here on the curves stand beside the table.
const BESIDE: u16 = 104;
/// From here on the legend has room for names and values.
const NAMES_AND_VALUES: u16 = 110;
/// Rows below which a curve says nothing.
const LEAST_CURVE: u16 = 8;

pub(super) fn draw(
    state: &State,
    found: &Detector,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let Some(last) = found.attacks.len().checked_sub(1) else {
        let words = "The detector was tried on no attack: [evaluate] names them.";
        return empty::say(words, context, area, buf);
    };
    let chosen = state.row.min(last);
    // The table's heading, an attack a row, and what the thresholds came to.
    let is_beside = area.width >= BESIDE;
    let wide = if is_beside { area.width - area.width * 9 / 20 - 2 } else { area.width };
    let words: Vec<String> =
        facts(found).iter().flat_map(|line| text::wrap(line, wide.into())).collect();
    let rows = (found.attacks.len() + 1).min(usize::from(u16::MAX)) as u16;
    let (curves, table) = if is_beside {
        let table = Rect { x: area.right() - wide, width: wide, ..area };
        (Rect { width: area.width - wide - 2, ..area }, table)
    } else {
        // A blank line lies between them.
        let lines = rows.saturating_add(1 + words.len() as u16);
        let height = lines.min(area.height.saturating_sub(LEAST_CURVE)).max(3).min(area.height);
        let above = Rect { height: area.height - height, ..area };
        (above, Rect { y: above.bottom(), height, ..area })
    };
    if let Some(attack) = found.attacks.get(chosen) {
        draw_curves(found, attack, context, curves, buf);
    }
    let below = draw_table(found, chosen, context, table, buf, view);
    for (line, row) in words.iter().zip(below.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Muted));
    }
}

/// The points of a curve; of those at one place the last, which is the highest.
fn series(roc: &Roc) -> Series {
    let mut series = Series::default();
    let mut before: Option<(u64, f64)> = None;
    for [real, adversarial] in &roc.points {
        if !real.is_finite() || *real < 0.0 {
            continue;
        }
        let step = (real * PER_UNIT).round() as u64;
        match before {
            // A file that is out of order must not take back what was drawn.
            Some((at, _)) if step < at => continue,
            Some((at, value)) if step > at => series.push(at, 0.0, value),
            _ => {}
        }
        before = Some((step, *adversarial));
    }
    if let Some((at, value)) = before {
        series.push(at, 0.0, value);
    }
    series
}

fn draw_curves(
    found: &Detector,
    attack: &Attacked,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let curves: Vec<(String, Series)> = attack
        .curves
        .iter()
        .map(|roc| (format!("{} {:.3}", text::clean(&roc.score), roc.auc), series(roc)))
        .collect();
    let mut chance = Series::default();
    chance.push(0, 0.0, 0.0);
    chance.push(PER_UNIT as u64, 0.0, 1.0);
    let by_chance =
        CurveLine { name: "chance", series: &chance, role: Role::Muted, intervals: &[] };
    let roles = Role::SERIES.into_iter().chain(std::iter::repeat(Role::Text));
    let own = curves.iter().zip(roles).map(|((name, series), role)| CurveLine {
        name,
        series,
        role,
        intervals: &[],
    });
    let lines: Vec<CurveLine<'_>> = std::iter::once(by_chance).chain(own).collect();
    let title =
        [text::clean(&attack.attack).into_owned(), "suspected over false alarms, AUC".into()];
    let rate = found.false_positive_rate.clamp(0.0, 1.0);
    let curve = Curve {
        title: &title,
        lines: &lines,
        steps: 0..=PER_UNIT as u64,
        smoothing: 0,
        log: false,
        scale: 1.0,
        limits: (0.0, 1.0),
        // Where the thresholds were set; beside its values narrow charts have no room for all names.
        cursor: (area.width >= NAMES_AND_VALUES).then(|| (rate * PER_UNIT).round() as u64),
        across: Across { word: "real", per_unit: PER_UNIT as u64, ends: false },
        empty: "nothing was measured",
        ascii: context.glyphs.is_ascii(),
        theme: context.theme,
    };
    curve.draw(area, buf);
}

/// An attack a row: how many images it fooled the network with, the area under each curve with its
/// interval, what is found at the threshold. Answers what is left below.
fn draw_table(
    found: &Detector,
    chosen: usize,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) -> Rect {
    let columns = Columns::of(area.width, found);
    let mut area = area;
    if area.height >= 3 {
        let cells = found.scores.iter().map(|score| score.name.clone());
        let head = columns.line("attack", "fooled", cells);
        buf.set_stringn(area.x, area.y, head, area.width.into(), context.style(Role::Muted));
        area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    }
    let rows = usize::from(area.height).max(1);
    let first = (chosen + 1).saturating_sub(rows);
    let mut taken = 0;
    for ((at, attack), row) in found.attacks.iter().enumerate().skip(first).zip(area.rows()) {
        let ground = Ground::draw(context, at == chosen, row, buf);
        let aware = if attack.aware { ", on distance" } else { "" };
        let name = format!("{}{aware}", attack.attack);
        let fooled = format!("{}/{}", attack.fooled, attack.images);
        let cells = found.scores.iter().map(|score| {
            let roc = attack.curves.iter().find(|roc| roc.score == score.name);
            roc.map_or_else(|| "–".to_owned(), |roc| columns.cell(roc))
        });
        let line = columns.line(&name, &fooled, cells);
        buf.set_stringn(row.x, row.y, line, row.width.into(), ground.plain(Role::Text));
        view.clickable(row, Click::Cell(Place::Trace, Region::Summary as u16, at as u16));
        taken += 1;
    }
    // A blank line, where there is one.
    let taken = (taken + 1).min(area.height);
    Rect { y: area.y + taken, height: area.height - taken, ..area }
}

/// How wide an attack's name and each score are.
struct Columns {
    name: usize,
    score: usize,
}

impl Columns {
    fn of(width: u16, found: &Detector) -> Self {
        let count = found.scores.len().max(1);
        let left = usize::from(width).saturating_sub(10);
        // An area alone, with what is found, with its interval.
        let score = [28, 16, 8].into_iter().find(|score| score * count + 14 <= left).unwrap_or(8);
        Self { name: left.saturating_sub(score * count).clamp(8, 26), score }
    }

    fn cell(&self, roc: &Roc) -> String {
        let ([low, high], detected) = (roc.interval, number::percent(roc.detected));
        match self.score {
            28 => format!("{:.3} [{low:.3}, {high:.3}] {detected:>5}", roc.auc),
            16 => format!("{:.3} {detected:>5}", roc.auc),
            _ => format!("{:.3}", roc.auc),
        }
    }

    fn line(&self, name: &str, fooled: &str, scores: impl Iterator<Item = String>) -> String {
        let mut line = format!("{}{}", text::pad(name, self.name), text::pad_left(fooled, 10));
        for score in scores {
            // A name that is cut must not touch the one before.
            line.push(' ');
            line.push_str(&text::pad_left(&score, self.score - 1));
        }
        line
    }
}

/// What the thresholds came to, and what the numbers are.
fn facts(found: &Detector) -> Vec<String> {
    let mut lines: Vec<String> = found
        .scores
        .iter()
        .map(|score| {
            let [low, high] = score.interval;
            format!(
                "{}: threshold {:.4}, false alarms {:.3} [{low:.3}, {high:.3}] of {} real images",
                text::clean(&score.name),
                score.threshold,
                score.false_positives,
                number::count(found.real_images)
            )
        })
        .collect();
    lines.push(
        "real images: all that were tried, wrongly answered ones too; adversarial ones are of rightly \
         answered images"
            .to_owned(),
    );
    if found.attacks.iter().any(|attack| attack.aware) {
        lines
            .push("on distance: the attack works against the detector by distance, too".to_owned());
    }
    lines.push(format!(
        "area under the curve, 95 % interval, share found at the threshold; set on {} real images at \
         {:.3} false alarms; {} reference images",
        number::count(found.calibration_images),
        found.false_positive_rate,
        number::count(found.reference_images)
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_points_at_one_place_the_highest_is_drawn_and_those_out_of_order_are_not() {
        let roc = Roc {
            points: vec![[0.0, 0.0], [0.0, 0.4], [0.2, 0.4], [0.2, 0.7], [0.1, 0.9], [1.0, 1.0]],
            ..Roc::default()
        };
        let series = series(&roc);
        let points: Vec<(u64, f64)> =
            series.buckets().map(|bucket| (bucket.first_step, bucket.mean())).collect();
        assert_eq!(points, [(0, 0.4), (200, 0.7), (1_000, 1.0)]);
    }
}
