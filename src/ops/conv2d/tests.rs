//! Convolution against candle's own, in all three directions, and its corners.

use candle_core::{Tensor, Var};

use super::*;
use crate::ops::check::{assert_close, random};
use crate::ops::layout::{to_channels_first, to_channels_last};

/// One convolution in both layouts: candle's own operator is the reference.
struct Case {
    conv: Conv2d,
    maps: Tensor,
    weight: Tensor,
}

impl Case {
    fn new(
        [batch, inputs, h, w]: [usize; 4],
        outputs: usize,
        kernel: [usize; 2],
        conv: Conv2d,
    ) -> Self {
        let weight = [outputs, inputs / conv.groups, kernel[0], kernel[1]];
        Self {
            conv,
            maps: random("maps", &[batch, inputs, h, w]),
            weight: random("weight", &weight),
        }
    }

    fn last(&self) -> (Tensor, Tensor) {
        (to_channels_last(&self.maps).unwrap(), to_channels_last(&self.weight).unwrap())
    }

    /// Group by group: candle has no gradient for several. It knows square strides only; the
    /// others are checked against PyTorch's fixture.
    fn reference(&self, maps: &Tensor, weight: &Tensor) -> Tensor {
        let Conv2d { stride, padding, dilation, groups } = self.conv;
        let part = |tensor: &Tensor, dim: usize, group: usize| {
            let length = tensor.dim(dim).unwrap() / groups;
            tensor.narrow(dim, group * length, length).unwrap().contiguous().unwrap()
        };
        let outputs: Vec<Tensor> = (0..groups)
            .map(|group| {
                let (maps, weight) = (part(maps, 1, group), part(weight, 0, group));
                maps.conv2d(&weight, padding[0], stride[0], dilation[0], 1).unwrap()
            })
            .collect();
        Tensor::cat(&outputs, 1).unwrap()
    }

    fn check(&self, tolerance: f64) {
        let (maps, weight) = self.last();
        let outputs = self.conv.forward(&maps, &weight, &Epilogue::default()).unwrap();
        let vars = [&self.maps, &self.weight].map(|t| Var::from_tensor(t).unwrap());
        let expected = self.reference(&vars[0], &vars[1]);
        assert_close(&to_channels_first(&outputs).unwrap(), &expected.detach(), tolerance);
        let direction = random("direction", expected.dims());
        let grads = (expected * &direction).unwrap().sum_all().unwrap().backward().unwrap();
        let grad = to_channels_last(&direction).unwrap();
        let size = [maps.dim(1).unwrap(), maps.dim(2).unwrap()];
        let for_maps = self.conv.input_gradient(&grad, &weight, size).unwrap();
        assert_close(
            &to_channels_first(&for_maps).unwrap(),
            grads.get(&vars[0]).unwrap(),
            tolerance,
        );
        let kernel = [weight.dim(1).unwrap(), weight.dim(2).unwrap()];
        let for_weight = self.conv.weight_gradient(&grad, &maps, kernel).unwrap();
        let for_weight = to_channels_first(&for_weight).unwrap();
        assert_close(&for_weight, grads.get(&vars[1]).unwrap(), 2.0 * tolerance);
    }
}

fn square(stride: usize, padding: usize, dilation: usize, groups: usize) -> Conv2d {
    Conv2d { stride: [stride; 2], padding: [padding; 2], dilation: [dilation; 2], groups }
}

#[test]
fn agrees_with_candle_in_all_three_directions() {
    for (shape, outputs, kernel, conv) in [
        ([1, 1, 5, 5], 1, 3, square(1, 1, 1, 1)),
        ([3, 2, 7, 7], 4, 3, square(2, 1, 1, 1)),
        ([2, 3, 11, 13], 5, 5, square(2, 2, 1, 1)),
        ([2, 8, 6, 6], 3, 1, square(1, 0, 1, 1)),
        ([2, 8, 7, 7], 3, 1, square(2, 0, 1, 1)),
        ([1, 3, 8, 8], 2, 2, square(2, 0, 1, 1)),
        ([2, 2, 3, 4], 2, 5, square(1, 2, 1, 1)),
        // A kernel that lies wholly in the padding at some places.
        ([1, 2, 3, 3], 2, 1, square(1, 3, 1, 1)),
        ([1, 2, 4, 4], 2, 3, square(3, 3, 1, 1)),
        ([2, 3, 9, 9], 4, 3, square(1, 2, 2, 1)),
        ([2, 6, 9, 8], 4, 3, square(1, 1, 1, 2)),
        ([2, 6, 9, 9], 12, 3, square(2, 2, 2, 3)),
        ([2, 4, 6, 6], 4, 3, square(1, 1, 1, 4)),
        // Large enough for several tiles, and several sums of the weight's gradient.
        ([3, 5, 60, 40], 6, 5, square(1, 2, 1, 1)),
        // Many weights, few places.
        ([2, 40, 6, 6], 70, 5, square(1, 2, 1, 1)),
    ] {
        Case::new(shape, outputs, [kernel; 2], conv).check(1e-5);
    }
}

#[test]
fn winograd_agrees_with_candle_in_all_three_directions() {
    for (shape, outputs, padding) in [
        ([2, 16, 32, 32], 16, 1),
        ([1, 24, 45, 34], 40, 1),
        ([9, 17, 13, 13], 33, 1),
        ([16, 64, 8, 8], 32, 1),
        ([2, 16, 35, 35], 24, 0),
        ([2, 16, 35, 35], 24, 2),
    ] {
        let case = Case::new(shape, outputs, [3; 2], square(1, padding, 1, 1));
        let (_, weight) = case.last();
        let [batch, inputs, h, w] = shape;
        let g = case.conv.geometry(batch, [h, w], inputs, weight.shape()).unwrap();
        assert!(winograd::is_worthwhile(&g), "{shape:?} goes another way");
        case.check(1e-5);
    }
}

#[test]
fn winograd_of_many_weights_and_few_tiles_agrees_with_candle_too() {
    for (shape, outputs, padding) in [
        ([2, 120, 17, 19], 150, 1),
        ([1, 129, 28, 26], 130, 0),
        ([8, 256, 7, 7], 256, 1),
        ([3, 160, 13, 13], 128, 2),
    ] {
        let case = Case::new(shape, outputs, [3; 2], square(1, padding, 1, 1));
        let (_, weight) = case.last();
        let [batch, inputs, h, w] = shape;
        let g = case.conv.geometry(batch, [h, w], inputs, weight.shape()).unwrap();
        for g in [g, g.mirrored().unwrap()] {
            assert!(winograd::is_worthwhile(&g) && winograd::wide::is_worthwhile(&g), "{shape:?}");
        }
        // 256 channels round more than those above: 1.0e-5 was seen, in either layout.
        case.check(2e-5);
    }
}

#[test]
fn what_follows_is_what_would_be_done_apart() {
    for (shape, outputs, kernel) in
        [([2, 3, 9, 9], 16, 5), ([4, 16, 20, 20], 16, 3), ([2, 128, 16, 18], 140, 3)]
    {
        let case = Case::new(shape, outputs, [kernel; 2], square(1, kernel / 2, 1, 1));
        let (maps, weight) = case.last();
        let plain = case.conv.forward(&maps, &weight, &Epilogue::default()).unwrap();
        let (scale, shift) = (random("scale", &[outputs]), random("shift", &[outputs]));
        let residual = random("residual", plain.dims());
        let scaled = plain.broadcast_mul(&scale).unwrap().broadcast_add(&shift).unwrap();
        let expected = (scaled + &residual).unwrap().relu().unwrap();
        let after = Epilogue {
            scale: Some(&scale),
            shift: Some(&shift),
            residual: Some(&residual),
            activation: Activation::Relu,
        };
        assert_close(&case.conv.forward(&maps, &weight, &after).unwrap(), &expected, 1e-5);
        let bias = Epilogue { shift: Some(&shift), ..Epilogue::default() };
        let expected = plain.broadcast_add(&shift).unwrap();
        assert_close(&case.conv.forward(&maps, &weight, &bias).unwrap(), &expected, 1e-5);
    }
}

#[test]
fn thread_count_does_not_change_a_bit() {
    for (shape, outputs, kernel, stride) in
        [([9, 3, 33, 33], 16, 5, 2), ([5, 16, 20, 20], 16, 3, 1), ([2, 128, 16, 18], 140, 3, 1)]
    {
        let case = Case::new(shape, outputs, [kernel; 2], square(stride, kernel / 2, 1, 1));
        let (maps, weight) = case.last();
        let run = |threads: usize| -> Vec<Vec<f32>> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let outputs = case.conv.forward(&maps, &weight, &Epilogue::default()).unwrap();
                let size = [shape[2], shape[3]];
                let tensors = [
                    case.conv.input_gradient(&outputs, &weight, size).unwrap(),
                    case.conv.weight_gradient(&outputs, &maps, [kernel; 2]).unwrap(),
                    outputs,
                ];
                tensors.map(|t| t.flatten_all().unwrap().to_vec1().unwrap()).to_vec()
            })
        };
        let one = run(1);
        assert!(one == run(2));
        assert!(one == run(5));
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let maps = random("maps", &[1, 4, 4, 3]);
    let nothing = Epilogue::default();
    let forward = |conv: Conv2d, weight: [usize; 4]| {
        conv.forward(&maps, &random("w", &weight), &nothing).map(|_| ())
    };
    assert!(forward(square(1, 0, 1, 1), [2, 3, 3, 3]).is_ok());
    assert!(forward(square(1, 0, 1, 1), [2, 3, 3, 4]).is_err());
    assert!(forward(square(1, 0, 1, 1), [2, 5, 5, 3]).is_err());
    assert!(forward(square(0, 0, 1, 1), [2, 3, 3, 3]).is_err());
    assert!(forward(square(1, 0, 2, 1), [2, 3, 3, 3]).is_err());
    assert!(forward(square(1, 0, 1, 3), [2, 3, 3, 1]).is_err());
    let weight = random("w", &[2, 3, 3, 3]);
    let bias = random("bias", &[3]);
    let after = Epilogue { shift: Some(&bias), ..nothing };
    assert!(square(1, 0, 1, 1).forward(&maps, &weight, &after).is_err());
    assert!(square(1, 0, 1, 1).input_gradient(&maps, &weight, [9, 9]).is_err());
}
