//! Fully connected layers.

mod few_rows;

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use few_rows::{Combinations, Dots, FEW};

use super::elementwise::{Activation, relu_of};
use super::lanes::vectorized;
use super::matrix::{Matrix, MatrixMut, multiply};
use super::values::{Values, new_tensor, unfilled};

/// Outputs, or inputs, of one piece of work.
const COLUMNS: usize = 256;

/// `activation(features · weightᵀ + bias)`: `features` `[batch, inputs]`, `weight` `[outputs,
/// inputs]`, `bias` `[outputs]`; gives `[batch, outputs]`.
pub fn linear(
    features: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    activation: Activation,
) -> Result<Tensor> {
    let (batch, inputs) = features.dims2()?;
    let (outputs, wanted) = weight.dims2()?;
    if inputs != wanted {
        bail!("linear: {inputs} features, the weight wants {wanted}");
    }
    if bias.is_some_and(|bias| bias.dims() != [outputs]) {
        bail!("linear: {outputs} outputs, but a bias of another shape");
    }
    let (features, weight) = (features.contiguous()?, weight.contiguous()?);
    #[cfg(feature = "cuda")]
    if features.device().is_cuda() {
        return super::cuda::linear(&features, &weight, bias, activation);
    }
    let (values, weights, bias) =
        (Values::of(&features), Values::of(&weight), bias.map(Values::of));
    let (values, weights) = (values.slice()?, weights.slice()?);
    let bias = bias.as_ref().map(Values::slice).transpose()?;
    let result = in_columns(batch, outputs, |columns, target| {
        let weight = &weights[columns.start * inputs..columns.end * inputs];
        let width = columns.len();
        if (1..=FEW).contains(&batch) && inputs > 0 {
            pulp::Arch::new().dispatch(Dots { features: values, weight, inputs, target });
        } else {
            let weight = Matrix::rows(weight, width, inputs).transposed();
            let features = Matrix::rows(values, batch, inputs);
            multiply(&mut MatrixMut::rows(target, batch, width), features, weight, false);
        }
        vectorized(|| {
            if let Some(bias) = bias {
                for row in target.chunks_mut(width) {
                    for (value, bias) in row.iter_mut().zip(&bias[columns.clone()]) {
                        *value += bias;
                    }
                }
            }
            if activation == Activation::Relu {
                for value in target {
                    *value = relu_of(*value);
                }
            }
        });
    });
    new_tensor(result, &Shape::from((batch, outputs)), &features)
}

/// `[batch, inputs]` from `grad` `[batch, outputs]`.
pub fn linear_input_gradient(grad: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (batch, outputs) = grad.dims2()?;
    let (wanted, inputs) = weight.dims2()?;
    if outputs != wanted {
        bail!("linear: {wanted} outputs, a gradient of {outputs}");
    }
    let (grad, weight) = (grad.contiguous()?, weight.contiguous()?);
    #[cfg(feature = "cuda")]
    if grad.device().is_cuda() {
        return super::cuda::linear_input_gradient(&grad, &weight);
    }
    let (values, weights) = (Values::of(&grad), Values::of(&weight));
    let (values, weights) = (values.slice()?, weights.slice()?);
    let result = in_columns(batch, inputs, |columns, target| {
        let (start, columns) = (columns.start, columns.len());
        if batch <= FEW {
            target.fill(0.0);
            let (grad, weight) = (values, weights);
            let combinations = Combinations { grad, weight, inputs, start, target, columns };
            pulp::Arch::new().dispatch(combinations);
        } else {
            let weight = Matrix::part(weights, outputs, columns, inputs, start);
            let grad = Matrix::rows(values, batch, outputs);
            multiply(&mut MatrixMut::rows(target, batch, columns), grad, weight, false);
        }
    });
    new_tensor(result, &Shape::from((batch, inputs)), &grad)
}

/// `[outputs, inputs]` from `grad` `[batch, outputs]` and `features` `[batch, inputs]`.
pub fn linear_weight_gradient(grad: &Tensor, features: &Tensor) -> Result<Tensor> {
    let (batch, outputs) = grad.dims2()?;
    let (wanted, inputs) = features.dims2()?;
    if batch != wanted {
        bail!("linear: a batch of {wanted}, a gradient of {batch}");
    }
    let (grad, features) = (grad.contiguous()?, features.contiguous()?);
    #[cfg(feature = "cuda")]
    if grad.device().is_cuda() {
        return super::cuda::linear_weight_gradient(&grad, &features);
    }
    let (grads, values) = (Values::of(&grad), Values::of(&features));
    let (grads, values) = (grads.slice()?, values.slice()?);
    let mut result = unfilled(outputs * inputs);
    result.par_chunks_mut((64 * inputs).max(1)).enumerate().for_each(|(index, result)| {
        let rows = result.len() / inputs;
        let grad = Matrix::part(grads, batch, rows, outputs, index * 64).transposed();
        let values = Matrix::rows(values, batch, inputs);
        multiply(&mut MatrixMut::rows(result, rows, inputs), grad, values, false);
    });
    new_tensor(result, &Shape::from((outputs, inputs)), &grad)
}

/// `[rows, columns]`, made in blocks of columns side by side.
fn in_columns(
    rows: usize,
    columns: usize,
    make: impl Fn(std::ops::Range<usize>, &mut [f32]) + Sync,
) -> Vec<f32> {
    let blocks: Vec<Vec<f32>> = (0..columns.div_ceil(COLUMNS))
        .into_par_iter()
        .map(|block| {
            let range = block * COLUMNS..((block + 1) * COLUMNS).min(columns);
            let mut target = unfilled(rows * range.len());
            make(range, &mut target);
            target
        })
        .collect();
    let mut result = unfilled(rows * columns);
    for (row, result) in result.chunks_mut(columns.max(1)).enumerate() {
        for (target, block) in result.chunks_mut(COLUMNS).zip(&blocks) {
            target.copy_from_slice(&block[row * target.len()..][..target.len()]);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::{assert_close, random};

    #[test]
    fn is_a_matrix_product_in_all_three_directions() {
        for (batch, inputs, outputs) in
            [(3, 5, 4), (1, 600, 300), (8, 257, 513), (5, 7, 3), (16, 40, 1000), (70, 33, 10)]
        {
            let features = random("features", &[batch, inputs]);
            let weight = random("weight", &[outputs, inputs]);
            let bias = random("bias", &[outputs]);
            let plain = features.matmul(&weight.t().unwrap()).unwrap();
            let expected = plain.broadcast_add(&bias).unwrap();
            let output = linear(&features, &weight, Some(&bias), Activation::None).unwrap();
            assert_close(&output, &expected, 1e-5);
            let output = linear(&features, &weight, None, Activation::Relu).unwrap();
            assert_close(&output, &plain.relu().unwrap(), 1e-5);
            let grad = random("grad", &[batch, outputs]);
            let for_features = linear_input_gradient(&grad, &weight).unwrap();
            assert_close(&for_features, &grad.matmul(&weight).unwrap(), 1e-5);
            let for_weight = linear_weight_gradient(&grad, &features).unwrap();
            let expected = grad.t().unwrap().matmul(&features).unwrap();
            assert_close(&for_weight, &expected, 1e-5);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let (features, weight) = (random("features", &[2, 3]), random("weight", &[4, 5]));
        assert!(linear(&features, &weight, None, Activation::None).is_err());
        assert!(linear_input_gradient(&features, &weight).is_err());
        assert!(linear_weight_gradient(&random("grad", &[3, 3]), &features).is_err());
    }
}
