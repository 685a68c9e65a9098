//! The kinds of numbers that weights files hold, and how a view of their bytes becomes a tensor.

use candle_core::{DType, Device, Tensor};

use super::fault::Fault;

/// A kind of number. In files they are little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Element {
    /// Bytes a number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// A tensor of `shape` from numbers that lie close together. Floating-point numbers become
    /// f32, the others i64.
    pub(super) fn tensor(
        self,
        bytes: &[u8],
        shape: &[usize],
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let real = |numbers: Vec<f32>| Tensor::from_vec(numbers, shape, device);
        let whole = |numbers: Vec<i64>| Tensor::from_vec(numbers, shape, device);
        match self {
            Self::F64 => real(each(bytes, |number| f64::from_le_bytes(number) as f32)),
            Self::F32 => real(each(bytes, f32::from_le_bytes)),
            Self::F16 => {
                Tensor::from_raw_buffer(bytes, DType::F16, shape, device)?.to_dtype(DType::F32)
            }
            // The upper half of an f32.
            Self::Bf16 => {
                real(each(bytes, |half| f32::from_bits(u32::from(u16::from_le_bytes(half)) << 16)))
            }
            Self::I64 => whole(each(bytes, i64::from_le_bytes)),
            Self::I32 => whole(each(bytes, |number| i32::from_le_bytes(number).into())),
            Self::I16 => whole(each(bytes, |number| i16::from_le_bytes(number).into())),
            Self::I8 => whole(each(bytes, |number| i8::from_le_bytes(number).into())),
            Self::U8 | Self::Bool => whole(bytes.iter().map(|&byte| byte.into()).collect()),
        }
    }
}

fn each<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}

/// Which numbers of a storage make up a tensor, as PyTorch says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The first number.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Steps between neighbours along each side, in numbers.
    pub(super) strides: Vec<usize>,
}

impl Layout {
    /// How many numbers. `None` = more than can be counted.
    pub(super) fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side))
    }

    /// The tensor's numbers of `size` bytes, close together and in order. They must lie within
    /// `storage`; how many there are the caller has looked at.
    pub(super) fn gather(&self, storage: &[u8], size: usize) -> Result<Vec<u8>, Fault> {
        let beyond = || Fault::damaged("a tensor reaches beyond its storage");
        let count = self.count().ok_or_else(beyond)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let last =
            self.shape.iter().zip(&self.strides).try_fold(self.offset, |at, (&side, &step)| {
                at.checked_add((side - 1).checked_mul(step)?)
            });
        let end = last.and_then(|last| last.checked_add(1)).ok_or_else(beyond)?;
        if end > storage.len() / size {
            return Err(beyond());
        }
        if self.is_close_together() {
            return Ok(storage[self.offset * size..(self.offset + count) * size].to_vec());
        }
        let mut out = Vec::with_capacity(count * size);
        let mut position = vec![0; self.shape.len()];
        let mut at = self.offset;
        loop {
            out.extend_from_slice(&storage[at * size..(at + 1) * size]);
            // The next position, the last side fastest.
            let Some(side) = (0..position.len()).rev().find(|&side| {
                let more = position[side] + 1 < self.shape[side];
                if !more {
                    at -= position[side] * self.strides[side];
                    position[side] = 0;
                }
                more
            }) else {
                return Ok(out);
            };
            position[side] += 1;
            at += self.strides[side];
        }
    }

    fn is_close_together(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&side, &step)| {
            let fits = side == 1 || step == expected;
            expected *= side;
            fits
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(offset: usize, shape: &[usize], strides: &[usize]) -> Layout {
        Layout { offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    #[test]
    fn views_are_gathered_in_order() {
        let storage: Vec<u8> = (0..12).collect();
        let gather = |layout: Layout| layout.gather(&storage, 1);
        assert_eq!(gather(layout(2, &[2, 3], &[3, 1])).unwrap(), [2, 3, 4, 5, 6, 7]);
        assert_eq!(gather(layout(0, &[3, 2], &[1, 3])).unwrap(), [0, 3, 1, 4, 2, 5]); // transposed
        assert_eq!(gather(layout(1, &[2, 2, 2], &[6, 0, 2])).unwrap(), [1, 3, 1, 3, 7, 9, 7, 9]);
        assert_eq!(gather(layout(11, &[], &[])).unwrap(), [11]); // one number, no sides
        assert_eq!(gather(layout(99, &[0, 3], &[3, 1])).unwrap(), [0_u8; 0]);
        assert_eq!(layout(1, &[2], &[2]).gather(&storage, 2).unwrap(), [2, 3, 6, 7]);
    }

    #[test]
    fn whatever_lies_beyond_the_storage_is_refused() {
        for layout in [
            layout(11, &[2], &[1]),
            layout(0, &[2, 2], &[12, 1]),
            layout(usize::MAX, &[1], &[1]),
            layout(1, &[2], &[usize::MAX]),
            layout(0, &[usize::MAX, 3], &[0, 0]),
        ] {
            assert!(layout.gather(&[0; 12], 1).is_err(), "{layout:?}");
        }
    }

    #[test]
    fn every_kind_of_number_is_read() {
        let cpu = &Device::Cpu;
        let real = |element: Element, bytes: &[u8]| {
            element.tensor(bytes, &[bytes.len() / element.size()], cpu).unwrap().to_vec1::<f32>()
        };
        assert_eq!(real(Element::F64, &1.5_f64.to_le_bytes()).unwrap(), [1.5]);
        assert_eq!(real(Element::F32, &(-2.5_f32).to_le_bytes()).unwrap(), [-2.5]);
        assert_eq!(real(Element::F16, &[0x00, 0x3e, 0x01, 0x00]).unwrap(), [1.5, 2_f32.powi(-24)]);
        assert_eq!(real(Element::Bf16, &[0x20, 0xc0]).unwrap(), [-2.5]);
        let whole = |element: Element, bytes: &[u8]| {
            element.tensor(bytes, &[], cpu).unwrap().to_scalar::<i64>().unwrap()
        };
        assert_eq!(whole(Element::I64, &(-7_i64).to_le_bytes()), -7);
        assert_eq!(whole(Element::I32, &(-7_i32).to_le_bytes()), -7);
        assert_eq!(whole(Element::I16, &(-7_i16).to_le_bytes()), -7);
        assert_eq!(whole(Element::I8, &[0xf9]), -7);
        assert_eq!(whole(Element::U8, &[0xf9]), 249);
        assert_eq!(whole(Element::Bool, &[1]), 1);
    }
}
