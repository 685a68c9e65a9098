//! The paper's numbers (SCIENCE §5), to stand beside ours where the network and the attack are the
//! same.

use serde::Serialize;

use crate::run::results::evaluate::Row;
use crate::spec::{self, DataFormat, Spec};

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
/// 224 pixels, as it is or trained with a consistent loss.
fn is_of_table_2(spec: &Spec) -> bool {
    NETWORKS.contains(&spec::word(spec.model.arch).as_str())
        && (spec.train.is_none() || is_consistent(spec))
        && spec.model.classes == Some(1000)
        && spec.data.format == DataFormat::ImageFolder
        && spec.data.image_size == Some(224)
}

/// Whether the run trains with a consistent loss, as the paper's networks with "-Adv" behind their
/// names.
fn is_consistent(spec: &Spec) -> bool {
    let section = spec.train.as_ref().and_then(|train| train.adversarial.as_ref());
    section.is_some_and(|section| section.consistency_weight > 0.0)
}

/// The paper's numbers for what a row measures.
pub fn of(spec: &Spec, row: &Row) -> Option<Published> {
    let arch = spec::word(spec.model.arch);
    let same = |(network, attack, epsilon, ..): &&(&str, &str, f64, f64, f64)| {
        let norm = row.norm.is_empty() || row.norm == "linf";
        *network == arch && *attack == row.attack && *epsilon == row.epsilon && norm
    };
    // No row of a network trained with a consistent loss could be read.
    let readable = is_of_table_2(spec) && !is_consistent(spec);
    let found = TABLE_2.iter().find(same).filter(|_| readable);
    found.map(|(_, _, _, top1, top5)| Published { top1: *top1, top5: *top5 })
}

/// What a reader should know when such a run stands in a report.
pub fn notes(spec: &Spec) -> Vec<String> {
    if !is_of_table_2(spec) {
        return Vec::new();
    }
    let mut notes = vec![
        "Published: Dong, Su and Zhu, doi 10.16383/j.aas.c200317, Table 2, on the ILSVRC-2012 \
         validation set. Only AlexNet's row could be read; the others stand alone."
            .to_owned(),
    ];
    if is_consistent(spec) {
        notes.push(format!(
            "{0} is trained with a consistent loss here: the paper's {0}-Adv, whose row could not \
             be read. Its training is ours where the paper says nothing (SCIENCE §6).",
            spec::word(spec.model.arch)
        ));
    }
    if spec.data.limit > 0 && !is_consistent(spec) {
        notes.push(format!(
            "Ours is over the first {} images, the paper's over all 50,000.",
            spec.data.limit
        ));
    }
    if spec::word(spec.model.arch) == "resnet18" {
        notes.push(
            "Today's yardstick at ε 4, clean / AutoAttack (RobustBench): ResNet-18 52.92 / 25.32, \
             ResNet-50 64.02 / 34.96, ordinary ResNet-50 76.52 / 0."
                .to_owned(),
        );
    }
    notes
}
