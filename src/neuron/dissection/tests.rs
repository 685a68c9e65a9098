//! Counts against sets of pixels, as the definition has them.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::neuron::region::upsample;

/// Small numbers that do not look regular.
fn noise(seed: usize) -> f32 {
    (hash(seed as u64) >> 40) as f32 / (1 << 24) as f32
}

/// Three categories, seven concepts; 7 is in category 0, whichever column it stands in.
fn vocabulary() -> Vocabulary {
    Vocabulary { categories: 3, category_of: vec![0, 0, 1, 1, 2, 2, 0] }
}

/// Labels of `seed`: none to three maps, up to two labels of the whole image.
fn labels(seed: usize, [height, width]: [usize; 2]) -> Labels {
    let draw = |at: usize, count: usize| (hash((seed * 1000 + at) as u64) % count as u64) as usize;
    let number = |at: usize| draw(at, 8) as u16;
    let whole = (0..draw(1, 3)).map(|at| (draw(at + 10, 3), number(at + 20)));
    let map = |layer: usize| {
        let pixels = 0..height * width;
        (draw(layer + 30, 3), pixels.map(|at| number(100 + layer * 300 + at / 2)).collect())
    };
    let maps = (0..draw(2, 4)).map(map);
    Labels { height, width, whole: whole.collect(), maps: maps.collect() }
}

/// A set of images and the maps of a few neurons.
struct Set {
    neurons: usize,
    size: [usize; 2],
    maps: Vec<f32>,
    labels: Vec<Labels>,
    thresholds: Vec<f32>,
}

impl Set {
    fn new(seed: usize, images: usize, size: [usize; 2]) -> Self {
        let neurons = 5;
        let count = images * neurons * size[0] * size[1];
        let to = |at: usize| [3 + (seed + at) % 2 * 4, 4 + seed % 3];
        Self {
            neurons,
            size,
            maps: (0..count).map(|at| noise(seed * 100_000 + at)).collect(),
            labels: (0..images).map(|at| labels(seed * 50 + at, to(at))).collect(),
            thresholds: vec![0.3, 0.6, 0.8, 0.95, f32::NAN],
        }
    }

    fn dissected(&self, with_null: bool, batches: &[std::ops::Range<usize>]) -> Dissection {
        let mut found = Dissection::new(self.thresholds.clone(), &vocabulary(), with_null);
        for batch in batches {
            self.add(&mut found, batch.clone());
        }
        found
    }

    fn add(&self, to: &mut Dissection, batch: std::ops::Range<usize>) {
        let positions = self.neurons * self.size[0] * self.size[1];
        let maps = &self.maps[batch.start * positions..batch.end * positions];
        let indices: Vec<usize> = batch.clone().collect();
        let shuffled = self.shuffled();
        to.add(maps, self.size, &indices, &self.labels[batch.clone()], &shuffled[batch]);
    }

    /// Each image has the labels of the next one.
    fn shuffled(&self) -> Vec<Labels> {
        let mut shuffled = self.labels.clone();
        shuffled.rotate_left(1);
        shuffled
    }

    /// |M ∩ L| / |M ∪ L| by sets of (image, pixel).
    fn expected(&self, labels: &[Labels]) -> Vec<f64> {
        let vocabulary = vocabulary();
        let mut iou = Vec::new();
        for neuron in 0..self.neurons {
            for concept in 1..=vocabulary.category_of.len() as u16 {
                let (mut fires, mut has) = (HashSet::new(), HashSet::new());
                for (image, of) in labels.iter().enumerate() {
                    let of_image = pixels_with(of);
                    let category = vocabulary.category_of[usize::from(concept) - 1];
                    let with_category = of_image.iter().any(|&(_, number)| {
                        vocabulary.category_of[usize::from(number) - 1] == category
                    });
                    has.extend(
                        of_image.iter().filter(|of| of.1 == concept).map(|of| (image, of.0)),
                    );
                    if with_category {
                        let positions = self.size[0] * self.size[1];
                        let begin = (image * self.neurons + neuron) * positions;
                        let map = &self.maps[begin..begin + positions];
                        let large = upsample(map, self.size, [of.height, of.width]);
                        let threshold = self.thresholds[neuron];
                        let above = |at: &usize| large[*at] > threshold;
                        fires.extend((0..large.len()).filter(above).map(|at| (image, at)));
                    }
                }
                let union = fires.union(&has).count();
                let both = fires.intersection(&has).count();
                iou.push(if union == 0 { 0.0 } else { both as f64 / union as f64 });
            }
        }
        iou
    }
}

/// Every pixel with every number that it carries.
fn pixels_with(labels: &Labels) -> HashSet<(usize, u16)> {
    let positions = labels.height * labels.width;
    let whole = labels.whole.iter();
    let whole = whole.flat_map(|&(_, number)| (0..positions).map(move |at| (at, number)));
    let of_map = |(_, map): &(usize, Vec<u16>)| {
        map.iter().copied().enumerate().collect::<Vec<(usize, u16)>>()
    };
    whole.chain(labels.maps.iter().flat_map(of_map)).filter(|of| of.1 != 0).collect()
}

fn assert_close(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*found) - expected).abs() < 1e-6, "{at}: {found}, not {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn counts_are_those_of_sets_whatever_the_batches_and_also_when_taken_up_again(
        seed in 0_usize..10_000,
        images in 1_usize..9,
        size in (1_usize..5, 1_usize..5),
        cut in 0_usize..9,
    ) {
        let set = Set::new(seed, images, size.into());
        let cut = cut.min(images);
        let whole = set.dissected(true, std::slice::from_ref(&(0..images)));
        assert_close(&whole.iou(), &set.expected(&set.labels));
        let turned = set.dissected(true, &[cut..images, 0..cut]);
        prop_assert_eq!(whole.to_bytes(), turned.to_bytes());

        let first = set.dissected(true, std::slice::from_ref(&(0..cut)));
        let mut again = Dissection::new(set.thresholds.clone(), &vocabulary(), true);
        prop_assert!(again.restore(&first.to_bytes()));
        set.add(&mut again, cut..images);
        prop_assert_eq!(whole.to_bytes(), again.to_bytes());
        prop_assert_eq!(again.images(), images as u64);
    }

    #[test]
    fn the_null_is_what_the_shuffled_labels_give_as_labels(
        seed in 0_usize..10_000,
        images in 1_usize..9,
        threshold in 0.0_f64..0.3,
    ) {
        let set = Set::new(seed, images, [3, 2]);
        let found = set.dissected(true, std::slice::from_ref(&(0..images)));
        let other = Set { labels: set.shuffled(), ..Set::new(seed, images, [3, 2]) };
        let other = other.dissected(false, std::slice::from_ref(&(0..images)));
        prop_assert_eq!(found.null_ratio(threshold), other.ratio(threshold));
        prop_assert_eq!(other.null_ratio(threshold), vec![0.0; 4]);
    }

    #[test]
    fn firing_is_where_the_upsampled_map_lies_above(
        size in (1_usize..7, 1_usize..7),
        to in (1_usize..30, 1_usize..30),
        threshold in prop_oneof![-0.1_f32..1.1, Just(f32::NAN)],
        seed in 0_usize..10_000,
    ) {
        let (size, to): ([usize; 2], [usize; 2]) = (size.into(), to.into());
        let mut map: Vec<f32> = (0..size[0] * size[1]).map(|at| noise(seed + at)).collect();
        if seed % 3 == 0 {
            map[seed % (size[0] * size[1])] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][seed % 9 / 3];
        }
        let found = firing(&map, size, to, threshold);
        let large = upsample(&map, size, to);
        prop_assert_eq!(found.len(), large.len());
        for (at, (found, value)) in found.iter().zip(large).enumerate() {
            prop_assert_eq!(*found, value > threshold, "{}: {}", at, value);
        }
    }

    #[test]
    fn best_concepts_and_ratios_follow_from_the_intersections_over_unions(
        seed in 0_usize..10_000,
        images in 1_usize..20,
        threshold in 0.0_f64..0.4,
    ) {
        let set = Set::new(seed, images, [2, 3]);
        let found = set.dissected(false, std::slice::from_ref(&(0..images)));
        let (expected, of) = (set.expected(&set.labels), vocabulary());
        let concepts = of.category_of.len();
        let (best, by_category) = (found.best(), found.best_by_category());
        let mut detectors = [0_usize; 4];
        for (neuron, iou) in expected.chunks(concepts).enumerate() {
            let most = iou.iter().copied().fold(0.0, f64::max);
            let first = iou.iter().position(|&other| other == most && most > 0.0);
            prop_assert_eq!(best[neuron].concept.map(|number| usize::from(number) - 1), first);
            prop_assert!((best[neuron].iou - most).abs() < 1e-12);
            for (category, best) in by_category[neuron].iter().enumerate() {
                let of_category = (0..concepts).filter(|&at| of.category_of[at] == category);
                let most = of_category.map(|at| iou[at]).fold(0.0, f64::max);
                prop_assert!((best.iou - most).abs() < 1e-12);
                prop_assert_eq!(best.concept.is_some(), most > 0.0);
            }
            if let Some(first) = first.filter(|_| most > threshold) {
                detectors[of.category_of[first]] += 1;
                detectors[3] += 1;
            }
        }
        let ratio = found.ratio(threshold);
        let expected = detectors.map(|count| count as f64 / 5.0);
        prop_assert_eq!(&ratio, &expected);
        let intervals = found.intervals(threshold);
        prop_assert_eq!(intervals.len(), 4);
        for ([low, high], ratio) in intervals.into_iter().zip(ratio) {
            prop_assert!(0.0 <= low && low <= ratio && ratio <= high && high <= 1.0);
        }
    }
}

/// One neuron on 1 × 4 pixels that fires in the left two.
fn half(labels: &[Labels]) -> Dissection {
    let mut found = Dissection::new(vec![0.5], &vocabulary(), false);
    let maps = [1.0, 1.0, 0.0, 0.0].repeat(labels.len());
    let indices: Vec<usize> = (0..labels.len()).collect();
    found.add(&maps, [1, 4], &indices, labels, &[]);
    found
}

fn row(whole: &[(usize, u16)], maps: &[(usize, [u16; 4])]) -> Labels {
    let maps = maps.iter().map(|(category, map)| (*category, map.to_vec()));
    Labels { height: 1, width: 4, whole: whole.to_vec(), maps: maps.collect() }
}

#[test]
fn a_neuron_counts_only_on_images_with_the_concepts_category() {
    // The second image has nothing of category 0: that the neuron fires there is not held against it.
    let found = half(&[row(&[], &[(0, [1, 1, 0, 2])]), row(&[(1, 3)], &[])]);
    let iou = found.iou();
    assert_eq!(iou[0], 1.0);
    assert_eq!(iou[1], 0.0);
    assert_eq!(iou[2], 0.5, "a label of the whole image covers all of it");
    assert_eq!((found.concept_images()[0], found.concept_pixels()[0]), (1, 2));
    assert_eq!((found.concept_images()[2], found.concept_pixels()[2]), (1, 4));
    assert_eq!(found.best(), [Best { concept: Some(1), iou: 1.0 }]);
    assert_eq!(found.ratio(0.04), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(found.ratio(1.0), [0.0; 4], "larger than the threshold, not equal");
}

#[test]
fn a_category_is_that_of_the_concept_not_of_the_column_it_stands_in() {
    // 7 belongs to category 0 and stands in the column of 2.
    let found = half(&[row(&[], &[(2, [7, 0, 0, 0])]), row(&[], &[(2, [5, 5, 0, 0])])]);
    let iou = found.iou();
    assert_eq!(iou[6], 0.5, "the second image has nothing of category 0");
    assert_eq!(iou[4], 1.0, "the first one nothing of category 2");
}

#[test]
fn a_pixel_that_carries_a_concept_twice_has_it_once() {
    let twice = row(&[(0, 2)], &[(0, [1, 1, 1, 0]), (1, [1, 0, 2, 1])]);
    let found = half(&[twice]);
    assert_eq!(found.concept_pixels()[..2], [4, 4]);
    assert_eq!(found.iou()[..2], [0.5, 0.5]);
}

#[test]
fn neurons_that_never_fire_and_concepts_that_never_occur_have_none() {
    let mut found = Dissection::new(vec![f32::NAN, 9.0], &vocabulary(), false);
    found.add(&[1.0; 8], [1, 4], &[0], &[row(&[(0, 1)], &[])], &[]);
    assert!(found.iou().iter().all(|&iou| iou == 0.0));
    assert!(found.best().iter().all(|best| *best == Best { concept: None, iou: 0.0 }));
    assert_eq!(found.ratio(0.0), [0.0; 4]);
    let empty = Dissection::new(Vec::new(), &vocabulary(), true);
    assert_eq!((empty.iou().len(), empty.ratio(0.04).len()), (0, 4));
    assert_eq!(empty.intervals(0.04), [[0.0; 2]; 4]);
}

#[test]
fn intervals_are_as_wide_as_the_images_differ() {
    // All images alike: whichever are left out, the ratio is the same.
    let alike = half(&vec![row(&[], &[(0, [1, 1, 0, 2])]); 40]);
    assert_eq!(alike.intervals(0.04), [[1.0; 2], [0.0; 2], [0.0; 2], [1.0; 2]]);
    // On half of them it fires beside concept 1; how many of those are left out decides.
    let labels =
        |at: usize| row(&[], &[(0, if at.is_multiple_of(2) { [1; 4] } else { [0, 0, 1, 1] })]);
    let differ = half(&(0..40).map(labels).collect::<Vec<_>>());
    let iou = f64::from(differ.iou()[0]);
    let [low, high] = differ.intervals(iou)[3];
    assert_eq!([low, high], [0.0, 1.0]);
    // One image says nothing of what others would.
    assert_eq!(half(&[row(&[], &[(0, [1; 4])])]).intervals(0.04), [[0.0, 1.0]; 4]);
}

#[test]
fn an_interval_is_that_of_the_ratios_without_a_block() {
    let set = Set::new(11, 200, [3, 3]);
    let found = set.dissected(false, std::slice::from_ref(&(0..200)));
    // Without some blocks the first neuron's match is a little better, without others worse.
    let threshold = found.best()[0].iou;
    let without = |block: usize| -> f64 {
        let kept = (0..200).filter(|&image| block_of(image) != block);
        let kept: Vec<std::ops::Range<usize>> = kept.map(|image| image..image + 1).collect();
        set.dissected(false, &kept).ratio(threshold)[3]
    };
    let ratios: Vec<f64> = (0..BLOCKS).map(without).collect();
    let count = BLOCKS as f64;
    let mean = ratios.iter().sum::<f64>() / count;
    let squares: f64 = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum();
    let reach = 2.131 * (squares * (count - 1.0) / count).sqrt();
    assert!(reach > 0.0, "{ratios:?}");
    let ratio = found.ratio(threshold)[3];
    let [low, high] = found.intervals(threshold)[3];
    assert!((low - (ratio - reach).max(0.0)).abs() < 1e-12, "{low}, {ratio} ± {reach}");
    assert!((high - (ratio + reach).min(1.0)).abs() < 1e-12, "{high}, {ratio} ± {reach}");
}

#[test]
fn bytes_of_other_counts_are_refused_and_change_nothing() {
    let found = half(&[row(&[(1, 3)], &[(0, [1, 1, 0, 2])])]);
    let bytes = found.to_bytes();
    let fresh = || Dissection::new(vec![0.5], &vocabulary(), false);
    assert!(fresh().restore(&bytes));
    let mut others = [
        Dissection::new(vec![0.25], &vocabulary(), false),
        Dissection::new(vec![0.5, 0.5], &vocabulary(), false),
        Dissection::new(vec![0.5], &vocabulary(), true),
        Dissection::new(
            vec![0.5],
            &Vocabulary { categories: 3, category_of: vec![0, 0, 1, 1, 2, 2, 1] },
            false,
        ),
    ];
    for other in &mut others {
        let before = other.to_bytes();
        assert!(!other.restore(&bytes));
        assert_eq!(other.to_bytes(), before);
    }
    let mut same = fresh();
    for length in 0..bytes.len() {
        assert!(!same.restore(&bytes[..length]), "{length}");
    }
    assert!(!same.restore(&[&bytes[..], &[0]].concat()));
    assert_eq!(same.to_bytes(), fresh().to_bytes());
}

#[test]
fn neighbours_are_spread_over_the_blocks() {
    let mut images = [0_usize; BLOCKS];
    (0..1600).for_each(|index| images[block_of(index)] += 1);
    assert!(images.iter().all(|&count| (60..=140).contains(&count)), "{images:?}");
}
