//! Flower, mushroom and tree, and the bush among the clutter.

use super::canvas::Brush;
use super::color::{Rgb, apart_from, hex, luma, mix, shade};
use super::concepts::{Material, Part, Texture};
use super::dice::{Dice, cos_sin};
use super::paint::Paint;
use super::path::{Path, Point};

const LEAVES: [Rgb; 5] =
    [hex(0x4f_96_4c), hex(0x6f_ae_45), hex(0x2f_75_48), hex(0x8d_b0_3f), hex(0x3d_8a_70)];

pub(super) fn flower(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let seed = dice.bits();
    let green = dice.pick(LEAVES);
    let stem = Paint::new(green, Material::Foliage).seeded(seed);
    let sway = dice.range(-0.2, 0.2);
    let head = [sway, dice.range(-0.46, -0.32)];
    brush.fill(Part::Stem, stem, &Path::curve(head, [sway, 0.4], [0.0, 1.0], 0.11));
    for (side, y) in [(-1.0, dice.range(0.35, 0.6)), (1.0, dice.range(0.3, 0.7))] {
        let leaf = [
            [0.0, y + 0.3],
            [0.3 * side, y - 0.2],
            [0.72 * side, y - 0.22],
            [0.4 * side, y + 0.22],
        ];
        brush.fill(Part::Leaf, stem.plain(shade(green, 1.12)), &Path::smooth(&leaf));
    }
    let petal = Paint::new(color, Material::Foliage).seeded(seed);
    if dice.chance(0.3) {
        return tulip(brush, petal, accent, head);
    }
    let count = 5 + dice.below(5);
    let (long, wide) = (dice.range(0.26, 0.34), 1.15 / count as f32);
    let turn = dice.unit();
    for i in 0..count {
        let angle = turn + i as f32 / count as f32;
        let (c, s) = cos_sin(angle);
        let at = [head[0] + c * 0.34, head[1] + s * 0.34];
        let tone = if i % 2 == 0 { 1.0 } else { 0.86 };
        let outline = Path::turned_ellipse(at, long, wide.min(0.24), angle);
        brush.fill(Part::Petal, petal.plain(shade(color, tone)).round(), &outline);
    }
    let center = Paint::new(accent, Material::Foliage).seeded(seed).round();
    let center = center.with(Texture::Flecked, shade(accent, 0.6), 0.16);
    brush.fill(Part::Center, center, &Path::circle(head, dice.range(0.17, 0.26)));
}

fn tulip(brush: &mut Brush, petal: Paint, accent: Rgb, head: Point) {
    let at = |x: f32, y: f32| [head[0] + x, head[1] + y];
    let back = [at(0.0, 0.3), at(-0.22, -0.3), at(0.0, -0.72), at(0.22, -0.3)];
    brush.fill(
        Part::Petal,
        petal.plain(mix(shade(petal.color, 0.72), accent, 0.25)),
        &Path::smooth(&back),
    );
    for side in [-1.0, 1.0] {
        let x = |v: f32| v * side;
        let front = [
            at(x(-0.1), 0.42),
            at(x(0.5), 0.4),
            at(x(0.52), -0.3),
            at(x(0.5), -0.78),
            at(x(0.1), -0.3),
            at(x(-0.1), 0.1),
        ];
        let tone = if side > 0.0 { 1.0 } else { 0.86 };
        brush.fill(
            Part::Petal,
            petal.plain(shade(petal.color, tone)).round(),
            &Path::smooth(&front),
        );
    }
}

pub(super) fn mushroom(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let pale = mix(hex(0xf3_ea_d8), color, dice.range(0.0, 0.25));
    let seed = dice.bits();
    let (wide, thin) = (dice.range(0.24, 0.36), dice.range(0.18, 0.26));
    let stem = [
        [-thin, -0.3],
        [-thin, 0.3],
        [-wide - 0.08, 1.08],
        [wide + 0.08, 1.08],
        [thin, 0.3],
        [thin, -0.3],
    ];
    let flesh = Paint::new(pale, Material::Skin).seeded(seed);
    brush.fill(Part::Stem, flesh.tube(), &Path::smooth(&stem));
    if dice.chance(0.4) {
        let ring = Path::ellipse([0.0, 0.3], thin + 0.12, 0.1);
        brush.fill(Part::Stem, flesh.plain(shade(pale, 0.86)), &ring);
    }
    let high = dice.range(0.8, 1.15);
    let span = dice.range(0.84, 1.0);
    let gills =
        flesh.plain(shade(pale, 0.82)).with(Texture::Striped, shade(pale, 0.55), 0.16).upright();
    brush.fill(Part::Gills, gills, &Path::ellipse([0.0, 0.06], span * 0.84, 0.17));
    let cap = [
        [-span * 1.1, 0.18],
        [-span, -high * 0.5],
        [-0.35, -high * 1.1],
        [0.35, -high * 1.1],
        [span, -high * 0.5],
        [span * 1.1, 0.18],
        [0.0, -0.1],
    ];
    let top = Paint::new(color, Material::Skin).seeded(seed).round();
    brush.fill(Part::Cap, top, &Path::smooth(&cap));
    let spot = top.plain(if luma(color) > 0.75 { shade(color, 0.6) } else { hex(0xfb_f6_ea) });
    if dice.chance(0.7) {
        for (x, y, r) in
            [(-0.5, 0.28, 0.13), (0.05, 0.55, 0.17), (0.55, 0.26, 0.11), (0.1, 0.15, 0.1)]
        {
            let at = [x * span + dice.range(-0.08, 0.08), -y * high + dice.range(-0.04, 0.04)];
            brush.fill(Part::Cap, spot, &Path::ellipse(at, r, r * 0.8));
        }
    }
}

pub(super) fn tree(brush: &mut Brush, dice: &mut Dice) {
    let seed = dice.bits();
    let bark = dice.pick([hex(0x7a_52_36), hex(0x5d_44_36), hex(0x9a_7a_5c), hex(0x6e_5f_56)]);
    let leaf = if dice.chance(0.55) { dice.pick(LEAVES) } else { brush.color(dice) };
    let trunk = Paint::new(bark, Material::Wood).upright().tube().seeded(seed);
    let crown = Paint::new(leaf, Material::Foliage).seeded(seed);
    let w = dice.range(0.1, 0.17);
    let outline =
        [[-w, -0.2], [w, -0.2], [w * 1.1, 0.6], [w * 2.2, 1.0], [-w * 2.2, 1.0], [-w * 1.1, 0.6]];
    brush.fill(Part::Trunk, trunk, &Path::polygon(&outline));
    match dice.below(3) {
        0 => {
            // A conifer, its tiers from below upwards.
            let tiers = 3 + dice.below(2);
            for i in 0..tiers {
                let t = i as f32 / tiers as f32;
                let (half, low) = (0.74 * (1.0 - 0.72 * t), 0.62 - 1.3 * t);
                let high = (low - 0.85).max(-1.05);
                let tier = [
                    [-half, low],
                    [0.0, low + 0.12],
                    [half, low],
                    [half * 0.2, high],
                    [-half * 0.2, high],
                ];
                let tone = 0.84 + 0.26 * t;
                brush.fill(Part::Crown, crown.plain(shade(leaf, tone)), &Path::polygon(&tier));
            }
        }
        1 => {
            // A poplar or a small round tree.
            let (rx, ry) = dice.pick([(0.5, 0.82), (0.66, 0.72), (0.42, 0.85)]);
            brush.fill(Part::Crown, crown.round(), &Path::ellipse([0.0, -0.2], rx, ry));
        }
        _ => {
            for side in [-1.0, 1.0] {
                let branch = Path::stroke(&[[0.0, 0.35], [0.4 * side, -0.1]], 0.1);
                brush.fill(Part::Trunk, trunk, &branch);
            }
            let mut clumps =
                [[-0.5, -0.05], [0.52, -0.08], [-0.3, -0.5], [0.36, -0.52], [0.0, -0.2]];
            for at in &mut clumps {
                *at = [at[0] + dice.range(-0.08, 0.08), at[1] + dice.range(-0.08, 0.08)];
            }
            for (i, &at) in clumps.iter().enumerate() {
                let tone = 0.84 + 0.07 * i as f32;
                let paint = crown.plain(shade(leaf, tone)).round();
                brush.fill(Part::Crown, paint, &Path::circle(at, dice.range(0.4, 0.5)));
            }
        }
    }
    if dice.chance(0.25) {
        let fruit = apart_from(dice, leaf);
        for _ in 0..6 {
            let at = [dice.range(-0.4, 0.4), dice.range(-0.6, 0.1)];
            brush.fill(Part::Crown, crown.plain(fruit).round(), &Path::circle(at, 0.09));
        }
    }
}

pub(super) fn bush(brush: &mut Brush, dice: &mut Dice) {
    let leaf = dice.pick(LEAVES);
    let paint = Paint::new(leaf, Material::Foliage).seeded(dice.bits());
    for (x, y, r) in [(-0.55, 0.6, 0.45), (0.55, 0.62, 0.42), (0.0, 0.4, 0.62)] {
        let tone = dice.range(0.82, 1.05);
        let outline = Path::circle([x, y], r);
        brush.fill(Part::Leaf, paint.plain(shade(leaf, tone)).round(), &outline);
    }
}
