//! Architectures, layer taps, weights in and out. Models take pixels in 0..1 and normalise inside.

use candle_core::{Result, Tensor};

/// How batch normalisation and dropout behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics; running statistics are updated; weights carry gradients.
    Train,
    /// Running statistics; weights are plain tensors, so only the input can carry a gradient.
    Evaluate,
}

/// A named place whose feature map can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerTap {
    /// The name in the parameter tree: `features.10`.
    pub name: String,
    /// The papers' name: `conv5`.
    pub alias: Option<String>,
    /// `[channels, height, width]` at the model's input size.
    pub shape: [usize; 3],
}

/// What a forward pass gives.
#[derive(Debug)]
pub struct Output {
    /// `[batch, classes]`.
    pub logits: Tensor,
    /// The feature maps asked for, `[batch, channels, height, width]`, in the order asked.
    pub taps: Vec<Tensor>,
}

/// A network.
pub trait Model: Send + Sync {
    /// `images` `[batch, channels, height, width]`, f32 in 0..1; `taps` are names from
    /// [`Model::taps`].
    fn forward(&self, images: &Tensor, mode: Mode, taps: &[&str]) -> Result<Output>;
    /// Places that can be read, from input to output.
    fn taps(&self) -> &[LayerTap];
    /// Number of outputs.
    fn classes(&self) -> usize;
}
