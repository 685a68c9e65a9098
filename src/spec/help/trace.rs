//! The keys of `[trace]` and `[study]`.

use super::ValueKind::{Choice, ChoiceOrIndex, Integer, Number, Path, Tables, Text, Texts};
use super::{COUNT, COUNT_OR_ZERO, Key, Range, key, needed, open};

pub(super) const TRACE: &[Key] = &[
    key(
        "trace.images",
        Path(&["all", "errors"]),
        "Whose predictions: the test split's, its misclassified images', or a picture or folder",
    ),
    open("trace.layer", Text, "Layer tap whose neurons are looked at", "the last one"),
    key(
        "trace.top",
        Integer(Range::between(1.0, 100.0)),
        "Influential are so many neurons: those with the largest prediction difference",
    ),
    key(
        "trace.class",
        ChoiceOrIndex(&["predicted", "true"]),
        "Whose score is followed back: the network's answer's, the label's, or a class's",
    ),
    key(
        "trace.measure",
        Choice(&["probability", "logit"]),
        "What of it makes a neuron influential",
    ),
    key(
        "trace.adversarial",
        Path(&["stage", "none", "run:"]),
        "Adversarial images: this run's [attack], another run's, or a folder",
    ),
    key(
        "trace.limit",
        COUNT_OR_ZERO,
        "Predictions traced of each kind (right, wrong, adversarial); 0 = all",
    ),
    key(
        "trace.pictures",
        Integer(Range::between(0.0, 1000.0)),
        "Of these, kept with their picture and ablations, to be looked at",
    ),
    key(
        "trace.reference",
        COUNT_OR_ZERO,
        "Training images that say what a class usually excites, drawn from the seed; 0 = all",
    ),
    key("trace.batch_size", COUNT, "Images a batch"),
    key(
        "trace.detector.images",
        Integer(Range::from(2.0)),
        "Test images: thresholds are set on one half and tried on the other",
    ),
    key(
        "trace.detector.false_positive_rate",
        Number(Range { min: 0.0, min_included: false, max: 1.0, max_included: false }),
        "Share of real images that may be taken for adversarial ones",
    ),
    key(
        "trace.detector.aware_epsilon",
        Number(Range::from(0.0)),
        "Pixel levels of 255 of the attack that knows the detector by distance; 0 = the run's largest",
    ),
    key(
        "trace.detector.aware_weight",
        Number(Range::from(0.0)),
        "Weight of that detector in that attack's loss; 0 = no such attack",
    ),
];

pub(super) const STUDY: &[Key] = &[
    key(
        "study.runs",
        Tables,
        "Several runs of this spec, one after the other, each with its own keys",
    ),
    needed("study.runs[].name", Text, "What the study calls it; a later one's weights: study:NAME"),
    open(
        "study.runs[].set",
        Texts,
        "Keys of its own, each as --set takes it: \"train.epochs=5\"",
        "the study's keys as they are",
    ),
];
