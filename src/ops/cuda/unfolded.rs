//! Convolution as a matrix product: every place's pixels in a row, a group of channels at a time.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};
use cudarc::driver::CudaSlice;

use super::kernels::{launch, size};
use super::product;
use super::values::{Input, device_of, room, tensor};
use crate::ops::conv2d::Geometry;

/// Numbers that are unfolded at once, at most: 1 GiB.
const MOST: usize = 256 << 20;

pub(super) fn forward(g: &Geometry, maps: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let batches = chunks(g).map(|images| {
        let maps = maps.narrow(0, images.start, images.len())?;
        let groups = (0..g.groups)
            .map(|group| product(&unfold(g, &maps, group)?, &filters(g, weight, group)?.t()?));
        joined(groups.collect::<Result<_>>()?, 1)
    });
    let rows = joined(batches.collect::<Result<_>>()?, 0)?;
    rows.reshape((g.batch, g.out[0], g.out[1], g.outputs))
}

pub(super) fn input_gradient(g: &Geometry, grad: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let batches = chunks(g).map(|images| {
        let grad = grad.narrow(0, images.start, images.len())?;
        let device = device_of(&grad)?;
        // Every group writes its channels of every pixel.
        let mut out = room::<f32>(&device, images.len() * g.image())?;
        for group in 0..g.groups {
            let columns = product(&of_group(g, &grad, group)?, &filters(g, weight, group)?)?;
            fold(g, &columns, group, images.len(), &mut out)?;
        }
        Ok(tensor(out, (images.len(), g.size[0], g.size[1], g.inputs), &device))
    });
    joined(batches.collect::<Result<_>>()?, 0)
}

pub(super) fn weight_gradient(g: &Geometry, grad: &Tensor, maps: &Tensor) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for images in chunks(g) {
        let grad = grad.narrow(0, images.start, images.len())?;
        let maps = maps.narrow(0, images.start, images.len())?;
        let groups = (0..g.groups)
            .map(|group| product(&of_group(g, &grad, group)?.t()?, &unfold(g, &maps, group)?));
        let here = joined(groups.collect::<Result<_>>()?, 0)?;
        sum = Some(match sum {
            Some(sum) => (sum + here)?,
            None => here,
        });
    }
    match sum {
        Some(sum) => sum.reshape((g.outputs, g.kernel[0], g.kernel[1], g.group_inputs())),
        None => bail!("conv2d: a batch without images has no gradient"),
    }
}

/// Images that are unfolded together.
fn chunks(g: &Geometry) -> impl Iterator<Item = Range<usize>> + use<> {
    let an_image = (g.out[0] * g.out[1] * g.patch()).max(1);
    let (batch, images) = (g.batch, (MOST / an_image).max(1));
    (0..batch).step_by(images).map(move |start| start..(start + images).min(batch))
}

fn joined(mut parts: Vec<Tensor>, axis: usize) -> Result<Tensor> {
    match (parts.len(), parts.pop()) {
        (1, Some(part)) => Ok(part),
        (_, Some(last)) => {
            parts.push(last);
            Tensor::cat(&parts, axis)
        }
        (_, None) => bail!("conv2d: a batch without images"),
    }
}

/// `[outputs of a group, patch]`.
fn filters(g: &Geometry, weight: &Tensor, group: usize) -> Result<Tensor> {
    let outputs = g.group_outputs();
    weight.narrow(0, group * outputs, outputs)?.contiguous()?.reshape((outputs, g.patch()))
}

/// A group's outputs, `[places, outputs of a group]`.
fn of_group(g: &Geometry, grad: &Tensor, group: usize) -> Result<Tensor> {
    let outputs = g.group_outputs();
    let part = grad.narrow(3, group * outputs, outputs)?.contiguous()?;
    part.reshape(((), outputs))
}

/// `[places, patch]` of a group's channels.
fn unfold(g: &Geometry, maps: &Tensor, group: usize) -> Result<Tensor> {
    let maps = maps.contiguous()?;
    if g.is_pointwise() {
        return maps.reshape(((), g.inputs));
    }
    let device = device_of(&maps)?;
    let places = maps.dim(0)? * g.out[0] * g.out[1];
    let len = places * g.patch();
    let count = size(len)?;
    let x = Input::of(&maps)?;
    let [
        height,
        width,
        out_h,
        out_w,
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        pad_h,
        pad_w,
        dilation_h,
        dilation_w,
    ] = sizes(g)?;
    let channels = size(g.group_inputs())?;
    let mut out = room::<f32>(&device, len)?;
    launch!(
        &device,
        "unfold",
        count,
        [&mut out],
        x.view()?,
        height,
        width,
        out_h,
        out_w,
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        pad_h,
        pad_w,
        dilation_h,
        dilation_w,
        size(g.inputs)?,
        size(group)? * channels,
        channels,
        count,
    );
    Ok(tensor(out, (places, g.patch()), &device))
}

/// The way back: what the columns `[places, patch]` say of a group's channels of `images` images.
fn fold(
    g: &Geometry,
    columns: &Tensor,
    group: usize,
    images: usize,
    out: &mut CudaSlice<f32>,
) -> Result<()> {
    let device = device_of(columns)?;
    let columns = columns.contiguous()?;
    let values = Input::of(&columns)?;
    let count = size(images * g.size[0] * g.size[1] * g.group_inputs())?;
    let [
        height,
        width,
        out_h,
        out_w,
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        pad_h,
        pad_w,
        dilation_h,
        dilation_w,
    ] = sizes(g)?;
    let channels = size(g.group_inputs())?;
    launch!(
        &device,
        "fold",
        count,
        [&mut *out],
        values.view()?,
        height,
        width,
        out_h,
        out_w,
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        pad_h,
        pad_w,
        dilation_h,
        dilation_w,
        size(g.inputs)?,
        size(group)? * channels,
        channels,
        count,
    );
    Ok(())
}

fn sizes(g: &Geometry) -> Result<[u32; 12]> {
    let pairs = [g.size, g.out, g.kernel, g.stride, g.padding, g.dilation];
    let mut sizes = [0; 12];
    for (argument, number) in sizes.iter_mut().zip(pairs.into_iter().flatten()) {
        *argument = size(number)?;
    }
    Ok(sizes)
}
