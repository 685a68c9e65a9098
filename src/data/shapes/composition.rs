//! Puts a picture together: a place, clutter behind, the main object, something in front, the camera.

use super::canvas::{Brush, Canvas, Frame, LabelMaps};
use super::classes::{CLASSES, CLUTTER, Kind, ROWS, Stance};
use super::color::{self, Rgb};
use super::concepts::Category;
use super::dice::Dice;
use super::paint::Light;
use super::path::Point;
use super::scenery::{self, SETTINGS};

/// Draws a picture of class `label`: 8-bit `[3, size, size]`. Fills in `labels`, empty maps
/// of that size, where they are asked for.
pub(super) fn draw(
    dice: &mut Dice,
    label: usize,
    size: usize,
    mut labels: Option<&mut LabelMaps>,
) -> Vec<u8> {
    let main = &ROWS[label].kind;
    let n = size as f32;
    let homely = dice.chance(0.25);
    let setting = if homely { dice.pick(main.homes) } else { dice.pick(SETTINGS) };
    let light = scenery::light(dice, setting);

    // The main object: at least half a picture wide, at most a little over the border.
    let scale = dice.range(0.27, 0.43) * n;
    let slack = (n * 0.5 - scale * 0.84).max(0.0);
    let center = [n * 0.5 + dice.range(-slack, slack), n * 0.5 + dice.range(-slack * 0.8, slack)];
    let stands = match main.stance {
        Stance::Stands => true,
        Stance::Floats => false,
        Stance::Both => dice.chance(0.5),
    };
    let foot = (center[1] + scale) / n;
    let horizon = if stands {
        dice.range(0.3, (foot - 0.06).clamp(0.31, 0.82))
    } else {
        dice.range(0.34, 0.8)
    };

    let mut canvas = Canvas::new(size, labels.as_deref_mut());
    scenery::paint(&mut canvas, dice, setting, horizon, &light);
    let mut stage = Stage { canvas, light, label };

    for _ in 0..dice.below(4) {
        let clutter = stage.clutter(dice);
        let r = scale * dice.range(0.3, 0.5);
        let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let x = center[0] + side * dice.range(0.6, 1.6) * scale;
        let y = match clutter.stance {
            Stance::Floats => dice.range(0.1, 0.9) * n,
            _ => dice.range(horizon + 0.05, foot.max(horizon + 0.06)) * n - r,
        };
        stage.put(clutter, dice, [x, y], r, clutter.stance != Stance::Floats);
    }
    stage.put(main, dice, center, scale, stands);
    if dice.chance(0.45) {
        let thing = stage.clutter(dice);
        let r = scale * dice.range(0.26, 0.42) * (0.5 + main.bulk);
        let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let x = center[0] + side * dice.range(0.55, 1.0) * scale;
        let y = center[1] + scale * dice.range(0.9, 1.1) - r;
        stage.put(thing, dice, [x, y], r, stands);
    }
    let pixels = stage.canvas.pixels;
    expose(&pixels, labels, size, dice)
}

struct Stage<'a> {
    canvas: Canvas<'a>,
    light: Light,
    label: usize,
}

impl Stage<'_> {
    /// Something that is not of the picture's class.
    fn clutter(&self, dice: &mut Dice) -> &'static Kind {
        if dice.chance(0.55) {
            return &CLUTTER[dice.below(CLUTTER.len())];
        }
        let other = 1 + dice.below(CLASSES - 1);
        &ROWS[(self.label + other) % CLASSES].kind
    }

    /// Draws an object, with its shadow where it stands.
    fn put(&mut self, kind: &Kind, dice: &mut Dice, center: Point, scale: f32, stands: bool) {
        let turns = dice.range(-kind.tilt, kind.tilt);
        let mirrored = dice.chance(0.5);
        if stands {
            let [lx, _] = self.light.from;
            let foot = [center[0] - lx * scale * 0.45, center[1] + scale * 0.96];
            let (rx, ry) = (scale * 1.05, (scale * 0.2).max(1.0));
            self.canvas.blur_spot(foot, rx, ry, [0.04, 0.05, 0.1], 0.5 * self.light.relief);
        }
        let behind = self.around(center, scale);
        let mut brush = Brush {
            frame: Frame::new(center, scale, turns, mirrored),
            canvas: &mut self.canvas,
            light: self.light,
            object: kind.object,
            behind,
        };
        (kind.draw)(&mut brush, dice);
    }

    /// The mean colour of what an object will cover.
    fn around(&self, center: Point, scale: f32) -> Rgb {
        let last = self.canvas.size as f32 - 1.0;
        let mut sum = [0.0; 3];
        for i in 0..16 {
            let at =
                |k: i32, c: f32| (c + scale * (k as f32 * 0.5 - 0.75)).clamp(0.0, last) as usize;
            let (x, y) = (at(i % 4, center[0]), at(i / 4, center[1]));
            let pixel = self.canvas.pixels[y * self.canvas.size + x];
            for channel in 0..3 {
                sum[channel] += pixel[channel] / 16.0;
            }
        }
        sum
    }
}

/// The camera: exposure, contrast, a colour cast, a darker rim, grain; then 8-bit channel planes.
fn expose(
    pixels: &[Rgb],
    mut labels: Option<&mut LabelMaps>,
    size: usize,
    dice: &mut Dice,
) -> Vec<u8> {
    let gain = dice.range(0.88, 1.1);
    let contrast = dice.range(0.88, 1.1);
    let cast: [f32; 3] = std::array::from_fn(|_| 1.0 + dice.range(-0.05, 0.05));
    let rim = dice.range(0.0, 0.22);
    let grain = dice.range(1.5, 9.0);
    let seed = dice.bits();
    let area = size * size;
    let mut bytes = vec![0; 3 * area];
    let middle = size as f32 * 0.5;
    for y in 0..size {
        let dy = (y as f32 + 0.5) / middle - 1.0;
        for x in 0..size {
            let dx = (x as f32 + 0.5) / middle - 1.0;
            let fall = 1.0 - rim * 0.5 * (dx * dx + dy * dy);
            let i = y * size + x;
            let random = scramble(i as u32, seed);
            // Two bytes make a triangular distribution for all channels, one byte each adds colour.
            let byte = |k: u32| (random >> (8 * k) & 255) as f32 / 255.0 - 0.5;
            let common = byte(0) + byte(1);
            let tint = [byte(2), byte(3), -byte(2)];
            let mut pixel = [0; 3];
            for channel in 0..3 {
                let value = pixels[i][channel].clamp(0.0, 1.2) * gain * cast[channel] * fall;
                let value = 0.5 + (value - 0.5) * contrast;
                let noisy = value * 255.0 + grain * (common + 0.5 * tint[channel]);
                pixel[channel] = (noisy + 0.5).clamp(0.0, 255.0) as u8;
                bytes[channel * area + i] = pixel[channel];
            }
            if let Some(labels) = &mut labels {
                labels.map_mut(Category::Color)[i] = color::name(pixel).number();
            }
        }
    }
    bytes
}

/// 32 well mixed bits for each pixel.
fn scramble(index: u32, seed: u32) -> u32 {
    let mut h = index.wrapping_mul(0x9e37_79b1) ^ seed;
    h ^= h >> 16;
    h = h.wrapping_mul(0x7feb_352d);
    h ^= h >> 15;
    h = h.wrapping_mul(0x846c_a68b);
    h ^ (h >> 16)
}
