//! `results/consistency.json` from the images that excite each neuron most.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;

use super::measure;
use crate::data::wordnet::Synset;
use crate::error::Result;
use crate::job::build::Nouns;
use crate::job::stage::ranking::Ranking;
use crate::job::stage::ranking::side::Side;
use crate::neuron::consistency::{Affinities, chance, cosine, groups, mean_interval, shares};
use crate::neuron::top_set::{TopSets, share_of};
use crate::run::results::consistency::{
    Class, Consistency, Estimate, Group, Layer, Level, Means, Neuron, Noun, SweepPoint,
};
use crate::spec::{self, Affinity, ConsistencySpec, Split};

/// Sigmas whose mean LC is told beside the one that counts (SCIENCE §4.2).
const SIGMAS: [f64; 3] = [1.0, 2.0, 3.0];

/// Of fewer values an interval would look surer than it is: of one, it is a point.
const FEWEST: usize = 5;

/// Bytes that are held at once of the images that excite neurons most; for more neurons than fit, the
/// answers are read from the disk again.
const MOST_BYTES: usize = 256 << 20;

/// Everything that the result is made of.
pub(super) struct Outcome<'a> {
    ranking: &'a Ranking,
    section: &'a ConsistencySpec,
    nouns: &'a Nouns,
    seed: u64,
    sides: [Counted<'a>; 2],
    /// Of each adversarial image, what CS2 sets beside the classes of the real ones.
    against: Vec<u32>,
    /// K, and A.
    measures: [Affinities; 2],
    /// K of each sigma that is told.
    sweep: Vec<(f64, Affinities)>,
    /// Of the nouns among those of the result.
    places: HashMap<Synset, usize>,
}

/// A side whose images are counted.
#[derive(Clone, Copy)]
struct Counted<'a> {
    side: &'a Side,
    /// How many count, a neuron.
    top: usize,
    /// Of draws among images that excite alike.
    salt: u64,
}

/// The shares of a neuron's images.
#[derive(Debug)]
struct Shares {
    /// p: of the real ones, by class of the data.
    real: Vec<f64>,
    /// q: of the adversarial ones, by class of their originals.
    adversarial: Vec<f64>,
    /// t: of the adversarial ones, by what they are meant to be, or taken for; a class of the
    /// network, which may have more than the data.
    against: Vec<f64>,
}

/// What is found of a neuron.
struct Measured {
    neuron: Neuron,
    /// LC of both sides by the sigmas that are told.
    sweep: Vec<[f64; 2]>,
}

impl<'a> Outcome<'a> {
    /// Of the two sides, real and adversarial, whose images are ranked.
    pub(super) fn new(
        ranking: &'a Ranking,
        section: &'a ConsistencySpec,
        nouns: &'a Nouns,
        seed: u64,
        sides: [&'a Side; 2],
    ) -> Result<Self> {
        let kernel = |sigma: f64| measure::kernel(section, nouns, sigma);
        let knows_sigma = matches!(section.kernel, Affinity::Gaussian | Affinity::Exponential);
        let sigmas: &[f64] = if knows_sigma { &SIGMAS } else { &[] };
        let counted = |salt: usize| Counted {
            side: sides[salt],
            top: share_of(section.share, sides[salt].images()),
            salt: salt as u64,
        };
        let closure = nouns.wordnet().closure(&nouns.of_class);
        Ok(Self {
            sides: [counted(0), counted(1)],
            against: against(ranking, sides[1])?,
            measures: [kernel(section.sigma), measure::affinity(section, nouns)],
            sweep: sigmas.iter().map(|&sigma| (sigma, kernel(sigma))).collect(),
            places: closure.into_iter().enumerate().map(|(at, synset)| (synset, at)).collect(),
            ranking,
            section,
            nouns,
            seed,
        })
    }

    pub(super) fn result(&self) -> Result<Consistency> {
        let Self { ranking, section, nouns, sides: [real, adversarial], .. } = self;
        let (dataset, wordnet) = (&ranking.dataset, nouns.wordnet());
        let place = |synset: &Synset| self.places.get(synset).copied().unwrap_or(0);
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
        Ok(Consistency {
            classes: dataset.classes().iter().zip(&nouns.of_class).map(class).collect(),
            nouns: wordnet.closure(&nouns.of_class).iter().map(noun).collect(),
            wordnet: nouns.source.clone(),
            split: if section.split == Split::Test { "test".into() } else { "train".into() },
            real_images: real.side.images() as u64,
            adversarial_images: adversarial.side.images() as u64,
            damaged: (dataset.len() - real.side.images()) as u64,
            top: [real.top as u64, adversarial.top as u64],
            against: match adversarial.side.images() {
                0 => String::new(),
                _ if are_aimed(ranking) => "target".into(),
                _ => "prediction".into(),
            },
            kernel: spec::word(section.kernel),
            affinity: spec::word(section.affinity),
            sigma: section.sigma,
            layers: self.layers()?,
        })
    }

    fn layers(&self) -> Result<Vec<Layer>> {
        let mut left = self.measured()?.into_iter();
        let layer = |tap: &crate::model::LayerTap| {
            let measured: Vec<Measured> = left.by_ref().take(tap.shape[0]).collect();
            let (mut neurons, mut sweeps) = (Vec::new(), Vec::new());
            for (index, Measured { mut neuron, sweep }) in measured.into_iter().enumerate() {
                neuron.index = index;
                if !is_silent(&neuron) {
                    sweeps.push(sweep);
                }
                neurons.push(neuron);
            }
            let heard: Vec<&Neuron> = neurons.iter().filter(|neuron| !is_silent(neuron)).collect();
            Layer {
                layer: tap.name.clone(),
                silent: neurons.len() - heard.len(),
                mean: self.means(&heard),
                groups: self.groups(&heard),
                sweep: self.sweep(&sweeps),
                neurons,
            }
        };
        Ok(self.ranking.taps.iter().map(layer).collect())
    }

    /// Every neuron of all layers; as many at once as there is room for.
    fn measured(&self) -> Result<Vec<Measured>> {
        let neurons: usize = self.ranking.taps.iter().map(|tap| tap.shape[0]).sum();
        let bytes: usize = self.sides.iter().map(|side| TopSets::most_bytes(side.top)).sum();
        let at_once = (MOST_BYTES / bytes.max(1)).max(1);
        let mut measured = Vec::with_capacity(neurons);
        for first in (0..neurons).step_by(at_once) {
            let some = first..(first + at_once).min(neurons);
            let [real, adversarial] = &self.sides;
            let (real, adversarial) = (real.images(some.clone())?, adversarial.images(some)?);
            let of = |(real, adversarial): (Vec<u32>, Vec<u32>)| {
                self.neuron(&self.shares(&real, &adversarial))
            };
            measured.par_extend(real.into_par_iter().zip(adversarial).map(of));
        }
        Ok(measured)
    }

    fn shares(&self, real: &[u32], adversarial: &[u32]) -> Shares {
        let (dataset, twins) = (&self.ranking.dataset, &self.ranking.twins);
        let classes = dataset.classes().len();
        let original = |number: &u32| dataset.label(twins[*number as usize].original);
        Shares {
            real: shares(classes, real.iter().map(|image| dataset.label(*image as usize))),
            adversarial: shares(classes, adversarial.iter().map(original)),
            against: shares(
                classes.max(self.ranking.model.classes()),
                adversarial.iter().map(|number| self.against[*number as usize]),
            ),
        }
    }

    fn neuron(&self, shares: &Shares) -> Measured {
        let [kernel, affinity] = &self.measures;
        let level = |p: &[f64]| {
            let classes = largest_first(p);
            let nouns: Vec<Synset> =
                classes.iter().map(|(class, _)| self.nouns.of_class[*class as usize]).collect();
            let ancestor = self.nouns.wordnet().common_ancestor_of(&nouns);
            let place = |synset: Synset| self.places.get(&synset).copied();
            Level {
                lc: kernel.expected(p),
                consistency: affinity.expected(p),
                ancestor: ancestor.and_then(place).unwrap_or(0),
                classes,
            }
        };
        let Shares { real, adversarial, against } = shares;
        let attacked = self.sides[1].side.images() > 0;
        // Classes of the network that the data do not have are classes that none of them is of.
        let mut over_all = real.clone();
        over_all.resize(against.len(), 0.0);
        let mut neuron = Neuron {
            real: level(real),
            adversarial: attacked.then(|| level(adversarial)),
            against: if attacked { largest_first(against) } else { Vec::new() },
            ..Neuron::default()
        };
        if attacked && !is_silent(&neuron) {
            neuron.cs1 = cosine(real, adversarial);
            neuron.cs2 = cosine(&over_all, against);
            neuron.cs2_null = Some(chance(&over_all));
        }
        let sweep = self.sweep.iter();
        let sweep = sweep.map(|(_, k)| [real, adversarial].map(|p| k.expected(p))).collect();
        Measured { neuron, sweep }
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

    fn means(&self, neurons: &[&Neuron]) -> Means {
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

    fn groups(&self, neurons: &[&Neuron]) -> Vec<Group> {
        let lc: Vec<f64> = neurons.iter().map(|neuron| neuron.real.lc).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let group = |members: Vec<usize>| {
            let of = |value: fn(&Neuron) -> Option<f64>| {
                members.iter().map(move |&at| value(neurons[at])).collect::<Vec<_>>()
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

    /// Mean LC of these neurons by the sigmas that are told.
    fn sweep(&self, neurons: &[Vec<[f64; 2]>]) -> Vec<SweepPoint> {
        let mean = |at: usize, side: usize| {
            let sum: f64 = neurons.iter().map(|sweep| sweep[at][side]).sum();
            sum / neurons.len().max(1) as f64
        };
        let attacked = self.sides[1].side.images() > 0;
        let point = |(at, (sigma, _)): (usize, &(f64, Affinities))| SweepPoint {
            sigma: *sigma,
            lc: mean(at, 0),
            adversarial_lc: attacked.then(|| mean(at, 1)),
        };
        self.sweep.iter().enumerate().map(point).collect()
    }
}

impl Counted<'_> {
    /// The images that excite some neurons, counted over all layers, most.
    fn images(&self, neurons: Range<usize>) -> Result<Vec<Vec<u32>>> {
        let mut sets = TopSets::new(neurons.clone(), self.top, self.salt);
        self.side.rows().read(0..usize::MAX, |image, _, row| {
            sets.offer(image as u32, &row[neurons.clone()]);
            Ok(())
        })?;
        Ok(sets.images())
    }
}

/// Whether a neuron answers to all images of a side alike.
fn is_silent(neuron: &Neuron) -> bool {
    let adversarial = neuron.adversarial.as_ref();
    neuron.real.classes.is_empty() || adversarial.is_some_and(|level| level.classes.is_empty())
}

/// Whether every adversarial image was to become some class.
fn are_aimed(ranking: &Ranking) -> bool {
    ranking.twins.iter().all(|twin| twin.target.is_some())
}

/// What each adversarial image is to become, or is taken for where not all have a target.
fn against(ranking: &Ranking, side: &Side) -> Result<Vec<u32>> {
    if are_aimed(ranking) {
        return Ok(ranking.twins.iter().filter_map(|twin| twin.target).collect());
    }
    let mut predictions = vec![0; ranking.twins.len()];
    side.rows().read(0..usize::MAX, |number, prediction, _| {
        predictions[number] = prediction;
        Ok(())
    })?;
    Ok(predictions)
}

/// The classes that have a share, the largest first.
fn largest_first(shares: &[f64]) -> Vec<(u32, f64)> {
    let there = (0..).zip(shares.iter().copied()).filter(|(_, share)| *share > 0.0);
    let mut there: Vec<(u32, f64)> = there.collect();
    there.sort_by(|a, b| b.1.total_cmp(&a.1));
    there
}
