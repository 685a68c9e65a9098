//! Weights in and out: safetensors files with PyTorch's names, which say what network they fit.
//!
//! `safetensors.torch.load_file` reads what is written here, and the reader takes any safetensors
//! file with the right names. The description of the network is one JSON value under the metadata
//! key `glassbox`: a single key, because the format's metadata has no order and equal weights
//! shall be equal files.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::TensorView;
use safetensors::{SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};

use super::{Arch, Model, ModelConfig, printable};
use crate::error::{Error, Result};

/// The metadata key.
const KEY: &str = "glassbox";

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
}

impl Header {
    /// Describes `model`.
    pub fn of(model: &dyn Model) -> Self {
        let config = model.config().clone();
        Self {
            arch: model.arch().to_string(),
            classes: config.classes,
            channels: config.channels,
            image_size: config.image_size,
            mean: config.mean,
            std: config.std,
        }
    }

    /// What [`super::build`] wants to make the same network.
    pub fn to_config(&self, seed: u64) -> Result<(Arch, ModelConfig)> {
        let Self { classes, channels, image_size, mean, std, .. } = self.clone();
        Ok((self.arch.parse()?, ModelConfig { classes, channels, image_size, mean, std, seed }))
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
pub fn encode(model: &dyn Model) -> Result<Vec<u8>> {
    encode_with(model, Vec::new())
}

/// The same with more tensors beside the weights, such as an optimizer's. Their names must not be
/// names of weights.
pub fn encode_with(model: &dyn Model, more: Vec<(String, Tensor)>) -> Result<Vec<u8>> {
    let header = serde_json::to_string(&Header::of(model))
        .map_err(|e| Error::failed("failed to describe the network").caused_by(e))?;
    let mut tensors = model.parameters().to_tensors()?;
    tensors.extend(more);
    encode_tensors(&tensors, &header)
}

fn encode_tensors(tensors: &[(String, Tensor)], header: &str) -> Result<Vec<u8>> {
    let mut values = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let numbers = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        values.push((name.as_str(), tensor.dims().to_vec(), bytes));
    }
    let failed = |e: SafeTensorError| Error::failed("failed to encode weights").caused_by(e);
    let views: Vec<_> = values
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).map(|view| (*name, view))
        })
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let metadata = HashMap::from([(KEY.to_owned(), header.to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(failed)
}

/// Writes a weights file in place; whoever needs it whole after a crash writes [`encode`]'s bytes
/// the way of its own folder.
pub fn write(path: &Path, model: &dyn Model) -> Result<()> {
    std::fs::write(path, encode(model)?).map_err(|e| {
        Error::failed(format!("failed to write weights {}: {e}", shown(path))).caused_by(e)
    })
}

/// Reads a weights file.
pub fn read(path: &Path, device: &Device) -> Result<Weights> {
    let bytes = std::fs::read(path).map_err(|e| {
        Error::bad_input(format!("failed to read weights {}: {e}", shown(path))).caused_by(e)
    })?;
    decode(&bytes, device).map_err(|reason| {
        Error::bad_input(format!("failed to read weights {}: {reason}", shown(path)))
            .hint("weights are .safetensors files; a copy that was cut short has to be made again")
    })
}

fn decode(bytes: &[u8], device: &Device) -> Result<Weights, String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| explain(&e))?;
    let header = match metadata.metadata().as_ref().and_then(|entries| entries.get(KEY)) {
        None => None,
        Some(json) => Some(
            serde_json::from_str(json)
                .map_err(|e| format!("its description of the network is damaged: {e}"))?,
        ),
    };
    let tensors = candle_core::safetensors::load_buffer(bytes, device)
        .map_err(|e| printable(&e.to_string()))?;
    Ok(Weights { header, tensors })
}

/// The format's errors in words that say what happened to the file.
fn explain(error: &SafeTensorError) -> String {
    match error {
        SafeTensorError::HeaderTooSmall | SafeTensorError::MetadataIncompleteBuffer => {
            "the file is cut short or has bytes too many".into()
        }
        SafeTensorError::HeaderTooLarge
        | SafeTensorError::InvalidHeader(_)
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::InvalidHeaderDeserialization(_) => {
            "not a safetensors file, or its beginning is damaged".into()
        }
        other => printable(&other.to_string()),
    }
}

fn shown(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace(char::is_control, "\u{fffd}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::build;

    fn model(seed: u64) -> Box<dyn Model> {
        let config = ModelConfig {
            classes: 5,
            channels: 1,
            image_size: 28,
            mean: vec![0.28],
            std: vec![0.35],
            seed,
        };
        build(Arch::Shapesnet, config, &Device::Cpu).unwrap()
    }

    #[test]
    fn what_was_written_is_read_and_says_what_it_fits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let model = model(1);
        write(&path, &*model).unwrap();
        let weights = read(&path, &Device::Cpu).unwrap();
        let (arch, config) = weights.header.unwrap().to_config(1).unwrap();
        assert_eq!((arch, &config), (model.arch(), model.config()));
        let other = build(arch, ModelConfig { seed: 2, ..config }, &Device::Cpu).unwrap();
        assert_ne!(encode(&*other).unwrap(), encode(&*model).unwrap());
        other.parameters().load(weights.tensors).unwrap();
        assert_eq!(encode(&*other).unwrap(), encode(&*model).unwrap());
    }

    #[test]
    fn every_truncation_is_an_error_with_a_reason() {
        let bytes = encode(&*model(1)).unwrap();
        for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
            let reason = decode(&bytes[..length], &Device::Cpu).err().unwrap();
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
        assert!(error.message.contains("not a safetensors file"), "{}", error.message);
        let error = read(&folder.path().join("absent"), &Device::Cpu).err().unwrap();
        assert!(error.message.contains("absent"), "{}", error.message);
    }

    #[test]
    fn a_file_of_another_program_has_no_header() {
        let one = 1f32.to_le_bytes();
        let view = TensorView::new(safetensors::Dtype::F32, vec![1], &one).unwrap();
        let bytes = safetensors::serialize([("fc.bias", view)], None).unwrap();
        let weights = decode(&bytes, &Device::Cpu).unwrap();
        assert!(weights.header.is_none() && weights.tensors.contains_key("fc.bias"));
        let error = model(1).parameters().load(weights.tensors).unwrap_err();
        assert!(error.message.contains("missing"), "{}", error.message);
    }
}
