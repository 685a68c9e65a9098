//! The house's rules, held by a text search over `src/`: who may see whom (the map is in
//! `src/lib.rs`), and a few habits. Each breach names file, line, word, rule and what to do instead.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What one room may use of ours (besides itself and `error`), and which crates it may never name.
struct Room {
    name: &'static str,
    may_use: &'static [&'static str],
    never_names: &'static [&'static str],
    instead: &'static str,
}

const TERMINAL: &[&str] = &["ratatui", "crossterm", "viuer", "indicatif", "clap", "tokio"];
const TERMINAL_AND_TEXT: &[&str] =
    &["ratatui", "crossterm", "viuer", "indicatif", "clap", "tokio", "serde", "serde_json", "toml"];
const TERMINAL_AND_TENSORS: &[&str] =
    &["ratatui", "crossterm", "viuer", "indicatif", "clap", "tokio", "candle_core", "candle_nn"];
const TENSORS: &[&str] = &["candle_core", "candle_nn"];

const MATHS: &str = "the maths takes and returns plain values; `job` joins it to specs and runs";

const ROOMS: &[Room] = &[
    // `error` may know the maths' own error type, to take it over.
    Room { name: "error", may_use: &[], never_names: TERMINAL, instead: "stay plain" },
    Room { name: "ops", may_use: &["device"], never_names: TERMINAL_AND_TEXT, instead: MATHS },
    Room { name: "device", may_use: &["ops"], never_names: TERMINAL_AND_TEXT, instead: MATHS },
    Room { name: "data", may_use: &["ops", "device"], never_names: TERMINAL, instead: MATHS },
    Room { name: "model", may_use: &["ops", "device"], never_names: TERMINAL, instead: MATHS },
    Room {
        name: "attack",
        may_use: &["model", "data", "ops", "device"],
        never_names: TERMINAL,
        instead: MATHS,
    },
    Room {
        name: "neuron",
        may_use: &["model", "data", "ops", "device"],
        never_names: TERMINAL,
        instead: MATHS,
    },
    Room {
        name: "train",
        may_use: &["attack", "neuron", "model", "data", "ops", "device"],
        never_names: TERMINAL,
        instead: MATHS,
    },
    Room {
        name: "spec",
        may_use: &[],
        never_names: &[
            "ratatui",
            "crossterm",
            "viuer",
            "indicatif",
            "clap",
            "tokio",
            "candle_core",
            "candle_nn",
            "image",
        ],
        instead: "a spec is plain data; what it means is decided in `job`",
    },
    Room {
        name: "settings",
        may_use: &["spec"],
        never_names: TERMINAL_AND_TENSORS,
        instead: "settings are plain data; of `spec` they use the search for the nearest word",
    },
    Room {
        name: "run",
        may_use: &["spec"],
        never_names: TERMINAL_AND_TENSORS,
        instead: "the run folder is files and text; tensors are written by `job`, drawn by `tui`",
    },
    Room {
        name: "job",
        may_use: &[
            "run", "spec", "settings", "train", "attack", "neuron", "model", "data", "ops",
            "device",
        ],
        never_names: &["ratatui", "crossterm", "viuer", "indicatif", "clap"],
        instead: "a worker has no terminal: write it into the run folder, whoever watches shows it",
    },
    Room {
        name: "report",
        may_use: &["run", "spec"],
        never_names: &["ratatui", "crossterm", "viuer", "candle_core", "candle_nn"],
        instead: "a report is made of results files",
    },
    Room {
        name: "tui",
        may_use: &["run", "spec", "report", "settings"],
        never_names: TENSORS,
        instead: "the workbench reads run folders and starts workers; let the worker compute it",
    },
    Room {
        name: "cli",
        may_use: &["run", "spec", "report", "settings", "job", "tui", "device"],
        never_names: &["candle_core", "candle_nn", "ratatui"],
        instead: "a command prints what `job`, `run` or `report` tell it",
    },
];

const LONGEST_FILE: usize = 600;
const NAMELESS: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];
const PRINTING: &[&str] = &["println", "print", "eprintln", "eprint", "dbg"];
const PANICKING: &[&str] = &["unwrap", "expect", "unwrap_err", "expect_err"];
const UNFINISHED: &[&str] = &["todo", "unimplemented"];

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    file: String,
    line: usize,
    word: String,
    rule: String,
    instead: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, word, rule, instead } = self;
        write!(f, "src/{file}:{line}: `{word}`: {rule}; {instead}")
    }
}

#[test]
fn the_house_keeps_its_rules() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source, &mut files);
    assert!(files.len() > 20, "only {} source files found below {}", files.len(), source.display());
    let texts: Vec<(String, String)> = files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(&source).unwrap().to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(file).unwrap())
        })
        .collect();
    let for_tests: Vec<String> =
        texts.iter().flat_map(|(name, text)| test_modules(name, text)).collect();
    let mut breaches = Vec::new();
    for (name, text) in &texts {
        breaches.extend(examine(name, text, for_tests.contains(name)));
    }
    let lines: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} breaches:\n{}", lines.len(), lines.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// Files that a parent takes in with `#[cfg(test)] mod x;`.
fn test_modules(name: &str, text: &str) -> Vec<String> {
    let folder = name.strip_suffix("mod.rs").map_or_else(
        || name.trim_end_matches(".rs").to_owned() + "/",
        std::string::ToString::to_string,
    );
    let code = code_only(text);
    let items = code.split("#[cfg(test)]").skip(1).filter_map(|rest| {
        let (item, _) = rest.split_once(';')?;
        let (_, module) = item.rsplit_once("mod ")?;
        Some(module.trim().to_owned())
    });
    let simple = |module: &String| module.chars().all(|c| c.is_alphanumeric() || c == '_');
    items.filter(simple).map(|module| format!("{folder}{module}.rs")).collect()
}

/// Everything that is wrong with one file. `name` is relative to `src/`.
fn examine(name: &str, text: &str, for_tests: bool) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut report = |line: usize, word: &str, rule: &str, instead: &str| {
        breaches.push(Breach {
            file: name.into(),
            line,
            word: word.into(),
            rule: rule.into(),
            instead: instead.into(),
        });
    };
    if !text.starts_with("//!") {
        let instead = "begin with `//!` and what lives here";
        report(1, text.lines().next().unwrap_or(""), "a file says what it is", instead);
    }
    let length = text.lines().count();
    if length > LONGEST_FILE {
        let rule = format!("{length} lines, {LONGEST_FILE} are the limit");
        report(length, name, &rule, "split it by noun");
    }
    for part in name.trim_end_matches(".rs").split('/').filter(|part| NAMELESS.contains(part)) {
        report(1, part, "a name says what is inside", "name it for what it holds");
    }

    let code = code_only(text);
    let tests = if for_tests { vec![1..=usize::MAX] } else { test_lines(&code) };
    let room_name = name.split(['/', '.']).next().unwrap_or_default();
    let room = ROOMS.iter().find(|room| room.name == room_name);
    if room.is_none() && !matches!(room_name, "lib" | "main") {
        report(1, room_name, "every room has its rule", "add it to ROOMS in tests/architecture.rs");
    }
    for Word { line, text: word, next, before } in words(&code) {
        let in_test = tests.iter().any(|range| range.contains(&line));
        if let Some(room) = room {
            if room.never_names.contains(&word) && next.starts_with("::") {
                let rule = format!("`{}` never names this crate", room.name);
                report(line, word, &rule, room.instead);
            }
            let ours = word != room.name && ROOMS.iter().any(|other| other.name == word);
            let allowed = word == "error" || room.may_use.contains(&word);
            if ours && !allowed && before == Before::Crate {
                let rule = format!("`{}` may not use `{word}`", room.name);
                report(line, &format!("crate::{word}"), &rule, room.instead);
            }
            if room.name == "cli" && word == "viuer" && name != "cli/view.rs" {
                report(line, word, "only cli/view.rs draws with viuer", "call `view`");
            }
        }
        let prints = PRINTING.contains(&word) && next.starts_with('!');
        if prints && room_name != "cli" && !in_test {
            let instead = "return it, log it to the run, or print it in cli/";
            report(line, word, "only cli/ prints", instead);
        }
        if PANICKING.contains(&word) && next.starts_with('(') && before == Before::Dot && !in_test {
            report(line, word, "no panics outside tests", "return an error with a hint");
        }
        if UNFINISHED.contains(&word) && next.starts_with('!') {
            report(line, word, "what is here works", "write it, or leave it out");
        }
    }
    breaches
}

/// A word of the code and what stands around it.
struct Word<'c> {
    line: usize,
    text: &'c str,
    next: &'c str,
    before: Before,
}

#[derive(PartialEq, Eq)]
enum Before {
    /// `crate::word` or `crate::{…, word`
    Crate,
    /// `.word`
    Dot,
    /// Anything else.
    Other,
}

/// All words of a text without comments and strings.
fn words(code: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut at = 0;
    // How deep we are inside `crate::{…}`; 0 = outside.
    let mut group = 0_usize;
    while let Some(first) = code[at..].chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if !is_word(first) {
            match first {
                '\n' => line += 1,
                '{' if code[..at].trim_end().ends_with("crate::") => group = 1,
                '{' if group > 0 => group += 1,
                '}' => group = group.saturating_sub(1),
                ';' => group = 0,
                _ => {}
            }
            at += first.len_utf8();
            continue;
        }
        let end = code[at..].find(|c| !is_word(c)).map_or(code.len(), |length| at + length);
        let ahead = code[..at].trim_end();
        // In `crate::{spec::{help, parse}, run}` only `spec` and `run` are rooms.
        let begins_item = ahead.ends_with(['{', ',']);
        let before = if ahead.ends_with("crate::") || (group == 1 && begins_item) {
            Before::Crate
        } else if ahead.ends_with('.') {
            Before::Dot
        } else {
            Before::Other
        };
        let next = code[end..].trim_start();
        found.push(Word { line, text: &code[at..end], next, before });
        at = end;
    }
    found
}

/// The text with comments and the insides of strings blanked; lines stay where they are.
fn code_only(text: &str) -> String {
    let source: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    let starts = |at: usize, what: &str| {
        what.chars().enumerate().all(|(offset, c)| source.get(at + offset) == Some(&c))
    };
    let blank = |code: &mut String, c: char| code.push(if c == '\n' { '\n' } else { ' ' });
    while at < source.len() {
        let c = source[at];
        let after_word = code.chars().last().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let end = if starts(at, "//") {
            (at..source.len()).find(|&i| source[i] == '\n').unwrap_or(source.len())
        } else if starts(at, "/*") {
            (at..source.len()).find(|&i| starts(i, "*/")).map_or(source.len(), |i| i + 2)
        } else if c == '"' {
            string_end(&source, at + 1)
        } else if c == 'r' && !after_word && (starts(at, "r\"") || starts(at, "r#")) {
            let hashes = source[at + 1..].iter().take_while(|&&c| c == '#').count();
            if source.get(at + 1 + hashes) == Some(&'"') {
                let close = format!("\"{}", "#".repeat(hashes));
                let from = at + 2 + hashes;
                (from..source.len())
                    .find(|&i| starts(i, &close))
                    .map_or(source.len(), |i| i + close.len())
            } else {
                at
            }
        } else if c == '\'' && starts(at + 1, "\\") {
            // Past the escaped character, which may itself be a quote.
            (at + 3..source.len()).find(|&i| source[i] == '\'').map_or(source.len(), |i| i + 1)
        } else if c == '\'' && source.get(at + 2) == Some(&'\'') {
            at + 3
        } else {
            at
        };
        if end == at {
            code.push(c);
            at += 1;
        } else {
            source[at..end].iter().for_each(|&c| blank(&mut code, c));
            at = end;
        }
    }
    code
}

fn string_end(source: &[char], mut at: usize) -> usize {
    while at < source.len() {
        match source[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    source.len()
}

/// Lines of items under `#[cfg(test)]`.
fn test_lines(code: &str) -> Vec<std::ops::RangeInclusive<usize>> {
    let mut ranges = Vec::new();
    for (start, attribute) in code.match_indices("#[cfg(test)]") {
        let mut depth = 0_usize;
        let rest = &code[start + attribute.len()..];
        let end = rest.char_indices().find(|(_, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && matches!(c, '}' | ';')
        });
        let end = end.map_or(code.len(), |(offset, _)| start + attribute.len() + offset);
        let line = |at: usize| code[..at].matches('\n').count() + 1;
        ranges.push(line(start)..=line(end));
    }
    ranges
}

/// The rules that a planted file breaks, by line and word.
fn planted(name: &str, text: &str) -> Vec<(usize, String)> {
    examine(name, text, false).into_iter().map(|breach| (breach.line, breach.word)).collect()
}

#[test]
fn a_forbidden_crate_is_found() {
    let text = "//! A screen.\nuse candle_core::Tensor;\n";
    assert_eq!(planted("tui/screen/a.rs", text), [(2, "candle_core".into())]);
    assert_eq!(planted("model/a.rs", text), []);
    let text = "//! Maths.\nfn f() { tokio::spawn(g) }\nuse ratatui::{style::Style};\n";
    assert_eq!(planted("ops/a.rs", text), [(2, "tokio".into()), (3, "ratatui".into())]);
}

#[test]
fn a_forbidden_room_is_found_alone_and_in_a_group() {
    let text = "//! Data.\nuse crate::run::state;\n";
    assert_eq!(planted("data/a.rs", text), [(2, "crate::run".into())]);
    let text =
        "//! A screen.\nuse crate::{\n    error::{Error, job},\n    spec,\n    job::build,\n};\n";
    assert_eq!(planted("tui/a.rs", text), [(5, "crate::job".into())]);
    let text = "//! A screen.\nfn f() { crate::model::open() }\n";
    assert_eq!(planted("tui/a.rs", text), [(2, "crate::model".into())]);
}

#[test]
fn a_new_room_needs_a_rule() {
    assert_eq!(planted("kitchen/mod.rs", "//! Food.\n"), [(1, "kitchen".into())]);
}

#[test]
fn comments_strings_and_names_that_only_look_alike_are_left_alone() {
    let text = "//! See [`crate::tui`] and candle_core::Tensor.\n\
                // unwrap() println!\n\
                fn f() { g(\"candle_core::x \\\" println!()\", '\"', r#\"a \"todo!()\"\"#) }\n\
                /* dbg!() */ fn image(tui: u8) { self.run(); x.unwrap_or(1); model::f() }\n";
    assert_eq!(planted("spec/a.rs", text), []);
}

#[test]
fn panics_and_prints_are_found_outside_tests_only() {
    let text = "//! A.\n\
                fn f() { x.unwrap(); y\n.expect(\"z\"); println!(\"a\"); dbg!(1); }\n\
                #[cfg(test)]\n\
                mod tests {\n\
                fn g() { x.unwrap(); println!(); }\n\
                }\n\
                fn h() { x.unwrap(); }\n";
    let found = planted("run/a.rs", text);
    let words: Vec<(usize, &str)> = found.iter().map(|(line, word)| (*line, &**word)).collect();
    assert_eq!(words, [(2, "unwrap"), (3, "expect"), (3, "println"), (3, "dbg"), (8, "unwrap")]);
    assert_eq!(planted("cli/a.rs", "//! A.\nfn f() { println!(\"a\") }\n"), []);
    assert_eq!(examine("ops/check.rs", "//! A.\nfn f() { x.unwrap() }\n", true), []);
}

#[test]
fn files_that_only_tests_take_in_are_known() {
    let text =
        "//! A.\n#[cfg(test)]\npub(crate) mod check;\npub mod b;\n#[cfg(test)]\nmod tests {}\n";
    assert_eq!(test_modules("ops/mod.rs", text), ["ops/check.rs"]);
    assert_eq!(test_modules("tui/theme.rs", text), ["tui/theme/check.rs"]);
}

#[test]
fn stubs_are_found() {
    assert_eq!(planted("job/a.rs", "//! A.\nfn f() { todo!() }\n"), [(2, "todo".into())]);
}

#[test]
fn long_files_bad_names_and_missing_headers_are_found() {
    let long = format!("//! A.\n{}", "\n".repeat(LONGEST_FILE));
    assert_eq!(planted("run/a.rs", &long), [(601, "run/a.rs".into())]);
    assert_eq!(planted("run/utils.rs", "//! A.\n"), [(1, "utils".into())]);
    assert_eq!(planted("run/helpers/a.rs", "//! A.\n"), [(1, "helpers".into())]);
    assert_eq!(planted("run/a.rs", "use x;\n"), [(1, "use x;".into())]);
}

#[test]
fn only_one_command_draws_with_viuer() {
    let text = "//! A.\nuse viuer::Config;\n";
    assert_eq!(planted("cli/run.rs", text), [(2, "viuer".into())]);
    assert_eq!(planted("cli/view.rs", text), []);
}
