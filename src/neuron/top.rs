//! The images that excite each neuron most, in one pass and in memory that does not grow with the
//! data.

use super::activation::Activation;

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

/// The `top` most exciting images of every neuron of a layer, so far.
#[derive(Debug, Clone)]
pub struct TopImages {
    top: usize,
    neurons: Vec<Vec<Ranked>>,
}

impl TopImages {
    /// Of `neurons` neurons, none seen yet.
    pub fn new(neurons: usize, top: usize) -> Self {
        Self { top, neurons: vec![Vec::with_capacity(top + 1); neurons] }
    }

    /// Offers an image with every neuron's answer to it. The order of offers does not matter:
    /// equal activations are ranked by image index. A NaN is never ranked.
    pub fn offer(&mut self, image: usize, prediction: u32, activations: &[Activation]) {
        for (ranked, &activation) in self.neurons.iter_mut().zip(activations) {
            if activation.value.is_nan() {
                continue;
            }
            let before = |other: &Ranked| {
                other.activation.value > activation.value
                    || (other.activation.value == activation.value && other.image < image)
            };
            let place = ranked.partition_point(before);
            if place < self.top {
                ranked.insert(place, Ranked { image, activation, prediction });
                ranked.truncate(self.top);
            }
        }
    }

    /// By neuron, most exciting first.
    pub fn neurons(&self) -> &[Vec<Ranked>] {
        &self.neurons
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(value: f32) -> [Activation; 1] {
        [Activation { value, position: [0, 0] }]
    }

    proptest! {
        #[test]
        fn equals_sorting_everything(
            values in proptest::collection::vec(-3i8..4, 0..60),
            top in 1usize..12,
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
                ranked.offer(image, 0, &answer(value));
            }
            // Stable, so ties stay in the order of their index.
            all.sort_by(|a, b| b.1.total_cmp(&a.1));
            let expected: Vec<usize> = all.iter().take(top).map(|&(image, _)| image).collect();
            let found: Vec<usize> = ranked.neurons()[0].iter().map(|r| r.image).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_nan_is_never_ranked() {
        let mut ranked = TopImages::new(1, 3);
        ranked.offer(0, 0, &answer(f32::NAN));
        ranked.offer(1, 0, &answer(-1.0));
        assert_eq!(ranked.neurons()[0].len(), 1);
    }
}
