//! How much an image excites a neuron: the spatial maximum of its channel (SCIENCE §3).

use candle_core::Tensor;
use rayon::prelude::*;

use crate::error::Result;
use crate::ops::vectorized;

/// Numbers that are compared side by side.
const LANES: usize = 16;

/// A neuron's answer to one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activation {
    /// The largest value of the channel.
    pub value: f32,
    /// Row and column of that value; the first in reading order where several are equal.
    pub position: [usize; 2],
}

/// The spatial maxima of a batch, images × neurons.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Maxima {
    neurons: usize,
    width: usize,
    values: Vec<f32>,
    positions: Vec<u32>,
}

impl Maxima {
    /// Of maps `[batch, neurons, positions_per_map]`, each in rows of `width`; on all threads. NaN is
    /// passed over; a map of nothing else has a maximum of NaN, at 0. An incomplete last image is
    /// left out.
    pub fn of(maps: &[f32], neurons: usize, width: usize, positions_per_map: usize) -> Self {
        let (per_map, per_image) = (positions_per_map.max(1), neurons * positions_per_map.max(1));
        let images = maps.len().checked_div(per_image).unwrap_or(0);
        let mut values = vec![0.0; images * neurons];
        let mut positions = vec![0; images * neurons];
        if images > 0 {
            let rows = values.par_chunks_mut(neurons).zip(positions.par_chunks_mut(neurons));
            rows.zip(maps.par_chunks_exact(per_image)).for_each(|((values, positions), image)| {
                vectorized(|| {
                    let maps = image.chunks_exact(per_map);
                    for ((value, position), map) in values.iter_mut().zip(positions).zip(maps) {
                        (*value, *position) = maximum(map);
                    }
                });
            });
        }
        Self { neurons, width: width.max(1), values, positions }
    }

    /// Images of the batch.
    pub fn images(&self) -> usize {
        self.values.len().checked_div(self.neurons).unwrap_or(0)
    }

    /// Neurons of the layer.
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// Positions in a row of a map.
    pub fn width(&self) -> usize {
        self.width
    }

    /// By neuron, the answers to image `index` of the batch: values, and positions in reading order
    /// (row · [`Self::width`] + column). Both are empty if there is no such image.
    pub fn image(&self, index: usize) -> (&[f32], &[u32]) {
        let of = index.saturating_mul(self.neurons)..(index + 1).saturating_mul(self.neurons);
        let values = self.values.get(of.clone()).unwrap_or_default();
        (values, self.positions.get(of).unwrap_or_default())
    }

    /// What a neuron answered to image `index` of the batch.
    pub fn activation(&self, index: usize, neuron: usize) -> Option<Activation> {
        let (values, positions) = self.image(index);
        Some(Activation {
            value: *values.get(neuron)?,
            position: place(*positions.get(neuron)?, self.width),
        })
    }
}

/// Row and column of a position in reading order.
pub(super) fn place(position: u32, width: usize) -> [usize; 2] {
    [position as usize / width.max(1), position as usize % width.max(1)]
}

/// The spatial maxima of a feature map `[batch, channels, height, width]`, from whichever device.
pub fn spatial_maxima(feature_map: &Tensor) -> Result<Maxima> {
    let (_, channels, height, width) = feature_map.dims4()?;
    let values = feature_map.flatten_all()?.to_vec1::<f32>()?;
    Ok(Maxima::of(&values, channels, width, height * width))
}

/// The largest value of a map and the first place that has it.
#[inline(always)]
#[allow(clippy::inline_always, reason = "compiled for the vector instructions of its caller")]
fn maximum(map: &[f32]) -> (f32, u32) {
    // A comparison with NaN is false, so that none is ever taken.
    let larger = |most: f32, value: f32| if value > most { value } else { most };
    let (chunks, rest) = map.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (most, &value) in lanes.iter_mut().zip(chunk) {
            *most = larger(*most, value);
        }
    }
    let most = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, larger);
    match map.iter().position(|&value| value == most) {
        Some(at) => (most, at as u32),
        None => (f32::NAN, 0),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_the_first_largest_value_and_its_place() {
        let map = Tensor::new(&[[[[0.0f32, 3.0, 1.0], [3.0, -1.0, 2.0]]]], &Device::Cpu).unwrap();
        let maxima = spatial_maxima(&map).unwrap();
        assert_eq!((maxima.images(), maxima.neurons(), maxima.width()), (1, 1, 3));
        assert_eq!(maxima.activation(0, 0), Some(Activation { value: 3.0, position: [0, 1] }));
        let below = (map - 10.0).unwrap();
        assert_eq!(spatial_maxima(&below).unwrap().image(0), (&[-7.0][..], &[1][..]));
        assert_eq!((maxima.activation(0, 1), maxima.activation(1, 0)), (None, None));
    }

    #[test]
    fn a_map_of_nan_alone_has_a_maximum_of_nan_and_minus_infinity_is_a_value() {
        let mut maps = [f32::NAN; 60];
        maps[20 + 17] = -4.0;
        maps[40..].fill(f32::NEG_INFINITY);
        let maxima = Maxima::of(&maps, 3, 5, 20);
        let (values, positions) = maxima.image(0);
        assert!(values[0].is_nan());
        assert_eq!(values[1..], [-4.0, f32::NEG_INFINITY]);
        assert_eq!(positions, [0, 17, 0]);
        assert_eq!(maxima.activation(0, 1).unwrap().position, [3, 2]);
    }

    #[test]
    fn nothing_has_no_images() {
        assert_eq!(Maxima::of(&[], 4, 2, 4).images(), 0);
        assert_eq!(Maxima::of(&[], 0, 2, 4).images(), 0);
        assert_eq!(Maxima::of(&[1.0; 7], 2, 1, 3).images(), 1);
    }

    proptest! {
        #[test]
        fn equals_looking_at_every_value(
            levels in proptest::collection::vec(-4_i8..5, 0..400),
            neurons in 1_usize..4,
            positions in 1_usize..40,
        ) {
            // One level stands for NaN.
            let map: Vec<f32> = levels
                .iter()
                .map(|&level| if level == 4 { f32::NAN } else { f32::from(level) })
                .collect();
            let maxima = Maxima::of(&map, neurons, 3, positions);
            prop_assert_eq!(maxima.images(), map.len() / (neurons * positions));
            for image in 0..maxima.images() {
                for neuron in 0..neurons {
                    let start = (image * neurons + neuron) * positions;
                    let mut best: Option<(usize, f32)> = None;
                    for (at, &value) in map[start..start + positions].iter().enumerate() {
                        if !value.is_nan() && best.is_none_or(|(_, most)| value > most) {
                            best = Some((at, value));
                        }
                    }
                    let (values, places) = maxima.image(image);
                    match best {
                        Some((at, value)) => {
                            prop_assert_eq!((places[neuron], values[neuron]), (at as u32, value));
                        }
                        None => prop_assert!(values[neuron].is_nan()),
                    }
                }
            }
        }
    }
}
