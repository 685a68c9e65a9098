//! FGSM and its targets on shapesnet, as `fgsm.py` computed them in double precision.

use candle_core::Tensor;
use glassbox::attack::{Attack, Ball, Fgsm, Target, Victims};

use super::Fixture;
use super::shapesnet::{model, numbers};

const SIZE: usize = 32;

fn images() -> Tensor {
    numbers(&[3, 3, SIZE, SIZE], 100).affine(0.5, 0.5).unwrap()
}

fn labels() -> Tensor {
    Tensor::new(&[0u32, 3, 6], images().device()).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Every pixel whose gradient is surely not 0 is PyTorch's, and all stay within epsilon and 0..1.
fn assert_pytorchs(case: &str, made: &Tensor) {
    let fixture = Fixture::read("fgsm.safetensors");
    let expected = flat(fixture.get(&format!("{case}.images")));
    let sure = fixture.get(&format!("{case}.sure")).flatten_all().unwrap();
    let sure: Vec<u8> = sure.to_vec1().unwrap();
    let share = sure.iter().copied().map(f64::from).sum::<f64>() / sure.len() as f64;
    assert!(share > 0.9, "{case}: the fixture compares only {share} of the pixels");
    let origin = flat(&images());
    for (at, ((&ours, &theirs), &old)) in flat(made).iter().zip(&expected).zip(&origin).enumerate()
    {
        assert!((0.0..=1.0).contains(&ours), "{case}, pixel {at}: {ours}");
        assert!((ours - old).abs() <= 4.0 / 255.0 + 1e-6, "{case}, pixel {at}: {old} to {ours}");
        if sure[at] == 1 {
            assert!((ours - theirs).abs() <= 1e-6, "{case}, pixel {at}: {ours}, not {theirs}");
        }
    }
}

#[test]
fn fgsm_is_pytorchs_away_from_the_label_and_towards_the_least_likely_class() {
    let (model, images, labels) = (model(SIZE), images(), labels());
    let fgsm = Fgsm { ball: Ball::linf(4.0) };
    let away = Victims { images: &images, labels: &labels, indices: &[0, 1, 2], targets: None };
    assert_pytorchs("untargeted", &fgsm.perturb(&model, &away).unwrap());

    let targets = Target::LeastLikely.choose(&model, &images, &labels, &[0, 1, 2]).unwrap();
    let expected = Fixture::read("fgsm.safetensors").get("least_likely").clone();
    assert_eq!(targets.to_vec1::<u32>().unwrap(), expected.to_vec1::<u32>().unwrap());
    let towards =
        Victims { images: &images, labels: &labels, indices: &[0, 1, 2], targets: Some(&targets) };
    assert_pytorchs("targeted", &fgsm.perturb(&model, &towards).unwrap());
}

#[test]
fn an_epsilon_of_0_changes_nothing() {
    let (model, images, labels) = (model(SIZE), images(), labels());
    let victims = Victims { images: &images, labels: &labels, indices: &[0, 1, 2], targets: None };
    let same = Fgsm { ball: Ball::linf(0.0) }.perturb(&model, &victims).unwrap();
    assert_eq!(flat(&same), flat(&images));
}

#[test]
fn random_targets_depend_on_seed_and_index_alone_and_are_never_the_label() {
    let (model, images, labels) = (model(SIZE), images(), labels());
    let choose = |seed, indices: [usize; 3]| -> Vec<u32> {
        let target = Target::Random { seed };
        target.choose(&model, &images, &labels, &indices).unwrap().to_vec1().unwrap()
    };
    for seed in 0..200 {
        for (target, label) in choose(seed, [0, 1, 2]).into_iter().zip([0, 3, 6]) {
            assert!(target != label && target < 10, "seed {seed}: {target} for {label}");
        }
    }
    // The first image's draw is the same whatever stands beside it.
    assert_eq!(choose(7, [40, 1, 2])[0], choose(7, [40, 41, 42])[0]);
    let drawn: Vec<u32> = (0..50).map(|index| choose(7, [index, 1, 2])[0]).collect();
    assert!((1..10).all(|class| drawn.contains(&class)), "{drawn:?}");
    assert_ne!(drawn, (0..50).map(|index| choose(8, [index, 1, 2])[0]).collect::<Vec<_>>());
}

#[test]
fn a_target_class_that_does_not_exist_is_bad_input() {
    let (model, images, labels) = (model(SIZE), images(), labels());
    let choose = |class| Target::Class(class).choose(&model, &images, &labels, &[0, 1, 2]);
    assert_eq!(choose(9).unwrap().to_vec1::<u32>().unwrap(), [9, 9, 9]);
    let error = choose(10).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.message.contains("attack.target = 10"), "{}", error.message);
}
