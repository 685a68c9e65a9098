//! Neurons that are built to detect known concepts of `shapes` come out with exactly those, and with
//! chance's ones once each image has the labels of another.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use glassbox::data::Dataset;
use glassbox::data::labelled::{Labelled, LabelledShapes, Labels, shapes};
use glassbox::model::arch::sequential::Layer;
use glassbox::model::{Arch, Mode, Model, ModelConfig, build};
use glassbox::neuron::dissection::{Best, Dissection};
use glassbox::neuron::quantile::TopQuantiles;

use super::dissection::vocabulary;

const IMAGES: usize = 256;
const SIDE: usize = 64;
const IOU: f64 = 0.04;
const BATCH: usize = 32;

/// What each neuron answers to, the weights of red, green and blue (0..1), and what is added.
const COLOURS: [(&str, [f32; 3], f32); 6] = [
    ("black", [-1.0, -1.0, -1.0], 1.0),
    ("red", [1.0, -1.0, -0.6], 0.0),
    ("green", [-0.9, 1.0, -0.7], 0.0),
    ("yellow", [1.0, 1.0, -1.8], -0.2),
    ("orange", [1.0, -0.1, -1.2], 0.0),
    ("pink", [1.0, -1.4, 0.6], 0.0),
];

/// The image whose labels image `index` has after shuffling: always another one.
fn other(index: usize) -> usize {
    (index * 101 + 37) % IMAGES
}

/// A network whose only convolution sees single pixels, with the weights above.
fn network() -> Model {
    let conv = Layer::Conv {
        outputs: COLOURS.len(),
        kernel: 1,
        stride: 1,
        padding: 0,
        dilation: 1,
        groups: 1,
        bias: true,
    };
    let config = ModelConfig {
        classes: 2,
        channels: 3,
        image_size: SIDE,
        mean: vec![0.0; 3],
        std: vec![1.0; 3],
        seed: 1,
        layers: vec![
            conv,
            Layer::Relu,
            Layer::AdaptiveAvgPool { size: 1 },
            Layer::Flatten,
            Layer::Linear { outputs: 2 },
        ],
    };
    let model = build(Arch::Sequential, config, &Device::Cpu).unwrap();
    let tensor =
        |values: Vec<f32>, dims: &[usize]| Tensor::from_vec(values, dims, &Device::Cpu).unwrap();
    let weights = COLOURS.iter().flat_map(|(_, weights, _)| *weights).collect();
    let biases = COLOURS.iter().map(|(_, _, bias)| *bias).collect();
    let count = COLOURS.len();
    let tensors = HashMap::from([
        ("0.weight".to_owned(), tensor(weights, &[count, 3, 1, 1])),
        ("0.bias".to_owned(), tensor(biases, &[count])),
        ("4.weight".to_owned(), tensor(vec![0.1; 2 * count], &[2, count])),
        ("4.bias".to_owned(), tensor(vec![0.0; 2], &[2])),
    ]);
    model.parameters().load(tensors).unwrap();
    model
}

/// `[images, neurons, side, side]` of the network's convolution.
fn maps_of(model: &Model, data: &LabelledShapes) -> Vec<f32> {
    let mut maps = Vec::new();
    for first in (0..IMAGES).step_by(BATCH) {
        let pixels: Vec<f32> = (first..first + BATCH)
            .flat_map(|index| data.example(index).unwrap().pixels)
            .map(|level| f32::from(level) / 255.0)
            .collect();
        let images = Tensor::from_vec(pixels, (BATCH, 3, SIDE, SIDE), &Device::Cpu).unwrap();
        let output = model.forward(&images, Mode::Evaluate, &["conv1"]).unwrap();
        let of_batch: Vec<f32> = output.taps[0].flatten_all().unwrap().to_vec1().unwrap();
        maps.extend(of_batch);
    }
    maps
}

/// The neurons with the images' own labels, and with those of another image.
fn dissected(
    data: &LabelledShapes,
    labels: &[Labels],
    thresholds: Vec<f32>,
    maps: &[f32],
    side: usize,
) -> [Dissection; 2] {
    let values = thresholds.len() * side * side;
    let vocabulary = vocabulary(data);
    let own = Dissection::new(thresholds.clone(), &vocabulary, true);
    let mut both = [own, Dissection::new(thresholds, &vocabulary, false)];
    for first in (0..IMAGES).step_by(BATCH) {
        let indices: Vec<usize> = (first..first + BATCH).collect();
        let maps = &maps[first * values..(first + BATCH) * values];
        let shuffled: Vec<Labels> =
            indices.iter().map(|&index| labels[other(index)].clone()).collect();
        let own = &labels[first..first + BATCH];
        both[0].add(maps, [side; 2], &indices, own, &shuffled);
        both[1].add(maps, [side; 2], &indices, &shuffled, &[]);
    }
    both
}

/// Category and name.
fn named(data: &LabelledShapes, best: &Best) -> (String, String) {
    let Some(number) = best.concept else { return Default::default() };
    let concept = &data.concepts()[usize::from(number) - 1];
    (data.categories()[concept.category].clone(), concept.name.clone())
}

#[test]
fn a_network_built_to_detect_colours_detects_those_and_nothing_once_labels_are_shuffled() {
    let data = shapes(9, IMAGES, SIDE);
    let labels: Vec<Labels> = (0..IMAGES).map(|index| data.labels(index).unwrap()).collect();
    let maps = maps_of(&network(), &data);
    let neurons = COLOURS.len();
    let mut quantiles = TopQuantiles::new(neurons, 0.005, (IMAGES * SIDE * SIDE) as u64);
    quantiles.add_maps(&maps, SIDE * SIDE);
    let thresholds: Vec<f32> =
        (0..neurons).map(|neuron| quantiles.threshold(neuron).unwrap()).collect();
    let [own, shuffled] = dissected(&data, &labels, thresholds, &maps, SIDE);
    for ((colour, _, _), best) in COLOURS.iter().zip(own.best()) {
        let found = named(&data, &best);
        println!("{colour}: {found:?} {:.3}", best.iou);
        assert_eq!(found, ("color".to_owned(), (*colour).to_owned()), "{}", best.iou);
    }
    // By category: color, texture, material, scene, part, object; all.
    assert_eq!(own.ratio(IOU), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(own.intervals(IOU)[6][1], 1.0);

    let (real, chance) = (own.iou(), shuffled.iou());
    for (neuron, (colour, _, _)) in COLOURS.iter().enumerate() {
        let number = data.concepts().iter().position(|concept| concept.name == *colour).unwrap();
        let at = neuron * data.concepts().len() + number;
        assert!(chance[at] < real[at] / 2.0, "{colour}: {} and {}", real[at], chance[at]);
    }
    assert_eq!(own.null_ratio(IOU), shuffled.ratio(IOU));
    assert_eq!(shuffled.ratio(IOU)[0], 0.0, "{:?}", shuffled.best());
    assert!(shuffled.ratio(IOU)[6] <= 0.2, "{:?}", shuffled.best());
}

/// Small numbers that do not look regular, −0.5 to 0.5.
fn noise(at: usize) -> f32 {
    let hash = (at as u32).wrapping_mul(2_654_435_761);
    let hash = (hash ^ (hash >> 15)).wrapping_mul(2_246_822_519);
    ((hash ^ (hash >> 13)) >> 8) as f32 / 16_777_216.0 - 0.5
}

/// Concepts that a map of half the resolution can show and that are not nearly the same pixels as
/// another one.
fn distinct(data: &LabelledShapes, labels: &[Labels]) -> Vec<u16> {
    let count = data.concepts().len() + 1;
    let mut together = vec![0_u32; count * count];
    for of in labels {
        for pixel in 0..SIDE * SIDE {
            let maps = of.maps.iter().map(|(_, map)| map[pixel]);
            let here: Vec<u16> = maps.chain(of.whole.iter().map(|&(_, number)| number)).collect();
            for &a in &here {
                for &b in &here {
                    together[usize::from(a) * count + usize::from(b)] += 1;
                }
            }
        }
    }
    let at = |a: usize, b: usize| together[a * count + b];
    let is_distinct = |a: usize| {
        (1..count).all(|b| {
            let union = at(a, a) + at(b, b) - at(a, b);
            a == b || f64::from(at(a, b)) < 0.5 * f64::from(union)
        })
    };
    let least = (IMAGES * SIDE * SIDE / 500) as u32;
    (1..count).filter(|&a| at(a, a) >= least && is_distinct(a)).map(|a| a as u16).collect()
}

#[test]
fn neurons_that_follow_concepts_of_every_category_detect_those() {
    let data = shapes(9, IMAGES, SIDE);
    let labels: Vec<Labels> = (0..IMAGES).map(|index| data.labels(index).unwrap()).collect();
    let planted = distinct(&data, &labels);
    // Each value: the share of four pixels that have the concept, and noise.
    let side = SIDE / 2;
    let mut maps = Vec::with_capacity(IMAGES * planted.len() * side * side);
    for of in &labels {
        for &number in &planted {
            let is_whole = of.whole.iter().any(|whole| whole.1 == number);
            let has =
                |pixel: usize| is_whole || of.maps.iter().any(|(_, map)| map[pixel] == number);
            for place in 0..side * side {
                let pixel = place / side * 2 * SIDE + place % side * 2;
                let four = [pixel, pixel + 1, pixel + SIDE, pixel + SIDE + 1];
                let share = four.into_iter().filter(|&pixel| has(pixel)).count() as f32 / 4.0;
                maps.push(share + 0.6 * noise(maps.len()));
            }
        }
    }
    let [own, shuffled] = dissected(&data, &labels, vec![0.5; planted.len()], &maps, side);
    let (best, chance) = (own.best(), shuffled.best());
    for (neuron, number) in planted.iter().enumerate() {
        let concept = named(&data, &Best { concept: Some(*number), iou: 1.0 });
        assert_eq!(named(&data, &best[neuron]), concept, "IoU {}", best[neuron].iou);
        assert!(best[neuron].iou > 0.4, "{concept:?}: {}", best[neuron].iou);
        assert!(chance[neuron].iou < best[neuron].iou, "{concept:?}: {}", chance[neuron].iou);
    }
    let by_category = own.ratio(IOU);
    println!("{} concepts planted: {by_category:.2?}", planted.len());
    assert!(planted.len() >= 50 && by_category.iter().all(|&ratio| ratio > 0.0));
    assert!((by_category[6] - 1.0).abs() < 1e-12);
    // With labels of other images only what lies in the same place everywhere can still match.
    let kept = planted.iter().zip(&chance).filter(|(number, best)| best.concept == Some(**number));
    let kept = kept.count() as f64 / planted.len() as f64;
    println!("shuffled: {kept:.2} keep their concept, ratio {:.2}", shuffled.ratio(IOU)[6]);
    assert!(kept < 0.25, "{kept}");
    assert_eq!(own.null_ratio(IOU), shuffled.ratio(IOU));
}
