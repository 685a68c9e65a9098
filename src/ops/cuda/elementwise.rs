//! Operators that look at each number, or each channel, on its own.

use candle_core::{CudaDevice, Result, Tensor, bail};
use cudarc::driver::CudaSlice;

use super::kernels::{launch, size};
use super::values::{Input, device_of, room, tensor};
use crate::ops::Activation;

/// Rows that one thread sums, at most: enough threads for a card, and sums short enough for f32.
const PIECE: usize = 128;

/// Threads that a card can have in flight, roughly: below, pieces become shorter.
const THREADS: usize = 256 * 1024;

/// Pieces that one thread joins, at most: with more, groups of them are merged first.
const JOINED: u32 = 48;

/// What [`affine`] does to each number: `activation((x − mean) · scale + shift + residual)`; the
/// first three `[channels]`, the residual of the shape of the maps.
#[derive(Clone, Copy, Default)]
pub(super) struct Affine<'a> {
    pub(super) mean: Option<&'a Tensor>,
    pub(super) scale: Option<&'a Tensor>,
    pub(super) shift: Option<&'a Tensor>,
    pub(super) residual: Option<&'a Tensor>,
    pub(super) activation: Activation,
}

/// Of maps `[…, channels]`.
pub(super) fn affine(maps: &Tensor, how: &Affine<'_>) -> Result<Tensor> {
    let Some(&channels) = maps.dims().last() else { bail!("a scalar has no channels") };
    let terms = [how.mean, how.scale, how.shift];
    for term in terms.into_iter().flatten() {
        if term.dims() != [channels] {
            bail!("{:?} factors or summands for maps of shape {:?}", term.dims(), maps.dims());
        }
    }
    if how.residual.is_some_and(|residual| residual.dims() != maps.dims()) {
        bail!("the residual is not of the shape of the maps, {:?}", maps.dims());
    }
    let device = device_of(maps)?;
    let maps = maps.contiguous()?;
    let [mean, scale, shift, residual] =
        [terms[0], terms[1], terms[2], how.residual].map(|t| t.map(Tensor::contiguous).transpose());
    let tensors = [mean?, scale?, shift?, residual?];
    let mut flags: u32 =
        tensors.iter().enumerate().map(|(bit, tensor)| u32::from(tensor.is_some()) << bit).sum();
    if how.activation == Activation::Relu {
        flags |= 16;
    }
    let x = Input::of(&maps)?;
    // What the flags leave out is never read: the maps stand in for it.
    let arguments: Vec<Input<'_>> =
        tensors.iter().map(|t| Input::of(t.as_ref().unwrap_or(&maps))).collect::<Result<_>>()?;
    let [mean, scale, shift, residual] = arguments.as_slice() else { bail!("four arguments") };
    let count = size(maps.elem_count())?;
    let mut out = room::<f32>(&device, maps.elem_count())?;
    launch!(
        &device,
        "affine",
        count,
        [&mut out],
        x.view()?,
        mean.view()?,
        scale.view()?,
        shift.view()?,
        residual.view()?,
        flags,
        size(channels)?,
        count,
    );
    Ok(tensor(out, maps.shape(), &device))
}

pub(in crate::ops) fn relu(values: &Tensor) -> Result<Tensor> {
    // Any number of "channels" will do where no term is a channel's.
    let flat = values.contiguous()?.reshape((values.elem_count(), 1))?;
    let how = Affine { activation: Activation::Relu, ..Affine::default() };
    affine(&flat, &how)?.reshape(values.shape())
}

pub(in crate::ops) fn relu_gradient(output: &Tensor, grad: &Tensor) -> Result<Tensor> {
    if output.dims() != grad.dims() {
        bail!("shapes {:?} and {:?} differ", output.dims(), grad.dims());
    }
    let device = device_of(grad)?;
    let (output, grad) = (output.contiguous()?, grad.contiguous()?);
    let (outputs, grads) = (Input::of(&output)?, Input::of(&grad)?);
    let count = size(grad.elem_count())?;
    let mut out = room::<f32>(&device, grad.elem_count())?;
    launch!(&device, "relu_gradient", count, [&mut out], outputs.view()?, grads.view()?, count,);
    Ok(tensor(out, grad.shape(), &device))
}

pub(in crate::ops) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.add(b)
}

pub(in crate::ops) fn channel_affine(
    maps: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    activation: Activation,
) -> Result<Tensor> {
    let how = Affine { scale: Some(scale), shift: Some(shift), activation, ..Affine::default() };
    affine(maps, &how)
}

pub(in crate::ops) fn channel_scale(grad: &Tensor, scale: &Tensor) -> Result<Tensor> {
    affine(grad, &Affine { scale: Some(scale), ..Affine::default() })
}

/// How the rows of maps `[…, channels]` are cut for sums: by the shape alone.
pub(super) struct Pieces {
    /// Rows of a piece.
    pub(super) length: u32,
    /// How many pieces.
    pub(super) number: u32,
    pub(super) rows: u32,
    pub(super) channels: u32,
    /// Pieces times channels: a thread each.
    pub(super) count: u32,
}

impl Pieces {
    pub(super) fn of(maps: &Tensor) -> Result<Self> {
        let Some(&channels) = maps.dims().last() else { bail!("a scalar has no channels") };
        if channels == 0 || maps.elem_count() == 0 {
            bail!("maps of shape {:?} hold nothing to sum", maps.dims());
        }
        let rows = maps.elem_count() / channels;
        let length = (rows * channels).div_ceil(THREADS).clamp(8, PIECE);
        let pieces = rows.div_ceil(length);
        Ok(Self {
            length: size(length)?,
            number: size(pieces)?,
            rows: size(rows)?,
            channels: size(channels)?,
            count: size(pieces * channels)?,
        })
    }

    /// How many pieces become one before the rest is joined: about the root of them all, so that
    /// neither step is long; `None` = they are few.
    fn group(&self) -> Option<u32> {
        (self.number > JOINED).then(|| self.number.isqrt())
    }

    /// The same rows in pieces `group` times as long.
    fn merged(&self, group: u32) -> Self {
        let number = self.number.div_ceil(group);
        Self {
            length: self.length * group,
            number,
            rows: self.rows,
            channels: self.channels,
            count: number * self.channels,
        }
    }

    /// Merges means and squares of every piece, if they are many: what is left to join.
    pub(super) fn merge_moments(
        self,
        device: &CudaDevice,
        means: CudaSlice<f64>,
        squares: CudaSlice<f64>,
    ) -> Result<(Self, CudaSlice<f64>, CudaSlice<f64>)> {
        let Some(group) = self.group() else { return Ok((self, means, squares)) };
        let merged = self.merged(group);
        let count = merged.count;
        let mut out_means = room::<f64>(device, count as usize)?;
        let mut out_squares = room::<f64>(device, count as usize)?;
        launch!(
            device,
            "merge_moments",
            count,
            [&mut out_means, &mut out_squares],
            means.as_view(),
            squares.as_view(),
            group,
            self.number,
            self.length,
            self.rows,
            self.channels,
            count,
        );
        Ok((merged, out_means, out_squares))
    }

    /// Merges the sums of every piece, if they are many: what is left to join. Those of products
    /// only if `products` says so.
    pub(super) fn merge_sums(
        self,
        device: &CudaDevice,
        plain: CudaSlice<f64>,
        product: CudaSlice<f64>,
        products: bool,
    ) -> Result<(Self, CudaSlice<f64>, CudaSlice<f64>)> {
        let Some(group) = self.group() else { return Ok((self, plain, product)) };
        let merged = self.merged(group);
        let count = merged.count;
        let mut out_plain = room::<f64>(device, count as usize)?;
        let mut out_product = room::<f64>(device, if products { count as usize } else { 1 })?;
        launch!(
            device,
            "merge_sums",
            count,
            [&mut out_plain, &mut out_product],
            plain.as_view(),
            product.as_view(),
            u32::from(products),
            group,
            self.number,
            self.channels,
            count,
        );
        Ok((merged, out_plain, out_product))
    }
}

pub(in crate::ops) fn channel_sum(grad: &Tensor) -> Result<Tensor> {
    let device = device_of(grad)?;
    let grad = grad.contiguous()?;
    let pieces = Pieces::of(&grad)?;
    let Pieces { length, rows, channels, count, .. } = pieces;
    let values = Input::of(&grad)?;
    // The kernel's sums of products are not asked for: their room is not written.
    let mut plain = room::<f64>(&device, count as usize)?;
    let mut none = room::<f64>(&device, 1)?;
    launch!(
        &device,
        "sums",
        count,
        [&mut plain, &mut none],
        values.view()?,
        values.view()?,
        values.view()?,
        0_u32,
        length,
        rows,
        channels,
        count,
    );
    let (Pieces { number, .. }, plain, _) = pieces.merge_sums(&device, plain, none, false)?;
    let mut out = room::<f32>(&device, channels as usize)?;
    launch!(&device, "join_sums", channels, [&mut out], plain.as_view(), number, channels,);
    Ok(tensor(out, channels as usize, &device))
}
