//! A drawing: shapes, text and pictures in its own units, coloured by what they are for. Written as
//! SVG ([`svg`]) and as PNG at twice its size ([`png`]), both from the same list of items.

mod png;
mod svg;

use std::path::PathBuf;

use super::figure::{Shown, Style, TINY, Typeface};
use super::raster::{Raster, Tiles};
use super::region::{self, Look};
use crate::error::{Error, Result};

/// Whose colours a drawing has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// The page's that it stands in, by the variables of its style: `--ink`, `--muted`, `--line`,
    /// `--paper`, `--accent`, `--first`, `--second`, and `--series-3` to `--series-6`, for which there
    /// are colours that can be seen on light and on dark.
    Page,
    /// Its own: dark on white.
    Alone,
}

/// What something is drawn for, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// What is read.
    Ink,
    /// What is read second.
    Muted,
    /// Lines to read by.
    Grid,
    /// What is behind everything.
    Paper,
    /// What is to be seen first.
    Accent,
    /// One of several things shown together, from 0; after [`SERIES`] they begin anew.
    Series(usize),
}

/// So many series have colours of their own.
pub(super) const SERIES: usize = 6;

impl Role {
    /// Dark on white; of the series after the second, plain on dark too. Told apart by colour-blind
    /// readers (after Okabe and Ito, darker).
    pub(super) fn color(self) -> [u8; 3] {
        match self {
            Self::Ink => [0x1a, 0x1c, 0x20],
            Self::Muted => [0x5c, 0x62, 0x6c],
            Self::Grid => [0xd9, 0xdc, 0xe2],
            Self::Paper => [0xff; 3],
            Self::Accent => [0xa8, 0x43, 0x0f],
            Self::Series(at) => match at % SERIES {
                0 => [0x1c, 0x5a, 0x9e],
                1 => [0xa8, 0x43, 0x0f],
                2 => [0x1f, 0x91, 0x6e],
                3 => [0x9a, 0x5f, 0xb4],
                4 => [0xa3, 0x7a, 0x00],
                _ => [0x2e, 0x8f, 0xa3],
            },
        }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    pub role: Role,
    pub width: f64,
    pub dash: Dash,
    /// 0..1
    pub opacity: f64,
}

impl Stroke {
    pub(super) const fn of(role: Role, width: f64) -> Self {
        Self { role, width, dash: Dash::Whole, opacity: 1.0 }
    }

    pub(super) const fn dashed(self, dash: Dash) -> Self {
        Self { dash, ..self }
    }

    pub(super) const fn faded(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// How a line is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dash {
    Whole,
    Long,
    Dots,
    Mixed,
}

impl Dash {
    /// Drawn, left out, drawn, …
    fn lengths(self) -> &'static [f32] {
        match self {
            Self::Whole => &[],
            Self::Long => &[7.0, 4.0],
            Self::Dots => &[1.6, 3.2],
            Self::Mixed => &[7.0, 3.0, 1.6, 3.0],
        }
    }

    /// The one of a series, so that it is told from others without colour.
    pub(super) fn of_series(at: usize) -> Self {
        [Self::Whole, Self::Long, Self::Mixed, Self::Dots][at % 4]
    }
}

/// A sign at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Circle,
    Square,
    Diamond,
    Triangle,
}

impl Sign {
    /// The one of a series.
    pub(super) fn of_series(at: usize) -> Self {
        [Self::Circle, Self::Square, Self::Diamond, Self::Triangle][at % 4]
    }
}

/// Where a text stands around its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text.
#[allow(clippy::struct_field_names, reason = "what it says")]
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// On the baseline.
    pub at: [f64; 2],
    pub text: String,
    pub anchor: Anchor,
    /// Of the em.
    pub size: f64,
    pub bold: bool,
    pub role: Role,
}

/// A picture's pixels, read when it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Picture {
    /// A file.
    File(PathBuf),
    /// One that excites a neuron.
    Shown(Box<Shown>, Option<Look>),
    /// One of which a strip says where a neuron fires: the rest is dimmed.
    Tile { file: PathBuf, strip: PathBuf, index: usize },
}

/// A part of a drawing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Rectangle {
        at: [f64; 2],
        size: [f64; 2],
        fill: Option<(Role, f64)>,
        line: Option<Stroke>,
    },
    Line {
        points: Vec<[f64; 2]>,
        stroke: Stroke,
    },
    /// A filled area, role and opacity.
    Area {
        points: Vec<[f64; 2]>,
        fill: (Role, f64),
    },
    /// Half its width; filled, or the paper with a rim.
    Sign {
        at: [f64; 2],
        sign: Sign,
        half: f64,
        role: Role,
        filled: bool,
    },
    Text(Text),
    /// In its own proportions in the middle of a square.
    Picture {
        at: [f64; 2],
        side: f64,
        picture: Picture,
        about: String,
    },
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawing {
    pub size: [f64; 2],
    /// What it is, for whoever can't see it.
    pub title: String,
    /// What it shows.
    pub description: String,
    pub items: Vec<Item>,
}

// A canvas is held whole: 400 MB, and the file of it beside.
const MOST_PIXELS: f64 = 100e6;

impl Drawing {
    pub(super) fn new(width: f64, height: f64, title: impl Into<String>) -> Self {
        Self {
            size: [width, height],
            title: title.into(),
            description: String::new(),
            items: Vec::new(),
        }
    }

    pub(super) fn line(&mut self, from: [f64; 2], to: [f64; 2], stroke: Stroke) {
        self.items.push(Item::Line { points: vec![from, to], stroke });
    }

    pub(super) fn write(&mut self, text: Text) {
        self.items.push(Item::Text(text));
    }

    /// As a file that stands alone or inside a page. Fails where a picture can't be read.
    pub(super) fn svg(&self, ink: Ink) -> Result<String> {
        svg::write(self, ink)
    }

    /// As a file, twice its size in pixels, on white. Fails where a picture can't be read.
    pub(super) fn png(&self) -> Result<Vec<u8>> {
        let pixels = 4.0 * self.size[0] * self.size[1];
        if pixels > MOST_PIXELS {
            return Err(Error::bad_input(format!(
                "a figure of {:.0}×{:.0} pixels is too large",
                2.0 * self.size[0],
                2.0 * self.size[1]
            ))
            .hint("show fewer neurons, or write it as SVG"));
        }
        png::write(self)
    }
}

impl Text {
    /// In ink; begins at a point.
    pub(super) fn new(at: [f64; 2], size: f64, text: impl Into<String>) -> Self {
        let (anchor, role) = (Anchor::Start, Role::Ink);
        Self { at, text: text.into(), anchor, size, bold: false, role }
    }

    pub(super) fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(super) fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
}

impl Picture {
    /// The pixels, and whether they are few enough to be seen as squares.
    fn raster(&self) -> Result<(Raster, bool)> {
        let raster = match self {
            Self::File(file) => Raster::read(file)?,
            // Its line is drawn after the pixels have grown, so that it stays thin.
            Self::Shown(shown, Some(Look::Contour)) => {
                let whole = shown.pixels()?;
                let factor = (4 * TINY / whole.width.max(1)).clamp(1, 8);
                let is_tiny = whole.width.max(whole.height) <= TINY;
                return Ok((shown.enlarged(&whole, Some(Look::Contour), factor), is_tiny));
            }
            Self::Shown(shown, look) => shown.looked_at(*look)?,
            Self::Tile { file, strip, index } => {
                let raster = Raster::read(file)?;
                let tile = Tiles::read(strip)?
                    .tile_in(*index, raster.width, raster.height)
                    .ok_or_else(|| {
                        Error::failed(format!("'{}' lacks a tile", strip.display()))
                            .hint("the run folder is damaged; run its spec again")
                    })?;
                let (pixels, width, height) =
                    region::look(&raster.pixels, raster.width, raster.height, &tile, Look::Lit, 1);
                Raster { width, height, pixels }
            }
        };
        let is_tiny = raster.width.max(raster.height) <= TINY;
        Ok((raster, is_tiny))
    }
}

/// What measures text before it is drawn.
pub(super) struct Measure(Typeface);

impl Measure {
    pub(super) fn new() -> Result<Self> {
        Ok(Self(Typeface::new()?))
    }

    /// How wide a text is. A page's own typeface is often wider than ours.
    pub(super) fn width(&self, text: &str, size: f64, bold: bool) -> f64 {
        const WIDER: f64 = 1.12;
        WIDER * f64::from(self.0.width(text, Style::of_em(size as f32, bold)))
    }

    /// In at most so many lines of at most that width, the last cut with `…`.
    pub(super) fn wrapped(
        &self,
        text: &str,
        size: f64,
        bold: bool,
        width: f64,
        most: usize,
    ) -> Vec<String> {
        let measure = |text: &str| self.width(text, size, bold) as f32;
        super::figure::wrapped(text, width as f32, most, measure)
    }

    /// The same in one line.
    pub(super) fn cut(&self, text: &str, size: f64, bold: bool, width: f64) -> String {
        self.wrapped(text, size, bold, width, 1).pop().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
