//! The chart: several series over their steps, smoothed line bright over the raw one dim.
//!
//! ```text
//! loss · smoothing 0.9          ━ clean  ━ adversarial      title; legend or the cursor's values
//!   4.0 ┤⡀
//!       │⠱⡀
//!   2.0 ┤ ⠈⠢⢄⡀                                      2.113   last values
//!       │    ⠈⠉⠒⠒⠤⠤⣀⣀⣀⣀⡀                            1.402
//!   0.0 ┼────────┬─────────┬─────────┬──────────
//!       0       5 k      10 k      15 k        step
//! ```

use std::ops::RangeInclusive;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::tui::history::{Bucket, Series};
use crate::tui::number;
use crate::tui::theme::{Role, Theme};
use crate::tui::widget::axis::Axis;
use crate::tui::widget::dots::{Dots, Paint};
use crate::tui::widget::scale::Scale;

/// One line of a chart.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// For the legend.
    pub name: &'a str,
    /// What to draw.
    pub series: &'a Series,
    /// Its colour.
    pub role: Role,
    /// How sure some of its values are: step, low, high. Drawn dim, from low to high.
    pub intervals: &'a [(u64, f64, f64)],
}

/// What the horizontal axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Across<'a> {
    /// Its word, at the right end.
    pub word: &'a str,
    /// So many steps of a series are one of it: 100 for hundredths.
    pub per_unit: u64,
    /// Whether the values at its end are told: those of a ROC curve are always 1.
    pub ends: bool,
}

impl Across<'static> {
    /// Training steps.
    pub const STEPS: Self = Self { word: "step", per_unit: 1, ends: true };
}

impl Across<'_> {
    /// A step as it is told: `1,500`, or `0.5` of hundredths.
    fn told(self, step: u64) -> String {
        if self.per_unit <= 1 {
            return number::count(step);
        }
        (step as f64 / self.per_unit as f64).to_string()
    }
}

/// A chart, ready to draw.
#[derive(Debug, Clone)]
pub struct Curve<'a> {
    /// What is measured, and how it is shown; the last parts are left out where room is short, but
    /// a logarithmic scale is always named: it comes second.
    pub title: &'a [String],
    /// Drawn in this order, the last on top.
    pub lines: &'a [Line<'a>],
    /// What the horizontal axis covers; [`steps_of`] gives all there is.
    pub steps: RangeInclusive<u64>,
    /// Level of [`SMOOTHING`](crate::tui::history::SMOOTHING).
    pub smoothing: usize,
    /// Logarithmic values.
    pub log: bool,
    /// Values are shown times this: 1, or what turns bytes into GiB.
    pub scale: f64,
    /// What shown values can be at most: `(0.0, 1.0)` for fractions.
    pub limits: (f64, f64),
    /// Where the value cursor stands.
    pub cursor: Option<u64>,
    /// What the steps are.
    pub across: Across<'a>,
    /// What is said while there is no point.
    pub empty: &'a str,
    /// No Unicode.
    pub ascii: bool,
    /// Colours.
    pub theme: &'a Theme,
}

/// Where a chart's inner rectangle was drawn: turns columns into steps, for the mouse and the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// The cells of the curve itself.
    pub area: Rect,
    /// What they cover.
    pub steps: RangeInclusive<u64>,
}

impl Plot {
    /// The step under a column of the screen.
    pub fn step_at(&self, column: u16) -> u64 {
        let across = f64::from(self.area.width.max(2) - 1);
        let at = f64::from(column.saturating_sub(self.area.x)) / across;
        let (first, last) = (*self.steps.start(), *self.steps.end());
        first + (at.min(1.0) * last.saturating_sub(first) as f64).round() as u64
    }
}

/// The steps that a set of lines covers: from 0, unless they begin late, to the last.
pub fn steps_of(lines: &[Line<'_>]) -> RangeInclusive<u64> {
    let first = lines.iter().filter_map(|l| l.series.first()).map(|b| b.first_step).min();
    let last = lines.iter().filter_map(|l| l.series.last()).map(|b| b.last_step).max();
    let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
    if first <= last / 2 { 0..=last } else { first..=last }
}

/// Series of fewer points are not smoothed.
const SPARSE: usize = 64;

const LABEL: u16 = 5;
const GUTTER: u16 = 8;

impl Curve<'_> {
    /// Draws into `area`; answers where the curve itself lies, if there was room for one.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) -> Option<Plot> {
        let area = area.intersection(buffer.area);
        if area.width < 4 || area.height < 1 {
            return None;
        }
        self.draw_title(Rect { height: 1, ..area }, buffer);
        let gutter = if area.width >= 40 && self.across.ends { GUTTER } else { 0 };
        let numbers = u16::from(area.height >= 6);
        let plot = Rect {
            x: area.x + LABEL + 2,
            y: area.y + 1,
            width: area.width.saturating_sub(LABEL + 2 + gutter),
            height: area.height.saturating_sub(2 + numbers),
        };
        if plot.width < 4 || plot.height < 2 {
            return None;
        }
        let Some(values) = self.value_scale(plot.height) else {
            self.draw_empty(Rect { y: area.y + 1, height: area.height - 1, ..area }, buffer);
            return None;
        };
        let columns: Vec<Columns> =
            self.lines.iter().map(|l| self.columns(l, plot.width)).collect();
        self.draw_axes(plot, &values, numbers == 1, area, buffer);
        let dots = self.dots(plot, &values, &columns);
        self.draw_cursor(plot, &dots, buffer);
        dots.draw(plot, buffer, self.ascii, |paint| {
            let role = self.lines.get(paint.style).map_or(Role::Text, |line| line.role);
            let style = self.theme.style(role);
            if paint.bright { style } else { self.theme.dimmed(style) }
        });
        self.draw_holes(plot, &columns, buffer);
        if gutter > 0 {
            let place = Rect { x: plot.right() + 1, width: gutter - 1, ..plot };
            self.draw_last_values(place, &values, buffer);
        }
        Some(Plot { area: plot, steps: self.steps.clone() })
    }

    fn value_scale(&self, rows: u16) -> Option<Scale> {
        let mut range: Option<(f64, f64)> = None;
        let mut widen = |low: f64, high: f64| {
            let (min, max) = range.unwrap_or((low, high));
            range = Some((min.min(low), max.max(high)));
        };
        for line in self.lines {
            for bucket in line.series.range(self.steps.clone()) {
                let low = if self.log && bucket.min <= 0.0 { bucket.mean() } else { bucket.min };
                if bucket.finite == 0 || (self.log && low <= 0.0) {
                    continue;
                }
                let (low, high) = (low * self.scale, bucket.max * self.scale);
                widen(low, high);
            }
            for (_, low, high) in
                line.intervals.iter().filter(|(_, low, _)| !self.log || *low > 0.0)
            {
                widen(low * self.scale, high * self.scale);
            }
        }
        let (min, max) = range?;
        // A label every other row, fewer where the chart is tall.
        let most = usize::from((rows / 2).min(4 + rows / 8)).max(1);
        if self.log {
            return Some(Scale::new(Axis::log(min, max, most), rows));
        }
        // Of all round axes the one on which the curve is tallest; the last of equals has most ticks.
        let scales = (1..=most).map(|most| {
            let scale = Scale::new(Axis::linear(min, max, most, self.limits), rows);
            (scale.height(min, max), scale)
        });
        scales.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, scale)| scale)
    }

    /// The series folded to one bucket a column of dots.
    fn columns(&self, line: &Line<'_>, cells: u16) -> Columns {
        let width = usize::from(cells) * 2;
        let (first, last) = (*self.steps.start() as f64, (*self.steps.end()).max(1) as f64);
        let scale = (width - 1) as f64 / (last - first).max(1.0);
        let mut columns: Columns = Vec::new();
        for bucket in line.series.range(self.steps.clone()) {
            let middle = f64::midpoint(bucket.first_step as f64, bucket.last_step as f64);
            let x = (((middle - first) * scale).round().max(0.0) as usize).min(width - 1);
            match columns.last_mut() {
                Some((there, folded)) if *there == x => folded.absorb(bucket),
                _ => columns.push((x, *bucket)),
            }
        }
        columns
    }

    fn dots(&self, plot: Rect, values: &Scale, columns: &[Columns]) -> Dots {
        let mut dots = Dots::new(plot.width, plot.height);
        let row = |value: f64| values.dot(value * self.scale);
        for (style, (columns, line)) in columns.iter().zip(self.lines).enumerate() {
            self.draw_intervals(line, style, values, &mut dots);
            let smoothing = self.smoothing_of(line.series);
            let raw = Paint { style, bright: smoothing == 0 };
            let mut previous: Option<(usize, usize)> = None;
            for (x, bucket) in columns {
                let (Some(top), Some(low)) =
                    (row(bucket.max), row(bucket.min).or(row(bucket.mean())))
                else {
                    previous = None;
                    continue;
                };
                if let Some(from) = previous {
                    dots.line(from, (*x, from.1.clamp(top, low)), raw);
                }
                dots.line((*x, top), (*x, low), raw);
                previous = row(bucket.last).map(|y| (*x, y));
            }
            let bright = Paint { style, bright: true };
            let mut previous: Option<(usize, usize)> = None;
            for (x, bucket) in columns {
                let here = (bucket.finite > 0).then(|| row(bucket.smoothed(smoothing))).flatten();
                let here = here.map(|y| (*x, y));
                if let (Some(to), true) = (here, smoothing > 0) {
                    dots.line(previous.unwrap_or(to), to, bright);
                }
                previous = here;
            }
            if let [(x, bucket)] = columns[..] {
                // One dot alone is too easily overlooked.
                if let Some(y) = row(bucket.mean()) {
                    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                        let (x, y) = (x.min(dots.width() - 2) + dx, y.min(dots.height() - 2) + dy);
                        dots.set(x, y, bright);
                    }
                }
            }
        }
        dots
    }

    fn draw_intervals(&self, line: &Line<'_>, style: usize, values: &Scale, dots: &mut Dots) {
        let (first, last) = (*self.steps.start(), *self.steps.end());
        let scale = (dots.width() - 1) as f64 / last.saturating_sub(first).max(1) as f64;
        for (step, low, high) in
            line.intervals.iter().filter(|(step, ..)| self.steps.contains(step))
        {
            let x = ((step - first) as f64 * scale).round() as usize;
            let ends = (values.dot(high * self.scale), values.dot(low * self.scale));
            if let (Some(top), Some(bottom)) = ends {
                dots.line((x, top), (x, bottom), Paint { style, bright: false });
            }
        }
    }

    /// Points far apart, such as one an epoch, are no noise: smoothed, they would lag epochs behind.
    fn smoothing_of(&self, series: &Series) -> usize {
        if series.len() < SPARSE { 0 } else { self.smoothing }
    }

    fn draw_axes(
        &self,
        plot: Rect,
        values: &Scale,
        numbers: bool,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let style = self.theme.style(Role::Muted);
        let line = self.theme.style(Role::Border);
        let [up, mark, corner, along, down] = if self.ascii {
            ["|", "+", "+", "-", "+"]
        } else {
            ["│", "┤", "┼", "─", "┬"]
        };
        let axis_x = plot.x - 1;
        for y in plot.y..plot.bottom() {
            buffer.set_string(axis_x, y, up, line);
        }
        let bottom = plot.bottom();
        buffer.set_string(axis_x, bottom, corner, line);
        for x in plot.x..plot.right() {
            buffer.set_string(x, bottom, along, line);
        }
        let mut taken = u16::MAX;
        for tick in &values.axis.ticks {
            let Some(row) = values.row(tick.value) else { continue };
            let row = plot.y + row;
            if row == taken {
                continue;
            }
            taken = row;
            let label = format!("{:>width$}", tick.label, width = usize::from(LABEL));
            buffer.set_stringn(area.x, row, label, usize::from(LABEL), style);
            buffer.set_string(axis_x, row, if row == bottom { corner } else { mark }, line);
        }
        let most = usize::from(plot.width / 10).max(1);
        let (first, last) = (*self.steps.start(), *self.steps.end());
        let unit = self.across.per_unit.max(1) as f64;
        let steps = if self.across.per_unit > 1 {
            Axis::parts(first as f64 / unit, last as f64 / unit, usize::from(plot.width / 6).max(1))
        } else {
            Axis::steps(first, last, most)
        };
        let mut free_from = area.x;
        let word = format!(" {}", self.across.word);
        let word_at = area.right().saturating_sub(word.width() as u16);
        for tick in &steps.ticks {
            let Some(at) = steps.position(tick.value) else { continue };
            let x = plot.x + (at * f64::from(plot.width - 1)).round() as u16;
            if x > plot.x {
                buffer.set_string(x, bottom, down, line);
            }
            let width = tick.label.len() as u16;
            let left = x.saturating_sub(if x > plot.x { width / 2 } else { 1 });
            if numbers && left >= free_from && left + width < word_at {
                buffer.set_string(left, bottom + 1, &tick.label, style);
                free_from = left + width + 1;
            }
        }
        if numbers {
            buffer.set_string(word_at, bottom + 1, &word, style);
        }
    }

    fn draw_cursor(&self, plot: Rect, dots: &Dots, buffer: &mut Buffer) {
        let Some(step) = self.cursor else { return };
        let column = self.column_of(step, plot.width);
        let style = self.theme.style(Role::Accent);
        for row in 0..=plot.height {
            if !dots.is_marked(column, row) {
                let symbol = match (self.ascii, row == plot.height) {
                    (true, _) => "|",
                    (false, true) => "┴",
                    (false, false) => "│",
                };
                buffer.set_string(plot.x + column, plot.y + row, symbol, style);
            }
        }
    }

    fn column_of(&self, step: u64, width: u16) -> u16 {
        let (first, last) = (*self.steps.start(), (*self.steps.end()).max(1));
        let at = step.saturating_sub(first) as f64 / last.saturating_sub(first).max(1) as f64;
        (at.min(1.0) * f64::from(width - 1)).round() as u16
    }

    /// NaN and infinity: a cross on the axis below the hole they leave.
    fn draw_holes(&self, plot: Rect, columns: &[Columns], buffer: &mut Buffer) {
        for (x, bucket) in columns.iter().flatten() {
            if bucket.holes > 0 {
                let symbol = if self.ascii { "x" } else { "×" };
                let style = self.theme.style(Role::Error);
                buffer.set_string(plot.x + (*x / 2) as u16, plot.bottom(), symbol, style);
            }
        }
    }

    fn draw_last_values(&self, place: Rect, values: &Scale, buffer: &mut Buffer) {
        let mut labels: Vec<(f64, (u16, String, Style))> = Vec::new();
        for line in self.lines {
            let end = *self.steps.end();
            let Some(last) = line.series.at(end) else { continue };
            // Training ends where it ends; over fractions a value belongs to where it was measured.
            if self.across.per_unit > 1 && last.last_step != end {
                continue;
            }
            let smooth = last.smoothed(self.smoothing_of(line.series)) * self.scale;
            let row = values.dot(smooth).map_or(0, |dot| (dot / 4) as u16);
            let (shown, role) =
                if last.last.is_finite() { (smooth, line.role) } else { (last.last, Role::Error) };
            labels.push((smooth, (row, number::value(shown), self.theme.style(role))));
        }
        // Those that share a row stand in the order of their values.
        labels.sort_by(|a, b| b.0.total_cmp(&a.0));
        let labels = labels.into_iter().map(|(_, label)| label).collect();
        for (row, label, style) in without_collisions(labels, place.height) {
            buffer.set_stringn(place.x, place.y + row, label, usize::from(place.width), style);
        }
    }

    /// What is measured on the left; on the right the legend, or the values under the cursor.
    fn draw_title(&self, area: Rect, buffer: &mut Buffer) {
        let muted = self.theme.style(Role::Muted);
        let room = usize::from(area.width);
        let mut legend = self.legend(true);
        // Values say more than names: the colours tell whose they are.
        if self.cursor.is_some()
            && self.across.per_unit <= 1
            && wide(&legend) + self.title.join(" · ").width() > room
        {
            legend = self.legend(false);
        }
        // The legend matters more than the finer points of how the values are shown.
        let least = if self.log { 2 } else { 1 };
        let mut parts = self.title;
        while parts.len() > least && parts.join(" · ").width() + wide(&legend) > room {
            parts = &parts[..parts.len() - 1];
        }
        let title = parts.join(" · ");
        buffer.set_stringn(area.x, area.y, &title, room, muted);
        let from = area.right().saturating_sub(wide(&legend) as u16);
        let mut x = from.max(area.x + title.width() as u16 + 2);
        for (text, style) in legend {
            let left = usize::from(area.right().saturating_sub(x));
            if left < 3 {
                break;
            }
            x = buffer.set_stringn(x, area.y, text, left, style).0 + 2;
        }
    }

    fn legend(&self, names: bool) -> Vec<(String, Style)> {
        let mut legend: Vec<(String, Style)> = Vec::new();
        if let Some(step) = self.cursor {
            let told = format!("{} {}", self.across.word, self.across.told(step));
            legend.push((told, self.theme.style(Role::Accent)));
        }
        let swatch = if self.ascii { "-" } else { "━" };
        // What is there to compare with stands last.
        let (own, muted): (Vec<&Line<'_>>, Vec<_>) =
            self.lines.iter().partition(|line| line.role != Role::Muted);
        for line in own.into_iter().chain(muted) {
            let style = self.theme.style(line.role);
            // Between the points of a curve over fractions there is no value.
            let shown = self.cursor.filter(|_| self.across.per_unit <= 1);
            let value = shown.map(|step| match standing_at(line.series, step) {
                None => format!(" {:<6}", "–"),
                Some(bucket) => {
                    let value = bucket.smoothed(self.smoothing_of(line.series)) * self.scale;
                    format!(" {:<6}", number::value(value))
                }
            });
            if self.lines.len() > 1 || value.is_some() {
                let name = if names { line.name } else { "" };
                let gap = if names { " " } else { "" };
                legend.push((format!("{swatch}{gap}{name}{}", value.unwrap_or_default()), style));
            }
        }
        legend
    }

    fn draw_empty(&self, area: Rect, buffer: &mut Buffer) {
        let x = area.x + LABEL + 2;
        let room = usize::from(area.right().saturating_sub(x));
        let y = area.y + area.height / 2;
        if y < area.bottom() {
            buffer.set_stringn(x, y, self.empty, room, self.theme.style(Role::Muted));
        }
    }
}

fn wide(legend: &[(String, Style)]) -> usize {
    legend.iter().map(|(text, _)| text.width() + 2).sum()
}

/// Where a series stands at a step. A series that ended earlier, by more than the usual distance
/// between its points, stands nowhere.
fn standing_at(series: &Series, step: u64) -> Option<&Bucket> {
    let (first, last) = (series.first()?.first_step, series.last()?.last_step);
    let distance = (last - first) / (series.len() as u64).max(1);
    if step > last.saturating_add(distance * 2) { None } else { series.at(step) }
}

/// Column of dots and what lies in it.
type Columns = Vec<(usize, Bucket)>;

/// Moves labels apart, keeping their order; those that find no row are left out.
fn without_collisions(
    mut labels: Vec<(u16, String, Style)>,
    rows: u16,
) -> Vec<(u16, String, Style)> {
    labels.sort_by_key(|label| label.0);
    labels.truncate(usize::from(rows));
    let mut free = 0;
    for label in &mut labels {
        label.0 = label.0.max(free);
        free = label.0 + 1;
    }
    let mut ceiling = rows;
    for label in labels.iter_mut().rev() {
        label.0 = label.0.min(ceiling.saturating_sub(1));
        ceiling = label.0;
    }
    labels
}

#[cfg(test)]
mod tests;
