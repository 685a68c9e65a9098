//! Which source wins, and what a wrong setting is told.

use std::collections::HashMap;

use super::*;

fn load(flags: &Flags, variables: &[(&str, &str)], folders: Option<Folders>) -> Result<Settings> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Settings::from(flags, |name| variables.get(name).map(OsString::from), folders)
}

fn folders(root: &Path) -> Folders {
    Folders {
        config: root.join("config"),
        cache: root.join("cache"),
        state: root.join("state"),
        data: root.join("data"),
    }
}

fn with_file(text: &str) -> (tempfile::TempDir, Flags) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    (folder, Flags { config: Some(path), ..Flags::default() })
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let home = tempfile::tempdir().unwrap();
    let here = Some(folders(home.path()));
    let settings = load(&Flags::default(), &[], here.clone()).unwrap();
    assert_eq!(settings.runs_dir().unwrap(), home.path().join("data/runs"));
    assert!(!settings.runs_dir_is_given);
    assert_eq!((settings.slots, settings.mouse, settings.images.as_str()), (1, true, "auto"));

    let (_kept, mut flags) = with_file(
        "runs_dir = '/file'\nslots = 2\ntensorboard = true\ntheme = 'light'\nmouse = false\nkeys = []\n",
    );
    let settings = load(&flags, &[], here.clone()).unwrap();
    assert_eq!(settings.runs_dir().unwrap(), Path::new("/file"));
    assert_eq!((settings.slots, settings.mouse), (2, false));
    assert!(settings.tensorboard);
    assert!(settings.runs_dir_is_given);
    assert!(settings.file.unwrap().text.contains("keys"));

    let environment =
        [("GLASSBOX_RUNS_DIR", "/env"), ("GLASSBOX_SLOTS", "3"), ("GLASSBOX_MOUSE", "on")];
    let settings = load(&flags, &environment, here.clone()).unwrap();
    assert_eq!(settings.runs_dir().unwrap(), Path::new("/env"));
    assert_eq!((settings.slots, settings.mouse), (3, true));
    assert_eq!(settings.theme.as_deref(), Some("light"));

    flags.runs_dir = Some("/flag".into());
    flags.theme = Some("dark".into());
    let settings = load(&flags, &environment, here).unwrap();
    assert_eq!(settings.runs_dir().unwrap(), Path::new("/flag"));
    assert_eq!(settings.theme.as_deref(), Some("dark"));
}

#[test]
fn without_a_home_the_runs_folder_must_be_given() {
    let settings = load(&Flags::default(), &[], None).unwrap();
    let error = settings.runs_dir().unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let hint = error.hint.unwrap();
    assert!(hint.contains("--runs-dir") && hint.contains("GLASSBOX_RUNS_DIR"), "{hint}");
    let settings = load(&Flags::default(), &[("GLASSBOX_RUNS_DIR", "/here")], None).unwrap();
    assert_eq!(settings.runs_dir().unwrap(), Path::new("/here"));
}

#[test]
fn how_pictures_are_drawn_and_how_long_the_terminal_may_take_can_be_said() {
    let settings = load(&Flags::default(), &[], None).unwrap();
    assert_eq!((settings.images.as_str(), settings.patience.as_millis()), ("auto", 200));
    let (_kept, flags) = with_file("images = 'kitty'\nanswer_ms = 900\n");
    let settings = load(&flags, &[], None).unwrap();
    assert_eq!((settings.images.as_str(), settings.patience.as_millis()), ("kitty", 900));
    let settings = load(&flags, &[("GLASSBOX_ANSWER_MS", "50")], None).unwrap();
    assert_eq!(settings.patience.as_millis(), 50);
    for wrong in ["0", "9000", "soon"] {
        let error = load(&flags, &[("GLASSBOX_ANSWER_MS", wrong)], None).unwrap_err();
        assert!(error.message.contains("from 20 to 5000"), "{}", error.message);
    }
    let (_kept, flags) = with_file("answer_ms = 7\n");
    let error = load(&flags, &[], None).unwrap_err();
    assert!(error.message.contains(":1: 'answer_ms' must be"), "{}", error.message);
}

#[test]
fn relative_runs_folders_become_absolute() {
    let flags = Flags { runs_dir: Some("runs".into()), ..Flags::default() };
    let settings = load(&flags, &[], None).unwrap();
    assert_eq!(settings.runs_dir().unwrap(), std::env::current_dir().unwrap().join("runs"));
}

#[test]
fn a_wrong_file_is_told_with_its_line() {
    for (text, message, hint) in [
        ("theme = 'dark'\n\nthem = 'x'", ":3: unknown setting 'them'", "'theme'"),
        ("\u{1}", ":1", "TOML"),
        ("theme = 'dark'\nslots = 0", ":2: 'slots' must be", ""),
        ("mouse = 'maybe'", ":1: 'mouse' must be true or false", ""),
        ("images = 'crayon'", "one of auto, kitty", ""),
        ("runs_dir = 'here'", "absolute", ""),
        ("slots = [", ":1", "TOML"),
    ] {
        let (_kept, flags) = with_file(text);
        let error = load(&flags, &[], None).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.message.contains(message), "{text:?}: {}", error.message);
        assert!(error.hint.unwrap_or_default().contains(hint), "{text:?}");
    }
}

#[test]
fn a_missing_file_matters_only_when_it_was_named() {
    let home = tempfile::tempdir().unwrap();
    assert!(load(&Flags::default(), &[], Some(folders(home.path()))).is_ok());
    let flags = Flags { config: Some(home.path().join("no.toml")), ..Flags::default() };
    let error = load(&flags, &[], None).unwrap_err();
    assert!(error.message.contains("no.toml"), "{}", error.message);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "reading makes nothing");
}

#[test]
fn a_wrong_variable_is_named() {
    for (name, value) in [
        ("GLASSBOX_SLOTS", "none"),
        ("GLASSBOX_SLOTS", "0"),
        ("GLASSBOX_MOUSE", "perhaps"),
        ("GLASSBOX_IMAGES", "crayon"),
    ] {
        let error = load(&Flags::default(), &[(name, value)], None).unwrap_err();
        assert!(error.message.contains(name), "{}", error.message);
        assert_eq!(error.exit_code(), 2);
    }
}
