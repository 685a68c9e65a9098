//! The keys of `[neurons]` and `[train.neurons]`.

use super::ValueKind::{Choice, Integer, Integers, Number, Path, Text, Texts};
use super::{COUNT, Key, Range, key};

pub(super) const NEURONS: &[Key] = &[
    key("neurons.layers", Texts, "Layer taps to look at; an empty list = every tap"),
    key(
        "neurons.top",
        Integer(Range::between(1.0, 1000.0)),
        "Pictures kept a neuron and side; regions of up to 100",
    ),
    key("neurons.split", Choice(&["test", "train"]), "Whose images are ranked"),
    key(
        "neurons.adversarial",
        Path(&["stage", "none", "run:"]),
        "Adversarial images: this run's [attack], another run's, or a folder",
    ),
    key(
        "neurons.quantile",
        Number(Range::between(0.0, 1.0).below()),
        "Share of all positions above a neuron's threshold: where it counts as firing",
    ),
    key(
        "neurons.discrepancy",
        Integers(Range::from(0.0)),
        "Channels also looked at by occlusion: thousands of forward passes a picture",
    ),
    key("neurons.discrepancy_patch", COUNT, "Side of the patch that hides a part, in pixels"),
    key("neurons.discrepancy_stride", COUNT, "From one place of the patch to the next, in pixels"),
    key(
        "neurons.discrepancy_share",
        Number(Range::between(0.0, 1.0)),
        "Lit is where the activation changes by this share of its largest change",
    ),
    key("neurons.batch_size", COUNT, "Images a batch"),
];

pub(super) const LOOKS: &[Key] = &[
    key("train.neurons.layers", Texts, "Layer taps to look at; an empty list = the last one"),
    key("train.neurons.neurons", Integers(Range::from(0.0)), "Channels to look at in each"),
    key(
        "train.neurons.top",
        Integer(Range::between(1.0, 1000.0)),
        "Pictures kept a neuron and side",
    ),
    key("train.neurons.images", COUNT, "Test images that are ranked"),
    key("train.neurons.every", Text, "\"1 epoch\" or \"200 steps\""),
];
