//! The keys of `[train.adversarial]` (SCIENCE §6).

use super::method::ATTACK_METHODS;
use super::{COUNT, Key, Range, ValueKind, key, open};
use ValueKind::{Choice, ChoiceOrIndex, Epsilon, Integer, Layers, Number};

pub(super) const ADVERSARIAL: &[Key] = &[
    key(
        "train.adversarial.method",
        Choice(ATTACK_METHODS),
        "The attack that makes the adversarial images, anew in each step; any but none and ensemble",
    ),
    key(
        "train.adversarial.epsilon",
        Epsilon,
        "Its bound in pixel levels of 255, or for each image: 4, [2, 8] or \"normal 4 cut 8\"",
    ),
    open(
        "train.adversarial.target",
        ChoiceOrIndex(&["none", "random", "least-likely"]),
        "What the attack aims at; none = away from the true class",
        "least-likely for fgsm, none for the others",
    ),
    key(
        "train.adversarial.clean_weight",
        Number(Range::between(0.0, 1.0)),
        "Weight alpha of the clean images' loss; the adversarial ones' is the rest",
    ),
    key(
        "train.adversarial.consistency_weight",
        Number(Range::from(0.0)),
        "Weight beta of the distance between their features; 0 = plain adversarial training",
    ),
    open(
        "train.adversarial.consistency_layer",
        Layers,
        "Layer tap where that distance is taken, or a list of them (their mean)",
        "the network's last layer tap",
    ),
    key(
        "train.adversarial.consistency_gradient",
        Choice(&["both", "adversarial"]),
        "Whether both sides of the distance move, or the adversarial one alone",
    ),
    key(
        "train.adversarial.batch_statistics",
        Choice(&["shared", "separate", "frozen"]),
        "Batch norm in training: both halves one batch, a batch each, or running; attacks: running",
    ),
    key(
        "train.adversarial.on_overfitting",
        Choice(&["warn", "stop", "restore"]),
        "FGSM accuracy stays, PGD's collapses: log it, fail, or end with the last good weights",
    ),
    open(
        "train.adversarial.norm",
        Choice(&["linf", "l2"]),
        "fgsm, pgd, apgd, square: what epsilon bounds; l2 takes one number",
        "linf; deepfool, cw: l2",
    ),
    open(
        "train.adversarial.steps",
        COUNT,
        "Iterations; each costs a forward and a backward pass",
        "bim, mim 10; pgd 20; deepfool 50; cw, apgd 100; least-likely 1",
    ),
    open(
        "train.adversarial.step_size",
        Number(Range::above(0.0)),
        "bim, pgd, mim, least-likely: of the largest epsilon; smaller ones have it in proportion",
        "2.5 epsilon / steps; mim epsilon / steps",
    ),
    open(
        "train.adversarial.restarts",
        COUNT,
        "pgd, apgd, square: runs from new random numbers; the best one counts",
        "1",
    ),
    open(
        "train.adversarial.momentum",
        Number(Range::from(0.0)),
        "mim: decay of the gathered gradient",
        "1",
    ),
    open(
        "train.adversarial.overshoot",
        Number(Range::from(0.0)),
        "deepfool: how far beyond the boundary, as a share of the way",
        "0.02",
    ),
    open(
        "train.adversarial.confidence",
        Number(Range::from(0.0)),
        "cw: by how much the wrong logit must lead",
        "0",
    ),
    open("train.adversarial.learning_rate", Number(Range::above(0.0)), "cw: Adam's", "0.01"),
    open(
        "train.adversarial.search_steps",
        Integer(Range::between(1.0, 30.0)),
        "cw: values of c tried for each image, by bisection",
        "6",
    ),
    open(
        "train.adversarial.initial_c",
        Number(Range::above(0.0)),
        "cw: the first c, the weight of being misclassified against the distance",
        "1",
    ),
    open(
        "train.adversarial.queries",
        COUNT,
        "square: images that the network is shown for each image attacked",
        "5000",
    ),
];
