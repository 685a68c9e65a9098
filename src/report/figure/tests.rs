//! Figures of a run folder as it lies on disk.

use super::fixture::{self, SIDE, color};
use super::*;
use crate::error::Error;

fn panel(source: &Source, index: usize, options: Options) -> Result<Panel> {
    let layer = source.layer("conv<5>")?;
    source.panel(layer, neuron(layer, index)?, options)
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error
}

#[test]
fn a_panel_is_named_by_what_its_real_pictures_have_in_common() {
    let root = tempfile::tempdir().unwrap();
    let source = fixture::source(root.path());
    let panel = panel(&source, 1, Options::default()).unwrap();
    assert_eq!((panel.name.as_str(), panel.rows.len()), ("dog", 2));
    assert_eq!(panel.story, "real: all 3 dog · adversarial: all 3 <bus>");
    let first = panel.rows[1].pictures[0].as_ref().unwrap();
    assert_eq!((first.caption().as_str(), first.value().as_str()), ("<bus>→tea & cup", "2.800"));
}

#[test]
fn what_is_not_there_is_answered_with_what_is() {
    let root = tempfile::tempdir().unwrap();
    let run = fixture::run(root.path(), "a", &fixture::neurons());
    let source = Source::open(&run, None).unwrap();
    let hint = |error: Error| error.hint.unwrap();
    assert_eq!(hint(refused(source.layer("conv9"))), "its layers: conv<5>");
    assert_eq!(hint(refused(panel(&source, 3, Options::default()))), "its neurons are 0 to 2");
    assert_eq!(hint(refused(Source::open(&run, Some(7)))), "it kept steps 400");
    assert_eq!(Source::open(&run, Some(400)).unwrap().neurons, source.neurons);
    let lit = Options { look: Some(Look::Lit), originals: false, ..Options::default() };
    assert!(hint(refused(panel(&source, 0, lit))).contains("glassbox run"));
    let originals = Options { look: None, originals: true, ..Options::default() };
    assert!(hint(refused(panel(&source, 0, originals))).contains("--originals"));
    std::fs::remove_file(run.path().join("results/neurons.json")).unwrap();
    assert!(refused(Source::open(&run, None)).message.contains("has no neurons to view"));
}

#[test]
fn originals_stand_below_their_adversarial_pictures() {
    let root = tempfile::tempdir().unwrap();
    let mut neurons = fixture::neurons();
    neurons.layers[0].neurons[1].adversarial[1].counterpart = None;
    let run = fixture::run(root.path(), "a", &neurons);
    let source = Source::open(&run, None).unwrap();
    let panel =
        panel(&source, 1, Options { look: None, originals: true, ..Options::default() }).unwrap();
    let row = &panel.rows[2];
    assert_eq!((row.side, row.pictures.len()), (Side::Original, 3));
    assert!(row.pictures[1].is_none());
    assert_eq!(row.pictures[0].as_ref().unwrap().value(), "0.5000 · rank 57");
    // What is missing leaves its place free.
    paint::painted(&Figure { title: None, look: None, panels: vec![panel] }).unwrap();
}

#[test]
fn a_figure_has_its_pictures_where_the_layout_says() {
    let root = tempfile::tempdir().unwrap();
    let source = fixture::source(root.path());
    for (look, lower) in [(None, 1.0), (Some(Look::Lit), 0.2)] {
        let options = Options { look, originals: false, ..Options::default() };
        let panels = vec![panel(&source, 1, options).unwrap()];
        let figure = Figure { title: Some("conv5".into()), look, panels };
        let (canvas, layout) = paint::painted(&figure).unwrap();
        assert_eq!((canvas.width, canvas.height), (layout.width, layout.height));
        for (row, class) in layout.panels[0].rows.iter().zip([0, 1]) {
            for cell in &row.cells {
                let place = cell.picture;
                assert_eq!(place.width % SIDE, 0, "whole factors");
                let at = |down: usize| {
                    canvas.pixels[(place.y + down) * canvas.width + place.x + place.width / 2]
                };
                let color = color(class, class == 1);
                assert_eq!(at(1), color);
                let dimmed = color.map(|level| (f64::from(level) * lower).round() as u8);
                assert_eq!(at(place.height - 1), dimmed);
                // Captions are ink on paper.
                let lines = canvas.pixels[cell.caption.y * canvas.width..]
                    .chunks(canvas.width)
                    .take(cell.caption.height);
                let across = cell.caption.x..cell.caption.x + cell.caption.width;
                let inked = lines.flat_map(|line| &line[across.clone()]).filter(|p| **p < [128; 3]);
                assert!(inked.count() > 50);
            }
        }
        assert_eq!(canvas.pixels[0], [255; 3]);
    }
}

#[test]
fn a_png_says_how_large_it_is_printed_and_is_read_by_others() {
    let root = tempfile::tempdir().unwrap();
    let source = fixture::source(root.path());
    let panels = vec![panel(&source, 1, Options::default()).unwrap()];
    let figure = Figure { title: None, look: None, panels };
    let bytes = png(&figure).unwrap();
    assert_eq!(&bytes[37..41], b"pHYs");
    assert_eq!(bytes[41..45], 11811_u32.to_be_bytes());
    let read = image::load_from_memory(&bytes).unwrap();
    let (canvas, _) = paint::painted(&figure).unwrap();
    assert_eq!((read.width() as usize, read.height() as usize), (canvas.width, canvas.height));
}

#[test]
fn cut_out_regions_and_contours_are_enlarged_with_their_pictures() {
    let root = tempfile::tempdir().unwrap();
    let source = fixture::source(root.path());
    let shown = |look| {
        let options = Options { look: Some(look), originals: false, ..Options::default() };
        panel(&source, 1, options).unwrap().rows[0].pictures[0].clone().unwrap()
    };
    let enlarged = |look, factor| {
        let shown = shown(look);
        shown.enlarged(&shown.pixels().unwrap(), Some(look), factor)
    };
    let crop = enlarged(Look::Crop, 3);
    // The upper half is as wide as the picture: no smaller square holds it.
    assert_eq!((crop.width, crop.height), (3 * SIDE, 3 * SIDE));
    let contour = enlarged(Look::Contour, 10);
    // A line of one pixel, closed, around the upper half.
    let (width, height) = (10 * SIDE, 10 * SIDE / 2);
    let line = contour.pixels.iter().filter(|pixel| **pixel == region::LINE).count();
    assert_eq!(line, 2 * width + 2 * (height - 2));
}

#[test]
fn a_damaged_run_folder_is_said_and_nothing_outside_it_is_read() {
    let root = tempfile::tempdir().unwrap();
    for path in ["../../x.png", "/etc/x.png"] {
        let mut neurons = fixture::neurons();
        neurons.layers[0].neurons[0].real[0].picture = path.into();
        let run = fixture::run(root.path(), "a", &neurons);
        let source = Source::open(&run, None).unwrap();
        let error = panel(&source, 0, Options::default()).unwrap_err();
        assert!(error.message.contains("outside"), "{error}");
    }
    let source = fixture::source(root.path());
    std::fs::remove_file(source.path().join("adversarial/1.png")).unwrap();
    let panels = vec![panel(&source, 1, Options::default()).unwrap()];
    let error = png(&Figure { title: None, look: None, panels }).unwrap_err();
    assert!(error.message.contains("adversarial/1.png"), "{error}");
    assert_eq!(error.exit_code(), 1);
    let strip = source.path().join("neurons/regions/1.png");
    image::GrayImage::new(2 * SIDE as u32, SIDE as u32).save(strip).unwrap();
    let lit = Options { look: Some(Look::Lit), originals: false, ..Options::default() };
    assert_eq!(panel(&source, 1, lit).unwrap_err().exit_code(), 1);
}

#[test]
fn neurons_that_disagree_most_come_first_and_silent_ones_are_left_out() {
    let root = tempfile::tempdir().unwrap();
    let source = fixture::source(root.path());
    let galleries = galleries(&source, 12, Options::default()).unwrap();
    let [gallery] = galleries.as_slice() else { panic!("{galleries:?}") };
    let order: Vec<usize> = gallery.figure.panels.iter().map(|panel| panel.neuron).collect();
    assert_eq!(order, [1, 0]);
    assert_eq!((gallery.neurons, gallery.silent), (3, 1));
    assert_eq!(gallery.order, Order::Disagreement);
    let mut neurons = fixture::neurons();
    neurons.layers[0].neurons.iter_mut().for_each(|neuron| neuron.adversarial.clear());
    let run = fixture::run(root.path(), "a", &neurons);
    let source = Source::open(&run, None).unwrap();
    let galleries = super::galleries(&source, 1, Options::default()).unwrap();
    let gallery = &galleries[0];
    assert_eq!((gallery.order, gallery.figure.panels[0].neuron), (Order::Activation, 0));
    assert!(gallery.figure.title.as_ref().unwrap().contains("1 of 3 neurons"));
}

#[test]
fn equals_stay_in_the_order_of_their_channel_as_on_the_screen() {
    let root = tempfile::tempdir().unwrap();
    let mut neurons = fixture::neurons();
    // Both keep their meaning; the second is excited more.
    let mut second = neurons.layers[0].neurons[0].clone();
    second.index = 1;
    second.real.iter_mut().for_each(|top| top.activation += 10.0);
    neurons.layers[0].neurons[1] = second;
    let source = Source::open(&fixture::run(root.path(), "a", &neurons), None).unwrap();
    let galleries = super::galleries(&source, 12, Options::default()).unwrap();
    let order: Vec<usize> = galleries[0].figure.panels.iter().map(|panel| panel.neuron).collect();
    assert_eq!(order, [0, 1]);
}

#[test]
fn rows_are_cut_where_that_was_asked_and_the_figure_says_so() {
    let root = tempfile::tempdir().unwrap();
    let source = fixture::source(root.path());
    let figure = |top| {
        let options = Options { top, originals: true, ..Options::default() };
        Figure { title: None, look: None, panels: vec![panel(&source, 1, options).unwrap()] }
    };
    assert_eq!(figure(None).left_out(), None);
    assert_eq!(figure(Some(3)).left_out(), None);
    let cut = figure(Some(2));
    assert!(cut.panels[0].rows.iter().all(|row| (row.pictures.len(), row.kept) == (2, 3)));
    assert_eq!(cut.left_out(), Some((2, 3)));
    assert!(super::left_out_note((2, 3)).contains("first 2 of 3"));
}

#[test]
fn many_neurons_come_on_pages_and_none_is_lost() {
    let root = tempfile::tempdir().unwrap();
    let source = fixture::source(root.path());
    let one = panel(&source, 1, Options::default()).unwrap();
    let panels: Vec<Panel> = (0..1_000).map(|neuron| Panel { neuron, ..one.clone() }).collect();
    let pages = Figure { title: Some("a".into()), look: None, panels }.pages();
    // Six pictures each, 1,200 a page.
    assert_eq!(pages.iter().map(|page| page.panels.len()).collect::<Vec<_>>(), [200; 5]);
    let neurons = pages.iter().flat_map(|page| &page.panels).map(|panel| panel.neuron);
    assert!(neurons.eq(0..1_000));
    let wide = Figure { title: None, look: None, panels: vec![one; 2_000] };
    let error = png(&wide).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.hint.unwrap().contains("--top"));
}
