//! What excites neurons, as `neurons.py` found it with PyTorch and NumPy: most exciting images,
//! thresholds, regions and discrepancy maps of four networks, and everyone's receptive fields.

use candle_core::{Device, Tensor};
use glassbox::attack::{Attack, Ball, Fgsm, Victims};
use glassbox::data::{CentreCrop, Dataset, Pictures};
use glassbox::model::{Arch, Model, ModelConfig, build, weights};
use glassbox::neuron::activation::spatial_maxima;
use glassbox::neuron::discrepancy::{
    DiscrepancyMap, Occlusion, at_picture_size, discrepancy_maps, pooled, size_of,
};
use glassbox::neuron::quantile::TopQuantiles;
use glassbox::neuron::rank::Ranks;
use glassbox::neuron::region::upsample;
use glassbox::neuron::top::TopImages;

use super::{Fixture, data};

const ABOVE: f64 = 0.005;
const EPSILON: u8 = 4;
const BATCH: usize = 32;

/// 8-bit pictures of one size, `[3, side, side]` each.
struct Set {
    pictures: Vec<Vec<u8>>,
    labels: Vec<u32>,
    side: usize,
}

impl Set {
    /// Some of them in 0..1.
    fn images(&self, of: std::ops::Range<usize>) -> Tensor {
        let count = of.len();
        let levels = self.pictures[of].iter().flatten();
        let pixels: Vec<f32> = levels.map(|&level| f32::from(level) / 255.0).collect();
        Tensor::from_vec(pixels, (count, 3, self.side, self.side), &Device::Cpu).unwrap()
    }

    /// What FGSM makes of the first of them, from the signs of its gradient.
    fn adversarial(&self, signs: &Tensor) -> Self {
        let signs = signs.to_vec2::<u8>().unwrap();
        let attacked = self.pictures.iter().zip(&signs).map(|(picture, signs)| {
            let up = |at: usize| signs[at / 8] >> (7 - at % 8) & 1 == 1;
            let moved = |(at, &level): (usize, &u8)| {
                if up(at) { level.saturating_add(EPSILON) } else { level.saturating_sub(EPSILON) }
            };
            picture.iter().enumerate().map(moved).collect()
        });
        Self {
            pictures: attacked.collect(),
            labels: self.labels[..signs.len()].to_vec(),
            side: self.side,
        }
    }
}

fn cifar(count: usize) -> Option<Set> {
    let bytes = std::fs::read(data("cifar-10-subset/test_batch.bin")?).unwrap();
    let records = || bytes.as_chunks::<3073>().0.iter().take(count);
    Some(Set {
        pictures: records().map(|record| record[1..].to_vec()).collect(),
        labels: records().map(|record| u32::from(record[0])).collect(),
        side: 32,
    })
}

/// Every 15th of the thousand classes.
fn photographs(count: usize, resize: usize, crop: usize) -> Option<Set> {
    let mut paths = Vec::new();
    for class in std::fs::read_dir(data("imagenet-samples")?).unwrap() {
        let files = std::fs::read_dir(class.unwrap().path()).unwrap();
        paths.extend(files.map(|file| file.unwrap().path()));
    }
    paths.sort();
    assert_eq!(paths.len(), 1000);
    let chosen: Vec<_> = paths.into_iter().step_by(15).take(count).collect();
    let pictures = Pictures::find(&chosen, CentreCrop { resize, crop }, 3).unwrap();
    Some(Set {
        pictures: (0..count).map(|index| pictures.example(index).unwrap().pixels).collect(),
        labels: (0..count as u32).map(|place| 15 * place).collect(),
        side: crop,
    })
}

fn published(
    arch: Arch,
    file: &str,
    classes: usize,
    image_size: usize,
    [mean, std]: [[f64; 3]; 2],
) -> Option<Model> {
    let config = ModelConfig {
        classes,
        channels: 3,
        image_size,
        mean: mean.to_vec(),
        std: std.to_vec(),
        seed: 1,
        layers: Vec::new(),
    };
    let read = weights::read(&data("weights")?.join(file), &Device::Cpu).unwrap();
    let model = build(arch, config, &Device::Cpu).unwrap();
    model.parameters().load(read.tensors).unwrap();
    Some(model)
}

fn squeezenet(image_size: usize) -> Option<Model> {
    let file = "imagenet-squeezenet/squeezenet1_0-deep-compression.pth";
    let mean = [123.0, 117.0, 104.0].map(|level: f64| level / 255.0);
    published(Arch::Squeezenet10, file, 1000, image_size, [mean, [1.0; 3]])
}

/// One layer of one network over one set: what the stage keeps of it, and all of its maps.
struct Seen {
    top: TopImages,
    quantiles: TopQuantiles,
    /// `[images, neurons, positions]`.
    maps: Vec<f32>,
    /// Images × neurons.
    maxima: Vec<Vec<f32>>,
    /// Neurons, height, width.
    shape: [usize; 3],
}

/// In batches, as a stream.
fn see(model: &Model, set: &Set, taps: &[&str]) -> Vec<Seen> {
    let count = set.pictures.len();
    let mut seen: Vec<Seen> = taps
        .iter()
        .map(|name| {
            let tap = model.taps().iter().find(|tap| tap.name == *name).unwrap();
            let [neurons, height, width] = tap.shape;
            Seen {
                top: TopImages::new(neurons, 9),
                quantiles: TopQuantiles::new(neurons, ABOVE, (count * height * width) as u64),
                maps: Vec::new(),
                maxima: Vec::new(),
                shape: tap.shape,
            }
        })
        .collect();
    for first in (0..count).step_by(BATCH) {
        let indices: Vec<usize> = (first..count.min(first + BATCH)).collect();
        let predictions = vec![0; indices.len()];
        let images = set.images(first..first + indices.len());
        let features = model.features(&images, taps).unwrap();
        for (layer, maps) in seen.iter_mut().zip(&features) {
            let [_, height, width] = layer.shape;
            let maxima = spatial_maxima(maps).unwrap();
            layer.top.offer_batch(&indices, &predictions, &maxima);
            layer.maxima.extend((0..indices.len()).map(|at| maxima.image(at).0.to_vec()));
            let maps: Vec<f32> = maps.flatten_all().unwrap().to_vec1().unwrap();
            layer.quantiles.add_maps(&maps, height * width);
            layer.maps.extend(maps);
        }
    }
    seen
}

/// Indices are PyTorch's wherever its activations differ by more than rounding. Gives how many ranks
/// were the same.
fn check_top(what: &str, seen: &Seen, fixture: &Fixture) -> (usize, usize) {
    let indices = fixture.get(&format!("{what}.top")).to_vec2::<u8>().unwrap();
    let values = fixture.get(&format!("{what}.values")).to_vec2::<f32>().unwrap();
    assert_eq!(seen.top.neurons().len(), indices.len(), "{what}");
    // An activation is a sum in which the layer's largest numbers may cancel each other.
    let largest = values.iter().map(|values| values[0]).fold(0.0, f32::max);
    let (mut same, mut all) = (0, 0);
    for (neuron, ranked) in seen.top.neurons().iter().enumerate() {
        assert_eq!(ranked.len(), indices[neuron].len(), "{what}, neuron {neuron}");
        let allowed = 2e-5 * values[neuron][0].abs() + 5e-6 * largest;
        for (rank, found) in ranked.iter().enumerate() {
            let (expected, value) = (usize::from(indices[neuron][rank]), values[neuron][rank]);
            let difference = (found.activation.value - value).abs();
            assert!(difference <= allowed, "{what}, neuron {neuron}, rank {rank}: {value}");
            // Where the value is PyTorch's to rounding but the image is another, the two are equal
            // to rounding; exact zeros are ranked by index on both sides.
            let is_same = found.image == expected;
            assert!(is_same || value != 0.0, "{what}, neuron {neuron}, rank {rank}: a tie");
            same += usize::from(is_same);
            all += 1;
            let [row, column] = found.activation.position;
            let [neurons, height, width] = seen.shape;
            let at = ((found.image * neurons + neuron) * height + row) * width + column;
            assert_eq!(seen.maps[at], found.activation.value, "{what}: its place");
        }
    }
    (same, all)
}

/// Every region covers PyTorch's: an intersection over union of 0.99 and more.
fn check_regions(what: &str, seen: &Seen, thresholds: &[f32], side: usize, fixture: &Fixture) {
    let tops = fixture.get(&format!("{what}.top")).to_vec2::<u8>().unwrap();
    let neurons = fixture.get(&format!("{what}.neurons")).to_vec1::<i64>().unwrap();
    let runs = fixture.get(&format!("{what}.regions")).to_vec1::<i32>().unwrap();
    let mut runs = runs.into_iter().map(|run| run as usize);
    let [count, height, width] = seen.shape;
    let (mut sum, mut compared, mut lit) = (0.0, 0, 0);
    for neuron in neurons.into_iter().map(|neuron| neuron as usize) {
        for &image in &tops[neuron][..2] {
            let mut expected = Vec::with_capacity(side * side);
            let mut fires = false;
            while expected.len() < side * side {
                expected.extend(std::iter::repeat_n(fires, runs.next().unwrap()));
                fires = !fires;
            }
            let start = (usize::from(image) * count + neuron) * height * width;
            let map = &seen.maps[start..start + height * width];
            let large = upsample(map, [height, width], [side, side]);
            let threshold = thresholds[neuron];
            let (mut both, mut either) = (0_u32, 0_u32);
            for (value, expected) in large.iter().zip(&expected) {
                both += u32::from(*value > threshold && *expected);
                either += u32::from(*value > threshold || *expected);
            }
            // A peak of one position may lie above the threshold and yet no pixel that is
            // interpolated round it: then neither side lights anything.
            let iou = if either > 0 { f64::from(both) / f64::from(either) } else { 1.0 };
            lit += usize::from(either > 0);
            assert!(iou >= 0.99, "{what}, neuron {neuron}, image {image}: IoU {iou}");
            sum += iou;
            compared += 1;
        }
    }
    assert!(runs.next().is_none() && lit >= 4, "{what}: {lit} of {compared} regions");
    println!(
        "{what}: {compared} regions, {lit} of them lit, mean IoU {:.5}",
        sum / f64::from(compared)
    );
}

/// Ranks by the streaming count are those of the list.
fn check_ranks(what: &str, seen: &Seen) {
    let queries: Vec<(usize, f32, usize)> = seen
        .top
        .neurons()
        .iter()
        .enumerate()
        .flat_map(|(neuron, ranked)| {
            ranked.iter().map(move |found| (neuron, found.activation.value, found.image))
        })
        .collect();
    let mut ranks = Ranks::new(seen.shape[0], queries);
    for (image, row) in seen.maxima.iter().enumerate() {
        ranks.see(image, row);
    }
    let expected = (0..ranks.ranks().len() as u64).map(|place| place % 9 + 1);
    assert!(ranks.ranks().into_iter().eq(expected), "{what}");
}

fn check_discrepancy(name: &str, model: &Model, set: &Set, tap: &str, fixture: &Fixture) {
    let noise = fixture.get("noise").flatten_all().unwrap().to_vec1().unwrap();
    let occlusion = Occlusion::with_noise(noise);
    let neurons = fixture.get(&format!("{name}.real.{tap}.neurons")).to_vec1::<i64>().unwrap();
    let neurons: Vec<usize> = neurons.into_iter().take(2).map(|neuron| neuron as usize).collect();
    let mut of_first: Vec<DiscrepancyMap> = Vec::new();
    for picture in 0..2 {
        let image = set.images(picture..picture + 1);
        let go_on = &mut |_| Ok(true);
        let found = discrepancy_maps(model, &image, tap, &neurons, &occlusion, 64, go_on);
        let found = found.unwrap().unwrap();
        let expected = fixture.get(&format!("{name}.{tap}.discrepancy.{picture}"));
        let expected = expected.to_vec3::<f32>().unwrap();
        assert_eq!(found.len(), expected.len());
        for (map, expected) in found.iter().zip(&expected) {
            assert_eq!(map.size, [expected.len(), expected[0].len()], "{name} {tap}");
            let most = expected.iter().flatten().copied().fold(0.0, f32::max);
            assert!(most > 0.0, "{name} {tap}: nothing changes");
            for (ours, theirs) in map.values.iter().zip(expected.iter().flatten()) {
                let difference = (ours - theirs).abs();
                assert!(difference <= 1e-4 * most, "{name} {tap}: {ours}, not {theirs} of {most}");
            }
        }
        of_first.extend(found.into_iter().next());
    }
    let size = [set.side; 2];
    let large: Vec<Vec<f32>> =
        of_first.iter().map(|map| at_picture_size(map, &occlusion, size)).collect();
    let field = size_of(&pooled(&large, size), 0.5);
    assert!(field >= 1.0 && field <= set.side as f64, "{name} {tap}: {field}");
}

/// Everything about one network and its taps.
fn check(name: &str, model: &Model, real: &Set, taps: &[&str]) {
    let fixture = Fixture::read("neurons.safetensors");
    let seen = see(model, real, taps);
    let thresholds: Vec<Vec<f32>> = taps
        .iter()
        .zip(&seen)
        .map(|(tap, seen)| {
            let expected = fixture.get(&format!("{name}.{tap}.thresholds"));
            let expected = expected.to_vec1::<f32>().unwrap();
            let found: Vec<f32> = (0..expected.len())
                .map(|neuron| seen.quantiles.threshold(neuron).unwrap())
                .collect();
            for (neuron, (ours, theirs)) in found.iter().zip(&expected).enumerate() {
                let difference = (ours - theirs).abs();
                // The promise, and rounding.
                let allowed = theirs.abs() * (1.0 / 4096.0 + 2e-5);
                assert!(difference <= allowed, "{name} {tap}, neuron {neuron}: {ours}, {theirs}");
            }
            found
        })
        .collect();
    let mut sides = vec![("real", seen)];
    if fixture.has(&format!("{name}.signs")) {
        let adversarial = real.adversarial(fixture.get(&format!("{name}.signs")));
        check_attack(name, model, real, &adversarial);
        sides.push(("adversarial", see(model, &adversarial, taps)));
    }
    let (mut same, mut all) = (0, 0);
    for (side, seen) in &sides {
        for ((tap, seen), thresholds) in taps.iter().zip(seen).zip(&thresholds) {
            let what = format!("{name}.{side}.{tap}");
            let (equal, compared) = check_top(&what, seen, &fixture);
            same += equal;
            all += compared;
            check_regions(&what, seen, thresholds, real.side, &fixture);
            check_ranks(&what, seen);
        }
    }
    println!("{name}: {same} of {all} ranks hold PyTorch's image");
    assert!(same * 1000 >= all * 998, "{name}: {same} of {all}");
    // Hiding a photograph everywhere takes a thousand passes: of those one layer.
    let few = if real.side > 32 { 1..2 } else { 0..taps.len() };
    let has = |tap: &&&str| fixture.has(&format!("{name}.{tap}.discrepancy.0"));
    for tap in taps[few].iter().filter(has) {
        check_discrepancy(name, model, real, tap, &fixture);
    }
}

/// Our FGSM makes the fixture's images, but for pixels whose gradient is near 0.
fn check_attack(name: &str, model: &Model, real: &Set, adversarial: &Set) {
    let count = adversarial.pictures.len();
    let labels = Tensor::new(&real.labels[..count], &Device::Cpu).unwrap();
    let indices: Vec<usize> = (0..count).collect();
    let images = real.images(0..count);
    let victims = Victims { images: &images, labels: &labels, indices: &indices, targets: None };
    let fgsm = Fgsm { ball: Ball::linf(f64::from(EPSILON)) };
    let made = fgsm.perturb(model, &victims).unwrap();
    let made: Vec<f32> = made.flatten_all().unwrap().to_vec1().unwrap();
    let expected: Vec<f32> = adversarial.images(0..count).flatten_all().unwrap().to_vec1().unwrap();
    let same = made.iter().zip(&expected).filter(|(a, b)| (**a - **b).abs() < 1e-5).count();
    let share = same as f64 / expected.len() as f64;
    println!("{name}: FGSM makes {:.3} % of the pixels", share * 100.0);
    assert!(share >= 0.995, "{name}: {share}");
}

#[test]
fn shapesnets_neurons_are_pytorchs() {
    let Some(set) = cifar(200) else { return };
    check("shapesnet", &super::shapesnet::model(32), &set, &["conv1", "conv3", "conv5"]);
}

#[test]
fn resnet20s_neurons_are_pytorchs() {
    let norm = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
    let file = "cifar10-resnet/resnet20-12fca82f.th";
    let Some(set) = cifar(200) else { return };
    let Some(model) = published(Arch::Resnet20, file, 10, 32, norm) else { return };
    check("resnet20", &model, &set, &["conv1", "layer2.1", "layer3.2"]);
}

#[test]
fn squeezenets_neurons_are_pytorchs_on_photographs() {
    let taps = ["features.3", "features.7", "features.12"];
    for (name, resize, crop) in [("squeezenet_227", 232, 227), ("squeezenet_113", 116, 113)] {
        let Some(set) = photographs(64, resize, crop) else { return };
        let Some(model) = squeezenet(crop) else { return };
        check(name, &model, &set, &taps);
    }
}

#[test]
fn receptive_fields_are_as_far_as_pytorchs_gradients_reach() {
    let fixture = Fixture::read("neurons.safetensors");
    for (name, arch, image_size) in [
        ("alexnet", Arch::Alexnet, 64),
        // The layers before its classifier are the large one's.
        ("vgg16", Arch::Vgg16Small, 32),
        ("resnet18", Arch::Resnet18, 64),
        ("resnet20", Arch::Resnet20, 32),
        ("squeezenet1_0", Arch::Squeezenet10, 64),
        ("inception_v3", Arch::InceptionV3, 299),
        ("shapesnet_32", Arch::Shapesnet, 32),
        ("shapesnet_64", Arch::Shapesnet, 64),
    ] {
        let config = ModelConfig {
            classes: 2,
            channels: 3,
            image_size,
            mean: vec![0.0; 3],
            std: vec![1.0; 3],
            seed: 1,
            layers: Vec::new(),
        };
        let model = build(arch, config, &Device::Cpu).unwrap();
        let expected = fixture.get(&format!("fields.{name}")).to_vec2::<f32>().unwrap();
        assert_eq!(model.taps().len(), expected.len(), "{name}");
        for (tap, expected) in model.taps().iter().zip(expected) {
            let field = model.receptive_field(&tap.name).unwrap();
            let found = [field.size as f32, field.stride as f32, field.start as f32];
            assert_eq!(found[..], expected[..], "{name} {}", tap.name);
        }
    }
}
