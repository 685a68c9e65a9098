//! The parameter tree: what training moves, what it merely keeps, and their names.
//!
//! Outside this room every tensor has PyTorch's shape. Inside, convolution weights lie
//! channels-last, as the operators want them.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};

use crate::error::text::printable;
use crate::error::{Error, Result};
use crate::ops::init::Init;

/// A model's parameters and buffers, in the order of its layers, under the names that PyTorch's
/// `state_dict()` gives them (`conv1.weight`, `bn1.running_mean`).
///
/// `num_batches_tracked` is not kept: it only counts, and PyTorch loads without it.
#[derive(Debug)]
pub struct Parameters {
    seed: u64,
    device: Device,
    trainable: Vec<Parameter>,
    buffers: Vec<Parameter>,
    /// Both together, in the order in which they were added.
    order: Vec<Slot>,
}

/// A named value of a network.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// PyTorch's name: `features.0.weight`.
    pub name: String,
    /// The value as the operators want it.
    pub var: Var,
    layout: Layout,
}

/// How a value lies in memory, against PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The same.
    Same,
    /// A convolution's weight: `[outputs, kernel_h, kernel_w, inputs]`, PyTorch has the inputs
    /// second.
    ChannelsLast,
}

impl Layout {
    fn arranged(self, tensor: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Same => tensor.contiguous(),
            Self::ChannelsLast => tensor.permute((0, 2, 3, 1))?.contiguous(),
        }
    }
}

impl Parameter {
    /// The shape in PyTorch.
    pub fn pytorch_dims(&self) -> Vec<usize> {
        match (self.layout, self.var.dims()) {
            (Layout::ChannelsLast, &[outputs, height, width, inputs]) => {
                vec![outputs, inputs, height, width]
            }
            (_, dims) => dims.to_vec(),
        }
    }

    /// Brings a tensor that lies as the value does, such as its gradient, into PyTorch's shape.
    pub fn to_pytorch(&self, tensor: &Tensor) -> candle_core::Result<Tensor> {
        match self.layout {
            Layout::Same => tensor.contiguous(),
            Layout::ChannelsLast => tensor.permute((0, 3, 1, 2))?.contiguous(),
        }
    }

    /// Lays a tensor in PyTorch's shape as the value lies.
    pub fn arranged(&self, tensor: &Tensor) -> candle_core::Result<Tensor> {
        self.layout.arranged(tensor)
    }
}

#[derive(Debug, Clone, Copy)]
enum Slot {
    Trainable(usize),
    Buffer(usize),
}

impl Parameters {
    /// None yet; fresh ones will be drawn from `seed` and their names.
    pub(crate) fn new(seed: u64, device: &Device) -> Self {
        Self {
            seed,
            device: device.clone(),
            trainable: Vec::new(),
            buffers: Vec::new(),
            order: Vec::new(),
        }
    }

    /// Adds a parameter that training moves and tells its place among [`Self::trainable`].
    /// `shape` is PyTorch's.
    pub(crate) fn add(
        &mut self,
        name: &str,
        shape: &[usize],
        layout: Layout,
        init: Init,
    ) -> candle_core::Result<usize> {
        // Laid as they are to lie, never by way of a tensor: that would be copied, and a layer can be
        // 400 MB.
        let (values, dims) = match (layout, shape) {
            (Layout::ChannelsLast, &[outputs, inputs, height, width]) => (
                init.channels_last([outputs, inputs, height, width], name, self.seed),
                vec![outputs, height, width, inputs],
            ),
            _ => (init.values(shape, name, self.seed), shape.to_vec()),
        };
        let var = Var::from_vec(values, dims, &self.device)?;
        let index = self.trainable.len();
        self.order.push(Slot::Trainable(index));
        self.trainable.push(Parameter { name: name.to_owned(), var, layout });
        Ok(index)
    }

    /// Adds `size` numbers that are kept and saved but have no gradient.
    pub(crate) fn add_buffer(
        &mut self,
        name: &str,
        size: usize,
        value: f32,
    ) -> candle_core::Result<Var> {
        let var = Var::from_vec(vec![value; size], size, &self.device)?;
        self.order.push(Slot::Buffer(self.buffers.len()));
        let name = name.to_owned();
        self.buffers.push(Parameter { name, var: var.clone(), layout: Layout::Same });
        Ok(var)
    }

    /// Where they lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What an optimizer moves.
    pub fn trainable(&self) -> &[Parameter] {
        &self.trainable
    }

    /// What is saved but not trained: running means and variances.
    pub fn buffers(&self) -> &[Parameter] {
        &self.buffers
    }

    /// How many numbers training moves.
    pub fn count(&self) -> usize {
        self.trainable.iter().map(|parameter| parameter.var.elem_count()).sum()
    }

    /// All parameters and buffers as they are now, in PyTorch's shapes: copies on the CPU, which
    /// later training leaves alone.
    pub fn to_tensors(&self) -> candle_core::Result<Vec<(String, Tensor)>> {
        self.entries()
            .map(|entry| {
                let value = entry.var.as_detached_tensor();
                let copy = match &self.device {
                    Device::Cpu => value.copy()?,
                    _ => value.to_device(&Device::Cpu)?,
                };
                let copy = entry.to_pytorch(&copy)?;
                Ok((entry.name.clone(), copy))
            })
            .collect()
    }

    /// Sets every parameter and buffer from tensors in PyTorch's shapes, or none: missing, unknown
    /// and wrongly shaped ones are listed together in one error. PyTorch's `num_batches_tracked` is
    /// passed over.
    pub fn load(&self, mut tensors: HashMap<String, Tensor>) -> Result<()> {
        tensors.retain(|name, _| !name.ends_with(".num_batches_tracked"));
        let mut problems = Vec::new();
        let mut found = Vec::new();
        for entry in self.entries() {
            let (name, dims) = (&entry.name, entry.pytorch_dims());
            match tensors.remove(name) {
                None => problems.push(format!("'{name}' is missing")),
                Some(tensor) if tensor.dims() != dims => problems.push(format!(
                    "'{name}' has shape {:?}, the network wants {dims:?}",
                    tensor.dims(),
                )),
                Some(tensor) if !tensor.dtype().is_float() => problems.push(format!(
                    "'{name}' holds {}, the network wants floating-point numbers",
                    tensor.dtype().as_str()
                )),
                Some(tensor) => found.push((entry, tensor)),
            }
        }
        let mut unknown: Vec<_> = tensors.into_keys().collect();
        unknown.sort();
        problems
            .extend(unknown.iter().map(|name| format!("the network has no '{}'", printable(name))));
        if !problems.is_empty() {
            return Err(Error::bad_input(format!("weights do not fit: {}", list(&problems)))
                .hint("the architecture, number of classes and channels must be those the weights were trained with"));
        }
        for (entry, tensor) in found {
            let value = entry.arranged(&tensor.to_dtype(DType::F32)?)?;
            entry.var.set(&value.to_device(&self.device)?)?;
        }
        Ok(())
    }

    /// Everything, in the order of the layers.
    fn entries(&self) -> impl Iterator<Item = &Parameter> {
        self.order.iter().map(|&slot| match slot {
            Slot::Trainable(index) => &self.trainable[index],
            Slot::Buffer(index) => &self.buffers[index],
        })
    }
}

/// The first few problems, and how many more there are.
fn list(problems: &[String]) -> String {
    // Six fit a terminal; a wrong architecture would give dozens.
    const SHOWN: usize = 6;
    let shown = problems.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    match problems.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        let mut parameters = Parameters::new(1, &Device::Cpu);
        let mut add = |name, shape: &[usize], layout, init| {
            parameters.add(name, shape, layout, init).unwrap();
        };
        add("conv1.weight", &[2, 4, 3, 3], Layout::ChannelsLast, Init::KaimingNormal);
        add("bn1.weight", &[2], Layout::Same, Init::Constant(1.0));
        add("fc.weight", &[3, 2], Layout::Same, Init::Uniform { fan_in: 2 });
        parameters.add_buffer("bn1.running_mean", 2, 0.0).unwrap();
        parameters
    }

    #[test]
    fn tensors_come_in_the_order_of_the_layers_and_are_copies() {
        let parameters = parameters();
        let before = parameters.to_tensors().unwrap();
        let names: Vec<_> = before.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["conv1.weight", "bn1.weight", "fc.weight", "bn1.running_mean"]);
        assert_eq!(parameters.count(), 72 + 2 + 6);
        let weight = &parameters.trainable()[1].var;
        weight.set(&weight.affine(0.0, 5.0).unwrap()).unwrap();
        assert_eq!(before[1].1.to_vec1::<f32>().unwrap(), [1.0, 1.0]);
        assert!(before.iter().all(|(_, tensor)| !tensor.is_variable()));
    }

    #[test]
    fn a_weight_keeps_pytorchs_layout_outside_and_is_drawn_in_it() {
        let parameters = parameters();
        let tensors = parameters.to_tensors().unwrap();
        let (name, outside) = &tensors[0];
        assert_eq!(outside.dims(), [2, 4, 3, 3]);
        let drawn = Init::KaimingNormal.values(&[2, 4, 3, 3], name, 1);
        assert_eq!(outside.flatten_all().unwrap().to_vec1::<f32>().unwrap(), drawn);
        let inside = &parameters.trainable()[0].var;
        assert_eq!(inside.dims(), [2, 3, 3, 4]);
        let at = |tensor: &Tensor, place: [usize; 4]| -> f32 {
            let [a, b, c, d] = place;
            let tensor = tensor.get(a).unwrap().get(b).unwrap().get(c).unwrap().get(d).unwrap();
            tensor.to_scalar().unwrap()
        };
        assert_eq!(at(inside, [1, 0, 2, 3]), at(outside, [1, 3, 0, 2]));
    }

    #[test]
    fn load_restores_what_to_tensors_gave() {
        let (a, b) = (parameters(), parameters());
        a.buffers()[0].var.set(&Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap()).unwrap();
        let mut tensors: HashMap<_, _> = a.to_tensors().unwrap().into_iter().collect();
        let counter = Tensor::new(7_i64, &Device::Cpu).unwrap();
        tensors.insert("bn1.num_batches_tracked".into(), counter);
        b.load(tensors).unwrap();
        assert_eq!(b.buffers()[0].var.to_vec1::<f32>().unwrap(), [1.0, 2.0]);
    }

    #[test]
    fn everything_that_does_not_fit_is_listed_and_nothing_is_changed() {
        let parameters = parameters();
        let mut tensors: HashMap<_, _> = parameters.to_tensors().unwrap().into_iter().collect();
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        tensors.remove("bn1.weight");
        tensors.insert("conv1.weight".into(), zeros(&[2, 4, 3, 3]));
        tensors.insert("fc.weight".into(), zeros(&[10, 2]));
        tensors.insert("fc.\u{1b}bias".into(), zeros(&[10]));
        let weight = || -> Vec<f32> {
            parameters.trainable()[0].var.flatten_all().unwrap().to_vec1().unwrap()
        };
        let before = weight();
        let error = parameters.load(tensors).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        for part in ["'bn1.weight' is missing", "[10, 2]", "[3, 2]", "no 'fc.\\u{1b}bias'"] {
            assert!(error.message.contains(part), "{part}: {}", error.message);
        }
        assert_eq!(before, weight());
    }
}
