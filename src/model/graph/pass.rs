//! Whole passes: forward alone, or recorded and taken back from a loss.

use candle_core::{Result, Tensor, Var, bail};

use super::super::{LayerTap, Mode, Output, printable};
use super::layer::{How, Saved};
use super::{Graph, Keep};
use crate::ops;

/// Which gradients a recorded pass can give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of the images.
    pub input: bool,
    /// Of the weights.
    pub parameters: bool,
    /// Of the feature maps that are read.
    pub taps: bool,
}

impl Wanted {
    /// What an attack wants.
    pub const INPUT: Self = Self { input: true, parameters: false, taps: false };
    /// What training wants.
    pub const PARAMETERS: Self = Self { input: false, parameters: true, taps: false };
}

/// A forward pass that remembers what its gradients need. Any loss built from its tensors with
/// candle's operators can be taken back through the network; for a second loss take a clone back.
#[derive(Debug, Clone)]
pub struct Pass<'m> {
    /// `[batch, classes]`.
    pub logits: Tensor,
    /// The second head's logits, where the network has one and is in training.
    pub auxiliary: Option<Tensor>,
    /// The feature maps asked for, `[batch, channels, height, width]`, in the order asked.
    pub taps: Vec<Tensor>,
    graph: &'m Graph,
    wanted: Wanted,
    /// The nodes behind `taps`.
    tapped: Vec<usize>,
    saved: Vec<Saved>,
    reaches: Vec<bool>,
}

/// Gradients of a loss. Where the loss does not depend on something, its gradient is `None`.
#[derive(Debug, Default)]
pub struct Gradients {
    /// `[batch, channels, height, width]`.
    pub input: Option<Tensor>,
    /// By place in [`super::super::Parameters::trainable`], lying as those do; empty unless wanted.
    pub parameters: Vec<Option<Tensor>>,
    /// `[batch, channels, height, width]`, in the order of [`Pass::taps`]; empty unless wanted.
    pub taps: Vec<Option<Tensor>>,
}

impl Graph {
    /// The nodes behind names or aliases of taps.
    fn find(&self, asked: &[&str]) -> Result<Vec<usize>> {
        let find = |name: &str| {
            let is_it = |tap: &LayerTap| tap.name == name || tap.alias.as_deref() == Some(name);
            let Some(index) = self.taps.iter().position(is_it) else {
                let known: Vec<_> = self.taps.iter().map(|tap| tap.name.as_str()).collect();
                bail!("no layer '{}', there are {}", printable(name), known.join(", "))
            };
            Ok(self.tapped[index])
        };
        asked.iter().map(|name| find(name)).collect()
    }

    /// Logits and taps; nothing is kept for gradients.
    pub(in crate::model) fn forward(
        &self,
        images: &Tensor,
        mode: Mode,
        taps: &[&str],
    ) -> Result<Output> {
        let mut ends = vec![self.logits];
        ends.extend(self.find(taps)?);
        let start = (0, self.normalize.forward(images)?);
        let mut found = self.run(start, &ends, mode, |_| Keep::Nothing)?.0.into_iter();
        let Some(logits) = found.next() else { bail!("a network gave no logits") };
        let taps = found.map(|maps| ops::to_channels_first(&maps)).collect::<Result<_>>()?;
        Ok(Output { logits, taps })
    }

    /// Taps alone: no node after the last of them is computed.
    pub(in crate::model) fn features(&self, images: &Tensor, taps: &[&str]) -> Result<Vec<Tensor>> {
        let ends = self.find(taps)?;
        let start = (0, self.normalize.forward(images)?);
        let (maps, _) = self.run(start, &ends, Mode::Evaluate, |_| Keep::Nothing)?;
        maps.iter().map(ops::to_channels_first).collect()
    }

    /// Logits from the feature maps of a tap on.
    pub(in crate::model) fn forward_from(&self, tap: &str, maps: &Tensor) -> Result<Tensor> {
        let start = self.find(&[tap])?[0];
        let known = (start, ops::to_channels_last(&maps.detach())?);
        let (logits, _) = self.run(known, &[self.logits], Mode::Evaluate, |_| Keep::Nothing)?;
        match logits.into_iter().next() {
            Some(logits) => Ok(logits),
            None => bail!("a network gave no logits"),
        }
    }

    /// Whether the logits can be computed from a tap's maps alone.
    pub(in crate::model) fn goes_on_from(&self, tap: &str) -> bool {
        let Ok(found) = self.find(&[tap]) else { return false };
        let start = found[0];
        let uses = self.uses(start, &[self.logits]);
        uses[start] > 0 && uses[0] == 0
    }

    /// A forward pass that can be taken back.
    pub(in crate::model) fn record(
        &self,
        images: &Tensor,
        mode: Mode,
        taps: &[&str],
        wanted: Wanted,
    ) -> Result<Pass<'_>> {
        let tapped = self.find(taps)?;
        let auxiliary = self.auxiliary.filter(|_| mode != Mode::Evaluate);
        let mut ends = vec![self.logits];
        ends.extend(auxiliary);
        ends.extend(&tapped);
        let reaches = self.reaches(wanted, &tapped);
        let keep = |node: usize| match (reaches[node], wanted.parameters) {
            (false, _) => Keep::Nothing,
            (true, false) => Keep::ForInputs,
            (true, true) => Keep::ForParameters,
        };
        let start = (0, self.normalize.forward(images)?);
        let (found, saved) = self.run(start, &ends, mode, keep)?;
        let mut found = found.into_iter();
        let Some(logits) = found.next() else { bail!("a network gave no logits") };
        let auxiliary = auxiliary.and_then(|_| found.next());
        let leaf = |tensor: &Tensor| Ok(Var::from_tensor(tensor)?.into_inner());
        Ok(Pass {
            logits: leaf(&logits)?,
            auxiliary: auxiliary.as_ref().map(leaf).transpose()?,
            taps: found.map(|maps| leaf(&maps.permute((0, 3, 1, 2))?)).collect::<Result<_>>()?,
            graph: self,
            wanted,
            tapped,
            saved,
            reaches,
        })
    }

    /// For each node whether the gradient of its output leads to anything wanted.
    fn reaches(&self, wanted: Wanted, tapped: &[usize]) -> Vec<bool> {
        let mut reaches = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            reaches[index] = (index == 0 && wanted.input)
                || (wanted.taps && tapped.contains(&index))
                || (wanted.parameters && node.layer.has_parameters())
                || node.inputs.iter().any(|&input| reaches[input]);
        }
        reaches
    }

    /// How often each node's output is read on the way from `start` to `ends`; 0 of what is not on it.
    fn uses(&self, start: usize, ends: &[usize]) -> Vec<usize> {
        let mut uses = vec![0_usize; self.nodes.len()];
        for &end in ends {
            uses[end] += 1;
        }
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if uses[index] > 0 && index != start {
                for &input in &node.inputs {
                    uses[input] += 1;
                }
            }
        }
        uses
    }

    /// Computes `ends` from one node whose output is known, and nothing that they don't need. Each
    /// map is let go after its last use.
    fn run(
        &self,
        (start, known): (usize, Tensor),
        ends: &[usize],
        mode: Mode,
        keep: impl Fn(usize) -> Keep,
    ) -> Result<(Vec<Tensor>, Vec<Saved>)> {
        let mut uses = self.uses(start, ends);
        if start != 0 && uses[0] > 0 {
            bail!("what follows '{}' needs more than its maps", self.nodes[start].name);
        }
        let mut values: Vec<Option<Tensor>> = vec![None; self.nodes.len()];
        let mut saved: Vec<Saved> = Vec::new();
        saved.resize_with(self.nodes.len(), Saved::default);
        values[start] = Some(known);
        for (index, node) in self.nodes.iter().enumerate() {
            if uses[index] == 0 || index == start {
                continue;
            }
            let inputs: Option<Vec<Tensor>> =
                node.inputs.iter().map(|&input| values[input].clone()).collect();
            let Some(inputs) = inputs else { bail!("'{}' came before its inputs", node.name) };
            for &input in &node.inputs {
                uses[input] -= 1;
                if uses[input] == 0 {
                    values[input] = None;
                }
            }
            let how = How { mode, keep: keep(index), seed: self.draw(mode, index) };
            let (output, kept) = node.layer.forward(&inputs, how)?;
            values[index] = Some(output);
            saved[index] = kept;
        }
        let ends: Option<Vec<Tensor>> = ends.iter().map(|&end| values[end].clone()).collect();
        match ends {
            Some(ends) => Ok((ends, saved)),
            None => bail!("a layer that was asked for lies before '{}'", self.nodes[start].name),
        }
    }

    /// What a node draws from: other in every step and for every node.
    fn draw(&self, mode: Mode, node: usize) -> u64 {
        let step = match mode {
            Mode::Train { step } | Mode::Frozen { step } => step,
            Mode::Evaluate => 0,
        };
        // SplitMix64 (Steele et al. 2014): near arguments give unrelated results.
        [self.seed, step, node as u64].into_iter().fold(0, |state: u64, part| {
            let x = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
            let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ (x >> 31)
        })
    }
}

impl Pass<'_> {
    /// The gradients of `loss`, a scalar made of [`Self::logits`], [`Self::auxiliary`] and
    /// [`Self::taps`].
    pub fn backward(mut self, loss: &Tensor) -> Result<Gradients> {
        let graph = self.graph;
        let mut from_loss = loss.backward()?;
        let mut grads: Vec<Option<Tensor>> = vec![None; graph.nodes.len()];
        let heads =
            [Some((&self.logits, graph.logits)), self.auxiliary.as_ref().zip(graph.auxiliary)];
        for (leaf, node) in heads.into_iter().flatten() {
            accumulate(&mut grads[node], from_loss.remove(leaf))?;
        }
        for (leaf, &node) in self.taps.iter().zip(&self.tapped) {
            let grad = from_loss.remove(leaf);
            let grad = grad.map(|grad| ops::to_channels_last(&grad)).transpose()?;
            accumulate(&mut grads[node], grad)?;
        }
        drop(from_loss);
        let wanted = self.wanted;
        let mut taps = vec![None; if wanted.taps { self.tapped.len() } else { 0 }];
        let mut parameters = vec![None; if wanted.parameters { graph.parameters } else { 0 }];
        for (index, node) in graph.nodes.iter().enumerate().skip(1).rev() {
            let saved = std::mem::take(&mut self.saved[index]);
            let Some(grad) = grads[index].take().filter(|_| self.reaches[index]) else { continue };
            for (tap, _) in taps.iter_mut().zip(&self.tapped).filter(|(_, node)| **node == index) {
                *tap = Some(ops::to_channels_first(&grad)?);
            }
            let reached: Vec<bool> = node.inputs.iter().map(|&input| self.reaches[input]).collect();
            let has_parameters = wanted.parameters && node.layer.has_parameters();
            if !has_parameters && !reached.contains(&true) {
                continue;
            }
            let (inputs, found) = node.layer.backward(saved, grad, &reached)?;
            for ((input, &place), reached) in inputs.into_iter().zip(&node.inputs).zip(reached) {
                accumulate(&mut grads[place], input.filter(|_| reached))?;
            }
            for (parameter, grad) in found.into_iter().filter(|_| wanted.parameters) {
                parameters[parameter] = Some(grad);
            }
        }
        let input = grads[0].take().filter(|_| wanted.input);
        let input = input.map(|grad| graph.normalize.backward(&grad)).transpose()?;
        Ok(Gradients { input, parameters, taps })
    }
}

/// Adds to the gradient that has come from elsewhere, if any has.
fn accumulate(sum: &mut Option<Tensor>, more: Option<Tensor>) -> Result<()> {
    *sum = match (sum.take(), more) {
        (Some(sum), Some(more)) => Some(ops::add(&sum, &more)?),
        (one, other) => one.or(other),
    };
    Ok(())
}
