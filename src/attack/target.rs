//! Which class a targeted attack aims at.

use candle_core::{D, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::{Error, Result};
use crate::model::{Mode, Model};

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Another class than the true one, drawn from the seed and the image's index alone.
    Random {
        /// The run's.
        seed: u64,
    },
    /// y* = argmin f(x) on the clean image (Kurakin et al., arXiv 1607.02533).
    LeastLikely,
    /// This one.
    Class(u32),
}

impl Target {
    /// The targets of a batch, `[batch]` u32; `indices` are the images' places in their set.
    pub fn choose(
        self,
        model: &Model,
        images: &Tensor,
        labels: &Tensor,
        indices: &[usize],
    ) -> Result<Tensor> {
        let classes = model.classes() as u32;
        match self {
            Self::Random { seed } => {
                if classes < 2 {
                    return Err(Error::bad_input("a random target needs two classes or more"));
                }
                let labels: Vec<u32> = labels.to_vec1()?;
                let targets: Vec<u32> = indices
                    .iter()
                    .zip(labels)
                    .map(|(&index, label)| {
                        let mut random = ChaCha8Rng::seed_from_u64(seed);
                        random.set_stream(index as u64);
                        let other = random.random_range(0..classes - 1);
                        if other >= label { other + 1 } else { other }
                    })
                    .collect();
                Ok(Tensor::new(targets, images.device())?)
            }
            Self::LeastLikely => {
                let logits = model.forward(images, Mode::Evaluate, &[])?.logits;
                Ok(logits.argmin(D::Minus1)?)
            }
            Self::Class(class) if class < classes => {
                Ok(Tensor::full(class, labels.dims(), images.device())?)
            }
            Self::Class(class) => Err(Error::bad_input(format!(
                "attack.target = {class}, but the network has {classes} classes"
            ))
            .hint(format!("class indices go from 0 to {}", classes.saturating_sub(1)))),
        }
    }
}
