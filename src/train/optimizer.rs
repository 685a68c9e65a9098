//! What moves the weights: a rule and its memory, by parameter name.

use std::cell::RefCell;
use std::collections::HashMap;

use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor, bail};

use super::adam::Adam;
use super::memory::Memories;
use super::sgd::Sgd;
use crate::error::{Error, Result};
use crate::model::Parameters;
use crate::model::parameters::Parameter;

/// Names of the optimizer's tensors in a checkpoint begin with this.
pub const PREFIX: &str = "optimizer.";

/// How a gradient becomes a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// One memory a parameter: the velocity.
    Sgd(Sgd),
    /// Two: mean and mean square of the gradient.
    Adam(Adam),
}

impl Rule {
    /// PyTorch's names of what is remembered.
    fn memories(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd(_) => &["momentum_buffer"],
            Self::Adam(_) => &["exp_avg", "exp_avg_sq"],
        }
    }
}

/// A rule at work on a network's parameters. Buffers such as running statistics are not touched.
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    steps: u64,
    parameters: Vec<Moved>,
}

/// A parameter and what the rule remembers of it.
#[derive(Debug)]
struct Moved {
    parameter: Parameter,
    memories: Memories,
}

impl Optimizer {
    /// With an empty memory.
    pub fn new(rule: Rule, parameters: &Parameters) -> Self {
        let moved = |parameter: &Parameter| Moved {
            parameter: parameter.clone(),
            memories: Memories::new(parameter, rule.memories().len()),
        };
        Self { rule, steps: 0, parameters: parameters.trainable().iter().map(moved).collect() }
    }

    /// Moves every parameter once, in place, along its gradient, which stands at its place in
    /// [`Parameters::trainable`]. Errors if one has none: it would silently stay what it is.
    pub fn step(&mut self, grads: &[Option<Tensor>], lr: f64) -> Result<()> {
        self.steps += 1;
        for (index, moved) in self.parameters.iter_mut().enumerate() {
            let grad = grads.get(index).and_then(Option::as_ref).ok_or_else(|| {
                Error::failed(format!("parameter '{}' has no gradient", moved.parameter.name))
            })?;
            #[cfg(feature = "cuda")]
            moved.memories.take_room(&moved.parameter, self.rule.memories().len())?;
            let update = Update {
                rule: self.rule,
                step: self.steps,
                lr,
                memories: RefCell::new(&mut moved.memories),
            };
            moved.parameter.var.inplace_op2(&grad.contiguous()?, &update)?;
        }
        Ok(())
    }

    /// The memory as tensors in PyTorch's shapes, for a checkpoint:
    /// `optimizer.conv1.weight.momentum_buffer`.
    pub fn state(&self) -> Result<Vec<(String, Tensor)>> {
        let mut tensors = Vec::new();
        for moved in &self.parameters {
            let Moved { parameter, memories } = moved;
            let names = self.rule.memories();
            for (name, tensor) in names.iter().zip(memories.to_tensors(parameter, names.len())?) {
                let name = format!("{PREFIX}{}.{name}", parameter.name);
                tensors.push((name, parameter.to_pytorch(&tensor)?));
            }
        }
        Ok(tensors)
    }

    /// Goes on from a memory after `steps` steps. Takes its tensors out of `tensors`; errors name
    /// those that are missing or of another size.
    pub fn restore(&mut self, steps: u64, tensors: &mut HashMap<String, Tensor>) -> Result<()> {
        for moved in &mut self.parameters {
            #[cfg(feature = "cuda")]
            moved.memories.take_room(&moved.parameter, self.rule.memories().len())?;
            for (index, name) in self.rule.memories().iter().enumerate() {
                let parameter = &moved.parameter;
                let name = format!("{PREFIX}{}.{name}", parameter.name);
                let values = tensors
                    .remove(&name)
                    .filter(|tensor| tensor.dims() == parameter.pytorch_dims())
                    .ok_or_else(|| {
                        Error::failed(format!("the checkpoint has no '{name}' of the right shape"))
                            .hint("it belongs to another network or another optimizer")
                    })?;
                moved.memories.set(index, &parameter.arranged(&values)?)?;
            }
        }
        self.steps = steps;
        Ok(())
    }
}

/// The rule on one parameter's own numbers: no temporary tensor.
struct Update<'a> {
    rule: Rule,
    step: u64,
    lr: f64,
    // The operator's interface lends `self` shared.
    memories: RefCell<&'a mut Memories>,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "optimizer-step"
    }

    fn cpu_fwd(
        &self,
        weights: &mut CpuStorage,
        weights_layout: &Layout,
        grads: &CpuStorage,
        grads_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (Some((from, to)), Some((grads_from, grads_to))) =
            (weights_layout.contiguous_offsets(), grads_layout.contiguous_offsets())
        else {
            bail!("the optimizer wants contiguous tensors")
        };
        let CpuStorage::F32(weights) = weights else { bail!("the optimizer wants f32") };
        let weights = &mut weights[from..to];
        let grads = &grads.as_slice::<f32>()?[grads_from..grads_to];
        let mut memories = self.memories.borrow_mut();
        let memories = match &mut **memories {
            Memories::Host(memories) => memories.as_mut_slice(),
            #[cfg(feature = "cuda")]
            Memories::Card(_) => bail!("the optimizer's memory is not where the parameter is"),
        };
        match (self.rule, memories) {
            (Rule::Sgd(sgd), [velocity]) => sgd.update(weights, grads, velocity, self.lr),
            (Rule::Adam(adam), [mean, square]) => {
                adam.update(weights, grads, [mean, square], self.lr, self.step);
            }
            _ => bail!("the optimizer's memory does not fit its rule"),
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        weights: &mut candle_core::CudaStorage,
        weights_layout: &Layout,
        grads: &candle_core::CudaStorage,
        grads_layout: &Layout,
    ) -> candle_core::Result<()> {
        let memories = self.memories.borrow();
        let Memories::Card(memories) = &**memories else {
            bail!("the optimizer's memory is not where the parameter is")
        };
        let (weights, grads) = ((weights, weights_layout), (grads, grads_layout));
        match (self.rule, memories.as_slice()) {
            (Rule::Sgd(sgd), [velocity]) => sgd.update_on_card(weights, grads, velocity, self.lr),
            (Rule::Adam(adam), [mean, square]) => {
                adam.update_on_card(weights, grads, [mean, square], self.lr, self.step)
            }
            _ => bail!("the optimizer's memory does not fit its rule"),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::model::parameters::Layout;
    use crate::ops::init::Init;

    const FIXTURE: &[u8] = include_bytes!("../../tests/fixtures/optimizers.safetensors");

    fn sgd(momentum: f64, nesterov: bool, weight_decay: f64) -> Rule {
        Rule::Sgd(Sgd { momentum, nesterov, weight_decay })
    }

    fn adam(betas: [f64; 2], eps: f64, weight_decay: f64, decoupled: bool) -> Rule {
        Rule::Adam(Adam { betas, eps, weight_decay, decoupled })
    }

    fn parameters(tensors: &HashMap<String, Tensor>) -> Parameters {
        let mut parameters = Parameters::new(0, &Device::Cpu);
        for name in ["a", "b"] {
            let start = &tensors[&format!("start.{name}")];
            let init = Init::Constant(0.0);
            let at = parameters.add(name, start.dims(), Layout::Same, init).unwrap();
            parameters.trainable()[at].var.set(start).unwrap();
        }
        parameters
    }

    fn step(optimizer: &mut Optimizer, tensors: &HashMap<String, Tensor>, number: usize) {
        let grads: Vec<_> =
            ["a", "b"].map(|name| tensors.get(&format!("grad.{number}.{name}")).cloned()).into();
        let rates: Vec<f64> = tensors["rates"].to_vec1().unwrap();
        optimizer.step(&grads, rates[number]).unwrap();
    }

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn moves_as_pytorch_does() {
        let tensors = candle_core::safetensors::load_buffer(FIXTURE, &Device::Cpu).unwrap();
        for (case, rule) in [
            ("sgd", sgd(0.0, false, 0.0)),
            ("sgd-momentum", sgd(0.9, false, 0.01)),
            ("sgd-nesterov", sgd(0.8, true, 0.1)),
            ("adam", adam([0.9, 0.999], 1e-8, 0.02, false)),
            ("adamw", adam([0.8, 0.95], 1e-6, 0.3, true)),
        ] {
            let parameters = parameters(&tensors);
            let mut optimizer = Optimizer::new(rule, &parameters);
            for number in 0..5 {
                step(&mut optimizer, &tensors, number);
            }
            for Parameter { name, var, .. } in parameters.trainable() {
                let expected = numbers(&tensors[&format!("{case}.{name}")]);
                for (ours, theirs) in numbers(var).iter().zip(&expected) {
                    assert!((ours - theirs).abs() <= 2e-6, "{case} {name}: {ours} {theirs}");
                }
            }
        }
    }

    #[test]
    fn goes_on_from_its_saved_memory_bit_for_bit() {
        let tensors = candle_core::safetensors::load_buffer(FIXTURE, &Device::Cpu).unwrap();
        for rule in [sgd(0.9, true, 0.01), adam([0.9, 0.99], 1e-8, 0.1, false)] {
            let (straight, parts) = (parameters(&tensors), parameters(&tensors));
            let mut optimizer = Optimizer::new(rule, &straight);
            for number in 0..5 {
                step(&mut optimizer, &tensors, number);
            }
            let mut first = Optimizer::new(rule, &parts);
            for number in 0..2 {
                step(&mut first, &tensors, number);
            }
            let mut second = Optimizer::new(rule, &parts);
            let mut state = first.state().unwrap().into_iter().collect();
            second.restore(2, &mut state).unwrap();
            assert!(state.is_empty());
            for number in 2..5 {
                step(&mut second, &tensors, number);
            }
            for (ours, theirs) in straight.trainable().iter().zip(parts.trainable()) {
                assert_eq!(numbers(&ours.var), numbers(&theirs.var));
            }
        }
    }

    #[test]
    fn a_parameter_without_gradient_is_an_error() {
        let tensors = candle_core::safetensors::load_buffer(FIXTURE, &Device::Cpu).unwrap();
        let parameters = parameters(&tensors);
        let grads = [tensors.get("grad.0.a").cloned(), None];
        let error = Optimizer::new(sgd(0.0, false, 0.0), &parameters).step(&grads, 0.1);
        assert!(error.unwrap_err().message.contains("'b'"));
    }

    /// Where no card opens it says so and passes.
    #[cfg(feature = "cuda")]
    #[test]
    fn a_card_moves_weights_as_the_cpu_does_and_goes_on_from_a_checkpoint() {
        let card = match crate::device::DeviceName::Cuda(vec![0]).open() {
            Ok(card) => card,
            Err(error) => {
                println!("skipped: optimizers need a graphics card; {}", error.message);
                return;
            }
        };
        let init = Init::Uniform { fan_in: 1 };
        for rule in [
            sgd(0.0, false, 0.0),
            sgd(0.9, true, 0.01),
            adam([0.9, 0.99], 1e-8, 0.1, false),
            adam([0.9, 0.99], 1e-8, 0.1, true),
        ] {
            let run = |device: &Device| -> Vec<f32> {
                let mut parameters = Parameters::new(1, device);
                parameters.add("weight", &[4, 3, 2, 2], Layout::ChannelsLast, init).unwrap();
                let mut optimizer = Optimizer::new(rule, &parameters);
                for step in 0..4 {
                    if step == 2 {
                        let mut state = optimizer.state().unwrap().into_iter().collect();
                        optimizer = Optimizer::new(rule, &parameters);
                        optimizer.restore(2, &mut state).unwrap();
                    }
                    let values = init.values(&[4, 2, 2, 3], &format!("grad {step}"), 1);
                    let grad = Tensor::from_vec(values, (4, 2, 2, 3), device).unwrap();
                    optimizer.step(&[Some(grad)], 0.1).unwrap();
                }
                let (_, moved) = parameters.to_tensors().unwrap().remove(0);
                moved.flatten_all().unwrap().to_vec1().unwrap()
            };
            for (there, here) in run(&card).into_iter().zip(run(&Device::Cpu)) {
                assert!((there - here).abs() <= 1e-5 * here.abs().max(0.1), "{there} {here}");
            }
        }
    }
}
