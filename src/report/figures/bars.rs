//! Values of several things side by side, category by category: as bars or as dots, with their
//! intervals, and a line at a value to compare each with.

use super::axis::Axis;
use super::plot::{SIZE, WIDTH};
use crate::error::Result;
use crate::report::drawing::{Anchor, Drawing, Item, Measure, Role, Sign, Stroke, Text};

/// From one mark of a group to the next.
const ROW: f64 = 15.0;
/// Between groups.
const GAP: f64 = 11.0;
const TOP: f64 = 10.0;

/// The chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bars {
    /// What it is, in a sentence.
    pub title: String,
    /// What the values count.
    pub axis: String,
    pub series: Vec<Series>,
    pub groups: Vec<Group>,
    pub look: Look,
    /// Of the axis; `None` = from 0 to a round number.
    pub ends: Option<[f64; 2]>,
    /// What the line beside a mark is.
    pub reference: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Bars,
    Dots,
}

/// One of the things that are shown side by side.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    /// Empty: it is the only one.
    pub name: String,
    pub role: Role,
    pub sign: Sign,
    /// A hollow one is told from a filled one also without colour.
    pub filled: bool,
}

/// A category.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub name: String,
    pub marks: Vec<Mark>,
}

/// A value of a category.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    /// Its place in the series.
    pub series: usize,
    pub value: f64,
    pub interval: Option<[f64; 2]>,
    /// What to compare it with.
    pub reference: Option<f64>,
}

struct Area {
    left: f64,
    right: f64,
    axis: Axis,
}

impl Area {
    fn x(&self, value: f64) -> f64 {
        self.left + (self.right - self.left) * self.axis.place(value).clamp(0.0, 1.0)
    }
}

impl Bars {
    /// Draws it.
    pub(super) fn drawing(&self) -> Result<Drawing> {
        let measure = Measure::new()?;
        let mut drawing = Drawing::new(WIDTH, 0.0, &self.title);
        let names: Vec<String> = self
            .groups
            .iter()
            .map(|group| measure.cut(&group.name, SIZE, false, WIDTH * 0.36))
            .collect();
        let widest = names.iter().map(|name| measure.width(name, SIZE, false)).fold(0.0, f64::max);
        let marks = || self.groups.iter().flat_map(|group| &group.marks);
        let axis = self.ends.map_or_else(
            || {
                let values = marks().flat_map(|mark| {
                    [mark.value, mark.interval.map_or(0.0, |i| i[1]), mark.reference.unwrap_or(0.0)]
                });
                let finite = values.filter(|value| value.is_finite());
                Axis::from_zero(finite.fold(0.0, f64::max))
            },
            |[from, to]| Axis::between(from, to),
        );
        // Room for the number beside the longest bar.
        let area = Area { left: widest + 12.0, right: WIDTH - 40.0, axis };
        let heights = self.groups.iter().map(|group| group.marks.len().max(1) as f64 * ROW + GAP);
        let foot = TOP + heights.sum::<f64>();
        self.axis(&mut drawing, &area, foot);
        let mut y = TOP + GAP / 2.0;
        for (group, name) in self.groups.iter().zip(names) {
            let height = group.marks.len().max(1) as f64 * ROW;
            let text = Text::new([area.left - 8.0, y + height / 2.0 + 4.0], SIZE, name);
            drawing.write(text.anchored(Anchor::End));
            for (at, mark) in group.marks.iter().enumerate() {
                self.mark(&mut drawing, &area, mark, y + (at as f64 + 0.5) * ROW);
            }
            y += height + GAP;
        }
        let bottom = self.legend(&mut drawing, &measure, foot + 54.0);
        drawing.size[1] = bottom;
        Ok(drawing)
    }

    fn axis(&self, drawing: &mut Drawing, area: &Area, foot: f64) {
        let fits = (((area.right - area.left) / 52.0) as usize).max(2);
        for (value, label) in area.axis.marks(fits) {
            let x = area.x(value);
            drawing.line([x, TOP], [x, foot], Stroke::of(Role::Grid, 1.0));
            let text = Text::new([x, foot + 15.0], SIZE, label);
            drawing.write(text.anchored(Anchor::Middle).role(Role::Muted));
        }
        let zero = area.x(area.axis.from.max(0.0));
        drawing.line([zero, TOP], [zero, foot], Stroke::of(Role::Muted, 1.0));
        let name = Text::new([f64::midpoint(area.left, area.right), foot + 33.0], SIZE, &self.axis);
        drawing.write(name.anchored(Anchor::Middle).role(Role::Muted));
    }

    fn mark(&self, drawing: &mut Drawing, area: &Area, mark: &Mark, y: f64) {
        let Some(series) = self.series.get(mark.series) else { return };
        if !mark.value.is_finite() {
            return;
        }
        let x = area.x(mark.value);
        let mut end = x;
        if self.look == Look::Bars {
            let zero = area.x(0.0);
            let (from, to) = (zero.min(x), zero.max(x));
            drawing.items.push(Item::Rectangle {
                at: [from, y - ROW / 2.0 + 1.5],
                size: [to - from, ROW - 3.0],
                fill: Some((series.role, if series.filled { 0.9 } else { 0.25 })),
                line: Some(Stroke::of(series.role, 1.0)),
            });
        }
        if let Some([low, high]) = mark.interval.filter(|ends| ends.iter().all(|e| e.is_finite())) {
            let (low, high) = (area.x(low), area.x(high));
            let role = if self.look == Look::Bars { Role::Ink } else { series.role };
            drawing.line([low, y], [high, y], Stroke::of(role, 1.2));
            if self.look == Look::Bars {
                for x in [low, high] {
                    drawing.line([x, y - 2.5], [x, y + 2.5], Stroke::of(role, 1.2));
                }
            }
            end = end.max(high);
        }
        if let Some(reference) = mark.reference.filter(|value| value.is_finite()) {
            let x = area.x(reference);
            drawing.line([x, y - ROW / 2.0], [x, y + ROW / 2.0], Stroke::of(Role::Ink, 2.0));
            end = end.max(x);
        }
        if self.look == Look::Dots {
            let (role, filled) = (series.role, series.filled);
            drawing.items.push(Item::Sign {
                at: [x, y],
                sign: series.sign,
                half: 3.8,
                role,
                filled,
            });
        }
        let digits = if self.look == Look::Dots && area.axis.to <= 5.0 { 3 } else { 1 };
        let number = format!("{:.digits$}", mark.value);
        drawing.write(Text::new([end + 6.0, y + 4.0], 11.0, number).role(Role::Muted));
    }

    /// Answers where it ends.
    fn legend(&self, drawing: &mut Drawing, measure: &Measure, top: f64) -> f64 {
        const LINE: f64 = 17.0;
        let mut entries: Vec<(Option<&Series>, &str)> = Vec::new();
        entries.extend(self.series.iter().map(|series| (Some(series), series.name.as_str())));
        entries.extend(self.reference.iter().map(|name| (None, name.as_str())));
        entries.retain(|(_, name)| !name.is_empty());
        let (mut x, mut y) = (4.0, top);
        if entries.is_empty() {
            return top - 14.0;
        }
        for (series, name) in entries {
            let name = measure.cut(name, SIZE, false, WIDTH - 40.0);
            let width = 22.0 + measure.width(&name, SIZE, false);
            if x > 4.0 && x + width > WIDTH - 4.0 {
                (x, y) = (4.0, y + LINE);
            }
            let middle = [x + 8.0, y - 4.0];
            match series {
                None => {
                    let [x, y] = middle;
                    drawing.line([x, y - 6.0], [x, y + 6.0], Stroke::of(Role::Ink, 2.0));
                }
                Some(series) if self.look == Look::Dots => drawing.items.push(Item::Sign {
                    at: middle,
                    sign: series.sign,
                    half: 3.8,
                    role: series.role,
                    filled: series.filled,
                }),
                Some(series) => drawing.items.push(Item::Rectangle {
                    at: [middle[0] - 7.0, middle[1] - 5.0],
                    size: [14.0, 10.0],
                    fill: Some((series.role, if series.filled { 0.9 } else { 0.25 })),
                    line: Some(Stroke::of(series.role, 1.0)),
                }),
            }
            drawing.write(Text::new([x + 20.0, y], SIZE, name));
            x += width + 16.0;
        }
        y + 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::drawing::Ink;

    fn bars(look: Look) -> Bars {
        let series = |name: &str, at, filled| Series {
            name: name.into(),
            role: Role::Series(at),
            sign: Sign::of_series(at),
            filled,
        };
        let mark = |series, value| Mark {
            series,
            value,
            interval: Some([value - 2.0, value + 2.0]),
            reference: Some(1.0),
        };
        Bars {
            title: "shares".into(),
            axis: "% of neurons".into(),
            series: vec![series("real", 0, true), series("adversarial", 1, false)],
            groups: vec![
                Group { name: "object".into(), marks: vec![mark(0, 20.0), mark(1, 10.0)] },
                Group { name: "part & more".into(), marks: vec![mark(0, f64::NAN), mark(1, 5.0)] },
            ],
            look,
            ends: None,
            reference: Some("shuffled labels".into()),
        }
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let drawing = bars(Look::Bars).drawing().unwrap();
        let widths: Vec<f64> = drawing
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Rectangle { size, .. } => Some(size[0]),
                _ => None,
            })
            .collect();
        // Three bars, none for what is no number; two keys of the legend.
        assert_eq!(widths.len(), 5, "{widths:?}");
        assert!((widths[0] - 2.0 * widths[1]).abs() < 1e-9 && widths[1] > widths[2], "{widths:?}");
    }

    #[test]
    fn both_looks_are_as_drawn() {
        insta::assert_snapshot!(
            "bars",
            bars(Look::Bars).drawing().unwrap().svg(Ink::Alone).unwrap()
        );
        insta::assert_snapshot!(
            "dots",
            bars(Look::Dots).drawing().unwrap().svg(Ink::Page).unwrap()
        );
    }
}
