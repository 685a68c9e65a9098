//! How much an image excites a neuron: the spatial maximum of its channel (SCIENCE §3).

use candle_core::Tensor;

use crate::error::Result;

/// A neuron's answer to one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activation {
    /// The largest value of the channel.
    pub value: f32,
    /// Row and column of that value; the first in reading order where several are equal.
    pub position: [usize; 2],
}

/// The spatial maxima of a feature map `[batch, channels, height, width]`: one row an image, one
/// entry a channel.
pub fn spatial_maxima(feature_map: &Tensor) -> Result<Vec<Vec<Activation>>> {
    let (_, _, height, width) = feature_map.dims4()?;
    let area = (height * width).max(1);
    let values = feature_map.flatten_from(1)?.to_vec2::<f32>()?;
    Ok(values
        .iter()
        .map(|image| image.chunks_exact(area).map(|channel| maximum(channel, width)).collect())
        .collect())
}

fn maximum(channel: &[f32], width: usize) -> Activation {
    let mut best = (0, f32::NEG_INFINITY);
    for (at, &value) in channel.iter().enumerate() {
        if value > best.1 {
            best = (at, value);
        }
    }
    Activation { value: best.1, position: [best.0 / width.max(1), best.0 % width.max(1)] }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn finds_the_first_largest_value_and_its_place() {
        let map = Tensor::new(&[[[[0.0f32, 3.0, 1.0], [3.0, -1.0, 2.0]]]], &Device::Cpu).unwrap();
        let maxima = spatial_maxima(&map).unwrap();
        assert_eq!(maxima, [[Activation { value: 3.0, position: [0, 1] }]]);
        let below = (map - 10.0).unwrap();
        assert_eq!(spatial_maxima(&below).unwrap()[0][0].value, -7.0);
    }
}
