//! Colours: the palette that things are painted with, and the naming of what came out.

use std::sync::LazyLock;

use super::concepts::Color;
use super::dice::Dice;

/// Red, green, blue in 0..1, gamma-encoded as on a screen.
pub(super) type Rgb = [f32; 3];

/// A colour written as in a web page: `0xRRGGBB`.
pub(super) const fn hex(code: u32) -> Rgb {
    [
        (code >> 16 & 255) as f32 / 255.0,
        (code >> 8 & 255) as f32 / 255.0,
        (code & 255) as f32 / 255.0,
    ]
}

/// What things are painted with, whatever their class: colour must not give the class away.
pub(super) const PALETTE: [Rgb; 24] = [
    hex(0xc8_42_3f),
    hex(0xe9_76_5b),
    hex(0xee_9a_3a),
    hex(0xf2_c1_4e),
    hex(0xf6_dc_6b),
    hex(0xa7_c9_57),
    hex(0x5f_a0_5a),
    hex(0x38_66_41),
    hex(0x2a_9d_8f),
    hex(0x5c_c7_c0),
    hex(0x7d_b7_e8),
    hex(0x3d_78_c4),
    hex(0x2f_4b_7c),
    hex(0x7e_57_a6),
    hex(0xb7_9a_d6),
    hex(0xc2_51_8f),
    hex(0xf2_a0_b5),
    hex(0xf4_eb_d6),
    hex(0xfa_fa_f7),
    hex(0x9a_a0_a6),
    hex(0x4a_50_5a),
    hex(0x8a_5a_3c),
    hex(0xc9_a2_7a),
    hex(0x8a_2e_3e),
];

/// A colour of the palette that can be told from another: the best of four where need be.
pub(super) fn apart_from(dice: &mut Dice, other: Rgb) -> Rgb {
    // All are drawn before one is chosen: what comes after must not depend on the choice.
    let choice: [Rgb; 4] = std::array::from_fn(|_| dice.pick(PALETTE));
    let mut best = choice[0];
    for &next in &choice[1..] {
        if distance(best, other) > 0.4 {
            break;
        }
        if distance(next, other) > distance(best, other) {
            best = next;
        }
    }
    best
}

/// `a` towards `b` by `t`.
pub(super) fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

/// Darker below 1, lighter above.
pub(super) fn shade(a: Rgb, by: f32) -> Rgb {
    if by <= 1.0 { [a[0] * by, a[1] * by, a[2] * by] } else { mix(a, [1.0; 3], by - 1.0) }
}

/// How bright it looks, 0..1.
pub(super) fn luma(a: Rgb) -> f32 {
    0.3 * a[0] + 0.59 * a[1] + 0.11 * a[2]
}

/// How different two colours look, 0..3.
fn distance(a: Rgb, b: Rgb) -> f32 {
    let d = opponent([a[0] - b[0], a[1] - b[1], a[2] - b[2]]);
    (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt()
}

/// Lightness, red against green, yellow against blue; a linear stand-in for CIELAB, which needs
/// powers whose last bits differ between machines.
fn opponent(c: Rgb) -> Rgb {
    [1.2 * luma(c), c[0] - c[1], 0.6 * ((c[0] + c[1]) * 0.5 - c[2])]
}

/// The basic colour term of an 8-bit pixel.
///
/// Network Dissection names colours by a table of 32³ cells learnt from image searches (van de
/// Weijer et al. 2009). This is a stand-in with the same eleven terms and the same cells: each
/// cell has the term of the nearest of the focal colours below.
pub(super) fn name(pixel: [u8; 3]) -> Color {
    static TABLE: LazyLock<Vec<Color>> = LazyLock::new(|| {
        let level = |cell: usize| (cell as f32 * 8.0 + 4.0) / 255.0;
        let cells = 0..32 * 32 * 32;
        cells.map(|c| nearest([level(c >> 10), level(c >> 5 & 31), level(c & 31)])).collect()
    });
    let [r, g, b] = pixel.map(|level| usize::from(level >> 3));
    TABLE[r << 10 | g << 5 | b]
}

fn nearest(color: Rgb) -> Color {
    let mut best = (f32::INFINITY, Color::Black);
    for &(term, focal) in &FOCAL {
        let d = distance(color, hex(focal));
        if d < best.0 {
            best = (d, term);
        }
    }
    best.1
}

const FOCAL: [(Color, u32); 46] = [
    (Color::Black, 0x00_00_00),
    (Color::Black, 0x20_20_24),
    (Color::Grey, 0x50_50_54),
    (Color::Grey, 0x80_80_84),
    (Color::Grey, 0xa8_a8_ac),
    (Color::White, 0xff_ff_ff),
    (Color::White, 0xe6_e8_e8),
    (Color::White, 0xf8_f0_e0),
    (Color::Red, 0xe0_20_20),
    (Color::Red, 0xa8_18_20),
    (Color::Red, 0xc8_42_3f),
    (Color::Red, 0x70_14_20),
    (Color::Orange, 0xf0_80_20),
    (Color::Orange, 0xee_9a_3a),
    (Color::Orange, 0xe9_70_50),
    (Color::Yellow, 0xf0_e0_20),
    (Color::Yellow, 0xf6_dc_6b),
    (Color::Yellow, 0xd8_c0_30),
    (Color::Yellow, 0xf2_c4_50),
    (Color::Green, 0x20_a0_30),
    (Color::Green, 0x18_58_28),
    (Color::Green, 0x70_b0_50),
    (Color::Green, 0xa7_c9_57),
    (Color::Green, 0x38_66_41),
    (Color::Green, 0x2a_9d_7f),
    (Color::Green, 0x98_d8_98),
    (Color::Blue, 0x20_40_d0),
    (Color::Blue, 0x18_24_60),
    (Color::Blue, 0x3d_78_c4),
    (Color::Blue, 0x7d_b7_e8),
    (Color::Blue, 0xa8_d0_f0),
    (Color::Blue, 0x50_c0_d0),
    (Color::Blue, 0x2f_4b_7c),
    (Color::Purple, 0x80_30_b0),
    (Color::Purple, 0x50_20_70),
    (Color::Purple, 0x7e_57_a6),
    (Color::Purple, 0xb7_9a_d6),
    (Color::Pink, 0xf2_a0_b5),
    (Color::Pink, 0xf0_60_b0),
    (Color::Pink, 0xc2_51_8f),
    (Color::Pink, 0xf0_c8_d0),
    (Color::Brown, 0x8a_5a_3c),
    (Color::Brown, 0x58_34_1c),
    (Color::Brown, 0xb0_80_50),
    (Color::Brown, 0x70_50_40),
    (Color::Brown, 0xc9_a2_7a),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_colours_have_their_plain_names() {
        for (pixel, term) in [
            ([0, 0, 0], Color::Black),
            ([255, 255, 255], Color::White),
            ([128, 128, 128], Color::Grey),
            ([250, 10, 10], Color::Red),
            ([10, 200, 10], Color::Green),
            ([10, 10, 250], Color::Blue),
            ([250, 250, 10], Color::Yellow),
            ([255, 140, 0], Color::Orange),
            ([128, 0, 128], Color::Purple),
            ([255, 150, 180], Color::Pink),
            ([120, 70, 30], Color::Brown),
        ] {
            assert_eq!(name(pixel), term, "{pixel:?}");
        }
    }
}
