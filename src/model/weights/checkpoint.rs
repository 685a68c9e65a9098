//! From what a PyTorch pickle made to named tensors: finds the `state_dict`, takes off the prefixes
//! of wrappers, gathers the numbers.

use std::collections::HashMap;

use candle_core::{Device, Tensor};

use super::fault::Fault;
use super::pickle::{Heap, Storage, TensorView, Value};
use crate::error::text::printable;

/// Under which keys people's checkpoints keep their weights, the likeliest first.
const KEYS: [&str; 10] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "net_state_dict",
    "weights",
    "params",
    "classifier",
];

/// How many dictionaries may stand around the weights.
const DEEPEST: usize = 4;

/// A checkpoint has few parts: no longer list of them is searched.
const MOST_PARTS: usize = 64;

/// What `DataParallel` and `torch.compile` put before every name.
const PREFIXES: [&str; 2] = ["module.", "_orig_mod."];

/// Several names may share a storage, and a view may repeat its numbers, but real weights need
/// little more memory than their file: this many times, and some for small files.
const MOST_UNFOLDING: usize = 16;
const SMALL: usize = 1 << 20;

/// The tensors of the checkpoint `root`. `bytes_of` gives the bytes of a storage; the file has
/// `file_size`.
pub(super) fn tensors<'a>(
    heap: &Heap<'a>,
    root: Value<'a>,
    file_size: usize,
    device: &Device,
    mut bytes_of: impl FnMut(&Storage<'a>) -> Result<&'a [u8], Fault>,
) -> Result<HashMap<String, Tensor>, Fault> {
    let mut left = file_size.saturating_mul(MOST_UNFOLDING).saturating_add(SMALL);
    let mut known: HashMap<&str, &[u8]> = HashMap::new();
    let mut tensors = HashMap::new();
    for (name, tensor, storage) in named(heap, state_dict(heap, root)?) {
        let element = storage.element.ok_or_else(|| {
            let name = printable(name);
            Fault::unfit(format!("'{name}' holds complex or quantised numbers"))
        })?;
        let size = tensor.layout.count().and_then(|count| count.checked_mul(8));
        left = size.and_then(|size| left.checked_sub(size)).ok_or_else(|| {
            Fault::damaged(format!("'{}' claims to be far larger than the file", printable(name)))
        })?;
        if !known.contains_key(storage.key) {
            known.insert(storage.key, bytes_of(storage)?);
        }
        let bytes = known.get(storage.key).copied().unwrap_or_default();
        let begin = storage.begin.checked_mul(element.size());
        let bytes = begin.and_then(|begin| bytes.get(begin..)).unwrap_or_default();
        let numbers = tensor.layout.gather(bytes, element.size()).map_err(|fault| Fault {
            reason: format!("'{}': {}", printable(name), fault.reason),
            ..fault
        })?;
        let made = element.tensor(&numbers, &tensor.layout.shape, device).map_err(|error| {
            Fault::damaged(format!("'{}': {}", printable(name), printable(&error.to_string())))
        })?;
        tensors.insert(name.to_owned(), made);
    }
    let strip = |prefix: &str, tensors: HashMap<String, Tensor>| {
        if !tensors.keys().all(|name| name.starts_with(prefix)) {
            return tensors;
        }
        tensors
            .into_iter()
            .map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor))
            .collect()
    };
    Ok(PREFIXES.into_iter().fold(tensors, |tensors, prefix| strip(prefix, tensors)))
}

type Named<'h, 'a> = (&'a str, &'h TensorView, &'h Storage<'a>);

/// The entries of a dictionary that are tensors with a name.
fn named<'h, 'a>(
    heap: &'h Heap<'a>,
    mapping: Value<'a>,
) -> impl Iterator<Item = Named<'h, 'a>> + use<'h, 'a> {
    heap.entries(mapping).iter().filter_map(|&(name, value)| {
        let Value::Text(name) = name else { return None };
        let (tensor, storage) = heap.tensor(value)?;
        Some((name, tensor, storage))
    })
}

/// The dictionary of weights in a checkpoint.
fn state_dict<'a>(heap: &Heap<'a>, root: Value<'a>) -> Result<Value<'a>, Fault> {
    if let Some(found) = search(heap, root, DEEPEST) {
        return Ok(found);
    }
    let names: Vec<String> = heap
        .entries(root)
        .iter()
        .filter_map(|(name, _)| match name {
            Value::Text(name) => Some(format!("'{}'", printable(name))),
            _ => None,
        })
        .collect();
    // As many as a person takes in at once.
    const SHOWN: usize = 8;
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let holds = match &names[..names.len().min(SHOWN)] {
        [] => "nothing with a name".into(),
        shown => format!("{}{more}", shown.join(", ")),
    };
    Err(Fault::unfit(format!(
        "it holds {holds}, and weights under none of {}",
        KEYS.map(|key| format!("'{key}'")).join(", ")
    )))
}

/// First the usual keys, as a checkpoint may hold a tensor or two beside its weights; then the
/// dictionary itself; then the only one in it that will do.
fn search<'a>(heap: &Heap<'a>, value: Value<'a>, depth: usize) -> Option<Value<'a>> {
    let depth = depth.checked_sub(1)?;
    if let [only] = heap.items(value) {
        return search(heap, *only, depth);
    }
    let mut usual = KEYS.iter().filter_map(|key| heap.get(value, key));
    if let Some(found) = usual.find_map(|value| search(heap, value, depth)) {
        return Some(found);
    }
    if named(heap, value).next().is_some() {
        return Some(value);
    }
    let entries = heap.entries(value);
    if entries.len() > MOST_PARTS {
        return None;
    }
    let mut inner =
        entries.iter().map(|&(_, value)| value).filter(|&v| named(heap, v).next().is_some());
    inner.next().filter(|_| inner.next().is_none())
}
