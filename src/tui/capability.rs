//! What the terminal can show, as far as the environment tells, each answer with its reason. The
//! workbench goes by it, and `glassbox doctor` prints it. How pictures are drawn is asked of the
//! terminal itself: `pictures::protocol`.

use super::glyphs::Glyphs;
use super::theme::Depth;

/// An answer and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<T> {
    /// The answer.
    pub value: T,
    /// What it follows from: `COLORTERM is truecolor`.
    pub reason: String,
}

pub(super) fn because<T>(value: T, reason: impl Into<String>) -> Choice<T> {
    Choice { value, reason: reason.into() }
}

/// Terminals with 24-bit colour whose `TERM` says who they are. `TERM` is the one variable that
/// every SSH connection carries.
const TRUE_COLOUR_TERMS: [&str; 7] =
    ["kitty", "ghostty", "alacritty", "foot", "wezterm", "contour", "direct"];

/// How many colours may be used. `variable` reads the environment.
pub fn depth(variable: impl Fn(&str) -> Option<String>) -> Choice<Depth> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return because(Depth::None, "NO_COLOR is set");
    }
    let Some(term) = set("TERM") else { return because(Depth::None, "TERM is not set") };
    if term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2") || term.ends_with("-m")
    {
        return because(Depth::None, format!("TERM is {term}"));
    }
    if let Some(answer) = set("COLORTERM")
        && matches!(answer.as_str(), "truecolor" | "24bit")
    {
        return because(Depth::True, format!("COLORTERM is {answer}"));
    }
    let depth = if TRUE_COLOUR_TERMS.iter().any(|name| term.contains(name)) {
        Depth::True
    } else if term.contains("256color") || term.starts_with("xterm") {
        // `xterm` alone says eight colours in the database, but whatever calls itself that today
        // has 256.
        Depth::Indexed
    } else {
        Depth::Sixteen
    };
    because(depth, format!("TERM is {term}, and COLORTERM says nothing"))
}

/// Which characters may be drawn. `variable` reads the environment.
pub fn glyphs(variable: impl Fn(&str) -> Option<String>) -> Choice<Glyphs> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("TERM").as_deref() == Some("linux") {
        return because(Glyphs::Ascii, "the Linux console's font has no braille");
    }
    // The order in which the C library asks.
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| Some((name, set(name)?)));
    let Some((name, locale)) = locale else {
        return because(Glyphs::Unicode, "no locale is set, and today's terminals take UTF-8");
    };
    let charset = locale.split_once('.').map(|(_, charset)| charset.to_lowercase());
    let charset = charset.as_deref().map(|charset| charset.split('@').next().unwrap_or(charset));
    match charset {
        None | Some("utf-8" | "utf8") => because(Glyphs::Unicode, format!("{name} is {locale}")),
        Some(_) => because(Glyphs::Ascii, format!("{name} is {locale}, which is not UTF-8")),
    }
}

/// Why pictures can only be text, if so: more takes colours, which carry the numbers of pictures, and
/// characters.
pub fn plain(variable: impl Fn(&str) -> Option<String> + Copy, ascii: bool) -> Option<String> {
    let depth = depth(variable);
    match glyphs(variable) {
        _ if depth.value == Depth::None => Some(depth.reason),
        _ if ascii => Some("--ascii draws without Unicode".into()),
        glyphs if glyphs.value.is_ascii() => Some(glyphs.reason),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<T>(
        ask: impl Fn(&dyn Fn(&str) -> Option<String>) -> Choice<T>,
        variables: &[(&str, &str)],
    ) -> T {
        let find = |name: &str| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        ask(&find).value
    }

    #[test]
    fn colours_follow_the_environment() {
        let depth = |variables: &[(&str, &str)]| of(|find| depth(find), variables);
        assert_eq!(depth(&[]), Depth::None);
        assert_eq!(depth(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), Depth::None);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Depth::None);
        // An empty NO_COLOR is none (no-color.org).
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "24bit")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm-kitty")]), Depth::True);
        assert_eq!(depth(&[("TERM", "tmux-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "xterm")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Sixteen);
        assert_eq!(depth(&[("TERM", "vt220")]), Depth::None);
    }

    #[test]
    fn without_colours_or_characters_pictures_are_text() {
        let plain = |variables: &[(&str, &str)], ascii| {
            let find = |name: &str| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            };
            plain(find, ascii)
        };
        assert_eq!(plain(&[("TERM", "xterm-kitty")], false), None);
        assert!(plain(&[("TERM", "xterm-kitty")], true).is_some());
        let without = plain(&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")], false);
        assert_eq!(without.as_deref(), Some("NO_COLOR is set"));
        assert!(plain(&[("TERM", "xterm"), ("LANG", "C.ISO-8859-1")], false).is_some());
    }

    #[test]
    fn characters_follow_the_locale() {
        let glyphs = |variables: &[(&str, &str)]| of(|find| glyphs(find), variables);
        assert_eq!(glyphs(&[]), Glyphs::Unicode);
        assert_eq!(glyphs(&[("LANG", "de_DE.UTF-8")]), Glyphs::Unicode);
        assert_eq!(glyphs(&[("LANG", "de_DE.utf8@euro")]), Glyphs::Unicode);
        assert_eq!(glyphs(&[("LANG", "C")]), Glyphs::Unicode);
        assert_eq!(glyphs(&[("LANG", "de_DE.ISO-8859-1")]), Glyphs::Ascii);
        assert_eq!(
            glyphs(&[("LC_ALL", "de_DE.UTF-8"), ("LANG", "de_DE.ISO-8859-1")]),
            Glyphs::Unicode
        );
        assert_eq!(glyphs(&[("TERM", "linux"), ("LANG", "C.UTF-8")]), Glyphs::Ascii);
    }
}
