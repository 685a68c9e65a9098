//! Which images excite each neuron most, where that are many: a share of the whole set, in no order.

use std::ops::Range;

use super::hash::hash;

/// The `top` most exciting images of some neurons, so far. Memory grows with `top` and the number of
/// neurons, not with the images that are offered.
///
/// An image counts only if it excites the neuron more than the image of the set that does so least:
/// a neuron that answers to all alike, as a dead one does, has no images, and one that answers to
/// fewer than `top` has those.
///
/// Of images that excite a neuron alike, where not all of them have room, the ones that count are
/// drawn by a hash of their index, the neuron's, and a salt: in a set that is sorted by class the
/// first ones would all be of one class.
#[derive(Debug, Clone)]
pub struct TopSets {
    top: usize,
    neurons: Vec<Held>,
}

/// Of one neuron: up to twice as many as are wanted, so that the few are chosen seldom.
#[derive(Debug, Clone)]
struct Held {
    /// Of the draw among images that excite it alike.
    key: u64,
    images: Vec<(f32, u32)>,
    /// The least of the best `top`, once there were as many.
    bar: Option<(f32, u32)>,
    /// Of all images.
    least: f32,
}

impl TopSets {
    /// Of these neurons, none seen yet. Sides that are compared have different salts.
    pub fn new(neurons: Range<usize>, top: usize, salt: u64) -> Self {
        let held = |neuron: usize| Held {
            key: hash(hash(salt).wrapping_add(neuron as u64)),
            images: Vec::new(),
            bar: None,
            least: f32::INFINITY,
        };
        Self { top, neurons: neurons.map(held).collect() }
    }

    /// Bytes that a neuron takes at most.
    pub fn most_bytes(top: usize) -> usize {
        size_of::<Held>() + 2 * top * size_of::<(f32, u32)>()
    }

    /// Offers an image, once, with the answers of these neurons to it. A NaN is never among the top.
    pub fn offer(&mut self, image: u32, answers: &[f32]) {
        for (held, &value) in self.neurons.iter_mut().zip(answers) {
            // A NaN is not the least either.
            held.least = held.least.min(value);
            let offered = (value, image);
            let key = held.key;
            if value.is_nan() || held.bar.is_some_and(|bar| !is_before(offered, bar, key)) {
                continue;
            }
            held.images.push(offered);
            if held.images.len() >= 2 * self.top {
                held.shrink(self.top);
            }
        }
    }

    /// By neuron, in rising order of their indices.
    pub fn images(self) -> Vec<Vec<u32>> {
        let of = |mut held: Held| {
            held.shrink(self.top);
            let above = held.images.iter().filter(|(value, _)| *value > held.least);
            let mut images: Vec<u32> = above.map(|(_, image)| *image).collect();
            images.sort_unstable();
            images
        };
        self.neurons.into_iter().map(of).collect()
    }
}

impl Held {
    fn shrink(&mut self, top: usize) {
        let Some(last) = top.checked_sub(1) else { return self.images.clear() };
        if self.images.len() <= top {
            return;
        }
        let key = self.key;
        let order =
            |a: &(f32, u32), b: &(f32, u32)| is_before(*b, *a, key).cmp(&is_before(*a, *b, key));
        self.images.select_nth_unstable_by(last, order);
        self.images.truncate(top);
        self.bar = self.images.last().copied();
    }
}

/// ⌈share · images⌉, as one counts by hand: 7 % of 100 are 7. At least 1 of some.
pub fn share_of(share: f64, images: usize) -> usize {
    let exact = share * images as f64;
    ((exact - 1e-9 * exact.max(1.0)).ceil() as usize).clamp(images.min(1), images)
}

/// Whether one image comes before another: the larger value first, of equal ones the larger hash.
fn is_before(a: (f32, u32), b: (f32, u32), key: u64) -> bool {
    let drawn = |image: u32| hash(key ^ u64::from(image));
    a.0 > b.0 || (a.0 == b.0 && drawn(a.1) > drawn(b.1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of one neuron.
    fn top_of(answers: &[f32], top: usize, neuron: usize, salt: u64) -> Vec<u32> {
        let mut sets = TopSets::new(neuron..neuron + 1, top, salt);
        (0..).zip(answers).for_each(|(image, value)| sets.offer(image, &[*value]));
        sets.images().remove(0)
    }

    proptest! {
        #[test]
        fn equals_sorting_everything_in_whatever_order(
            values in proptest::collection::vec(-3_i8..4, 0..80),
            top in 0_usize..20,
            turn in 0_usize..80,
        ) {
            // One level stands for NaN.
            let value = |level: i8| if level == 3 { f32::NAN } else { f32::from(level) };
            let all: Vec<(f32, u32)> = (0..).zip(&values).map(|(at, v)| (value(*v), at)).collect();
            let mut offered = all.clone();
            if !offered.is_empty() {
                let by = turn % offered.len();
                offered.rotate_left(by);
            }
            let mut sets = TopSets::new(5..6, top, 7);
            let key = sets.neurons[0].key;
            for (value, image) in offered {
                sets.offer(image, &[value]);
            }
            let mut sorted: Vec<(f32, u32)> =
                all.into_iter().filter(|(value, _)| !value.is_nan()).collect();
            sorted.sort_by(|a, b| is_before(*b, *a, key).cmp(&is_before(*a, *b, key)));
            let least = sorted.last().map(|(value, _)| *value);
            let mut expected: Vec<u32> = sorted
                .iter()
                .take(top)
                .filter(|(value, _)| Some(*value) > least)
                .map(|(_, image)| *image)
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(&sets.images()[0], &expected);
        }
    }

    #[test]
    fn a_neuron_that_answers_to_nothing_has_no_images_and_one_that_answers_to_few_has_those() {
        let mut answers = [0.0; 1000];
        assert!(top_of(&answers, 100, 0, 1).is_empty());
        assert!(top_of(&[f32::NAN; 9], 3, 0, 1).is_empty());
        assert!(top_of(&[f32::NAN, 2.0, 2.0], 3, 0, 1).is_empty());
        (answers[7], answers[900]) = (0.5, 3.0);
        assert_eq!(top_of(&answers, 100, 0, 1), [7, 900]);
        assert_eq!(top_of(&answers, 1, 0, 1), [900]);
    }

    #[test]
    fn of_images_that_excite_alike_each_neuron_and_side_draws_its_own_from_all_of_the_set() {
        let mut answers = vec![1.0; 10_000];
        answers[0] = 0.0;
        let drawn = top_of(&answers, 100, 3, 1);
        assert_eq!(drawn.len(), 100);
        let thirds = [0, 1, 2].map(|third| drawn.iter().filter(|at| *at / 3334 == third).count());
        assert!(thirds.iter().all(|count| (15..55).contains(count)), "{thirds:?}");
        assert_ne!(drawn, top_of(&answers, 100, 3, 2), "sides would agree on what means nothing");
        assert_ne!(drawn, top_of(&answers, 100, 4, 1), "neurons would agree on what means nothing");
        assert_eq!(drawn, top_of(&answers, 100, 3, 1));
    }

    #[test]
    fn neurons_that_are_looked_at_apart_draw_what_they_draw_together() {
        let rows: Vec<[f32; 3]> =
            (0..200).map(|at| [(at % 3) as f32, (at % 7) as f32, 1.0 / (at + 1) as f32]).collect();
        let of = |neurons: Range<usize>| {
            let mut sets = TopSets::new(neurons.clone(), 9, 4);
            (0..).zip(&rows).for_each(|(image, row)| sets.offer(image, &row[neurons.clone()]));
            sets.images()
        };
        assert_eq!(of(0..3), [of(0..1), of(1..3)].concat());
    }

    #[test]
    fn a_share_is_rounded_up_and_never_none_of_some() {
        for (share, images, expected) in [
            (0.01, 40, 1),
            (0.01, 10_000, 100),
            (0.07, 100, 7),
            (0.01, 101, 2),
            (1.0, 17, 17),
            (1e-9, 5, 1),
            (0.5, 0, 0),
        ] {
            assert_eq!(share_of(share, images), expected, "{share} of {images}");
        }
    }
}
