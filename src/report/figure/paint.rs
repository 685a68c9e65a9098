//! A figure as a PNG: black on white, 300 dots an inch.

use super::layout::{
    self, BETWEEN, Cell, Content, GAP, LINE, Layout, PanelContent, Place, RowContent,
};
use super::typeface::{Style, Typeface};
use super::{Figure, Panel, Row, Shown, Side};
use crate::error::{Error, Result};
use crate::report::raster::Raster;
use crate::report::region::Look;

const PAPER: [u8; 3] = [255; 3];
const INK: [u8; 3] = [0; 3];
const MUTED: [u8; 3] = [96; 3];
const RULE: [u8; 3] = [208; 3];

pub(super) const TEXT: Style = Style { size: 27.0, bold: false, color: INK };
pub(super) const QUIET: Style = Style { color: MUTED, ..TEXT };
pub(super) const HEAD: Style = Style { size: 40.0, bold: true, color: INK };
pub(super) const RUN: Style = Style { bold: true, ..TEXT };
pub(super) const TITLE: Style = Style { size: 40.0, bold: false, color: INK };

// Lines of one class's name below a picture, at most.
const NAME_LINES: usize = 2;
const DOTS_AN_INCH: f64 = 300.0;
// A canvas is held whole: 600 MB, and the file of it beside.
const MOST_PIXELS: usize = 200_000_000;

/// The figure as a file's bytes. Fails where a picture cannot be read.
pub fn png(figure: &Figure) -> Result<Vec<u8>> {
    let (canvas, _) = painted(figure)?;
    Ok(with_density(canvas.png()?, DOTS_AN_INCH))
}

/// Where everything of a figure stands, and what writes it there.
pub(super) struct Plan<'a> {
    pub brush: Brush<'a>,
    pub layout: Layout,
    /// Lines below everything.
    pub notes: Vec<String>,
}

/// Places everything.
pub(super) fn plan(figure: &Figure) -> Result<Plan<'_>> {
    let brush = Brush { typeface: Typeface::new()?, figure, tile: tile(figure) };
    let gutter = brush.gutter();
    let rows = figure.panels.iter().flat_map(|panel| &panel.rows);
    let width = layout::text_width(brush.tile, gutter, rows.map(|row| row.pictures.len()));
    let notes: Vec<String> = notes(figure)
        .iter()
        .flat_map(|note| brush.typeface.wrapped(note, width, 4, QUIET))
        .collect();
    let content = Content {
        tile: brush.tile,
        gutter,
        title: usize::from(figure.title.is_some()),
        panels: figure.panels.iter().map(|panel| brush.content(panel)).collect(),
        notes: notes.len(),
    };
    let layout = content.layout();
    Ok(Plan { brush, layout, notes })
}

/// The pixels, and where everything stands in them.
pub(super) fn painted(figure: &Figure) -> Result<(Raster, Layout)> {
    let Plan { brush, layout, notes } = plan(figure)?;
    if layout.width.saturating_mul(layout.height) > MOST_PIXELS {
        return Err(Error::bad_input(format!(
            "a figure of {}×{} pixels is too large: {} MB of memory would hold it",
            layout.width,
            layout.height,
            layout.width.saturating_mul(layout.height) / 1_000_000 * 3
        ))
        .hint("show fewer pictures of each neuron with --top, or fewer neurons"));
    }
    let mut canvas = Raster::filled(layout.width, layout.height, PAPER);
    if let Some(title) = &figure.title {
        brush.line(&mut canvas, title, layout.title, TITLE);
    }
    for (index, (panel, place)) in figure.panels.iter().zip(&layout.panels).enumerate() {
        if index > 0 || figure.title.is_some() {
            rule(&mut canvas, Place { y: place.above.y - BETWEEN / 2, ..place.above });
        }
        brush.panel(&mut canvas, panel, place)?;
    }
    for (index, note) in notes.iter().enumerate() {
        let place = Place { y: layout.notes.y + index * LINE, height: LINE, ..layout.notes };
        brush.line(&mut canvas, note, place, QUIET);
    }
    Ok((canvas, layout))
}

/// The side of every picture's square.
fn tile(figure: &Figure) -> usize {
    let sides = figure.panels.iter().map(|panel| panel.image_size);
    layout::tile(sides.max().unwrap_or(0))
}

/// What a reader needs to know, below the pictures.
fn notes(figure: &Figure) -> Vec<String> {
    let mut notes = vec![
        "Below each picture: its class, → what the network takes it for where that is another, and \
         the neuron's activation."
            .to_owned(),
    ];
    let has_originals =
        figure.panels.iter().any(|panel| panel.rows.iter().any(|row| row.side == Side::Original));
    if has_originals {
        notes.push(
            "Originals: what the adversarial pictures above them were made of, with their rank \
             among all real images."
                .into(),
        );
    }
    notes.extend(figure.left_out().map(left_out_note));
    notes.extend(figure.look.map(|look| look_note(look).to_owned()));
    let mut runs: Vec<String> = Vec::new();
    for panel in &figure.panels {
        let step = panel.step.map(|step| format!(", step {step}")).unwrap_or_default();
        let run = format!("{} ({}){step}", panel.run, panel.title);
        if !runs.contains(&run) {
            runs.push(run);
        }
    }
    notes.push(format!("From {}.", runs.join(" and ")));
    notes
}

/// That rows show fewer pictures than the run kept.
pub(in crate::report) fn left_out_note((shown, kept): (usize, usize)) -> String {
    format!("Of each row the first {shown} of {kept} pictures.")
}

/// What the look of the pictures means.
pub(in crate::report) fn look_note(look: Look) -> &'static str {
    match look {
        Look::Lit => {
            "Lit is where the neuron's feature map lies above the value that 0.5 % of all positions \
             of real images exceed; the rest is dimmed to 0.2."
        }
        Look::Contour => {
            "The line runs around where the neuron's feature map lies above the value that 0.5 % of \
             all positions of real images exceed."
        }
        Look::Crop => {
            "Cut out is where the neuron's feature map lies above the value that 0.5 % of all \
             positions of real images exceed; a dimmed picture has no such place."
        }
    }
}

pub(super) struct Brush<'a> {
    pub typeface: Typeface,
    figure: &'a Figure,
    pub tile: usize,
}

impl Brush<'_> {
    /// Room for the longest name of a row.
    fn gutter(&self) -> usize {
        let rows = self.figure.panels.iter().flat_map(|panel| &panel.rows);
        let widest = rows.map(|row| self.typeface.width(row.side.word(), TEXT)).fold(0.0, f32::max);
        widest.ceil() as usize + GAP + GAP / 2
    }

    /// Whether each neuron has to say which run it is of.
    pub(super) fn has_runs(&self) -> bool {
        let which = |panel: &Panel| (panel.run.clone(), panel.step);
        let mut panels = self.figure.panels.iter();
        panels.next().is_some_and(|first| panels.any(|panel| which(panel) != which(first)))
    }

    fn content(&self, panel: &Panel) -> PanelContent {
        let rows = panel.rows.iter().map(|row| {
            let lines = row.pictures.iter().flatten().map(|shown| self.caption(shown).len());
            RowContent { pictures: row.pictures.len(), caption: lines.max().unwrap_or(0) }
        });
        PanelContent { above: usize::from(self.has_runs()), below: 1, rows: rows.collect() }
    }

    /// The lines below a picture.
    pub(super) fn caption(&self, shown: &Shown) -> Vec<(String, Style)> {
        let mut lines = self.names(shown);
        lines.push(shown.value());
        let last = lines.len() - 1;
        let style = |index| if index == last { QUIET } else { TEXT };
        lines.into_iter().enumerate().map(|(index, line)| (line, style(index))).collect()
    }

    fn names(&self, shown: &Shown) -> Vec<String> {
        let wrapped = |text: &str| self.typeface.wrapped(text, self.tile, NAME_LINES, TEXT);
        let Some(answer) = &shown.answer else { return wrapped(&shown.label) };
        let whole = format!("{} → {answer}", shown.label);
        if self.typeface.width(&whole, TEXT) <= self.tile as f32 {
            return vec![whole];
        }
        let mut lines = wrapped(&shown.label);
        lines.extend(wrapped(&format!("→ {answer}")));
        lines
    }

    fn panel(&self, canvas: &mut Raster, panel: &Panel, place: &layout::PanelLayout) -> Result<()> {
        if self.has_runs() {
            let step = panel.step.map(|step| format!(", step {step}")).unwrap_or_default();
            let run = format!("{}{step}", panel.title);
            self.line(canvas, &run, place.above, RUN);
            let beside = self.typeface.width(&run, RUN).ceil() as usize + 2 * GAP;
            self.line(canvas, &panel.run, moved(place.above, beside), QUIET);
        }
        self.line(canvas, &panel.name, place.name, HEAD);
        let beside = self.typeface.width(&panel.name, HEAD).ceil() as usize + 2 * GAP;
        let which = format!("{}, neuron {} of {}", panel.layer, panel.neuron, panel.neurons);
        // On the name's own baseline.
        let lower = Place { y: place.name.y + 10, height: place.name.height - 10, ..place.name };
        self.line(canvas, &which, moved(lower, beside), QUIET);
        self.line(canvas, &panel.story, place.below, TEXT);
        for (row, place) in panel.rows.iter().zip(&place.rows) {
            self.row(canvas, row, place)?;
        }
        Ok(())
    }

    fn row(&self, canvas: &mut Raster, row: &Row, place: &layout::RowLayout) -> Result<()> {
        let middle = Place { y: place.name.y + (self.tile - LINE) / 2, height: LINE, ..place.name };
        self.line(canvas, row.side.word(), middle, TEXT);
        for (shown, cell) in row.pictures.iter().zip(&place.cells) {
            match shown {
                Some(shown) => self.picture(canvas, shown, *cell)?,
                None => self.centred(canvas, "not kept", middle_of(cell.picture), QUIET),
            }
        }
        Ok(())
    }

    fn picture(&self, canvas: &mut Raster, shown: &Shown, cell: Cell) -> Result<()> {
        let picture = fitted(shown, self.figure.look, self.tile)?;
        let x = cell.picture.x + (self.tile.saturating_sub(picture.width)) / 2;
        let y = cell.picture.y + (self.tile.saturating_sub(picture.height)) / 2;
        for (row, pixels) in picture.pixels.chunks(picture.width.max(1)).enumerate() {
            let from = (y + row) * canvas.width + x;
            if let Some(line) = canvas.pixels.get_mut(from..from + pixels.len()) {
                line.copy_from_slice(pixels);
            }
        }
        for (index, (line, style)) in self.caption(shown).iter().enumerate() {
            let place = Place { y: cell.caption.y + index * LINE, height: LINE, ..cell.caption };
            self.centred(canvas, line, place, *style);
        }
        Ok(())
    }

    /// A line of text from the left end of a place, cut where it has no room.
    fn line(&self, canvas: &mut Raster, text: &str, place: Place, style: Style) {
        for line in self.typeface.wrapped(text, place.width, 1, style) {
            self.typeface.draw(canvas, &line, (place.x as f32, place.y as f32), style);
        }
    }

    fn centred(&self, canvas: &mut Raster, text: &str, place: Place, style: Style) {
        let free = place.width as f32 - self.typeface.width(text, style);
        let x = place.x as f32 + (free / 2.0).max(0.0);
        self.typeface.draw(canvas, text, (x, place.y as f32), style);
    }
}

/// The picture as large as its square allows, in its own proportions: tiny ones by a whole factor,
/// every pixel a square; photographs smoothly.
fn fitted(shown: &Shown, look: Option<Look>, tile: usize) -> Result<Raster> {
    let whole = shown.pixels()?;
    let picture = shown.enlarged(&whole, look, 1);
    let side = picture.width.max(picture.height).max(1);
    if whole.width.max(whole.height) <= layout::TINY {
        return Ok(shown.enlarged(&whole, look, (tile / side).max(1)));
    }
    let scaled = |length: usize| (length * tile).div_ceil(side).clamp(1, tile);
    Ok(picture.resized(scaled(picture.width), scaled(picture.height)))
}

pub(super) fn moved(place: Place, right: usize) -> Place {
    let right = right.min(place.width);
    Place { x: place.x + right, width: place.width - right, ..place }
}

pub(super) fn middle_of(place: Place) -> Place {
    Place { y: place.y + (place.height.saturating_sub(LINE)) / 2, height: LINE, ..place }
}

/// A thin line along the upper edge of a place.
fn rule(canvas: &mut Raster, place: Place) {
    for row in [place.y, place.y + 1] {
        let from = row * canvas.width + place.x;
        if let Some(line) = canvas.pixels.get_mut(from..from + place.width) {
            line.fill(RULE);
        }
    }
}

/// A PNG that says how large it is printed: a `pHYs` chunk behind `IHDR` (PNG, third edition,
/// 11.3.4.3).
pub(in crate::report) fn with_density(png: Vec<u8>, dots_an_inch: f64) -> Vec<u8> {
    // The signature, and IHDR: length, type, 13 bytes, checksum.
    const BEHIND_HEADER: usize = 8 + 4 + 4 + 13 + 4;
    const METRE: u8 = 1;
    let dots_a_metre = (dots_an_inch / 0.0254).round() as u32;
    let mut body = b"pHYs".to_vec();
    body.extend(dots_a_metre.to_be_bytes());
    body.extend(dots_a_metre.to_be_bytes());
    body.push(METRE);
    let mut checksum = flate2::Crc::new();
    checksum.update(&body);
    let mut chunk = (body.len() as u32 - 4).to_be_bytes().to_vec();
    chunk.extend(body);
    chunk.extend(checksum.sum().to_be_bytes());
    let mut png = png;
    let at = BEHIND_HEADER.min(png.len());
    png.splice(at..at, chunk);
    png
}
