//! The patch's places, maps against hiding by hand, and what becomes of maps.

use candle_core::{Device, Tensor};
use proptest::prelude::*;

use super::*;
use crate::model::{Arch, ModelConfig, build};

fn model(size: usize) -> Model {
    build(Arch::Shapesnet, ModelConfig::plain(4, 3, size), &Device::Cpu).unwrap()
}

fn image(size: usize) -> Tensor {
    let pixels: Vec<f32> = (0..3 * size * size).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
    Tensor::from_vec(pixels, (1, 3, size, size), &Device::Cpu).unwrap()
}

fn maps(batch: usize, tap: &str, neurons: &[usize], occlusion: &Occlusion) -> Vec<DiscrepancyMap> {
    let go_on = &mut |_| Ok(true);
    discrepancy_maps(&model(32), &image(32), tap, neurons, occlusion, batch, go_on)
        .unwrap()
        .unwrap()
}

#[test]
fn the_patch_lies_at_every_third_pixel_wholly_inside() {
    let occlusion = Occlusion::new(1, 1);
    assert_eq!(occlusion.places([28, 32]), [6, 8]);
    assert_eq!(occlusion.places([224, 227]), [72, 73]);
    // Smaller than the patch: hidden once.
    assert_eq!(occlusion.places([11, 7]), [1, 1]);
    for (side, last) in [(28, 15), (32, 21), (7, 0)] {
        let places = occlusion.places([side, side])[0];
        let mut pixels = vec![-1.0_f32; side * side];
        occlusion.hide(&mut pixels, [side, side], places * places - 1);
        let end = (last + 11).min(side);
        for (at, pixel) in pixels.iter().enumerate() {
            let inside = |along: usize| (last..end).contains(&along);
            let is_hidden = inside(at / side) && inside(at % side);
            assert_eq!(*pixel >= 0.0, is_hidden, "{side}: pixel {at}");
        }
        assert_eq!(pixels[last * side + last], occlusion.noise[0]);
    }
}

#[test]
fn noise_is_the_seeds_and_in_0_to_1() {
    let noise = Occlusion::new(5, 3).noise;
    assert_eq!(noise.len(), 3 * 121);
    assert_eq!(noise, Occlusion::new(5, 3).noise);
    assert_ne!(noise, Occlusion::new(6, 3).noise);
    assert!(noise.iter().all(|value| (0.0..1.0).contains(value)));
    let mean = noise.iter().sum::<f32>() / noise.len() as f32;
    assert!((mean - 0.5).abs() < 0.1, "{mean}");
}

#[test]
fn a_map_is_the_change_of_the_activation_by_hand() {
    let occlusion = Occlusion::new(3, 3);
    let neurons = [7, 2];
    let found = maps(13, "conv3", &neurons, &occlusion);
    let model = model(32);
    let activation = |pixels: Vec<f32>, neuron: usize| -> f32 {
        let image = Tensor::from_vec(pixels, (1, 3, 32, 32), &Device::Cpu).unwrap();
        let maps = model.features(&image, &["conv3"]).unwrap().remove(0);
        let channel: Vec<f32> =
            maps.narrow(1, neuron, 1).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        channel.into_iter().fold(f32::NEG_INFINITY, f32::max)
    };
    let whole: Vec<f32> = image(32).flatten_all().unwrap().to_vec1().unwrap();
    let mut changed = 0;
    for (map, neuron) in found.iter().zip(neurons) {
        assert_eq!((map.size, map.values.len()), ([8, 8], 64));
        for place in [0, 9, 37, 63] {
            let (top, left) = (place / 8 * 3, place % 8 * 3);
            let mut hidden = whole.clone();
            for (at, noise) in occlusion.noise.iter().enumerate() {
                let (channel, row, column) = (at / 121, at / 11 % 11, at % 11);
                hidden[channel * 1024 + (top + row) * 32 + left + column] = *noise;
            }
            let expected = (activation(hidden, neuron) - activation(whole.clone(), neuron)).abs();
            let difference = (map.values[place] - expected).abs();
            assert!(difference < 1e-5, "neuron {neuron}, place {place}: {difference}");
            changed += usize::from(expected > 1e-3);
        }
    }
    assert!(changed > 0, "nothing was compared");
}

#[test]
fn the_batch_changes_nothing_and_progress_can_stop() {
    let occlusion = Occlusion::new(3, 3);
    let alone = maps(1, "conv5", &[0, 5], &occlusion);
    for (one, other) in alone.iter().zip(&maps(64, "conv5", &[0, 5], &occlusion)) {
        let most = one.values.iter().copied().fold(0.0, f32::max);
        for (one, other) in one.values.iter().zip(&other.values) {
            // Another number of images may be added up in another order.
            assert!((one - other).abs() < 1e-4 * most, "{one} and {other} of {most}");
        }
    }
    let mut heard = Vec::new();
    let mut stop = |done: usize| {
        heard.push(done);
        Ok(heard.len() < 3)
    };
    let stopped =
        discrepancy_maps(&model(32), &image(32), "conv1", &[0], &occlusion, 10, &mut stop).unwrap();
    assert_eq!(stopped, None);
    assert_eq!(heard, [10, 20, 30]);
}

#[test]
fn what_does_not_fit_is_an_error_that_says_what() {
    let go_on = &mut |_| Ok(true);
    let occlusion = Occlusion::new(3, 3);
    let error =
        discrepancy_maps(&model(32), &image(32), "conv1", &[99], &occlusion, 8, go_on).unwrap_err();
    assert!(error.message.contains("16 neurons, no 99"), "{}", error.message);
    let grey = Occlusion::new(3, 1);
    let error =
        discrepancy_maps(&model(32), &image(32), "conv1", &[0], &grey, 8, go_on).unwrap_err();
    assert!(error.message.contains("363 values, not 121"), "{}", error.message);
    assert!(discrepancy_maps(&model(32), &image(32), "conv9", &[0], &occlusion, 8, go_on).is_err());
}

#[test]
fn at_picture_size_a_places_value_is_at_the_patchs_centre() {
    let occlusion = Occlusion::new(1, 1);
    let map = DiscrepancyMap { size: [8, 8], values: (0..64).map(|at| at as f32).collect() };
    let made = at_picture_size(&map, &occlusion, [32, 32]);
    // 11 pixels: the centre is the sixth.
    assert_eq!(made[5 * 32 + 5], 0.0);
    assert_eq!(made[(5 + 3 * 4) * 32 + 5 + 3 * 2], 34.0);
    let between = made[5 * 32 + 6];
    assert!((between - 1.0 / 3.0).abs() < 1e-6, "{between}");
    // Beyond the outermost centres nothing changes.
    assert_eq!((made[0], made[31 * 32 + 31], made[31]), (0.0, 63.0, 7.0));
    let once = DiscrepancyMap { size: [1, 1], values: vec![2.5] };
    assert_eq!(at_picture_size(&once, &occlusion, [7, 7]), [2.5; 49]);
}

#[test]
fn pooling_puts_maxima_on_each_other() {
    // A peak with a shoulder to its right, at two places, one of them in a corner.
    let peak = |row: usize, column: usize, height: f32| {
        let mut map = vec![0.0; 25];
        map[row * 5 + column] = height;
        map[row * 5 + column + 1] = height / 2.0;
        map
    };
    let pooled = pooled(&[peak(1, 1, 2.0), peak(4, 0, 4.0), vec![1.0; 3]], [5, 5]);
    assert_eq!((pooled[12], pooled[13], pooled[11]), (3.0, 1.5, 0.0));
    assert_eq!(size_of(&pooled, 0.5), 2.0_f64.sqrt());
}

#[test]
fn where_few_maps_reach_the_mean_is_over_those() {
    let mut corner = vec![1.0; 9];
    corner[0] = 5.0;
    let mut centre = vec![3.0; 9];
    centre[4] = 5.0;
    // The corner's map covers only what is right of and below the centre.
    let pooled = pooled(&[corner, centre], [3, 3]);
    assert_eq!(pooled, [3.0, 3.0, 3.0, 3.0, 5.0, 2.0, 3.0, 2.0, 2.0]);
}

#[test]
fn nothing_pools_to_nothing() {
    assert_eq!(pooled(&[], [2, 2]), [0.0; 4]);
    assert_eq!(size_of(&pooled(&[], [2, 2]), 0.5), 0.0);
    assert_eq!(size_of(&[], 0.5), 0.0);
    let all_nan = pooled(&[vec![f32::NAN; 4]], [2, 2]);
    assert!(all_nan.iter().all(|value| *value == 0.0));
}

proptest! {
    #[test]
    fn a_pooled_map_has_the_mean_of_the_maxima_at_its_centre(
        levels in proptest::collection::vec(0_u8..50, 4 * 6..4 * 6 * 5),
    ) {
        let maps: Vec<Vec<f32>> = levels
            .chunks_exact(24)
            .map(|map| map.iter().map(|&level| f32::from(level)).collect())
            .collect();
        let pooled = pooled(&maps, [4, 6]);
        let most = |map: &Vec<f32>| map.iter().copied().fold(0.0, f32::max);
        let mean = maps.iter().map(most).sum::<f32>() / maps.len() as f32;
        prop_assert!((pooled[2 * 6 + 3] - mean).abs() < 1e-4);
        prop_assert!(size_of(&pooled, 0.5) <= 24.0_f64.sqrt());
    }
}
