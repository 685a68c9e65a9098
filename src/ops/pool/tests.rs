//! Pooling against finite differences, candle's own where it has it, and its corners.

use candle_core::{Device, Result, Tensor};

use super::*;
use crate::ops::check::{assert_close, random};
use crate::ops::layout::{to_channels_first, to_channels_last};

/// `grad` contracted with a small step of each pixel in turn must be what `forward` does.
fn assert_is_gradient(
    maps: &Tensor,
    forward: impl Fn(&Tensor) -> Result<Tensor>,
    backward: impl Fn(&Tensor) -> Result<Tensor>,
) {
    const STEP: f32 = 1e-2;
    let direction = random("direction", forward(maps).unwrap().dims());
    let along = |maps: &Tensor| -> f32 {
        (forward(maps).unwrap() * &direction).unwrap().sum_all().unwrap().to_scalar().unwrap()
    };
    let values = maps.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let differences: Vec<f32> = (0..values.len())
        .map(|place| {
            let at = |step: f32| {
                let mut moved = values.clone();
                moved[place] += step;
                along(&Tensor::from_vec(moved, maps.shape(), &Device::Cpu).unwrap())
            };
            (at(STEP) - at(-STEP)) / (2.0 * STEP)
        })
        .collect();
    let differences = Tensor::from_vec(differences, maps.shape(), &Device::Cpu).unwrap();
    assert_close(&backward(&direction).unwrap(), &differences, 2e-3);
}

/// Numbers far enough apart that a step of the finite difference changes no winner.
fn distinct(shape: [usize; 4]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (i * 7919 % count) as f32 * 0.1).collect();
    Tensor::from_vec(values, &shape, &Device::Cpu).unwrap()
}

#[test]
fn max_pooling_is_candles_where_candle_has_it() {
    for (size, kernel, stride) in [(8, 2, 2), (9, 3, 2), (7, 3, 1), (6, 3, 3)] {
        let maps = random("maps", &[2, 3, size, size]);
        let expected = maps.max_pool2d_with_stride(kernel, stride).unwrap();
        let pool = MaxPool2d::square(kernel, stride);
        let (pooled, _) = pool.forward(&to_channels_last(&maps).unwrap()).unwrap();
        assert_close(&to_channels_first(&pooled).unwrap(), &expected, 0.0);
    }
}

#[test]
fn max_pooling_gives_the_gradient_to_the_winners() {
    for (size, pool) in [
        ([5, 6], MaxPool2d::square(2, 2)),
        ([7, 7], MaxPool2d::square(3, 2)),
        ([6, 7], MaxPool2d { padding: [1, 1], ..MaxPool2d::square(3, 2) }),
        ([6, 8], MaxPool2d { ceil_mode: true, ..MaxPool2d::square(3, 2) }),
        ([5, 9], MaxPool2d { kernel: [1, 3], stride: [2, 1], padding: [0, 1], ceil_mode: false }),
    ] {
        let maps = distinct([2, size[0], size[1], 3]);
        let winners = pool.forward(&maps).unwrap().1;
        assert_is_gradient(
            &maps,
            |maps| Ok(pool.forward(maps)?.0),
            |grad| pool.input_gradient(grad, &winners, size),
        );
    }
}

#[test]
fn nan_wins_and_of_equals_the_first() {
    let maps = Tensor::new(&[[[[1f32], [1.0]], [[f32::NAN], [0.0]]]], &Device::Cpu).unwrap();
    let pool = |h| MaxPool2d { kernel: [h, 2], stride: [1, 1], padding: [0, 0], ceil_mode: false };
    let (pooled, winners) = pool(1).forward(&maps).unwrap();
    assert_eq!(pooled.flatten_all().unwrap().to_vec1::<f32>().unwrap()[0], 1.0);
    let ones = pooled.ones_like().unwrap();
    let grad = pool(1).input_gradient(&ones, &winners, [2, 2]).unwrap();
    assert_eq!(grad.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [1.0, 0.0, 1.0, 0.0]);
    let pooled = pool(2).forward(&maps).unwrap().0.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(pooled[0].is_nan());
}

#[test]
fn average_pooling_is_a_mean_with_its_gradient() {
    let plain = AveragePool2d {
        kernel: [3, 3],
        stride: [2, 2],
        padding: [0, 0],
        ceil_mode: false,
        count_include_pad: true,
    };
    for (size, pool) in [
        ([7, 7], plain),
        ([6, 8], AveragePool2d { ceil_mode: true, ..plain }),
        ([6, 7], AveragePool2d { padding: [1, 1], stride: [1, 1], ..plain }),
        ([6, 7], AveragePool2d { padding: [1, 1], count_include_pad: false, ..plain }),
    ] {
        let maps = random("maps", &[2, size[0], size[1], 3]);
        assert_is_gradient(&maps, |m| pool.forward(m), |grad| pool.input_gradient(grad, size));
    }
    let maps = random("maps", &[2, 4, 8, 8]);
    let expected = maps.avg_pool2d(2).unwrap();
    let pool = AveragePool2d { kernel: [2, 2], ..plain };
    let pooled = pool.forward(&to_channels_last(&maps).unwrap()).unwrap();
    assert_close(&to_channels_first(&pooled).unwrap(), &expected, 1e-6);
}

#[test]
fn padding_counts_only_if_asked() {
    let maps = Tensor::ones((1, 2, 2, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
    let corner = |count_include_pad| {
        let pool = AveragePool2d {
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 1],
            ceil_mode: false,
            count_include_pad,
        };
        pool.forward(&maps).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[0]
    };
    assert_eq!(corner(false), 1.0);
    assert!((corner(true) - 4.0 / 9.0).abs() < 1e-6);
}

#[test]
fn adaptive_pooling_reaches_every_size() {
    for (size, out) in [([6, 6], [1, 1]), ([7, 5], [3, 2]), ([2, 3], [6, 6]), ([6, 6], [6, 6])] {
        let maps = random("maps", &[2, size[0], size[1], 3]);
        assert_is_gradient(
            &maps,
            |maps| adaptive_average_pool(maps, out),
            |grad| adaptive_average_pool_gradient(grad, size),
        );
    }
    let maps = random("maps", &[2, 4, 5, 3]);
    let mean = maps.mean_keepdim((1, 2)).unwrap();
    assert_close(&adaptive_average_pool(&maps, [1, 1]).unwrap(), &mean, 1e-6);
}

#[test]
fn windows_that_do_not_fit_are_errors() {
    let maps = random("maps", &[1, 3, 3, 2]);
    assert!(MaxPool2d::square(4, 2).forward(&maps).is_err());
    assert!(MaxPool2d::square(2, 0).forward(&maps).is_err());
    assert!(MaxPool2d { padding: [2, 2], ..MaxPool2d::square(2, 2) }.forward(&maps).is_err());
    assert!(adaptive_average_pool(&maps, [0, 1]).is_err());
}
