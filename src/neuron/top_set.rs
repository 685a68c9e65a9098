//! Which images excite each neuron most, where that are many: a share of the whole set, in no order.

/// The `top` most exciting images of every neuron of a layer, so far. Memory grows with `top` alone,
/// not with the images that are offered.
///
/// Images that excite a neuron alike, as all of them do a dead one, are drawn by a hash of their index
/// and of `salt`: in a set that is sorted by class the first ones would all be of one class.
#[derive(Debug, Clone)]
pub struct TopSets {
    top: usize,
    salt: u64,
    neurons: Vec<Held>,
}

/// Of one neuron: up to twice as many as are wanted, so that the few are chosen seldom.
#[derive(Debug, Clone, Default)]
struct Held {
    images: Vec<(f32, u32)>,
    /// The least of the best `top`, once there were as many.
    bar: Option<(f32, u32)>,
}

impl TopSets {
    /// Of `neurons` neurons, none seen yet. Sides that are compared have different salts.
    pub fn new(neurons: usize, top: usize, salt: u64) -> Self {
        Self { top, salt, neurons: vec![Held::default(); neurons] }
    }

    /// Offers an image, once, with every neuron's answer to it. A NaN is never among the top.
    pub fn offer(&mut self, image: u32, answers: &[f32]) {
        let (top, salt) = (self.top, self.salt);
        if top == 0 {
            return;
        }
        for (held, &value) in self.neurons.iter_mut().zip(answers) {
            let offered = (value, image);
            if value.is_nan() || held.bar.is_some_and(|bar| !is_before(offered, bar, salt)) {
                continue;
            }
            held.images.push(offered);
            if held.images.len() >= 2 * top {
                held.shrink(top, salt);
            }
        }
    }

    /// By neuron, in rising order of their indices.
    pub fn images(mut self) -> Vec<Vec<u32>> {
        for held in &mut self.neurons {
            held.shrink(self.top, self.salt);
        }
        let of = |held: Held| {
            let mut images: Vec<u32> = held.images.into_iter().map(|(_, image)| image).collect();
            images.sort_unstable();
            images
        };
        self.neurons.into_iter().map(of).collect()
    }
}

impl Held {
    fn shrink(&mut self, top: usize, salt: u64) {
        if top == 0 || self.images.len() <= top {
            return;
        }
        let order =
            |a: &(f32, u32), b: &(f32, u32)| is_before(*b, *a, salt).cmp(&is_before(*a, *b, salt));
        self.images.select_nth_unstable_by(top - 1, order);
        self.images.truncate(top);
        self.bar = self.images.last().copied();
    }
}

/// Whether one image comes before another: the larger value first, of equal ones by their hashes.
fn is_before(a: (f32, u32), b: (f32, u32), salt: u64) -> bool {
    a.0 > b.0 || (a.0 == b.0 && (mixed(a.1, salt), a.1) > (mixed(b.1, salt), b.1))
}

/// SplitMix64's finaliser (Steele et al. 2014).
fn mixed(image: u32, salt: u64) -> u64 {
    let mut bits = salt.wrapping_add(u64::from(image).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            let mut sets = TopSets::new(1, top, 7);
            for (value, image) in offered {
                sets.offer(image, &[value]);
            }
            let mut sorted: Vec<(f32, u32)> =
                all.into_iter().filter(|(value, _)| !value.is_nan()).collect();
            sorted.sort_by(|a, b| is_before(*b, *a, 7).cmp(&is_before(*a, *b, 7)));
            let mut expected: Vec<u32> = sorted.iter().take(top).map(|(_, image)| *image).collect();
            expected.sort_unstable();
            prop_assert_eq!(&sets.images()[0], &expected);
        }
    }

    #[test]
    fn a_dead_neurons_images_are_drawn_from_all_of_the_set() {
        let of = |salt| {
            let mut sets = TopSets::new(1, 100, salt);
            (0..10_000).for_each(|image| sets.offer(image, &[0.0]));
            sets.images().remove(0)
        };
        let drawn = of(1);
        assert_eq!(drawn.len(), 100);
        let thirds = [0, 1, 2].map(|third| drawn.iter().filter(|at| *at / 3334 == third).count());
        assert!(thirds.iter().all(|count| (15..55).contains(count)), "{thirds:?}");
        assert_ne!(drawn, of(2), "sides would agree on what means nothing");
    }
}
