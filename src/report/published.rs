//! The paper's numbers (SCIENCE §5), to stand beside ours where the network and the attack are the
//! same.

pub mod concepts;

use serde::Serialize;

use super::trace::PublishedRatios;
use crate::run::results::evaluate::Row;
use crate::spec::adversarial::AdversarialSpec;
use crate::spec::{self, AttackMethod, DataFormat, Spec, Target, TargetName};

/// A published row: top-1 and top-5 on the ILSVRC-2012 validation set, 0..1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Published {
    /// Fraction, 0..1.
    pub top1: f64,
    /// Fraction, 0..1.
    pub top5: f64,
}

/// Table 2 of Dong, Su and Zhu (doi 10.16383/j.aas.c200317), as far as it could be read:
/// architecture, attack, epsilon, top-1, top-5.
const TABLE_2: &[(&str, &str, f64, f64, f64)] =
    &[("alexnet", "none", 0.0, 0.5453, 0.7817), ("alexnet", "fgsm", 4.0, 0.0904, 0.3277)];

/// Networks of Table 2.
const NETWORKS: &[&str] = &["alexnet", "vgg16", "resnet18"];

/// Whether a run measures what Table 2 does: one of its networks on ImageNet's thousand classes at
/// 224 pixels.
fn measures_table_2(spec: &Spec) -> bool {
    NETWORKS.contains(&spec::word(spec.model.arch).as_str())
        && spec.model.classes == Some(1000)
        && spec.data.format == DataFormat::ImageFolder
        && spec.data.image_size == Some(224)
}

/// Whether the network starts from weights of somebody else, as the paper's do, and not from those
/// of another run, which may be defended already. Whose they are nobody can see in a file.
fn has_given_weights(spec: &Spec) -> bool {
    spec.model.weights.as_ref().is_some_and(|word| !word.starts_with("run:"))
}

/// Whether it is one of the paper's networks as it is.
fn is_plain(spec: &Spec) -> bool {
    measures_table_2(spec) && spec.train.is_none() && has_given_weights(spec)
}

/// Its training, if that is with a consistent loss, as of the paper's networks with "-Adv" behind
/// their names.
fn consistent(spec: &Spec) -> Option<&AdversarialSpec> {
    let section = spec.train.as_ref().and_then(|train| train.adversarial.as_ref());
    section.filter(|section| section.consistency_weight > 0.0 && measures_table_2(spec))
}

/// Whether the training is what this program takes for the paper's (SCIENCE §6): from given weights,
/// against one step towards the least likely class, its bound drawn for each image.
fn is_as_the_papers(spec: &Spec, section: &AdversarialSpec) -> bool {
    let how = section.method();
    let one_step = match how.method {
        AttackMethod::Fgsm => section.target() == Target::Named(TargetName::LeastLikely),
        AttackMethod::LeastLikely => how.steps == Some(1),
        _ => false,
    };
    one_step && section.epsilon == AdversarialSpec::default().epsilon && has_given_weights(spec)
}

/// The paper's numbers for what a row measures. No row of a network trained with a consistent loss
/// could be read.
pub fn of(spec: &Spec, row: &Row) -> Option<Published> {
    let arch = spec::word(spec.model.arch);
    let same = |(network, attack, epsilon, ..): &&(&str, &str, f64, f64, f64)| {
        let norm = row.norm.is_empty() || row.norm == "linf";
        *network == arch && *attack == row.attack && *epsilon == row.epsilon && norm
    };
    let found = TABLE_2.iter().find(same).filter(|_| is_plain(spec));
    found.map(|(_, _, _, top1, top5)| Published { top1: *top1, top5: *top5 })
}

/// Means of the representation ratios after training with a consistent loss (SCIENCE §7):
/// architecture, r1, r2.
const RATIOS: [(&str, f64, f64); 3] =
    [("alexnet", 0.98, 0.90), ("vgg16", 0.99, 0.92), ("resnet18", 0.98, 0.87)];

/// The paper's means of the representation ratios for this network and layer, if it is trained with
/// a consistent loss on the features of that layer.
pub fn ratios(spec: &Spec, layer: &str) -> Option<PublishedRatios> {
    let arch = spec::word(spec.model.arch);
    let found = RATIOS.iter().find(|(network, ..)| *network == arch);
    let section = consistent(spec)?;
    let layers = section.consistency_layer.as_ref()?.names();
    let found = found.filter(|_| layers.iter().any(|name| name == layer));
    found.map(|&(_, r1, r2)| PublishedRatios { r1, r2 })
}

/// What a reader should know when such a run stands in a report.
pub fn notes(spec: &Spec) -> Vec<String> {
    let consistent = consistent(spec);
    if !is_plain(spec) && consistent.is_none() {
        return Vec::new();
    }
    let arch = spec::word(spec.model.arch);
    let mut notes = vec![
        "Published: Dong, Su and Zhu, doi 10.16383/j.aas.c200317, Table 2, on the ILSVRC-2012 \
         validation set. Only AlexNet's row could be read; the others stand alone. The weights that \
         were given here are taken to be torchvision's: nothing in the file says so."
            .to_owned(),
    ];
    notes.extend(consistent.map(|section| {
        if is_as_the_papers(spec, section) {
            format!(
                "{arch} is trained with a consistent loss here: the paper's {arch}-Adv, whose row \
                 could not be read. Its training is ours where the paper says nothing (SCIENCE §6)."
            )
        } else {
            format!(
                "{arch} is trained with a consistent loss here, after the paper's {arch}-Adv, but \
                 from other weights, against another attack or within another epsilon."
            )
        }
    }));
    if spec.data.limit > 0 {
        notes.push(format!(
            "{arch} is over the first {} images of each split, the paper's over all 50,000.",
            spec.data.limit
        ));
    }
    if arch == "resnet18" {
        notes.push(
            "Today's yardstick at ε 4, clean / AutoAttack (RobustBench): ResNet-18 52.92 / 25.32, \
             ResNet-50 64.02 / 34.96, ordinary ResNet-50 76.52 / 0."
                .to_owned(),
        );
    }
    notes
}
