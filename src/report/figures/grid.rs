//! Rows of pictures with words beside and below them.

use crate::error::Result;
use crate::report::drawing::{Anchor, Drawing, Item, Measure, Picture, Role, Stroke, Text};

/// As wide as six pictures.
pub(super) const WIDTH: f64 = 620.0;
const TILE: f64 = 92.0;
const GAP: f64 = 10.0;
const SIZE: f64 = 12.0;
const LINE: f64 = 15.0;

/// A row of pictures.
pub(super) struct Row {
    /// Above it.
    pub name: String,
    /// Beside the name.
    pub about: String,
    pub pictures: Vec<Shown>,
    /// What stands there if it has none.
    pub nothing: &'static str,
}

/// A picture and what stands below it.
pub(super) struct Shown {
    pub picture: Picture,
    pub lines: Vec<String>,
    /// Whether the outermost pixels are a rim in the accent's colour.
    pub is_marked: bool,
}

/// All rows below a heading.
pub(super) fn drawing(title: &str, heading: &str, about: &str, rows: &[Row]) -> Result<Drawing> {
    let measure = Measure::new()?;
    let mut drawing = Drawing::new(WIDTH, 0.0, title);
    let mut y = 20.0;
    let beside = measure.width(heading, 17.0, true) + 12.0;
    drawing.write(Text::new([4.0, y], 17.0, heading).bold());
    let about = measure.cut(about, SIZE, false, (WIDTH - beside - 8.0).max(0.0));
    drawing.write(Text::new([4.0 + beside, y], SIZE, about).role(Role::Muted));
    for row in rows {
        y = draw(&mut drawing, &measure, row, y + 26.0);
    }
    drawing.size[1] = y + 6.0;
    Ok(drawing)
}

fn draw(drawing: &mut Drawing, measure: &Measure, row: &Row, top: f64) -> f64 {
    let beside = measure.width(&row.name, 13.0, true) + 10.0;
    drawing.write(Text::new([4.0, top], 13.0, &row.name).bold());
    let about = measure.cut(&row.about, SIZE, false, (WIDTH - beside - 8.0).max(0.0));
    drawing.write(Text::new([4.0 + beside, top], SIZE, about).role(Role::Muted));
    if row.pictures.is_empty() {
        let nothing = Text::new([4.0, top + 20.0], SIZE, row.nothing).role(Role::Muted);
        drawing.write(nothing);
        return top + 20.0;
    }
    let columns = ((WIDTH - 8.0 + GAP) / (TILE + GAP)).floor() as usize;
    let mut y = top + 10.0;
    for block in row.pictures.chunks(columns.max(1)) {
        let lines = block.iter().map(|shown| shown.lines.len()).max().unwrap_or(0);
        for (at, shown) in block.iter().enumerate() {
            let x = 4.0 + at as f64 * (TILE + GAP);
            tile(drawing, measure, shown, [x, y], TILE);
        }
        y += TILE + 6.0 + lines as f64 * LINE + GAP / 2.0;
    }
    y - GAP / 2.0
}

/// A picture in a square, and its lines below.
pub(super) fn tile(
    drawing: &mut Drawing,
    measure: &Measure,
    shown: &Shown,
    [x, y]: [f64; 2],
    side: f64,
) {
    drawing.items.push(Item::Picture {
        at: [x, y],
        side,
        picture: shown.picture.clone(),
        about: shown.lines.join(", "),
    });
    if shown.is_marked {
        let (at, size) = ([x - 1.5, y - 1.5], [side + 3.0; 2]);
        let line = Some(Stroke::of(Role::Accent, 2.5));
        drawing.items.push(Item::Rectangle { at, size, fill: None, line });
    }
    for (at, line) in shown.lines.iter().enumerate() {
        let line = measure.cut(line, SIZE, false, side + GAP - 2.0);
        let role = if at == 0 { Role::Ink } else { Role::Muted };
        let place = [x + side / 2.0, y + side + 14.0 + at as f64 * LINE];
        drawing.write(Text::new(place, SIZE, line).anchored(Anchor::Middle).role(role));
    }
}
