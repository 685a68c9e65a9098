//! What operator tests share: seeded tensors, comparison, finite differences.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::init::Init;

/// Uniform in ±1, drawn from `name`.
pub(super) fn random(name: &str, shape: &[usize]) -> Tensor {
    let values = Init::Uniform { fan_in: 1 }.values(shape, name, 1);
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Errors if the largest difference exceeds `tolerance` times the largest number expected.
pub(super) fn assert_close(actual: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(actual.dims(), expected.dims());
    let largest = |tensor: &Tensor| -> f64 {
        let values = tensor.to_dtype(DType::F64).unwrap().abs().unwrap().flatten_all().unwrap();
        values.to_vec1::<f64>().unwrap().into_iter().fold(0.0, |a, b| {
            assert!(b.is_finite(), "{b}");
            f64::max(a, b)
        })
    };
    let error = largest(&(actual - expected).unwrap());
    let scale = largest(expected).max(1e-12);
    assert!(error <= tolerance * scale, "off by {error:e} of {scale:e}, allowed {tolerance:e}");
}

/// Compares the gradient of every argument with central differences of `operator`, contracted
/// with a random direction, at every number of every argument.
///
/// Steps are large because f32 is coarse: exact for operators that are linear or quadratic in each
/// argument and near enough for smooth ones.
pub(super) fn assert_gradients(
    arguments: &[Tensor],
    operator: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    const STEP: f32 = 5e-3;
    let vars: Vec<Var> = arguments.iter().map(|a| Var::from_tensor(a).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let output = operator(&tensors).unwrap();
    let direction = random("direction", output.dims());
    let contract = |output: Tensor| -> Tensor {
        let product = output.to_dtype(DType::F64).unwrap();
        let product = product * direction.to_dtype(DType::F64).unwrap();
        product.unwrap().sum_all().unwrap()
    };
    let grads = contract(output).backward().unwrap();
    for (index, var) in vars.iter().enumerate() {
        let grad = grads.get(var).unwrap_or_else(|| panic!("argument {index} has no gradient"));
        let values = arguments[index].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let differences: Vec<f32> = (0..values.len())
            .map(|place| {
                let at = |step: f32| -> f64 {
                    let mut moved = values.clone();
                    moved[place] += step;
                    let mut tensors = arguments.to_vec();
                    let shape = arguments[index].dims();
                    tensors[index] = Tensor::from_vec(moved, shape, &Device::Cpu).unwrap();
                    contract(operator(&tensors).unwrap()).to_scalar().unwrap()
                };
                ((at(STEP) - at(-STEP)) / f64::from(2.0 * STEP)) as f32
            })
            .collect();
        let differences = Tensor::from_vec(differences, grad.dims(), &Device::Cpu).unwrap();
        assert_close(grad, &differences, 2e-3);
    }
}
