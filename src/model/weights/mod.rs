//! Weights in and out: safetensors and PyTorch's own files, with PyTorch's names.
//!
//! What is written is safetensors that `safetensors.torch.load_file` reads and
//! `load_state_dict(strict=True)` takes, and says what network it fits: one JSON value under the
//! metadata key `glassbox`. A single key, because the format's metadata has no order and equal
//! weights shall be equal files.
//!
//! What is read is told by its content, not by its name: safetensors (`safetensors.rs`), what
//! `torch.save` writes today (`checkpoint_zip.rs`) and what it wrote before 2020 (`legacy.rs`).
//! The pickles in the latter two are read by a machine that can run nothing (`pickle/`).

mod archive;
mod checkpoint;
mod checkpoint_zip;
mod element;
mod fault;
mod legacy;
mod pickle;
mod safetensors;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use self::fault::Fault;
use super::arch::sequential::Layer;
use super::{Arch, Model, ModelConfig};
use crate::error::text::shown;
use crate::error::{Error, Result};

/// What a weights file says about its network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`Arch::as_str`].
    pub arch: String,
    /// Outputs.
    pub classes: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Side of the square images.
    pub image_size: usize,
    /// Normalisation the weights were trained with.
    pub mean: Vec<f64>,
    /// Normalisation the weights were trained with.
    pub std: Vec<f64>,
    /// What each output stands for; empty = not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// The layers of a `sequential` network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
}

impl Header {
    /// Describes `model`, whose outputs stand for `class_names`.
    pub fn of(model: &Model, class_names: &[String]) -> Self {
        let config = model.config().clone();
        Self {
            arch: model.arch().to_string(),
            classes: config.classes,
            channels: config.channels,
            image_size: config.image_size,
            mean: config.mean,
            std: config.std,
            class_names: class_names.to_vec(),
            layers: config.layers,
        }
    }

    /// What [`super::build`] wants to make the same network.
    pub fn to_config(&self, seed: u64) -> Result<(Arch, ModelConfig)> {
        let Self { classes, channels, image_size, mean, std, layers, .. } = self.clone();
        let config = ModelConfig { classes, channels, image_size, mean, std, seed, layers };
        Ok((self.arch.parse()?, config))
    }
}

/// A weights file, read.
#[derive(Debug)]
pub struct Weights {
    /// `None` if another program wrote the file.
    pub header: Option<Header>,
    /// By name.
    pub tensors: HashMap<String, Tensor>,
}

/// The bytes of a weights file. Equal weights give equal bytes.
pub fn encode(model: &Model, class_names: &[String]) -> Result<Vec<u8>> {
    encode_with(model, class_names, Vec::new())
}

/// The same with more tensors beside the weights, such as an optimizer's. Their names must not be
/// names of weights.
pub fn encode_with(
    model: &Model,
    class_names: &[String],
    more: Vec<(String, Tensor)>,
) -> Result<Vec<u8>> {
    let header = serde_json::to_string(&Header::of(model, class_names))
        .map_err(|e| Error::failed("failed to describe the network").caused_by(e))?;
    let mut tensors = model.parameters().to_tensors()?;
    tensors.extend(more);
    safetensors::encode(&tensors, &header)
}

/// Writes a weights file in place; whoever needs it whole after a crash writes [`encode`]'s bytes
/// the way of its own folder.
pub fn write(path: &Path, model: &Model, class_names: &[String]) -> Result<()> {
    std::fs::write(path, encode(model, class_names)?).map_err(|e| {
        Error::failed(format!("failed to write weights {}: {e}", shown(path))).caused_by(e)
    })
}

/// Reads a weights file of any kind. Floating-point numbers become f32, whole numbers i64.
///
/// Whatever the file holds, nothing of it is run, and memory is used in proportion to its size.
pub fn read(path: &Path, device: &Device) -> Result<Weights> {
    let bytes = std::fs::read(path).map_err(|e| {
        Error::bad_input(format!("failed to read weights {}: {e}", shown(path))).caused_by(e)
    })?;
    decode(&bytes, device).map_err(|Fault { reason, hint }| {
        Error::bad_input(format!("failed to read weights {}: {reason}", shown(path))).hint(hint)
    })
}

/// Reads the bytes of a weights file.
fn decode(bytes: &[u8], device: &Device) -> Result<Weights, Fault> {
    let of_pytorch = |tensors| Weights { header: None, tensors };
    match bytes {
        _ if bytes.len() < 9 => Err(Fault::cut_short()),
        _ if bytes.starts_with(archive::MAGIC) => {
            checkpoint_zip::read(bytes, device).map(of_pytorch)
        }
        [0x80, 1..=5, ..] => legacy::read(bytes, device).map(of_pytorch),
        _ if safetensors::is_one(bytes) => safetensors::read(bytes, device),
        _ => {
            let start: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            Err(Fault::foreign(format!(
                "neither safetensors nor a file of PyTorch's: it begins with {}",
                start.join(" ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::build;

    fn model(seed: u64) -> Model {
        let config =
            ModelConfig { mean: vec![0.28], std: vec![0.35], seed, ..ModelConfig::plain(5, 1, 28) };
        build(Arch::Shapesnet, config, &Device::Cpu).unwrap()
    }

    #[test]
    fn what_was_written_is_read_and_says_what_it_fits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let model = model(1);
        let names = ["cat", "dog"].map(String::from);
        write(&path, &model, &names).unwrap();
        let weights = read(&path, &Device::Cpu).unwrap();
        let header = weights.header.unwrap();
        assert_eq!(header.class_names, names);
        let (arch, config) = header.to_config(1).unwrap();
        assert_eq!((arch, &config), (model.arch(), model.config()));
        let other = build(arch, ModelConfig { seed: 2, ..config }, &Device::Cpu).unwrap();
        assert_ne!(encode(&other, &[]).unwrap(), encode(&model, &[]).unwrap());
        other.parameters().load(weights.tensors).unwrap();
        assert_eq!(encode(&other, &[]).unwrap(), encode(&model, &[]).unwrap());
    }

    #[test]
    fn every_truncation_is_an_error_with_a_reason() {
        let bytes = encode(&model(1), &[]).unwrap();
        for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
            let reason = decode(&bytes[..length], &Device::Cpu).err().unwrap().reason;
            assert!(reason.contains("cut short") || reason.contains("damaged"), "{reason}");
        }
    }

    #[test]
    fn files_of_another_kind_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n and so on, long enough").unwrap();
        let error = read(&path, &Device::Cpu).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        assert!(error.message.contains("picture.png"), "{}", error.message);
        assert!(error.message.contains("neither safetensors nor"), "{}", error.message);
        let error = read(&folder.path().join("absent"), &Device::Cpu).err().unwrap();
        assert!(error.message.contains("absent"), "{}", error.message);
    }

    #[test]
    fn a_file_of_another_program_has_no_header() {
        use ::safetensors::{Dtype, serialize, tensor::TensorView};
        let one = 1f32.to_le_bytes();
        let view = TensorView::new(Dtype::F32, vec![1], &one).unwrap();
        let bytes = serialize([("fc.bias", view)], None).unwrap();
        let weights = decode(&bytes, &Device::Cpu).unwrap();
        assert!(weights.header.is_none() && weights.tensors.contains_key("fc.bias"));
        let error = model(1).parameters().load(weights.tensors).unwrap_err();
        assert!(error.message.contains("missing"), "{}", error.message);
    }
}
