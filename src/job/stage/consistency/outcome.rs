//! `results/consistency.json` from the images that excite each neuron most.

use std::collections::HashMap;

use super::measure;
use crate::data::wordnet::Synset;
use crate::job::build::Nouns;
use crate::job::stage::ranking::Ranking;
use crate::neuron::consistency::{Affinities, chance, cosine, groups, mean_interval, shares};
use crate::run::results::consistency::{
    Class, Consistency, Estimate, Group, Layer, Level, Means, Neuron, Noun, SweepPoint,
};
use crate::spec::{self, Affinity, ConsistencySpec, Split};

/// Sigmas whose mean LC is told beside the one that counts (SCIENCE §4.2).
const SIGMAS: [f64; 3] = [1.0, 2.0, 3.0];

/// Of fewer values an interval would look surer than it is: of one, it is a point.
const FEWEST: usize = 5;

/// A side whose images are counted.
#[derive(Debug)]
pub(super) struct Counted {
    /// How many were ranked.
    pub(super) images: usize,
    /// How many count, a neuron.
    pub(super) top: usize,
    /// Which, by neuron of all layers.
    pub(super) sets: Vec<Vec<u32>>,
    /// By image.
    pub(super) predictions: Vec<u32>,
}

/// Everything that the result is made of.
pub(super) struct Outcome<'a> {
    pub(super) ranking: &'a Ranking,
    pub(super) section: &'a ConsistencySpec,
    pub(super) nouns: &'a Nouns,
    pub(super) seed: u64,
    /// Real, adversarial.
    pub(super) sides: &'a [Counted; 2],
}

/// The shares of a neuron's images.
#[derive(Debug, Clone, Default)]
struct Shares {
    /// p: of the real ones, by class of the data.
    real: Vec<f64>,
    /// q: of the adversarial ones, by class of their originals.
    adversarial: Vec<f64>,
    /// t: of the adversarial ones, by what they are meant to be, or taken for; a class of the
    /// network, which may have more than the data.
    against: Vec<f64>,
}

impl Outcome<'_> {
    pub(super) fn result(&self) -> Consistency {
        let Self { ranking, section, nouns, sides: [real, adversarial], .. } = self;
        let (dataset, wordnet) = (&ranking.dataset, nouns.wordnet());
        let all = wordnet.closure(&nouns.of_class);
        let places: HashMap<Synset, usize> =
            all.iter().enumerate().map(|(place, synset)| (*synset, place)).collect();
        let place = |synset: &Synset| places.get(synset).copied().unwrap_or(0);
        let noun = |synset: &Synset| Noun {
            wnid: wordnet.wnid(*synset),
            name: wordnet.name(*synset).to_owned(),
            depth: wordnet.max_depth(*synset),
            parents: wordnet.parents(*synset).iter().map(place).collect(),
        };
        let class = |(class, synset): (&crate::data::Class, &Synset)| Class {
            name: class.name.clone(),
            noun: place(synset),
        };
        Consistency {
            classes: dataset.classes().iter().zip(&nouns.of_class).map(class).collect(),
            nouns: all.iter().map(noun).collect(),
            wordnet: nouns.source.clone(),
            split: if section.split == Split::Test { "test".into() } else { "train".into() },
            real_images: real.images as u64,
            adversarial_images: adversarial.images as u64,
            damaged: (dataset.len() - real.images) as u64,
            top: [real.top as u64, adversarial.top as u64],
            against: match adversarial.images {
                0 => String::new(),
                _ if self.aimed() => "target".into(),
                _ => "prediction".into(),
            },
            kernel: spec::word(section.kernel),
            affinity: spec::word(section.affinity),
            sigma: section.sigma,
            layers: self.layers(&places),
        }
    }

    /// Whether every adversarial image was to become some class.
    fn aimed(&self) -> bool {
        self.ranking.twins.iter().all(|twin| twin.target.is_some())
    }

    fn layers(&self, places: &HashMap<Synset, usize>) -> Vec<Layer> {
        let kernel = measure::kernel(self.section, self.nouns, self.section.sigma);
        let affinity = measure::affinity(self.section, self.nouns);
        let knows_sigma = matches!(self.section.kernel, Affinity::Gaussian | Affinity::Exponential);
        let sigmas: &[f64] = if knows_sigma { &SIGMAS } else { &[] };
        let others: Vec<(f64, Affinities)> = sigmas
            .iter()
            .map(|&sigma| (sigma, measure::kernel(self.section, self.nouns, sigma)))
            .collect();
        let mut first = 0;
        let mut layers = Vec::new();
        for tap in &self.ranking.taps {
            let of_layer: Vec<Shares> =
                (first..first + tap.shape[0]).map(|neuron| self.shares(neuron)).collect();
            first += tap.shape[0];
            let neurons: Vec<Neuron> = of_layer
                .iter()
                .enumerate()
                .map(|(index, shares)| self.neuron(index, shares, [&kernel, &affinity], places))
                .collect();
            layers.push(Layer {
                layer: tap.name.clone(),
                silent: 0,
                mean: self.means(&neurons),
                groups: self.groups(&neurons),
                sweep: others.iter().map(|(sigma, k)| self.sweep(*sigma, k, &of_layer)).collect(),
                neurons,
            });
        }
        layers
    }

    /// `neuron` counts over all layers.
    fn shares(&self, neuron: usize) -> Shares {
        let [real, adversarial] = self.sides;
        let (dataset, twins) = (&self.ranking.dataset, &self.ranking.twins);
        let classes = dataset.classes().len();
        let aimed = self.aimed();
        let of = |side: &'_ Counted| side.sets.get(neuron).cloned().unwrap_or_default();
        let twins_of = of(adversarial);
        let against = |number: &u32| match twins[*number as usize].target.filter(|_| aimed) {
            Some(target) => target,
            None => adversarial.predictions[*number as usize],
        };
        let original = |number: &u32| dataset.label(twins[*number as usize].original);
        Shares {
            real: shares(classes, of(real).iter().map(|image| dataset.label(*image as usize))),
            adversarial: shares(classes, twins_of.iter().map(original)),
            against: shares(
                classes.max(self.ranking.model.classes()),
                twins_of.iter().map(against),
            ),
        }
    }

    fn neuron(
        &self,
        index: usize,
        shares: &Shares,
        [kernel, affinity]: [&Affinities; 2],
        places: &HashMap<Synset, usize>,
    ) -> Neuron {
        let level = |p: &[f64]| {
            let classes = largest_first(p);
            let nouns: Vec<Synset> =
                classes.iter().map(|(class, _)| self.nouns.of_class[*class as usize]).collect();
            let ancestor = self.nouns.wordnet().common_ancestor_of(&nouns);
            Level {
                lc: kernel.expected(p),
                consistency: affinity.expected(p),
                ancestor: ancestor.and_then(|synset| places.get(&synset).copied()).unwrap_or(0),
                classes,
            }
        };
        let Shares { real, adversarial, against } = shares;
        let attacked = self.sides[1].images > 0;
        // Classes of the network that the data do not have are classes that none of them is of.
        let mut over_all = real.clone();
        over_all.resize(against.len(), 0.0);
        Neuron {
            index,
            real: level(real),
            adversarial: attacked.then(|| level(adversarial)),
            against: if attacked { largest_first(against) } else { Vec::new() },
            cs1: attacked.then(|| cosine(real, adversarial)).flatten(),
            cs2: attacked.then(|| cosine(&over_all, against)).flatten(),
            cs2_null: (attacked && real.iter().any(|share| *share > 0.0))
                .then(|| chance(&over_all)),
        }
    }

    fn estimate(&self, values: &[f64]) -> Estimate {
        let (mean, interval) = mean_interval(values, self.seed);
        Estimate { mean, interval: (values.len() >= FEWEST).then_some(interval) }
    }

    /// Of the neurons that have one; `None` if none has.
    fn some(&self, values: impl Iterator<Item = Option<f64>>) -> Option<Estimate> {
        let values: Vec<f64> = values.flatten().collect();
        (!values.is_empty()).then(|| self.estimate(&values))
    }

    fn means(&self, neurons: &[Neuron]) -> Means {
        let real = |value: fn(&Level) -> f64| {
            let values: Vec<f64> = neurons.iter().map(|neuron| value(&neuron.real)).collect();
            self.estimate(&values)
        };
        let adversarial = |value: fn(&Level) -> f64| {
            self.some(neurons.iter().map(|neuron| neuron.adversarial.as_ref().map(value)))
        };
        let change = |value: fn(&Level) -> f64| {
            self.some(neurons.iter().map(|neuron| {
                neuron.adversarial.as_ref().map(|level| value(level) - value(&neuron.real))
            }))
        };
        let (lc, consistency) = (|level: &Level| level.lc, |level: &Level| level.consistency);
        Means {
            lc: real(lc),
            consistency: real(consistency),
            adversarial_lc: adversarial(lc),
            adversarial_consistency: adversarial(consistency),
            lc_change: change(lc),
            consistency_change: change(consistency),
            cs1: self.some(neurons.iter().map(|neuron| neuron.cs1)),
            cs2: self.some(neurons.iter().map(|neuron| neuron.cs2)),
        }
    }

    fn groups(&self, neurons: &[Neuron]) -> Vec<Group> {
        let lc: Vec<f64> = neurons.iter().map(|neuron| neuron.real.lc).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let group = |members: Vec<usize>| {
            let of = |value: fn(&Neuron) -> Option<f64>| {
                members.iter().map(move |&at| value(&neurons[at])).collect::<Vec<_>>()
            };
            let own: Vec<f64> = members.iter().map(|&at| lc[at]).collect();
            let null: Vec<f64> = of(|neuron| neuron.cs2_null).into_iter().flatten().collect();
            let ends = own.first().zip(own.last()).map_or([0.0; 2], |(low, high)| [*low, *high]);
            Group {
                neurons: members.len(),
                lc: mean(&own),
                lc_range: ends,
                cs1: self.some(of(|neuron| neuron.cs1).into_iter()),
                cs2: self.some(of(|neuron| neuron.cs2).into_iter()),
                cs2_null: (!null.is_empty()).then(|| mean(&null)),
            }
        };
        groups(&lc, self.section.groups).into_iter().map(group).collect()
    }

    fn sweep(&self, sigma: f64, kernel: &Affinities, neurons: &[Shares]) -> SweepPoint {
        let mean = |of: fn(&Shares) -> &[f64]| {
            let sum: f64 = neurons.iter().map(|shares| kernel.expected(of(shares))).sum();
            sum / neurons.len().max(1) as f64
        };
        SweepPoint {
            sigma,
            lc: mean(|shares| &shares.real),
            adversarial_lc: (self.sides[1].images > 0).then(|| mean(|shares| &shares.adversarial)),
        }
    }
}

/// The classes that have a share, the largest first.
fn largest_first(shares: &[f64]) -> Vec<(u32, f64)> {
    let there = (0..).zip(shares.iter().copied()).filter(|(_, share)| *share > 0.0);
    let mut there: Vec<(u32, f64)> = there.collect();
    there.sort_by(|a, b| b.1.total_cmp(&a.1));
    there
}
