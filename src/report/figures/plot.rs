//! Curves over one axis: grid, marks at round numbers, intervals as bands, each curve named at its
//! end where there is room and otherwise in a legend.

use crate::error::Result;
use crate::report::drawing::{Anchor, Dash, Drawing, Item, Measure, Role, Sign, Stroke, Text};

use super::axis::Axis;

/// As wide as a phone shows without shrinking much.
pub(super) const WIDTH: f64 = 440.0;
/// Of text beside marks and of names.
pub(super) const SIZE: f64 = 12.0;
const LINE: f64 = 17.0;
/// From the upper edge of the drawing to that of the plot: the vertical axis's name.
const TOP: f64 = 30.0;
const HEIGHT: f64 = 210.0;
const RIGHT: f64 = 14.0;

/// Curves over one axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plot {
    /// What it is, in a sentence.
    pub title: String,
    pub x: Scale,
    pub y: Scale,
    pub curves: Vec<Curve>,
    /// Lines across the plot.
    pub references: Vec<Reference>,
}

/// What an axis counts, and its ends where they are not found by the values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    pub name: String,
    pub ends: Ends,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ends {
    Found,
    FromZero,
    Fixed(f64, f64),
}

impl Scale {
    pub(super) fn new(name: impl Into<String>, ends: Ends) -> Self {
        Self { name: name.into(), ends }
    }

    fn axis(&self, values: impl Iterator<Item = f64>) -> Axis {
        let (least, most) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        match self.ends {
            Ends::Fixed(from, to) => Axis::between(from, to),
            _ if least > most => Axis::between(0.0, 1.0),
            Ends::FromZero if least >= 0.0 => Axis::from_zero(most),
            Ends::FromZero | Ends::Found => Axis::around(least, most),
        }
    }
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curve {
    pub name: String,
    pub points: Vec<Point>,
    pub role: Role,
    pub dash: Dash,
    pub sign: Option<Sign>,
    /// Whether a sign is filled.
    pub filled: bool,
    pub width: f64,
    /// 0..1
    pub opacity: f64,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub x: f64,
    pub y: f64,
    pub interval: Option<[f64; 2]>,
}

impl Point {
    pub(super) const fn at(x: f64, y: f64) -> Self {
        Self { x, y, interval: None }
    }

    fn is_finite(&self) -> bool {
        let [low, high] = self.interval.unwrap_or_default();
        [self.x, self.y, low, high].iter().all(|value| value.is_finite())
    }
}

impl Curve {
    /// Of a series, told from the others by colour, dash and sign.
    pub(super) fn of_series(name: impl Into<String>, series: usize, points: Vec<Point>) -> Self {
        Self {
            name: name.into(),
            points,
            role: Role::Series(series),
            dash: Dash::of_series(series),
            sign: Some(Sign::of_series(series)),
            filled: true,
            width: 1.8,
            opacity: 1.0,
        }
    }

    /// Without signs at its points: there are many.
    pub(super) fn plain(self) -> Self {
        Self { sign: None, ..self }
    }

    fn drawn(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|point| point.is_finite())
    }
}

/// Something to compare with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reference {
    /// A line from corner to corner, and its name.
    Diagonal(String),
    /// A line from the top to the bottom.
    Upright(Line),
    /// Words of the legend alone.
    Named(String),
}

/// An upright line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub at: f64,
    pub role: Role,
    pub dash: Dash,
}

impl Reference {
    /// What the legend says of it.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Diagonal(name) | Self::Named(name) => Some(name),
            Self::Upright(_) => None,
        }
    }
}

struct Area {
    x: Axis,
    y: Axis,
    left: f64,
    right: f64,
}

impl Area {
    fn place(&self, x: f64, y: f64) -> [f64; 2] {
        [
            self.left + (self.right - self.left) * self.x.place(x),
            TOP + HEIGHT * (1.0 - self.y.place(y)),
        ]
    }
}

impl Plot {
    /// Whether no curve has a point.
    pub(super) fn is_empty(&self) -> bool {
        self.curves.iter().all(|curve| curve.drawn().next().is_none())
    }

    /// Draws it.
    pub(super) fn drawing(&self) -> Result<Drawing> {
        let measure = Measure::new()?;
        let points = || self.curves.iter().flat_map(Curve::drawn);
        let x = self.x.axis(points().map(|point| point.x));
        let values = points().flat_map(|p| {
            let [low, high] = p.interval.unwrap_or([p.y; 2]);
            [p.y, low, high]
        });
        let y = self.y.axis(values);
        let marks = y.marks(6);
        let widest = marks.iter().map(|(_, label)| measure.width(label, SIZE, false));
        let left = widest.fold(0.0, f64::max) + 14.0;
        let direct = self.direct(&measure, &y);
        let right = direct.as_ref().map_or(RIGHT, |labels| {
            labels.iter().map(|(_, name)| measure.width(name, SIZE, false)).fold(0.0, f64::max)
                + 14.0
        });
        let area = Area { x, y, left, right: WIDTH - right };
        let mut drawing = Drawing::new(WIDTH, 0.0, &self.title);
        self.axes(&mut drawing, &area, &marks);
        for curve in &self.curves {
            band(&mut drawing, curve, &area);
        }
        for curve in &self.curves {
            line(&mut drawing, curve, &area);
        }
        let mut bottom = TOP + HEIGHT + 40.0;
        match direct {
            Some(labels) => {
                for ((at, name), curve) in labels.into_iter().zip(self.named()) {
                    let at = [area.right + 8.0, TOP + HEIGHT * at + 4.0];
                    drawing.write(Text::new(at, SIZE, name).role(curve.role));
                }
            }
            None => bottom = self.legend(&mut drawing, &measure, bottom + 6.0),
        }
        drawing.size[1] = bottom + 4.0;
        Ok(drawing)
    }

    fn named(&self) -> impl Iterator<Item = &Curve> {
        self.curves.iter().filter(|curve| !curve.name.is_empty() && curve.drawn().next().is_some())
    }

    /// Where, from above, 0..1, each named curve ends, if all of their names have room there.
    fn direct(&self, measure: &Measure, y: &Axis) -> Option<Vec<(f64, String)>> {
        const ROOM: f64 = 96.0;
        if !self.references.is_empty() {
            return None;
        }
        let last = self.curves.iter().flat_map(Curve::drawn).map(|point| point.x);
        let last = last.fold(f64::NEG_INFINITY, f64::max);
        let mut labels = Vec::new();
        for curve in self.named() {
            // The end that is seen on the right.
            let end = curve.drawn().max_by(|a, b| a.x.total_cmp(&b.x))?;
            if end.x < last || measure.width(&curve.name, SIZE, false) > ROOM {
                return None;
            }
            labels.push((1.0 - y.place(end.y), curve.name.clone()));
        }
        let mut places: Vec<f64> = labels.iter().map(|(at, _)| at * HEIGHT).collect();
        places.sort_by(f64::total_cmp);
        let apart = places.windows(2).all(|pair| pair[1] - pair[0] >= SIZE + 2.0);
        (apart && labels.len() > 1).then_some(labels)
    }

    fn axes(&self, drawing: &mut Drawing, area: &Area, marks: &[(f64, String)]) {
        let grid = Stroke::of(Role::Grid, 1.0);
        drawing.write(Text::new([2.0, 14.0], SIZE, &self.y.name).role(Role::Muted));
        for (value, label) in marks {
            let [_, y] = area.place(area.x.from, *value);
            drawing.line([area.left, y], [area.right, y], grid);
            let text = Text::new([area.left - 7.0, y + 4.0], SIZE, label);
            drawing.write(text.anchored(Anchor::End).role(Role::Muted));
        }
        let foot = TOP + HEIGHT;
        let axis = Stroke::of(Role::Muted, 1.0);
        drawing.line([area.left, foot], [area.right, foot], axis);
        let fits = (((area.right - area.left) / 56.0) as usize).max(2);
        for (value, label) in area.x.marks(fits) {
            let [x, _] = area.place(value, area.y.from);
            drawing.line([x, foot], [x, foot + 4.0], axis);
            let text = Text::new([x, foot + 17.0], SIZE, label);
            drawing.write(text.anchored(Anchor::Middle).role(Role::Muted));
        }
        let middle = [f64::midpoint(area.left, area.right), foot + 35.0];
        let name = Text::new(middle, SIZE, &self.x.name);
        drawing.write(name.anchored(Anchor::Middle).role(Role::Muted));
        for reference in &self.references {
            match reference {
                Reference::Diagonal(_) => {
                    let from = area.place(area.x.from, area.y.from);
                    drawing.line(from, area.place(area.x.to, area.y.to), chance());
                }
                Reference::Upright(line) if (area.x.from..=area.x.to).contains(&line.at) => {
                    let [x, _] = area.place(line.at, area.y.from);
                    let stroke = Stroke::of(line.role, 1.4).dashed(line.dash);
                    drawing.line([x, TOP], [x, foot], stroke);
                }
                Reference::Upright(_) | Reference::Named(_) => {}
            }
        }
    }

    /// Names in rows below the plot; answers where they end.
    fn legend(&self, drawing: &mut Drawing, measure: &Measure, top: f64) -> f64 {
        let mut entries: Vec<(Curve, String)> =
            self.named().map(|curve| (curve.clone(), curve.name.clone())).collect();
        if entries.len() < 2 && self.references.is_empty() {
            return top - 6.0;
        }
        for name in self.references.iter().filter_map(Reference::name) {
            let mut curve = Curve::of_series(name, 0, Vec::new()).plain();
            (curve.role, curve.dash, curve.width) = (Role::Muted, Dash::Dots, 1.2);
            entries.push((curve, name.to_owned()));
        }
        legend(drawing, measure, top, &entries)
    }
}

fn chance() -> Stroke {
    Stroke::of(Role::Muted, 1.2).dashed(Dash::Dots)
}

/// Entries in rows as they fit; answers where they end.
fn legend(drawing: &mut Drawing, measure: &Measure, top: f64, entries: &[(Curve, String)]) -> f64 {
    const KEY: f64 = 26.0;
    let (mut x, mut y) = (4.0, top + 8.0);
    for (curve, name) in entries {
        let name = measure.cut(name, SIZE, false, WIDTH - KEY - 12.0);
        let width = KEY + 5.0 + measure.width(&name, SIZE, false);
        if x > 4.0 && x + width > WIDTH - 4.0 {
            (x, y) = (4.0, y + LINE);
        }
        let middle = y - 4.0;
        let stroke = Stroke::of(curve.role, curve.width).dashed(curve.dash).faded(curve.opacity);
        drawing.line([x, middle], [x + KEY, middle], stroke);
        if let Some(sign) = curve.sign {
            drawing.items.push(Item::Sign {
                at: [x + KEY / 2.0, middle],
                sign,
                half: 3.2,
                role: curve.role,
                filled: curve.filled,
            });
        }
        drawing.write(Text::new([x + KEY + 5.0, y], SIZE, name));
        x += width + 16.0;
    }
    y + 4.0
}

fn band(drawing: &mut Drawing, curve: &Curve, area: &Area) {
    let with: Vec<(f64, [f64; 2])> =
        curve.drawn().filter_map(|point| Some((point.x, point.interval?))).collect();
    if with.len() < 2 {
        for (x, [low, high]) in with {
            let stroke = Stroke::of(curve.role, 1.2);
            drawing.line(area.place(x, low), area.place(x, high), stroke);
        }
        return;
    }
    let upper = with.iter().map(|(x, [_, high])| area.place(*x, *high));
    let lower = with.iter().rev().map(|(x, [low, _])| area.place(*x, *low));
    drawing
        .items
        .push(Item::Area { points: upper.chain(lower).collect(), fill: (curve.role, 0.16) });
}

fn line(drawing: &mut Drawing, curve: &Curve, area: &Area) {
    let points: Vec<[f64; 2]> = curve.drawn().map(|point| area.place(point.x, point.y)).collect();
    let stroke = Stroke::of(curve.role, curve.width).dashed(curve.dash).faded(curve.opacity);
    if points.len() > 1 {
        drawing.items.push(Item::Line { points: points.clone(), stroke });
    }
    // A single point would not be seen without.
    let sign = curve.sign.or_else(|| (points.len() == 1).then_some(Sign::Circle));
    let Some(sign) = sign else { return };
    for at in points {
        let (role, filled) = (curve.role, curve.filled);
        drawing.items.push(Item::Sign { at, sign, half: 3.2, role, filled });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(curves: Vec<Curve>) -> Plot {
        Plot {
            title: "two curves".into(),
            x: Scale::new("ε", Ends::FromZero),
            y: Scale::new("top-1 %", Ends::Fixed(0.0, 1.0)),
            curves,
            references: Vec::new(),
        }
    }

    fn texts(drawing: &Drawing) -> Vec<&str> {
        let text = |item: &'_ Item| matches!(item, Item::Text(_));
        let texts = drawing.items.iter().filter(|item| text(item));
        texts
            .filter_map(
                |item| if let Item::Text(text) = item { Some(text.text.as_str()) } else { None },
            )
            .collect()
    }

    #[test]
    fn values_stand_where_the_axes_say() {
        let points = vec![Point::at(0.0, 0.0), Point::at(4.0, 0.5), Point::at(8.0, 1.0)];
        let drawing = plot(vec![Curve::of_series("a", 0, points)]).drawing().unwrap();
        let lines = drawing.items.iter().filter_map(|item| match item {
            Item::Line { points, .. } if points.len() == 3 => Some(points),
            _ => None,
        });
        let [points] = lines.collect::<Vec<_>>()[..] else { panic!("one curve") };
        assert_eq!(points.iter().map(|p| p[1]).collect::<Vec<_>>(), [240.0, 135.0, 30.0]);
        assert!((points[1][0] * 2.0 - points[0][0] - points[2][0]).abs() < 1e-9);
    }

    #[test]
    fn curves_are_named_at_their_ends_or_in_a_legend() {
        let curve = |name: &str, at, y| {
            Curve::of_series(name, at, vec![Point::at(0.0, 0.1), Point::at(1.0, y)])
        };
        let apart = plot(vec![curve("one", 0, 0.9), curve("two", 1, 0.2)]).drawing().unwrap();
        let near = plot(vec![curve("one", 0, 0.21), curve("two", 1, 0.2)]).drawing().unwrap();
        assert!(near.size[1] > apart.size[1]);
        for drawing in [&apart, &near] {
            assert!(["one", "two"].iter().all(|name| texts(drawing).contains(name)));
        }
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let nothing = plot(vec![Curve::of_series("a", 0, vec![Point::at(f64::NAN, 1.0)])]);
        assert!(nothing.is_empty());
        let svg = nothing.drawing().unwrap().svg(crate::report::drawing::Ink::Alone).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
