//! The terminal: who it is, how big, how many colours, how pictures are drawn and why.

use std::io::IsTerminal;
use std::time::Duration;

use super::{Asks, Finding};
use crate::tui::capability::{self, Choice};
use crate::tui::pictures::protocol::{self, Protocol, Route};
use crate::tui::terminal::query::{self, Answers};
use crate::tui::text;
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
    /// What it said, and how long that took; or why it was not asked.
    answers: Result<(Answers, Duration), String>,
    /// How pictures are drawn, and why.
    pictures: Choice<Route>,
    /// Whether they are wanted at all.
    are_off: bool,
}

impl Asked {
    /// Asks, exactly as the workbench does.
    pub(super) fn now(asks: Asks<'_>) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        // A terminal nobody told its size says 0x0.
        let size = interactive
            .then(crossterm::terminal::size)
            .and_then(Result::ok)
            .filter(|(columns, rows)| *columns > 0 && *rows > 0);
        let is_dumb = variable("TERM").is_none_or(|term| term == "dumb");
        let answers = if !interactive {
            Err("input or output is no terminal".into())
        } else if is_dumb {
            Err("TERM says that it knows no questions".into())
        } else if !query::is_in_the_foreground() {
            Err("it runs in the background".into())
        } else {
            query::ask_from_the_shell(query::tmux(variable), asks.patience)
                .map(|asked| (asked.answers, asked.took))
                .map_err(|error| error.to_string())
        };
        let plain = capability::plain(variable, asks.ascii);
        let nothing = Answers::default();
        let known = answers.as_ref().map_or(&nothing, |(answers, _)| answers);
        let mut pictures = protocol::choose(known, asks.images, plain.as_deref());
        if let (Err(why), "auto", None) = (&answers, asks.images, plain) {
            pictures.reason = format!("not asked: {why}");
        }
        let are_off = asks.images == "off";
        Self { variable, interactive, size, answers, pictures, are_off }
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
    findings.extend(mosh(&ancestors()));
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
    findings.extend(answers(asked));
    findings.push(pictures(asked));
    findings.push(background(asked));
    findings
}

/// Mosh draws the screen itself, and knows no pictures.
fn mosh(ancestors: &[String]) -> Option<Finding> {
    ancestors.iter().any(|name| name == "mosh-server").then(|| {
        let advice = "mosh lets no pictures of a terminal's own through: ssh does";
        Finding::note("mosh", "yes: pictures are drawn in half-blocks", advice)
    })
}

/// The names of the processes that this one was started by, where the system tells them.
fn ancestors() -> Vec<String> {
    let mut names = Vec::new();
    let mut process = std::process::id();
    // No more than that many stand between a shell and what the system started first.
    for _ in 0..64 {
        let Ok(text) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { break };
        // The name stands in parentheses, and may hold some itself.
        let Some((name, rest)) = text.rsplit_once(')') else { break };
        let name = name.split_once('(').map(|(_, name)| name.to_owned());
        names.extend(name);
        let parent = rest.split_whitespace().nth(1).and_then(|word| word.parse().ok());
        match parent {
            Some(parent) if parent > 0 => process = parent,
            _ => break,
        }
    }
    names
}

/// Who the terminal is, by its own account, and what lies between.
fn answers(asked: &Asked) -> Vec<Finding> {
    let Ok((answers, took)) = &asked.answers else { return Vec::new() };
    let shown = |answers: &Answers| {
        let name = answers.version.as_deref().map(text::clean);
        let name = name.unwrap_or_else(|| "does not tell its name".into());
        match &answers.attributes {
            Some(attributes) => {
                let numbers: Vec<String> = attributes.iter().map(u16::to_string).collect();
                format!("{name} (DA1 {})", numbers.join(";"))
            }
            None => name.into_owned(),
        }
    };
    let mut findings = Vec::new();
    let is_mute = answers.attributes.is_none() && answers.version.is_none();
    findings.push(if is_mute {
        Finding::note(
            "terminal",
            format!("has not answered within {} ms", took.as_millis()),
            "over a slow line, answer_ms = 1000 in the settings file waits longer",
        )
    } else {
        Finding::ok("terminal", format!("{}, answered in {} ms", shown(answers), took.as_millis()))
    });
    if let Some(around) = &answers.around {
        findings.push(if around.attributes.is_some() || around.version.is_some() {
            Finding::ok("around tmux", format!("{}; tmux lets pictures through", shown(around)))
        } else {
            Finding::note(
                "around tmux",
                "no answer came through tmux",
                "for pictures, in tmux.conf: set -g allow-passthrough on",
            )
        });
    }
    let cell = answers.around.as_ref().and_then(|around| around.cell).or(answers.cell);
    findings.push(match cell {
        Some((width, height)) => Finding::ok("cell", format!("{width}x{height} pixels")),
        None => Finding::ok("cell", "unknown: the terminal does not tell it"),
    });
    findings
}

fn background(asked: &Asked) -> Finding {
    match &asked.answers {
        Ok((Answers { background: Some([r, g, b]), .. }, _)) => {
            Finding::ok("background", format!("#{r:02x}{g:02x}{b:02x}"))
        }
        Ok(_) => Finding::note(
            "background",
            "unknown: the terminal does not tell it",
            "T in the workbench changes the theme",
        ),
        Err(why) => Finding::ok("background", format!("not asked: {why}")),
    }
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

fn pictures(asked: &Asked) -> Finding {
    if asked.are_off {
        return Finding::ok("pictures", "off: the settings say so");
    }
    let Choice { value: route, reason } = &asked.pictures;
    let depth = capability::depth(asked.variable).value;
    if route.protocol == Protocol::Half && depth == Depth::None {
        return Finding::note(
            "pictures",
            format!("shades of text: {reason}"),
            "see colours and characters above",
        );
    }
    Finding::ok("pictures", format!("{}: {reason}", route.protocol.name()))
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;
    use crate::tui::pictures::protocol::choose;

    fn standing(findings: &[Finding], name: &str) -> Standing {
        findings.iter().find(|finding| finding.name == name).unwrap().standing
    }

    fn value<'a>(findings: &'a [Finding], name: &str) -> &'a str {
        &findings.iter().find(|finding| finding.name == name).unwrap().value
    }

    fn asked(variable: fn(&str) -> Option<String>, size: (u16, u16), answers: Answers) -> Asked {
        let plain = capability::plain(variable, false);
        Asked {
            variable,
            interactive: true,
            size: Some(size),
            pictures: choose(&answers, "auto", plain.as_deref()),
            answers: Ok((answers, Duration::from_millis(3))),
            are_off: false,
        }
    }

    fn kitty() -> Answers {
        Answers {
            version: Some("kitty(0.41.1)".into()),
            graphics: true,
            attributes: Some(vec![62, 52]),
            cell: Some((10, 20)),
            background: Some([255, 255, 255]),
            around: None,
        }
    }

    #[test]
    fn a_good_terminal_needs_no_fixing() {
        let findings = examine(&asked(
            |name| match name {
                "TERM" => Some("xterm-kitty".into()),
                "LANG" => Some("C.UTF-8".into()),
                _ => None,
            },
            (120, 40),
            kitty(),
        ));
        assert!(findings.iter().all(|f| f.standing == Standing::Ok), "{findings:?}");
        assert_eq!(value(&findings, "background"), "#ffffff");
        assert_eq!(value(&findings, "terminal"), "kitty(0.41.1) (DA1 62;52), answered in 3 ms");
        assert_eq!(value(&findings, "cell"), "10x20 pixels");
        assert!(value(&findings, "pictures").starts_with("kitty: kitty(0.41.1)"));
    }

    #[test]
    fn a_mute_small_terminal_without_a_name_is_told_what_to_do() {
        let findings = examine(&asked(|_| None, (40, 10), Answers::default()));
        assert_eq!(standing(&findings, "TERM"), Standing::Fix);
        assert_eq!(standing(&findings, "size"), Standing::Fix);
        assert_eq!(standing(&findings, "terminal"), Standing::Note);
        assert_eq!(standing(&findings, "background"), Standing::Note);
        assert!(findings.iter().filter(|f| f.standing != Standing::Ok).all(|f| f.advice.is_some()));
    }

    #[test]
    fn mosh_is_known_by_the_process_that_started_the_shell() {
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(mosh(&names(&["glassbox", "bash", "mosh-server"])).is_some());
        assert!(mosh(&names(&["glassbox", "bash", "sshd"])).is_none());
        if cfg!(target_os = "linux") {
            assert!(ancestors().len() > 1, "{:?}", ancestors());
        }
    }

    #[test]
    fn tmux_over_ssh_is_told_how_to_pass_colours_and_pictures() {
        let variable = |name: &str| match name {
            "TERM" => Some("tmux-256color".into()),
            "TMUX" => Some("/tmp/tmux".into()),
            "SSH_CONNECTION" => Some("10.0.0.1 1 10.0.0.2 22".into()),
            _ => None,
        };
        let tmux = |around: Answers| Answers {
            version: Some("tmux 3.5a".into()),
            attributes: Some(vec![1, 2]),
            around: Some(Box::new(around)),
            ..Answers::default()
        };
        let findings = examine(&asked(variable, (120, 40), tmux(Answers::default())));
        let advice = |name: &str| {
            let finding = findings.iter().find(|finding| finding.name == name).unwrap();
            finding.advice.clone().unwrap()
        };
        assert!(advice("colours").contains("terminal-features"));
        assert!(advice("around tmux").contains("allow-passthrough"));
        assert!(findings.iter().all(|f| !f.value.contains("10.0.0")), "addresses stay private");
        let findings = examine(&asked(variable, (120, 40), tmux(kitty())));
        assert!(value(&findings, "around tmux").contains("kitty(0.41.1)"));
        assert!(value(&findings, "pictures").contains("through tmux"));
    }
}
