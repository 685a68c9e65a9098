//! Neurons out of the terminal: figures as PNG, reports as HTML.

use std::path::Path;
use std::process::Output;

use crate::runs::{Runs, SMALL, with};

fn stdout(runs: &Runs, words: &[&str]) -> String {
    let output = runs.glassbox(words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What kept no run from being made, but this from being done.
fn refused(runs: &Runs, words: &[&str]) -> String {
    let output = runs.glassbox(words).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{words:?}: {}", said(&output));
    assert!(output.stdout.is_empty(), "{words:?}");
    said(&output)
}

fn size(path: &Path) -> (u32, u32) {
    image::image_dimensions(path).unwrap()
}

#[test]
fn a_neuron_leaves_the_terminal_as_a_figure_and_a_page() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    stdout(&runs, &with(&["run", "quickstart", "--json"], SMALL));
    stdout(&runs, &with(&["run", "quickstart", "--json", "--set", "seed=2"], SMALL));
    let ids: Vec<String> = {
        let list: serde_json::Value =
            serde_json::from_str(&stdout(&runs, &["runs", "--json"])).unwrap();
        let id = |run: &serde_json::Value| run["id"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(id).collect()
    };

    let one = folder.path().join("one.png");
    let neuron = ["view", &ids[0], "--layer", "conv2", "--neuron", "3"];
    let words = [&neuron[..], &["--out", one.to_str().unwrap()]].concat();
    assert_eq!(stdout(&runs, &words).trim_end(), one.to_str().unwrap());
    let two = folder.path().join("two.png");
    let words = [&neuron[..], &["--with", &ids[1], "--out", two.to_str().unwrap()]].concat();
    stdout(&runs, &words);
    let ((wide, low), (as_wide, high)) = (size(&one), size(&two));
    assert!(as_wide == wide && high > low + low / 2, "{low} {high}");
    let words = [&neuron[..], &["--neuron", "4", "--out", two.to_str().unwrap()]].concat();
    stdout(&runs, &words);
    assert!(size(&two).1 > low + low / 2);
    // One line a picture, with the run where there are two.
    let lines = stdout(&runs, &[&neuron[..], &["--with", &ids[1]]].concat());
    assert_eq!(lines.lines().filter(|line| line.ends_with(&format!("\t{}", ids[1]))).count(), 4);

    let page = stdout(&runs, &["report", &ids[0], "--format", "html", "--neurons", "3"]);
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert_eq!(page.matches("<figure>").count(), 3);
    // Other figures are drawn, and may hold pictures, too.
    let galleries =
        page.split("<figure>").skip(1).filter_map(|rest| rest.split("</figure>").next());
    let pictures = |figure: &str| figure.matches("data:image/png;base64,").count();
    assert_eq!(galleries.map(pictures).collect::<Vec<_>>(), [4; 3]);
    let command = format!("glassbox view {} --layer conv2 --neuron ", ids[0]);
    assert!(page.contains(&command) && page.contains("3 of 32 neurons"), "{command}");
    assert!(page.contains("accuracy, clean and under attack"));

    let out = folder.path().join("figures");
    let words = ["report", &ids[0], &ids[1], "--format", "png", "--out", out.to_str().unwrap()];
    let named = stdout(&runs, &words);
    let files = [0, 1].map(|at| out.join(format!("{}-neurons-conv2.png", ids[at])));
    let named: Vec<&Path> = named.lines().map(Path::new).collect();
    assert!(files.iter().all(|file| named.contains(&file.as_path())), "{named:?}");
    assert!(named.iter().all(|file| size(file).0 > 0), "every one is a picture");
    assert!(files.iter().all(|file| size(file).1 > low));
}

#[test]
fn what_cannot_be_drawn_is_bad_input_with_a_way_out() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    stdout(&runs, &with(&["run", "quickstart", "--json"], SMALL));
    let out = folder.path().join("a.png");
    let out = out.to_str().unwrap();
    let view = ["view", "last", "--layer", "conv2"];
    for (rest, part) in [
        (&["--neuron", "999", "--out", out][..], "its neurons are 0 to 31"),
        (&["--neuron", "1", "--neuron", "2"], "--out figure.png"),
        (&["--neuron", "1", "--out", "a.jpg"], ".png"),
        (&["--neuron", "1", "--out", "/no/such/folder/a.png"], "there is no folder"),
        (&["--neuron", "1", "--step", "3", "--out", out], "no look at its neurons at step 3"),
        (&["--neuron", "1", "--with", "nobody"], "there is no run 'nobody'"),
        (&["--neuron", "1", "--region", "glow"], "possible values: off, lit, contour, crop"),
    ] {
        let error = refused(&runs, &[&view[..], rest].concat());
        assert!(error.contains(part), "{rest:?}: {error}");
    }
    let error = refused(&runs, &["view", "last", "--layer", "conv9", "--neuron", "1"]);
    assert!(error.contains("its layers: conv2"), "{error}");
    let error = refused(&runs, &["report", "last", "--format", "png"]);
    assert!(error.contains("--out DIR"), "{error}");
    let error = refused(&runs, &["report", "last", "--region", "lit"]);
    assert!(error.contains("--format html"), "{error}");
    assert!(!Path::new(out).exists());
}

/// Every figure's own command makes exactly that figure: the report's, byte by byte.
#[test]
fn the_command_of_a_figure_makes_it() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    stdout(&runs, &with(&["run", "quickstart", "--json"], SMALL));
    stdout(&runs, &with(&["run", "quickstart", "--json", "--set", "seed=2"], SMALL));
    let ids: Vec<String> = {
        let list: serde_json::Value =
            serde_json::from_str(&stdout(&runs, &["runs", "--json"])).unwrap();
        let id = |run: &serde_json::Value| run["id"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(id).collect()
    };
    let folders: Vec<_> = ids
        .iter()
        .map(|id| glassbox::run::folder::RunFolder::resolve(&runs.root(), id).unwrap())
        .collect();
    let report = glassbox::report::Report::gather(&folders).unwrap();
    let figures = glassbox::report::figures::of(&report, &folders).unwrap();
    let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
    for expected in ["curves-loss", "accuracies", "beside-conv2"] {
        assert!(names.contains(&expected), "{names:?}");
    }
    for figure in &figures {
        // As a shell reads it: in a folder of its own, with the program under its name.
        let glassbox = runs.glassbox(&[]);
        let mut shell = std::process::Command::new("sh");
        shell.current_dir(folder.path());
        for (name, value) in glassbox.get_envs().filter_map(|(name, value)| Some((name, value?))) {
            shell.env(name, value);
        }
        let program = glassbox.get_program().to_string_lossy().into_owned();
        let start = format!("glassbox() {{ \"{program}\" \"$@\"; }}; {}", figure.command);
        let output = shell.arg("-c").arg(start).output().unwrap();
        assert!(output.status.success(), "{}: {}", figure.command, said(&output));
        let file = folder.path().join(format!("figures/{}.svg", figure.name));
        let expected = figure.svg(glassbox::report::figures::Ink::Alone).unwrap();
        assert!(std::fs::read_to_string(&file).unwrap() == expected, "{}", figure.command);
    }
    // One to standard output, and what there is not.
    let svg = stdout(&runs, &["report", &ids[0], "--figure", "accuracies"]);
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    let error = refused(&runs, &["report", &ids[0], "--figure", "nothing"]);
    assert!(error.contains("curves-loss") && error.contains("neurons-conv2"), "{error}");
    let error = refused(&runs, &["report", &ids[0], "--figure", "accuracies", "--format", "md"]);
    assert!(error.contains("--format png"), "{error}");
    let error = refused(&runs, &["report", &ids[0], "--figure", "accuracies", "--format", "png"]);
    assert!(error.contains("--out DIR"), "{error}");
}
