//! Car, truck and sailboat. All head to the right until they are mirrored.

use super::canvas::Brush;
use super::color::{Rgb, apart_from, hex, luma, shade};
use super::concepts::{Material, Part, Texture};
use super::dice::Dice;
use super::paint::Paint;
use super::path::{Path, Point};

const TYRE: Rgb = hex(0x2a_2b_30);
const PANE: Rgb = hex(0xa9_cf_dd);

fn wheel(brush: &mut Brush, at: Point, r: f32, hub: Rgb) {
    brush.fill(Part::Wheel, Paint::new(TYRE, Material::Rubber), &Path::circle(at, r));
    let hub = Paint::new(hub, Material::Metal).round();
    brush.fill(Part::Hub, hub, &Path::circle(at, r * 0.52));
}

pub(super) fn car(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let seed = dice.bits();
    let metal = Paint::new(color, Material::Metal).seeded(seed);
    let glass = Paint::new(PANE, Material::Glass).seeded(seed);
    let high = dice.range(-0.58, -0.44);
    let hub = dice.pick([hex(0xd5_d9_dd), hex(0xe9_e2_cf), accent]);
    // Cabin and bonnet: a limousine, a hatchback, a beetle.
    match dice.below(3) {
        0 => {
            let cabin = [[-0.72, 0.05], [-0.45, high], [0.22, high], [0.56, 0.05]];
            brush.fill(Part::Bodywork, metal, &Path::polygon(&cabin));
            let rear = [[-0.56, 0.02], [-0.38, high + 0.1], [-0.1, high + 0.1], [-0.1, 0.02]];
            let front = [[0.0, 0.02], [0.0, high + 0.1], [0.17, high + 0.1], [0.42, 0.02]];
            brush.fill(Part::Window, glass, &Path::polygon(&rear));
            brush.fill(Part::Window, glass, &Path::polygon(&front));
            brush.fill(Part::Bodywork, metal, &Path::rounded(-0.98, 0.0, 0.98, 0.56, 0.18));
        }
        1 => {
            let cabin = [[-0.86, 0.1], [-0.78, high], [0.12, high], [0.52, 0.1]];
            brush.fill(Part::Bodywork, metal, &Path::polygon(&cabin));
            let rear = [[-0.72, 0.04], [-0.67, high + 0.1], [-0.28, high + 0.1], [-0.28, 0.04]];
            let front = [[-0.18, 0.04], [-0.18, high + 0.1], [0.07, high + 0.1], [0.36, 0.04]];
            brush.fill(Part::Window, glass, &Path::polygon(&rear));
            brush.fill(Part::Window, glass, &Path::polygon(&front));
            brush.fill(Part::Bodywork, metal, &Path::rounded(-0.9, 0.02, 0.96, 0.56, 0.16));
        }
        _ => {
            let shell = [
                [-1.05, 0.62],
                [-1.0, 0.0],
                [-0.55, high - 0.12],
                [0.3, high - 0.12],
                [0.5, -0.02],
                [1.02, 0.04],
                [1.08, 0.62],
            ];
            brush.fill(Part::Bodywork, metal, &Path::smooth(&shell));
            let rear = [[-0.68, 0.0], [-0.46, high + 0.12], [-0.16, high + 0.1], [-0.16, 0.0]];
            let front = [[-0.04, 0.0], [-0.04, high + 0.1], [0.18, high + 0.14], [0.34, 0.0]];
            brush.fill(Part::Window, glass, &Path::polygon(&rear));
            brush.fill(Part::Window, glass, &Path::polygon(&front));
        }
    }
    let line = if luma(color) > 0.3 { shade(color, 0.62) } else { shade(color, 1.35) };
    let door = Path::stroke(&[[-0.05, 0.04], [-0.05, 0.46]], 0.05);
    brush.fill(Part::Door, metal.plain(line), &door);
    brush.fill(Part::Handle, metal.plain(line), &Path::rounded(0.02, 0.12, 0.17, 0.18, 0.02));
    let chrome = Paint::new(hex(0xc3_c8_cc), Material::Metal);
    for x in [-0.9, 0.9] {
        brush.fill(Part::Bumper, chrome, &Path::rounded(x - 0.13, 0.42, x + 0.13, 0.56, 0.05));
    }
    let lamp = Paint::new(hex(0xff_f0_b0), Material::Glass).glowing();
    brush.fill(Part::Headlight, lamp, &Path::ellipse([0.88, 0.2], 0.09, 0.1));
    for x in [-0.55, 0.56] {
        wheel(brush, [x, 0.58], 0.27, hub);
    }
}

pub(super) fn truck(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let cargo = brush.color(dice);
    let seed = dice.bits();
    let metal = Paint::new(color, Material::Metal).seeded(seed);
    let roof = dice.range(-0.85, -0.6);
    let tarp = Paint::new(cargo, Material::Fabric).seeded(seed);
    let load = match dice.below(5) {
        0 => tarp.with(Texture::Striped, shade(cargo, 0.7), 0.3),
        1 => tarp.with(Texture::Striped, apart_from(dice, cargo), 0.4).upright(),
        2 => Paint::new(cargo, Material::Metal).with(Texture::Grid, shade(cargo, 0.7), 0.3),
        3 => Paint::new(hex(0xa9_7c_50), Material::Wood).seeded(seed),
        _ => tarp,
    };
    let chassis = Paint::new(hex(0x44_47_4e), Material::Metal);
    brush.fill(Part::Bodywork, chassis, &Path::rect(-0.98, 0.4, 0.96, 0.56));
    brush.fill(Part::Cargo, load, &Path::rounded(-1.0, roof, 0.32, 0.44, 0.05));
    if dice.chance(0.35) {
        let sign = Paint::new(accent, Material::Paper);
        brush.fill(Part::Cargo, sign, &Path::circle([-0.34, roof * 0.5 + 0.22], 0.26));
    }
    let top = dice.range(-0.42, -0.25);
    let cab = if dice.chance(0.5) {
        [[0.38, 0.54], [0.38, top], [0.76, top], [0.98, 0.1], [0.98, 0.54]]
    } else {
        [[0.38, 0.54], [0.38, top], [0.92, top], [0.98, top + 0.2], [0.98, 0.54]]
    };
    brush.fill(Part::Cab, metal, &Path::polygon(&cab));
    let glass = Paint::new(PANE, Material::Glass).seeded(seed);
    let pane = [[0.54, top + 0.1], [0.74, top + 0.1], [0.88, 0.1], [0.54, 0.1]];
    brush.fill(Part::Window, glass, &Path::polygon(&pane));
    let lamp = Paint::new(hex(0xff_f0_b0), Material::Glass).glowing();
    brush.fill(Part::Headlight, lamp, &Path::rounded(0.86, 0.26, 0.98, 0.36, 0.03));
    let chrome = Paint::new(hex(0xc3_c8_cc), Material::Metal);
    brush.fill(Part::Bumper, chrome, &Path::rounded(0.74, 0.46, 1.02, 0.58, 0.04));
    let hub = dice.pick([hex(0xd5_d9_dd), hex(0xe9_e2_cf), accent]);
    let axles: &[f32] = if dice.chance(0.5) { &[-0.72, -0.25, 0.66] } else { &[-0.6, 0.66] };
    for &x in axles {
        wheel(brush, [x, 0.6], 0.23, hub);
    }
}

pub(super) fn sailboat(brush: &mut Brush, dice: &mut Dice) {
    let hull = brush.color(dice);
    let cloth = if dice.chance(0.4) { hex(0xf8_f3_e6) } else { brush.color(dice) };
    let accent = apart_from(dice, cloth);
    let seed = dice.bits();
    let wood = dice.chance(0.6);
    let side = Paint::new(hull, if wood { Material::Wood } else { Material::Metal }).seeded(seed);
    let mast = Paint::new(hex(0x8f_6a_48), Material::Wood).upright();
    brush.fill(Part::Mast, mast, &Path::rect(-0.08, -1.0, 0.0, 0.55));
    let sail = Paint::new(cloth, Material::Fabric).seeded(seed).round();
    let sail = match dice.below(4) {
        0 => sail.with(Texture::Striped, accent, dice.range(0.3, 0.5)),
        1 => sail.with(Texture::Striped, accent, dice.range(0.3, 0.5)).upright(),
        _ => sail,
    };
    let belly = dice.range(0.0, 0.2);
    let main = Path::smooth(&[
        [-0.14, -1.05],
        [-0.14, -0.9],
        [-0.14, 0.34],
        [-0.2, 0.42],
        [-1.0, 0.46],
        [-0.88, 0.3],
        [-0.4 - belly, -0.4],
    ]);
    brush.fill(Part::Sail, sail, &main);
    let jib_color = if dice.chance(0.5) { cloth } else { accent };
    let jib = Path::polygon(&[[0.04, -0.84], [0.36 + belly, -0.1], [0.78, 0.42], [0.06, 0.38]]);
    brush.fill(Part::Sail, sail.plain(jib_color), &jib);
    if dice.chance(0.6) {
        let flag = Paint::new(accent, Material::Fabric);
        let cloth = Path::polygon(&[[-0.02, -1.04], [0.28, -0.94], [-0.02, -0.84]]);
        brush.fill(Part::Flag, flag, &cloth);
    }
    let outline = [[-0.94, 0.52], [1.0, 0.48], [0.62, 0.96], [-0.66, 0.96]];
    brush.fill(Part::Hull, side, &Path::polygon(&outline));
    let trim = if luma(hull) > 0.5 { shade(hull, 0.55) } else { shade(hull, 1.6) };
    let board = [[-0.94, 0.52], [1.0, 0.48], [0.93, 0.59], [-0.88, 0.62]];
    brush.fill(Part::Hull, side.plain(trim), &Path::polygon(&board));
}
