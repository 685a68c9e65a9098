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
use ratatui::style::{Color, Modifier, Style};
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
        let gutter = if area.width >= 40 { GUTTER } else { 0 };
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
            if paint.bright { style } else { dimmed(style, self.theme) }
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
        for line in self.lines {
            for bucket in line.series.range(self.steps.clone()) {
                let low = if self.log && bucket.min <= 0.0 { bucket.mean() } else { bucket.min };
                if bucket.finite == 0 || (self.log && low <= 0.0) {
                    continue;
                }
                let (low, high) = (low * self.scale, bucket.max * self.scale);
                range = Some(match range {
                    None => (low, high),
                    Some((min, max)) => (min.min(low), max.max(high)),
                });
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
        let steps = Axis::steps(*self.steps.start(), *self.steps.end(), most);
        let mut free_from = area.x;
        let word = " step";
        let word_at = area.right().saturating_sub(word.len() as u16);
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
            buffer.set_string(word_at, bottom + 1, word, style);
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
        let mut labels: Vec<(u16, String, Style)> = Vec::new();
        for line in self.lines {
            let Some(last) = line.series.at(*self.steps.end()) else { continue };
            let smooth = last.smoothed(self.smoothing_of(line.series)) * self.scale;
            let row = values.dot(smooth).map_or(0, |dot| (dot / 4) as u16);
            let (shown, role) =
                if last.last.is_finite() { (smooth, line.role) } else { (last.last, Role::Error) };
            labels.push((row, number::value(shown), self.theme.style(role)));
        }
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
        if self.cursor.is_some() && wide(&legend) + self.title.join(" · ").width() > room {
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
            legend.push((format!("step {}", number::count(step)), self.theme.style(Role::Accent)));
        }
        let swatch = if self.ascii { "-" } else { "━" };
        for line in self.lines {
            let style = self.theme.style(line.role);
            let value = self.cursor.map(|step| match standing_at(line.series, step) {
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

/// The same colour, nearer to the background; where colours cannot be mixed, the terminal's dim.
fn dimmed(style: Style, theme: &Theme) -> Style {
    match (style.fg, theme.style(Role::Text).bg) {
        (Some(Color::Rgb(r, g, b)), Some(Color::Rgb(br, bg, bb))) => {
            // 2/5: visible on its own, quiet beneath the bright line.
            let mix = |a: u8, b: u8| ((u16::from(a) * 2 + u16::from(b) * 3) / 5) as u8;
            style.fg(Color::Rgb(mix(r, br), mix(g, bg), mix(b, bb)))
        }
        _ => style.add_modifier(Modifier::DIM),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::fixture;

    const NO_LIMITS: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    fn series(points: &[(u64, f64)]) -> Series {
        let mut series = Series::default();
        for (step, value) in points {
            series.push(*step, *step as f64, *value);
        }
        series
    }

    fn drawn(series: &Series, log: bool, ascii: bool, size: (u16, u16)) -> String {
        let theme = fixture::theme();
        let lines = [Line { name: "clean", series, role: Role::Real }];
        let mut title = vec!["loss".to_owned()];
        title.extend(log.then(|| "log".to_owned()));
        title.extend(["probe fgsm ε 4".to_owned(), "smoothing 0.8".to_owned()]);
        let curve = Curve {
            title: &title,
            lines: &lines,
            steps: steps_of(&lines),
            smoothing: 0,
            log,
            scale: 1.0,
            limits: NO_LIMITS,
            cursor: None,
            empty: "nothing measured yet",
            ascii,
            theme: &theme,
        };
        let area = Rect::new(0, 0, size.0, size.1);
        let mut buffer = Buffer::empty(area);
        curve.draw(area, &mut buffer);
        fixture::text(&buffer)
    }

    #[test]
    fn a_straight_line_goes_from_corner_to_corner() {
        let line = series(&(0..=100).map(|i| (i * 50, i as f64 / 25.0)).collect::<Vec<_>>());
        insta::assert_snapshot!(drawn(&line, false, false, (60, 11)));
        insta::assert_snapshot!(drawn(&line, false, true, (60, 11)));
    }

    #[test]
    fn a_hole_breaks_the_line_and_is_marked_on_the_axis() {
        let mut points: Vec<_> = (0..=100).map(|i| (i, 2.0)).collect();
        for point in &mut points[40..60] {
            point.1 = f64::NAN;
        }
        insta::assert_snapshot!(drawn(&series(&points), false, false, (60, 9)));
    }

    #[test]
    fn a_single_point_is_seen() {
        insta::assert_snapshot!(drawn(&series(&[(100, 0.5)]), false, false, (60, 9)));
    }

    #[test]
    fn nothing_says_what_would_be_there() {
        assert!(drawn(&Series::default(), false, false, (60, 9)).contains("nothing measured yet"));
        let negative = series(&[(1, -1.0), (2, 0.0)]);
        assert!(drawn(&negative, true, false, (60, 9)).contains("nothing measured yet"));
    }

    #[test]
    fn a_spike_among_five_hundred_thousand_points_is_drawn() {
        let points: Vec<_> =
            (0..500_000).map(|i| (i, if i == 250_000 { 10.0 } else { 1.0 })).collect();
        let text = drawn(&series(&points), false, false, (60, 12));
        let high = text.lines().find(|line| line.contains("10 ")).unwrap();
        assert!(high.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{text}");
    }

    #[test]
    fn a_title_leaves_out_its_last_parts_but_never_the_scale() {
        let line = series(&[(1, 1.0), (2, 2.0)]);
        let title = |log, width| {
            let text = drawn(&line, log, false, (width, 8));
            text.lines().next().unwrap().to_owned()
        };
        assert_eq!(title(true, 60), "loss · log · probe fgsm ε 4 · smoothing 0.8");
        assert_eq!(title(true, 30), "loss · log · probe fgsm ε 4");
        assert_eq!(title(false, 30), "loss · probe fgsm ε 4");
        assert_eq!(title(true, 14), "loss · log");
        assert_eq!(title(true, 8), "loss · l");
    }

    #[test]
    fn points_far_apart_are_not_smoothed() {
        let sparse = series(&[(100, 4.0), (200, 2.0), (300, 1.0)]);
        let theme = fixture::theme();
        let lines = [Line { name: "probe", series: &sparse, role: Role::Adversarial }];
        let curve = Curve {
            title: &["loss".to_owned()],
            lines: &lines,
            steps: steps_of(&lines),
            smoothing: 3,
            log: false,
            scale: 1.0,
            limits: NO_LIMITS,
            cursor: None,
            empty: "",
            ascii: false,
            theme: &theme,
        };
        let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 10));
        curve.draw(buffer.area, &mut buffer);
        let text = fixture::text(&buffer);
        assert!(text.contains("1.000"), "{text}");
    }

    #[test]
    fn a_series_that_ended_stands_nowhere_later() {
        let ended = series(&(0..=10).map(|i| (i * 10, 1.0)).collect::<Vec<_>>());
        assert!(standing_at(&ended, 109).is_some());
        assert!(standing_at(&ended, 500).is_none());
        assert!(standing_at(&Series::default(), 5).is_none());
    }

    #[test]
    fn labels_move_apart_and_keep_their_order() {
        let label = |row: u16, text: &str| (row, text.to_owned(), Style::default());
        let labels = vec![label(3, "b"), label(3, "c"), label(0, "a"), label(4, "d")];
        let moved = without_collisions(labels, 5);
        let rows: Vec<_> = moved.iter().map(|(row, text, _)| (*row, text.as_str())).collect();
        assert_eq!(rows, [(0, "a"), (2, "b"), (3, "c"), (4, "d")]);
    }

    proptest! {
        #[test]
        fn no_data_and_no_size_panics(
            points in prop::collection::vec((0_u64..u64::MAX, any::<f64>()), 0..30),
            log: bool,
            size in (0_u16..120, 0_u16..40),
        ) {
            let mut points = points;
            points.sort_by_key(|point| point.0);
            drawn(&series(&points), log, false, size);
        }
    }
}
