//! safetensors in and out.

use std::collections::HashMap;

use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, SafeTensorError, SafeTensors};
use candle_core::{DType, Device, Tensor};

use super::element::Element;
use super::fault::Fault;
use super::{Header, Weights};
use crate::error::text::printable;
use crate::error::{Error, Result};

/// The metadata key of [`Header`].
const KEY: &str = "glassbox";

/// Whether these are the first bytes of such a file: the length of its header, then the header.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

/// Reads such a file.
pub(super) fn read(bytes: &[u8], device: &Device) -> Result<Weights, Fault> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| explain(&error))?;
    let header = match metadata.metadata().as_ref().and_then(|entries| entries.get(KEY)) {
        None => None,
        Some(json) => Some(serde_json::from_str::<Header>(json).map_err(|error| {
            let error = printable(&error.to_string());
            Fault::damaged(format!("its description of the network is damaged: {error}"))
        })?),
    };
    let file = SafeTensors::deserialize(bytes).map_err(|error| explain(&error))?;
    let mut tensors = HashMap::new();
    for (name, view) in file.iter() {
        let element = element(view.dtype()).ok_or_else(|| {
            Fault::unfit(format!(
                "'{}' holds {}, which networks do not use",
                printable(name),
                view.dtype()
            ))
        })?;
        let tensor = element.tensor(view.data(), view.shape(), device).map_err(|error| {
            Fault::damaged(format!("'{}': {}", printable(name), printable(&error.to_string())))
        })?;
        tensors.insert(name.to_owned(), tensor);
    }
    Ok(Weights { header, tensors })
}

fn element(dtype: Dtype) -> Option<Element> {
    Some(match dtype {
        Dtype::F64 => Element::F64,
        Dtype::F32 => Element::F32,
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::I64 => Element::I64,
        Dtype::I32 => Element::I32,
        Dtype::I16 => Element::I16,
        Dtype::I8 => Element::I8,
        Dtype::U8 => Element::U8,
        Dtype::BOOL => Element::Bool,
        _ => return None,
    })
}

/// The bytes of such a file, all numbers f32. Equal tensors and headers give equal bytes.
pub(super) fn encode(tensors: &[(String, Tensor)], header: &str) -> Result<Vec<u8>> {
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
            TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (*name, view))
        })
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let metadata = HashMap::from([(KEY.to_owned(), header.to_owned())]);
    ::safetensors::serialize(views, Some(metadata)).map_err(failed)
}

/// The format's errors in words that say what happened to the file.
fn explain(error: &SafeTensorError) -> Fault {
    match error {
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::MetadataIncompleteBuffer => {
            Fault::damaged("the file is cut short or has bytes too many")
        }
        SafeTensorError::HeaderTooLarge
        | SafeTensorError::InvalidHeader(_)
        | SafeTensorError::InvalidHeaderDeserialization(_) => {
            Fault::damaged("the beginning of the safetensors file is damaged")
        }
        other => Fault::damaged(printable(&other.to_string())),
    }
}
