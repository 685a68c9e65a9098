//! Global average pooling: one number a feature map.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::ops::values::{Values, dims4, slice};

/// `[batch, channels, height, width]` to `[batch, channels]`: the mean over height and width.
pub fn global_average_pool(maps: &Tensor) -> Result<Tensor> {
    maps.contiguous()?.apply_op1(GlobalAveragePool)
}

struct GlobalAveragePool;

impl CustomOp1 for GlobalAveragePool {
    fn name(&self) -> &'static str {
        "global average pool"
    }

    fn cpu_fwd(&self, maps: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = dims4(layout)?;
        let plane = height * width;
        if plane == 0 {
            bail!("global average pool of empty maps");
        }
        let mean = |map: &[f32]| {
            (map.iter().map(|&value| f64::from(value)).sum::<f64>() / plane as f64) as f32
        };
        let means = slice(maps, layout)?.par_chunks(plane).map(mean).collect();
        Ok((CpuStorage::F32(means), Shape::from((batch, channels))))
    }

    fn bwd(&self, maps: &Tensor, _means: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (_, _, height, width) = maps.dims4()?;
        let plane = height * width;
        let grad = grad.contiguous()?;
        let grad = Values::of(&grad);
        let mut values = vec![0.0; maps.elem_count()];
        let share = 1.0 / plane as f32;
        values.par_chunks_mut(plane).zip(grad.slice()?).for_each(|(map, grad)| {
            map.fill(grad * share);
        });
        Ok(Some(Tensor::from_vec(values, maps.shape(), maps.device())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::{assert_close, assert_gradients, random};

    #[test]
    fn is_the_mean_with_its_gradient() {
        let maps = random("maps", &[2, 3, 4, 5]);
        let expected = maps.mean((2, 3)).unwrap();
        assert_close(&global_average_pool(&maps).unwrap(), &expected, 1e-6);
        assert_gradients(&[maps], |a| global_average_pool(&a[0]));
    }
}
