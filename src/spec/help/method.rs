//! The keys of an attack, which are the same in every section that names one.

use super::{Range, ValueKind};

/// As [`super::super::AttackMethod`] is written.
pub(super) const ATTACK_METHODS: &[&str] = &[
    "none",
    "fgsm",
    "bim",
    "pgd",
    "mim",
    "least-likely",
    "deepfool",
    "cw",
    "apgd-ce",
    "apgd-dlr",
    "square",
    "ensemble",
];

/// The bound: pixel levels, or in L2 255 times the norm, which has no largest value.
pub(super) const EPSILON: ValueKind = ValueKind::Number(Range::from(0.0));

/// Every key of an attack in the section `$section`; `$method` is the entry of its `method`.
macro_rules! method_keys {
    ($section:literal, $method:expr) => {
        &[
            $method,
            open(
                concat!($section, ".epsilon"),
                EPSILON,
                "Largest change of a pixel, in pixel levels of 255; in l2: the norm times 255",
                "4; deepfool, cw, ensemble: no bound",
            ),
            open(
                concat!($section, ".norm"),
                Choice(&["linf", "l2"]),
                "fgsm, pgd, apgd, square: what epsilon bounds, each pixel or all of them together",
                "linf; deepfool, cw: l2",
            ),
            open(
                concat!($section, ".steps"),
                COUNT,
                "Iterations; least-likely: 1 is the single-step method",
                "bim, mim 10; pgd, ensemble 20; deepfool 50; cw, apgd 100; least-likely 1",
            ),
            open(
                concat!($section, ".step_size"),
                Number(Range::above(0.0)),
                "bim, pgd, mim, least-likely, ensemble: in the unit of epsilon",
                "2.5 epsilon / steps; mim epsilon / steps; ensemble 5",
            ),
            open(
                concat!($section, ".restarts"),
                COUNT,
                "pgd, apgd, square: runs from new random numbers; the best one counts",
                "1",
            ),
            open(
                concat!($section, ".momentum"),
                Number(Range::from(0.0)),
                "mim: decay of the gathered gradient",
                "1",
            ),
            open(
                concat!($section, ".overshoot"),
                Number(Range::from(0.0)),
                "deepfool: how far beyond the boundary, as a share of the way",
                "0.02",
            ),
            open(
                concat!($section, ".confidence"),
                Number(Range::from(0.0)),
                "cw: by how much the wrong logit must lead",
                "0",
            ),
            open(
                concat!($section, ".learning_rate"),
                Number(Range::above(0.0)),
                "cw: Adam's",
                "0.01",
            ),
            open(
                concat!($section, ".search_steps"),
                Integer(Range::between(1.0, 30.0)),
                "cw: values of c tried for each image, by bisection",
                "6",
            ),
            open(
                concat!($section, ".initial_c"),
                Number(Range::above(0.0)),
                "cw: the first c, the weight of being misclassified against the distance",
                "1",
            ),
            open(
                concat!($section, ".queries"),
                COUNT,
                "square: images that the network is shown for each image attacked",
                "5000",
            ),
            open(
                concat!($section, ".distortion_weight"),
                Number(Range::from(0.0)),
                "ensemble: weight of the root mean squared deviation in pixel levels",
                "0.1",
            ),
            open(
                concat!($section, ".fusion"),
                Choice(&["loss", "probability", "logits"]),
                "ensemble: of what its networks' mean is taken",
                "loss",
            ),
            open(
                concat!($section, ".models"),
                Tables,
                "ensemble: its networks, each as in [model]: { arch = \"…\", weights = \"…\" }",
                "the network of [model] alone",
            ),
            needed(concat!($section, ".models[].arch"), Choice(ARCHS), "The architecture"),
            needed(
                concat!($section, ".models[].weights"),
                Path(&["run:"]),
                "A .safetensors, .pth or .th file, run:ID, run:ID@best or run:ID@last",
            ),
            open(
                concat!($section, ".models[].layers"),
                Texts,
                "sequential: the network, layer by layer",
                "the architecture's own",
            ),
            open(
                concat!($section, ".models[].mean"),
                Numbers(Range::between(0.0, 1.0)),
                "Per channel, of pixels in 0..1, taken off before the first layer",
                "the weights' own, else the default of architecture and data",
            ),
            open(
                concat!($section, ".models[].std"),
                Numbers(Range::above(0.0)),
                "Per channel, of pixels in 0..1, divided by before the first layer",
                "the weights' own, else the default of architecture and data",
            ),
            open(
                concat!($section, ".models[].image_size"),
                Integer(Range::between(8.0, 1024.0)),
                "Side of its square input, to which the images are resized",
                "the weights' own, else the data's",
            ),
        ]
    };
}
pub(super) use method_keys;

/// Every key of the networks in the list `$list`; `$doc` says what they are for, `$unset` what stands
/// for an empty list.
macro_rules! network_keys {
    ($list:literal, $doc:literal, $unset:literal) => {
        &[
            open($list, Tables, $doc, $unset),
            needed(concat!($list, "[].arch"), Choice(ARCHS), "The architecture"),
            needed(
                concat!($list, "[].weights"),
                Path(&["run:"]),
                "A .safetensors, .pth or .th file, run:ID, run:ID@best or run:ID@last",
            ),
            open(
                concat!($list, "[].layers"),
                Texts,
                "sequential: the network, layer by layer",
                "the architecture's own",
            ),
            open(
                concat!($list, "[].mean"),
                Numbers(Range::between(0.0, 1.0)),
                "Per channel, of pixels in 0..1, taken off before the first layer",
                "the weights' own, else the default of architecture and data",
            ),
            open(
                concat!($list, "[].std"),
                Numbers(Range::above(0.0)),
                "Per channel, of pixels in 0..1, divided by before the first layer",
                "the weights' own, else the default of architecture and data",
            ),
            open(
                concat!($list, "[].image_size"),
                Integer(Range::between(8.0, 1024.0)),
                "Side of its square input, to which the images are resized",
                "the weights' own, else the data's",
            ),
        ]
    };
}
pub(super) use network_keys;
