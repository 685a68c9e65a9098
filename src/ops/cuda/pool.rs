//! Pooling: windows gather forward, pixels gather backward.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use candle_core::cuda_backend::DeviceId;
use candle_core::{Device, Result, Tensor, bail};

use super::kernels::{launch, size};
use super::values::{Input, device_of, room, tensor};

/// Sizes of a pooling, height before width.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Sizes {
    pub(in crate::ops) size: [usize; 2],
    pub(in crate::ops) out: [usize; 2],
    pub(in crate::ops) kernel: [usize; 2],
    pub(in crate::ops) stride: [usize; 2],
    pub(in crate::ops) padding: [usize; 2],
}

impl Sizes {
    fn arguments(&self) -> Result<[u32; 10]> {
        let pairs = [self.size, self.out, self.kernel, self.stride, self.padding];
        let mut arguments = [0; 10];
        for (argument, number) in arguments.iter_mut().zip(pairs.into_iter().flatten()) {
            *argument = size(number)?;
        }
        Ok(arguments)
    }
}

/// The pooled maps, and the pixel of its map that won each window, u32.
pub(in crate::ops) fn max_pool(maps: &Tensor, sizes: &Sizes) -> Result<(Tensor, Tensor)> {
    let device = device_of(maps)?;
    let (batch, _, _, channels) = maps.dims4()?;
    let maps = maps.contiguous()?;
    let x = Input::of(&maps)?;
    let shape = (batch, sizes.out[0], sizes.out[1], channels);
    let len = batch * sizes.out[0] * sizes.out[1] * channels;
    let count = size(len)?;
    let [height, width, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w] =
        sizes.arguments()?;
    let (mut out, mut winners) = (room::<f32>(&device, len)?, room::<u32>(&device, len)?);
    launch!(
        &device,
        "max_pool",
        count,
        [&mut out, &mut winners],
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
        size(channels)?,
        count,
    );
    Ok((tensor(out, shape, &device), tensor(winners, shape, &device)))
}

/// The gradient of the maps; `winners` has the shape of `grad`.
pub(in crate::ops) fn max_pool_gradient(
    grad: &Tensor,
    winners: &Tensor,
    sizes: &Sizes,
) -> Result<Tensor> {
    let device = device_of(grad)?;
    let (batch, _, _, channels) = grad.dims4()?;
    let grad = grad.contiguous()?;
    let (grads, winners) = (Input::of(&grad)?, Input::of(winners)?);
    let shape = (batch, sizes.size[0], sizes.size[1], channels);
    let len = batch * sizes.size[0] * sizes.size[1] * channels;
    let count = size(len)?;
    let [height, width, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w] =
        sizes.arguments()?;
    let mut out = room::<f32>(&device, len)?;
    launch!(
        &device,
        "max_pool_gradient",
        count,
        [&mut out],
        grads.view()?,
        winners.of_type::<u32>()?,
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
        size(channels)?,
        count,
    );
    Ok(tensor(out, shape, &device))
}

/// The windows of an average pooling along one axis.
#[derive(Debug, Clone)]
pub(in crate::ops) struct Spans {
    /// For each window: its first pixel, the one behind its last, by how many it divides.
    pub(in crate::ops) windows: Vec<[usize; 3]>,
    /// Pixels along the axis.
    pub(in crate::ops) size: usize,
}

impl Spans {
    fn table(&self, device: &Device) -> Result<Tensor> {
        let numbers = self.windows.iter().flatten().map(|&number| size(number));
        on_card(numbers.collect::<Result<_>>()?, device)
    }

    /// For every pixel the first window that covers it and the one behind the last: windows begin
    /// and end in their order, so those between cover it too.
    fn covering(&self) -> Vec<[usize; 2]> {
        (0..self.size)
            .map(|pixel| {
                let covers = |[first, end, _]: &[usize; 3]| (*first..*end).contains(&pixel);
                let first = self.windows.iter().position(covers).unwrap_or(0);
                let last = self.windows.iter().rposition(covers).map_or(0, |last| last + 1);
                [first, last]
            })
            .collect()
    }

    fn covering_table(&self, device: &Device) -> Result<Tensor> {
        let numbers = self.covering().into_iter().flatten().map(size);
        on_card(numbers.collect::<Result<_>>()?, device)
    }
}

/// A table on the card. Kept for the next pass: a network has few, and to send one takes longer than
/// to pool.
fn on_card(numbers: Vec<u32>, device: &Device) -> Result<Tensor> {
    type Tables = HashMap<(DeviceId, Vec<u32>), Tensor>;
    static TABLES: Mutex<Option<Tables>> = Mutex::new(None);
    let id = device.as_cuda_device()?.id();
    // Whoever panicked while holding it had not yet changed anything.
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let tables = tables.get_or_insert_default();
    if let Some(table) = tables.get(&(id, numbers.clone())) {
        return Ok(table.clone());
    }
    let table = Tensor::new(numbers.as_slice(), device)?;
    tables.insert((id, numbers), table.clone());
    Ok(table)
}

/// The mean of every window.
pub(in crate::ops) fn average(maps: &Tensor, [down, across]: &[Spans; 2]) -> Result<Tensor> {
    let device = device_of(maps)?;
    let (batch, height, width, channels) = maps.dims4()?;
    let maps = maps.contiguous()?;
    let (rows, columns) = (down.table(maps.device())?, across.table(maps.device())?);
    let (x, rows, columns) = (Input::of(&maps)?, Input::of(&rows)?, Input::of(&columns)?);
    let (out_h, out_w) = (down.windows.len(), across.windows.len());
    let len = batch * out_h * out_w * channels;
    let count = size(len)?;
    let mut out = room::<f32>(&device, len)?;
    launch!(
        &device,
        "average_pool",
        count,
        [&mut out],
        x.view()?,
        rows.of_type::<u32>()?,
        columns.of_type::<u32>()?,
        size(height)?,
        size(width)?,
        size(out_h)?,
        size(out_w)?,
        size(channels)?,
        count,
    );
    Ok(tensor(out, (batch, out_h, out_w, channels), &device))
}

/// The gradient of the maps: every window's, shared out among its pixels.
pub(in crate::ops) fn spread(grad: &Tensor, [down, across]: &[Spans; 2]) -> Result<Tensor> {
    let device = device_of(grad)?;
    let (batch, out_h, out_w, channels) = grad.dims4()?;
    if [out_h, out_w] != [down.windows.len(), across.windows.len()] {
        bail!("average pooling: the gradient {:?} is of other maps", grad.dims());
    }
    let grad = grad.contiguous()?;
    let on = grad.device();
    let tables =
        [down.table(on)?, across.table(on)?, down.covering_table(on)?, across.covering_table(on)?];
    let grads = Input::of(&grad)?;
    let [rows, columns, rows_of, columns_of] = tables.each_ref().map(Input::of);
    let (rows, columns, rows_of, columns_of) = (rows?, columns?, rows_of?, columns_of?);
    let len = batch * down.size * across.size * channels;
    let count = size(len)?;
    let mut out = room::<f32>(&device, len)?;
    launch!(
        &device,
        "average_pool_gradient",
        count,
        [&mut out],
        grads.view()?,
        rows.of_type::<u32>()?,
        columns.of_type::<u32>()?,
        rows_of.of_type::<u32>()?,
        columns_of.of_type::<u32>()?,
        size(down.size)?,
        size(across.size)?,
        size(out_h)?,
        size(out_w)?,
        size(channels)?,
        count,
    );
    Ok(tensor(out, (batch, down.size, across.size, channels), &device))
}
