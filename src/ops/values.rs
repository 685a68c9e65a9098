//! The numbers behind a contiguous f32 tensor on the CPU.

use candle_core::{CpuStorage, Layout, Result, Shape, Storage, StorageRef, Tensor, bail};

/// The numbers of an operator's argument. Errors unless it is f32 and contiguous.
pub(super) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets().and_then(|(start, end)| values.get(start..end)) {
        Some(values) => Ok(values),
        None => bail!("the operator wants a contiguous tensor"),
    }
}

/// A tensor's numbers, held readable.
pub(super) struct Values<'a> {
    storage: StorageRef<'a>,
    layout: &'a Layout,
}

impl<'a> Values<'a> {
    /// Of `tensor`, which must stay alive.
    pub(super) fn of(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Self { storage, layout }
    }

    /// Errors unless the tensor is on the CPU, f32 and contiguous.
    pub(super) fn slice(&self) -> Result<&[f32]> {
        match &*self.storage {
            Storage::Cpu(storage) => slice(storage, self.layout),
            _ => bail!("the operator has no implementation for this device"),
        }
    }
}

/// A tensor of `values` on the device of `like`.
pub(super) fn new_tensor(values: Vec<f32>, shape: &Shape, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, shape.clone(), like.device())
}

/// Room for `len` numbers that the caller writes, every one, before anything reads them. Filling
/// it with zeros first would cost an operator that is bound by memory a good part of its time.
pub(super) fn unfilled(len: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    #[allow(unsafe_code, clippy::uninit_vec, reason = "every number is written before it is read")]
    // SAFETY: the capacity is `len`; f32 has no invalid bit patterns and no destructor, and each
    // caller writes all of it.
    unsafe {
        values.set_len(len);
    }
    values
}
