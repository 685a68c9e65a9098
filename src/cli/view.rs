//! `glassbox view`: a neuron's pictures, real above adversarial, into the scrollback. Where standard
//! output is no terminal it prints one line a picture instead, fit for `grep` and `cut`.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use image::{DynamicImage, Rgba, RgbaImage};

use super::print;
use crate::error::{Error, Result};
use crate::run::folder::RunFolder;
use crate::run::results::neurons::{Layer, Neuron, Neurons, TopImage};
use crate::spec;
use crate::tui::capability;
use crate::tui::glyphs::Glyphs;
use crate::tui::number;
use crate::tui::pictures::encoder::filled;
use crate::tui::pictures::protocol::{self, Protocol, Route};
use crate::tui::pictures::{Picture, Request, decoder, scale};
use crate::tui::terminal::query::{self, Answers};
use crate::tui::text;
use crate::tui::theme::Depth;

/// What to print.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The tap's name.
    pub layer: &'a str,
    /// The channel.
    pub neuron: usize,
    /// How pictures are wanted: `auto`, `off`, or a way that somebody insists on.
    pub images: &'a str,
    /// How long the terminal may take to say what it can.
    pub patience: Duration,
    /// Which characters may be printed. Half-blocks are none of the 7-bit ones.
    pub glyphs: Glyphs,
}

/// Prints one neuron of a run.
pub fn run(folder: &RunFolder, view: View<'_>) -> Result<()> {
    let Some(neurons) = folder.result::<Neurons>("neurons")? else { return Err(nothing(folder)) };
    let layer = find_layer(&neurons, view.layer)?;
    let neuron = find_neuron(layer, view.neuron)?;
    if !std::io::stdout().is_terminal() {
        return print::text(&plain(neuron));
    }
    let head = format!(
        "{} · {} · neuron {} of {}\n{}\n",
        text::clean(&folder.id()),
        text::clean(&layer.layer),
        neuron.index,
        layer.neurons.len(),
        text::clean(&neuron.story()),
    );
    print::text(&view.glyphs.text(&head))?;
    let depth = capability::depth(|name| std::env::var(name).ok()).value;
    let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns);
    let route = ask(&view)?;
    for (title, images) in [("real", &neuron.real), ("adversarial", &neuron.adversarial)] {
        if images.is_empty() {
            continue;
        }
        print::text(&format!("\n{title}\n"))?;
        let sheet = Sheet::new(columns, images.len());
        for row in images.chunks(sheet.tiles) {
            // viuer's half-blocks are coloured cells: without colours there is nothing to see.
            if view.images != "off" && depth >= Depth::Indexed && !view.glyphs.is_ascii() {
                show(&sheet, &decode(folder.path(), row), route, depth)?;
            }
            print::text(&view.glyphs.text(&sheet.captions(row)))?;
        }
    }
    Ok(())
}

/// How the terminal draws pictures. It is asked here, with a deadline: viuer's own questions have none,
/// so it is let ask only what was answered just now.
fn ask(view: &View<'_>) -> Result<Route> {
    let variable = |name: &str| std::env::var(name).ok();
    let plain = capability::plain(variable, view.glyphs.is_ascii());
    let in_tmux = query::is_in_tmux(variable);
    let is_asked = plain.is_none()
        && std::io::stdin().is_terminal()
        && matches!(view.images, "auto" | "kitty" | "iterm2");
    let mut answers = Answers::default();
    if is_asked {
        let asked = query::ask_from_the_shell(in_tmux, view.patience);
        answers = asked
            .map_err(|error| Error::failed(format!("failed to ask the terminal: {error}")))?
            .answers;
    }
    let mut route = protocol::choose(&answers, view.images, plain.as_deref()).value;
    let is_possible = match route.protocol {
        // Straight to the terminal: viuer knows no way through tmux.
        Protocol::Kitty => answers.graphics && !in_tmux,
        Protocol::Iterm2 => !in_tmux && viuer::is_iterm_supported(),
        // viuer's sixel takes a C library, and its size in cells is not ours.
        Protocol::Sixel | Protocol::Half => false,
    };
    if !is_possible {
        route.protocol = Protocol::Half;
    }
    Ok(route)
}

/// Why there are no neurons, and what brings them.
fn nothing(folder: &RunFolder) -> Error {
    let id = folder.id();
    let error = Error::bad_input(format!("run '{id}' has no neurons to view"));
    let planned = spec::read_resolved(&folder.path().join("spec.toml"))
        .is_ok_and(|spec| spec.neurons.is_some());
    let status = folder.status().map(|(_, status)| status);
    match status {
        Ok(status) if planned && status.is_live() => {
            error.hint(format!("it has not come that far: glassbox watch {id}"))
        }
        Ok(status) if planned => error
            .hint(format!("it is {} and never came that far: glassbox resume {id}", status.word())),
        _ => error.hint("a spec with a [neurons] section makes them: glassbox run quickstart"),
    }
}

fn find_layer<'a>(neurons: &'a Neurons, name: &str) -> Result<&'a Layer> {
    neurons.layers.iter().find(|layer| layer.layer == name).ok_or_else(|| {
        let names: Vec<&str> = neurons.layers.iter().map(|layer| layer.layer.as_str()).collect();
        Error::bad_input(format!("the run looked at no layer '{name}'"))
            .hint(format!("its layers: {}", names.join(", ")))
    })
}

fn find_neuron(layer: &Layer, index: usize) -> Result<&Neuron> {
    layer.neurons.iter().find(|neuron| neuron.index == index).ok_or_else(|| {
        let last = layer.neurons.iter().map(|neuron| neuron.index).max().unwrap_or(0);
        Error::bad_input(format!("layer '{}' has no neuron {index}", layer.layer))
            .hint(format!("its neurons are 0 to {last}"))
    })
}

/// `real  1  31.40  dog  dog  neurons/real/….png`, separated by tabs: row, rank, activation, true
/// class, the network's answer, picture.
fn plain(neuron: &Neuron) -> String {
    let mut lines = String::new();
    for (row, images) in [("real", &neuron.real), ("adversarial", &neuron.adversarial)] {
        for (rank, top) in images.iter().enumerate() {
            let _ = writeln!(
                lines,
                "{row}\t{}\t{}\t{}\t{}\t{}",
                rank + 1,
                top.activation,
                text::clean(&top.label),
                text::clean(&top.prediction),
                text::clean(&top.picture),
            );
        }
    }
    lines
}

fn decode(folder: &Path, row: &[TopImage]) -> Vec<Option<Picture>> {
    let load = |top: &TopImage| {
        let loaded = decoder::load(&Request::File(folder.join(&top.picture)));
        loaded.picture.ok().map(|picture| Picture::clone(&picture))
    };
    row.iter().map(load).collect()
}

/// Pixels across and down a half-block's cell.
const HALF: (usize, usize) = (1, 2);

/// How pictures stand in a row, in cells.
#[derive(Debug, PartialEq, Eq)]
struct Sheet {
    /// In a row.
    tiles: usize,
    /// Across; half as many down.
    side: usize,
}

// 14: five in a row of 80 columns, still plain to see. 32: more would push the rows out of sight.
const SIDES: (usize, usize) = (14, 32);

impl Sheet {
    fn new(columns: u16, images: usize) -> Self {
        let columns = usize::from(columns).max(SIDES.0);
        let most = ((columns + 1) / (SIDES.0 + 1)).clamp(1, images.max(1));
        // As many in the last row as in the others, or nearly.
        let rows = images.max(1).div_ceil(most);
        let tiles = images.max(1).div_ceil(rows);
        let side = ((columns + 1) / tiles - 1).min(SIDES.1);
        // Half-blocks hold two pixels: an odd last row would stand alone.
        Self { tiles, side: side / 2 * 2 }
    }

    /// One image that holds a row of pictures, clear between them; `cell`: pixels across and down a
    /// cell, 1 and 2 for half-blocks.
    fn strip(&self, row: &[Option<Picture>], cell: (usize, usize)) -> RgbaImage {
        let width = row.len() * (self.side + 1) - usize::from(!row.is_empty());
        let room = (self.side * cell.0, self.side / 2 * cell.1);
        let mut strip = RgbaImage::new((width * cell.0) as u32, room.1 as u32);
        for (index, picture) in row.iter().enumerate() {
            let Some(picture) = picture else { continue };
            let size = (picture.width, picture.height);
            let size = if cell == HALF { scale::fit(size, room) } else { filled(size, room) };
            let small = scale::resize(picture, size.0, size.1);
            for (at, [r, g, b]) in small.pixels.iter().enumerate() {
                let (x, y) = (index * (self.side + 1) * cell.0 + at % size.0, at / size.0);
                strip.put_pixel(x as u32, y as u32, Rgba([*r, *g, *b, 255]));
            }
        }
        strip
    }

    /// The lines below a row: classes, activations.
    fn captions(&self, row: &[TopImage]) -> String {
        let line = |words: &dyn Fn(&TopImage) -> String| {
            let tiles: String =
                row.iter().map(|top| text::pad(&words(top), self.side) + " ").collect();
            tiles.trim_end().to_owned() + "\n"
        };
        line(&TopImage::caption) + &line(&|top: &TopImage| number::value(top.activation))
    }
}

/// A row of pictures, exactly as many cells wide as the captions below it expect.
fn show(sheet: &Sheet, row: &[Option<Picture>], route: Route, depth: Depth) -> Result<()> {
    let cell = match route.protocol {
        Protocol::Half => HALF,
        _ => (usize::from(route.cell.width), usize::from(route.cell.height)),
    };
    let strip = sheet.strip(row, cell);
    let config = viuer::Config {
        transparent: true,
        absolute_offset: false,
        width: Some(strip.width() / cell.0 as u32),
        height: Some(strip.height() / cell.1 as u32),
        truecolor: depth == Depth::True,
        use_kitty: route.protocol == Protocol::Kitty,
        use_iterm: route.protocol == Protocol::Iterm2,
        ..viuer::Config::default()
    };
    viuer::print(&DynamicImage::ImageRgba8(strip), &config)
        .map(drop)
        .map_err(|error| Error::failed(format!("failed to print a picture: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn a_row_fits_the_terminal_and_its_pictures_stay_recognisable() {
        assert_eq!(Sheet::new(80, 9), Sheet { tiles: 5, side: 14 });
        assert_eq!(Sheet::new(120, 9), Sheet { tiles: 5, side: 22 });
        assert_eq!(Sheet::new(200, 9), Sheet { tiles: 9, side: 20 });
        assert_eq!(Sheet::new(0, 9).tiles, 1);
        for columns in 1..300 {
            let sheet = Sheet::new(columns, 9);
            assert!(sheet.tiles * (sheet.side + 1) <= usize::from(columns).max(14) + 1);
        }
    }

    #[test]
    fn a_strip_holds_its_pictures_and_leaves_gaps_clear() {
        let sheet = Sheet { tiles: 2, side: 16 };
        let picture = |shade| Picture { width: 8, height: 8, pixels: vec![[shade; 3]; 64] };
        let row = [Some(picture(10)), None, Some(picture(30))];
        let strip = sheet.strip(&row, HALF);
        assert_eq!(strip.dimensions(), (50, 16));
        assert_eq!(strip.get_pixel(15, 15).0, [10, 10, 10, 255]);
        assert_eq!(strip.get_pixel(16, 0).0[3], 0);
        assert_eq!(strip.get_pixel(20, 5).0[3], 0);
        assert_eq!(strip.get_pixel(34, 0).0, [30, 30, 30, 255]);
        // The same in real pixels: the third picture begins above its caption.
        let strip = sheet.strip(&row, (10, 20));
        assert_eq!(strip.dimensions(), (500, 160));
        assert_eq!(strip.get_pixel(339, 0).0[3], 0);
        assert_eq!(strip.get_pixel(340, 159).0, [30, 30, 30, 255]);
    }

    #[test]
    fn captions_stand_below_their_pictures() {
        let neurons = fixture::neurons();
        let neuron = &neurons.layers[1].neurons[147];
        let captions = Sheet { tiles: 3, side: 16 }.captions(&neuron.adversarial[..3]);
        let lines: Vec<&str> = captions.lines().collect();
        assert!(lines[0].starts_with("frog→dog"), "{captions}");
        assert_eq!(lines[0].chars().take(17).count(), 17);
        assert_eq!(plain(neuron).lines().count(), 18);
        assert!(plain(neuron).starts_with("real\t1\t"));
    }

    #[test]
    fn a_run_without_neurons_says_what_brings_them() {
        let root = tempfile::tempdir().unwrap();
        let info = &fixture::world(root.path()).runs[0].info;
        std::fs::write(root.path().join("run.json"), serde_json::to_vec(info).unwrap()).unwrap();
        let folder = RunFolder::open(root.path()).unwrap();
        let glyphs = Glyphs::Unicode;
        let patience = Duration::from_millis(50);
        let view = View { layer: "conv5", neuron: 0, images: "half", patience, glyphs };
        let error = run(&folder, view).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.hint.unwrap().contains("[neurons]"));
    }

    #[test]
    fn what_is_not_there_is_answered_with_what_is() {
        let neurons = fixture::neurons();
        let error = find_layer(&neurons, "conv9").unwrap_err();
        assert_eq!(
            (error.exit_code(), error.hint.as_deref()),
            (2, Some("its layers: conv4, conv5"))
        );
        let error = find_neuron(&neurons.layers[0], 64).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("its neurons are 0 to 63"));
    }
}
