//! The terminal: who it is, how big, how many colours, how pictures are drawn and why.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

use super::Finding;
use crate::tui::capability;
use crate::tui::theme::Depth;

/// Narrower or lower than this the workbench draws a plain message only.
const SMALLEST: (u16, u16) = (60, 15);

/// What was asked of the terminal and the environment.
pub(super) struct Asked {
    variable: fn(&str) -> Option<String>,
    /// Standard input and output are both a terminal.
    interactive: bool,
    /// Columns and rows.
    size: Option<(u16, u16)>,
    /// Dark or light, or why not known, and how long the answer took.
    background: Result<(ThemeMode, Duration), String>,
}

impl Asked {
    /// Asks. At most a second passes with a terminal that does not answer.
    pub(super) fn now() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        // A terminal nobody told its size says 0x0.
        let size = interactive
            .then(crossterm::terminal::size)
            .and_then(Result::ok)
            .filter(|(columns, rows)| *columns > 0 && *rows > 0);
        let background = if interactive {
            let start = Instant::now();
            theme_mode(QueryOptions::default())
                .map(|mode| (mode, start.elapsed()))
                .map_err(|error| error.to_string())
        } else {
            Err("not asked: input or output is no terminal".into())
        };
        Self { variable, interactive, size, background }
    }
}

/// What that means.
pub(super) fn examine(asked: &Asked) -> Vec<Finding> {
    let variable = asked.variable;
    let shown = |name: &str| variable(name).unwrap_or_else(|| "not set".into());
    let mut findings = Vec::new();
    findings.push(match variable("TERM") {
        Some(term) if term != "dumb" => Finding::ok("TERM", term),
        term => Finding::fix(
            "TERM",
            term.unwrap_or_else(|| "not set".into()),
            "the workbench needs a terminal; `glassbox run` prints plain lines without one",
        ),
    });
    findings.push(Finding::ok("COLORTERM", shown("COLORTERM")));
    if let Some(program) = variable("TERM_PROGRAM") {
        let version = variable("TERM_PROGRAM_VERSION").unwrap_or_default();
        findings.push(Finding::ok("TERM_PROGRAM", format!("{program} {version}")));
    }
    // Not the variable itself: it holds addresses.
    let ssh = variable("SSH_CONNECTION").or_else(|| variable("SSH_TTY")).is_some();
    findings.push(Finding::ok("ssh", if ssh { "yes" } else { "no" }));
    let multiplexer = match (variable("TMUX"), variable("STY"), variable("ZELLIJ")) {
        (Some(_), _, _) => Some("tmux"),
        (_, Some(_), _) => Some("screen"),
        (_, _, Some(_)) => Some("zellij"),
        _ => None,
    };
    findings.push(Finding::ok("multiplexer", multiplexer.unwrap_or("none")));
    findings.push(size(asked));
    findings.push(colours(variable, multiplexer, ssh));
    let glyphs = capability::glyphs(variable);
    findings.push(if glyphs.value.is_ascii() {
        Finding::note(
            "characters",
            format!("7-bit: {}", glyphs.reason),
            "use a UTF-8 locale (export LANG=C.UTF-8) for curves in braille",
        )
    } else {
        Finding::ok("characters", format!("Unicode: {}", glyphs.reason))
    });
    findings.push(pictures(variable));
    findings.push(match &asked.background {
        Ok((mode, time)) => {
            let mode = if *mode == ThemeMode::Dark { "dark" } else { "light" };
            Finding::ok("background", format!("{mode}, answered in {} ms", time.as_millis()))
        }
        Err(why) if asked.interactive => Finding::note(
            "background",
            format!("unknown: {why}"),
            "T in the workbench changes the theme",
        ),
        Err(why) => Finding::ok("background", format!("unknown: {why}")),
    });
    findings
}

fn size(asked: &Asked) -> Finding {
    match asked.size {
        Some((columns, rows)) if columns >= SMALLEST.0 && rows >= SMALLEST.1 => {
            Finding::ok("size", format!("{columns}x{rows} characters"))
        }
        Some((columns, rows)) => Finding::fix(
            "size",
            format!("{columns}x{rows} characters"),
            format!("the workbench needs {}x{}", SMALLEST.0, SMALLEST.1),
        ),
        None if asked.interactive => Finding::fix(
            "size",
            "unknown",
            "the terminal tells no size: try `stty rows 40 cols 120`",
        ),
        None => Finding::ok("size", "not asked: input or output is no terminal"),
    }
}

fn colours(variable: fn(&str) -> Option<String>, multiplexer: Option<&str>, ssh: bool) -> Finding {
    let choice = capability::depth(variable);
    let (count, advice) = match choice.value {
        Depth::True => ("16 million", None),
        Depth::Indexed => ("256", Some("pictures are better in 24-bit colour")),
        Depth::Sixteen => ("16", Some("pictures need more: use a terminal with 256 colours")),
        Depth::None => ("none", None),
    };
    let value = format!("{count}: {}", choice.reason);
    let Some(advice) = advice else { return Finding::ok("colours", value) };
    let how = match (multiplexer, ssh) {
        (Some("tmux"), _) => {
            ": in tmux.conf, set -as terminal-features ',*:RGB'; then export COLORTERM=truecolor"
        }
        (_, true) => {
            ": ssh drops COLORTERM; export COLORTERM=truecolor on this host if yours has it"
        }
        _ => ": export COLORTERM=truecolor if your terminal has it",
    };
    Finding::note("colours", value, format!("{advice}{how}"))
}

fn pictures(variable: fn(&str) -> Option<String>) -> Finding {
    let colours = capability::depth(variable).value;
    if capability::glyphs(variable).value.is_ascii() || colours == Depth::None {
        return Finding::note(
            "pictures",
            "shades of text: half-blocks need Unicode and colours",
            "see colours and characters above",
        );
    }
    Finding::ok(
        "pictures",
        "half-blocks: coloured text, right in every terminal, over SSH and in multiplexers",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    fn standing(findings: &[Finding], name: &str) -> Standing {
        findings.iter().find(|finding| finding.name == name).unwrap().standing
    }

    #[test]
    fn a_good_terminal_needs_no_fixing() {
        let findings = examine(&Asked {
            variable: |name| match name {
                "TERM" => Some("xterm-kitty".into()),
                "LANG" => Some("C.UTF-8".into()),
                _ => None,
            },
            interactive: true,
            size: Some((120, 40)),
            background: Ok((ThemeMode::Light, Duration::from_millis(3))),
        });
        assert!(findings.iter().all(|f| f.standing == Standing::Ok), "{findings:?}");
        assert!(findings.iter().any(|f| f.value == "light, answered in 3 ms"));
    }

    #[test]
    fn a_mute_small_terminal_without_a_name_is_told_what_to_do() {
        let findings = examine(&Asked {
            variable: |_| None,
            interactive: true,
            size: Some((40, 10)),
            background: Err("timed out".into()),
        });
        assert_eq!(standing(&findings, "TERM"), Standing::Fix);
        assert_eq!(standing(&findings, "size"), Standing::Fix);
        assert_eq!(standing(&findings, "background"), Standing::Note);
        assert!(findings.iter().filter(|f| f.standing != Standing::Ok).all(|f| f.advice.is_some()));
    }

    #[test]
    fn tmux_over_ssh_is_told_how_to_pass_colours() {
        let findings = examine(&Asked {
            variable: |name| match name {
                "TERM" => Some("tmux-256color".into()),
                "TMUX" => Some("/tmp/tmux".into()),
                "SSH_CONNECTION" => Some("10.0.0.1 1 10.0.0.2 22".into()),
                _ => None,
            },
            interactive: true,
            size: Some((120, 40)),
            background: Err("timed out".into()),
        });
        let colours = findings.iter().find(|finding| finding.name == "colours").unwrap();
        assert!(colours.advice.as_ref().unwrap().contains("terminal-features"));
        assert!(findings.iter().all(|f| !f.value.contains("10.0.0")), "addresses stay private");
    }
}
