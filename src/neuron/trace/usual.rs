//! How often the same neurons are behind predictions.

/// A group of predictions, one after the other: which neurons are influential, and by how much.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    predictions: u64,
    /// By neuron, in how many predictions it is influential.
    counts: Vec<u64>,
    /// By neuron, sums of the prediction difference over all of them: probability, logit.
    sums: Vec<[f64; 2]>,
}

/// How influential a neuron usually is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// Channel.
    pub index: usize,
    /// Share of the predictions in which it is influential.
    pub share: f64,
    /// Its mean prediction difference over all of them, of probability and of logit.
    pub mean: [f64; 2],
}

impl Group {
    /// Of a layer of so many neurons.
    pub fn new(neurons: usize) -> Self {
        Self { predictions: 0, counts: vec![0; neurons], sums: vec![[0.0; 2]; neurons] }
    }

    /// Adds a prediction: its influential neurons, and of every neuron the prediction difference of
    /// probability and of logit. NaN adds nothing.
    pub fn add(&mut self, influential: &[usize], probability: &[f32], logit: &[f32]) {
        self.predictions += 1;
        for &neuron in influential {
            if let Some(count) = self.counts.get_mut(neuron) {
                *count += 1;
            }
        }
        for (sums, values) in self.sums.iter_mut().zip(probability.iter().zip(logit)) {
            for (sum, value) in sums.iter_mut().zip([values.0, values.1]) {
                *sum += if value.is_nan() { 0.0 } else { f64::from(*value) };
            }
        }
    }

    /// Predictions.
    pub fn predictions(&self) -> u64 {
        self.predictions
    }

    /// The share of their `top` influential neurons that two predictions have in common, mean over all
    /// pairs; `None` of fewer than two, or of no neurons.
    pub fn overlap(&self, top: usize) -> Option<f64> {
        let pairs = |count: u64| count as f64 * (count.saturating_sub(1)) as f64 / 2.0;
        if self.predictions < 2 || top == 0 {
            return None;
        }
        // A neuron that c of them name is common to c · (c − 1) / 2 pairs.
        let common: f64 = self.counts.iter().map(|count| pairs(*count)).sum();
        Some(common / (pairs(self.predictions) * top as f64))
    }

    /// The neurons influential most often, at most `most`; of equally frequent ones those with the
    /// larger mean difference of probability, then the lower index. Those that never are, are left out.
    pub fn usual(&self, most: usize) -> Vec<Usual> {
        let images = self.predictions.max(1) as f64;
        let usual = |(index, (&count, sums)): (usize, (&u64, &[f64; 2]))| Usual {
            index,
            share: count as f64 / images,
            mean: sums.map(|sum| sum / images),
        };
        let all = self.counts.iter().zip(&self.sums).enumerate();
        let mut found: Vec<Usual> = all.filter(|(_, (count, _))| **count > 0).map(usual).collect();
        found.sort_by(|a, b| {
            let by_mean = || b.mean[0].total_cmp(&a.mean[0]);
            b.share.total_cmp(&a.share).then_with(by_mean).then(a.index.cmp(&b.index))
        });
        found.truncate(most);
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_most_frequent_come_first() {
        let mut group = Group::new(4);
        group.add(&[2, 0], &[0.1, 0.0, 0.5, -0.1], &[1.0, 0.0, 2.0, f32::NAN]);
        group.add(&[2, 3], &[0.0, 0.0, 0.3, 0.4], &[0.0, 0.0, 4.0, 1.0]);
        assert_eq!((group.predictions(), group.overlap(2)), (2, Some(0.5)));
        let usual = group.usual(9);
        let order: Vec<(usize, f64)> = usual.iter().map(|one| (one.index, one.share)).collect();
        // Neurons 0 and 3 have the same share; 3's mean is larger.
        assert_eq!(order, [(2, 1.0), (3, 0.5), (0, 0.5)]);
        assert!((usual[0].mean[0] - 0.4).abs() < 1e-6 && usual[0].mean[1] == 3.0);
        assert_eq!(usual[1].mean[1], 0.5);
        assert_eq!(group.usual(1).len(), 1);
        assert_eq!(Group::new(3).overlap(2), None);
        assert!(Group::new(3).usual(5).is_empty());
    }

    proptest! {
        #[test]
        fn overlap_is_the_mean_over_all_pairs(
            sets in proptest::collection::vec(
                proptest::sample::subsequence((0..6).collect::<Vec<usize>>(), 3),
                2..9,
            ),
        ) {
            let mut group = Group::new(6);
            for set in &sets {
                group.add(set, &[0.0; 6], &[0.0; 6]);
            }
            let mut shares = Vec::new();
            for (at, one) in sets.iter().enumerate() {
                for other in &sets[at + 1..] {
                    let common = one.iter().filter(|neuron| other.contains(neuron)).count();
                    shares.push(common as f64 / 3.0);
                }
            }
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            prop_assert!((group.overlap(3).unwrap() - mean).abs() < 1e-9);
        }
    }
}
