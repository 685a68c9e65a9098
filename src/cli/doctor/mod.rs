//! `glassbox doctor`: terminal, devices, folders, data; what works and how to fix the rest. Plain
//! text, fit to paste into a bug report. Changes nothing and waits for nobody.

mod environment;
mod machine;
mod places;
mod terminal;

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::settings::SettingsFile;
use crate::tui::keymap::Keymap;
use crate::tui::text;

/// What the settings say of everything that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'a> {
    /// The folders and files.
    pub places: &'a [Place],
    /// The terminal.
    pub asks: Asks<'a>,
    /// The settings file, if there is one and nothing keeps it from being used.
    pub settings: Option<&'a SettingsFile>,
    /// What keeps it from being used.
    pub problem: Option<&'a Error>,
    /// The user's own themes: name and text.
    pub themes: &'a [(String, String)],
}

/// A folder or file that the program uses.
#[derive(Debug, Clone)]
pub struct Place {
    /// What it holds: `runs`.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// Whether the program writes there.
    pub written: bool,
    /// How to put it elsewhere.
    pub moved_by: &'static str,
}

/// What the settings say of the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Asks<'a> {
    /// `--images`
    pub images: &'a str,
    /// How long the terminal may take to answer.
    pub patience: Duration,
    /// `--ascii`
    pub ascii: bool,
}

/// Prints the report, as one JSON value if `json`. That something is to be fixed is no failure of
/// the doctor.
pub fn run(patient: &Patient<'_>, json: bool) -> Result<()> {
    let Patient { places, asks, settings, problem, themes } = *patient;
    let keys =
        settings.and_then(|file| Keymap::with_user(&file.path.to_string_lossy(), &file.text).err());
    let broken = problem.or(keys.as_ref());
    let look = |place: &Place| match broken {
        Some(error) if place.name == "settings" => broken_settings(error),
        _ => places::examine(place),
    };
    let mut folders: Vec<Finding> = places.iter().map(look).collect();
    folders.extend(places::themes(themes));
    let report = Report {
        sections: vec![
            Section { title: "program", findings: machine::program() },
            Section { title: "terminal", findings: terminal::examine(&terminal::Asked::now(asks)) },
            Section { title: "devices", findings: machine::devices() },
            Section { title: "folders", findings: folders },
            Section { title: "environment", findings: environment::examine() },
            Section { title: "data of the presets", findings: places::preset_data() },
        ],
    };
    if json {
        return super::print::json(&report.json());
    }
    // Broken by the terminal, lines would go on in the first column, in the middle of a word.
    let width = std::io::stdout().is_terminal().then(crossterm::terminal::size);
    let width = width.and_then(std::io::Result::ok).map(|(columns, _)| usize::from(columns));
    super::print::text(&report.text(width))
}

fn broken_settings(error: &Error) -> Finding {
    let advice = error.hint.clone().unwrap_or_else(|| "correct or remove that line".into());
    Finding::fix("settings", error.message.clone(), advice)
}

/// What was found, by section.
#[derive(Debug)]
struct Report {
    sections: Vec<Section>,
}

/// Findings that belong together.
#[derive(Debug)]
struct Section {
    title: &'static str,
    findings: Vec<Finding>,
}

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// As it should be.
    Ok,
    /// Works, and could be better.
    Note,
    /// Does not work.
    Fix,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    standing: Standing,
    name: String,
    value: String,
    advice: Option<String>,
}

impl Finding {
    fn ok(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { standing: Standing::Ok, name: name.into(), value: value.into(), advice: None }
    }

    fn note(name: impl Into<String>, value: impl Into<String>, advice: impl Into<String>) -> Self {
        let standing = Standing::Note;
        Self { standing, advice: Some(advice.into()), ..Self::ok(name, value) }
    }

    fn fix(name: impl Into<String>, value: impl Into<String>, advice: impl Into<String>) -> Self {
        let standing = Standing::Fix;
        Self { standing, advice: Some(advice.into()), ..Self::ok(name, value) }
    }
}

/// Where values begin.
const COLUMN: usize = 24;

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Fix => "fix",
        }
    }
}

impl Report {
    /// The report for programs.
    fn json(&self) -> Value {
        let finding = |finding: &Finding| {
            let Finding { standing, name, value, advice } = finding;
            json!({ "name": name, "standing": standing.word(), "value": value, "advice": advice })
        };
        let section = |section: &Section| {
            let findings: Vec<Value> = section.findings.iter().map(finding).collect();
            json!({ "title": section.title, "findings": findings })
        };
        let sections: Vec<Value> = self.sections.iter().map(section).collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "to_fix": self.fixes(),
            "sections": sections,
        })
    }

    fn fixes(&self) -> usize {
        let findings = self.sections.iter().flat_map(|section| &section.findings);
        findings.filter(|finding| finding.standing == Standing::Fix).count()
    }

    /// The report in lines of at most `width`, as far as its words allow; `None` = however long.
    fn text(&self, width: Option<usize>) -> String {
        let room = width.map_or(usize::MAX, |width| width.saturating_sub(COLUMN).max(20));
        let mut out = String::new();
        for section in &self.sections {
            let _ = writeln!(out, "{}", section.title);
            for finding in &section.findings {
                let sign = match finding.standing {
                    Standing::Ok => "ok  ",
                    Standing::Note => "note",
                    Standing::Fix => "FIX ",
                };
                let head = format!("  {sign}  {:<15} ", finding.name);
                // Variables and paths hold anything; a report must not drive the terminal it
                // describes: wrapping cleans.
                let advice = finding.advice.as_deref();
                let lines = text::wrap(&finding.value, room).into_iter();
                let lines = lines.chain(advice.iter().flat_map(|advice| text::wrap(advice, room)));
                for (at, line) in lines.enumerate() {
                    let head = if at == 0 { head.as_str() } else { "" };
                    let _ = writeln!(out, "{head:COLUMN$}{line}");
                }
            }
            out.push('\n');
        }
        let _ = match self.fixes() {
            0 => writeln!(out, "All that is needed works."),
            1 => writeln!(out, "1 thing to fix, marked FIX."),
            fixes => writeln!(out, "{fixes} things to fix, marked FIX."),
        };
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_counts_what_is_broken_and_drops_control_codes() {
        let report = Report {
            sections: vec![Section {
                title: "terminal",
                findings: vec![
                    Finding::ok("TERM", "xterm\u{1b}[2J"),
                    Finding::note("colours", "256", "set COLORTERM"),
                    Finding::fix("size", "unknown", "stty size"),
                ],
            }],
        };
        let text = report.text(None);
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.contains("FIX   size"), "{text}");
        assert!(text.ends_with("1 thing to fix, marked FIX.\n"), "{text}");
        let json = report.json();
        assert_eq!(json["to_fix"], 1);
        assert_eq!(json["sections"][0]["findings"][2]["standing"], "fix");
        assert_eq!(json["sections"][0]["findings"][2]["advice"], "stty size");
    }

    #[test]
    fn long_findings_go_on_under_their_column() {
        let advice = "export CIFAR10=/the/folder, or: glassbox run cifar10 --set data.path=/x";
        let finding = Finding::note("$CIFAR10", "not set", advice);
        let report = Report { sections: vec![Section { title: "data", findings: vec![finding] }] };
        let text = report.text(Some(60));
        assert!(text.lines().all(|line| text::width(line) <= 60), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "  note  $CIFAR10        not set");
        assert_eq!(lines[2], format!("{:24}export CIFAR10=/the/folder, or:", ""));
        assert_eq!(lines[3], format!("{:24}glassbox run cifar10 --set", ""));
    }
}
