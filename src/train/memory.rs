//! What an optimizer remembers of a parameter, where the parameter is.

#[cfg(feature = "cuda")]
use candle_core::DType;
use candle_core::{Device, Tensor};

use crate::model::parameters::Parameter;

/// What a rule remembers of one parameter, lying as the parameter does.
#[derive(Debug)]
pub(super) enum Memories {
    /// Of a parameter on the CPU.
    Host(Vec<Vec<f32>>),
    /// Of a parameter on a card, beside it; none before the first step.
    #[cfg(feature = "cuda")]
    Card(Vec<Tensor>),
}

impl Memories {
    /// Empty: all zeros.
    pub(super) fn new(parameter: &Parameter, count: usize) -> Self {
        #[cfg(feature = "cuda")]
        if parameter.var.device().is_cuda() {
            return Self::Card(Vec::new());
        }
        Self::Host(vec![vec![0.0; parameter.var.elem_count()]; count])
    }

    /// Takes room on the card, if that is where they are and they have none yet.
    #[cfg(feature = "cuda")]
    pub(super) fn take_room(
        &mut self,
        parameter: &Parameter,
        count: usize,
    ) -> candle_core::Result<()> {
        if let Self::Card(memories) = self {
            while memories.len() < count {
                memories.push(parameter.var.as_detached_tensor().zeros_like()?);
            }
        }
        Ok(())
    }

    /// Copies on the CPU, of the parameter's shape.
    pub(super) fn to_tensors(
        &self,
        parameter: &Parameter,
        count: usize,
    ) -> candle_core::Result<Vec<Tensor>> {
        let shape = parameter.var.shape();
        let one = |index: usize| match self {
            Self::Host(memories) => Tensor::from_slice(&memories[index], shape, &Device::Cpu),
            #[cfg(feature = "cuda")]
            Self::Card(memories) => match memories.get(index) {
                Some(memory) => memory.to_device(&Device::Cpu),
                None => Tensor::zeros(shape, DType::F32, &Device::Cpu),
            },
        };
        (0..count).map(one).collect()
    }

    /// Puts `values`, of the parameter's shape, in the place of memory `index`.
    pub(super) fn set(&mut self, index: usize, values: &Tensor) -> candle_core::Result<()> {
        match self {
            Self::Host(memories) => {
                if let Some(memory) = memories.get_mut(index) {
                    *memory = values.flatten_all()?.to_vec1()?;
                }
            }
            #[cfg(feature = "cuda")]
            Self::Card(memories) => {
                if let Some(memory) = memories.get_mut(index) {
                    // A copy of its own: it is moved in place.
                    *memory = values.to_device(memory.device())?.copy()?;
                }
            }
        }
        Ok(())
    }
}
