//! Max pooling on the CPU, one map at a time.

use rayon::prelude::*;

/// Sizes of one pooling.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) out_h: usize,
    pub(super) out_w: usize,
}

impl Geometry {
    fn map(&self) -> usize {
        (self.height * self.width).max(1)
    }

    fn pooled(&self) -> usize {
        self.out_h * self.out_w
    }
}

/// The pooled maps, and for each number the place in its map that it came from.
pub(super) fn forward(g: &Geometry, maps: &[f32]) -> (Vec<f32>, Vec<u32>) {
    let count = maps.len() / g.map() * g.pooled();
    let (mut pooled, mut winners) = (vec![0.0; count], vec![0; count]);
    pooled
        .par_chunks_mut(g.pooled())
        .zip(winners.par_chunks_mut(g.pooled()))
        .zip(maps.par_chunks(g.map()))
        .for_each(|((pooled, winners), map)| {
            if (g.kernel, g.stride, g.padding) == (2, 2, 0) {
                pool_quads(g, map, pooled, winners);
            } else {
                pool_windows(g, map, pooled, winners);
            }
        });
    (pooled, winners)
}

/// The common case: 2×2 windows side by side.
fn pool_quads(g: &Geometry, map: &[f32], pooled: &mut [f32], winners: &mut [u32]) {
    let rows = pooled.chunks_mut(g.out_w).zip(winners.chunks_mut(g.out_w));
    for ((pooled, winners), (y, rows)) in rows.zip(map.chunks(2 * g.width).enumerate()) {
        let (top, bottom) = rows.split_at(g.width);
        let quads = top.chunks_exact(2).zip(bottom.chunks_exact(2));
        for (x, ((pooled, winner), (top, bottom))) in
            pooled.iter_mut().zip(winners).zip(quads).enumerate()
        {
            let start = 2 * (y * g.width + x);
            let mut best = (top[0], start);
            for candidate in [
                (top[1], start + 1),
                (bottom[0], start + g.width),
                (bottom[1], start + g.width + 1),
            ] {
                if wins(candidate.0, best.0) {
                    best = candidate;
                }
            }
            (*pooled, *winner) = (best.0, best.1 as u32);
        }
    }
}

fn pool_windows(g: &Geometry, map: &[f32], pooled: &mut [f32], winners: &mut [u32]) {
    // The part of the window at `out` that lies inside the map.
    let window = |out: usize, size: usize| {
        let start = out * g.stride;
        start.saturating_sub(g.padding)..(start + g.kernel).saturating_sub(g.padding).min(size)
    };
    for (place, (pooled, winner)) in pooled.iter_mut().zip(winners).enumerate() {
        let columns = window(place % g.out_w, g.width);
        let mut best = (f32::NEG_INFINITY, None);
        for y in window(place / g.out_w, g.height) {
            for x in columns.clone() {
                let value = map[y * g.width + x];
                if best.1.is_none() || wins(value, best.0) {
                    best = (value, Some(y * g.width + x));
                }
            }
        }
        // Padding is at most half the kernel, so every window holds a number of the map.
        (*pooled, *winner) = (best.0, best.1.unwrap_or(0) as u32);
    }
}

fn wins(value: f32, best: f32) -> bool {
    value > best || value.is_nan()
}

/// Gives every pooled number's gradient to the number that won.
pub(super) fn gradient(g: &Geometry, grad: &[f32], winners: &[u32]) -> Vec<f32> {
    let mut result = vec![0.0; grad.len() / g.pooled() * g.map()];
    result
        .par_chunks_mut(g.map())
        .zip(grad.par_chunks(g.pooled()).zip(winners.par_chunks(g.pooled())))
        .for_each(|(map, (grad, winners))| {
            for (grad, &winner) in grad.iter().zip(winners) {
                map[winner as usize] += grad;
            }
        });
    result
}
