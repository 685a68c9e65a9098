//! `glassbox predict`: what a network says of some pictures.

use serde_json::json;

use super::PredictArgs;
use super::print;
use crate::error::{Error, Result};
use crate::job::predict::{Guess, Outcome, Request, predict};
use crate::settings::Settings;
use crate::tui::text;

/// Predicts and prints. Pictures that cannot be read are named, the others answered, and then the
/// command fails.
pub fn run(args: &PredictArgs, settings: impl FnOnce() -> Result<Settings>) -> Result<()> {
    let request = Request {
        arch: args.arch.clone(),
        weights: args.weights.clone(),
        mean: args.mean.clone(),
        std: args.std.clone(),
        resize: args.resize,
        crop: args.crop,
        top: args.top,
        images: args.pictures.clone(),
    };
    let outcomes = predict(&request, || Ok(settings()?.runs_dir()?.to_owned()))?;
    let damaged: Vec<&str> = outcomes
        .iter()
        .filter_map(|(_, outcome)| outcome.as_ref().err())
        .map(String::as_str)
        .collect();
    if args.json {
        print::json(&to_json(&outcomes))?;
    } else if damaged.len() < outcomes.len() {
        print::text(&table(&outcomes))?;
    }
    if damaged.is_empty() {
        return Ok(());
    }
    for reason in &damaged {
        print::talk(reason);
    }
    let hint = "replace or leave out the damaged ones; the others are answered";
    Err(Error::failed(format!("{} of {} images could not be read", damaged.len(), outcomes.len()))
        .hint(hint))
}

fn to_json(outcomes: &[Outcome]) -> serde_json::Value {
    let images: Vec<_> = outcomes
        .iter()
        .filter_map(|(image, outcome)| {
            let top: Vec<_> = outcome.as_ref().ok()?.iter().map(guess_to_json).collect();
            Some(json!({ "image": image.to_string_lossy(), "top": top }))
        })
        .collect();
    json!({ "images": images })
}

fn guess_to_json(Guess { index, label, probability }: &Guess) -> serde_json::Value {
    json!({ "index": index, "label": label, "probability": probability })
}

/// A line for each guess; the image's name stands before its first.
fn table(outcomes: &[Outcome]) -> String {
    let mut rows = Vec::new();
    for (image, outcome) in outcomes {
        let Ok(guesses) = outcome else { continue };
        let mut name = text::clean(&image.to_string_lossy()).into_owned();
        for Guess { index, label, probability } in guesses {
            rows.push(vec![
                std::mem::take(&mut name),
                format!("{:.1} %", probability * 100.0),
                index.to_string(),
                label.clone(),
            ]);
        }
    }
    print::table(&["IMAGE", ">PROBABILITY", ">CLASS", "LABEL"], &rows)
}
