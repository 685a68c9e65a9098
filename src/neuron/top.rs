//! The images that excite each neuron most, in one pass and in memory that does not grow with the
//! data.

use rayon::prelude::*;

use super::activation::{Activation, Maxima, place};

/// Neurons that one thread takes at once: enough to be worth its while.
const TOGETHER: usize = 32;

/// An image among a neuron's most exciting ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Its index in the set that was ranked.
    pub image: usize,
    /// What it did to the neuron.
    pub activation: Activation,
    /// What the network took it for.
    pub prediction: u32,
}

impl Ranked {
    /// Whether it comes before an image of this value: the larger value first, of equal ones the
    /// smaller index.
    fn is_before(&self, value: f32, image: usize) -> bool {
        self.activation.value > value || (self.activation.value == value && self.image < image)
    }
}

/// The `top` most exciting images of every neuron of a layer, so far.
#[derive(Debug, Clone)]
pub struct TopImages {
    top: usize,
    neurons: Vec<Vec<Ranked>>,
}

impl TopImages {
    /// Of `neurons` neurons, none seen yet.
    pub fn new(neurons: usize, top: usize) -> Self {
        Self { top, neurons: (0..neurons).map(|_| Vec::with_capacity(top + 1)).collect() }
    }

    /// Offers an image with every neuron's answer to it: values, and positions in maps with rows of
    /// `width`. The order of offers does not matter: equal activations are ranked by image index. A
    /// NaN is never ranked.
    pub fn offer(
        &mut self,
        image: usize,
        prediction: u32,
        values: &[f32],
        positions: &[u32],
        width: usize,
    ) {
        let top = self.top;
        for ((ranked, &value), &position) in self.neurons.iter_mut().zip(values).zip(positions) {
            consider(ranked, top, image, prediction, (value, position), width);
        }
    }

    /// Offers a whole batch, neurons side by side on all threads; `images` are their indices in the
    /// set, `predictions` what the network took them for.
    pub fn offer_batch(&mut self, images: &[usize], predictions: &[u32], maxima: &Maxima) {
        let (top, width) = (self.top, maxima.width());
        self.neurons.par_chunks_mut(TOGETHER).enumerate().for_each(|(part, neurons)| {
            let first = part * TOGETHER;
            for (at, (&image, &prediction)) in images.iter().zip(predictions).enumerate() {
                let (values, positions) = maxima.image(at);
                let answers = values.iter().zip(positions).skip(first);
                for (ranked, (&value, &position)) in neurons.iter_mut().zip(answers) {
                    consider(ranked, top, image, prediction, (value, position), width);
                }
            }
        });
    }

    /// By neuron, most exciting first.
    pub fn neurons(&self) -> &[Vec<Ranked>] {
        &self.neurons
    }
}

/// Puts an image in its place among the `top`, if it has one.
fn consider(
    ranked: &mut Vec<Ranked>,
    top: usize,
    image: usize,
    prediction: u32,
    (value, position): (f32, u32),
    width: usize,
) {
    if ranked.len() == top && ranked.last().is_none_or(|last| last.is_before(value, image)) {
        return;
    }
    if value.is_nan() {
        return;
    }
    let at = ranked.partition_point(|other| other.is_before(value, image));
    let activation = Activation { value, position: place(position, width) };
    ranked.insert(at, Ranked { image, activation, prediction });
    ranked.truncate(top);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_sorting_everything(
            values in proptest::collection::vec(-3i8..4, 0..60),
            top in 0usize..12,
            turn in 0usize..60,
        ) {
            let mut all: Vec<(usize, f32)> =
                values.iter().map(|&value| f32::from(value)).enumerate().collect();
            let mut ranked = TopImages::new(1, top);
            let mut order = all.clone();
            if !order.is_empty() {
                let by = turn % order.len();
                order.rotate_left(by);
            }
            for (image, value) in order {
                ranked.offer(image, 0, &[value], &[0], 1);
            }
            // Stable, so ties stay in the order of their index.
            all.sort_by(|a, b| b.1.total_cmp(&a.1));
            let expected: Vec<usize> = all.iter().take(top).map(|&(image, _)| image).collect();
            let found: Vec<usize> = ranked.neurons()[0].iter().map(|r| r.image).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_batch_is_its_images_one_by_one(
            levels in proptest::collection::vec(-3i8..4, 70 * 2..70 * 2 * 6),
            top in 1usize..5,
        ) {
            // More neurons than one thread takes, two positions each.
            let maps: Vec<f32> = levels
                .iter()
                .map(|&level| if level == 3 { f32::NAN } else { f32::from(level) })
                .collect();
            let maxima = Maxima::of(&maps, 70, 2, 2);
            let images: Vec<usize> = (0..maxima.images()).map(|image| 100 - image).collect();
            let predictions: Vec<u32> = (0..maxima.images() as u32).collect();
            let (mut single, mut batch) = (TopImages::new(70, top), TopImages::new(70, top));
            batch.offer_batch(&images, &predictions, &maxima);
            for (at, (&image, &prediction)) in images.iter().zip(&predictions).enumerate() {
                let (values, positions) = maxima.image(at);
                single.offer(image, prediction, values, positions, 2);
            }
            prop_assert_eq!(single.neurons(), batch.neurons());
            let is_ranked = |ranked: &Vec<Ranked>| ranked.iter().all(|r| !r.activation.value.is_nan());
            prop_assert!(batch.neurons().iter().all(is_ranked));
        }
    }

    #[test]
    fn a_nan_is_never_ranked() {
        let mut ranked = TopImages::new(1, 3);
        ranked.offer(0, 0, &[f32::NAN], &[0], 1);
        ranked.offer(1, 0, &[-1.0], &[5], 3);
        let expected = Activation { value: -1.0, position: [1, 2] };
        assert_eq!(ranked.neurons()[0].len(), 1);
        assert_eq!(ranked.neurons()[0][0].activation, expected);
    }
}
