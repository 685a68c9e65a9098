//! The picture being painted: fills outlines with exact area coverage and keeps the label maps.

use super::color::{Rgb, apart_from, mix};
use super::concepts::{Category, Material, Object, Part, Setting, Texture, concepts};
use super::dice::{Dice, cos_sin};
use super::paint::{Light, Paint, Spot};
use super::path::{Path, Point};

/// For each category, which concept each pixel shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMaps {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    maps: [Vec<u16>; 6],
}

impl LabelMaps {
    pub(super) fn new(height: usize, width: usize) -> Self {
        Self { height, width, maps: std::array::from_fn(|_| vec![0; height * width]) }
    }

    /// `[height, width]`, row by row: numbers of [`concepts`], 0 = none.
    pub fn map(&self, category: Category) -> &[u16] {
        &self.maps[category as usize]
    }

    pub(super) fn map_mut(&mut self, category: Category) -> &mut [u16] {
        &mut self.maps[category as usize]
    }

    /// How many pixels carry a concept; 0 for a number that is none.
    pub fn area(&self, concept: u16) -> usize {
        let of = |c: &super::Concept| self.map(c.category).iter().filter(|&&n| n == concept);
        let concept = usize::from(concept).checked_sub(1).and_then(|i| concepts().get(i));
        concept.map_or(0, |c| of(c).count())
    }
}

/// Where an object stands: maps its own units, a box of -1..1, to pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    center: Point,
    /// Pixels per own unit along x and along y.
    x: Point,
    y: Point,
    scale: f32,
}

impl Frame {
    /// `scale` pixels per own unit, turned by `turns` full circles, mirrored left to right or not.
    pub(super) fn new(center: Point, scale: f32, turns: f32, mirrored: bool) -> Self {
        let (c, s) = cos_sin(turns);
        let flip = if mirrored { -1.0 } else { 1.0 };
        Self { center, x: [c * scale * flip, s * scale * flip], y: [-s * scale, c * scale], scale }
    }

    /// From own units to pixels.
    pub(super) fn map(&self, p: Point) -> Point {
        [
            self.center[0] + p[0] * self.x[0] + p[1] * self.y[0],
            self.center[1] + p[0] * self.x[1] + p[1] * self.y[1],
        ]
    }

    /// From pixels to own units.
    fn unmap(&self, p: Point) -> Point {
        let (dx, dy) = (p[0] - self.center[0], p[1] - self.center[1]);
        let k = 1.0 / (self.scale * self.scale);
        [(dx * self.x[0] + dy * self.x[1]) * k, (dx * self.y[0] + dy * self.y[1]) * k]
    }
}

/// A square picture, with labels where they are asked for.
pub(super) struct Canvas<'a> {
    pub(super) size: usize,
    pub(super) pixels: Vec<Rgb>,
    labels: Option<&'a mut LabelMaps>,
    /// Signed area that each pixel's edges add to the pixels right of it; zero between fills.
    edges: Vec<f32>,
}

impl<'a> Canvas<'a> {
    /// A black picture; `labels`, if any, are of the same size and still empty.
    pub(super) fn new(size: usize, labels: Option<&'a mut LabelMaps>) -> Self {
        Self {
            size,
            pixels: vec![[0.0; 3]; size * size],
            labels,
            // Each row has two columns more, where what lies right of the picture is gathered.
            edges: vec![0.0; (size + 2) * size],
        }
    }

    /// Labels the whole picture with its place.
    pub(super) fn set_scene(&mut self, setting: Setting) {
        if let Some(labels) = &mut self.labels {
            labels.map_mut(Category::Scene).fill(setting.number());
        }
    }

    /// Paints one pixel of a region that has no parts.
    pub(super) fn set(
        &mut self,
        index: usize,
        color: Rgb,
        object: Object,
        texture: Option<Texture>,
        material: Option<Material>,
    ) {
        self.pixels[index] = color;
        self.mark(index, object, None, texture, material);
    }

    fn mark(
        &mut self,
        index: usize,
        object: Object,
        part: Option<Part>,
        texture: Option<Texture>,
        material: Option<Material>,
    ) {
        if let Some(labels) = &mut self.labels {
            labels.map_mut(Category::Object)[index] = object.number();
            labels.map_mut(Category::Part)[index] = part.map_or(0, Part::number);
            labels.map_mut(Category::Texture)[index] = texture.map_or(0, Texture::number);
            labels.map_mut(Category::Material)[index] = material.map_or(0, Material::number);
        }
    }

    /// Mixes a colour into a soft-edged ellipse: shadows and glows. Changes no label.
    pub(super) fn blur_spot(&mut self, center: Point, rx: f32, ry: f32, color: Rgb, strength: f32) {
        let n = self.size as f32;
        let (x0, x1) = ((center[0] - rx).clamp(0.0, n), (center[0] + rx).clamp(0.0, n));
        let (y0, y1) = ((center[1] - ry).clamp(0.0, n), (center[1] + ry).clamp(0.0, n));
        for y in y0 as usize..y1 as usize {
            let dy = (y as f32 + 0.5 - center[1]) / ry;
            for x in x0 as usize..x1 as usize {
                let dx = (x as f32 + 0.5 - center[0]) / rx;
                let inside = (1.0 - dx * dx - dy * dy).max(0.0);
                let pixel = &mut self.pixels[y * self.size + x];
                *pixel = mix(*pixel, color, strength * inside);
            }
        }
    }

    /// Fills an outline; pixels covered at least by half take its labels.
    pub(super) fn fill(
        &mut self,
        path: &Path,
        frame: &Frame,
        paint: &Paint,
        light: &Light,
        object: Object,
        part: Option<Part>,
    ) {
        let n = self.size as f32;
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for outline in path.outlines() {
            let Some(&last) = outline.last() else { continue };
            let mut from = frame.map(last);
            for &point in outline {
                let to = frame.map(point);
                for axis in 0..2 {
                    low[axis] = low[axis].min(to[axis]);
                    high[axis] = high[axis].max(to[axis]);
                }
                self.edge(from, to);
                from = to;
            }
        }
        if high[0] <= 0.0 || high[1] <= 0.0 || low[0] >= n || low[1] >= n {
            // The edges left of the picture were still counted.
            self.edges.fill(0.0);
            return;
        }
        let (x0, x1) = (low[0].clamp(0.0, n - 1.0) as usize, high[0].clamp(0.0, n - 1.0) as usize);
        let (y0, y1) = (low[1].clamp(0.0, n - 1.0) as usize, high[1].clamp(0.0, n - 1.0) as usize);
        let middle = [(low[0] + high[0]) * 0.5, (low[1] + high[1]) * 0.5];
        let half = [((high[0] - low[0]) * 0.5).max(0.5), ((high[1] - low[1]) * 0.5).max(0.5)];
        let pixel = 1.0 / frame.scale;
        for y in y0..=y1 {
            let row = y * (self.size + 2);
            let mut winding = 0.0;
            for x in x0..=x1 {
                winding += self.edges[row + x];
                let cover = winding.abs().min(1.0);
                if cover < 1.0 / 256.0 {
                    continue;
                }
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let spot = Spot {
                    at: frame.unmap([px, py]),
                    within: [(px - middle[0]) / half[0], (py - middle[1]) / half[1]],
                    pixel,
                };
                let color = paint.at(&spot, light);
                let index = y * self.size + x;
                self.pixels[index] = mix(self.pixels[index], color, cover);
                if cover >= 0.5 {
                    self.mark(index, object, part, paint.texture, paint.material);
                }
            }
            self.edges[row..row + self.size + 2].fill(0.0);
        }
    }

    /// Adds one edge of an outline: in every row it passes, the area right of it changes.
    ///
    /// The running sum of a row is then each pixel's covered area (the method of font-rs).
    fn edge(&mut self, from: Point, to: Point) {
        if from[1] == to[1] {
            return;
        }
        // Cut at the borders: beyond them an edge counts by its height alone.
        for border in [0.0, self.size as f32] {
            if (from[0] < border) != (to[0] < border) && from[0] != border && to[0] != border {
                let t = (border - from[0]) / (to[0] - from[0]);
                let at = [border, from[1] + t * (to[1] - from[1])];
                self.edge(from, at);
                return self.edge(at, to);
            }
        }
        let (sign, top, end) = if from[1] < to[1] { (1.0, from, to) } else { (-1.0, to, from) };
        let n = self.size as f32;
        let slope = (end[0] - top[0]) / (end[1] - top[1]);
        let first = top[1].clamp(0.0, n) as usize;
        // The row that holds the lower end; if that is only touched, nothing is added to it.
        let last = (end[1].clamp(0.0, n) as usize + 1).min(self.size);
        for y in first..last {
            let y_top = top[1].max(y as f32);
            let y_end = end[1].min(y as f32 + 1.0);
            let height = (y_end - y_top) * sign;
            if y_end <= y_top {
                continue;
            }
            // Left of the picture counts at its first column, right of it beyond the last.
            let a = (top[0] + (y_top - top[1]) * slope).clamp(0.0, n);
            let b = (top[0] + (y_end - top[1]) * slope).clamp(0.0, n);
            let (a, b) = if a < b { (a, b) } else { (b, a) };
            let row = y * (self.size + 2);
            let left = a as usize;
            let right = b as usize;
            if left == right {
                let beside = (a + b) * 0.5 - left as f32;
                self.edges[row + left] += height * (1.0 - beside);
                self.edges[row + left + 1] += height * beside;
            } else {
                // The edge crosses several pixels: each gets the area to its right.
                let per_x = height / (b - a);
                let mut before = 0.0;
                for x in left..=right.min(self.size) {
                    let x0 = a.max(x as f32);
                    let x1 = b.min(x as f32 + 1.0);
                    let here = per_x * (x1 - x0).max(0.0);
                    let beside = (x0 + x1) * 0.5 - x as f32;
                    self.edges[row + x] += here * (1.0 - beside) + before;
                    before = here * beside;
                }
                self.edges[row + right + 1] += before;
            }
        }
    }
}

/// Paints one object: everything it fills belongs to the object.
pub(super) struct Brush<'a, 'b> {
    pub(super) canvas: &'a mut Canvas<'b>,
    pub(super) frame: Frame,
    pub(super) light: Light,
    pub(super) object: Object,
    /// About the colour behind the object, so that it can be told from it.
    pub(super) behind: Rgb,
}

impl Brush<'_, '_> {
    /// Fills an outline, given in the object's own units, as a part of it.
    pub(super) fn fill(&mut self, part: Part, paint: Paint, path: &Path) {
        self.canvas.fill(path, &self.frame, &paint, &self.light, self.object, Some(part));
    }

    /// A colour of the palette that can be told from what is behind the object.
    pub(super) fn color(&self, dice: &mut Dice) -> Rgb {
        apart_from(dice, self.behind)
    }

    /// A soft light or shadow at a place in the object's own units.
    pub(super) fn glow(&mut self, at: Point, radius: f32, color: Rgb, strength: f32) {
        let r = radius * self.frame.scale;
        self.canvas.blur_spot(self.frame.map(at), r, r, color, strength);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIGHT: Light = Light { from: [0.0, 0.0], color: [1.0; 3], relief: 0.0 };

    fn painted(path: &Path, frame: Frame) -> Canvas<'static> {
        let mut canvas = Canvas::new(32, None);
        let paint = Paint::new([1.0; 3], Material::Paper);
        canvas.fill(path, &frame, &paint, &LIGHT, Object::Ball, Some(Part::Body));
        canvas
    }

    fn ink(canvas: &Canvas) -> f32 {
        canvas.pixels.iter().map(|p| p[0]).sum()
    }

    #[test]
    fn fills_the_exact_area() {
        let frame = Frame::new([16.0, 16.0], 1.0, 0.0, false);
        let square = Path::rect(-5.25, -3.5, 4.0, 2.75);
        assert!((ink(&painted(&square, frame)) - 9.25 * 6.25).abs() < 1e-3);
        let ring = Path::circle([0.0, 0.0], 10.0).minus(&Path::circle([0.0, 0.0], 6.0));
        let expected = std::f32::consts::PI * (100.0 - 36.0);
        assert!((ink(&painted(&ring, frame)) - expected).abs() < 0.02 * expected);
    }

    #[test]
    fn overlapping_pieces_of_a_path_count_once() {
        let frame = Frame::new([16.0, 16.0], 1.0, 0.0, true);
        let path = Path::rect(-8.0, -8.0, 2.0, 8.0).with(&Path::rect(-2.0, -8.0, 8.0, 8.0));
        assert!((ink(&painted(&path, frame)) - 256.0).abs() < 1e-3);
    }

    proptest! {
        /// Turned, mirrored, cut off by the border or wholly outside: the painted area is that of
        /// the square's part inside, and nothing of one fill is left for the next.
        #[test]
        fn covers_what_lies_inside(x in -40.0f32..70.0, y in -40.0f32..70.0, r in 0.5f32..30.0,
                                   turns in 0.0f32..1.0, mirrored: bool) {
            let path = Path::rect(-1.0, -1.0, 1.0, 1.0);
            let mut canvas = painted(&path, Frame::new([x, y], r, turns, mirrored));
            let (c, s) = cos_sin(turns);
            let fine = 8;
            let mut inside = 0;
            for i in 0..32 * fine {
                for j in 0..32 * fine {
                    let at = |k: usize| (k as f32 + 0.5) / fine as f32;
                    let (dx, dy) = (at(j) - x, at(i) - y);
                    let (u, v) = (dx * c + dy * s, dy * c - dx * s);
                    inside += usize::from(u.abs() < r && v.abs() < r);
                }
            }
            let expected = inside as f32 / (fine * fine) as f32;
            prop_assert!((ink(&canvas) - expected).abs() < 2.0, "{} {}", ink(&canvas), expected);
            canvas.pixels.fill([0.0; 3]);
            let paint = Paint::new([1.0; 3], Material::Paper);
            let frame = Frame::new([16.0, 16.0], 4.0, 0.0, false);
            canvas.fill(&path, &frame, &paint, &LIGHT, Object::Ball, None);
            prop_assert!((ink(&canvas) - 64.0).abs() < 1e-3);
        }
    }
}
