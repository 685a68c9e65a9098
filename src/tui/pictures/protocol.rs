//! Which way pictures go to the terminal, and why: decided from what the terminal answered. Variables
//! are not asked, since SSH drops them and multiplexers keep those of another terminal.

use crate::tui::capability::{Choice, because};
use crate::tui::terminal::query::Answers;
use crate::tui::text;

/// A way to draw pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// Two pixels a cell, as coloured text.
    #[default]
    Half,
    /// kitty's graphics: sent once, placed by characters.
    Kitty,
    /// DEC's: pixels in a palette, sent each time.
    Sixel,
    /// iTerm2's inline images: PNG, sent each time.
    Iterm2,
}

impl Protocol {
    /// As it is named on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Half => "half-blocks",
            Self::Kitty => "kitty",
            Self::Sixel => "sixel",
            Self::Iterm2 => "iterm2",
        }
    }
}

/// How pictures get to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Route {
    /// In which form.
    pub protocol: Protocol,
    /// Wrapped, for tmux to hand on.
    pub through_tmux: bool,
    /// Pixels across and down a cell.
    pub cell: Cell,
}

/// Pixels across and down a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Across.
    pub width: u16,
    /// Down.
    pub height: u16,
}

impl Default for Cell {
    /// Where nobody knows: the shape that nearly all have.
    fn default() -> Self {
        Self { width: 10, height: 20 }
    }
}

/// The first of kitty's versions with placeholders.
const KITTY: (u32, u32) = (0, 28);

/// Chooses. `wanted` is the setting: `auto`, or a way somebody insists on; `plain` says why the screen
/// is bound to text, if it is.
pub fn choose(answers: &Answers, wanted: &str, plain: Option<&str>) -> Choice<Route> {
    let around = answers.around.as_deref();
    let terminal = around.unwrap_or(answers);
    let cell = terminal.cell.or(answers.cell).map(|(width, height)| Cell { width, height });
    let route =
        |protocol, through_tmux| Route { protocol, through_tmux, cell: cell.unwrap_or_default() };
    let half = |why: String| because(route(Protocol::Half, false), why);
    if let Some(why) = plain {
        return half(why.to_owned());
    }
    let in_tmux = around.is_some();
    let insisted = match wanted {
        "kitty" => Some(Protocol::Kitty),
        "sixel" => Some(Protocol::Sixel),
        "iterm2" => Some(Protocol::Iterm2),
        "half" => Some(Protocol::Half),
        _ => None,
    };
    if let Some(protocol) = insisted {
        let wrapped = in_tmux && protocol != Protocol::Half;
        return because(route(protocol, wrapped), format!("--images {wanted} says so"));
    }
    if in_tmux {
        return in_tmux_of(answers, terminal, route);
    }
    if answers.attributes.is_none() && answers.version.is_none() && !answers.graphics {
        return half("the terminal has not answered".into());
    }
    let name = answers.version.as_deref().map(text::clean);
    let name = name.as_deref().unwrap_or("a terminal without a name");
    if let Some((protocol, why)) = by_name(answers) {
        return because(route(protocol, false), format!("{name}: {why}"));
    }
    if has_sixel(answers) {
        return match cell {
            Some(_) => because(
                route(Protocol::Sixel, false),
                format!("{name} says that it has sixel (DA1, attribute 4)"),
            ),
            None => half(format!("{name} has sixel, but does not tell how large its cells are")),
        };
    }
    half(format!("{name} names no other way that it can"))
}

fn in_tmux_of(
    tmux: &Answers,
    terminal: &Answers,
    route: impl Fn(Protocol, bool) -> Route,
) -> Choice<Route> {
    let half = |why: String| because(route(Protocol::Half, false), why);
    let Some(name) = terminal.version.as_deref().map(text::clean) else {
        return half(
            "tmux lets no question through to its terminal, or that answers none: \
             set -g allow-passthrough on"
                .into(),
        );
    };
    match by_name(terminal) {
        Some((Protocol::Kitty, why)) => {
            because(route(Protocol::Kitty, true), format!("{name} through tmux: {why}"))
        }
        // tmux says so of itself wherever it runs, and writes a text in place of a sixel that its own
        // terminal cannot draw.
        _ if has_sixel(tmux) && has_sixel(terminal) && tmux.cell.is_some() => {
            because(route(Protocol::Sixel, false), format!("tmux hands sixels on to {name}"))
        }
        Some((Protocol::Iterm2, _)) => half(format!(
            "{name} through tmux: tmux would leave its pictures behind in other windows"
        )),
        None if has_sixel(terminal) => half(format!(
            "{name} through tmux: tmux would leave its sixels behind in other windows"
        )),
        Some((_, why)) => half(format!("{name} through tmux: {why}")),
        None => half(format!("{name} through tmux names no other way that it can")),
    }
}

/// What is known of terminals by their names, where their other answers would mislead.
fn by_name(answers: &Answers) -> Option<(Protocol, &'static str)> {
    let version = answers.version.as_deref()?;
    let is = |name: &str| {
        version.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    if is("kitty") {
        return Some(match numbers(version) {
            Some(version) if version >= KITTY && answers.graphics => {
                (Protocol::Kitty, "it has placeholders")
            }
            Some(version) if version >= KITTY => (Protocol::Half, "it refused the graphics query"),
            _ => (Protocol::Half, "placeholders came with kitty 0.28"),
        });
    }
    if is("ghostty") {
        return Some(if answers.graphics {
            (Protocol::Kitty, "it has placeholders")
        } else {
            (Protocol::Half, "it refused the graphics query")
        });
    }
    if is("konsole") {
        return Some((Protocol::Half, "its pictures stay behind, and it has no placeholders"));
    }
    if is("wezterm") || is("iterm2") {
        return Some((Protocol::Iterm2, "it draws iTerm2's inline images"));
    }
    None
}

fn has_sixel(answers: &Answers) -> bool {
    answers.attributes.as_ref().is_some_and(|attributes| {
        // The first number is the kind of terminal, not something that it can do.
        attributes.iter().skip(1).any(|attribute| *attribute == 4)
    })
}

/// The first two numbers: `kitty(0.41.1)` → 0 and 41.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let start = version.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = version[start..].split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(version: &str, graphics: bool, attributes: &[u16]) -> Answers {
        Answers {
            version: (!version.is_empty()).then(|| version.to_owned()),
            graphics,
            attributes: (!attributes.is_empty()).then(|| attributes.to_vec()),
            cell: Some((9, 18)),
            ..Answers::default()
        }
    }

    fn in_tmux(around: Answers) -> Answers {
        let mut tmux = terminal("tmux 3.5a", false, &[1, 2]);
        tmux.around = Some(Box::new(around));
        tmux
    }

    #[test]
    fn real_terminals_get_what_they_can_draw() {
        for (version, graphics, attributes, protocol) in [
            ("kitty(0.41.1)", true, &[62, 52][..], Protocol::Kitty),
            ("kitty(0.28.0)", true, &[62], Protocol::Kitty),
            ("kitty(1.0.0)", true, &[62], Protocol::Kitty),
            ("kitty(0.26.5)", true, &[62], Protocol::Half),
            ("ghostty 1.0.1", true, &[62, 22], Protocol::Kitty),
            ("Konsole 22.12.3", true, &[62, 1, 4], Protocol::Half),
            ("WezTerm 20240203-110809", true, &[65, 4, 6, 18, 22], Protocol::Iterm2),
            ("iTerm2 3.5.0", false, &[62, 4], Protocol::Iterm2),
            ("XTerm(379)", false, &[63, 1, 2, 4, 6, 9, 15, 22], Protocol::Sixel),
            ("XTerm(379)", false, &[64, 1, 2, 6, 9, 15, 16], Protocol::Half),
            ("foot(1.16.2)", false, &[62, 4, 22], Protocol::Sixel),
            ("mlterm(3.9.2)", false, &[63, 1, 2, 3, 4, 6, 7], Protocol::Sixel),
            // Windows Terminal has no XTVERSION.
            ("", false, &[61, 4, 6, 7, 14, 21, 22], Protocol::Sixel),
            ("VTE(7600)", false, &[61, 1, 21, 22], Protocol::Half),
            // Answers the query, has no placeholders.
            ("contour 0.4", true, &[61], Protocol::Half),
            // A VT420 is no terminal with attribute 4.
            ("", false, &[4, 6], Protocol::Half),
            ("", false, &[], Protocol::Half),
        ] {
            let choice = choose(&terminal(version, graphics, attributes), "auto", None);
            assert_eq!(choice.value.protocol, protocol, "{version}: {}", choice.reason);
            assert!(!choice.reason.is_empty() && !choice.value.through_tmux);
            assert_eq!(choice.value.cell, Cell { width: 9, height: 18 });
        }
    }

    #[test]
    fn sixel_needs_the_size_of_a_cell() {
        let answers = Answers { cell: None, ..terminal("XTerm(379)", false, &[63, 4]) };
        let choice = choose(&answers, "auto", None);
        assert_eq!(choice.value.protocol, Protocol::Half);
        assert!(choice.reason.contains("how large"), "{}", choice.reason);
    }

    #[test]
    fn through_tmux_only_what_tmux_can_keep_in_its_place() {
        let kitty = choose(&in_tmux(terminal("kitty(0.41.1)", true, &[62])), "auto", None);
        assert_eq!(kitty.value.protocol, Protocol::Kitty);
        assert!(kitty.value.through_tmux);
        for around in [
            Answers::default(),
            terminal("iTerm2 3.5.0", false, &[62, 4]),
            terminal("foot(1.16.2)", false, &[62, 4]),
            terminal("kitty(0.26.5)", true, &[62]),
        ] {
            let choice = choose(&in_tmux(around), "auto", None);
            assert_eq!(choice.value.protocol, Protocol::Half, "{}", choice.reason);
            assert!(choice.reason.contains("tmux"), "{}", choice.reason);
        }
    }

    #[test]
    fn tmux_draws_sixels_where_its_terminal_does() {
        for (version, graphics, attributes, expected) in [
            ("foot(1.16.2)", false, &[62, 4][..], (Protocol::Sixel, false)),
            ("XTerm(379)", false, &[64, 1, 2, 6], (Protocol::Half, false)),
            ("kitty(0.41.1)", true, &[62], (Protocol::Kitty, true)),
            ("kitty(0.26.5)", true, &[62], (Protocol::Half, false)),
            // Nobody answers through tmux.
            ("", false, &[], (Protocol::Half, false)),
        ] {
            let mut tmux = in_tmux(terminal(version, graphics, attributes));
            tmux.attributes = Some(vec![1, 2, 4]);
            let choice = choose(&tmux, "auto", None);
            let chosen = (choice.value.protocol, choice.value.through_tmux);
            assert_eq!(chosen, expected, "{version}: {}", choice.reason);
        }
    }

    #[test]
    fn whoever_insists_gets_it_unless_there_is_only_text() {
        let mute = Answers::default();
        assert_eq!(choose(&mute, "kitty", None).value.protocol, Protocol::Kitty);
        assert_eq!(choose(&mute, "iterm2", None).value.protocol, Protocol::Iterm2);
        let kitty = terminal("kitty(0.41.1)", true, &[62]);
        assert_eq!(choose(&kitty, "half", None).value.protocol, Protocol::Half);
        assert_eq!(choose(&kitty, "kitty", Some("NO_COLOR")).value.protocol, Protocol::Half);
        assert!(choose(&in_tmux(mute), "sixel", None).value.through_tmux);
    }
}
