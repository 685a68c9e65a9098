//! House, cup, teapot, umbrella, table lamp and clock, and the clutter: rock, ball, crate, fence.

use super::canvas::Brush;
use super::color::{Rgb, apart_from, hex, luma, mix, shade};
use super::concepts::{Material, Part, Texture};
use super::dice::{Dice, cos_sin};
use super::paint::Paint;
use super::path::Path;

const DARK: Rgb = hex(0x2b_2d_34);

/// One of the patterns that cloth and china are printed with, or none.
fn printed(paint: Paint, accent: Rgb, dice: &mut Dice) -> Paint {
    let period = dice.range(0.26, 0.42);
    match dice.below(8) {
        0 => paint.with(Texture::Striped, accent, period),
        1 => paint.with(Texture::Striped, accent, period).upright(),
        2 => paint.with(Texture::Dotted, accent, period),
        3 => paint.with(Texture::Chequered, accent, period),
        4 => paint.with(Texture::Zigzagged, accent, period),
        5 => paint.with(Texture::Wavy, accent, period),
        _ => paint,
    }
}

pub(super) fn house(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let roof_color = apart_from(dice, color);
    let door_color = apart_from(dice, color);
    let seed = dice.bits();
    let wall = match dice.below(4) {
        0 => Paint::new(color, Material::Stone).with(Texture::Bricked, shade(color, 1.35), 0.17),
        1 => Paint::new(color, Material::Wood).with(Texture::Striped, shade(color, 0.8), 0.2),
        _ => Paint::new(color, Material::Plaster),
    };
    let wall = wall.seeded(seed);
    let (w, eaves) = (dice.range(0.7, 0.84), dice.range(-0.2, 0.02));
    if dice.chance(0.7) {
        let x = dice.pick([-0.5, 0.42]);
        let brick = Paint::new(hex(0xa0_5a_48), Material::Stone);
        let brick = brick.with(Texture::Bricked, hex(0xc9_a0_90), 0.14);
        brush.fill(Part::Chimney, brick, &Path::rect(x - 0.1, -0.95, x + 0.12, eaves));
    }
    brush.fill(Part::Wall, wall, &Path::rect(-w, eaves - 0.05, w, 1.0));
    let ridge = dice.range(-0.95, -0.75);
    let flat = dice.pick([0.0, 0.0, 0.38]);
    let roof = [[-w - 0.16, eaves], [-flat, ridge], [flat, ridge], [w + 0.16, eaves]];
    let tiles = Paint::new(roof_color, Material::Ceramic).seeded(seed);
    let tiles = match dice.below(3) {
        0 => tiles.with(Texture::Scaly, shade(roof_color, 0.65), 0.2),
        1 => tiles.with(Texture::Striped, shade(roof_color, 0.74), 0.17),
        _ => tiles,
    };
    brush.fill(Part::Roof, tiles, &Path::polygon(&roof));
    let (door_x, window_xs): (f32, &[f32]) = match dice.below(3) {
        0 => (0.0, &[-0.46, 0.46]),
        1 => (-0.38, &[0.26]),
        _ => (0.38, &[-0.34]),
    };
    let door = Paint::new(door_color, Material::Wood).upright().seeded(seed);
    brush.fill(Part::Door, door, &Path::rounded(door_x - 0.16, 0.4, door_x + 0.16, 1.0, 0.04));
    let knob = Paint::new(hex(0xf0_d0_70), Material::Metal);
    brush.fill(Part::Handle, knob, &Path::circle([door_x + 0.09, 0.72], 0.045));
    let lit = dice.chance(0.3);
    let pane = if lit {
        Paint::new(hex(0xff_e0_8a), Material::Glass).glowing()
    } else {
        Paint::new(hex(0x9c_c6_d8), Material::Glass).seeded(seed)
    };
    let frame = Paint::new(
        if luma(color) > 0.7 { hex(0x6b_50_40) } else { hex(0xf5_f0_e6) },
        Material::Wood,
    );
    let size = if window_xs.len() == 1 { 0.24 } else { 0.17 };
    for &x in window_xs {
        let (y0, y1) = (0.36 - size, 0.36 + size);
        brush.fill(Part::Frame, frame, &Path::rect(x - size, y0, x + size, y1));
        let t = 0.05;
        brush.fill(Part::Window, pane, &Path::rect(x - size + t, y0 + t, x - t * 0.5, y1 - t));
        brush.fill(Part::Window, pane, &Path::rect(x + t * 0.5, y0 + t, x + size - t, y1 - t));
    }
    if dice.chance(0.4) {
        let at = [0.0, (eaves + ridge) * 0.5 + 0.08];
        brush.fill(Part::Window, pane, &Path::circle(at, 0.13));
    }
}

pub(super) fn cup(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let seed = dice.bits();
    let china = Paint::new(color, Material::Ceramic).seeded(seed);
    let (top, low) = (dice.range(0.56, 0.7), dice.range(0.34, 0.56));
    let rim = dice.range(-0.62, -0.4);
    let floor = if dice.chance(0.5) {
        brush.fill(
            Part::Saucer,
            china.plain(mix(color, accent, 0.2)),
            &Path::ellipse([-0.05, 0.82], 0.98, 0.17),
        );
        brush.fill(
            Part::Saucer,
            china.plain(shade(color, 0.72)),
            &Path::ellipse([-0.05, 0.79], 0.6, 0.09),
        );
        0.82
    } else {
        0.92
    };
    let middle = (rim + floor) * 0.42;
    let ring = Path::ellipse([top - 0.06, middle], 0.4, 0.36);
    let ring = ring.minus(&Path::ellipse([top - 0.06, middle], 0.25, 0.22));
    brush.fill(Part::Handle, china, &ring);
    // Straight or round walls: the half width falls from the rim to the floor.
    let bulge = dice.range(0.0, 1.0);
    let mut body = [[0.0; 2]; 14];
    for i in 0..7 {
        let t = i as f32 / 6.0;
        let straight = top + (low - top) * t;
        let round = top * (1.0 - 0.8 * t * t * t).max(0.0).sqrt();
        let half = straight + (round - straight) * bulge;
        body[i] = [-half, rim + (floor - rim) * t];
        body[13 - i] = [half, rim + (floor - rim) * t];
    }
    let body = Path::polygon(&body);
    brush.fill(Part::Body, printed(china, accent, dice).tube(), &body);
    brush.fill(Part::Rim, china.plain(shade(color, 1.25)), &Path::ellipse([0.0, rim], top, 0.17));
    let drink = dice.pick([hex(0x5a_36_22), hex(0xa8_5c_24), hex(0x3b_28_1e), hex(0xd9_b8_8a)]);
    let inside = Path::ellipse([0.0, rim + 0.02], top * 0.86, 0.12);
    brush.fill(Part::Rim, Paint::new(drink, Material::Water), &inside);
}

pub(super) fn teapot(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let seed = dice.bits();
    let material = if dice.chance(0.25) { Material::Metal } else { Material::Ceramic };
    let china = Paint::new(color, material).seeded(seed);
    let tall = dice.range(0.5, 0.64);
    let center = [-0.04, 0.28];
    let ring = Path::ellipse([-0.6, 0.16], 0.38, 0.42);
    let ring = ring.minus(&Path::ellipse([-0.58, 0.16], 0.24, 0.28));
    brush.fill(Part::Handle, china, &ring);
    let spout = [
        [0.4, 0.62],
        [0.36, 0.16],
        [0.7, 0.1],
        [0.78, -0.36],
        [1.04, -0.34],
        [0.92, 0.3],
        [0.62, 0.6],
    ];
    brush.fill(Part::Spout, china, &Path::smooth(&spout));
    brush.fill(
        Part::Base,
        china.plain(shade(color, 0.72)),
        &Path::rounded(-0.4, 0.74, 0.34, 0.92, 0.06),
    );
    let body = Path::ellipse(center, 0.62, tall);
    brush.fill(Part::Body, printed(china, accent, dice).round(), &body);
    let lid = Path::ellipse([-0.04, 0.3 - tall], 0.36, 0.16);
    let lid_color = if dice.chance(0.5) { accent } else { shade(color, 0.9) };
    brush.fill(Part::Lid, china.plain(lid_color).round(), &lid);
    brush.fill(Part::Lid, china.plain(lid_color).round(), &Path::circle([-0.04, 0.1 - tall], 0.12));
}

pub(super) fn umbrella(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let seed = dice.bits();
    let wood = Paint::new(hex(0x8a_5e_3c), Material::Wood).upright();
    let metal = Paint::new(hex(0x8d_93_9a), Material::Metal);
    brush.fill(Part::Shaft, metal, &Path::rect(-0.04, -0.95, 0.045, 0.7));
    let hook = if dice.chance(0.75) {
        Path::stroke(&[[0.0, 0.55], [0.0, 0.8], [0.08, 0.93], [0.2, 0.95], [0.3, 0.84]], 0.12)
    } else {
        Path::stroke(&[[0.0, 0.6], [0.0, 0.95]], 0.17)
    };
    brush.fill(Part::Handle, wood, &hook);
    let low = dice.range(-0.02, 0.14);
    let panels = if dice.chance(0.5) { 4 } else { 5 };
    let cloth = Paint::new(color, Material::Fabric).seeded(seed);
    let mode = dice.below(3);
    let whole = printed(cloth, accent, dice);
    let x_at = |i: usize| -1.0 + 2.0 * i as f32 / panels as f32;
    for i in 0..panels {
        let (a, b) = (x_at(i), x_at(i + 1));
        let mut points = Vec::with_capacity(20);
        // From the tip along one rib, the scalloped hem, and back along the other rib.
        for k in 0..=6 {
            points.push(rib(a, low, k as f32 / 6.0));
        }
        for k in 1..5 {
            let t = k as f32 / 5.0;
            points.push([a + (b - a) * t, low - 0.4 * t * (1.0 - t)]);
        }
        for k in (0..=6).rev() {
            points.push(rib(b, low, k as f32 / 6.0));
        }
        let tone = 0.84 + 0.2 * ((i + 1) as f32 / panels as f32);
        let panel = match mode {
            0 if i % 2 == 1 => cloth.plain(accent),
            1 => whole,
            _ => cloth.plain(shade(color, tone)),
        };
        brush.fill(Part::Canopy, panel, &Path::polygon(&points));
    }
    brush.fill(Part::Shaft, metal, &Path::rect(-0.035, -1.02, 0.035, -0.86));
}

/// A point of the umbrella's rib that ends at `x`, from the tip (0) to the hem (1).
fn rib(x: f32, low: f32, t: f32) -> [f32; 2] {
    let (c, s) = cos_sin(t * 0.25);
    [x * s, low - (low + 0.88) * c]
}

pub(super) fn lamp(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let foot = apart_from(dice, color);
    let accent = apart_from(dice, color);
    let seed = dice.bits();
    let on = dice.chance(0.5);
    let stand = dice.pick([Material::Ceramic, Material::Wood, Material::Metal]);
    let stand = Paint::new(foot, stand).upright().seeded(seed);
    brush.fill(Part::Base, stand, &Path::rounded(-0.44, 0.86, 0.44, 1.0, 0.06));
    match dice.below(3) {
        0 => brush.fill(Part::Stem, stand.tube(), &Path::rect(-0.07, -0.1, 0.07, 0.9)),
        1 => {
            brush.fill(Part::Stem, stand.tube(), &Path::rect(-0.06, -0.1, 0.06, 0.9));
            brush.fill(Part::Stem, stand.round(), &Path::ellipse([0.0, 0.56], 0.3, 0.33));
        }
        _ => {
            let vase = [
                [-0.1, 0.0],
                [-0.1, 0.2],
                [-0.44, 0.5],
                [-0.2, 0.95],
                [0.2, 0.95],
                [0.44, 0.5],
                [0.1, 0.2],
                [0.1, 0.0],
            ];
            brush.fill(Part::Stem, stand.round(), &Path::smooth(&vase));
        }
    }
    let (top, low) = (dice.range(0.26, 0.5), dice.range(0.68, 0.84));
    let hem = dice.range(0.02, 0.16);
    let cloth = printed(Paint::new(color, Material::Fabric).seeded(seed), accent, dice).tube();
    let shade_path = Path::polygon(&[[-top, -0.95], [top, -0.95], [low, hem], [-low, hem]]);
    if on {
        brush.glow([0.0, 0.1], 1.5, hex(0xff_e8_a8), 0.45);
        let warm = |c: Rgb| mix(c, hex(0xff_f0_c0), 0.4);
        let bright = Paint { color: warm(cloth.color), accent: warm(cloth.accent), ..cloth };
        brush.fill(Part::Shade, bright.glowing(), &shade_path);
    } else {
        brush.fill(Part::Shade, cloth, &shade_path);
    }
    let band = cloth.plain(shade(color, 0.62));
    brush.fill(
        Part::Shade,
        band,
        &Path::polygon(&[
            [-low + 0.03, hem - 0.08],
            [low - 0.03, hem - 0.08],
            [low, hem],
            [-low, hem],
        ]),
    );
}

pub(super) fn clock(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let seed = dice.bits();
    let kind = dice.below(3);
    let material = dice.pick([Material::Metal, Material::Wood, Material::Ceramic]);
    let case = Paint::new(color, material).seeded(seed);
    let (center, r) = if kind == 1 { ([0.0, -0.05], 0.6) } else { ([0.0, 0.1], 0.76) };
    match kind {
        0 => {
            // An alarm clock: two bells, two feet.
            for side in [-1.0, 1.0] {
                let foot = Path::stroke(&[[0.4 * side, 0.6], [0.6 * side, 0.96]], 0.14);
                brush.fill(Part::Leg, case.plain(shade(color, 0.7)), &foot);
                let bell = Path::turned_ellipse([0.46 * side, -0.66], 0.3, 0.22, 0.1 * side);
                brush.fill(Part::Bell, Paint::new(accent, Material::Metal).round(), &bell);
            }
            brush.fill(Part::Case, case.round(), &Path::circle(center, r));
        }
        1 => {
            // A mantel clock: a board with a round head.
            brush.fill(
                Part::Base,
                case.plain(shade(color, 0.7)),
                &Path::rounded(-0.9, 0.82, 0.9, 1.0, 0.05),
            );
            let board = Path::rect(-0.72, -0.05, 0.72, 0.84).with(&Path::circle([0.0, -0.1], 0.72));
            brush.fill(Part::Case, case, &board);
        }
        _ => brush.fill(Part::Case, case, &Path::circle(center, r + 0.1)),
    }
    let face = if dice.chance(0.75) { hex(0xfb_f7_ea) } else { mix(accent, [1.0; 3], 0.3) };
    let ink = if luma(face) > 0.45 { DARK } else { hex(0xf8_f8_f0) };
    let paper = Paint::new(face, Material::Paper);
    brush.fill(Part::Dial, paper, &Path::circle(center, r * 0.82));
    let marks = if dice.chance(0.5) { 12 } else { 4 };
    for i in 0..marks {
        let (c, s) = cos_sin(i as f32 / marks as f32);
        let at = |k: f32| [center[0] + c * r * k, center[1] + s * r * k];
        let width = if i % (marks / 4) == 0 { 0.085 } else { 0.05 };
        brush.fill(Part::Dial, paper.plain(ink), &Path::stroke(&[at(0.66), at(0.72)], width));
    }
    // The hour hand goes with the minutes, as on a real clock.
    let minutes = dice.unit();
    let hours = (dice.below(12) as f32 + minutes) / 12.0;
    let pointer = Paint::new(ink, Material::Metal);
    for (turns, reach, width) in [(hours, 0.42, 0.12), (minutes, 0.64, 0.085)] {
        let (c, s) = cos_sin(turns - 0.25);
        let tip = [center[0] + c * r * reach, center[1] + s * r * reach];
        brush.fill(Part::Hand, pointer, &Path::stroke(&[center, tip], width));
    }
    brush.fill(Part::Hand, pointer.plain(accent), &Path::circle(center, 0.08));
}

pub(super) fn rock(brush: &mut Brush, dice: &mut Dice) {
    let color = dice.pick([hex(0x8c_8a_86), hex(0x70_6c_68), hex(0xa3_98_88), hex(0x7d_84_8c)]);
    let mut corner = |x: f32, y: f32| [x + dice.range(-0.15, 0.15), y + dice.range(-0.15, 0.15)];
    let outline = [
        corner(-0.85, 0.9),
        corner(-0.75, 0.3),
        corner(-0.2, 0.0),
        corner(0.45, 0.1),
        corner(0.85, 0.5),
        corner(0.8, 0.9),
    ];
    let seed = dice.bits();
    brush.fill(
        Part::Body,
        Paint::new(color, Material::Stone).seeded(seed).round(),
        &Path::polygon(&outline),
    );
}

pub(super) fn ball(brush: &mut Brush, dice: &mut Dice) {
    let color = brush.color(dice);
    let accent = apart_from(dice, color);
    let paint =
        Paint::new(color, Material::Rubber).with(Texture::Striped, accent, dice.range(0.5, 0.8));
    brush.fill(Part::Body, paint.round(), &Path::circle([0.0, 0.35], 0.62));
}

pub(super) fn crate_box(brush: &mut Brush, dice: &mut Dice) {
    let color = dice.pick([hex(0xb0_85_57), hex(0x96_6c_44), hex(0xc4_a0_70)]);
    let wood = Paint::new(color, Material::Wood).seeded(dice.bits());
    brush.fill(Part::Body, wood, &Path::rect(-0.7, -0.4, 0.7, 1.0));
    let slat = wood.plain(shade(color, 0.72));
    let frame = Path::rect(-0.7, -0.4, 0.7, 1.0).minus(&Path::rect(-0.52, -0.22, 0.52, 0.82));
    let cross = Path::stroke(&[[-0.6, -0.3], [0.6, 0.9]], 0.16);
    brush.fill(Part::Frame, slat, &frame);
    brush.fill(Part::Frame, slat, &cross);
}

pub(super) fn fence(brush: &mut Brush, dice: &mut Dice) {
    let color = dice.pick([hex(0xf2_ee_e2), hex(0x9a_72_4c), hex(0x6d_7f_8c)]);
    let wood = Paint::new(color, Material::Wood).upright().seeded(dice.bits());
    for y in [0.25, 0.7] {
        brush.fill(
            Part::Frame,
            wood.plain(shade(color, 0.82)),
            &Path::rect(-1.0, y - 0.08, 1.0, y + 0.08),
        );
    }
    for i in 0..4 {
        let x = -0.84 + 0.56 * i as f32;
        let board =
            [[x - 0.15, 1.0], [x - 0.15, -0.1], [x, -0.3], [x + 0.15, -0.1], [x + 0.15, 1.0]];
        brush.fill(Part::Pane, wood, &Path::polygon(&board));
    }
}
