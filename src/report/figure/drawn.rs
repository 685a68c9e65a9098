//! A figure as a drawing, laid out as its PNG is, two pixels of that a unit.

use super::layout::{self, BETWEEN, LINE, Place};
use super::paint::{HEAD, Plan, QUIET, RUN, TEXT, TITLE, middle_of, moved, plan};
use super::typeface::Style;
use super::{Figure, Panel, Row, Shown};
use crate::error::Result;
use crate::report::drawing::{Anchor, Drawing, Item, Picture, Role, Stroke, Text};

/// A unit of the drawing, in pixels of the layout.
const UNIT: f64 = 2.0;

/// The figure as a drawing; its pictures are read when that is written.
pub(in crate::report) fn drawing(figure: &Figure, title: &str) -> Result<Drawing> {
    let plan = plan(figure)?;
    let (width, height) = (plan.layout.width as f64, plan.layout.height as f64);
    let mut drawing = Drawing::new(width / UNIT, height / UNIT, title);
    drawing.description = figure.panels.iter().map(about).collect::<Vec<_>>().join(" ");
    let mut pen = Pen { drawing, plan: &plan, figure };
    if let Some(title) = &figure.title {
        pen.line(title, plan.layout.title, TITLE);
    }
    for (index, (panel, place)) in figure.panels.iter().zip(&plan.layout.panels).enumerate() {
        if index > 0 || figure.title.is_some() {
            let y = (place.above.y - BETWEEN / 2) as f64 / UNIT;
            let [left, right] = [place.above.x, place.above.x + place.above.width];
            let rule = Stroke::of(Role::Grid, 1.0);
            pen.drawing.line([left as f64 / UNIT, y], [right as f64 / UNIT, y], rule);
        }
        pen.panel(panel, place);
    }
    for (index, note) in plan.notes.iter().enumerate() {
        let place = Place { y: plan.layout.notes.y + index * LINE, ..plan.layout.notes };
        pen.line(note, place, QUIET);
    }
    Ok(pen.drawing)
}

/// For whoever can't see it.
fn about(panel: &Panel) -> String {
    format!("Neuron {} of {}: {}. {}.", panel.neuron, panel.layer, panel.name, panel.story)
}

struct Pen<'a> {
    drawing: Drawing,
    plan: &'a Plan<'a>,
    figure: &'a Figure,
}

impl Pen<'_> {
    fn panel(&mut self, panel: &Panel, place: &layout::PanelLayout) {
        let brush = &self.plan.brush;
        if brush.has_runs() {
            let step = panel.step.map(|step| format!(", step {step}")).unwrap_or_default();
            let run = format!("{}{step}", panel.title);
            self.line(&run, place.above, RUN);
            let beside = self.beside(&run, RUN);
            self.line(&panel.run, moved(place.above, beside), QUIET);
        }
        self.line(&panel.name, place.name, HEAD);
        let which = format!("{}, neuron {} of {}", panel.layer, panel.neuron, panel.neurons);
        // On the name's own baseline.
        let lower = Place { y: place.name.y + 10, height: place.name.height - 10, ..place.name };
        self.line(&which, moved(lower, self.beside(&panel.name, HEAD)), QUIET);
        self.line(&panel.story, place.below, TEXT);
        for (row, place) in panel.rows.iter().zip(&place.rows) {
            self.row(row, place);
        }
    }

    /// How far right something stands beside a text.
    fn beside(&self, text: &str, style: Style) -> usize {
        // A page's own typeface is often wider than ours.
        (1.12 * self.plan.brush.typeface.width(text, style)).ceil() as usize + 2 * layout::GAP
    }

    fn row(&mut self, row: &Row, place: &layout::RowLayout) {
        let tile = self.plan.brush.tile;
        let middle = Place { y: place.name.y + (tile - LINE) / 2, height: LINE, ..place.name };
        self.line(row.side.word(), middle, TEXT);
        for (shown, cell) in row.pictures.iter().zip(&place.cells) {
            match shown {
                Some(shown) => self.picture(shown, *cell),
                None => self.centred("not kept", middle_of(cell.picture), QUIET),
            }
        }
    }

    fn picture(&mut self, shown: &Shown, cell: layout::Cell) {
        self.drawing.items.push(Item::Picture {
            at: [cell.picture.x as f64 / UNIT, cell.picture.y as f64 / UNIT],
            side: cell.picture.width as f64 / UNIT,
            picture: Picture::Shown(Box::new(shown.clone()), self.figure.look),
            about: shown.caption(),
        });
        for (index, (line, style)) in self.plan.brush.caption(shown).iter().enumerate() {
            let place = Place { y: cell.caption.y + index * LINE, height: LINE, ..cell.caption };
            self.centred(line, place, *style);
        }
    }

    fn line(&mut self, text: &str, place: Place, style: Style) {
        for line in self.plan.brush.typeface.wrapped(text, place.width, 1, style) {
            self.write(line, place.x as f64, place, style, Anchor::Start);
        }
    }

    fn centred(&mut self, text: &str, place: Place, style: Style) {
        let middle = place.x as f64 + place.width as f64 / 2.0;
        self.write(text.to_owned(), middle, place, style, Anchor::Middle);
    }

    fn write(&mut self, text: String, x: f64, place: Place, style: Style, anchor: Anchor) {
        let role = if style.color == QUIET.color { Role::Muted } else { Role::Ink };
        let at = [x / UNIT, (place.y as f64 + style.ascent()) / UNIT];
        let mut text = Text::new(at, style.em() / UNIT, text).anchored(anchor).role(role);
        text.bold = style.bold;
        self.drawing.write(text);
    }
}
