//! The numbers behind a tensor on a card: read, and made.

use candle_core::cuda_backend::CudaDType;
use candle_core::op::BackpropOp;
use candle_core::{
    CudaDevice, CudaStorage, Device, Result, Shape, Storage, StorageRef, Tensor, bail,
};
use cudarc::driver::{CudaSlice, CudaView, DeviceRepr};

/// A tensor's numbers, held readable.
pub(super) struct Input<'a> {
    storage: StorageRef<'a>,
    start: usize,
    end: usize,
}

impl<'a> Input<'a> {
    /// Errors unless `tensor` is contiguous.
    pub(super) fn of(tensor: &'a Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        match layout.contiguous_offsets() {
            Some((start, end)) => Ok(Self { storage, start, end }),
            None => bail!("the operator wants a contiguous tensor"),
        }
    }

    /// Errors unless the numbers lie on a card and are of type `T`.
    pub(super) fn of_type<T: CudaDType>(&self) -> Result<CudaView<'_, T>> {
        match &*self.storage {
            Storage::Cuda(storage) => Ok(storage.as_cuda_slice::<T>()?.slice(self.start..self.end)),
            _ => bail!("an argument of the operator is not on the graphics card"),
        }
    }

    /// The same of f32.
    pub(super) fn view(&self) -> Result<CudaView<'_, f32>> {
        self.of_type()
    }
}

/// The card that a tensor lies on.
pub(super) fn device_of(tensor: &Tensor) -> Result<CudaDevice> {
    match tensor.device() {
        Device::Cuda(device) => Ok(device.clone()),
        _ => bail!("an argument of the operator is not on the graphics card"),
    }
}

/// Room for `len` numbers that the kernel queued next writes, every one.
#[allow(unsafe_code, reason = "zeros would be written only to be overwritten")]
pub(super) fn room<T: DeviceRepr>(device: &CudaDevice, len: usize) -> Result<CudaSlice<T>> {
    // SAFETY: the numbers are arbitrary until a kernel has written them; any bits are a valid T,
    // and each caller queues a kernel on the same stream that writes all of them.
    unsafe {
        // A driver gives no memory of length 0.
        device.alloc::<T>(len.max(1))
    }
}

/// A tensor of what a kernel wrote.
pub(super) fn tensor<T: CudaDType>(
    values: CudaSlice<T>,
    shape: impl Into<Shape>,
    device: &CudaDevice,
) -> Tensor {
    let storage = CudaStorage::wrap_cuda_slice(values, device.clone());
    Tensor::from_storage(Storage::Cuda(storage), shape, BackpropOp::none(), false)
}
