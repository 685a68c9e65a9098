//! The files of `checkpoints/`: tensors first, then the numbers that make them count.
//!
//! `step-000400.safetensors` holds weights and optimizer, `step-000400.json` its size, its hash and
//! where training was; without a whole `.json` there is no checkpoint. `last.json` is the newest.
//! `best.safetensors` holds the weights alone, as other programs want them; `best.json` says of
//! which step and how good. `good.safetensors` is what adversarial training falls back to.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::context::Context;
use crate::error::{Error, Result};
use crate::model::weights;
use crate::run::write;
use crate::train::Trainer;
use crate::train::checkpoint::{self, Numbers};

const FOLDER: &str = "checkpoints";

const BEST: &str = "best";

/// The last weights before catastrophic overfitting, if there was any.
const GOOD: &str = "good";

/// Older ones are deleted: the newest may turn out damaged, so one more is kept.
const KEPT: usize = 2;

/// `step-*.json`, `last.json` and `best.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The file with the tensors, in the same folder.
    pub tensors: String,
    /// Its size.
    pub bytes: u64,
    /// Its hash, in hexadecimal.
    pub sha256: String,
    /// Where training was.
    pub numbers: Numbers,
}

/// A checkpoint, read: where training was, and its tensors.
pub type Found = (Record, HashMap<String, Tensor>);

/// Writes a checkpoint of where training is, and deletes what it replaces. Returns its name.
pub fn save(context: &mut Context, trainer: &Trainer, numbers: &Numbers) -> Result<String> {
    let name = format!("step-{:06}", numbers.step);
    let tensors = checkpoint::encode(trainer)?;
    let record = Record {
        tensors: format!("{name}.safetensors"),
        bytes: tensors.len() as u64,
        sha256: hash(&tensors),
        numbers: numbers.clone(),
    };
    context.write(&format!("{FOLDER}/{}", record.tensors), &tensors)?;
    let json = to_json(&record)?;
    context.write(&format!("{FOLDER}/{name}.json"), &json)?;
    context.write(&format!("{FOLDER}/last.json"), &json)?;
    for (_, old) in steps(context.folder())?.into_iter().rev().skip(KEPT) {
        // The numbers first: without them the tensors are nothing.
        let _ = fs::remove_file(&old);
        let _ = fs::remove_file(old.with_extension("safetensors"));
    }
    Ok(name)
}

/// Writes the weights as they are as the best so far.
pub fn save_best(context: &mut Context, trainer: &Trainer, numbers: &Numbers) -> Result<()> {
    let tensors = weights::encode(&trainer.model, &trainer.class_names)?;
    save_weights(context, BEST, &tensors, numbers)
}

/// Writes the weights as they are as those to go back to if training goes wrong.
pub fn save_good(context: &mut Context, trainer: &Trainer, numbers: &Numbers) -> Result<()> {
    let tensors = weights::encode(&trainer.model, &trainer.class_names)?;
    save_weights(context, GOOD, &tensors, numbers)
}

/// Makes the weights of [`save_good`] the best ones. Tells of which step they are; `None` = there
/// are none.
pub fn good_becomes_best(context: &mut Context) -> Result<Option<u64>> {
    let json = context.folder().join(FOLDER).join(format!("{GOOD}.json"));
    let text = match fs::read(&json) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(|error| write::failed("read", &json, &error))?,
    };
    let record: Record = serde_json::from_slice(&text)
        .map_err(|error| Error::failed(format!("failed to read '{}': {error}", json.display())))?;
    let path = json.with_extension("safetensors");
    let tensors = fs::read(&path).map_err(|error| write::failed("read", &path, &error))?;
    save_weights(context, BEST, &tensors, &record.numbers)?;
    Ok(Some(record.numbers.step))
}

fn save_weights(
    context: &mut Context,
    name: &str,
    tensors: &[u8],
    numbers: &Numbers,
) -> Result<()> {
    let record = Record {
        tensors: format!("{name}.safetensors"),
        bytes: tensors.len() as u64,
        sha256: hash(tensors),
        numbers: numbers.clone(),
    };
    context.write(&format!("{FOLDER}/{name}.safetensors"), tensors)?;
    context.write(&format!("{FOLDER}/{name}.json"), &to_json(&record)?)
}

/// The newest checkpoint that is whole, and a line for each newer one that is not.
pub fn newest(folder: &Path) -> Result<(Option<Found>, Vec<String>)> {
    let mut complaints = Vec::new();
    for (_, path) in steps(folder)?.into_iter().rev() {
        match read(&path) {
            Ok(found) => return Ok((Some(found), complaints)),
            Err(error) => complaints.push(format!("{error}; going back to the one before")),
        }
    }
    Ok((None, complaints))
}

/// The tensors of `best` or `last`, or of a step's name.
pub fn named(folder: &Path, which: &str) -> Result<Option<PathBuf>> {
    let folder = folder.join(FOLDER);
    let json = folder.join(format!("{which}.json"));
    let record: Record = match fs::read(&json) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(write::failed("read", &json, &error)),
        Ok(text) => serde_json::from_slice(&text).map_err(|error| {
            Error::failed(format!("failed to read '{}': {error}", json.display()))
        })?,
    };
    Ok(Some(folder.join(record.tensors)))
}

/// What `best.safetensors` and `best.json` looked like at some time: another, once they have been
/// written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp([Option<(SystemTime, u64)>; 2]);

/// The stamp of a run's best weights as they are now. Taken before they are read, it differs from a
/// later one whenever what was read may be outdated.
pub fn stamp_of_best(folder: &Path) -> Stamp {
    Stamp(["safetensors", "json"].map(|ending| {
        let file = fs::metadata(folder.join(FOLDER).join(format!("{BEST}.{ending}"))).ok()?;
        Some((file.modified().ok()?, file.len()))
    }))
}

fn read(path: &Path) -> Result<Found> {
    let damaged =
        |what: String| Error::failed(format!("checkpoint '{}' is damaged: {what}", path.display()));
    let text = fs::read(path).map_err(|error| write::failed("read", path, &error))?;
    let record: Record =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    let tensors = path.with_extension("safetensors");
    let bytes = fs::read(&tensors).map_err(|error| write::failed("read", &tensors, &error))?;
    if bytes.len() as u64 != record.bytes || hash(&bytes) != record.sha256 {
        return Err(damaged("its tensors are not those that were written".into()));
    }
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
    Ok((record, tensors))
}

/// `step-*.json`, oldest first.
fn steps(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let folder = folder.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(write::failed("read", &folder, &error)),
        Ok(entries) => entries,
    };
    let mut steps: Vec<(u64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix("step-")?.strip_suffix(".json")?;
            Some((number.parse().ok()?, entry.path()))
        })
        .collect();
    steps.sort_unstable();
    Ok(steps)
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn to_json(record: &Record) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(record)
        .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))
}
