//! Each operator, forward and backward, on the cases of `operators.py`.

use candle_core::{Device, Result, Tensor, Var};
use glassbox::ops::{
    Activation, AveragePool2d, BatchNorm, Conv2d, Epilogue, MaxPool2d, adaptive_average_pool,
    adaptive_average_pool_gradient, channel_sum, cross_entropy, cross_entropy_per_image, linear,
    linear_input_gradient, linear_weight_gradient, relu_gradient, to_channels_first,
    to_channels_last,
};

use super::{Fixture, assert_close};

/// PyTorch's tensors of one case, channels first; ours come channels last.
struct Case<'a> {
    fixture: &'a Fixture,
    name: String,
}

impl Case<'_> {
    fn get(&self, part: &str) -> &Tensor {
        self.fixture.get(&format!("{}.{part}", self.name))
    }

    fn last(&self, part: &str) -> Tensor {
        to_channels_last(self.get(part)).unwrap()
    }

    fn numbers(&self) -> Vec<usize> {
        let numbers = self.get("numbers").to_vec1::<u32>().unwrap();
        numbers.into_iter().map(|number| number as usize).collect()
    }

    fn size(&self, part: &str) -> [usize; 2] {
        let (_, _, height, width) = self.get(part).dims4().unwrap();
        [height, width]
    }

    /// Compares what we found, maps being channels last.
    #[track_caller]
    fn check(&self, part: &str, found: Result<Tensor>) {
        let found = found.unwrap();
        let found = if found.rank() == 4 { to_channels_first(&found).unwrap() } else { found };
        let tolerance = if part == "result" { 1e-5 } else { 1e-4 };
        assert_close(&format!("{} {part}", self.name), &found, self.get(part), tolerance);
    }
}

/// Every case whose name is `kind` and a number.
fn cases<'a>(fixture: &'a Fixture, kind: &'a str) -> impl Iterator<Item = Case<'a>> {
    let names = (0..).map(move |index| format!("{kind}{index}"));
    names
        .take_while(|name| fixture.has(&format!("{name}.result")))
        .map(|name| Case { fixture, name })
}

fn fixture() -> Fixture {
    Fixture::read("operators.safetensors")
}

#[test]
fn convolution_is_pytorchs() {
    let fixture = fixture();
    let mut count = 0;
    for case in cases(&fixture, "convolution") {
        let numbers = case.numbers();
        let [kh, kw, sh, sw, ph, pw, dh, dw, groups] = numbers[..] else { panic!("{numbers:?}") };
        let conv = Conv2d { stride: [sh, sw], padding: [ph, pw], dilation: [dh, dw], groups };
        let (images, weight, grad) =
            (case.last("images"), case.last("weight"), case.last("direction"));
        let bias = Epilogue { shift: Some(case.get("bias")), ..Epilogue::default() };
        case.check("result", conv.forward(&images, &weight, &bias));
        case.check("grad.images", conv.input_gradient(&grad, &weight, case.size("images")));
        case.check("grad.weight", conv.weight_gradient(&grad, &images, [kh, kw]));
        case.check("grad.bias", channel_sum(&grad));
        count += 1;
    }
    assert_eq!(count, 40);
}

#[test]
fn batch_norm_is_pytorchs_with_its_running_statistics() {
    let fixture = fixture();
    for (name, activation) in
        [("batch_norm", Activation::None), ("batch_norm_relu", Activation::Relu)]
    {
        let case = Case { fixture: &fixture, name: name.into() };
        let norm = BatchNorm { epsilon: 1e-5 };
        let (maps, gamma, residual) = (case.last("maps"), case.get("gamma"), case.last("residual"));
        let forward = norm.forward(&maps, gamma, case.get("beta"), Some(&residual), activation);
        let (result, statistics) = forward.unwrap();
        let mut grad = case.last("direction");
        if activation == Activation::Relu {
            grad = relu_gradient(&result, &grad).unwrap();
        }
        case.check("result", Ok(result));
        case.check("grad.residual", Ok(grad.clone()));
        let found = norm.backward(&maps, gamma, &statistics, &grad).unwrap();
        case.check("grad.maps", Ok(found.input));
        case.check("grad.gamma", Ok(found.gamma));
        case.check("grad.beta", Ok(found.beta));
        let var_of = |value: f32| Var::from_vec(vec![value; 5], 5, &Device::Cpu).unwrap();
        let (mean, var) = (var_of(0.0), var_of(1.0));
        statistics.update(&mean, &var, 0.1).unwrap();
        for (kind, values) in [("running_mean", mean), ("running_var", var)] {
            assert_close(&format!("{name} {kind}"), &values, case.get(kind), 1e-6);
        }
    }
}

#[test]
fn pooling_is_pytorchs() {
    let fixture = fixture();
    let mut count = 0;
    for (max, average) in cases(&fixture, "max_pool").zip(cases(&fixture, "average_pool")) {
        let numbers = max.numbers();
        let [kh, kw, sh, sw, ph, pw, ceil, count_pad] = numbers[..] else { panic!("{numbers:?}") };
        let (kernel, stride, padding) = ([kh, kw], [sh, sw], [ph, pw]);
        let pool = MaxPool2d { kernel, stride, padding, ceil_mode: ceil == 1 };
        let (pooled, winners) = pool.forward(&max.last("maps")).unwrap();
        max.check("result", Ok(pooled));
        let grad = max.last("direction");
        max.check("grad.maps", pool.input_gradient(&grad, &winners, max.size("maps")));
        let pool = AveragePool2d {
            kernel,
            stride,
            padding,
            ceil_mode: ceil == 1,
            count_include_pad: count_pad == 1,
        };
        average.check("result", pool.forward(&average.last("maps")));
        let grad = average.last("direction");
        average.check("grad.maps", pool.input_gradient(&grad, average.size("maps")));
        count += 1;
    }
    assert_eq!(count, 7);
    for case in cases(&fixture, "adaptive") {
        let numbers = case.numbers();
        let [height, width] = numbers[..] else { panic!("{numbers:?}") };
        case.check("result", adaptive_average_pool(&case.last("maps"), [height, width]));
        let grad = case.last("direction");
        case.check("grad.maps", adaptive_average_pool_gradient(&grad, case.size("maps")));
    }
}

#[test]
fn linear_is_pytorchs() {
    for case in cases(&fixture(), "linear") {
        let (input, weight, grad) = (case.get("input"), case.get("weight"), case.get("direction"));
        case.check("result", linear(input, weight, Some(case.get("bias")), Activation::None));
        case.check("grad.input", linear_input_gradient(grad, weight));
        case.check("grad.weight", linear_weight_gradient(grad, input));
        case.check("grad.bias", channel_sum(grad));
    }
}

/// Runs `loss` on case `name`'s logits and compares the result and the gradient.
fn check_loss(fixture: &Fixture, name: &str, loss: impl Fn(&Var) -> Result<Tensor>) {
    let case = Case { fixture, name: name.into() };
    let logits = Var::from_tensor(case.get("logits")).unwrap();
    let result = loss(&logits).unwrap();
    case.check("result", Ok(result.detach()));
    let grads = (result * case.get("direction")).unwrap().sum_all().unwrap().backward().unwrap();
    case.check("grad.logits", Ok(grads.get(&logits).unwrap().clone()));
}

#[test]
fn cross_entropy_is_pytorchs() {
    let fixture = fixture();
    let labels = fixture.get("labels");
    check_loss(&fixture, "cross_entropy", |logits| cross_entropy(logits, labels, 0.0));
    check_loss(&fixture, "cross_entropy_smooth", |logits| cross_entropy(logits, labels, 0.1));
    check_loss(&fixture, "cross_entropy_each", |logits| {
        cross_entropy_per_image(logits, labels, 0.1)
    });
}
