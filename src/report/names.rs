//! What runs are called in a report: by their titles, or short names where those say too little. The
//! ids stand once, in the appendix, and in the commands.

use super::Run;
use crate::error::text::clean;
use crate::run::folder::short_name;

/// A longer title is no name for a column.
const LONGEST: usize = 32;

/// The runs' ids and what they are called.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Vec<(String, String)>);

impl Names {
    pub(super) fn new(runs: &[Run]) -> Self {
        let is_name = |run: &Run| {
            let same = runs.iter().filter(|other| other.title == run.title).count();
            same == 1 && !run.title.trim().is_empty() && run.title.chars().count() <= LONGEST
        };
        let name = |run: &Run| {
            let name = if is_name(run) { run.title.trim() } else { short_name(&run.id) };
            // Ids that differ in their dates alone are told by those.
            let twins = runs.iter().filter(|other| short_name(&other.id) == name).count();
            let name = if twins > 1 { run.id.as_str() } else { name };
            (run.id.clone(), clean(name).into_owned())
        };
        Self(runs.iter().map(name).collect())
    }

    /// What the run of this id is called; another text as it is.
    pub(super) fn of<'n>(&'n self, id: &'n str) -> &'n str {
        self.0.iter().find(|(known, _)| known == id).map_or(id, |(_, name)| name)
    }

    /// A figure's text, which calls runs by the ends of their ids, with the names for these; `in_markup`
    /// leaves out names that would have to be escaped there.
    pub(super) fn in_figure(&self, text: &str, in_markup: bool) -> String {
        let is_plain = |name: &str| !name.contains(['<', '>', '&', '"', '\'']);
        let named = self.0.iter().filter(|(_, name)| !in_markup || is_plain(name));
        named.fold(text.to_owned(), |text, (id, name)| text.replace(short_name(id), name))
    }

    /// A text with the names for the ids in it.
    pub(super) fn shorten(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id.as_str(), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, title: &str) -> Run {
        Run { id: id.into(), title: title.into(), ..Run::default() }
    }

    #[test]
    fn titles_name_runs_where_they_are_short_and_their_own() {
        let runs = [
            run("20260101-000000-a-0000", "ordinary"),
            run("20260101-000001-twin-1111", "twin"),
            run("20260101-000002-twin-2222", "twin"),
            run("20260101-000003-long-3333", &"x".repeat(40)),
        ];
        let names = Names::new(&runs);
        let all = runs.each_ref().map(|run| names.of(&run.id));
        assert_eq!(all, ["ordinary", "twin-1111", "twin-2222", "long-3333"]);
        let text = format!("{} beside {}", runs[0].id, runs[1].id);
        assert_eq!(names.shorten(&text), "ordinary beside twin-1111");
        assert_eq!(names.in_figure("ROC, a-0000", false), "ROC, ordinary");
        let odd = Names::new(&[run("20260101-000000-a-0000", "a < b")]);
        assert_eq!(odd.in_figure("<text>a-0000", true), "<text>a-0000");
    }
}
