//! Theme files: palette, roles, inheritance; every mistake with its line.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use toml::de::{DeTable, DeValue};

use super::{Depth, Ground, Role, Theme, colourless, reduce};
use crate::error::{Error, Result};

/// More than anybody needs; stops a circle.
const DEEPEST: usize = 8;

pub(super) fn load(
    file: &str,
    text: &str,
    depth: Depth,
    find: &dyn Fn(&str) -> Option<String>,
) -> Result<Theme> {
    let stem = file.trim_end_matches(".toml").to_owned();
    let mut file = Source { file: file.to_owned(), text: text.to_owned() };
    // From the youngest to the oldest: what is set first stays.
    let mut palette = BTreeMap::new();
    let mut roles: BTreeMap<Role, Described> = BTreeMap::new();
    let (mut name, mut ground) = (None, None);
    for generation in 0.. {
        if generation == DEEPEST {
            return Err(Error::bad_input(format!("theme {}: inherits in a circle", file.file)));
        }
        let table = DeTable::parse(&file.text)
            .map_err(|e| file.error(e.span().map_or(0, |span| span.start), e.message()))?;
        let mut inherits = None;
        for (key, value) in table.get_ref() {
            let at = key.span().start;
            match (key.get_ref().as_ref(), value.get_ref()) {
                // A parent's name is the parent's.
                ("name", DeValue::String(s)) if generation == 0 => name = Some(s.to_string()),
                ("name", DeValue::String(_)) => {}
                ("inherits", DeValue::String(s)) => inherits = Some(s.to_string()),
                ("background", DeValue::String(s)) => {
                    let parsed = match s.as_ref() {
                        "dark" => Ground::Dark,
                        "light" => Ground::Light,
                        other => {
                            return Err(file.error(
                                at,
                                &format!("background is 'dark' or 'light', not '{other}'"),
                            ));
                        }
                    };
                    ground = ground.or(Some(parsed));
                }
                ("palette", DeValue::Table(entries)) => {
                    for (key, value) in entries {
                        let colour = file.palette_entry(value.span().start, value.get_ref())?;
                        palette.entry(key.get_ref().to_string()).or_insert(colour);
                    }
                }
                ("roles", DeValue::Table(entries)) => {
                    for (key, value) in entries {
                        let role = file.role(key.span().start, key.get_ref())?;
                        let style = file.style(value.span().start, value.get_ref())?;
                        roles.entry(role).or_insert(style);
                    }
                }
                (other, _) => {
                    return Err(file
                        .error(at, &format!("'{other}' is no key of a theme, or of the wrong type"))
                        .hint("a theme has: name, background, inherits, [palette], [roles]"));
                }
            }
        }
        let Some(parent) = inherits else { break };
        let text = find(&parent).ok_or_else(|| {
            Error::bad_input(format!("{}: inherits unknown theme '{parent}'", file.file))
                .hint("dark, light and high-contrast ship with the program")
        })?;
        file = Source { file: format!("{parent}.toml"), text };
    }
    let mut styles = vec![Style::new(); Role::ALL.len()];
    for role in Role::ALL {
        styles[*role as usize] = if depth == Depth::None {
            colourless(*role)
        } else {
            match lookup(&roles, *role) {
                Some(described) => described.to_style(&palette, depth)?,
                None => Style::new(),
            }
        };
    }
    Ok(Theme { name: name.unwrap_or(stem), ground: ground.unwrap_or(Ground::Dark), depth, styles })
}

/// The role's own style, its parent's, or that of `text` without its ground.
fn lookup(roles: &BTreeMap<Role, Described>, role: Role) -> Option<Described> {
    if let Some(own) = roles.get(&role) {
        return Some(own.clone());
    }
    if let Some((parent, _)) = role.name().rsplit_once('.') {
        let parent = Role::ALL.iter().find(|r| r.name() == parent)?;
        return lookup(roles, *parent);
    }
    roles.get(&Role::Text).map(|text| Described { bg: None, ..text.clone() })
}

/// A colour for terminals with many, and one for those with sixteen.
#[derive(Debug, Clone, Copy)]
struct Pair {
    many: Color,
    sixteen: Color,
}

/// A style as written: colours may still be palette names.
#[derive(Debug, Clone, Default)]
struct Described {
    fg: Option<Named>,
    bg: Option<Named>,
    modifier: Modifier,
}

#[derive(Debug, Clone)]
struct Named {
    name: String,
    /// `file:line`, for the error.
    origin: String,
}

impl Described {
    fn to_style(&self, palette: &BTreeMap<String, Pair>, depth: Depth) -> Result<Style> {
        let resolve = |named: &Named| -> Result<Color> {
            let pair = match palette.get(&named.name) {
                Some(pair) => *pair,
                None => {
                    colour(&named.name).map(|c| Pair { many: c, sixteen: c }).ok_or_else(|| {
                        Error::bad_input(format!(
                            "{}: '{}' is neither in [palette] nor a colour",
                            named.origin, named.name
                        ))
                        .hint("colours are \"#rrggbb\", or names such as \"light-blue\"")
                    })?
                }
            };
            Ok(match depth {
                Depth::None | Depth::Sixteen => pair.sixteen,
                Depth::Indexed | Depth::True => reduce(pair.many, depth),
            })
        };
        let mut style = Style::new().add_modifier(self.modifier);
        style.fg = self.fg.as_ref().map(resolve).transpose()?;
        style.bg = self.bg.as_ref().map(resolve).transpose()?;
        Ok(style)
    }
}

/// A theme file, for errors with lines.
struct Source {
    file: String,
    text: String,
}

impl Source {
    fn origin(&self, at: usize) -> String {
        let line = self.text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
        format!("{}:{line}", self.file)
    }

    fn error(&self, at: usize, message: &str) -> Error {
        Error::bad_input(format!("{}: {message}", self.origin(at)))
    }

    fn role(&self, at: usize, name: &str) -> Result<Role> {
        Role::ALL.iter().find(|role| role.name() == name).copied().ok_or_else(|| {
            let nearest = Role::ALL
                .iter()
                .min_by_key(|role| strsim::damerau_levenshtein(role.name(), name))
                .map_or("", |role| role.name());
            self.error(at, &format!("unknown role '{name}'"))
                .hint(format!("did you mean '{nearest}'?"))
        })
    }

    fn palette_entry(&self, at: usize, value: &DeValue<'_>) -> Result<Pair> {
        let parse = |value: &DeValue<'_>| match value {
            DeValue::String(s) => colour(s),
            _ => None,
        };
        let pair = match value {
            DeValue::Array(both) if both.len() == 2 => {
                parse(both[0].get_ref()).zip(parse(both[1].get_ref()))
            }
            value => parse(value).map(|c| (c, c)),
        };
        let (many, sixteen) = pair.ok_or_else(|| {
            self.error(at, "not a colour").hint(
                "write \"#rrggbb\", a name such as \"light-blue\", or both: [\"#6cb6f5\", \"light-blue\"]",
            )
        })?;
        Ok(Pair { many, sixteen: sixteenth(sixteen) })
    }

    fn style(&self, at: usize, value: &DeValue<'_>) -> Result<Described> {
        let named = |s: &str| Named { name: s.to_owned(), origin: self.origin(at) };
        let mut style = Described::default();
        match value {
            DeValue::String(s) => style.fg = Some(named(s)),
            DeValue::Table(entries) => {
                for (key, value) in entries {
                    let modifier = match key.get_ref().as_ref() {
                        "bold" => Modifier::BOLD,
                        "dim" => Modifier::DIM,
                        "italic" => Modifier::ITALIC,
                        "underline" => Modifier::UNDERLINED,
                        "reverse" => Modifier::REVERSED,
                        _ => Modifier::empty(),
                    };
                    match (key.get_ref().as_ref(), value.get_ref()) {
                        ("fg", DeValue::String(s)) => style.fg = Some(named(s)),
                        ("bg", DeValue::String(s)) => style.bg = Some(named(s)),
                        (_, DeValue::Boolean(on)) if !modifier.is_empty() => {
                            style.modifier.set(modifier, *on);
                        }
                        (other, _) => {
                            return Err(self
                                .error(
                                    key.span().start,
                                    &format!(
                                        "'{other}' is no key of a style, or of the wrong type"
                                    ),
                                )
                                .hint(
                                    "a style has: fg, bg, bold, dim, italic, underline, reverse",
                                ));
                        }
                    }
                }
            }
            _ => return Err(self.error(at, "a style is a colour or a table with fg and bg")),
        }
        Ok(style)
    }
}

/// `#rrggbb`, or a name of the sixteen (`light-blue`, `reset`). No palette numbers: they are the
/// terminal's, so nobody could say whether they are legible.
fn colour(text: &str) -> Option<Color> {
    match text.strip_prefix('#') {
        Some(hex) if hex.len() == 6 => {
            let value = u32::from_str_radix(hex, 16).ok()?;
            Some(Color::from_u32(value))
        }
        None if text.chars().all(|c| c.is_ascii_alphabetic() || c == '-') => text.parse().ok(),
        _ => None,
    }
}

/// A theme that gives no colour for sixteen: the nearest in brightness keeps it legible.
fn sixteenth(colour: Color) -> Color {
    const SIXTEEN: [(Color, [i32; 3]); 14] = [
        (Color::Black, [0, 0, 0]),
        (Color::DarkGray, [110, 110, 110]),
        (Color::Gray, [200, 200, 200]),
        (Color::White, [255, 255, 255]),
        (Color::Red, [170, 0, 0]),
        (Color::LightRed, [255, 90, 90]),
        (Color::Green, [0, 140, 0]),
        (Color::LightGreen, [90, 230, 90]),
        (Color::Yellow, [150, 110, 0]),
        (Color::LightYellow, [255, 230, 90]),
        (Color::Blue, [0, 0, 190]),
        (Color::LightBlue, [100, 150, 255]),
        (Color::Magenta, [160, 0, 160]),
        (Color::LightCyan, [90, 220, 255]),
    ];
    let Color::Rgb(r, g, b) = colour else { return colour };
    let wanted = [i32::from(r), i32::from(g), i32::from(b)];
    SIXTEEN
        .iter()
        .min_by_key(|(_, have)| (0..3).map(|i| (wanted[i] - have[i]).pow(2)).sum::<i32>())
        .map_or(colour, |(colour, _)| *colour)
}
