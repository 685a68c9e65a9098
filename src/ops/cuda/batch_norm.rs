//! Batch normalisation: the definitions of `ops::batch_norm`, a kernel a pass over the maps.

use candle_core::{Result, Tensor};

use super::elementwise::{Affine, Pieces, affine};
use super::kernels::{launch, size};
use super::values::{Input, device_of, room, tensor};
use crate::ops::{Activation, BatchNormGradients};

/// Mean and variance of each channel of maps `[…, channels]`, as f32 on the card.
fn statistics(maps: &Tensor) -> Result<(Tensor, Tensor)> {
    let device = device_of(maps)?;
    let pieces = Pieces::of(maps)?;
    let Pieces { length, rows, channels, count, .. } = pieces;
    let x = Input::of(maps)?;
    let mut means = room::<f64>(&device, count as usize)?;
    let mut squares = room::<f64>(&device, count as usize)?;
    launch!(
        &device,
        "moments",
        count,
        [&mut means, &mut squares],
        x.view()?,
        length,
        rows,
        channels,
        count,
    );
    let (Pieces { length, number, .. }, means, squares) =
        pieces.merge_moments(&device, means, squares)?;
    let mut mean = room::<f32>(&device, channels as usize)?;
    let mut var = room::<f32>(&device, channels as usize)?;
    launch!(
        &device,
        "join_moments",
        channels,
        [&mut mean, &mut var],
        means.as_view(),
        squares.as_view(),
        number,
        length,
        rows,
        channels,
    );
    let shape = channels as usize;
    Ok((tensor(mean, shape, &device), tensor(var, shape, &device)))
}

/// `activation(normalised + residual)`, and mean and variance of the batch. Shapes are checked.
pub(in crate::ops) fn norm_forward(
    maps: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    residual: Option<&Tensor>,
    activation: Activation,
    epsilon: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    let device = device_of(maps)?;
    let maps = maps.contiguous()?;
    let (mean, var) = statistics(&maps)?;
    let channels = size(mean.elem_count())?;
    let scale = {
        let (gamma, var) = (Input::of(gamma)?, Input::of(&var)?);
        let mut out = room::<f32>(&device, channels as usize)?;
        launch!(
            &device,
            "norm_scale",
            channels,
            [&mut out],
            gamma.view()?,
            var.view()?,
            epsilon,
            channels,
        );
        tensor(out, channels as usize, &device)
    };
    let how =
        Affine { mean: Some(&mean), scale: Some(&scale), shift: Some(beta), residual, activation };
    let output = affine(&maps, &how)?;
    Ok((output, mean, var))
}

/// Gradients given that of the normalised maps. Shapes are checked.
pub(in crate::ops) fn norm_backward(
    maps: &Tensor,
    gamma: &Tensor,
    [mean, var]: [&Tensor; 2],
    grad: &Tensor,
    epsilon: f64,
) -> Result<BatchNormGradients> {
    let device = device_of(maps)?;
    let (maps, grad) = (maps.contiguous()?, grad.contiguous()?);
    let pieces = Pieces::of(&maps)?;
    let Pieces { length, rows, channels, count, .. } = pieces;
    let (x, grads) = (Input::of(&maps)?, Input::of(&grad)?);
    let (gamma, mean, var) = (Input::of(gamma)?, Input::of(mean)?, Input::of(var)?);
    let mut plain = room::<f64>(&device, count as usize)?;
    let mut product = room::<f64>(&device, count as usize)?;
    launch!(
        &device,
        "sums",
        count,
        [&mut plain, &mut product],
        grads.view()?,
        x.view()?,
        mean.view()?,
        1_u32,
        length,
        rows,
        channels,
        count,
    );
    let (Pieces { number, .. }, plain, product) =
        pieces.merge_sums(&device, plain, product, true)?;
    let all = channels as usize;
    let mut terms = room::<f32>(&device, 3 * all)?;
    let (mut for_gamma, mut for_beta) = (room::<f32>(&device, all)?, room::<f32>(&device, all)?);
    launch!(
        &device,
        "norm_terms",
        channels,
        [&mut terms, &mut for_gamma, &mut for_beta],
        plain.as_view(),
        product.as_view(),
        gamma.view()?,
        var.view()?,
        epsilon,
        number,
        rows,
        channels,
    );
    let numbers = size(maps.elem_count())?;
    let mut out = room::<f32>(&device, maps.elem_count())?;
    launch!(
        &device,
        "norm_gradient",
        numbers,
        [&mut out],
        grads.view()?,
        x.view()?,
        mean.view()?,
        terms.as_view(),
        channels,
        numbers,
    );
    Ok(BatchNormGradients {
        input: tensor(out, maps.shape(), &device),
        gamma: tensor(for_gamma, all, &device),
        beta: tensor(for_beta, all, &device),
    })
}

/// Running statistics as a factor and a summand for each channel. All arguments `[channels]`.
pub(in crate::ops) fn norm_frozen(
    [gamma, beta, mean, var]: [&Tensor; 4],
    epsilon: f64,
) -> Result<(Tensor, Tensor)> {
    let device = device_of(gamma)?;
    let all = gamma.elem_count();
    let channels = size(all)?;
    let inputs = [Input::of(gamma)?, Input::of(beta)?, Input::of(mean)?, Input::of(var)?];
    let (mut scale, mut shift) = (room::<f32>(&device, all)?, room::<f32>(&device, all)?);
    launch!(
        &device,
        "norm_frozen",
        channels,
        [&mut scale, &mut shift],
        inputs[0].view()?,
        inputs[1].view()?,
        inputs[2].view()?,
        inputs[3].view()?,
        epsilon,
        channels,
    );
    Ok((tensor(scale, all, &device), tensor(shift, all, &device)))
}

/// Running statistics, moved towards those of a batch with `count` numbers a channel.
pub(in crate::ops) fn norm_running(
    running: [&Tensor; 2],
    batch: [&Tensor; 2],
    momentum: f64,
    count: usize,
) -> Result<(Tensor, Tensor)> {
    let device = device_of(running[0])?;
    let all = running[0].elem_count();
    let channels = size(all)?;
    let inputs = [
        Input::of(running[0])?,
        Input::of(running[1])?,
        Input::of(batch[0])?,
        Input::of(batch[1])?,
    ];
    let (mut mean, mut var) = (room::<f32>(&device, all)?, room::<f32>(&device, all)?);
    launch!(
        &device,
        "norm_running",
        channels,
        [&mut mean, &mut var],
        inputs[0].view()?,
        inputs[1].view()?,
        inputs[2].view()?,
        inputs[3].view()?,
        momentum,
        size(count)?,
        channels,
    );
    Ok((tensor(mean, all, &device), tensor(var, all, &device)))
}
