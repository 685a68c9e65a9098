//! Pages of run folders as they lie on disk.

use super::*;
use crate::report::concept_tests;
use crate::report::figure::fixture::{self, SIDE};
use crate::report::figure::{Options, galleries};
use crate::report::region::Look;
use crate::run::folder::RunFolder;

fn page(folders: &[RunFolder], look: Option<Look>) -> (String, usize) {
    let report = Report::gather(folders).unwrap();
    let galleries: Vec<Gallery> = folders
        .iter()
        .flat_map(|folder| {
            let source = crate::report::figure::Source::open(folder, None).unwrap();
            galleries(&source, 12, Options { look, originals: false, ..Options::default() })
                .unwrap()
        })
        .filter(|gallery| !gallery.figure.panels.is_empty())
        .collect();
    let command =
        |panel: &Panel| format!("view --layer '{}' --neuron {}", panel.layer, panel.neuron);
    render(&Page { report: &report, galleries: &galleries, command: &command, drawings: &[] })
}

/// Every tag is closed in the order in which it was opened.
fn assert_well_formed(page: &str) {
    const VOID: [&str; 3] = ["meta", "img", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part.split_once('>').expect("a tag ends");
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{tag}"),
            None if VOID.contains(&name) || tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn a_page_holds_everything_and_fetches_nothing() {
    let root = tempfile::tempdir().unwrap();
    let run = fixture::run(root.path(), "</title><script>alert(1)</script>", &fixture::neurons());
    let (page, unread) = page(std::slice::from_ref(&run), None);
    assert_eq!(unread, 0);
    assert_well_formed(&page);
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    for part in [
        "<h1>&lt;/title&gt;&lt;script&gt;",
        "Neurons of conv&lt;5&gt;",
        "&lt;bus&gt;</span><span class=\"answer\">→ tea &amp; cup</span>",
        "2 of 3 neurons, by disagreement",
        "<code>view --layer &#39;conv&lt;5&gt;&#39; --neuron 1</code>",
        "class=\"tiny\"",
        &run.id(),
    ] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    // Two neurons of six pictures each, those that disagree first.
    assert_eq!(page.matches("<img").count(), 12);
    assert!(page.find("neuron 1 ").unwrap() < page.find("neuron 0 ").unwrap());
    let file = std::fs::read(run.path().join("adversarial/1.png")).unwrap();
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.encode(file);
    assert!(page.contains(&format!("data:image/png;base64,{bytes}\"")), "the file as it is");
}

#[test]
fn runs_are_named_only_where_there_are_several() {
    let root = tempfile::tempdir().unwrap();
    let runs = ["a", "b"].map(|title| fixture::run(root.path(), title, &fixture::neurons()));
    let (one, _) = page(&runs[..1], None);
    assert!(one.contains("<h3>Neurons of conv&lt;5&gt;</h3>") && one.contains("<dl"));
    let (two, _) = page(&runs, None);
    assert_well_formed(&two);
    assert!(
        two.contains("Neurons of conv&lt;5&gt;, b</h3>") && two.contains(&runs[1].id()),
        "{two}"
    );
    assert!(two.contains("<h1>2 runs</h1>") && two.contains("<td class=\"run\">b</td>"));
}

#[test]
fn a_picture_that_is_missing_leaves_its_place_and_is_counted() {
    let root = tempfile::tempdir().unwrap();
    let run = fixture::run(root.path(), "a", &fixture::neurons());
    std::fs::remove_file(run.path().join("adversarial/1.png")).unwrap();
    let (page, unread) = page(&[run], None);
    assert_eq!(unread, 3);
    assert_well_formed(&page);
    assert_eq!(page.matches("not readable").count(), 3);
    assert!(page.contains("3 of the pictures could not be read"), "{page}");
}

#[test]
fn large_pictures_are_shrunk_and_that_is_said() {
    let root = tempfile::tempdir().unwrap();
    let run = fixture::run(root.path(), "a", &fixture::neurons());
    let large = crate::report::raster::Raster::filled(320, 200, [9; 3]).png().unwrap();
    std::fs::write(run.path().join("adversarial/1.png"), large).unwrap();
    let (page, _) = page(&[run], None);
    assert!(page.contains("data:image/jpeg") && page.contains("width=\"160\" height=\"100\""));
    assert!(page.contains("Pictures are shown at 160 pixels"), "{page}");
}

#[test]
fn a_look_changes_the_pictures_and_is_explained() {
    let root = tempfile::tempdir().unwrap();
    let mut neurons = fixture::neurons();
    neurons.layers[0].neurons.remove(0);
    let run = fixture::run(root.path(), "a", &neurons);
    let (crop, _) = page(std::slice::from_ref(&run), Some(Look::Crop));
    // No smaller square holds the upper half.
    let size = format!("width=\"{SIDE}\" height=\"{SIDE}\"");
    assert!(crop.contains("Cut out is where") && crop.contains(&size), "{crop}");
    let (contour, _) = page(&[run], Some(Look::Contour));
    assert!(contour.contains("width=\"96\" height=\"96\""), "{contour}");
}

#[test]
fn what_neurons_mean_is_tables_curves_and_trees() {
    let root = tempfile::tempdir().unwrap();
    let report = Report::of(&[concept_tests::full(root.path())]).unwrap();
    let command = |_: &Panel| String::new();
    let (page, _) =
        render(&Page { report: &report, galleries: &[], command: &command, drawings: &[] });
    assert_well_formed(&page);
    for part in [
        "<h3>Table 1: neurons that detect a concept</h3>",
        ">real, shuffled labels</td>",
        "red | &lt;b&gt; (color)",
        "<h3>CS1 and CS2 along LC, conv5</h3>",
        "<title>CS1 and CS2 of the neurons of conv5, by their LC</title>",
        "entity › animal › ◆ dog (hound &lt;i&gt;)  100.00 %",
        "├─ animal",
    ] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    // Each once, at the end of its curve or in the legend.
    for curve in [">CS1</text>", ">CS2</text>", ">CS2, all classes alike</text>"] {
        assert_eq!(page.matches(curve).count(), 1, "{curve}");
    }
    assert!(!page.contains("<script") && !page.contains("://"), "nothing from elsewhere");
}
