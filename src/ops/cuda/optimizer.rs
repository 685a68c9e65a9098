//! An optimizer's step on one parameter, in place.

use candle_core::{CudaStorage, Layout, Result, Tensor, bail};
use cudarc::driver::CudaView;

use super::kernels::{launch, size};
use super::values::Input;

/// The numbers of PyTorch's SGD: momentum, L2 decay, learning rate, Nesterov's look ahead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Descent {
    pub(crate) momentum: f32,
    pub(crate) decay: f32,
    pub(crate) lr: f32,
    pub(crate) nesterov: bool,
}

/// The numbers of one step of Adam, worked out from its rates: weights shrink to `keep`, `decay`
/// goes into the gradient, `rest1`, `beta2` and `rest2` move the moments, and the step is
/// `step_size · mean / (√square / root + eps)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    pub(crate) keep: f32,
    pub(crate) decay: f32,
    pub(crate) rest1: f32,
    pub(crate) beta2: f32,
    pub(crate) rest2: f32,
    pub(crate) step_size: f32,
    pub(crate) root: f32,
    pub(crate) eps: f32,
}

/// Moves `weights` along `grads`, and the velocity, which is written though lent to be read: all
/// users of it queue on this stream.
#[allow(clippy::needless_pass_by_value, reason = "a pair of borrows")]
pub(crate) fn sgd(
    weights: (&mut CudaStorage, &Layout),
    grads: (&CudaStorage, &Layout),
    velocity: &Tensor,
    how: Descent,
) -> Result<()> {
    let memory = Input::of(velocity)?;
    let count = same_size(weights.1, grads.1, &[velocity])?;
    let device = grads.0.device.clone();
    let grads = part(grads)?;
    let start = start_of(weights.1)?;
    let mut weights =
        weights.0.as_cuda_slice_mut::<f32>()?.slice_mut(start..start + count as usize);
    let Descent { momentum, decay, lr, nesterov } = how;
    launch!(
        &device,
        "sgd",
        count,
        [&mut weights],
        grads,
        memory.view()?,
        momentum,
        decay,
        lr,
        u32::from(nesterov),
        count,
    );
    Ok(())
}

/// The same for Adam and its two moments.
#[allow(clippy::needless_pass_by_value, reason = "a pair of borrows")]
pub(crate) fn adam(
    weights: (&mut CudaStorage, &Layout),
    grads: (&CudaStorage, &Layout),
    [mean, square]: [&Tensor; 2],
    how: Moments,
) -> Result<()> {
    let (means, squares) = (Input::of(mean)?, Input::of(square)?);
    let count = same_size(weights.1, grads.1, &[mean, square])?;
    let device = grads.0.device.clone();
    let grads = part(grads)?;
    let start = start_of(weights.1)?;
    let mut weights =
        weights.0.as_cuda_slice_mut::<f32>()?.slice_mut(start..start + count as usize);
    let Moments { keep, decay, rest1, beta2, rest2, step_size, root, eps } = how;
    launch!(
        &device,
        "adam",
        count,
        [&mut weights],
        grads,
        means.view()?,
        squares.view()?,
        keep,
        decay,
        rest1,
        beta2,
        rest2,
        step_size,
        root,
        eps,
        count,
    );
    Ok(())
}

fn start_of(layout: &Layout) -> Result<usize> {
    match layout.contiguous_offsets() {
        Some((start, _)) => Ok(start),
        None => bail!("the optimizer wants contiguous tensors"),
    }
}

fn part<'a>((storage, layout): (&'a CudaStorage, &Layout)) -> Result<CudaView<'a, f32>> {
    let start = start_of(layout)?;
    Ok(storage.as_cuda_slice::<f32>()?.slice(start..start + layout.shape().elem_count()))
}

fn same_size(weights: &Layout, grads: &Layout, memories: &[&Tensor]) -> Result<u32> {
    let count = weights.shape().elem_count();
    let fits = |other: usize| other == count;
    if !fits(grads.shape().elem_count()) || !memories.iter().all(|m| fits(m.elem_count())) {
        bail!("the optimizer's memory or the gradient is not of the size of the weights");
    }
    size(count)
}
