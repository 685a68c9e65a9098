//! The keys of `[dissect]` and `[consistency]`.

use super::ValueKind::{Choice, ChoiceOrIndex, Integer, Number, Path, Texts};
use super::{COUNT, COUNT_OR_ZERO, Key, Range, key, open};

/// As [`super::super::Affinity`] is written.
const AFFINITIES: &[&str] = &["gaussian", "exponential", "wu-palmer", "path"];

pub(super) const DISSECT: &[Key] = &[
    key(
        "dissect.data.format",
        Choice(&["shapes", "broden"]),
        "Images labelled with concepts: Broden's folders, or scenes that the program draws",
    ),
    open(
        "dissect.data.path",
        Path(&[]),
        "Broden's folder, which holds index.csv; ~ and $VAR expand",
        "shapes needs none",
    ),
    key(
        "dissect.data.limit",
        COUNT_OR_ZERO,
        "Labelled images, 0 = all; of shapes those of the test split",
    ),
    key("dissect.layers", Texts, "Layer taps to dissect; an empty list = every tap"),
    key(
        "dissect.iou_threshold",
        Number(Range::between(0.0, 1.0).below()),
        "A neuron detects its best concept if their intersection over union is larger",
    ),
    key(
        "dissect.quantile",
        Number(Range { min: 0.0, min_included: false, max: 1.0, max_included: false }),
        "Share of all positions above a neuron's threshold: where it counts as firing",
    ),
    key(
        "dissect.top",
        Integer(Range::between(1.0, 100.0)),
        "Labelled pictures kept a neuron and side, to be looked at",
    ),
    key("dissect.batch_size", COUNT, "Images a batch"),
];

pub(super) const DISSECT_TARGET: &[Key] = &[open(
    "dissect.attack.target",
    ChoiceOrIndex(&["none", "random", "least-likely"]),
    "What the network should see; none = anything but what it sees in the clean image",
    "random where the method aims at a class, else none",
)];

pub(super) const CONSISTENCY: &[Key] = &[
    key("consistency.layers", Texts, "Layer taps to look at; an empty list = every tap"),
    key("consistency.split", Choice(&["test", "train"]), "Whose images are ranked"),
    key(
        "consistency.adversarial",
        Path(&["stage", "none", "run:"]),
        "Adversarial images: this run's [attack], another run's, or a folder",
    ),
    key(
        "consistency.share",
        Number(Range { min: 0.0, min_included: false, max: 1.0, max_included: true }),
        "Share of the images whose classes count: those that excite a neuron most",
    ),
    key("consistency.kernel", Choice(AFFINITIES), "How near two classes are, in LC"),
    key("consistency.affinity", Choice(AFFINITIES), "How near two classes are, in consis(n)"),
    key(
        "consistency.sigma",
        Number(Range::above(0.0)),
        "gaussian, exponential: how far nearness reaches, in edges of WordNet",
    ),
    key(
        "consistency.groups",
        Integer(Range::between(1.0, 100.0)),
        "Groups of neurons by LC, for the curves of CS1 and CS2",
    ),
    key(
        "consistency.synsets",
        Texts,
        "The classes' nouns in order, n02084071 or a word; an empty list = the data's own",
    ),
    open(
        "consistency.wordnet",
        Path(&[]),
        "A folder with WordNet's data.noun and index.noun",
        "WordNet 3.0, which is inside",
    ),
    key("consistency.batch_size", COUNT, "Images a batch"),
];
