//! From the records of a set of adversarial images to its results.

use super::{Made, PASS, Picture, Record, Set};
use crate::attack::measure::Distances;
use crate::job::ledger::Ledger;
use crate::run::results::attack::{Attack, ModelRow, Pair};
use crate::run::results::interval::wilson;
use crate::run::results::warning::Warning;
use crate::spec;

fn batches(ledger: &Ledger<Record>) -> impl Iterator<Item = &Made> {
    ledger.pass(PASS).filter_map(|(_, record)| match record {
        Record::Batch(made) => Some(made),
        _ => None,
    })
}

/// Originals whose pictures are all written.
pub(super) fn originals(ledger: &Ledger<Record>) -> u64 {
    let of_batch = |made: &Made| {
        let mut indices: Vec<usize> = made.pictures.iter().map(|picture| picture.index).collect();
        indices.dedup();
        indices.len() as u64
    };
    batches(ledger).map(of_batch).sum()
}

/// Top-1 of a network, clean and adversarial, over what is done.
pub(super) fn top1(set: &Set, network: usize) -> (f64, f64) {
    let mut counts = [0_u64; 3];
    for picture in batches(&set.ledger).flat_map(|made| &made.pictures) {
        let label = set.test.label(picture.index);
        counts[0] += 1;
        counts[1] += u64::from(picture.clean[network] == label);
        counts[2] += u64::from(picture.adversarial[network] == label);
    }
    let share = |count: u64| share(count, counts[0]);
    (share(counts[1]), share(counts[2]))
}

/// `results/attack.json`.
pub(super) fn result(set: &Set) -> Attack {
    let mut distances = Distances::default();
    for made in batches(&set.ledger) {
        distances = distances.and(made.distances);
    }
    let pictures: Vec<&Picture> = batches(&set.ledger).flat_map(|made| &made.pictures).collect();
    let labels: Vec<u32> = pictures.iter().map(|picture| set.test.label(picture.index)).collect();
    let fared: Vec<Fared> =
        (0..set.tried_on.len()).map(|network| Fared::of(network, &pictures, &labels)).collect();
    let targeted = set.making.target.is_some();
    let made_on = set.making.made_on.len();
    let success = fared.iter().take(made_on).map(|fared| fared.success(targeted)).sum::<f64>();
    let images = distances.images.max(1) as f64;
    let how = &set.making.section.how;
    Attack {
        method: spec::word(how.method),
        epsilon: how.bound(),
        norm: spec::word(how.bounding_norm()),
        images: pictures.len() as u64,
        damaged: (set.test.len() as u64).saturating_sub(originals(&set.ledger)),
        targeted,
        success_rate: success / made_on.max(1) as f64,
        linf_max: distances.linf_max,
        linf_mean: distances.linf_sum / images,
        l2_max: distances.l2_max,
        l2_mean: distances.l2_sum / images,
        rmsd_mean: distances.rmsd_sum / images,
        models: set
            .tried_on
            .iter()
            .zip(&fared)
            .map(|(&place, fared)| {
                let network = set.networks[place].described();
                ModelRow {
                    arch: network.arch,
                    weights: network.weights,
                    white_box: set.making.made_on.contains(&place),
                    ..fared.row(targeted)
                }
            })
            .collect(),
        warnings: warnings(set),
        pairs: pictures
            .iter()
            .zip(&labels)
            .map(|(picture, &label)| Pair {
                index: picture.index as u64,
                image: set.test.name(picture.index),
                picture: set.picture(picture.index, picture.target),
                label,
                target: picture.target,
                prediction_clean: picture.clean[0],
                prediction_adversarial: picture.adversarial[0],
            })
            .collect(),
    }
}

fn warnings(set: &Set) -> Vec<Warning> {
    match set.ledger.get("gradients", 0) {
        Some(Record::Gradients(seen)) => seen.warnings(&set.making.section.how),
        _ => Vec::new(),
    }
}

/// What the log says of a finished set.
pub(super) fn lines(result: &Attack) -> Vec<String> {
    let mut lines = vec![format!(
        "{}: {} images, success {:.4}; largest perturbation {}",
        result.name(),
        result.images,
        result.success_rate,
        result.largest_change(),
    )];
    for model in &result.models {
        let target = model.target_rate.map(|rate| format!(", target reached {rate:.4}"));
        lines.push(format!(
            "{}{}: top-1 {:.4} → {:.4}{}",
            model.arch,
            if model.white_box { "" } else { ", on which they were not made" },
            model.top1_clean,
            model.top1_adversarial,
            target.unwrap_or_default()
        ));
    }
    for warning in &result.warnings {
        lines.push(format!("warning: {}: {}", result.method, warning.sentence()));
    }
    lines
}

/// How one network fares, in images.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fared {
    images: u64,
    right_clean: u64,
    right_adversarial: u64,
    /// Right before, wrong now.
    lost: u64,
    /// Taken for the target now.
    reached: u64,
    /// Not taken for the target before.
    elsewhere: u64,
    /// Not taken for the target before, and now.
    moved: u64,
}

impl Fared {
    fn of(network: usize, pictures: &[&Picture], labels: &[u32]) -> Self {
        let mut fared = Self::default();
        for (picture, &label) in pictures.iter().zip(labels) {
            let (clean, adversarial) = (picture.clean[network], picture.adversarial[network]);
            let reached = picture.target == Some(adversarial);
            // What the network takes for the target anyway is no success of the attack.
            let elsewhere = picture.target != Some(clean);
            fared.images += 1;
            fared.right_clean += u64::from(clean == label);
            fared.right_adversarial += u64::from(adversarial == label);
            fared.lost += u64::from(clean == label && adversarial != label);
            fared.reached += u64::from(reached);
            fared.elsewhere += u64::from(elsewhere);
            fared.moved += u64::from(elsewhere && reached);
        }
        fared
    }

    fn success(&self, targeted: bool) -> f64 {
        if targeted {
            share(self.moved, self.elsewhere)
        } else {
            share(self.lost, self.right_clean)
        }
    }

    fn row(&self, targeted: bool) -> ModelRow {
        ModelRow {
            top1_clean: share(self.right_clean, self.images),
            top1_clean_interval: Some(wilson(self.right_clean, self.images)),
            top1_adversarial: share(self.right_adversarial, self.images),
            top1_adversarial_interval: Some(wilson(self.right_adversarial, self.images)),
            error_rate: share(self.lost, self.right_clean),
            target_rate: targeted.then(|| share(self.reached, self.images)),
            ..ModelRow::default()
        }
    }
}

fn share(count: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { count as f64 / of as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(target: Option<u32>, clean: u32, adversarial: u32) -> Picture {
        Picture { index: 0, target, bytes: 1, clean: vec![clean], adversarial: vec![adversarial] }
    }

    #[test]
    fn what_is_the_target_anyway_is_no_success() {
        let pictures = [
            picture(Some(7), 7, 7),
            picture(Some(7), 1, 7),
            picture(Some(7), 1, 2),
            picture(Some(7), 0, 1),
        ];
        let pictures: Vec<&Picture> = pictures.iter().collect();
        let fared = Fared::of(0, &pictures, &[1, 1, 1, 1]);
        assert_eq!((fared.images, fared.right_clean, fared.lost), (4, 2, 2));
        assert_eq!((fared.reached, fared.elsewhere, fared.moved), (2, 3, 1));
        assert!((fared.success(true) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(fared.row(true).target_rate, Some(0.5));
    }

    #[test]
    fn without_a_target_success_is_of_the_images_that_were_right() {
        let pictures = [picture(None, 1, 2), picture(None, 1, 1), picture(None, 3, 1)];
        let pictures: Vec<&Picture> = pictures.iter().collect();
        let fared = Fared::of(0, &pictures, &[1, 1, 1]);
        assert_eq!(fared.success(false), 0.5);
        let row = fared.row(false);
        assert_eq!((row.error_rate, row.target_rate), (0.5, None));
        assert_eq!(row.top1_adversarial_interval, Some(wilson(2, 3)));
    }
}
