//! Bilinear resizing that a gradient can be taken back through.

use candle_core::{Device, Tensor};

use crate::error::Result;

/// From images to the square input of a network. Pixels are areas, as PyTorch's `interpolate` has
/// them without `align_corners` and without `antialias`.
#[derive(Debug)]
pub(super) struct Resize {
    /// `[side, height]` and `[width, side]`; none where the sizes agree.
    matrices: Option<[Tensor; 2]>,
}

impl Resize {
    pub(super) fn new([height, width]: [usize; 2], side: usize, device: &Device) -> Result<Self> {
        if [height, width] == [side; 2] {
            return Ok(Self { matrices: None });
        }
        let rows = matrix(height, side, device)?;
        let columns = matrix(width, side, device)?.t()?.contiguous()?;
        Ok(Self { matrices: Some([rows, columns]) })
    }

    /// `[batch, channels, height, width]` to `[batch, channels, side, side]`.
    pub(super) fn forward(&self, images: &Tensor) -> Result<Tensor> {
        match &self.matrices {
            None => Ok(images.clone()),
            Some([rows, columns]) => Ok(rows.broadcast_matmul(&images.broadcast_matmul(columns)?)?),
        }
    }

    /// The gradient of the images from that of the resized ones.
    pub(super) fn backward(&self, gradient: &Tensor) -> Result<Tensor> {
        match &self.matrices {
            None => Ok(gradient.clone()),
            Some([rows, columns]) => {
                let rows = rows.t()?.contiguous()?;
                let columns = columns.t()?.contiguous()?;
                Ok(rows.broadcast_matmul(&gradient.contiguous()?.broadcast_matmul(&columns)?)?)
            }
        }
    }
}

/// `[to, from]`: how much of each pixel goes into each new one.
fn matrix(from: usize, to: usize, device: &Device) -> Result<Tensor> {
    let mut weights = vec![0.0_f32; to * from];
    let scale = from as f64 / to as f64;
    for (new, row) in weights.chunks_mut(from).enumerate() {
        let at = ((new as f64 + 0.5) * scale - 0.5).max(0.0);
        let first = (at.floor() as usize).min(from - 1);
        let second = (first + 1).min(from - 1);
        let share = (at - first as f64) as f32;
        row[first] += 1.0 - share;
        row[second] += share;
    }
    Ok(Tensor::from_vec(weights, (to, from), device)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn resizes_as_pytorch_does() {
        // interpolate(arange(4.).view(1, 1, 2, 2), size=(4, 4), mode="bilinear")
        let images =
            Tensor::arange(0f32, 4.0, &Device::Cpu).unwrap().reshape((1, 1, 2, 2)).unwrap();
        let larger = Resize::new([2, 2], 4, &Device::Cpu).unwrap().forward(&images).unwrap();
        let expected = [
            [0.0, 0.25, 0.75, 1.0],
            [0.5, 0.75, 1.25, 1.5],
            [1.5, 1.75, 2.25, 2.5],
            [2.0, 2.25, 2.75, 3.0],
        ];
        assert_eq!(flat(&larger), expected.concat());
    }

    #[test]
    fn the_gradient_is_the_transposed_map() {
        let numbers = |count: usize, shape: (usize, usize, usize, usize)| {
            let values: Vec<f32> = (0..count).map(|at| (at * 31 % 17) as f32 / 17.0).collect();
            Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        for side in [3, 9] {
            let resize = Resize::new([5, 7], side, &Device::Cpu).unwrap();
            let images = numbers(2 * 3 * 35, (2, 3, 5, 7));
            let gradient = numbers(2 * 3 * side * side, (2, 3, side, side));
            let inner = |a: &Tensor, b: &Tensor| -> f32 {
                flat(a).iter().zip(flat(b)).map(|(a, b)| a * b).sum()
            };
            let there = inner(&resize.forward(&images).unwrap(), &gradient);
            let back = inner(&images, &resize.backward(&gradient).unwrap());
            assert!((there - back).abs() < 1e-3, "{there} {back}");
        }
    }
}
