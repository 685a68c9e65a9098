//! The published numbers on what a neuron means (SCIENCE §4), to stand beside ours where layer and
//! measure are the same and the network is the nearest that somebody published.

use serde::Serialize;

use super::{consistent, has_given_weights, is_plain, measures_table_2};
use crate::run::folder::RunFolder;
use crate::run::results::consistency::Consistency;
use crate::run::results::dissect::{ALL, Dissect, Layer, Ratio};
use crate::spec::{self, LabelledFormat, Spec};

/// The share of a layer's neurons that detect a concept, on real images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PublishedRatio {
    /// The tap's name, as our results have it.
    pub layer: String,
    /// Whose network it is: `Caffe's AlexNet`.
    pub network: String,
    /// Fractions, 0..1, by category.
    pub ratio: Ratio,
}

/// Ends, and where it turns, of the curves of Figure 10 after training with a consistent loss, read
/// off the figure to ±0.02.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PublishedCurve {
    /// LC, 0..1, and CS1.
    pub cs1: &'static [[f64; 2]],
    /// LC, 0..1, and CS2.
    pub cs2: &'static [[f64; 2]],
}

/// Bau et al. 2017, Caffe's AlexNet, conv5, from their tables of single units, IoU > 0.04.
const ALEXNET_CONV5: [(&str, f64); 7] = [
    ("color", 0.016),
    ("texture", 0.156),
    ("material", 0.012),
    ("scene", 0.008),
    ("part", 0.062),
    ("object", 0.125),
    (ALL, 0.379),
];

/// The last convolutional layers, by torchvision's name and the papers'.
const LAST_LAYERS: &[(&str, [&str; 2])] = &[
    ("alexnet", ["features.10", "conv5"]),
    ("vgg16", ["features.28", "conv5_3"]),
    ("resnet18", ["layer4.1", "conv5b"]),
];

/// Figure 10: architecture, CS1, CS2.
const FIGURE_10: &[(&str, PublishedCurve)] = &[
    (
        "alexnet",
        PublishedCurve {
            cs1: &[[0.018, 0.96], [0.30, 0.99]],
            cs2: &[[0.018, 0.44], [0.039, 0.35], [0.30, 0.70]],
        },
    ),
    (
        "vgg16",
        PublishedCurve {
            cs1: &[[0.019, 0.99], [0.101, 1.0]],
            cs2: &[[0.019, 0.37], [0.101, 0.19]],
        },
    ),
    (
        "resnet18",
        PublishedCurve {
            cs1: &[[0.019, 0.98], [0.355, 1.0]],
            cs2: &[[0.019, 0.38], [0.355, 0.06]],
        },
    ),
];

fn is_last_layer(spec: &Spec, layer: &str) -> bool {
    let arch = spec::word(spec.model.arch);
    LAST_LAYERS.iter().any(|(network, names)| *network == arch && names.contains(&layer))
}

/// Whether it was dissected with Broden as its authors publish it, not with a part of it or with other
/// data of its format: 63,305 images, 1,197 concepts of six categories.
fn is_all_of_broden(result: &Dissect) -> bool {
    let mut categories = ALEXNET_CONV5.iter().map(|(name, _)| *name).filter(|name| *name != ALL);
    let has = |category: &str| result.categories.iter().any(|other| other == category);
    let named = result.concepts.iter().filter(|concept| !concept.name.is_empty()).count();
    result.images + result.damaged >= 60_000
        && named >= 1000
        && result.categories.len() == ALEXNET_CONV5.len() - 1
        && categories.all(has)
}

/// What is published of this layer: of a network that somebody else trained, on Broden, with the
/// thresholds of Bau et al.
pub fn ratio(
    folder: &RunFolder,
    spec: &Spec,
    result: &Dissect,
    layer: &Layer,
) -> Option<PublishedRatio> {
    let data = &spec.dissect.as_ref()?.data;
    let same = data.format == LabelledFormat::Broden
        && data.limit == 0
        && is_all_of_broden(result)
        && result.quantile == 0.005
        && layer.threshold == 0.04
        && spec::word(spec.model.arch) == "alexnet"
        && is_last_layer(spec, &layer.layer)
        && is_plain(spec)
        && trained_by(folder, spec).is_none();
    same.then(|| PublishedRatio {
        layer: layer.layer.clone(),
        network: "Caffe's AlexNet".into(),
        ratio: ALEXNET_CONV5.iter().map(|(name, ratio)| ((*name).to_owned(), *ratio)).collect(),
    })
}

/// Whether LC and CS2 are what the figure is taken to show (SCIENCE §4.2): the top 1 % of the test
/// images, a gaussian of two edges, the classes that the attack aimed at.
fn is_figure_10(spec: &Spec, result: &Consistency) -> bool {
    spec.consistency.as_ref().is_some_and(|section| section.share == 0.01)
        && result.kernel == "gaussian"
        && result.sigma == 2.0
        && result.split == "test"
        && result.against == "target"
}

/// The paper's curves for this layer, if its network was trained with a consistent loss: in this run,
/// or in the one that its weights are from.
pub fn curve(
    folder: &RunFolder,
    spec: &Spec,
    result: &Consistency,
    layer: &str,
) -> Option<PublishedCurve> {
    let arch = spec::word(spec.model.arch);
    let is_theirs = || {
        is_figure_10(spec, result)
            && measures_table_2(spec)
            && is_last_layer(spec, layer)
            && (consistent(spec).is_some()
                || spec.train.is_none()
                    && trained_by(folder, spec).is_some_and(|before| consistent(&before).is_some()))
    };
    FIGURE_10.iter().find(|(network, _)| *network == arch).filter(|_| is_theirs()).map(|(_, c)| *c)
}

/// The spec of the run that trained the weights this one starts from: `run:ID`, or a file in the
/// folder of a run. `None`: nobody can see it.
fn trained_by(folder: &RunFolder, spec: &Spec) -> Option<Spec> {
    let weights = spec.model.weights.as_deref()?;
    let from = match weights.strip_prefix("run:") {
        Some(word) => folder.path().parent()?.join(word.split('@').next()?),
        None => std::path::Path::new(weights).parent()?.parent()?.to_path_buf(),
    };
    spec::read_resolved(&from.join("spec.toml")).ok().filter(|spec| spec.train.is_some())
}

/// What a reader should know when a dissected run stands in a report.
pub fn dissection_notes(spec: &Spec, has_published: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if measures_table_2(spec) && (has_given_weights(spec) || spec.train.is_some()) {
        notes.push(
            "The paper's own numbers in Table 1 could not be read: ours stand without them."
                .to_owned(),
        );
    }
    if has_published {
        notes.push(
            "Published ratios: Bau et al. 2017, from their tables of single units, IoU > 0.04, real \
             images, for Caffe's AlexNet, whose first layers are wider than torchvision's and in two \
             groups. They are no goal to be hit, but the size to expect."
                .to_owned(),
        );
    }
    notes
}

/// What a reader should know when published curves stand beside ours.
pub fn curve_note() -> String {
    "Published curves: Figure 10 of Dong, Su and Zhu, doi 10.16383/j.aas.c200317, after training with \
     a consistent loss, their ends (and where AlexNet's CS2 turns) read off to ±0.02. How near two \
     classes are, and what CS1 and CS2 set side by side, is ours where the paper says nothing \
     (SCIENCE §4.2)."
        .to_owned()
}
