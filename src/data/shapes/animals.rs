//! Bird, fish, butterfly and snail. All look to the right until they are mirrored.

use super::canvas::Brush;
use super::color::{Rgb, apart_from, hex, luma, mix, shade};
use super::concepts::{Material, Part, Texture};
use super::dice::Dice;
use super::paint::Paint;
use super::path::{Path, Point};

const WHITE: Rgb = hex(0xfb_fb_f5);
const INK: Rgb = hex(0x1d_1f_26);

fn eye(brush: &mut Brush, at: Point, r: f32) {
    brush.fill(Part::Eye, Paint::new(WHITE, Material::Skin), &Path::circle(at, r));
    let pupil = Path::circle([at[0] + r * 0.25, at[1]], r * 0.58);
    brush.fill(Part::Eye, Paint::new(INK, Material::Skin), &pupil);
}

pub(super) fn bird(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let belly = mix(color, dice.pick([WHITE, accent]), 0.6);
    let seed = dice.bits();
    let flying = dice.chance(0.4);
    let plump = dice.range(0.9, 1.2);
    let tail_up = dice.range(-0.35, 0.2);
    let feather = Paint::new(color, Material::Feather).seeded(seed);
    let wing = dark_or_light(color, accent, dice);
    let wing = match dice.below(4) {
        0 => feather.plain(wing).with(Texture::Striped, shade(wing, 0.6), 0.17),
        1 => feather.plain(wing).with(Texture::Scaly, shade(wing, 1.3), 0.2),
        _ => feather.plain(wing),
    };
    if !flying {
        let leg = Paint::new(hex(0xc9_7b_35), Material::Skin);
        for x in [-0.05, 0.16] {
            let foot = Path::stroke(&[[x, 0.5], [x + 0.02, 0.95], [x + 0.16, 0.97]], 0.075);
            brush.fill(Part::Leg, leg, &foot);
        }
    }
    // A tail of two or three feathers.
    let tail = [
        [-0.4, 0.02],
        [-0.95, tail_up - 0.08],
        [-1.0, tail_up + 0.1],
        [-0.9, tail_up + 0.22],
        [-0.35, 0.3],
    ];
    brush.fill(Part::Tail, wing, &Path::polygon(&tail));
    if flying {
        let far = [[-0.05, -0.1], [-0.45, -0.85], [0.05, -0.75], [0.3, -0.15]];
        let far_wing = Paint { color: shade(wing.color, 0.75), ..wing };
        brush.fill(Part::Wing, far_wing, &Path::smooth(&far));
    }
    let p = plump;
    let body = [
        [-0.62, 0.02],
        [-0.25, -0.34 * p],
        [0.25, -0.36 * p],
        [0.56, 0.0],
        [0.44, 0.48 * p],
        [0.0, 0.66 * p],
        [-0.42, 0.42 * p],
    ];
    brush.fill(Part::Body, feather.round(), &Path::smooth(&body));
    let chest = [[0.12, 0.1], [0.52, 0.02], [0.44, 0.46 * p], [0.02, 0.6 * p], [-0.2, 0.42 * p]];
    brush.fill(Part::Body, feather.plain(belly).round(), &Path::smooth(&chest));
    let beak =
        Paint::new(dice.pick([hex(0xf0_a0_30), hex(0xe0_70_2c), hex(0x55_4a_44)]), Material::Skin);
    let reach = dice.range(0.84, 1.0);
    brush.fill(Part::Beak, beak, &Path::polygon(&[[0.6, -0.46], [reach, -0.3], [0.6, -0.2]]));
    brush.fill(Part::Head, feather.round(), &Path::circle([0.44, -0.36], 0.3));
    if dice.chance(0.3) {
        let crest = [[0.3, -0.58], [0.12, -0.95], [0.4, -0.78], [0.48, -0.98], [0.56, -0.6]];
        brush.fill(Part::Head, feather.plain(accent), &Path::polygon(&crest));
    }
    eye(brush, [0.52, -0.4], 0.1);
    let near = if flying {
        [[-0.35, 0.1], [-0.75, -0.75], [-0.35, -0.98], [-0.02, -0.75], [0.22, 0.0], [0.05, 0.2]]
    } else {
        [[0.2, 0.0], [0.16, 0.3], [-0.2, 0.42], [-0.8, 0.3], [-0.45, 0.02], [-0.1, -0.14]]
    };
    brush.fill(Part::Wing, wing, &Path::smooth(&near));
}

fn dark_or_light(color: Rgb, accent: Rgb, dice: &mut Dice) -> Rgb {
    if dice.chance(0.5) {
        accent
    } else if luma(color) > 0.5 {
        shade(color, 0.65)
    } else {
        shade(color, 1.4)
    }
}

pub(super) fn fish(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let h = dice.range(0.42, 0.66);
    let seed = dice.bits();
    let skin = Paint::new(color, Material::Skin).seeded(seed).round();
    let skin = match dice.below(5) {
        0 | 1 => skin.with(Texture::Striped, accent, dice.range(0.3, 0.5)).upright(),
        2 => skin.with(Texture::Dotted, accent, dice.range(0.24, 0.34)),
        3 => skin.with(Texture::Scaly, shade(color, 0.66), 0.24),
        _ => skin,
    };
    let fin = Paint::new(dark_or_light(color, accent, dice), Material::Skin).seeded(seed);
    let fork = dice.range(-0.9, -0.66);
    let spread = dice.range(0.42, 0.68);
    let tail = [
        [-0.4, -0.06],
        [-0.8, -spread - 0.04],
        [-1.02, -spread],
        [fork, 0.0],
        [-1.02, spread],
        [-0.8, spread + 0.04],
        [-0.4, 0.06],
    ];
    brush.fill(Part::Tail, fin, &Path::polygon(&tail));
    let top = dice.range(0.2, 0.4);
    let back = [
        [-0.4, -h * 0.5],
        [-0.42, -h - top * 0.7],
        [0.1, -h - top],
        [0.4, -h * 0.7],
        [0.0, -h * 0.3],
    ];
    brush.fill(Part::Fin, fin, &Path::smooth(&back));
    let below = [[-0.15, h * 0.5], [-0.36, h + top * 0.7], [0.0, h + top * 0.6], [0.2, h * 0.5]];
    brush.fill(Part::Fin, fin, &Path::smooth(&below));
    let body = [
        [-0.75, 0.0],
        [-0.35, -h * 0.75],
        [0.15, -h * 1.25],
        [0.75, -h * 0.8],
        [1.06, 0.03],
        [0.72, h * 0.8],
        [0.1, h * 1.2],
        [-0.35, h * 0.7],
    ];
    brush.fill(Part::Body, skin, &Path::smooth(&body));
    let gill = Path::curve([0.42, -h * 0.62], [0.26, 0.0], [0.42, h * 0.6], 0.06);
    brush.fill(Part::Body, fin.plain(shade(color, 0.55)), &gill);
    let side = [[0.18, 0.06], [-0.1, -0.04], [-0.3, 0.2], [-0.1, 0.32], [0.14, 0.24]];
    brush.fill(Part::Fin, fin, &Path::smooth(&side));
    let mouth = Path::curve([0.96, 0.1], [0.84, 0.14], [0.8, 0.22], 0.06);
    brush.fill(Part::Mouth, fin.plain(shade(color, 0.4)), &mouth);
    eye(brush, [0.62, -h * 0.26], 0.13);
}

pub(super) fn butterfly(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let lower = if dice.chance(0.5) { color } else { accent };
    let seed = dice.bits();
    let open = dice.range(0.72, 1.0);
    let spots = dice.below(3);
    let edge = if luma(color) > 0.4 { shade(color, 0.35) } else { shade(color, 1.5) };
    let wing = Paint::new(color, Material::Feather).seeded(seed);
    let veined = dice.chance(0.35);
    let long = dice.range(0.8, 1.0);
    for side in [-1.0, 1.0] {
        let at = |x: f32, y: f32| [x * side * open, y];
        let hind = [at(0.0, 0.0), at(0.62, 0.0), at(0.86, 0.42), at(0.56, long), at(0.2, 0.7)];
        brush.fill(Part::Wing, wing.plain(edge), &Path::smooth(&hind));
        let small = hind.map(|p| [p[0] * 0.8 + 0.05 * side, p[1] * 0.8 + 0.04]);
        brush.fill(Part::Wing, wing.plain(lower), &Path::smooth(&small));
        let fore = [
            at(0.0, 0.16),
            at(0.02, -0.5),
            at(0.7, -1.05),
            at(1.12, -0.8),
            at(0.98, -0.1),
            at(0.5, 0.16),
        ];
        brush.fill(Part::Wing, wing.plain(edge), &Path::smooth(&fore));
        let inner = fore.map(|p| [p[0] * 0.82 + 0.05 * side, p[1] * 0.82 - 0.05]);
        let inner_wing =
            if veined { wing.with(Texture::Striped, edge, 0.26).upright() } else { wing };
        brush.fill(Part::Wing, inner_wing, &Path::smooth(&inner));
        let spot = wing.plain(accent);
        if spots > 0 && !veined {
            brush.fill(Part::Wing, spot, &Path::circle(at(0.66, -0.52), 0.17));
            brush.fill(Part::Wing, spot.plain(edge), &Path::circle(at(0.66, -0.52), 0.08));
        }
        if spots > 1 {
            brush.fill(Part::Wing, spot, &Path::circle(at(0.46, 0.46), 0.12));
        }
        let antenna = Path::curve(at(0.02, -0.42), at(0.06, -0.8), at(0.3, -0.98), 0.06);
        brush.fill(Part::Antenna, wing.plain(INK), &antenna);
    }
    let body = Paint::new(hex(0x3a_2e_2a), Material::Skin).seeded(seed).tube();
    brush.fill(Part::Body, body, &Path::ellipse([0.0, 0.12], 0.1, 0.5));
    brush.fill(Part::Head, body, &Path::circle([0.0, -0.42], 0.12));
}

pub(super) fn snail(brush: &mut Brush, dice: &mut Dice) {
    let flesh = mix(brush.color(dice), hex(0xd9_b3_86), 0.55);
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let seed = dice.bits();
    let skin = Paint::new(flesh, Material::Skin).seeded(seed);
    for (x, bend) in [(0.98, 0.1), (0.66, -0.05)] {
        let stalk = Path::curve([0.76, 0.1], [x - bend, -0.1], [x, -0.4], 0.08);
        brush.fill(Part::Antenna, skin, &stalk);
        brush.fill(Part::Eye, skin.plain(INK), &Path::circle([x, -0.43], 0.09));
    }
    let foot = [
        [-1.08, 0.98],
        [-0.7, 0.66],
        [0.1, 0.62],
        [0.46, 0.4],
        [0.58, 0.0],
        [0.9, -0.08],
        [1.02, 0.2],
        [0.86, 0.6],
        [0.72, 1.0],
    ];
    brush.fill(Part::Foot, skin, &Path::smooth(&foot));
    let mouth = Path::curve([0.94, 0.3], [0.88, 0.36], [0.8, 0.34], 0.05);
    brush.fill(Part::Mouth, skin.plain(shade(flesh, 0.5)), &mouth);
    let r = dice.range(0.6, 0.7);
    let center = [-0.2, 0.1];
    let shell = Paint::new(color, Material::Ceramic).seeded(seed).round();
    let shell = match dice.below(4) {
        0 => shell.with(Texture::Striped, accent, 0.3),
        1 => shell.with(Texture::Dotted, accent, 0.3),
        2 => shell.with(Texture::Scaly, shade(color, 0.7), 0.26),
        _ => shell,
    };
    brush.fill(Part::Shell, shell, &Path::circle(center, r));
    // The coil: a spiral whose radius falls by the same share each turn.
    let mut coil = [[0.0; 2]; 22];
    for (i, point) in coil.iter_mut().enumerate() {
        let t = i as f32 / 21.0;
        let (c, s) = super::dice::cos_sin(0.2 + 1.9 * t);
        let radius = r * (0.96 - 0.9 * t);
        *point = [center[0] + c * radius, center[1] + s * radius];
    }
    let line = if luma(color) > 0.4 { shade(color, 0.45) } else { shade(color, 1.6) };
    brush.fill(Part::Shell, shell.plain(line), &Path::stroke(&coil, 0.085));
}
