//! What a spec says of attacks, and of training against them.

use super::*;

#[test]
fn every_method_has_its_keys_and_complains_of_others() {
    let Some(ValueKind::Choice(words)) = help::find("attack.method").map(|key| key.kind) else {
        panic!("attack.method is no choice")
    };
    let all = every_key_of_an_attack();
    let names: BTreeSet<&str> = all.written().into_iter().collect();
    let mut used = BTreeSet::new();
    for word in words {
        let method = AttackMethod::named(word).unwrap();
        let own: BTreeSet<&str> = method.keys().iter().copied().collect();
        assert!(own.is_subset(&names), "{word}: {own:?}");
        used.extend(own.iter().copied());
        let mut spec = Spec { evaluate: Some(EvaluateSpec::default()), ..Spec::default() };
        spec.evaluate.as_mut().unwrap().attacks = vec![MethodSpec { method, ..all.clone() }];
        let complaints = check::check(&spec);
        let complained: BTreeSet<&str> = complaints
            .iter()
            .filter(|one| one.message.contains("is no key of method"))
            .map(|one| one.key.strip_prefix("evaluate.attacks[0].").unwrap())
            .collect();
        assert_eq!(complained, &names - &own, "{word}");
    }
    assert_eq!(used, names, "a key that no method has");
    assert_eq!(
        wrong("[evaluate]\nattacks = [{ method = \"fgsm\", epsilon = 4, steps = 3 }]"),
        ["a.toml:2:44: 'evaluate.attacks[0].steps' is no key of method = \"fgsm\""]
    );
}

#[test]
fn every_method_is_resolved_to_all_of_its_keys_and_stays_valid() {
    let Some(ValueKind::Choice(words)) = help::find("attack.method").map(|key| key.kind) else {
        panic!("attack.method is no choice")
    };
    for word in words {
        let text = format!("[evaluate]\nattacks = [{{ method = '{word}', epsilon = 8 }}]");
        let text = if *word == "none" { text.replace(", epsilon = 8", "") } else { text };
        let spec = parse(&text).resolve(&around("/work")).unwrap();
        let how = &spec.evaluate.as_ref().unwrap().attacks[0];
        let missing: Vec<_> =
            how.method.keys().iter().filter(|key| !how.written().contains(key)).collect();
        let open: &[&str] = match how.method {
            AttackMethod::None => &["epsilon"],
            AttackMethod::Ensemble => &["models"],
            _ => &[],
        };
        assert_eq!(missing, open.iter().collect::<Vec<_>>(), "{word}");
        assert_eq!(how.resolved(), *how, "{word}");
        let read = parse(&to_toml(&spec, Comments::On)).spec().unwrap();
        assert_eq!(read, spec, "{word}");
    }
}

#[test]
fn the_bound_of_an_attack_is_the_papers_or_none() {
    let attack = |keys: &str| {
        let spec = parse(&format!("[attack]\n{keys}")).resolve(&around("/work")).unwrap();
        spec.attack.unwrap().how
    };
    let fgsm = attack("");
    assert_eq!((fgsm.bound(), fgsm.pixel_bound(), fgsm.norm), (4.0, 4.0, Some(Norm::Linf)));
    let cw = attack("method = 'cw'");
    assert_eq!((cw.bound(), cw.pixel_bound(), cw.epsilon), (0.0, 255.0, None));
    let pgd = attack("method = 'pgd'\nepsilon = 128\nnorm = 'l2'\nsteps = 10");
    assert_eq!((pgd.bound(), pgd.pixel_bound(), pgd.step_size), (128.0, 255.0, Some(32.0)));
    let one = |keys: &str, expected: &str| {
        let problems = wrong(&format!("[attack]\n{keys}"));
        assert!(problems.len() == 1 && problems[0].contains(expected), "{problems:?}");
    };
    one("epsilon = 256", "'attack.epsilon' is 256, expected a number, 0 to 255");
    one("method = 'deepfool'\ntarget = 3", "'attack.target' is set, but method = \"deepfool\"");
    one("method = 'least-likely'\ntarget = 'random'", "chooses its target itself");
    one(
        "method = 'ensemble'\nmodels = [{ arch = 'sequential', weights = 'run:a@best' }]",
        "'attack.models[0].layers' is missing",
    );
}

#[test]
fn the_networks_of_an_ensemble_are_found_like_that_of_the_model() {
    let text = "[attack]\nmethod = 'ensemble'\nmodels = [{ arch = 'vgg16', weights = '$IMAGES/v.pth' },\n\
                {arch='alexnet', weights = 'run:last' }]";
    let mut spec = parse(text).spec().unwrap();
    assert_eq!(expand::expand(&mut spec, &around("/work")), []);
    let models = spec.attack.unwrap().how.models;
    assert_eq!([&*models[0].weights, &*models[1].weights], ["/data/images/v.pth", "run:last"]);
    let problems = parse(text).resolve(&around("/work")).unwrap_err();
    assert!(
        problems[0].to_string().contains("'attack.models[0].weights' is '/data/images/v.pth'"),
        "{problems:?}"
    );
    assert_eq!(
        wrong("[attack]\nmethod = 'ensemble'\nmodels = [{ arch = 'vgg16' }]"),
        ["a.toml:3:11: 'attack.models[0].weights' is missing, expected a path, or run:"]
    );
}

#[test]
fn adversarial_training_is_asked_for_in_a_few_keys_and_resolved_in_all() {
    let text = "[train.adversarial]\nmethod = \"pgd\"\nepsilon = [2, 8]\nsteps = 4\n";
    let spec = parse(text).resolve(&around("/here")).unwrap();
    let train = spec.train.as_ref().unwrap();
    let section = train.adversarial.as_ref().unwrap();
    assert_eq!(section.epsilon, Epsilon::Between([2.0, 8.0]));
    assert_eq!((section.how.steps, section.how.step_size), (Some(4), Some(5.0)));
    assert_eq!(section.target, Some(Target::None));
    assert_eq!((section.clean_weight, section.consistency_weight), (0.5, 0.1));
    assert_eq!(section.method().epsilon, Some(8.0));
    let text = to_toml(&spec, Comments::On);
    assert!(text.contains("\nepsilon = [2, 8]"), "{text}");
    assert_eq!(parse(&text).spec().unwrap(), spec);

    let papers = parse("[train.adversarial]\n").resolve(&around("/here")).unwrap();
    let section = papers.train.unwrap().adversarial.unwrap();
    assert_eq!(section.epsilon.to_string(), "normal 4 cut 8");
    assert_eq!(section.target, Some(Target::Named(TargetName::LeastLikely)));
    assert!(parse("[train]\n").spec().unwrap().train.unwrap().adversarial.is_none());
}

#[test]
fn an_epsilon_is_set_from_the_command_line_in_each_of_its_forms() {
    for (text, expected) in [
        ("4", Epsilon::Fixed(4.0)),
        ("[1, 2.5]", Epsilon::Between([1.0, 2.5])),
        ("normal 4 cut 8", Epsilon::Drawn("normal 4 cut 8".into())),
    ] {
        let mut document = parse("[train]\n");
        document.set(&format!("train.adversarial.epsilon={text}")).unwrap();
        let section = document.spec().unwrap().train.unwrap().adversarial.unwrap();
        assert_eq!(section.epsilon, expected);
    }
}

#[test]
fn impossible_adversarial_training_is_refused_with_what_to_do() {
    for (keys, expected) in [
        ("method = \"none\"", "'train.adversarial.method' is 'none'"),
        ("method = \"ensemble\"", "'train.adversarial.method' is 'ensemble'"),
        ("epsilon = 300", "'train.adversarial.epsilon' is 300, expected a number of pixel levels"),
        ("epsilon = \"normal 4\"", "'train.adversarial.epsilon' is 'normal 4', expected"),
        ("epsilon = 0", "'train.adversarial.epsilon' is missing or 0"),
        ("method = \"square\"", "'train.adversarial.epsilon' is drawn for each image"),
        ("norm = \"l2\"", "'train.adversarial.epsilon' is drawn for each image"),
        ("steps = 3", "'train.adversarial.steps' is no key of method = \"fgsm\""),
        (
            "method = \"deepfool\"\nepsilon = 4\ntarget = 3",
            "'train.adversarial.target' is set, but method = \"deepfool\"",
        ),
        ("consistency_layer = []", "'train.adversarial.consistency_layer' is [], expected"),
        ("consistency_weight = -1", "'train.adversarial.consistency_weight' is -1, expected"),
    ] {
        let found = wrong(&format!("[train.adversarial]\n{keys}\n"));
        assert!(found.len() == 1 && found[0].contains(expected), "{keys}: {found:?}");
    }
    let found = wrong("[train.probe]\nevery = \"10 min\"");
    assert!(found[0].contains("expected epochs or steps"), "{found:?}");
    let found = wrong("[train]\nbest = \"adversarial_top1\"\nprobe = { images = 0 }");
    assert!(found[0].contains("no probe measures it"), "{found:?}");
    let found =
        wrong("[train]\nprobe = { alarm_steps = 0 }\nadversarial = { on_overfitting = \"stop\" }");
    assert!(found[0].contains("nothing looks"), "{found:?}");
}

#[test]
fn label_leaking_and_empty_statistics_are_warned_of() {
    let warnings = |keys: &str| {
        let text = format!("[train.adversarial]\nepsilon = 4\n{keys}\n");
        check::warnings(&parse(&text).spec().unwrap()).join("; ")
    };
    assert_eq!(warnings(""), "");
    assert!(warnings("target = \"none\"").contains("leak"));
    assert!(warnings("batch_statistics = \"frozen\"").contains("no statistics yet"));
}
