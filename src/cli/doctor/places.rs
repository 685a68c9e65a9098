//! Folders and files: there, writable, with room; and the data that presets ask for.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::{Finding, Place};
use crate::spec::{self, PRESETS};
use crate::tui::number::bytes;
use crate::tui::theme::{self, Depth, Theme};

/// Below this, a set of adversarial images may not fit.
const LITTLE_SPACE: u64 = 1 << 30;

/// One folder or file of the program's own.
pub(super) fn examine(place: &Place) -> Finding {
    let path = place.path.as_path();
    let shown = path.display().to_string();
    let existing = nearest_existing(path);
    if !place.written {
        return match fs::metadata(path) {
            Ok(_) if access(path, Access::READ_OK).is_ok() => Finding::ok(place.name, shown),
            Ok(_) => Finding::fix(
                place.name,
                format!("{shown}: cannot be read"),
                format!("chmod u+r '{shown}', or {}", place.moved_by),
            ),
            Err(_) => Finding::ok(place.name, format!("{shown}: not there, so defaults hold")),
        };
    }
    if path.as_os_str().is_empty() {
        let value = "there is no home folder, and nothing says where they are to be";
        return Finding::fix(place.name, value, place.moved_by);
    }
    let Some(existing) = existing else {
        return Finding::fix(place.name, format!("{shown}: no such place"), place.moved_by);
    };
    if !existing.is_dir() {
        let value = format!("{shown}: {} is a file", existing.display());
        return Finding::fix(place.name, value, place.moved_by);
    }
    if let Err(error) = access(&existing, Access::WRITE_OK | Access::EXEC_OK) {
        let value = format!("{shown}: cannot write below {}: {error}", existing.display());
        return Finding::fix(place.name, value, place.moved_by);
    }
    let made = if existing == path { "" } else { ", made when needed" };
    if let Some(kind) = network_file_system(&existing) {
        let advice = format!(
            "what many hosts see may be slow and may cache: a local folder is better; {}",
            place.moved_by
        );
        return Finding::note(place.name, format!("{shown}: writable, on {kind}{made}"), advice);
    }
    match statvfs(&existing) {
        Ok(system) => {
            let free = system.f_bavail.saturating_mul(system.f_frsize);
            let value = format!("{shown}: writable, {} free{made}", bytes(free as f64));
            if free < LITTLE_SPACE {
                Finding::note(place.name, value, place.moved_by)
            } else {
                Finding::ok(place.name, value)
            }
        }
        Err(_) => Finding::ok(place.name, format!("{shown}: writable{made}")),
    }
}

/// What kind of a file server a folder is on; `None` = it is local, or nobody knows.
#[cfg(target_os = "linux")]
fn network_file_system(path: &Path) -> Option<&'static str> {
    // linux/magic.h
    match u64::try_from(rustix::fs::statfs(path).ok()?.f_type).ok()? & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Some("SMB"),
        0x6573_5546 => Some("FUSE (sshfs and the like)"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x00c3_6400 => Some("Ceph"),
        0x4750_4653 => Some("GPFS"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}

/// The user's own themes: whether each can be used.
pub(super) fn themes(themes: &[(String, String)]) -> Vec<Finding> {
    let find = |name: &str| {
        let own = themes.iter().find(|(theme, _)| theme == name).map(|(_, text)| text.clone());
        own.or_else(|| theme::embedded_text(name))
    };
    let look = |(name, text): &(String, String)| {
        let title = format!("theme {name}");
        match Theme::load(&format!("{name}.toml"), text, Depth::True, &find) {
            Ok(_) => Finding::ok(title, format!("glassbox --theme {name}")),
            Err(error) => {
                let advice = error.hint.unwrap_or_else(|| "correct or remove that line".into());
                Finding::fix(title, error.message, advice)
            }
        }
    };
    themes.iter().map(look).collect()
}

fn nearest_existing(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .filter(|ancestor| !ancestor.as_os_str().is_empty())
        .find(|ancestor| ancestor.exists())
        .map(Path::to_path_buf)
}

/// The variables that presets take their data from.
pub(super) fn preset_data() -> Vec<Finding> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    preset_variables()
        .into_iter()
        .map(|(name, preset, key)| match variable(&name) {
            Some(path) if Path::new(&path).exists() => Finding::ok(format!("${name}"), path),
            Some(path) => Finding::fix(
                format!("${name}"),
                format!("{path}: does not exist"),
                format!("export {name}=/the/folder"),
            ),
            None => Finding::note(
                format!("${name}"),
                "not set",
                format!(
                    "export {name}=/the/folder, or: glassbox run {preset} --set {key}=/the/folder"
                ),
            ),
        })
        .collect()
}

/// `(CIFAR10, cifar10, data.path)` for each variable that is the folder of a preset's data, with the
/// first such preset.
fn preset_variables() -> Vec<(String, &'static str, &'static str)> {
    let mut variables: Vec<(String, &str, &str)> = Vec::new();
    for preset in PRESETS {
        let Ok(document) = spec::open(preset.name) else { continue };
        for key in ["data.path", "dissect.data.path"] {
            let path = document.value(key).and_then(|path| path.as_str());
            let Some(rest) = path.and_then(|path| path.split_once('$')).map(|(_, rest)| rest)
            else {
                continue;
            };
            let name: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if !variables.iter().any(|(known, ..)| *known == name) {
                variables.push((name, preset.name, key));
            }
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    fn place(path: PathBuf, written: bool) -> Place {
        Place { name: "runs", path, written, moved_by: "--runs-dir D" }
    }

    #[test]
    fn a_folder_that_can_be_made_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let finding = examine(&place(folder.path().join("a/b"), true));
        assert_eq!(finding.standing, Standing::Ok);
        assert!(finding.value.contains("made when needed"), "{finding:?}");
        assert!(!folder.path().join("a").exists(), "looking makes nothing");
    }

    #[test]
    fn a_place_that_nobody_names_is_told() {
        let finding = examine(&place(PathBuf::new(), true));
        assert_eq!(finding.standing, Standing::Fix);
        assert!(finding.value.contains("no home folder"), "{finding:?}");
    }

    #[test]
    fn a_file_in_the_way_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs");
        fs::write(&file, "").unwrap();
        let finding = examine(&place(file.join("deeper"), true));
        assert_eq!(finding.standing, Standing::Fix);
        assert_eq!(finding.advice.as_deref(), Some("--runs-dir D"));
    }

    #[test]
    fn a_theme_that_cannot_be_used_is_told_with_its_line() {
        let themes = [("mine", "inherits = 'dark'"), ("bad", "name = 'x'\n[roles")];
        let found = super::themes(&themes.map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert_eq!(found[0].standing, Standing::Ok, "{found:?}");
        assert_eq!(found[1].standing, Standing::Fix);
        assert!(found[1].value.contains("bad.toml"), "{found:?}");
    }

    #[test]
    fn a_settings_file_need_not_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let finding = examine(&place(folder.path().join("settings.toml"), false));
        assert_eq!(finding.standing, Standing::Ok);
    }

    #[test]
    fn the_presets_tell_which_variables_they_need() {
        let found = preset_variables();
        let names: Vec<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["FASHION_MNIST", "CIFAR10", "IMAGES", "IMAGENET", "BRODEN"]);
        assert_eq!(found[4], ("BRODEN".into(), "paper", "dissect.data.path"));
    }
}
