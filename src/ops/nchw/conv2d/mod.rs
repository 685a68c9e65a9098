//! Two-dimensional convolution (cross-correlation, as in PyTorch), with zero padding.
//!
//! One image at a time is unfolded into a matrix in a small scratch buffer of its thread and
//! multiplied there by the `gemm` crate on that one thread; images go over the threads. candle's
//! own backward pass leaves its fast path for both gradients, and computes the weight's even where
//! nobody asked for it.

mod cpu;

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};

use crate::ops::nchw::channel_affine::Activation;
use crate::ops::values::{Values, dims4, slice};
use cpu::Geometry;

/// A convolution's numbers; its weight and bias are arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Pixels between two places of the kernel, in both directions.
    pub stride: usize,
    /// Zeros around the image, on every side.
    pub padding: usize,
    /// What follows, fused: the maps before it are never kept.
    pub activation: Activation,
}

impl Conv2d {
    /// `images` `[batch, inputs, height, width]`, `weight` `[outputs, inputs, kernel_height,
    /// kernel_width]`, `bias` `[outputs]`; gives `[batch, outputs, out_height, out_width]` where
    /// `out = (size + 2 padding − kernel) / stride + 1`, rounded down.
    pub fn forward(
        &self,
        images: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (images, weight) = (images.contiguous()?, weight.contiguous()?);
        match bias {
            None => images.apply_op2(&weight, *self),
            Some(bias) => images.apply_op3(&weight, &bias.contiguous()?, *self),
        }
    }

    fn geometry(&self, images: &Shape, weight: &Shape) -> Result<Geometry> {
        let (batch, inputs, height, width) = images.dims4()?;
        let (outputs, weight_inputs, kernel_h, kernel_w) = weight.dims4()?;
        if inputs != weight_inputs {
            bail!("conv2d: images have {inputs} channels, the weight wants {weight_inputs}");
        }
        let Self { stride, padding, .. } = *self;
        let (padded_h, padded_w) = (height + 2 * padding, width + 2 * padding);
        if stride == 0 || kernel_h == 0 || kernel_w == 0 {
            bail!("conv2d: stride and kernel must be above 0");
        }
        if padded_h < kernel_h || padded_w < kernel_w {
            bail!("conv2d: a {kernel_h}×{kernel_w} kernel does not fit {padded_h}×{padded_w}");
        }
        Ok(Geometry {
            batch,
            inputs,
            height,
            width,
            outputs,
            kernel_h,
            kernel_w,
            stride,
            padding,
            out_h: (padded_h - kernel_h) / stride + 1,
            out_w: (padded_w - kernel_w) / stride + 1,
        })
    }

    fn run(
        &self,
        (images, images_layout): (&CpuStorage, &Layout),
        (weight, weight_layout): (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        dims4(images_layout)?;
        let g = self.geometry(images_layout.shape(), weight_layout.shape())?;
        let bias = bias.map(|(storage, layout)| slice(storage, layout)).transpose()?;
        if let Some(bias) = bias
            && bias.len() != g.outputs
        {
            bail!("conv2d: {} biases for {} outputs", bias.len(), g.outputs);
        }
        let images = slice(images, images_layout)?;
        let weight = slice(weight, weight_layout)?;
        let maps = cpu::forward(&g, images, weight, bias, self.activation);
        Ok((CpuStorage::F32(maps), Shape::from((g.batch, g.outputs, g.out_h, g.out_w))))
    }

    /// The gradient before the activation.
    fn before_activation(&self, maps: &Tensor, grad: &Tensor) -> Result<Tensor> {
        let grad = grad.contiguous()?;
        if self.activation == Activation::None {
            return Ok(grad);
        }
        let values = {
            let (maps, grad) = (Values::of(maps), Values::of(&grad));
            cpu::relu_gradient(maps.slice()?, grad.slice()?)
        };
        Tensor::from_vec(values, maps.shape(), maps.device())
    }

    fn gradients(
        &self,
        images: &Tensor,
        weight: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = self.geometry(images.shape(), weight.shape())?;
        let grad = Values::of(grad);
        let for_images = if images.track_op() {
            let weight = Values::of(weight);
            let values = cpu::input_gradient(&g, grad.slice()?, weight.slice()?);
            Some(Tensor::from_vec(values, images.shape(), images.device())?)
        } else {
            None
        };
        let for_weight = if weight.track_op() {
            let images = Values::of(images);
            let values = cpu::weight_gradient(&g, grad.slice()?, images.slice()?);
            Some(Tensor::from_vec(values, weight.shape(), weight.device())?)
        } else {
            None
        };
        Ok((for_images, for_weight))
    }
}

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run((images, images_layout), (weight, weight_layout), None)
    }

    fn bwd(
        &self,
        images: &Tensor,
        weight: &Tensor,
        maps: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.gradients(images, weight, &self.before_activation(maps, grad)?)
    }
}

impl CustomOp3 for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d with bias"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run((images, images_layout), (weight, weight_layout), Some((bias, bias_layout)))
    }

    fn bwd(
        &self,
        images: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        maps: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = self.before_activation(maps, grad)?;
        let (for_images, for_weight) = self.gradients(images, weight, &grad)?;
        let for_bias = if bias.track_op() {
            let (_, outputs, height, width) = maps.dims4()?;
            let values = Values::of(&grad);
            let sums = cpu::bias_gradient(values.slice()?, outputs, height * width);
            Some(Tensor::from_vec(sums, outputs, bias.device())?)
        } else {
            None
        };
        Ok((for_images, for_weight, for_bias))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::check::{assert_close, assert_gradients, random};

    fn conv2d(stride: usize, padding: usize) -> Conv2d {
        Conv2d { stride, padding, activation: Activation::None }
    }

    #[test]
    fn agrees_with_candle_forward() {
        for (batch, inputs, size, outputs, kernel, stride, padding) in [
            (1, 1, 5, 1, 3, 1, 1),
            (3, 2, 7, 4, 3, 2, 1),
            (2, 3, 11, 5, 5, 2, 2),
            (2, 8, 6, 3, 1, 1, 0),
            (2, 8, 7, 3, 1, 2, 0),
            (1, 3, 8, 2, 2, 2, 0),
            (2, 2, 3, 2, 5, 1, 2),
            (1, 2, 4, 2, 3, 3, 3),
            // Large enough for several tiles of rows.
            (2, 32, 40, 8, 3, 1, 1),
        ] {
            let images = random("images", &[batch, inputs, size, size]);
            let weight = random("weight", &[outputs, inputs, kernel, kernel]);
            let bias = random("bias", &[outputs]);
            let plain = images.conv2d(&weight, padding, stride, 1, 1).unwrap();
            let biased = plain.broadcast_add(&bias.reshape((1, outputs, 1, 1)).unwrap()).unwrap();
            let conv = conv2d(stride, padding);
            assert_close(&conv.forward(&images, &weight, None).unwrap(), &plain, 1e-5);
            assert_close(&conv.forward(&images, &weight, Some(&bias)).unwrap(), &biased, 1e-5);
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        for (size, kernel, stride, padding) in
            [(5, 3, 1, 1), (6, 3, 2, 1), (4, 1, 1, 0), (5, 1, 2, 0), (7, 5, 2, 2), (4, 3, 3, 3)]
        {
            let arguments = [
                random("images", &[2, 2, size, size]),
                random("weight", &[3, 2, kernel, kernel]),
                random("bias", &[3]),
            ];
            let conv = conv2d(stride, padding);
            assert_gradients(&arguments, |a| conv.forward(&a[0], &a[1], Some(&a[2])));
            assert_gradients(&arguments[..2], |a| conv.forward(&a[0], &a[1], None));
        }
    }

    #[test]
    fn gradients_of_many_tiles_and_images_agree_with_candle() {
        // 20 images: more than one piece of the weight gradient's sum.
        let images = candle_core::Var::from_tensor(&random("images", &[20, 16, 30, 30])).unwrap();
        let weight = candle_core::Var::from_tensor(&random("weight", &[8, 16, 3, 3])).unwrap();
        let direction = random("direction", &[20, 8, 30, 30]);
        let gradients = |maps: Tensor| {
            let grads = (maps * &direction).unwrap().sum_all().unwrap().backward().unwrap();
            (grads.get(&images).unwrap().clone(), grads.get(&weight).unwrap().clone())
        };
        let conv = conv2d(1, 1);
        let ours = gradients(conv.forward(&images, &weight, None).unwrap());
        let candle = gradients(images.conv2d(&weight, 1, 1, 1, 1).unwrap());
        assert_close(&ours.0, &candle.0, 1e-5);
        assert_close(&ours.1, &candle.1, 1e-4);
    }

    #[test]
    fn a_fused_relu_is_a_relu_after_it_in_both_directions() {
        let arguments =
            [("images", vec![2, 3, 6, 6]), ("weight", vec![4, 3, 3, 3]), ("bias", vec![4])]
                .map(|(name, shape)| candle_core::Var::from_tensor(&random(name, &shape)).unwrap());
        let [images, weight, bias] = &arguments;
        let direction = random("direction", &[2, 4, 6, 6]);
        let gradients =
            |maps: &Tensor| (maps * &direction).unwrap().sum_all().unwrap().backward().unwrap();
        let plain = conv2d(1, 1);
        let fused = Conv2d { activation: Activation::Relu, ..plain };
        for bias in [None, Some(bias.as_tensor())] {
            let apart = plain.forward(images, weight, bias).unwrap().relu().unwrap();
            let together = fused.forward(images, weight, bias).unwrap();
            assert_close(&together, &apart, 1e-7);
            let (together, apart) = (gradients(&together), gradients(&apart));
            for var in arguments.iter().take(if bias.is_some() { 3 } else { 2 }) {
                assert_close(together.get(var).unwrap(), apart.get(var).unwrap(), 1e-6);
            }
        }
    }

    #[test]
    fn thread_count_does_not_change_a_bit() {
        let images = random("images", &[9, 3, 33, 33]);
        let weight = random("weight", &[8, 3, 5, 5]);
        let run = |threads: usize| -> Vec<f32> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let weight = candle_core::Var::from_tensor(&weight).unwrap();
                let maps = conv2d(2, 2).forward(&images, &weight, None);
                let grads = maps.unwrap().sqr().unwrap().sum_all().unwrap().backward().unwrap();
                grads.get(&weight).unwrap().flatten_all().unwrap().to_vec1().unwrap()
            })
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(5));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let images = random("images", &[1, 3, 4, 4]);
        let conv = conv2d(1, 0);
        assert!(conv.forward(&images, &random("w", &[2, 4, 3, 3]), None).is_err());
        assert!(conv.forward(&images, &random("w", &[2, 3, 5, 5]), None).is_err());
        let weight = random("w", &[2, 3, 3, 3]);
        assert!(conv2d(0, 0).forward(&images, &weight, None).is_err());
        assert!(conv.forward(&images, &weight, Some(&random("b", &[3]))).is_err());
        let integers = Tensor::zeros((1, 3, 4, 4), candle_core::DType::U32, &Device::Cpu).unwrap();
        assert!(conv.forward(&integers, &weight, None).is_err());
    }
}
