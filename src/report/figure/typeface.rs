//! Text in figures: DejaVu Sans Condensed, which lies in `assets/fonts/` with its licence, cut down
//! to Latin, Greek, Cyrillic and a few signs. A character that it lacks is drawn as an empty box;
//! nothing is reordered or joined, so right-to-left scripts stay in the order of their characters.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

use crate::error::text::clean;
use crate::error::{Error, Result};
use crate::report::raster::Raster;

static REGULAR: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSansCondensed.ttf");
static BOLD: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSansCondensed-Bold.ttf");

/// How a text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report) struct Style {
    /// From the top of an ascender to the bottom of a descender, in pixels.
    pub size: f32,
    /// Whether it is bold.
    pub bold: bool,
    /// Red, green, blue.
    pub color: [u8; 3],
}

// Of DejaVu Sans, of an em of 2048.
const ASCENDER: f32 = 1901.0;
const DESCENDER: f32 = 483.0;
const EM: f32 = 2048.0;

impl Style {
    /// In ink, of an em of so many pixels, as other programs count.
    pub(in crate::report) fn of_em(em: f32, bold: bool) -> Self {
        Self { size: em * (ASCENDER + DESCENDER) / EM, bold, color: [0; 3] }
    }

    /// The em, in pixels.
    pub(super) fn em(self) -> f64 {
        f64::from(self.size * EM / (ASCENDER + DESCENDER))
    }

    /// From the top of an ascender to the baseline, in pixels.
    pub(super) fn ascent(self) -> f64 {
        f64::from(self.size * ASCENDER / (ASCENDER + DESCENDER))
    }
}

/// Both cuts.
pub(in crate::report) struct Typeface {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Typeface {
    pub(in crate::report) fn new() -> Result<Self> {
        let open = |bytes| {
            FontRef::try_from_slice(bytes)
                .map_err(|error| Error::failed(format!("failed to open the typeface: {error}")))
        };
        Ok(Self { regular: open(REGULAR)?, bold: open(BOLD)? })
    }

    fn cut(&self, style: Style) -> &FontRef<'static> {
        if style.bold { &self.bold } else { &self.regular }
    }

    /// Pixels across.
    pub(in crate::report) fn width(&self, text: &str, style: Style) -> f32 {
        self.walk(text, style, |_, _| {})
    }

    /// Draws a line of text with its left end at `x` and its top at `y`; answers where it ends.
    pub(super) fn draw(
        &self,
        canvas: &mut Raster,
        text: &str,
        (x, y): (f32, f32),
        style: Style,
    ) -> f32 {
        let baseline = y + self.cut(style).as_scaled(PxScale::from(style.size)).ascent();
        let end = self.outline(text, (x, baseline), style, |column, row, coverage| {
            blend(canvas, column, row, coverage, style.color);
        });
        x + end
    }

    /// Hands out every pixel that a line of text covers, and how much of it, 0..1; the text begins at
    /// `x` on the baseline. Answers how wide it is.
    pub(in crate::report) fn outline(
        &self,
        text: &str,
        (x, baseline): (f32, f32),
        style: Style,
        mut each: impl FnMut(f32, f32, f32),
    ) -> f32 {
        let font = self.cut(style);
        self.walk(text, style, |id, at| {
            let glyph = id.with_scale_and_position(style.size, point(x + at, baseline));
            let Some(outline) = font.outline_glyph(glyph) else { return };
            let bounds = outline.px_bounds();
            outline.draw(|column, row, coverage| {
                each(bounds.min.x + column as f32, bounds.min.y + row as f32, coverage);
            });
        })
    }

    /// Each glyph with where it stands, and where the line ends.
    fn walk(&self, text: &str, style: Style, mut each: impl FnMut(ab_glyph::GlyphId, f32)) -> f32 {
        let scaled = self.cut(style).as_scaled(PxScale::from(style.size));
        let mut at = 0.0;
        let mut last = None;
        for c in clean(text).chars() {
            let id = scaled.glyph_id(c);
            if let Some(last) = last {
                at += scaled.kern(last, id);
            }
            each(id, at);
            at += scaled.h_advance(id);
            last = Some(id);
        }
        at
    }

    /// The text in at most `most` lines of at most `width` pixels, broken at blanks; what has no room
    /// is cut with `…`.
    pub(super) fn wrapped(
        &self,
        text: &str,
        width: usize,
        most: usize,
        style: Style,
    ) -> Vec<String> {
        wrapped(text, width as f32, most, |text| self.width(text, style))
    }
}

/// The same by any measure.
pub(in crate::report) fn wrapped(
    text: &str,
    width: f32,
    most: usize,
    measure: impl Fn(&str) -> f32,
) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut lines: Vec<String> = Vec::new();
    let mut at = 0;
    while at < words.len() && lines.len() < most {
        if lines.len() + 1 == most {
            lines.push(cut(&words[at..].join(" "), width, &measure));
            break;
        }
        // A word that has no room even alone gets a line of its own and is cut.
        let mut end = at + 1;
        while end < words.len() && measure(&words[at..=end].join(" ")) <= width {
            end += 1;
        }
        lines.push(cut(&words[at..end].join(" "), width, &measure));
        at = end;
    }
    lines
}

/// As much of a text as has room, with `…` for the rest.
fn cut(text: &str, width: f32, measure: &impl Fn(&str) -> f32) -> String {
    if measure(text) <= width {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while kept.pop().is_some() {
        let short = format!("{}…", kept.trim_end());
        if measure(&short) <= width {
            return short;
        }
    }
    String::new()
}

fn blend(canvas: &mut Raster, column: f32, row: f32, coverage: f32, color: [u8; 3]) {
    if column < 0.0 || row < 0.0 || column >= canvas.width as f32 {
        return;
    }
    let at = row as usize * canvas.width + column as usize;
    let Some(pixel) = canvas.pixels.get_mut(at) else { return };
    let coverage = coverage.clamp(0.0, 1.0);
    for (level, ink) in pixel.iter_mut().zip(color) {
        let mixed = f32::from(*level) * (1.0 - coverage) + f32::from(ink) * coverage;
        *level = mixed.round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLACK: Style = Style { size: 26.0, bold: false, color: [0; 3] };

    #[test]
    fn text_is_as_wide_as_it_is_measured_and_nowhere_else() {
        let typeface = Typeface::new().unwrap();
        let mut canvas = Raster::filled(200, 40, [255; 3]);
        let end = typeface.draw(&mut canvas, "dog → ε", (10.0, 5.0), BLACK);
        assert!((end - 10.0 - typeface.width("dog → ε", BLACK)).abs() < 0.01);
        let inked = |x: usize| (0..40).any(|y| canvas.pixels[y * 200 + x] != [255; 3]);
        assert!((0..9).all(|x| !inked(x)) && (end as usize + 2..200).all(|x| !inked(x)));
        assert!((10..end as usize).filter(|x| inked(*x)).count() > 40);
        assert!(canvas.pixels.contains(&[0; 3]));
    }

    #[test]
    fn the_signs_of_captions_and_notes_are_there() {
        let typeface = Typeface::new().unwrap();
        for cut in [&typeface.regular, &typeface.bold] {
            for c in "aÄßéłαβεσΣЖ→×·…–−≤≥%²₁'\"".chars() {
                assert_ne!(cut.glyph_id(c).0, 0, "no {c}");
            }
        }
    }

    #[test]
    fn lines_break_at_blanks_and_the_last_is_cut() {
        let letters = |text: &str| text.chars().count() as f32;
        let lines = |text: &str, width, most| wrapped(text, width, most, letters);
        assert_eq!(lines("German shepherd dog", 15.0, 2), ["German shepherd", "dog"]);
        assert_eq!(lines("German shepherd police dog", 10.0, 2), ["German", "shepherd…"]);
        assert_eq!(lines("Affenpinscher", 6.0, 2), ["Affen…"]);
        assert_eq!(lines("", 6.0, 2), [""; 0]);
        assert_eq!(lines("ab", 0.5, 1), [""]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_there_are_not_too_many(
            text in "\\PC{0,60}", width in 1_usize..40, most in 1_usize..4,
        ) {
            let letters = |text: &str| text.chars().count() as f32;
            let lines = wrapped(&text, width as f32, most, letters);
            prop_assert!(lines.len() <= most);
            prop_assert!(lines.iter().all(|line| letters(line) <= width as f32));
        }

        #[test]
        fn any_text_can_be_drawn_anywhere(text in "\\PC{0,20}", x in -50_f32..120.0, y in -50_f32..60.0) {
            let mut canvas = Raster::filled(100, 30, [255; 3]);
            Typeface::new().unwrap().draw(&mut canvas, &text, (x, y), BLACK);
            prop_assert_eq!(canvas.pixels.len(), 3000);
        }
    }
}
