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

/// Whether a run measures what Table 2 does: one of its networks, untrained by us, on ImageNet's
/// thousand classes at 224 pixels.
fn is_of_table_2(spec: &Spec) -> bool {
    NETWORKS.contains(&spec::word(spec.model.arch).as_str())
        && spec.train.is_none()
        && spec.model.classes == Some(1000)
        && spec.data.format == DataFormat::ImageFolder
        && spec.data.image_size == Some(224)
}

/// The paper's numbers for what a row measures.
pub fn of(spec: &Spec, row: &Row) -> Option<Published> {
    let arch = spec::word(spec.model.arch);
    let same = |(network, attack, epsilon, ..): &&(&str, &str, f64, f64, f64)| {
        let norm = row.norm.is_empty() || row.norm == "linf";
        *network == arch && *attack == row.attack && *epsilon == row.epsilon && norm
    };
    let found = TABLE_2.iter().find(same).filter(|_| is_of_table_2(spec));
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
    if spec.data.limit > 0 {
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
