//! A picture with what drives a neuron made visible (SCIENCE §3, "driving region"): the one copy of
//! that look, for figures, the report and the screen.

use crate::run::results::neurons::Strip;

/// How a driving region is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// Kept as it is; the rest of the picture is dimmed to [`DIMMED`] (the look of the paper).
    Lit,
    /// A line around it.
    Contour,
    /// Cut out: the smallest square that holds it with some air, within the picture.
    Crop,
}

impl Look {
    /// As the command line has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lit => "lit",
            Self::Contour => "contour",
            Self::Crop => "crop",
        }
    }
}

/// What is left of the brightness outside the region, of 1 (SCIENCE §3).
pub const DIMMED: f32 = 0.2;

/// The contour's line: on the region's outermost pixels.
pub const LINE: [u8; 3] = [255, 214, 0];

/// Beside the line, on the first pixels outside the region: keeps it visible on bright pictures.
pub const EDGE: [u8; 3] = [0, 0, 0];

// Below this side a second line would hide more of the picture than it helps.
const EDGE_FROM: usize = 64;

// Air around what is cut out, as a share of its larger side.
const MARGIN: f64 = 0.1;

// At least this share of the picture is cut out: fewer pixels show nothing.
const LEAST_CUT: usize = 8;

/// The same picture, row by row, with its region made visible, and its width and height, which only
/// [`Look::Crop`] changes. `tile` is the picture's own tile of a [`Strip`], one byte a pixel, row by
/// row; pixels that it lacks are outside the region. `line`: pixels of a contour's width, at least 1.
///
/// Where nothing is lit, [`Look::Contour`] draws nothing and [`Look::Crop`] has nothing to cut out:
/// it gives the whole picture dimmed, as [`Look::Lit`] does.
pub fn look(
    pixels: &[[u8; 3]],
    width: usize,
    height: usize,
    tile: &[u8],
    look: Look,
    line: usize,
) -> (Vec<[u8; 3]>, usize, usize) {
    let region = Region { tile, width, height };
    match look {
        Look::Lit => (lit(pixels, tile), width, height),
        Look::Contour => (contour(pixels, region, line.max(1)), width, height),
        Look::Crop => match region.bounds() {
            Some(bounds) => crop(pixels, width, bounds.squared(width, height)),
            None => (lit(pixels, tile), width, height),
        },
    }
}

/// Whether a byte of a tile drives the neuron.
fn is_lit(byte: u8) -> bool {
    byte & Strip::LIT != 0
}

#[derive(Clone, Copy)]
struct Region<'a> {
    tile: &'a [u8],
    width: usize,
    height: usize,
}

/// From the first column and row to before the last ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Bounds {
    /// A square around them, with air, that lies within a picture of this size. As much of them as
    /// that can hold.
    fn squared(self, width: usize, height: usize) -> Self {
        let Self { left, top, right, bottom } = self;
        let smaller = width.min(height);
        let larger = (right - left).max(bottom - top);
        let air = (larger as f64 * MARGIN).ceil() as usize;
        let side = (larger + 2 * air).max(smaller.div_ceil(LEAST_CUT)).min(smaller);
        let start = |from: usize, to: usize, of: usize| {
            usize::midpoint(from, to).saturating_sub(side / 2).min(of - side)
        };
        let (left, top) = (start(left, right, width), start(top, bottom, height));
        Self { left, top, right: left + side, bottom: top + side }
    }
}

impl Region<'_> {
    fn lit(self, x: usize, y: usize) -> bool {
        self.tile.get(y * self.width + x).is_some_and(|byte| is_lit(*byte))
    }

    fn bounds(self) -> Option<Bounds> {
        let mut bounds: Option<Bounds> = None;
        for y in 0..self.height {
            for x in (0..self.width).filter(|x| self.lit(*x, y)) {
                let old = bounds.unwrap_or(Bounds { left: x, top: y, right: x, bottom: y });
                bounds = Some(Bounds {
                    left: old.left.min(x),
                    top: old.top,
                    right: old.right.max(x + 1),
                    bottom: y + 1,
                });
            }
        }
        bounds
    }

    /// For every pixel, how many of those at most `reach` away, across and down, are lit; of itself
    /// and those on the picture.
    fn lit_near(self, reach: usize) -> Vec<usize> {
        let (width, height) = (self.width, self.height);
        let mut counts = vec![0; width * height];
        // Across, then down: running sums make it the same work at every reach.
        for y in 0..height {
            let line = (0..width).map(|x| usize::from(self.lit(x, y)));
            for (x, sum) in window_sums(line, reach).enumerate() {
                counts[y * width + x] = sum;
            }
        }
        for x in 0..width {
            let column: Vec<usize> = (0..height).map(|y| counts[y * width + x]).collect();
            for (y, sum) in window_sums(column.into_iter(), reach).enumerate() {
                counts[y * width + x] = sum;
            }
        }
        counts
    }

    /// How many pixels [`Self::lit_near`] looks at where the picture goes on to all sides.
    fn area(reach: usize) -> usize {
        (2 * reach + 1) * (2 * reach + 1)
    }
}

/// For each place the sum of the values at most `reach` away; beyond the ends there is nothing.
fn window_sums(values: impl Iterator<Item = usize>, reach: usize) -> impl Iterator<Item = usize> {
    // `before[n]`: the sum of the first n.
    let mut before = vec![0];
    let mut sum = 0;
    before.extend(values.map(|value| {
        sum += value;
        sum
    }));
    let count = before.len() - 1;
    (0..count).map(move |at| before[(at + reach + 1).min(count)] - before[at.saturating_sub(reach)])
}

fn lit(pixels: &[[u8; 3]], tile: &[u8]) -> Vec<[u8; 3]> {
    let dim = |level: u8| (f32::from(level) * DIMMED).round() as u8;
    let pixels = pixels.iter().enumerate();
    pixels
        .map(|(at, pixel)| match tile.get(at) {
            Some(byte) if is_lit(*byte) => *pixel,
            _ => pixel.map(dim),
        })
        .collect()
}

fn contour(pixels: &[[u8; 3]], region: Region<'_>, line: usize) -> Vec<[u8; 3]> {
    let has_edge = region.width.min(region.height) >= EDGE_FROM;
    let inside = region.lit_near(line);
    let edge = (line / 2).max(1);
    let outside = if has_edge { region.lit_near(edge) } else { Vec::new() };
    let color = |at: usize, pixel: [u8; 3]| {
        if region.tile.get(at).is_some_and(|byte| is_lit(*byte)) {
            // One of its neighbours is dark, or off the picture, where nothing is lit.
            if inside.get(at).is_some_and(|lit| *lit < Region::area(line)) { LINE } else { pixel }
        } else if outside.get(at).is_some_and(|lit| *lit > 0) {
            EDGE
        } else {
            pixel
        }
    };
    pixels.iter().enumerate().map(|(at, pixel)| color(at, *pixel)).collect()
}

fn crop(pixels: &[[u8; 3]], width: usize, bounds: Bounds) -> (Vec<[u8; 3]>, usize, usize) {
    let Bounds { left, top, right, bottom } = bounds;
    let rows = (top..bottom)
        .filter_map(|row| pixels.get(row * width + left..row * width + right))
        .flatten();
    (rows.copied().collect(), right - left, bottom - top)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A picture whose every pixel differs, and a tile in which `#` is lit.
    fn drawn(rows: &[&str]) -> (Vec<[u8; 3]>, Vec<u8>, usize, usize) {
        let tile: Vec<u8> = rows
            .iter()
            .flat_map(|row| row.bytes().map(|b| 5 | (u8::from(b == b'#') << 7)))
            .collect();
        let pixels = (0..tile.len()).map(|at| [at as u8 + 100, 50, 10]).collect();
        (pixels, tile, rows[0].len(), rows.len())
    }

    #[test]
    fn the_rest_of_a_lit_picture_is_dimmed_to_a_fifth() {
        let (pixels, tile, width, height) = drawn(&["#.", ".."]);
        let (out, ..) = look(&pixels, width, height, &tile, Look::Lit, 1);
        assert_eq!(out, [[100, 50, 10], [20, 10, 2], [20, 10, 2], [21, 10, 2]]);
    }

    #[test]
    fn a_crop_is_a_square_around_all_that_is_lit_with_air() {
        let (pixels, tile, width, height) =
            drawn(&["......", ".##...", "...#..", "......", "......"]);
        let (out, width, height) = look(&pixels, width, height, &tile, Look::Crop, 1);
        // Three columns and a pixel of air on either side.
        assert_eq!((width, height), (5, 5));
        assert_eq!((out[0][0] - 100, out[24][0] - 100), (0, 28));
        let (pixels, tile, width, height) = drawn(&["#####", "#####", "....."]);
        let (_, width, height) = look(&pixels, width, height, &tile, Look::Crop, 1);
        assert_eq!((width, height), (3, 3), "no square within the picture holds it");
    }

    #[test]
    fn a_contour_lies_on_the_regions_rim_alone() {
        let (pixels, tile, width, height) = drawn(&[".....", ".###.", ".###.", ".###.", "....."]);
        let (out, ..) = look(&pixels, width, height, &tile, Look::Contour, 1);
        let on: Vec<usize> = (0..25).filter(|at| out[*at] == LINE).collect();
        assert_eq!(on, [6, 7, 8, 11, 13, 16, 17, 18]);
        assert!((0..25).filter(|at| !on.contains(at)).all(|at| out[at] == pixels[at]));
    }

    #[test]
    fn a_region_at_the_pictures_rim_has_a_closed_contour() {
        let (pixels, tile, width, height) = drawn(&["###", "###", "###"]);
        let (out, ..) = look(&pixels, width, height, &tile, Look::Contour, 1);
        assert_eq!(out.iter().filter(|pixel| **pixel == LINE).count(), 8);
        assert_eq!(out[4], pixels[4]);
    }

    #[test]
    fn large_pictures_have_a_dark_edge_beside_the_line() {
        let mut tile = vec![0; 64 * 64];
        tile[32 * 64 + 32] = Strip::LIT;
        let (out, ..) = look(&vec![[200; 3]; 64 * 64], 64, 64, &tile, Look::Contour, 1);
        assert_eq!(out[32 * 64 + 32], LINE);
        assert_eq!(out.iter().filter(|pixel| **pixel == EDGE).count(), 8);
    }

    #[test]
    fn where_nothing_is_lit_a_crop_is_the_dimmed_picture() {
        let (pixels, tile, width, height) = drawn(&["..", ".."]);
        let crop = look(&pixels, width, height, &tile, Look::Crop, 1);
        assert_eq!(crop, look(&pixels, width, height, &tile, Look::Lit, 1));
        assert_eq!(look(&pixels, width, height, &tile, Look::Contour, 1).0, pixels);
    }

    #[test]
    fn a_wide_line_costs_no_more_than_a_narrow_one() {
        // Every pixel's neighbours one by one would be 10^12 of them here.
        let (side, line) = (1024, 500);
        let tile = vec![Strip::LIT; side * side];
        let pixels = vec![[9; 3]; side * side];
        let (out, ..) = look(&pixels, side, side, &tile, Look::Contour, line);
        let inner = out.iter().filter(|pixel| **pixel != LINE).count();
        assert_eq!(inner, (side - 2 * line).pow(2));
    }

    proptest! {
        #[test]
        fn counts_of_neighbours_are_those_of_looking_at_each(
            width in 1_usize..12, height in 1_usize..12, seed: u64, reach in 0_usize..15,
        ) {
            let bit = |at: usize| (seed.rotate_left((at % 61) as u32) as u8) & Strip::LIT;
            let tile: Vec<u8> = (0..width * height).map(bit).collect();
            let region = Region { tile: &tile, width, height };
            for (at, count) in region.lit_near(reach).into_iter().enumerate() {
                let (x, y) = (at % width, at / width);
                let near = |x2: usize, y2: usize| x.abs_diff(x2) <= reach && y.abs_diff(y2) <= reach;
                let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
                let each = all.filter(|(x, y)| near(*x, *y) && region.lit(*x, *y)).count();
                prop_assert_eq!(count, each);
            }
        }

        #[test]
        fn every_look_has_as_many_pixels_as_it_says(
            width in 1_usize..90, height in 1_usize..90, seed: u64, short in 0_usize..40,
        ) {
            let bit = |at: usize| (seed.rotate_left((at % 61) as u32) as u8) & Strip::LIT;
            let tile: Vec<u8> = (0..(width * height).saturating_sub(short)).map(bit).collect();
            let pixels = vec![[90; 3]; width * height];
            for kind in [Look::Lit, Look::Contour, Look::Crop] {
                let (out, w, h) = look(&pixels, width, height, &tile, kind, 1);
                prop_assert_eq!(out.len(), w * h);
                prop_assert!(w <= width && h <= height);
            }
        }
    }
}
