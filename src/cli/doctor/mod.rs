//! `glassbox doctor`: terminal, devices, folders, data; what works and how to fix the rest. Plain
//! text, fit to paste into a bug report. Changes nothing and waits for nobody.

mod machine;
mod places;
mod terminal;

use std::fmt;
use std::path::PathBuf;

use crate::error::Result;

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

/// Prints the report. `places` are the folders and files as the settings have them.
pub fn run(places: &[Place]) -> Result<()> {
    let report = Report {
        sections: vec![
            Section { title: "program", findings: machine::program() },
            Section { title: "terminal", findings: terminal::examine(&terminal::Asked::now()) },
            Section { title: "devices", findings: machine::devices() },
            Section { title: "folders", findings: places.iter().map(places::examine).collect() },
            Section { title: "data of the presets", findings: places::preset_data() },
        ],
    };
    super::print::text(&report.to_string())
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables and paths hold anything; a report must not drive the terminal it describes.
        let plain = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).collect() };
        for section in &self.sections {
            writeln!(f, "{}", section.title)?;
            for finding in &section.findings {
                let sign = match finding.standing {
                    Standing::Ok => "ok  ",
                    Standing::Note => "note",
                    Standing::Fix => "FIX ",
                };
                writeln!(f, "  {sign}  {:<15} {}", finding.name, plain(&finding.value))?;
                if let Some(advice) = &finding.advice {
                    writeln!(f, "{:24}{}", "", plain(advice))?;
                }
            }
            writeln!(f)?;
        }
        let fixes = self
            .sections
            .iter()
            .flat_map(|section| &section.findings)
            .filter(|finding| finding.standing == Standing::Fix)
            .count();
        match fixes {
            0 => writeln!(f, "All that is needed works."),
            1 => writeln!(f, "1 thing to fix, marked FIX."),
            _ => writeln!(f, "{fixes} things to fix, marked FIX."),
        }
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
        let text = report.to_string();
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.contains("FIX   size"), "{text}");
        assert!(text.ends_with("1 thing to fix, marked FIX.\n"), "{text}");
    }
}
