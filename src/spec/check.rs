//! What no single key can tell: values that exclude each other, grammars inside texts. Every
//! complaint at once. Types and ranges are `help.rs`'s; what only the data can tell is the job's.

use super::help::or_list;
use super::interval::Interval;
use super::layer::Layer;
use super::problem::Complaint;
mod adversarial;
mod concepts;
mod study;

use super::{
    Arch, AttackMethod, AttackSpec, Best, DataFormat, EnsembleModel, EvaluateSpec, Followed,
    FollowedName, MethodSpec, Norm, OptimizerName, Precision, Spec, Split, Target, TargetName,
    TrainSpec, expand, study::WEIGHTS_OF,
};
use crate::error::text::escaped;

/// Everything impossible in a spec whose types and ranges are right.
pub fn check(spec: &Spec) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut complain = |complaint: Complaint| complaints.push(complaint);
    if let Some(study) = &spec.study {
        // What its runs have in common need make no sense by itself: each is checked whole.
        study::check(study, &mut complain);
        return complaints;
    }
    if !is_device(&spec.device) {
        complain(Complaint::new(
            "device",
            format!("is '{}', expected auto, cpu or cuda:0", escaped(&spec.device)),
        ));
    }
    if let Some(precision) = spec.precision.filter(|precision| *precision != Precision::F32)
        && spec.device == "cpu"
    {
        let message = format!("is '{}', but the CPU computes in f32 alone", super::word(precision));
        complain(
            Complaint::new("precision", message)
                .hint("leave precision out, or set device = \"cuda:0\""),
        );
    }
    let stages = [
        spec.train.is_some(),
        spec.evaluate.is_some(),
        spec.attack.is_some(),
        spec.neurons.is_some(),
        spec.dissect.is_some(),
        spec.consistency.is_some(),
        spec.trace.is_some(),
    ];
    if stages == [false; 7] {
        let message = "the spec has no stage, so there is nothing to do";
        complain(Complaint { key: String::new(), message: message.into(), hint: None }.hint(
            "add a section: [train], [evaluate], [attack], [neurons], [dissect], [consistency] or [trace]",
        ));
    }
    check_data(spec, &mut complain);
    check_model(spec, &mut complain);
    check_sizes(spec, &mut complain);
    if let Some(train) = &spec.train {
        check_train(train, &mut complain);
        if let Some(section) = &train.adversarial {
            adversarial::check(train, section, &mut complain);
        }
    }
    if let Some(evaluate) = &spec.evaluate {
        check_evaluate(evaluate, &mut complain);
    }
    for (section, how) in spec.methods() {
        check_method(&section, how, &mut complain);
    }
    for (section, network) in spec.networks() {
        check_network(spec, &section, network, &mut complain);
    }
    if let Some(attack) = &spec.attack {
        check_attack(attack, &mut complain);
    }
    if let Some(neurons) = &spec.neurons {
        check_ranked("neurons", &neurons.adversarial, neurons.split, spec, &mut complain);
    }
    if let Some(trace) = &spec.trace {
        check_ranked("trace", &trace.adversarial, Split::Test, spec, &mut complain);
        let images = trace.images.as_str();
        if images.trim().is_empty() {
            complain(
                Complaint::new("trace.images", "is empty")
                    .hint("all, errors, or a picture or folder of pictures"),
            );
        }
        let of_split = matches!(images, "all" | "errors");
        if !of_split && trace.class == Followed::Named(FollowedName::True) {
            complain(
                Complaint::new(
                    "trace.class",
                    "is 'true', but nobody knows given pictures' classes",
                )
                .hint("--set trace.class=predicted, or a class's index"),
            );
        }
    }
    concepts::check(spec, &mut complain);
    complaints
}

/// What is possible but hardly meant.
pub fn warnings(spec: &Spec) -> Vec<String> {
    let mut warnings = Vec::new();
    if spec.train.is_none() && spec.model.weights.is_none() {
        warnings.push(
            "no [train] and no model.weights: everything is measured on a network that has \
             learnt nothing"
                .into(),
        );
    }
    if let Some(train) = &spec.train {
        let probe = &train.probe;
        let probes = probe.images > 0 && probe.how.method != AttackMethod::None;
        if probes && probe.how.epsilon == Some(0.0) {
            warnings.push("train.probe.epsilon is 0: the probe shows clean accuracy".into());
        }
        if let Some(section) = &train.adversarial {
            warnings.extend(adversarial::warnings(spec, section));
        }
    }
    warnings
}

fn is_device(name: &str) -> bool {
    let is_list = |list: &str| list.split(',').all(|index| index.trim().parse::<u16>().is_ok());
    matches!(name, "auto" | "cpu") || name.strip_prefix("cuda:").is_some_and(is_list)
}

fn check_data(spec: &Spec, complain: &mut impl FnMut(Complaint)) {
    let data = &spec.data;
    let format = super::word(data.format);
    match data.path.as_deref() {
        None if data.format != DataFormat::Shapes => complain(
            Complaint::new("data.path", format!("is missing, and {format} needs one"))
                .hint("--set data.path=/the/path"),
        ),
        Some(path) if path.trim().is_empty() => {
            complain(Complaint::new("data.path", "is empty").hint("--set data.path=/the/path"));
        }
        _ => {}
    }
}

fn check_model(spec: &Spec, complain: &mut impl FnMut(Complaint)) {
    let model = &spec.model;
    check_layers(model.arch, "model", &model.layers, complain);
    check_normalisation(spec, "model", [&model.mean, &model.std], complain);
    if let Some(weights) = &model.weights {
        if weights.trim().is_empty() {
            complain(
                Complaint::new("model.weights", "is empty").hint("leave it out for fresh weights"),
            );
        }
        if weights.starts_with(WEIGHTS_OF) {
            let message = format!("is '{}', but this spec is no run of a study", escaped(weights));
            complain(
                Complaint::new("model.weights", message)
                    .hint("name a run or a file: run:ID, run:ID@best, weights.pth"),
            );
        }
        check_reference("model.weights", weights, complain);
    }
}

/// Adversarial images come from somewhere, and are versions of those that are ranked.
fn check_ranked(
    section: &str,
    from: &str,
    split: Split,
    spec: &Spec,
    complain: &mut impl FnMut(Complaint),
) {
    let key = format!("{section}.adversarial");
    if from == "stage" && spec.attack.is_none() {
        complain(
            Complaint::new(
                &key,
                "is 'stage', but this spec has no [attack] section to take the images from",
            )
            .hint(format!("add [attack], or set {key} to none, run:ID or a folder")),
        );
    }
    let of_test = from == "stage" || from.starts_with("run:");
    if of_test && split != Split::Test {
        complain(
            Complaint::new(
                format!("{section}.split"),
                "is 'train', but a run attacks the images of its test split",
            )
            .hint(format!("set {key} to none or a folder, or {section}.split to test")),
        );
    }
    check_reference(&key, from, complain);
}

/// Numbers beyond what any machine holds are slips of the finger, and would end in its memory.
fn check_sizes(spec: &Spec, complain: &mut impl FnMut(Complaint)) {
    let of_train = |value: fn(&TrainSpec) -> usize| spec.train.as_ref().map_or(0, value);
    let shapes = spec.data.format == DataFormat::Shapes;
    let scenes = |count: usize| if shapes { count } else { 0 };
    for (key, value, most) in [
        ("data.train_images", scenes(spec.data.train_images), 100_000_000),
        ("data.test_images", scenes(spec.data.test_images), 100_000_000),
        ("model.classes", spec.model.classes.unwrap_or(0), 100_000),
        ("train.epochs", of_train(|train| train.epochs), 1_000_000),
        ("train.batch_size", of_train(|train| train.batch_size), 1_000_000),
    ] {
        if value > most {
            complain(Complaint::new(key, format!("is {value}, expected at most {most}")));
        }
    }
}

/// A listed network has its list, whose entries can be read, and no other has one.
fn check_layers(
    arch: Arch,
    section: &str,
    layers: &[String],
    complain: &mut impl FnMut(Complaint),
) {
    for (index, layer) in layers.iter().enumerate() {
        if let Err(expected) = layer.parse::<Layer>() {
            let message = format!("is '{}', {expected}", escaped(layer));
            complain(Complaint::new(format!("{section}.layers[{index}]"), message));
        }
    }
    match (arch, layers.is_empty()) {
        (Arch::Sequential, true) => complain(
            Complaint::new(
                format!("{section}.layers"),
                "is missing, and arch = \"sequential\" needs it",
            )
            .hint("layers = [\"conv 16 3 padding=1\", \"relu\", \"flatten\", \"linear 10\"]"),
        ),
        (Arch::Sequential, false) | (_, true) => {}
        (arch, false) => complain(
            Complaint::new(
                format!("{section}.layers"),
                format!("lists a network, but arch = \"{}\" has its own", super::word(arch)),
            )
            .hint("set arch = \"sequential\""),
        ),
    }
}

/// Mean and standard deviation have one number a channel.
fn check_normalisation(
    spec: &Spec,
    section: &str,
    [mean, std]: [&Option<Vec<f64>>; 2],
    complain: &mut impl FnMut(Complaint),
) {
    let channels = if spec.data.format == DataFormat::Idx { 1 } else { 3 };
    for (key, values) in [("mean", mean), ("std", std)] {
        if let Some(values) = values.as_ref().filter(|values| values.len() != channels) {
            let message = format!(
                "has {} numbers, expected {channels}: one a channel of {}",
                values.len(),
                super::word(spec.data.format)
            );
            complain(Complaint::new(format!("{section}.{key}"), message));
        }
    }
}

/// `run:ID` and `run:ID@best` have an id, and nothing but `best` or `last` behind the `@`.
fn check_reference(key: &str, value: &str, complain: &mut impl FnMut(Complaint)) {
    if !expand::is_word(key, value) {
        return;
    }
    let Some(reference) = value.strip_prefix("run:") else { return };
    let (id, checkpoint) = reference.split_once('@').unwrap_or((reference, "best"));
    if id.is_empty() || !matches!(checkpoint, "best" | "last") {
        complain(Complaint::new(
            key,
            format!("is '{}', expected run:ID, run:ID@best or run:ID@last", escaped(value)),
        ));
    }
}

fn check_train(train: &TrainSpec, complain: &mut impl FnMut(Complaint)) {
    let probe = &train.probe;
    if !matches!(probe.every.parse(), Ok(Interval::Epochs(_) | Interval::Steps(_))) {
        let found = escaped(&probe.every);
        // Not minutes: a resumed run would look at other steps.
        let message = format!("is '{found}', expected epochs or steps: '1 epoch', '200 steps'");
        complain(Complaint::new("train.probe.every", message));
    }
    if let Some(looks) = &train.neurons {
        if !matches!(looks.every.parse(), Ok(Interval::Epochs(_) | Interval::Steps(_))) {
            let found = escaped(&looks.every);
            let message = format!("is '{found}', expected epochs or steps: '1 epoch', '200 steps'");
            complain(Complaint::new("train.neurons.every", message));
        }
        if looks.neurons.is_empty() {
            complain(
                Complaint::new("train.neurons.neurons", "is empty, so there is nothing to look at")
                    .hint("name channels: neurons = [0, 1, 2], or leave [train.neurons] out"),
            );
        }
    }
    if train.best == Some(Best::AdversarialTop1) && !train.measures_attacks() {
        complain(
            Complaint::new("train.best", "is adversarial_top1, but no probe measures it").hint(
                "--set train.probe.images=500 --set train.probe.method=fgsm, or train.best=top1",
            ),
        );
    }
    if let Err(message) = train.checkpoint_every.parse::<Interval>() {
        let found = escaped(&train.checkpoint_every);
        complain(Complaint::new("train.checkpoint_every", format!("is '{found}', {message}")));
    }
    let (optimizer, schedule) = (&train.optimizer, &train.schedule);
    let sgd = optimizer.name == OptimizerName::Sgd;
    if sgd && optimizer.nesterov && optimizer.momentum == 0.0 {
        complain(
            Complaint::new("train.optimizer.nesterov", "needs momentum above 0")
                .hint("--set train.optimizer.momentum=0.9"),
        );
    }
    if schedule.warmup_epochs > train.epochs as f64 {
        complain(Complaint::new(
            "train.schedule.warmup_epochs",
            format!(
                "is {}, longer than train.epochs = {}: the peak learning rate is never reached",
                schedule.warmup_epochs, train.epochs
            ),
        ));
    }
}

/// An attack has only keys of its method, and a bound where it needs one.
fn check_method(section: &str, how: &MethodSpec, complain: &mut impl FnMut(Complaint)) {
    let method = how.method;
    let name = super::word(method);
    for key in how.written() {
        if !method.keys().contains(&key) {
            complain(
                Complaint::new(
                    format!("{section}.{key}"),
                    format!("is no key of method = \"{name}\""),
                )
                .hint(format!("{name} takes {}", or_list(method.keys()))),
            );
        }
    }
    let key = format!("{section}.epsilon");
    match how.epsilon {
        Some(epsilon) if method == AttackMethod::None && epsilon != 0.0 => {
            let message = format!("is {epsilon}, but method = \"none\" changes nothing");
            complain(Complaint::new(key, message));
        }
        Some(epsilon) if how.bounding_norm() == Norm::Linf && epsilon > 255.0 => complain(
            Complaint::new(key, format!("is {epsilon}, expected a number, 0 to 255"))
                .hint("no pixel can change by more; with norm = \"l2\" epsilon may be larger"),
        ),
        // The training's probe may be switched off by 0.
        None | Some(0.0)
            if method.needs_epsilon()
                && (section.starts_with("evaluate.attacks") || how.epsilon.is_some())
                && section != "train.probe" =>
        {
            complain(
                Complaint::new(key, "is missing or 0, so the attack changes nothing")
                    .hint("pixel levels of 255: epsilon = 4 is the papers'"),
            );
        }
        _ => {}
    }
}

/// A network besides `[model]` has weights, and what else its architecture needs.
fn check_network(
    spec: &Spec,
    section: &str,
    network: &EnsembleModel,
    complain: &mut impl FnMut(Complaint),
) {
    check_layers(network.arch, section, &network.layers, complain);
    check_normalisation(spec, section, [&network.mean, &network.std], complain);
    let key = format!("{section}.weights");
    if network.weights.trim().is_empty() {
        complain(Complaint::new(&key, "is empty, and a network that is named needs weights"));
    }
    check_reference(&key, &network.weights, complain);
}

/// Curve and transfer table have an attack, and epsilons in their places.
fn check_evaluate(evaluate: &EvaluateSpec, complain: &mut impl FnMut(Complaint)) {
    let nothing = evaluate.curve.is_none() && evaluate.transfer.is_none();
    if evaluate.attacks.is_empty() && nothing {
        complain(
            Complaint::new("evaluate.attacks", "is empty, so there is nothing to measure")
                .hint("attacks = [{ method = \"none\" }] is clean accuracy"),
        );
    }
    if let Some(curve) = &evaluate.curve {
        if curve.how.method == AttackMethod::None {
            complain(
                Complaint::new("evaluate.curve.method", "is 'none', which has no epsilon")
                    .hint("pgd, or another attack; epsilons = [0, …] has the clean point"),
            );
        }
        if curve.how.epsilon.is_some() {
            complain(
                Complaint::new("evaluate.curve.epsilon", "is set, but a curve has several")
                    .hint("epsilons = [0, 1, 2, 4, 8]"),
            );
        }
        if curve.epsilons.is_empty() {
            complain(
                Complaint::new("evaluate.curve.epsilons", "is empty, so there is no point")
                    .hint("epsilons = [0, 1, 2, 4, 8]"),
            );
        }
        let linf = curve.how.bounding_norm() == Norm::Linf;
        if let Some(wide) = curve.epsilons.iter().find(|epsilon| linf && **epsilon > 255.0) {
            complain(Complaint::new(
                "evaluate.curve.epsilons",
                format!("has {wide}, expected numbers, each 0 to 255"),
            ));
        }
    }
    if let Some(transfer) = &evaluate.transfer {
        let method = transfer.how.method;
        if matches!(method, AttackMethod::None | AttackMethod::Ensemble) {
            let message = format!("is '{}', which is not made on one network", super::word(method));
            complain(
                Complaint::new("evaluate.transfer.method", message)
                    .hint("pgd, or another attack on a single network"),
            );
        }
    }
}

/// `[attack]` makes images, and its method can do what `target` asks.
fn check_attack(attack: &AttackSpec, complain: &mut impl FnMut(Complaint)) {
    let method = attack.how.method;
    let drawn =
        matches!(attack.target, Target::Named(TargetName::Random | TargetName::LeastLikely));
    if attack.targets_per_image > 1 && !(drawn && method.takes_target()) {
        complain(
            Complaint::new(
                "attack.targets_per_image",
                format!("is {}, but there is one target at most", attack.targets_per_image),
            )
            .hint("target = \"random\" or \"least-likely\", and a method that aims at a class"),
        );
    }
    if method == AttackMethod::None {
        complain(
            Complaint::new("attack.method", "is 'none', which makes no adversarial images")
                .hint("leave [attack] out, or choose fgsm"),
        );
    } else {
        check_target("attack.target", method, attack.target, complain);
    }
}

/// The method can aim at `target`.
fn check_target(
    key: &str,
    method: AttackMethod,
    target: Target,
    complain: &mut impl FnMut(Complaint),
) {
    if target == Target::None || method.takes_target() {
        return;
    }
    let own = method == AttackMethod::LeastLikely;
    if own && target == Target::Named(TargetName::LeastLikely) {
        return;
    }
    let why = if own { "chooses its target itself" } else { "cannot aim at a class" };
    let name = super::word(method);
    complain(
        Complaint::new(key, format!("is set, but method = \"{name}\" {why}"))
            .hint("target = \"none\", or another method: pgd and fgsm aim at any class"),
    );
}
