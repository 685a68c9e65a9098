//! Square attack (Andriushchenko et al., arXiv 1912.00049, algorithms 1 to 3): random search, for
//! which the network is only asked, never differentiated.

use candle_core::{Device, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::aim::with_rows;
use super::objective::{cross_entropy, logits, other};
use super::random::stream;
use super::{Aim, Attack, Ball, Norm, Victims};
use crate::error::Result;
use crate::model::Model;

/// The share of the pixels that the first squares cover.
const SHARE: f64 = 0.8;
/// Where that share is halved, of 10,000 queries; other budgets are scaled to it.
const HALVINGS: [usize; 9] = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];
const QUERIES: usize = 10_000;

/// Square after square is tried and kept if it helps; an image is done when it is fooled. Away from
/// the label the margin between the logits is what counts, towards a target the cross-entropy, as
/// in the paper.
#[derive(Debug, Clone, Copy)]
pub struct Square {
    /// The bound.
    pub ball: Ball,
    /// Images shown to the network, for each image and restart.
    pub queries: usize,
    /// How often it begins anew, for the images not fooled yet.
    pub restarts: usize,
    /// The run's.
    pub seed: u64,
}

/// One image under attack.
struct Search {
    /// Its place in the batch.
    place: usize,
    random: ChaCha8Rng,
    origin: Vec<f32>,
    best: Vec<f32>,
    /// What is shown to the network next.
    tried: Vec<f32>,
    loss: f32,
    reached: bool,
}

impl Attack for Square {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let aim = Aim::of(victims)?;
        let (_, channels, height, width) = victims.images.dims4()?;
        let size = Size { channels, height, width };
        let clean = logits(model, victims.images)?;
        let pixels = victims.images.flatten_from(1)?.to_vec2::<f32>()?;
        let mut best = victims.images.clone();
        let mut open: Vec<usize> =
            (0..clean.len()).filter(|&image| !aim.is_reached(image, &clean[image])).collect();
        let mut losses = vec![f32::INFINITY; clean.len()];
        for restart in 0..self.restarts {
            if open.is_empty() {
                break;
            }
            let mut searches: Vec<Search> = open
                .par_iter()
                .map(|&place| {
                    let mut random = stream(self.seed, victims.indices[place], restart);
                    let origin = pixels[place].clone();
                    let tried = self.stripes(&origin, size, &mut random);
                    let best = tried.clone();
                    Search {
                        place,
                        random,
                        origin,
                        best,
                        tried,
                        loss: f32::INFINITY,
                        reached: false,
                    }
                })
                .collect();
            for query in 0..self.queries {
                if query > 0 {
                    let share = share(query - 1, self.queries);
                    searches.par_iter_mut().filter(|search| !search.reached).for_each(|search| {
                        self.propose(search, size, share);
                    });
                }
                if !ask(model, victims.images, &aim, &mut searches, size)? {
                    break;
                }
            }
            let better: Vec<&Search> = searches
                .iter()
                .filter(|search| search.reached || search.loss < losses[search.place])
                .collect();
            let places: Vec<usize> = better.iter().map(|search| search.place).collect();
            for search in &better {
                losses[search.place] = search.loss;
            }
            let found = batch(better.iter().map(|search| &search.best), size, victims.images)?;
            best = with_rows(&best, &places, &found)?;
            open = searches.iter().filter(|one| !one.reached).map(|one| one.place).collect();
        }
        Ok(best)
    }
}

/// Of an image.
#[derive(Debug, Clone, Copy)]
struct Size {
    channels: usize,
    height: usize,
    width: usize,
}

impl Square {
    /// Where the search begins: vertical stripes of ±ε, or in L2 a grid of ups and downs.
    fn stripes(&self, origin: &[f32], size: Size, random: &mut ChaCha8Rng) -> Vec<f32> {
        let epsilon = self.ball.epsilon.to_unit() as f32;
        let Size { channels, height, width } = size;
        let mut change = vec![0.0_f32; origin.len()];
        match self.ball.norm {
            Norm::Linf => {
                for channel in 0..channels {
                    for column in 0..width {
                        let value = sign(random) * epsilon;
                        for row in 0..height {
                            change[(channel * height + row) * width + column] = value;
                        }
                    }
                }
                origin.iter().zip(&change).map(|(a, b)| (a + b).clamp(0.0, 1.0)).collect()
            }
            Norm::L2 => {
                let side = (height / 5).max(1);
                let first = (height - height / side * side) / 2;
                for top in (first..).step_by(side).take_while(|top| top + side <= height) {
                    for left in (first..).step_by(side).take_while(|left| left + side <= width) {
                        let pattern = up_and_down(side, random);
                        for channel in 0..channels {
                            let sign = sign(random);
                            let window = Window { channel, top, left, side };
                            window.each(size, |at, inside| change[at] += sign * pattern[inside]);
                        }
                    }
                }
                scaled(origin, &change, f64::from(epsilon))
            }
        }
    }

    /// Puts into `tried` what is to be shown next: the best so far with another square.
    fn propose(&self, search: &mut Search, size: Size, share: f64) {
        let Search { random, origin, best, tried, .. } = search;
        let Size { channels, height, width } = size;
        let epsilon = self.ball.epsilon.to_unit() as f32;
        let side = (share * (height * width) as f64).sqrt().round() as usize;
        match self.ball.norm {
            Norm::Linf => {
                let side = side.clamp(1, height.min(width));
                let [top, left] = corner(size, side, random);
                tried.copy_from_slice(best);
                for channel in 0..channels {
                    let change = sign(random) * 2.0 * epsilon;
                    Window { channel, top, left, side }.each(size, |at, _| {
                        let moved = best[at] + change;
                        let moved = moved.clamp(origin[at] - epsilon, origin[at] + epsilon);
                        tried[at] = moved.clamp(0.0, 1.0);
                    });
                }
            }
            Norm::L2 => {
                let side = (side.max(3) | 1).min(height.min(width));
                let [top, left] = corner(size, side, random);
                let [other_top, other_left] = corner(size, side, random);
                let mut change: Vec<f32> = best.iter().zip(&*origin).map(|(a, b)| a - b).collect();
                let all = squares(&change);
                let spare = (f64::from(epsilon).powi(2) - all).max(0.0) / channels as f64;
                let pattern = up_and_down(side, random);
                let windows: Vec<Window> = (0..channels)
                    .flat_map(|channel| {
                        [(top, left), (other_top, other_left)].map(|(top, left)| Window {
                            channel,
                            top,
                            left,
                            side,
                        })
                    })
                    .collect();
                // What both windows hold together, over all channels; where they overlap, once.
                let mut held = change.clone();
                for window in &windows {
                    window.each(size, |at, _| held[at] = 0.0);
                }
                let held = all - squares(&held);
                for pair in windows.chunks(2) {
                    let [here, there] = pair else { continue };
                    let mut old = vec![0.0_f32; side * side];
                    here.each(size, |at, inside| old[inside] = change[at]);
                    let norm = squares(&old).sqrt().max(1e-12) as f32;
                    let sign = sign(random);
                    let mut new: Vec<f32> = pattern
                        .iter()
                        .zip(&old)
                        .map(|(pattern, old)| sign * pattern + old / norm)
                        .collect();
                    let scale = (spare + held).sqrt() / squares(&new).sqrt().max(1e-12);
                    for value in &mut new {
                        *value *= scale as f32;
                    }
                    there.each(size, |at, _| change[at] = 0.0);
                    here.each(size, |at, inside| change[at] = new[inside]);
                }
                *tried = scaled(origin, &change, f64::from(epsilon));
            }
        }
    }
}

/// Shows the network what is tried for the images not fooled yet, and keeps what helps. False
/// when all are fooled.
fn ask(
    model: &Model,
    like: &Tensor,
    aim: &Aim,
    searches: &mut [Search],
    size: Size,
) -> Result<bool> {
    let mut open: Vec<&mut Search> = searches.iter_mut().filter(|search| !search.reached).collect();
    if open.is_empty() {
        return Ok(false);
    }
    let answers = logits(model, &batch(open.iter().map(|one| &one.tried), size, like)?)?;
    let mut unused = Vec::new();
    for (search, row) in open.iter_mut().zip(&answers) {
        let class = aim.class(search.place, row)?;
        let margin = row[class] - row[other(row, class)];
        let loss = if aim.targeted {
            unused.resize(row.len(), 0.0);
            cross_entropy(row, class, &mut unused)
        } else {
            margin
        };
        search.reached = aim.is_reached(search.place, row);
        if search.reached || loss < search.loss {
            search.loss = loss;
            std::mem::swap(&mut search.best, &mut search.tried);
        }
    }
    Ok(true)
}

/// The share of the pixels that a square covers in its `query`th try of `budget`.
fn share(query: usize, budget: usize) -> f64 {
    let at = query * QUERIES / budget.max(1);
    let halvings = HALVINGS.iter().filter(|&&from| at > from).count();
    SHARE / f64::from(1 << halvings)
}

/// A square in one channel.
#[derive(Debug, Clone, Copy)]
struct Window {
    channel: usize,
    top: usize,
    left: usize,
    side: usize,
}

impl Window {
    /// Every pixel's place in the image, and in the square.
    fn each(self, size: Size, mut visit: impl FnMut(usize, usize)) {
        for row in 0..self.side {
            let start = (self.channel * size.height + self.top + row) * size.width + self.left;
            for column in 0..self.side {
                visit(start + column, row * self.side + column);
            }
        }
    }
}

fn sign(random: &mut ChaCha8Rng) -> f32 {
    if random.random_range(0..2) == 0 { -1.0 } else { 1.0 }
}

/// Where a square lies: top and left.
fn corner(size: Size, side: usize, random: &mut ChaCha8Rng) -> [usize; 2] {
    [size.height, size.width].map(|whole| random.random_range(0..=whole - side))
}

fn squares(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum()
}

/// `origin` with `change` brought to the length `epsilon`, in 0..1.
fn scaled(origin: &[f32], change: &[f32], epsilon: f64) -> Vec<f32> {
    let scale = (epsilon / squares(change).sqrt().max(1e-12)) as f32;
    origin.iter().zip(change).map(|(a, b)| (a + b * scale).clamp(0.0, 1.0)).collect()
}

/// Two mounds of opposite signs side by side, of length 1, `side` × `side` (the paper's η).
fn up_and_down(side: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    let above = side / 2;
    let mut pattern = mound(above, side);
    pattern.extend(mound(side - above, side).iter().map(|value| -value));
    let length = squares(&pattern).sqrt().max(1e-12) as f32;
    for value in &mut pattern {
        *value /= length;
    }
    if random.random_range(0..2) == 0 {
        return pattern;
    }
    (0..side * side).map(|at| pattern[at % side * side + at / side]).collect()
}

/// Rings that fall with the square of their number from the middle outwards, of length 1.
fn mound(rows: usize, columns: usize) -> Vec<f32> {
    let mut values = vec![0.0_f32; rows * columns];
    let (middle_row, middle_column) = (rows / 2 + 1, columns / 2 + 1);
    let (mut top, mut left) = (middle_row as isize - 1, middle_column as isize - 1);
    for ring in 0..middle_row.max(middle_column) {
        let height = 1.0 / ((ring + 1) * (ring + 1)) as f32;
        let extent = |start: isize, whole: usize| {
            let end = (start + 2 * ring as isize + 1).clamp(0, whole as isize) as usize;
            (start.max(0) as usize).min(end)..end
        };
        for row in extent(top, rows) {
            for column in extent(left, columns) {
                values[row * columns + column] += height;
            }
        }
        (top, left) = (top - 1, left - 1);
    }
    let length = squares(&values).sqrt().max(1e-12) as f32;
    for value in &mut values {
        *value /= length;
    }
    values
}

/// Images as a tensor on the device of `like`.
fn batch<'a>(
    images: impl ExactSizeIterator<Item = &'a Vec<f32>>,
    size: Size,
    like: &Tensor,
) -> Result<Tensor> {
    let count = images.len();
    let mut pixels = Vec::with_capacity(count * size.channels * size.height * size.width);
    for image in images {
        pixels.extend_from_slice(image);
    }
    let shape = (count, size.channels, size.height, size.width);
    Ok(Tensor::from_vec(pixels, shape, &Device::Cpu)?.to_device(like.device())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_shrink_as_the_paper_has_it() {
        let at = |query| SHARE / share(query, QUERIES);
        assert_eq!([0, 10, 11, 51, 201, 501, 1001].map(at), [1.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
        assert_eq!([2001, 4001, 6001, 8001].map(at), [64.0, 128.0, 256.0, 512.0]);
        assert_eq!(share(6, 1000), share(60, QUERIES));
    }

    #[test]
    fn a_pattern_goes_up_and_down_and_has_length_1() {
        for side in 1..12 {
            let pattern = up_and_down(side, &mut stream(1, side, 0));
            assert_eq!(pattern.len(), side * side);
            assert!((squares(&pattern) - 1.0).abs() < 1e-5, "{side}");
            assert!(
                side < 2 || pattern.iter().any(|&v| v > 0.0) && pattern.iter().any(|&v| v < 0.0)
            );
        }
        // By hand: for 3 columns rings of heights 1, 1/4, 1/9 round the middle one.
        let row = mound(1, 3);
        assert!((row[1] / row[0] - (1.0 + 0.25) / 0.25).abs() < 1e-5, "{row:?}");
    }
}
