//! What is impossible in `[train.adversarial]`, and what is hardly meant.

use super::super::problem::Complaint;
use super::super::{
    AdversarialSpec, AttackMethod, Epsilon, MethodSpec, OnOverfitting, Spec, Target, TargetName,
    TrainSpec,
};
use super::check_method;
use crate::spec::adversarial::BatchStatistics;

const SECTION: &str = "train.adversarial";

pub(super) fn check(
    train: &TrainSpec,
    section: &AdversarialSpec,
    complain: &mut impl FnMut(Complaint),
) {
    let method = section.how.method;
    let name = super::super::word(method);
    if matches!(method, AttackMethod::None | AttackMethod::Ensemble) {
        let why = match method {
            AttackMethod::None => "which makes no adversarial images",
            _ => "which needs other networks, and this one trains against itself",
        };
        complain(
            Complaint::new(format!("{SECTION}.method"), format!("is '{name}', {why}"))
                .hint("leave [train.adversarial] out for ordinary training, or choose fgsm or pgd"),
        );
        return;
    }
    let how = MethodSpec { epsilon: Some(section.epsilon.largest()), ..section.how.clone() };
    check_method(SECTION, &how, complain);
    if !matches!(section.epsilon, Epsilon::Fixed(_)) && !section.can_draw() {
        complain(
            Complaint::new(
                format!("{SECTION}.epsilon"),
                format!("is drawn for each image, which {name} as it is set cannot take"),
            )
            .hint("give one number; fgsm, bim, pgd, mim, least-likely in linf take a drawn one"),
        );
    }
    let own = method == AttackMethod::LeastLikely
        && section.target == Some(Target::Named(TargetName::LeastLikely));
    if section.target() != Target::None && !method.takes_target() && !own {
        complain(
            Complaint::new(
                format!("{SECTION}.target"),
                format!("is set, but method = \"{name}\" cannot aim at a class of one's choice"),
            )
            .hint("target = \"none\", or another method: pgd and fgsm aim at any class"),
        );
    }
    if section.on_overfitting != OnOverfitting::Warn
        && (train.probe.images == 0 || train.probe.alarm_steps == 0)
    {
        let word = super::super::word(section.on_overfitting);
        complain(
            Complaint::new(
                format!("{SECTION}.on_overfitting"),
                format!("is '{word}', but nothing looks: the probe is switched off"),
            )
            .hint("--set train.probe.images=500 --set train.probe.alarm_steps=10"),
        );
    }
}

pub(super) fn warnings(spec: &Spec, section: &AdversarialSpec) -> Vec<String> {
    let mut warnings = Vec::new();
    if section.how.method == AttackMethod::Fgsm && section.target() == Target::None {
        warnings.push(
            "train.adversarial: one step away from the true label can leak it (arXiv 1611.01236), \
             so that FGSM accuracy proves nothing: look at PGD, and at the alarm"
                .into(),
        );
    }
    if section.batch_statistics == BatchStatistics::Frozen && spec.model.weights.is_none() {
        warnings.push(
            "train.adversarial.batch_statistics is frozen, but fresh weights have no statistics yet"
                .into(),
        );
    }
    warnings
}
