//! The eight places, each painted behind the objects with its own ground, sky and light.

use super::canvas::{Canvas, Frame};
use super::color::{Rgb, hex, mix, shade};
use super::concepts::{Material, Object, Part, Setting, Texture};
use super::dice::{Dice, noise};
use super::paint::{Light, Paint, Spot};
use super::path::Path;

pub(super) const SETTINGS: [Setting; 8] = [
    Setting::Meadow,
    Setting::Sea,
    Setting::Desert,
    Setting::Street,
    Setting::Mountain,
    Setting::Room,
    Setting::Night,
    Setting::Winter,
];

/// Top and lower end of a sky by day.
const SKIES: [(Rgb, Rgb); 6] = [
    (hex(0x4a_97_d9), hex(0xc6_e4_f2)),
    (hex(0x6f_b6_e6), hex(0xf2_ec_d8)),
    (hex(0x8a_b8_cf), hex(0xe9_ee_ee)),
    (hex(0x6a_6f_b0), hex(0xf6_b4_8e)),
    (hex(0xe0_82_6a), hex(0xfa_dc_9c)),
    (hex(0x58_b5_b5), hex(0xf5_e6_c0)),
];

/// The light that falls in a place, from a random side.
pub(super) fn light(dice: &mut Dice, setting: Setting) -> Light {
    let x = dice.range(-0.9, 0.9);
    let y = -(1.0 - x * x).sqrt();
    let (bright, cast) = match setting {
        Setting::Night => (dice.range(0.66, 0.86), [0.9, 0.97, 1.2]),
        Setting::Desert => (dice.range(0.9, 1.08), [1.07, 1.0, 0.9]),
        Setting::Room => (dice.range(0.82, 1.02), [1.06, 1.0, 0.92]),
        Setting::Winter => (dice.range(0.86, 1.03), [0.96, 1.0, 1.06]),
        _ => (dice.range(0.84, 1.06), [1.0, 1.0, 1.0]),
    };
    let color = cast.map(|c| bright * (1.0 + (c - 1.0) * dice.range(0.4, 1.2)));
    Light { from: [x, y], color, relief: dice.range(0.55, 1.0) }
}

/// Paints the place. `horizon` is the row where the ground begins, as a share of the height.
pub(super) fn paint(
    canvas: &mut Canvas,
    dice: &mut Dice,
    setting: Setting,
    horizon: f32,
    light: &Light,
) {
    canvas.set_scene(setting);
    let mut place = Place {
        frame: Frame::new([0.0, 0.0], canvas.size as f32, 0.0, false),
        canvas,
        dice,
        light: *light,
        horizon,
    };
    match setting {
        Setting::Meadow => place.meadow(),
        Setting::Sea => place.sea(),
        Setting::Desert => place.desert(),
        Setting::Street => place.street(),
        Setting::Mountain => place.mountain(),
        Setting::Room => place.room(),
        Setting::Night => place.night(),
        Setting::Winter => place.winter(),
    }
}

/// A background being painted; its units are shares of the picture's side.
struct Place<'a, 'b> {
    canvas: &'a mut Canvas<'b>,
    frame: Frame,
    dice: &'a mut Dice,
    light: Light,
    horizon: f32,
}

impl Place<'_, '_> {
    fn meadow(&mut self) {
        let (_, low) = self.day_sky();
        let green =
            self.dice.pick([hex(0x74_b0_4e), hex(0x5c_9c_52), hex(0x9a_bc_58), hex(0x86_a8_48)]);
        self.hills(mix(green, low, 0.5), Object::Hill, 0.16);
        let seed = self.dice.bits();
        let grass = Paint::new(green, Material::Foliage).seeded(seed);
        let grass = if self.dice.chance(0.3) {
            grass.with(Texture::Striped, shade(green, 0.88), 0.9).upright()
        } else {
            grass.with(Texture::Flecked, shade(green, 0.72), 0.24)
        };
        self.ground(&grass, Object::Grass, mix(green, low, 0.4));
        let blossom =
            self.dice.pick([hex(0xff_ff_f4), hex(0xf6_dc_5a), hex(0xf0_90_b0), hex(0xb0_90_e0)]);
        let petal = Paint::new(blossom, Material::Foliage);
        for _ in 0..self.dice.below(12) {
            let y = self.dice.range(self.horizon + 0.06, 1.0);
            let at = [self.dice.unit(), y];
            let r = 0.006 + 0.02 * (y - self.horizon);
            self.shape(&Path::circle(at, r), petal, Object::Grass, None);
        }
    }

    fn sea(&mut self) {
        let (_, low) = self.day_sky();
        let blue =
            self.dice.pick([hex(0x2f_7f_b8), hex(0x35_9c_a8), hex(0x28_62_96), hex(0x4a_a0_c8)]);
        let water = Paint::new(blue, Material::Water).seeded(self.dice.bits());
        let water = water.with(Texture::Wavy, shade(blue, 1.22), 0.62);
        self.ground(&water, Object::SeaWater, mix(blue, low, 0.35));
    }

    fn desert(&mut self) {
        let (_, low) = self.day_sky();
        let sand =
            self.dice.pick([hex(0xe6_c0_82), hex(0xd9_a0_66), hex(0xf0_d6_a4), hex(0xcf_8f_60)]);
        self.hills(mix(shade(sand, 0.86), low, 0.25), Object::SandGround, 0.2);
        let dunes = Paint::new(sand, Material::Sand).seeded(self.dice.bits());
        let dunes = dunes.with(Texture::Wavy, shade(sand, 0.86), 0.5);
        self.ground(&dunes, Object::SandGround, mix(sand, low, 0.3));
    }

    fn street(&mut self) {
        let (_, low) = self.day_sky();
        let mut x = -0.05;
        while x < 1.0 {
            let width = self.dice.range(0.16, 0.34);
            let top = self.horizon - self.dice.range(0.15, 0.55);
            let tone = self.dice.pick(super::color::PALETTE);
            let front = mix(mix(tone, hex(0xb0_a8_a0), 0.5), low, 0.2);
            let wall = match self.dice.below(3) {
                0 => Paint::new(front, Material::Stone).with(
                    Texture::Bricked,
                    shade(front, 1.25),
                    0.034,
                ),
                1 => Paint::new(front, Material::Plaster),
                _ => Paint::new(front, Material::Stone),
            };
            let house = Path::rect(x, top, x + width, self.horizon + 0.01);
            self.shape(&house, wall, Object::Building, Some(Part::Wall));
            let pane = Paint::new(mix(shade(front, 0.5), hex(0x6f_90_a8), 0.4), Material::Glass);
            let columns = 2 + self.dice.below(2);
            let step = width / columns as f32;
            for column in 0..columns {
                let left = x + step * (column as f32 + 0.28);
                let mut y = top + 0.05;
                while y < self.horizon - 0.06 {
                    let window = Path::rect(left, y, left + step * 0.45, y + 0.055);
                    self.shape(&window, pane, Object::Building, Some(Part::Window));
                    y += 0.105;
                }
            }
            x += width;
        }
        let grey = self.dice.pick([hex(0xa8_a4_a0), hex(0xc0_b4_a4), hex(0x94_98_a0)]);
        let stone = Paint::new(grey, Material::Stone).seeded(self.dice.bits());
        let slabs = stone.with(Texture::Grid, shade(grey, 0.72), 0.55);
        let far = mix(grey, low, 0.2);
        if self.dice.chance(0.5) {
            self.ground(&slabs, Object::Pavement, far);
        } else {
            let asphalt = Paint { texture: None, ..stone.plain(hex(0x6a_6c_72)) };
            self.ground(&asphalt, Object::Road, hex(0x86_88_8c));
            let y = self.horizon + 0.5 * (1.0 - self.horizon);
            let line = Paint::new(hex(0xee_e6_d0), Material::Stone);
            for i in 0..4 {
                let x = 0.28 * i as f32 + 0.02;
                let dash = [[x, y], [x + 0.15, y], [x + 0.14, y + 0.03], [x - 0.01, y + 0.03]];
                self.shape(&Path::polygon(&dash), line, Object::Road, None);
            }
            let edge = self.horizon + 0.05;
            let kerb = Path::rect(0.0, self.horizon, 1.0, edge);
            self.shape(&kerb, slabs.plain(grey), Object::Pavement, None);
        }
    }

    fn mountain(&mut self) {
        let (_, low) = self.day_sky();
        let stone =
            self.dice.pick([hex(0x7d_86_94), hex(0x6a_74_86), hex(0x8f_80_78), hex(0x74_70_88)]);
        let peaks = 2 + self.dice.below(2);
        for i in 0..peaks {
            let x = (i as f32 + self.dice.range(0.2, 0.8)) / peaks as f32;
            let (half, high) = (self.dice.range(0.3, 0.5), self.dice.range(0.25, 0.5));
            let (base, top) = (self.horizon + 0.02, (self.horizon - high).max(0.02));
            let rock = Paint::new(mix(stone, low, 0.3 - 0.1 * i as f32), Material::Stone);
            let rock = Paint { seed: self.dice.bits(), ..rock };
            let side = [[x - half, base], [x, top], [x + half, base]];
            self.shape(&Path::polygon(&side), rock, Object::Peak, None);
            let dark = [
                [x, top],
                [x + half, base],
                [x + half * 0.25, base],
                [x + half * 0.1, (top + base) * 0.5],
            ];
            self.shape(
                &Path::polygon(&dark),
                rock.plain(shade(rock.color, 0.8)),
                Object::Peak,
                None,
            );
            let snow = Paint::new(hex(0xf6_f8_fb), Material::Snow);
            let (w, h) = (half * 0.3, (base - top) * 0.3);
            let cap = [
                [x, top],
                [x + w, top + h],
                [x + w * 0.4, top + h * 0.75],
                [x, top + h * 1.15],
                [x - w * 0.5, top + h * 0.8],
                [x - w, top + h],
            ];
            self.shape(&Path::polygon(&cap), snow, Object::Peak, None);
        }
        let ground = self.dice.pick([hex(0x8c_98_6a), hex(0x9a_8f_80), hex(0x70_88_60)]);
        let gravel = Paint::new(ground, Material::Stone).seeded(self.dice.bits());
        let gravel = gravel.with(Texture::Flecked, shade(ground, 0.68), 0.4);
        self.ground(&gravel, Object::Hill, mix(ground, low, 0.35));
    }

    fn room(&mut self) {
        let color = self.dice.pick(super::color::PALETTE);
        let wall = mix(color, hex(0xf0_e8_dc), 0.62);
        let print = mix(color, wall, 0.5);
        let paper = Paint::new(wall, Material::Plaster).seeded(self.dice.bits());
        let period = self.dice.range(0.09, 0.16);
        let paper = match self.dice.below(7) {
            0 | 1 => paper.with(Texture::Striped, print, period).upright(),
            2 => paper.with(Texture::Dotted, print, period),
            3 => paper.with(Texture::Zigzagged, print, period),
            4 => paper.with(Texture::Chequered, print, period),
            _ => paper,
        };
        let side = Path::rect(-0.1, -0.1, 1.1, self.horizon + 0.01);
        self.shape(&side, paper, Object::Interior, None);
        self.wall_hanging();
        let brown = self.dice.pick([hex(0xa8_78_4e), hex(0xc4_9a_6c), hex(0x7c_58_40)]);
        let floor = match self.dice.below(3) {
            0 => {
                let planks = Paint::new(brown, Material::Wood).seeded(self.dice.bits());
                planks.with(Texture::Striped, shade(brown, 0.82), 0.5)
            }
            1 => {
                let tile = hex(0xe8_e0_d2);
                let other = self.dice.pick([hex(0x5c_64_70), hex(0xa8_5a_48), hex(0x5a_88_90)]);
                Paint::new(tile, Material::Ceramic).with(
                    Texture::Chequered,
                    mix(other, tile, 0.25),
                    0.45,
                )
            }
            _ => {
                let weave = mix(self.dice.pick(super::color::PALETTE), hex(0xd8_c8_b0), 0.45);
                Paint::new(weave, Material::Fabric).with(Texture::Woven, shade(weave, 0.7), 0.2)
            }
        };
        let far = shade(floor.color, 0.8);
        self.ground(&floor, Object::Floor, far);
        let skirting = Path::rect(-0.1, self.horizon - 0.03, 1.1, self.horizon + 0.012);
        let board = Paint::new(hex(0xf2_ec_e0), Material::Wood);
        self.shape(&skirting, board, Object::Interior, Some(Part::Base));
        if self.dice.chance(0.35) {
            let color = self.dice.pick(super::color::PALETTE);
            let rug =
                Paint::new(color, Material::Fabric).with(Texture::Woven, shade(color, 0.75), 0.04);
            let y = self.horizon + (1.0 - self.horizon) * 0.55;
            let at = [self.dice.range(0.3, 0.7), y];
            let outline = Path::ellipse(at, 0.42, (1.0 - self.horizon) * 0.36);
            self.shape(&outline, rug, Object::Rug, None);
        }
    }

    /// A window or a painting on the wall.
    fn wall_hanging(&mut self) {
        if self.dice.chance(0.35) {
            return;
        }
        let x = self.dice.pick([0.08, 0.62]) + self.dice.range(-0.04, 0.06);
        let (w, h) = (self.dice.range(0.2, 0.3), self.dice.range(0.2, 0.32));
        let y = self.dice.range(0.04, 0.14);
        let frame = Paint::new(
            self.dice.pick([hex(0xf6_f2_ea), hex(0x7a_54_38), hex(0xc8_a0_50)]),
            Material::Wood,
        );
        let is_window = self.dice.chance(0.5);
        let object = if is_window { Object::Casement } else { Object::Picture };
        self.shape(&Path::rect(x, y, x + w, y + h), frame, object, Some(Part::Frame));
        let t = 0.025;
        if is_window {
            let (top, low) = self.dice.pick(SKIES);
            let pane = Paint::new(mix(top, low, 0.5), Material::Glass);
            let m = x + w * 0.5;
            for (a, b) in [(x + t, m - t * 0.4), (m + t * 0.4, x + w - t)] {
                let glass = Path::rect(a, y + t, b, y + h - t);
                self.shape(&glass, pane, object, Some(Part::Pane));
            }
        } else {
            let (a, b) =
                (self.dice.pick(super::color::PALETTE), self.dice.pick(super::color::PALETTE));
            let cloth = Paint::new(a, Material::Fabric).with(Texture::Cloudy, b, 0.1);
            let cloth = cloth.seeded(self.dice.bits());
            self.shape(&Path::rect(x + t, y + t, x + w - t, y + h - t), cloth, object, None);
        }
    }

    fn night(&mut self) {
        let (top, low) = self.dice.pick([
            (hex(0x0e_14_34), hex(0x3a_44_80)),
            (hex(0x14_12_38), hex(0x6a_48_86)),
            (hex(0x0a_1c_36), hex(0x2c_60_7c)),
        ]);
        self.sky(top, low);
        let star = Paint::bare(hex(0xff_fb_e4)).glowing();
        for _ in 0..26 {
            let at = [self.dice.unit(), self.dice.range(0.0, self.horizon)];
            let r = self.dice.range(0.004, 0.011);
            self.shape(&Path::circle(at, r), star, Object::Sky, None);
        }
        if self.dice.chance(0.7) {
            let at = [self.dice.range(0.08, 0.92), self.dice.range(0.08, 0.28)];
            let r = self.dice.range(0.05, 0.09);
            let n = self.canvas.size as f32;
            let place = [at[0] * n, at[1] * n];
            self.canvas.blur_spot(place, r * n * 3.0, r * n * 3.0, hex(0xe8_e4_ff), 0.3);
            self.shape(
                &Path::circle(at, r),
                Paint::bare(hex(0xfb_f3_d0)).glowing(),
                Object::Moon,
                None,
            );
            if self.dice.chance(0.5) {
                let shadow = Path::circle([at[0] + r * 0.5, at[1] - r * 0.3], r * 0.85);
                let dark = mix(top, low, at[1] / self.horizon.max(0.1));
                self.shape(&shadow, Paint::bare(dark).glowing(), Object::Sky, None);
            }
        }
        let dark = self.dice.pick([hex(0x34_54_5a), hex(0x3c_48_6c), hex(0x40_5c_4c)]);
        self.hills(mix(shade(dark, 0.55), low, 0.15), Object::Hill, 0.2);
        let grass = Paint::new(dark, Material::Foliage).seeded(self.dice.bits());
        let grass = grass.with(Texture::Flecked, shade(dark, 0.62), 0.24);
        self.ground(&grass, Object::Grass, shade(dark, 0.75));
    }

    fn winter(&mut self) {
        let (_, low) = self.day_sky();
        let white = hex(0xf2_f5_fa);
        self.hills(mix(hex(0xd4_df_ec), low, 0.3), Object::SnowGround, 0.18);
        let fir = Paint::new(hex(0x4c_70_68), Material::Foliage).seeded(self.dice.bits());
        for _ in 0..3 + self.dice.below(5) {
            let x = self.dice.unit();
            let (w, h) = (self.dice.range(0.03, 0.05), self.dice.range(0.1, 0.2));
            let y = self.horizon + 0.02;
            let outline = Path::polygon(&[[x - w, y], [x, y - h], [x + w, y]]);
            self.shape(&outline, fir, Object::Tree, Some(Part::Crown));
        }
        let snow = Paint::new(white, Material::Snow).seeded(self.dice.bits());
        let drifts = snow.with(Texture::Cloudy, hex(0xc4_d4_ea), 1.1);
        self.ground(&drifts, Object::SnowGround, mix(white, low, 0.3));
    }

    /// A sky by day with a sun or clouds; says its colours.
    fn day_sky(&mut self) -> (Rgb, Rgb) {
        let (top, low) = self.dice.pick(SKIES);
        self.sky(top, low);
        if self.dice.chance(0.3) {
            let at = [self.dice.range(0.1, 0.9), self.dice.range(0.06, 0.3)];
            let n = self.canvas.size as f32;
            let glow = 0.26 * n;
            self.canvas.blur_spot([at[0] * n, at[1] * n], glow, glow, hex(0xff_f4_c8), 0.5);
            let disc = Paint::bare(hex(0xff_f0_b4)).glowing();
            let r = self.dice.range(0.05, 0.08);
            self.shape(&Path::circle(at, r), disc, Object::Sun, None);
        }
        for _ in 0..self.dice.below(4) {
            let x = self.dice.range(-0.05, 1.0);
            let y = self.dice.range(0.04, (self.horizon - 0.1).max(0.06));
            let r = self.dice.range(0.04, 0.085);
            let white = Paint::bare(mix(hex(0xff_ff_ff), low, 0.25)).glowing();
            let puffs = Path::ellipse([x, y], r * 1.9, r * 0.5)
                .with(&Path::circle([x - r * 0.6, y - r * 0.3], r * 0.66))
                .with(&Path::circle([x + r * 0.5, y - r * 0.4], r * 0.8));
            self.shape(&puffs, white, Object::Cloud, None);
        }
        (top, low)
    }

    fn sky(&mut self, top: Rgb, low: Rgb) {
        let n = self.canvas.size;
        // One row below the horizon too: the ground's first row may cover it only in part.
        let end = ((self.horizon * n as f32) as usize + 1).min(n);
        for y in 0..end {
            let t = (y as f32 + 0.5) / (self.horizon * n as f32).max(1.0);
            let color = mix(top, low, (t * t * 0.5 + t * 0.5).min(1.0));
            for x in 0..n {
                self.canvas.set(y * n + x, color, Object::Sky, None, None);
            }
        }
    }

    /// A rolling line of hills just above the horizon.
    fn hills(&mut self, color: Rgb, object: Object, high: f32) {
        let seed = self.dice.bits();
        let material = match object {
            Object::SandGround => Material::Sand,
            Object::SnowGround => Material::Snow,
            _ => Material::Foliage,
        };
        let mut outline = vec![[1.1, self.horizon + 0.02], [-0.1, self.horizon + 0.02]];
        for i in 0..=12 {
            let x = i as f32 * 0.1 - 0.1;
            outline.push([x, self.horizon - high * noise(x * 2.6, 0.5, seed)]);
        }
        let paint = Paint::new(color, material).seeded(seed);
        self.shape(&Path::polygon(&outline), paint, object, None);
    }

    /// The ground from the horizon down, its pattern growing towards the viewer.
    fn ground(&mut self, paint: &Paint, object: Object, far: Rgb) {
        let n = self.canvas.size;
        let side = n as f32;
        let start = (self.horizon * side).max(0.0) as usize;
        for y in start..n {
            let depth = ((y as f32 + 0.5) / side - self.horizon).max(0.0);
            let zoom = 0.9 / (depth + 0.1);
            let haze = (0.8 - depth * 4.0).clamp(0.0, 1.0);
            for x in 0..n {
                let across = (x as f32 + 0.5) / side - 0.5;
                let spot = Spot {
                    at: [across * zoom, 1.6 * zoom],
                    within: [across, depth],
                    pixel: zoom / side,
                };
                let color = mix(paint.at(&spot, &self.light), far, haze);
                self.canvas.set(y * n + x, color, object, paint.texture, paint.material);
            }
        }
    }

    fn shape(&mut self, path: &Path, paint: Paint, object: Object, part: Option<Part>) {
        self.canvas.fill(path, &self.frame, &paint, &self.light, object, part);
    }
}
