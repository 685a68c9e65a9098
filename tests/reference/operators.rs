//! Each operator, forward and backward, on the cases of `operators.py`.

use candle_core::{Result, Tensor, Var};
use glassbox::ops::nchw::channel_affine::Activation;
use glassbox::ops::nchw::{BatchNorm, Conv2d, MaxPool2d, global_average_pool};
use glassbox::ops::{cross_entropy, cross_entropy_per_image};

use super::{Fixture, assert_close};

/// Runs `operator` on case `name`'s `arguments` and compares the result and every gradient.
fn check(
    fixture: &Fixture,
    name: &str,
    arguments: &[&str],
    operator: impl Fn(&[Var]) -> Result<Tensor>,
) {
    let get = |part: &str| fixture.get(&format!("{name}.{part}"));
    let vars: Vec<Var> = arguments.iter().map(|a| Var::from_tensor(get(a)).unwrap()).collect();
    let result = operator(&vars).unwrap();
    assert_close(&format!("{name} forward"), &result, get("result"), 1e-5);
    let grads = (result * get("direction")).unwrap().sum_all().unwrap().backward().unwrap();
    for (argument, var) in arguments.iter().zip(&vars) {
        let expected = get(&format!("grad.{argument}"));
        assert_close(&format!("{name} {argument}"), grads.get(var).unwrap(), expected, 1e-4);
    }
}

fn fixture() -> Fixture {
    Fixture::read("operators.safetensors")
}

#[test]
fn convolution_is_pytorchs() {
    for (name, stride, padding) in [
        ("conv3x3", 1, 1),
        ("conv5x5_stride2", 2, 2),
        ("conv1x1", 1, 0),
        ("conv3x3_stride2_odd", 2, 1),
    ] {
        let conv = Conv2d { stride, padding, activation: Activation::None };
        check(&fixture(), name, &["images", "weight", "bias"], |a| {
            conv.forward(&a[0], &a[1], Some(&a[2]))
        });
    }
}

#[test]
fn batch_norm_is_pytorchs_with_its_running_statistics() {
    let fixture = fixture();
    for (name, activation) in
        [("batch_norm", Activation::None), ("batch_norm_relu", Activation::Relu)]
    {
        let norm = BatchNorm { epsilon: 1e-5, activation };
        let statistics = std::cell::RefCell::new(None);
        check(&fixture, name, &["maps", "gamma", "beta"], |a| {
            let (result, found) = norm.forward(&a[0], &a[1], &a[2])?;
            statistics.replace(Some(found));
            Ok(result)
        });
        let (mut mean, mut var) = (vec![0.0; 5], vec![1.0; 5]);
        statistics.take().unwrap().update(&mut mean, &mut var, 0.1);
        for (kind, values) in [("running_mean", mean), ("running_var", var)] {
            let expected = fixture.get(&format!("{name}.{kind}"));
            let values = Tensor::from_vec(values, 5, expected.device()).unwrap();
            assert_close(&format!("{name} {kind}"), &values, expected, 1e-6);
        }
    }
}

#[test]
fn pooling_is_pytorchs() {
    for (name, kernel, stride, padding) in
        [("max_pool2", 2, 2, 0), ("max_pool3_overlapping", 3, 2, 1), ("max_pool3_alexnet", 3, 2, 0)]
    {
        let pool = MaxPool2d { kernel, stride, padding };
        check(&fixture(), name, &["maps"], |a| pool.forward(&a[0]));
    }
    check(&fixture(), "average_pool", &["maps"], |a| global_average_pool(&a[0]));
}

#[test]
fn cross_entropy_is_pytorchs() {
    let fixture = fixture();
    let labels = fixture.get("labels");
    check(&fixture, "cross_entropy", &["logits"], |a| cross_entropy(&a[0], labels, 0.0));
    check(&fixture, "cross_entropy_smooth", &["logits"], |a| cross_entropy(&a[0], labels, 0.1));
    check(&fixture, "cross_entropy_each", &["logits"], |a| {
        cross_entropy_per_image(&a[0], labels, 0.1)
    });
}
