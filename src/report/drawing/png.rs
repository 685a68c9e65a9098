//! A drawing as PNG, two pixels a unit, on white.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, StrokeDash,
    Transform,
};

use super::svg::corners;
use super::{Anchor, Drawing, Item, Picture, Role, Sign, Stroke, Text};
use crate::error::{Error, Result};
use crate::report::figure::{Style, Typeface, with_density};
use crate::report::raster::Raster;

/// Pixels a unit.
const SCALE: f64 = 2.0;

/// A unit is a pixel of 96 an inch.
const DOTS_AN_INCH: f64 = 96.0 * SCALE;

pub(super) fn write(drawing: &Drawing) -> Result<Vec<u8>> {
    let pixels = |length: f64| (length * SCALE).ceil().max(1.0) as u32;
    let size = [pixels(drawing.size[0]), pixels(drawing.size[1])];
    let pixmap = Pixmap::new(size[0], size[1]);
    let pixmap = pixmap.ok_or_else(|| Error::failed("failed to make room for a figure"))?;
    let mut canvas = Canvas { pixmap, typeface: Typeface::new()? };
    canvas.pixmap.fill(color((Role::Paper, 1.0)));
    for item in &drawing.items {
        canvas.add(item)?;
    }
    let pixels =
        canvas.pixmap.pixels().iter().map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]);
    let raster =
        Raster { width: size[0] as usize, height: size[1] as usize, pixels: pixels.collect() };
    Ok(with_density(raster.png()?, DOTS_AN_INCH))
}

struct Canvas {
    pixmap: Pixmap,
    typeface: Typeface,
}

impl Canvas {
    fn add(&mut self, item: &Item) -> Result<()> {
        match item {
            Item::Rectangle { at: [x, y], size: [width, height], fill, line } => {
                let rect = Rect::from_xywh(*x as f32, *y as f32, *width as f32, *height as f32);
                let Some(path) = rect.map(PathBuilder::from_rect) else { return Ok(()) };
                if let Some(fill) = fill {
                    self.fill(&path, *fill);
                }
                if let Some(line) = line {
                    self.stroke(&path, *line);
                }
            }
            Item::Line { points, stroke } => {
                if let Some(path) = path(points, false) {
                    self.stroke(&path, *stroke);
                }
            }
            Item::Area { points, fill } => {
                if let Some(path) = path(points, true) {
                    self.fill(&path, *fill);
                }
            }
            Item::Sign { at, sign, half, role, filled } => {
                let path = match sign {
                    Sign::Circle => {
                        PathBuilder::from_circle(at[0] as f32, at[1] as f32, *half as f32)
                    }
                    _ => path(&corners(*sign, *at, *half), true),
                };
                let Some(path) = path else { return Ok(()) };
                self.fill(&path, (if *filled { *role } else { Role::Paper }, 1.0));
                self.stroke(&path, Stroke::of(*role, 1.3));
            }
            Item::Text(text) => self.text(text),
            Item::Picture { at, side, picture, .. } => self.picture(*at, *side, picture)?,
        }
        Ok(())
    }

    fn fill(&mut self, path: &Path, fill: (Role, f64)) {
        let scaled = Transform::from_scale(SCALE as f32, SCALE as f32);
        self.pixmap.fill_path(path, &paint(fill), FillRule::Winding, scaled, None);
    }

    fn stroke(&mut self, path: &Path, stroke: Stroke) {
        let how = tiny_skia::Stroke {
            width: stroke.width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash: StrokeDash::new(stroke.dash.lengths().to_vec(), 0.0),
            ..tiny_skia::Stroke::default()
        };
        let scaled = Transform::from_scale(SCALE as f32, SCALE as f32);
        self.pixmap.stroke_path(path, &paint((stroke.role, stroke.opacity)), &how, scaled, None);
    }

    fn text(&mut self, text: &Text) {
        let style = Style {
            color: text.role.color(),
            ..Style::of_em((text.size * SCALE) as f32, text.bold)
        };
        let width = f64::from(self.typeface.width(&text.text, style));
        let left = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        let at = (text.at[0] * SCALE - left, text.at[1] * SCALE);
        let (across, down) = (self.pixmap.width() as f32, self.pixmap.height() as f32);
        let columns = across as usize;
        let pixels = self.pixmap.pixels_mut();
        self.typeface.outline(&text.text, (at.0 as f32, at.1 as f32), style, |x, y, coverage| {
            if x < 0.0 || y < 0.0 || x >= across || y >= down {
                return;
            }
            if let Some(pixel) = pixels.get_mut(y as usize * columns + x as usize) {
                let coverage = coverage.clamp(0.0, 1.0);
                let under = [pixel.red(), pixel.green(), pixel.blue()];
                let mixed = |at: usize| {
                    let (under, ink) = (f32::from(under[at]), f32::from(style.color[at]));
                    (under * (1.0 - coverage) + ink * coverage).round() as u8
                };
                // The paper below is opaque everywhere, so no colour is above its alpha.
                let color = tiny_skia::ColorU8::from_rgba(mixed(0), mixed(1), mixed(2), 255);
                *pixel = color.premultiply();
            }
        });
    }

    fn picture(&mut self, at: [f64; 2], side: f64, picture: &Picture) -> Result<()> {
        let (raster, is_tiny) = picture.raster()?;
        let room = (side * SCALE).round().max(1.0) as usize;
        let longest = raster.width.max(raster.height).max(1);
        let raster = if is_tiny && longest <= room {
            // Nearest: its pixels are squares, also where no whole factor fills the room.
            nearest(&raster, room)
        } else {
            let scaled = |length: usize| (length * room).div_ceil(longest).clamp(1, room);
            raster.resized(scaled(raster.width), scaled(raster.height))
        };
        let left = (at[0] * SCALE).round() as usize + (room - raster.width.min(room)) / 2;
        let top = (at[1] * SCALE).round() as usize + (room - raster.height.min(room)) / 2;
        let (columns, rows) = (self.pixmap.width() as usize, self.pixmap.height() as usize);
        let pixels = self.pixmap.pixels_mut();
        for (down, line) in raster.pixels.chunks(raster.width.max(1)).enumerate() {
            for (across, [r, g, b]) in line.iter().enumerate() {
                let (x, y) = (left + across, top + down);
                if x < columns && y < rows {
                    pixels[y * columns + x] =
                        tiny_skia::ColorU8::from_rgba(*r, *g, *b, 255).premultiply();
                }
            }
        }
        Ok(())
    }
}

fn nearest(raster: &Raster, room: usize) -> Raster {
    let longest = raster.width.max(raster.height).max(1);
    let (width, height) = (raster.width * room / longest, raster.height * room / longest);
    let pixel = |at: usize| {
        let (x, y) = (at % width * raster.width / width, at / width * raster.height / height);
        raster.pixels.get(y * raster.width + x).copied().unwrap_or_default()
    };
    Raster { width, height, pixels: (0..width * height).map(pixel).collect() }
}

fn path(points: &[[f64; 2]], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    path.move_to(first[0] as f32, first[1] as f32);
    for point in rest {
        path.line_to(point[0] as f32, point[1] as f32);
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn color((role, opacity): (Role, f64)) -> Color {
    let [r, g, b] = role.color();
    Color::from_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8)
}

fn paint(fill: (Role, f64)) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(color(fill));
    paint
}
