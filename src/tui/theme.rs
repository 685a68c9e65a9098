//! Meanings, not colours: every style on the screen is asked for by its role.

mod load;

use ratatui::style::{Color, Modifier, Style};

use crate::error::Result;

/// Declares [`Role`] with the name that theme files use and the role it falls back to.
macro_rules! roles {
    ($($variant:ident $name:literal $doc:literal;)*) => {
        /// What a piece of screen means. A theme file gives each role a style; dotted roles fall
        /// back to their parent (`border.focus` → `border`), and all of them to `text`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role {
            $(#[doc = $doc] $variant,)*
        }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Role] = &[$(Role::$variant,)*];

            /// The name that theme files use.
            pub fn name(self) -> &'static str {
                match self { $(Role::$variant => $name,)* }
            }
        }
    };
}

roles! {
    Text "text" "Ordinary text and its background.";
    Muted "muted" "Secondary text: titles, units, axes.";
    Accent "accent" "The one accent: what has focus, what is active.";
    Border "border" "Frames.";
    BorderFocus "border.focus" "The focused frame.";
    Selection "selection" "The row under the cursor.";
    Marked "marked" "Marked rows.";
    Warning "warning" "Something to look at.";
    Error "error" "Something broken.";
    Key "key" "Key names in the bottom line.";
    Match "match" "What a filter matched.";
    Running "running" "`running`";
    Queued "queued" "`queued`, `starting`";
    Paused "paused" "`paused`";
    Finished "finished" "`finished`";
    Failed "failed" "`failed`";
    Stopped "stopped" "`stopped`";
    Lost "lost" "`lost`";
    Real "real" "Real images, clean accuracy.";
    Adversarial "adversarial" "Adversarial images, adversarial accuracy.";
    GaugeEmpty "gauge.empty" "The empty part of a gauge.";
    Series1 "series.1" "Curves, colour-blind safe: 1 to 6.";
    Series2 "series.2" "See [`Role::Series1`].";
    Series3 "series.3" "See [`Role::Series1`].";
    Series4 "series.4" "See [`Role::Series1`].";
    Series5 "series.5" "See [`Role::Series1`].";
    Series6 "series.6" "See [`Role::Series1`].";
}

impl Role {
    /// The curves' roles, in order.
    pub const SERIES: [Role; 6] =
        [Role::Series1, Role::Series2, Role::Series3, Role::Series4, Role::Series5, Role::Series6];
}

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Depth {
    /// `NO_COLOR`, or a terminal without: bold, reverse and underline only.
    #[default]
    None,
    /// The terminal's own sixteen.
    Sixteen,
    /// The 6×6×6 cube.
    Indexed,
    /// 24 bits.
    True,
}

/// Which ground a theme was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ground {
    /// Light text on dark.
    #[default]
    Dark,
    /// Dark text on light.
    Light,
}

/// A loaded theme. The default one has no style at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Theme {
    /// Its name, as settings and the theme key use it.
    pub name: String,
    /// What it was made for.
    pub ground: Ground,
    /// How many colours it may use; pictures go by it too.
    pub depth: Depth,
    styles: Vec<Style>,
}

/// The themes that ship, by name.
pub const EMBEDDED: [(&str, &str); 3] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
];

impl Theme {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// The style of `role` on the ground of a selected row. Where its colour cannot be read there,
    /// the ground's own stands in.
    pub fn over(&self, role: Role, ground: Style) -> Style {
        let style = self.style(role);
        let own = style.fg.filter(|colour| legible(*colour, ground.bg));
        Style { fg: own.or(ground.fg), ..ground }.add_modifier(style.add_modifier)
    }

    /// The same colour, nearer to the background; where colours cannot be mixed, the terminal's dim.
    pub fn dimmed(&self, style: Style) -> Style {
        match (style.fg, self.style(Role::Text).bg) {
            (Some(Color::Rgb(r, g, b)), Some(Color::Rgb(br, bg, bb))) => {
                // 2/5: visible on its own, quiet beneath a bright line.
                let mix = |a: u8, b: u8| ((u16::from(a) * 2 + u16::from(b) * 3) / 5) as u8;
                style.fg(Color::Rgb(mix(r, br), mix(g, bg), mix(b, bb)))
            }
            _ => style.add_modifier(Modifier::DIM),
        }
    }

    /// Reads a theme file. `find` gives the text of the theme that it inherits from.
    ///
    /// Errors name `file` and the line: unknown role, unknown palette name, no colour, a circle of
    /// inheritance.
    pub fn load(
        file: &str,
        text: &str,
        depth: Depth,
        find: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        load::load(file, text, depth, find)
    }

    /// The shipped themes. (A test loads each of them, so none is ever missing.)
    pub fn embedded(depth: Depth) -> Vec<Theme> {
        let find = |name: &str| embedded_text(name);
        EMBEDDED
            .iter()
            .filter_map(|(name, text)| Self::load(&format!("{name}.toml"), text, depth, &find).ok())
            .collect()
    }
}

/// The text of a shipped theme.
pub fn embedded_text(name: &str) -> Option<String> {
    EMBEDDED.iter().find(|(n, _)| *n == name).map(|(_, text)| (*text).to_owned())
}

/// The theme of a terminal without colours: the roles stay apart by weight, reverse and underline.
fn colourless(role: Role) -> Style {
    let modifier = match role {
        Role::Selection => Modifier::REVERSED,
        Role::Accent | Role::Key | Role::BorderFocus | Role::Running | Role::Marked => {
            Modifier::BOLD
        }
        Role::Warning | Role::Failed | Role::Error | Role::Lost => {
            Modifier::BOLD.union(Modifier::UNDERLINED)
        }
        Role::Match => Modifier::UNDERLINED,
        Role::Muted | Role::Border | Role::GaugeEmpty | Role::Finished => Modifier::DIM,
        _ => Modifier::empty(),
    };
    Style::new().add_modifier(modifier)
}

/// The nearest colour the terminal has.
fn reduce(colour: Color, depth: Depth) -> Color {
    match (colour, depth) {
        // What is nearly grey stays grey: on the cube's coarse steps a tinge becomes a colour.
        (Color::Rgb(r, g, b), Depth::Indexed) if r.max(g).max(b) - r.min(g).min(b) < 32 => {
            let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
            Color::Indexed(nearest_indexed(mean as u8, mean as u8, mean as u8))
        }
        (Color::Rgb(r, g, b), Depth::Indexed) => Color::Indexed(nearest_indexed(r, g, b)),
        (colour, _) => colour,
    }
}

/// Of the cube's and the grey ramp's colours (16..=255; the first sixteen are the user's own).
pub(crate) fn nearest_indexed(r: u8, g: u8, b: u8) -> u8 {
    let level = |v: u8| -> (u8, i32) {
        const LEVELS: [i32; 6] = [0, 95, 135, 175, 215, 255];
        let nearest = (0..6).min_by_key(|i| (LEVELS[*i] - i32::from(v)).abs()).unwrap_or(0);
        (nearest as u8, LEVELS[nearest])
    };
    let distance = |x: i32, y: i32, z: i32| {
        (x - i32::from(r)).pow(2) + (y - i32::from(g)).pow(2) + (z - i32::from(b)).pow(2)
    };
    let ((ri, rv), (gi, gv), (bi, bv)) = (level(r), level(g), level(b));
    let mean = (i32::from(r) + i32::from(g) + i32::from(b)) / 3;
    let grey = ((mean - 8 + 5) / 10).clamp(0, 23);
    let grey_value = 8 + 10 * grey;
    if distance(grey_value, grey_value, grey_value) < distance(rv, gv, bv) {
        232 + grey as u8
    } else {
        16 + 36 * ri + 6 * gi + bi
    }
}

/// A colour's red, green and blue. The sixteen are xterm's: a terminal may have others, but hardly a
/// palette in which light green can be read on light yellow. `None` = only the terminal knows.
fn rgb(colour: Color) -> Option<[u8; 3]> {
    const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];
    Some(match colour {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Indexed(index @ 16..=231) => {
            let index = usize::from(index - 16);
            [CUBE[index / 36], CUBE[index / 6 % 6], CUBE[index % 6]]
        }
        Color::Indexed(index @ 232..) => [8 + 10 * (index - 232); 3],
        Color::Black => [0, 0, 0],
        Color::Red => [205, 0, 0],
        Color::Green => [0, 205, 0],
        Color::Yellow => [205, 205, 0],
        Color::Blue => [0, 0, 238],
        Color::Magenta => [205, 0, 205],
        Color::Cyan => [0, 205, 205],
        Color::Gray => [229, 229, 229],
        Color::DarkGray => [127, 127, 127],
        Color::LightRed => [255, 0, 0],
        Color::LightGreen => [0, 255, 0],
        Color::LightYellow => [255, 255, 0],
        Color::LightBlue => [92, 92, 255],
        Color::LightMagenta => [255, 0, 255],
        Color::LightCyan => [0, 255, 255],
        Color::White => [255, 255, 255],
        Color::Reset | Color::Indexed(_) => return None,
    })
}

/// Whether text of one colour can be read on another: contrast of 3 to 1 (WCAG 2.1 §1.4.11). Of
/// colours that only the terminal knows, it is taken to be so.
fn legible(text: Color, ground: Option<Color>) -> bool {
    let luminance = |colour: Color| {
        let linear = |part: u8| (f64::from(part) / 255.0).powf(2.2);
        rgb(colour).map(|[r, g, b]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b))
    };
    let (Some(text), Some(ground)) = (luminance(text), ground.and_then(luminance)) else {
        return true;
    };
    (text.max(ground) + 0.05) / (text.min(ground) + 0.05) >= 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2 contrast of two colours.
    fn contrast(a: Color, b: Color) -> f64 {
        let luminance = |c: Color| {
            let Color::Rgb(r, g, b) = c else { panic!("{c:?} is not rgb") };
            let linear = |v: u8| {
                let v = f64::from(v) / 255.0;
                if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_shipped_theme_is_legible() {
        let themes = Theme::embedded(Depth::True);
        assert_eq!(themes.len(), EMBEDDED.len());
        for theme in themes {
            let ground = theme.style(Role::Text).bg.unwrap();
            for role in Role::ALL {
                let style = theme.style(*role);
                let (fg, bg) = (style.fg.unwrap(), style.bg.unwrap_or(ground));
                let ratio = contrast(fg, bg);
                // Lines and empty gauges are no text: they only need to be seen.
                let least = match role {
                    Role::Border | Role::GaugeEmpty => 1.5,
                    _ => 4.5,
                };
                assert!(ratio >= least, "{}: {} {ratio:.2}", theme.name, role.name());
            }
        }
    }

    #[test]
    fn series_differ_from_one_another_in_every_theme() {
        for depth in [Depth::Indexed, Depth::True] {
            for theme in Theme::embedded(depth) {
                let mut colours: Vec<_> =
                    Role::SERIES.iter().map(|r| format!("{:?}", theme.style(*r).fg)).collect();
                colours.sort();
                colours.dedup();
                assert_eq!(colours.len(), 6, "{}", theme.name);
            }
        }
    }

    #[test]
    fn without_colours_no_style_has_one_and_the_selection_is_seen() {
        for theme in Theme::embedded(Depth::None) {
            for role in Role::ALL {
                let style = theme.style(*role);
                assert!(style.fg.is_none() && style.bg.is_none());
            }
            assert_ne!(theme.style(Role::Selection), theme.style(Role::Text));
            assert_ne!(theme.style(Role::Failed), theme.style(Role::Finished));
        }
    }

    #[test]
    fn sixteen_colours_are_the_terminals_own() {
        for theme in Theme::embedded(Depth::Sixteen) {
            for role in Role::ALL {
                assert!(!matches!(theme.style(*role).fg, Some(Color::Rgb(..) | Color::Indexed(_))));
            }
        }
    }

    #[test]
    fn an_unknown_role_is_named_with_its_line_and_the_nearest() {
        let text = "name = \"x\"\n[roles]\ntext = \"#ffffff\"\nbordre = \"#ffffff\"\n";
        let error = Theme::load("x.toml", text, Depth::True, &|_| None).unwrap_err();
        assert!(error.message.contains("x.toml:4"), "{error}");
        assert!(error.message.contains("'bordre'"), "{error}");
        assert!(error.hint.unwrap().contains("'border'"));
    }

    #[test]
    fn broken_toml_is_told_with_its_line() {
        let error = Theme::load("x.toml", "name = \"x\"\n[roles", Depth::True, &|_| None);
        let error = error.unwrap_err();
        assert!(error.message.starts_with("x.toml:2: "), "{error}");
    }

    #[test]
    fn a_theme_without_a_name_is_called_as_its_file_and_never_as_its_parent() {
        let text = "inherits = \"dark\"\n";
        let theme = Theme::load("mine.toml", text, Depth::True, &embedded_text).unwrap();
        assert_eq!(theme.name, "mine");
    }

    #[test]
    fn themes_that_inherit_in_a_circle_are_refused() {
        let text = "name = \"x\"\ninherits = \"x\"\n";
        let error =
            Theme::load("x.toml", text, Depth::True, &|_| Some(text.to_owned())).unwrap_err();
        assert!(error.message.contains("circle"), "{error}");
    }

    #[test]
    fn a_dotted_role_falls_back_to_its_parent() {
        let text = "name = \"x\"\n[roles]\ntext = \"#ffffff\"\nborder = \"#112233\"\n";
        let theme = Theme::load("x.toml", text, Depth::True, &|_| None).unwrap();
        assert_eq!(theme.style(Role::BorderFocus).fg, Some(Color::Rgb(0x11, 0x22, 0x33)));
        assert_eq!(theme.style(Role::Muted).fg, Some(Color::Rgb(255, 255, 255)));
    }

    #[test]
    fn a_state_is_legible_on_the_selected_row_of_every_theme() {
        for theme in [Depth::Indexed, Depth::True].into_iter().flat_map(Theme::embedded) {
            let ground = theme.style(Role::Selection);
            let plain = |colour: Color| {
                let [r, g, b] = rgb(colour).unwrap();
                Color::Rgb(r, g, b)
            };
            for role in [Role::Running, Role::Finished, Role::Failed, Role::Lost, Role::Queued] {
                let colour = theme.over(role, ground).fg.unwrap();
                let ratio = contrast(plain(colour), plain(ground.bg.unwrap()));
                assert!(ratio >= 2.9, "{} {:?} {role:?} {ratio:.2}", theme.name, theme.depth);
            }
        }
    }

    #[test]
    fn light_green_on_light_yellow_is_not_legible_at_any_depth() {
        let ground = |depth| {
            let theme = Theme::embedded(depth).pop().unwrap();
            assert_eq!(theme.name, "high-contrast");
            (theme.style(Role::Running).fg.unwrap(), theme.style(Role::Selection).bg)
        };
        for depth in [Depth::Sixteen, Depth::Indexed, Depth::True] {
            let (running, selection) = ground(depth);
            assert!(!legible(running, selection), "{depth:?}");
        }
    }
}
