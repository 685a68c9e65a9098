//! `glassbox view`: a neuron's pictures, real above adversarial, into the scrollback, or as a figure
//! in a PNG file. Where standard output is no terminal it prints one line a picture instead, fit for
//! `grep` and `cut`.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use image::{DynamicImage, Rgba, RgbaImage};

use super::print;
use crate::error::{Error, Result};
use crate::report::figure::{self, Figure, Options, Panel, Shown, Source};
use crate::report::region::Look;
use crate::run::folder::RunFolder;
use crate::run::write;
use crate::tui::capability;
use crate::tui::glyphs::Glyphs;
use crate::tui::pictures::encoder::filled;
use crate::tui::pictures::protocol::{self, Protocol, Route};
use crate::tui::pictures::{Picture, scale};
use crate::tui::terminal::query::{self, Answers, Tmux};
use crate::tui::text;
use crate::tui::theme::Depth;

/// How what drives a neuron is shown in its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Region {
    /// Not at all: the pictures as they are.
    Off,
    /// The rest is dimmed.
    Lit,
    /// A line around it.
    Contour,
    /// Cut out.
    Crop,
}

impl Region {
    /// As figures know it.
    pub fn look(self) -> Option<Look> {
        match self {
            Self::Off => None,
            Self::Lit => Some(Look::Lit),
            Self::Contour => Some(Look::Contour),
            Self::Crop => Some(Look::Crop),
        }
    }
}

/// What to print.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The tap's name.
    pub layer: &'a str,
    /// The channels; several only for a file.
    pub neurons: &'a [usize],
    /// What is shown besides the pictures.
    pub options: Options,
    /// The step of training to look at; `None` = the results.
    pub step: Option<u64>,
    /// Write a figure into this file instead.
    pub out: Option<&'a Path>,
    /// How pictures are wanted: `auto`, `off`, or a way that somebody insists on.
    pub images: &'a str,
    /// How long the terminal may take to say what it can.
    pub patience: Duration,
    /// Which characters may be printed. Half-blocks are none of the 7-bit ones.
    pub glyphs: Glyphs,
}

/// Prints neurons of runs, or writes their figure: each neuron in every run.
pub fn run(folders: &[RunFolder], view: View<'_>) -> Result<()> {
    if let Some(out) = view.out {
        let panels = panels(folders, View { options: in_figure(view.options), ..view })?;
        let figure = Figure { title: None, look: view.options.look, panels };
        if let Some((shown, kept)) = figure.left_out().filter(|_| view.options.top.is_none()) {
            print::talk(&format!(
                "note: the first {shown} of {kept} pictures of each row; --top {kept} draws all"
            ));
        }
        return save(&figure, out);
    }
    if view.neurons.len() > 1 {
        return Err(Error::bad_input("several neurons make a figure, which needs a file")
            .hint("add --out figure.png, or give one --neuron"));
    }
    let panels = panels(folders, view)?;
    if !std::io::stdout().is_terminal() {
        return print::text(
            &panels.iter().map(|panel| plain(panel, folders.len() > 1)).collect::<String>(),
        );
    }
    let route = ask(&view)?;
    panels.iter().try_for_each(|panel| show_panel(panel, view, route))
}

/// A figure of hundreds of pictures is asked for, not made by chance.
fn in_figure(options: Options) -> Options {
    Options { top: options.top.or(Some(figure::TOP)), ..options }
}

fn panels(folders: &[RunFolder], view: View<'_>) -> Result<Vec<Panel>> {
    let sources: Vec<Source> =
        folders.iter().map(|folder| Source::open(folder, view.step)).collect::<Result<_>>()?;
    let panel = |neuron: &usize, source: &Source| {
        let layer = source.layer(view.layer)?;
        source.panel(layer, figure::neuron(layer, *neuron)?, view.options)
    };
    view.neurons
        .iter()
        .flat_map(|neuron| sources.iter().map(move |source| panel(neuron, source)))
        .collect()
}

fn save(figure: &Figure, out: &Path) -> Result<()> {
    let is_png = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    if !is_png {
        return Err(Error::bad_input(format!(
            "a figure is written as PNG, not to '{}'",
            out.display()
        ))
        .hint("give --out a name that ends in .png"));
    }
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Error::bad_input(format!("there is no folder '{}'", folder.display()))
            .hint("make it first, or write elsewhere"));
    }
    write::whole(out, &figure::png(figure)?)?;
    print::text(&format!("{}\n", out.display()))
}

fn show_panel(panel: &Panel, view: View<'_>, route: Route) -> Result<()> {
    let step = panel.step.map(|step| format!(" · step {step}")).unwrap_or_default();
    let head = format!(
        "{} · {} · neuron {} of {}{step}\n{}\n",
        text::clean(&panel.run),
        text::clean(&panel.layer),
        panel.neuron,
        panel.neurons,
        text::clean(&panel.story),
    );
    print::text(&view.glyphs.text(&head))?;
    let depth = capability::depth(|name| std::env::var(name).ok()).value;
    let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns);
    for row in &panel.rows {
        print::text(&format!("\n{}\n", row.side.word()))?;
        let sheet = Sheet::new(columns, row.pictures.len());
        for row in row.pictures.chunks(sheet.tiles) {
            // viuer's half-blocks are coloured cells: without colours there is nothing to see.
            if view.images != "off" && depth >= Depth::Indexed && !view.glyphs.is_ascii() {
                show(&sheet, &decode(row, view.options.look), route, depth)?;
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
    let tmux = query::tmux(variable);
    let is_asked = plain.is_none()
        && std::io::stdin().is_terminal()
        && matches!(view.images, "auto" | "kitty" | "iterm2");
    let mut answers = Answers::default();
    if is_asked {
        let asked = query::ask_from_the_shell(tmux, view.patience);
        answers = asked
            .map_err(|error| Error::failed(format!("failed to ask the terminal: {error}")))?
            .answers;
    }
    let in_tmux = tmux == Tmux::Yes || answers.around.is_some();
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
    if route.protocol == Protocol::Half
        && let Some(why) = refusal(view.images, plain.as_deref(), in_tmux)
    {
        print::talk(&format!("note: --images {}: {why}; these are half-blocks", view.images));
    }
    Ok(route)
}

/// Why somebody who insists on a way to draw pictures gets half-blocks; `None` = nobody does.
fn refusal(images: &str, plain: Option<&str>, in_tmux: bool) -> Option<String> {
    match images {
        "kitty" | "iterm2" | "sixel" => {}
        _ => return None,
    }
    Some(match (plain, images) {
        (Some(why), _) => why.to_owned(),
        (None, "sixel") => "only the workbench draws sixels".into(),
        _ if in_tmux => "only the workbench finds the way through tmux".into(),
        (None, "iterm2") => "the terminal does not say that it is iTerm2 or WezTerm".into(),
        _ => "the terminal has not answered that it knows kitty's graphics".into(),
    })
}

/// `real  1  31.40  dog  dog  neurons/real/….png`, separated by tabs: row, rank, activation, true
/// class, the network's answer, picture; of several runs, the run.
fn plain(panel: &Panel, has_run: bool) -> String {
    let mut lines = String::new();
    for row in &panel.rows {
        for (rank, shown) in row.pictures.iter().enumerate() {
            let Some(shown) = shown else { continue };
            let _ = write!(
                lines,
                "{}\t{}\t{}\t{}\t{}\t{}",
                row.side.word(),
                rank + 1,
                shown.activation,
                text::clean(&shown.label),
                text::clean(shown.answer.as_ref().unwrap_or(&shown.label)),
                text::clean(&shown.name),
            );
            if has_run {
                let _ = write!(lines, "\t{}", text::clean(&panel.run));
            }
            lines.push('\n');
        }
    }
    lines
}

/// What cannot be read is left clear, and said.
fn decode(row: &[Option<Shown>], look: Option<Look>) -> Vec<Option<Picture>> {
    let load = |shown: &Option<Shown>| match shown.as_ref()?.looked_at(look) {
        Ok(picture) => Some(picture),
        Err(error) => {
            print::talk(&format!("note: {error}"));
            None
        }
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
    fn captions(&self, row: &[Option<Shown>]) -> String {
        let line = |words: &dyn Fn(&Shown) -> String| {
            let words = |shown: &Option<Shown>| shown.as_ref().map_or_else(String::new, words);
            let tiles: String =
                row.iter().map(|shown| text::pad(&words(shown), self.side) + " ").collect();
            tiles.trim_end().to_owned() + "\n"
        };
        line(&Shown::caption) + &line(&Shown::value)
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
    fn who_insists_is_told_why_not() {
        for images in ["auto", "half", "off"] {
            assert_eq!(refusal(images, Some("NO_COLOR is set"), true), None);
        }
        assert_eq!(refusal("kitty", Some("NO_COLOR is set"), true).unwrap(), "NO_COLOR is set");
        assert!(refusal("kitty", None, true).unwrap().contains("tmux"));
        assert!(refusal("kitty", None, false).unwrap().contains("not answered"));
        assert!(refusal("sixel", None, false).unwrap().contains("workbench"));
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

    fn shown(label: &str, answer: Option<&str>) -> Option<Shown> {
        let neurons = fixture::neurons();
        let root = tempfile::tempdir().unwrap();
        let info = &fixture::world(root.path()).runs[0].info;
        std::fs::write(root.path().join("run.json"), serde_json::to_vec(info).unwrap()).unwrap();
        std::fs::create_dir(root.path().join("results")).unwrap();
        let text = serde_json::to_vec(&neurons).unwrap();
        std::fs::write(root.path().join("results/neurons.json"), text).unwrap();
        let source = Source::open(&RunFolder::open(root.path()).unwrap(), None).unwrap();
        let layer = &source.neurons.layers[1];
        let panel = source.panel(layer, &layer.neurons[147], Options::default()).unwrap();
        let mut shown = panel.rows[1].pictures[0].clone()?;
        shown.label = label.into();
        shown.answer = answer.map(str::to_owned);
        Some(shown)
    }

    #[test]
    fn captions_stand_below_their_pictures() {
        let sheet = Sheet { tiles: 3, side: 16 };
        let row = [shown("frog", Some("dog")), None, shown("cup", None)];
        let captions = sheet.captions(&row);
        let lines: Vec<&str> = captions.lines().collect();
        assert!(lines[0].starts_with("frog→dog"), "{captions}");
        assert_eq!(lines[0].chars().position(|c| c == 'c'), Some(34), "{captions}");
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn plain_lines_name_the_run_where_there_are_several() {
        let row = figure::Row {
            side: figure::Side::Adversarial,
            pictures: vec![shown("frog", Some("dog")), None, shown("cup", None)],
            kept: 3,
        };
        let panel = Panel {
            run: "20260101-000000-a-0000".into(),
            title: "a".into(),
            step: None,
            layer: "conv5".into(),
            neuron: 3,
            neurons: 8,
            name: "dog".into(),
            story: String::new(),
            disagreement: None,
            image_size: 64,
            rows: vec![row],
        };
        let one = plain(&panel, false);
        let lines: Vec<Vec<&str>> = one.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(lines.len(), 2, "{one}");
        assert_eq!((lines[0][0], lines[0][1], lines[0][4]), ("adversarial", "1", "dog"));
        assert_eq!((lines[1][1], lines[1][4], lines[1].len()), ("3", "cup", 6));
        assert!(plain(&panel, true).lines().all(|line| line.ends_with("\t20260101-000000-a-0000")));
    }

    #[test]
    fn a_figure_has_so_many_pictures_a_row_unless_told() {
        assert_eq!(in_figure(Options::default()).top, Some(figure::TOP));
        assert_eq!(in_figure(Options { top: Some(100), ..Options::default() }).top, Some(100));
    }

    #[test]
    fn a_figure_goes_into_a_png_in_a_folder_that_is_there() {
        let figure = Figure { title: None, look: None, panels: Vec::new() };
        for name in ["figure.jpg", "figure", "/no/such/folder/figure.png"] {
            let error = save(&figure, Path::new(name)).unwrap_err();
            assert_eq!((error.exit_code(), error.hint.is_some()), (2, true), "{name}");
        }
    }
}
