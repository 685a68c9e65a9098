//! The parameter tree: what training moves, what it merely keeps, and their names.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};

use super::printable;
use crate::error::{Error, Result};
use crate::ops::init::Init;

/// A model's parameters and buffers, in the order in which PyTorch's `state_dict()` lists them,
/// under the same names (`conv1.weight`, `bn1.running_mean`).
///
/// `num_batches_tracked` is not kept: it only counts, and PyTorch loads without it.
#[derive(Debug)]
pub struct Parameters {
    seed: u64,
    device: Device,
    trainable: Vec<(String, Var)>,
    buffers: Vec<(String, Var)>,
    /// Where each entry of `state_dict()` is.
    order: Vec<Slot>,
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

    /// Adds a parameter that training moves.
    pub(crate) fn add(
        &mut self,
        name: &str,
        shape: &[usize],
        init: Init,
    ) -> candle_core::Result<Var> {
        let var = Var::from_vec(init.values(shape, name, self.seed), shape, &self.device)?;
        self.order.push(Slot::Trainable(self.trainable.len()));
        self.trainable.push((name.to_owned(), var.clone()));
        Ok(var)
    }

    /// Adds a value that is kept and saved but has no gradient.
    pub(crate) fn add_buffer(
        &mut self,
        name: &str,
        shape: &[usize],
        value: f32,
    ) -> candle_core::Result<Var> {
        let init = Init::Constant(value);
        let var = Var::from_vec(init.values(shape, name, self.seed), shape, &self.device)?;
        self.order.push(Slot::Buffer(self.buffers.len()));
        self.buffers.push((name.to_owned(), var.clone()));
        Ok(var)
    }

    /// What an optimizer moves, by name.
    pub fn trainable(&self) -> &[(String, Var)] {
        &self.trainable
    }

    /// What is saved but not trained: running means and variances.
    pub fn buffers(&self) -> &[(String, Var)] {
        &self.buffers
    }

    /// How many numbers training moves.
    pub fn count(&self) -> usize {
        self.trainable.iter().map(|(_, var)| var.elem_count()).sum()
    }

    /// All parameters and buffers as they are now: copies, which later training leaves alone.
    pub fn to_tensors(&self) -> candle_core::Result<Vec<(String, Tensor)>> {
        self.entries().map(|(name, var)| Ok((name.to_owned(), var.copy()?.detach()))).collect()
    }

    /// Sets every parameter and buffer, or none: missing, unknown and wrongly shaped ones are
    /// listed together in one error. PyTorch's `num_batches_tracked` is passed over.
    pub fn load(&self, mut tensors: HashMap<String, Tensor>) -> Result<()> {
        tensors.retain(|name, _| !name.ends_with(".num_batches_tracked"));
        let mut problems = Vec::new();
        let mut found = Vec::new();
        for (name, var) in self.entries() {
            match tensors.remove(name) {
                None => problems.push(format!("'{name}' is missing")),
                Some(tensor) if tensor.dims() != var.dims() => problems.push(format!(
                    "'{name}' has shape {:?}, the network wants {:?}",
                    tensor.dims(),
                    var.dims()
                )),
                Some(tensor) if !tensor.dtype().is_float() => problems.push(format!(
                    "'{name}' holds {}, the network wants floating-point numbers",
                    tensor.dtype().as_str()
                )),
                Some(tensor) => found.push((var, tensor)),
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
        for (var, tensor) in found {
            var.set(&tensor.to_dtype(DType::F32)?.to_device(&self.device)?)?;
        }
        Ok(())
    }

    /// Everything, in `state_dict()` order.
    fn entries(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.order.iter().map(|&slot| {
            let (name, var) = match slot {
                Slot::Trainable(index) => &self.trainable[index],
                Slot::Buffer(index) => &self.buffers[index],
            };
            (name.as_str(), var)
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
        parameters.add("conv1.weight", &[2, 1, 3, 3], Init::KaimingNormal).unwrap();
        parameters.add("bn1.weight", &[2], Init::Constant(1.0)).unwrap();
        parameters.add_buffer("bn1.running_mean", &[2], 0.0).unwrap();
        parameters.add("fc.weight", &[3, 2], Init::Uniform { fan_in: 2 }).unwrap();
        parameters
    }

    #[test]
    fn tensors_come_in_state_dict_order_and_are_copies() {
        let parameters = parameters();
        let before = parameters.to_tensors().unwrap();
        let names: Vec<_> = before.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["conv1.weight", "bn1.weight", "bn1.running_mean", "fc.weight"]);
        assert_eq!(parameters.count(), 18 + 2 + 6);
        let (_, weight) = &parameters.trainable()[1];
        weight.set(&weight.affine(0.0, 5.0).unwrap()).unwrap();
        assert_eq!(before[1].1.to_vec1::<f32>().unwrap(), [1.0, 1.0]);
        assert!(before.iter().all(|(_, tensor)| !tensor.is_variable()));
    }

    #[test]
    fn load_restores_what_to_tensors_gave() {
        let (a, b) = (parameters(), parameters());
        a.buffers()[0].1.set(&Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap()).unwrap();
        let mut tensors: HashMap<_, _> = a.to_tensors().unwrap().into_iter().collect();
        let counter = Tensor::new(7_i64, &Device::Cpu).unwrap();
        tensors.insert("bn1.num_batches_tracked".into(), counter);
        b.load(tensors).unwrap();
        assert_eq!(b.buffers()[0].1.to_vec1::<f32>().unwrap(), [1.0, 2.0]);
    }

    #[test]
    fn everything_that_does_not_fit_is_listed_and_nothing_is_changed() {
        let parameters = parameters();
        let mut tensors: HashMap<_, _> = parameters.to_tensors().unwrap().into_iter().collect();
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        tensors.remove("bn1.weight");
        tensors.insert("conv1.weight".into(), zeros(&[2, 1, 3, 3]));
        tensors.insert("fc.weight".into(), zeros(&[10, 2]));
        tensors.insert("fc.\u{1b}bias".into(), zeros(&[10]));
        let before = parameters.trainable()[0].1.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let error = parameters.load(tensors).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        for part in ["'bn1.weight' is missing", "[10, 2]", "[3, 2]", "no 'fc.\u{fffd}bias'"] {
            assert!(error.message.contains(part), "{part}: {}", error.message);
        }
        let after = parameters.trainable()[0].1.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(before, after);
    }
}
