//! Outlines: closed polygons, among them flattened ellipses, curves and strokes.

use super::dice::cos_sin;

/// A point, x to the right and y down.
pub(super) type Point = [f32; 2];

/// Corners of a flattened circle: off by 0.1 pixels at most on a 30-pixel radius.
const CIRCLE: usize = 24;

/// The union of closed polygons, some of them holes.
#[derive(Debug, Clone, Default)]
pub(super) struct Path {
    points: Vec<Point>,
    ends: Vec<usize>,
}

impl Path {
    /// A closed polygon.
    pub(super) fn polygon(points: &[Point]) -> Self {
        Self::default().and(points)
    }

    /// An upright ellipse.
    pub(super) fn ellipse(center: Point, rx: f32, ry: f32) -> Self {
        Self::turned_ellipse(center, rx, ry, 0.0)
    }

    /// A circle.
    pub(super) fn circle(center: Point, r: f32) -> Self {
        Self::ellipse(center, r, r)
    }

    /// An ellipse turned by `turns` full circles.
    pub(super) fn turned_ellipse(center: Point, rx: f32, ry: f32, turns: f32) -> Self {
        let (c, s) = cos_sin(turns);
        let mut points = [[0.0; 2]; CIRCLE];
        for (i, point) in points.iter_mut().enumerate() {
            let (x, y) = cos_sin(i as f32 / CIRCLE as f32);
            let (x, y) = (x * rx, y * ry);
            *point = [center[0] + x * c - y * s, center[1] + x * s + y * c];
        }
        Self::polygon(&points)
    }

    /// A rectangle by its left, top, right and bottom.
    pub(super) fn rect(x0: f32, y0: f32, x1: f32, y1: f32) -> Self {
        Self::polygon(&[[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    }

    /// A rectangle with round corners.
    pub(super) fn rounded(x0: f32, y0: f32, x1: f32, y1: f32, r: f32) -> Self {
        let mut points = Vec::with_capacity(16);
        let corners = [[x1 - r, y1 - r], [x0 + r, y1 - r], [x0 + r, y0 + r], [x1 - r, y0 + r]];
        for (quarter, corner) in corners.iter().enumerate() {
            for step in 0..4 {
                let (c, s) = cos_sin(quarter as f32 * 0.25 + step as f32 / 12.0);
                points.push([corner[0] + r * c, corner[1] + r * s]);
            }
        }
        Self::polygon(&points)
    }

    /// A closed smooth outline drawn towards the given corners (a quadratic B-spline).
    pub(super) fn smooth(corners: &[Point]) -> Self {
        let n = corners.len();
        let mut points = Vec::with_capacity(n * 5);
        for i in 0..n {
            let (a, b, c) = (corners[i], corners[(i + 1) % n], corners[(i + 2) % n]);
            bezier(middle(a, b), b, middle(b, c), 5, &mut points);
        }
        Self::polygon(&points)
    }

    /// A line through the points, `width` thick, with round ends.
    pub(super) fn stroke(points: &[Point], width: f32) -> Self {
        let mut path = Self::default();
        let r = width / 2.0;
        for pair in points.windows(2) {
            let (dx, dy) = (pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]);
            let length = (dx * dx + dy * dy).sqrt().max(1e-6);
            let (nx, ny) = (-dy / length * r, dx / length * r);
            path = path.and(&[
                [pair[0][0] + nx, pair[0][1] + ny],
                [pair[0][0] - nx, pair[0][1] - ny],
                [pair[1][0] - nx, pair[1][1] - ny],
                [pair[1][0] + nx, pair[1][1] + ny],
            ]);
        }
        for &p in points {
            let mut cap = [[0.0; 2]; 8];
            for (i, point) in cap.iter_mut().enumerate() {
                let (c, s) = cos_sin(i as f32 / 8.0);
                *point = [p[0] + c * r, p[1] + s * r];
            }
            path = path.and(&cap);
        }
        path
    }

    /// A bent line from `from` to `to`, pulled towards `pull`.
    pub(super) fn curve(from: Point, pull: Point, to: Point, width: f32) -> Self {
        let mut points = Vec::with_capacity(8);
        bezier(from, pull, to, 7, &mut points);
        points.push(to);
        Self::stroke(&points, width)
    }

    /// Adds a polygon.
    pub(super) fn and(mut self, points: &[Point]) -> Self {
        self.append(points, area(points) < 0.0);
        self
    }

    /// Adds all polygons of another path.
    pub(super) fn with(mut self, other: &Self) -> Self {
        for outline in other.outlines() {
            self = self.and(outline);
        }
        self
    }

    /// Cuts the polygons of another path out of this one, which must cover them.
    pub(super) fn minus(mut self, other: &Self) -> Self {
        for outline in other.outlines() {
            self.append(outline, area(outline) > 0.0);
        }
        self
    }

    /// The polygons.
    pub(super) fn outlines(&self) -> impl Iterator<Item = &[Point]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.points[start..end])
    }

    fn append(&mut self, points: &[Point], reversed: bool) {
        if reversed {
            self.points.extend(points.iter().rev());
        } else {
            self.points.extend(points);
        }
        self.ends.push(self.points.len());
    }
}

/// Twice the signed area: all polygons of a path are wound one way, all holes the other.
fn area(points: &[Point]) -> f32 {
    let n = points.len();
    (0..n)
        .map(|i| {
            let (a, b) = (points[i], points[(i + 1) % n]);
            a[0] * b[1] - b[0] * a[1]
        })
        .sum()
}

fn middle(a: Point, b: Point) -> Point {
    [(a[0] + b[0]) * 0.5, (a[1] + b[1]) * 0.5]
}

/// `steps` points of a quadratic curve, its end left out.
fn bezier(a: Point, b: Point, c: Point, steps: usize, points: &mut Vec<Point>) {
    for i in 0..steps {
        let t = i as f32 / steps as f32;
        let (p, q, r) = ((1.0 - t) * (1.0 - t), 2.0 * t * (1.0 - t), t * t);
        points.push([p * a[0] + q * b[0] + r * c[0], p * a[1] + q * b[1] + r * c[1]]);
    }
}
