//! What LC, consis, CS1 and CS2 must be by their definitions.

use proptest::prelude::*;

use super::*;

const ALL: [Affinity; 4] =
    [Affinity::Gaussian, Affinity::Exponential, Affinity::WuPalmer, Affinity::Path];

fn nouns(words: &[&str]) -> Vec<Synset> {
    words.iter().map(|word| WordNet::embedded().find(word).unwrap()).collect()
}

fn cifar10() -> Vec<Synset> {
    nouns(&[
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ])
}

fn made(classes: &[Synset], affinity: Affinity) -> Affinities {
    affinities(WordNet::embedded(), classes, affinity, 2.0)
}

/// Shares of ten classes.
fn some_shares() -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(0_u32..10, 1..40).prop_map(|labels| shares(10, labels))
}

#[test]
fn each_affinity_is_its_formula() {
    // dog, canine, carnivore, feline, cat.
    let classes = nouns(&["dog", "cat"]);
    let between =
        |affinity, sigma| affinities(WordNet::embedded(), &classes, affinity, sigma).between(0, 1);
    for sigma in [1.0_f64, 2.0, 3.0] {
        let expected = (-16.0 / (2.0 * sigma * sigma)).exp();
        assert!((between(Affinity::Gaussian, sigma) - expected).abs() < 1e-15);
        let expected = (-4.0 / sigma).exp();
        assert!((between(Affinity::Exponential, sigma) - expected).abs() < 1e-15);
    }
    assert_eq!(between(Affinity::Path, 2.0), 1.0 / 5.0);
    let carnivore = WordNet::embedded().max_depth(nouns(&["n02075296"])[0]) as f64;
    let expected = 2.0 * (carnivore + 1.0) / (4.0 + 2.0 * (carnivore + 1.0));
    assert_eq!(between(Affinity::WuPalmer, 2.0), expected);
}

#[test]
fn affinities_are_symmetric_and_one_for_the_same_class() {
    let classes = cifar10();
    for affinity in ALL {
        let made = made(&classes, affinity);
        for a in 0..10 {
            assert_eq!(made.between(a, a), 1.0);
            for b in 0..10 {
                assert_eq!(made.between(a, b), made.between(b, a));
                assert!(made.between(a, b) > 0.0);
                assert_eq!(made.between(a, b) == 1.0, a == b);
            }
        }
        // Two animals are nearer to each other than to a machine.
        assert!(made.between(3, 5) > made.between(3, 8), "{affinity:?}");
    }
}

#[test]
fn images_of_one_class_are_as_consistent_as_can_be() {
    for affinity in ALL {
        let made = made(&cifar10(), affinity);
        for class in 0..10 {
            assert_eq!(made.expected(&shares(10, [class; 7])), 1.0);
        }
        assert_eq!(made.expected(&[0.0; 10]), 0.0);
    }
    // Two classes that mean the same are one.
    let twice = made(&nouns(&["car", "automobile"]), Affinity::Gaussian);
    assert_eq!(twice.expected(&[0.5, 0.5]), 1.0);
}

#[test]
fn near_classes_are_more_consistent_than_far_ones_and_few_than_many() {
    for affinity in ALL {
        let made = made(&cifar10(), affinity);
        let near = made.expected(&shares(10, [3, 5])); // cat, dog
        let far = made.expected(&shares(10, [3, 8])); // cat, ship
        let most = made.expected(&shares(10, [3, 3, 3, 5]));
        assert!(far < near && near < most, "{affinity:?}: {far}, {near}, {most}");
        assert!(made.expected(&shares(10, 0..10)) < near);
    }
}

#[test]
fn a_class_that_is_not_there_counts_nothing() {
    let made = made(&cifar10(), Affinity::Path);
    assert_eq!((made.between(10, 0), made.between(0, 10)), (0.0, 0.0));
    assert_eq!(shares(2, [0, 7, 1, 2]), [0.5, 0.5]);
    assert_eq!(shares(3, []), [0.0; 3]);
    assert_eq!(shares(0, [1]), [] as [f64; 0]);
}

#[test]
fn cosines_of_nothing_are_none() {
    assert_eq!(cosine(&[0.0, 0.0], &[0.5, 0.5]), None);
    assert_eq!(cosine(&[0.5, 0.5], &[0.0, 0.0]), None);
    assert_eq!(cosine(&[], &[]), None);
    assert_eq!(cosine(&[1.0, 0.0], &[0.0, 1.0]), Some(0.0));
    assert_eq!(cosine(&[0.3, 0.4], &[0.6, 0.8]), Some(1.0));
    assert_eq!(chance(&[0.0, 0.0]), 0.0);
    assert_eq!(chance(&[]), 0.0);
}

proptest! {
    #[test]
    fn expected_is_the_whole_sum_and_bounded(p in some_shares(), which in 0_usize..4) {
        let made = made(&cifar10(), ALL[which]);
        let mut sum = 0.0;
        let mut least = 1.0_f64;
        for (a, one) in p.iter().enumerate() {
            for (b, other) in p.iter().enumerate() {
                sum += one * other * made.between(a, b);
                least = least.min(made.between(a, b));
            }
        }
        let expected = made.expected(&p);
        prop_assert!((expected - sum).abs() < 1e-12);
        let same: f64 = p.iter().map(|share| share * share).sum();
        prop_assert!(expected <= 1.0 + 1e-12);
        prop_assert!(expected >= same + (1.0 - same) * least - 1e-12);
    }

    #[test]
    fn shares_sum_to_one(labels in proptest::collection::vec(0_u32..10, 1..200)) {
        let p = shares(10, labels.iter().copied());
        prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (class, share) in p.iter().enumerate() {
            let count = labels.iter().filter(|label| **label as usize == class).count();
            prop_assert_eq!(*share, count as f64 / labels.len() as f64);
        }
    }

    #[test]
    fn cosines_are_symmetric_bounded_and_one_for_the_same(p in some_shares(), q in some_shares()) {
        let similarity = cosine(&p, &q).unwrap();
        prop_assert_eq!(Some(similarity), cosine(&q, &p));
        prop_assert!((0.0..=1.0).contains(&similarity));
        prop_assert!((cosine(&p, &p).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn chance_is_the_cosine_with_equal_shares(p in some_shares()) {
        let equal = cosine(&p, &[0.1; 10]).unwrap();
        prop_assert!((chance(&p) - equal).abs() < 1e-12);
    }

    #[test]
    fn groups_are_neighbours_of_equal_count(
        levels in proptest::collection::vec(-5_i8..5, 0..60),
        count in 0_usize..20,
    ) {
        let values: Vec<f64> = levels.iter().map(|&level| f64::from(level)).collect();
        let groups = groups(&values, count);
        prop_assert_eq!(groups.len(), count.min(values.len() / 5));
        let sizes = groups.iter().map(Vec::len);
        if let (Some(least), Some(most)) = (sizes.clone().min(), sizes.max()) {
            prop_assert!(least >= 5 && most - least <= 1);
        }
        // In a row they are in order, ties by index; each index is there once.
        let row = groups.concat();
        prop_assert!(row.is_sorted_by(|&a, &b| (values[a], a) < (values[b], b)));
        prop_assert_eq!(row.len(), if count == 0 || values.len() < 5 { 0 } else { values.len() });
    }

    #[test]
    fn intervals_hold_the_mean_and_lie_among_the_values(
        values in proptest::collection::vec(-1e3_f64..1e3, 1..40),
        seed in any::<u64>(),
    ) {
        let (mean, [low, high]) = mean_interval(&values, seed);
        prop_assert!(low - 1e-9 <= mean && mean <= high + 1e-9, "{} in {}..{}", mean, low, high);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(least - 1e-9 <= low && high <= most + 1e-9);
        prop_assert_eq!(mean_interval(&values, seed), (mean, [low, high]));
    }
}

#[test]
fn an_interval_is_as_wide_as_the_standard_error_says() {
    let values: Vec<f64> = (0..200).map(|n| f64::from(n * 37 % 200)).collect();
    let (mean, [low, high]) = mean_interval(&values, 1);
    assert_eq!(mean, 99.5);
    let deviation = ((200.0_f64.powi(2) - 1.0) / 12.0).sqrt();
    let expected = 2.0 * 1.96 * deviation / 200.0_f64.sqrt();
    assert!(((high - low) / expected - 1.0).abs() < 0.1, "{low}..{high}, {expected}");
    assert_ne!(mean_interval(&values, 2).1, [low, high]);
}

#[test]
fn intervals_of_one_value_or_none_are_points() {
    let (mean, interval) = mean_interval(&[0.1; 9], 3);
    assert!((mean - 0.1).abs() < 1e-15);
    assert_eq!(interval, [mean; 2]);
    assert_eq!(mean_interval(&[0.7], 3), (0.7, [0.7; 2]));
    assert_eq!(mean_interval(&[], 3), (0.0, [0.0; 2]));
}
