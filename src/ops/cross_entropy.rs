//! Cross-entropy of logits against class labels: softmax, logarithm and loss in one pass.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};

use super::values::{Values, slice};

/// Mean over the batch of the cross-entropy, a scalar. `logits` `[batch, classes]`, `labels`
/// `[batch]` u32. `smoothing` is the weight of the uniform distribution in the target, as in
/// PyTorch. Errors if a label is no class.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Result<Tensor> {
    apply(logits, labels, smoothing, Reduction::Mean)
}

/// The same for every image: `[batch]`.
pub fn cross_entropy_per_image(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Result<Tensor> {
    apply(logits, labels, smoothing, Reduction::None)
}

fn apply(logits: &Tensor, labels: &Tensor, smoothing: f64, reduction: Reduction) -> Result<Tensor> {
    let labels = labels.to_dtype(DType::U32)?.to_vec1::<u32>()?;
    #[cfg(feature = "cuda")]
    if logits.device().is_cuda() {
        let (batch, classes) = logits.dims2()?;
        check_labels(&labels, batch, classes)?;
        let losses = super::cuda::cross_entropy(logits, &labels, smoothing)?;
        return match reduction {
            Reduction::Mean => losses.mean_all(),
            Reduction::None => Ok(losses),
        };
    }
    logits.contiguous()?.apply_op1(CrossEntropy { labels, smoothing, reduction })
}

/// A label for each of `batch` images, and each a class.
fn check_labels(labels: &[u32], batch: usize, classes: usize) -> Result<()> {
    if batch != labels.len() {
        bail!("cross-entropy: {batch} images, {} labels", labels.len());
    }
    if let Some(label) = labels.iter().find(|&&label| label as usize >= classes) {
        bail!("cross-entropy: label {label}, but there are {classes} classes");
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Reduction {
    Mean,
    None,
}

struct CrossEntropy {
    labels: Vec<u32>,
    smoothing: f64,
    reduction: Reduction,
}

impl CrossEntropy {
    /// Rows of logits, each with its label.
    fn rows<'a>(
        &'a self,
        logits: &'a [f32],
        classes: usize,
    ) -> impl Iterator<Item = (&'a [f32], usize)> {
        logits.chunks(classes.max(1)).zip(self.labels.iter().map(|&label| label as usize))
    }

    /// `−Σ target · log softmax(row)`.
    fn loss(&self, row: &[f32], label: usize) -> f64 {
        let (largest, total) = exponentials(row);
        let normaliser = largest + total.ln();
        let hit = normaliser - f64::from(row[label]);
        if self.smoothing == 0.0 {
            return hit;
        }
        let mean = row.iter().map(|&logit| f64::from(logit)).sum::<f64>() / row.len() as f64;
        hit * (1.0 - self.smoothing) + (normaliser - mean) * self.smoothing
    }
}

/// The largest logit and the sum of `exp(logit − largest)`.
fn exponentials(row: &[f32]) -> (f64, f64) {
    let largest = row.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(f64::from(b)));
    (largest, row.iter().map(|&logit| (f64::from(logit) - largest).exp()).sum())
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, classes) = layout.shape().dims2()?;
        check_labels(&self.labels, batch, classes)?;
        let logits = slice(logits, layout)?;
        let losses = self.rows(logits, classes).map(|(row, label)| self.loss(row, label));
        Ok(match self.reduction {
            Reduction::Mean => {
                let mean = losses.sum::<f64>() / batch as f64;
                (CpuStorage::F32(vec![mean as f32]), Shape::from(()))
            }
            Reduction::None => {
                (CpuStorage::F32(losses.map(|loss| loss as f32).collect()), Shape::from(batch))
            }
        })
    }

    fn bwd(&self, logits: &Tensor, _losses: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (batch, classes) = logits.dims2()?;
        let grad = grad.contiguous()?;
        let (grad, values) = (Values::of(&grad), Values::of(logits));
        let (grad, values) = (grad.slice()?, values.slice()?);
        let uniform = self.smoothing / classes as f64;
        let mut result = Vec::with_capacity(batch * classes);
        for (index, (row, label)) in self.rows(values, classes).enumerate() {
            let weight = match self.reduction {
                Reduction::Mean => f64::from(grad[0]) / batch as f64,
                Reduction::None => f64::from(grad[index]),
            };
            let (largest, total) = exponentials(row);
            result.extend(row.iter().enumerate().map(|(class, &logit)| {
                let probability = (f64::from(logit) - largest).exp() / total;
                let hit = if class == label { 1.0 - self.smoothing } else { 0.0 };
                ((probability - hit - uniform) * weight) as f32
            }));
        }
        Ok(Some(Tensor::from_vec(result, (batch, classes), logits.device())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::check::{assert_close, assert_gradients, random};

    fn labels(labels: &[u32]) -> Tensor {
        Tensor::new(labels, &Device::Cpu).unwrap()
    }

    #[test]
    fn is_its_definition() {
        let logits = (random("logits", &[4, 5]) * 3.0).unwrap();
        let labels = labels(&[0, 4, 2, 2]);
        let logs = candle_nn::ops::log_softmax(&logits, 1).unwrap();
        let hits = logs.gather(&labels.unsqueeze(1).unwrap(), 1).unwrap().neg().unwrap();
        let hits = hits.squeeze(1).unwrap();
        assert_close(&cross_entropy_per_image(&logits, &labels, 0.0).unwrap(), &hits, 1e-6);
        let uniform = logs.mean(1).unwrap().neg().unwrap();
        let smooth = ((&hits * 0.8).unwrap() + (uniform * 0.2).unwrap()).unwrap();
        assert_close(&cross_entropy_per_image(&logits, &labels, 0.2).unwrap(), &smooth, 1e-6);
        let mean = smooth.mean_all().unwrap();
        assert_close(&cross_entropy(&logits, &labels, 0.2).unwrap(), &mean, 1e-6);
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let (logits, labels) = (random("logits", &[3, 4]), labels(&[1, 0, 3]));
        for smoothing in [0.0, 0.3] {
            let logits = [logits.clone()];
            assert_gradients(&logits, |a| cross_entropy(&a[0], &labels, smoothing));
            assert_gradients(&logits, |a| cross_entropy_per_image(&a[0], &labels, smoothing));
        }
    }

    #[test]
    fn huge_logits_stay_finite_and_nan_stays_nan() {
        let logits = Tensor::new(&[[1e4f32, -1e4], [1e4, -1e4]], &Device::Cpu).unwrap();
        let losses = cross_entropy_per_image(&logits, &labels(&[0, 1]), 0.0).unwrap();
        assert_eq!(losses.to_vec1::<f32>().unwrap(), [0.0, 2e4]);
        let logits = Tensor::new(&[[f32::NAN, 0.0]], &Device::Cpu).unwrap();
        let loss = cross_entropy(&logits, &labels(&[1]), 0.0).unwrap();
        assert!(loss.to_scalar::<f32>().unwrap().is_nan());
    }

    #[test]
    fn labels_that_are_no_class_are_errors() {
        let logits = random("logits", &[2, 3]);
        assert!(cross_entropy(&logits, &labels(&[0, 3]), 0.0).is_err());
        assert!(cross_entropy(&logits, &labels(&[0]), 0.0).is_err());
    }
}
