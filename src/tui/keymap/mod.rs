//! Which key means what, and where: the default rows with the user's laid over them.

pub mod key;

use toml::de::{DeTable, DeValue};

use self::key::Key;
use super::action::{Action, Place};
use crate::error::{Error, Result};
use crate::spec::nearest::nearest;

const DEFAULT: &str = include_str!("default.toml");

/// One row: in `place`, pressing `keys` one after another does `action`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// One key, or a chord.
    pub keys: Vec<Key>,
    /// What it does.
    pub action: Action,
    /// Where.
    pub place: Place,
    /// The user's own words for it.
    pub doc: Option<String>,
}

impl Binding {
    /// `g`, `Ctrl-x s`.
    pub fn keys_text(&self) -> String {
        self.keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
    }

    /// The help line.
    pub fn doc(&self) -> &str {
        self.doc.as_deref().unwrap_or_else(|| self.action.doc())
    }
}

/// What the keys pressed so far mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// This.
    Action(Action),
    /// The beginning of a chord.
    Pending,
    /// Nothing.
    Unknown,
}

/// Every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// The keys that ship. (A test loads them, so they are never empty.)
    pub fn shipped() -> Self {
        let rows = parse("default.toml", DEFAULT).unwrap_or_default();
        Self { bindings: rows.into_iter().filter_map(Row::into_binding).collect() }
    }

    /// The shipped keys with `keys = […]` of a settings file over them; every other key of the file
    /// is somebody else's.
    ///
    /// Errors name `file` and the line: unknown action, place or key, two meanings in one place.
    pub fn with_user(file: &str, text: &str) -> Result<Self> {
        let rows = parse(file, text)?;
        let mut bindings = Self::shipped().bindings;
        for row in &rows {
            bindings.retain(|old| old.place != row.place || !overlap(&old.keys, &row.keys));
        }
        bindings.extend(rows.into_iter().filter_map(Row::into_binding));
        Ok(Self { bindings })
    }

    /// What `keys` mean where the places are asked in this order.
    pub fn resolve(&self, places: &[Place], keys: &[Key]) -> Resolved {
        for place in places {
            for binding in self.bindings.iter().filter(|b| b.place == *place) {
                if binding.keys == keys {
                    return Resolved::Action(binding.action);
                }
                if binding.keys.starts_with(keys) {
                    return Resolved::Pending;
                }
            }
        }
        Resolved::Unknown
    }

    /// The rows that have a meaning where the places are asked in this order: a key that an earlier
    /// place uses is not repeated for a later one.
    pub fn live(&self, places: &[Place]) -> Vec<&Binding> {
        let mut live: Vec<&Binding> = Vec::new();
        for place in places {
            let rows = self.bindings.iter().filter(|b| b.place == *place);
            let free: Vec<_> =
                rows.filter(|b| !live.iter().any(|l| overlap(&l.keys, &b.keys))).collect();
            live.extend(free);
        }
        live
    }

    /// The first keys that lead to an action there.
    pub fn keys_of(&self, action: Action, places: &[Place]) -> Option<String> {
        let live = self.live(places);
        live.iter().find(|b| b.action == action).map(|b| b.keys_text())
    }

    /// Every row, in the order of the places.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }
}

/// Whether one is the beginning of the other: then a press could mean both.
fn overlap(a: &[Key], b: &[Key]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// A row as written; without an action it takes the key away.
#[derive(Debug)]
struct Row {
    keys: Vec<Key>,
    action: Option<Action>,
    place: Place,
    doc: Option<String>,
    line: usize,
}

impl Row {
    fn into_binding(self) -> Option<Binding> {
        let Self { keys, action, place, doc, .. } = self;
        action.map(|action| Binding { keys, action, place, doc })
    }
}

fn parse(file: &str, text: &str) -> Result<Vec<Row>> {
    let line = |at: usize| text.get(..at).map_or(0, |t| t.matches('\n').count()) + 1;
    let table = DeTable::parse(text).map_err(|e| {
        let at = e.span().map_or(1, |span| line(span.start));
        Error::bad_input(format!("{file}:{at}: {}", e.message()))
    })?;
    let Some(keys) = table.get_ref().get("keys") else { return Ok(Vec::new()) };
    let DeValue::Array(items) = keys.get_ref() else {
        return Err(Error::bad_input(format!(
            "{file}:{}: 'keys' is a list of rows",
            line(keys.span().start)
        ))
        .hint("keys = [ { on = \"g g\", do = \"first\" } ]"));
    };
    let mut rows: Vec<Row> = Vec::new();
    for item in items {
        let row = parse_row(file, line(item.span().start), item.get_ref())?;
        let twin = rows.iter().find(|r| r.place == row.place && overlap(&r.keys, &row.keys));
        if let Some(twin) = twin {
            return Err(Error::bad_input(format!(
                "{file}:{}: these keys already mean something in '{}' (line {})",
                row.line,
                row.place.name(),
                twin.line
            )));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn parse_row(file: &str, line: usize, value: &DeValue<'_>) -> Result<Row> {
    let error = |message: String| Error::bad_input(format!("{file}:{line}: {message}"));
    let meant = |near: Option<&str>| near.map_or(String::new(), |n| format!("did you mean '{n}'?"));
    let DeValue::Table(fields) = value else {
        return Err(error("a row of 'keys' is a table".into())
            .hint("{ on = \"g g\", do = \"first\", where = \"global\", doc = \"Top\" }"));
    };
    let (mut keys, mut action, mut place, mut doc) = (None, None, Place::Global, None);
    for (name, value) in fields {
        let DeValue::String(value) = value.get_ref() else {
            return Err(error(format!("'{}' is text", name.get_ref())));
        };
        match name.get_ref().as_ref() {
            "on" => {
                let parsed: Option<Vec<Key>> = value.split_whitespace().map(Key::parse).collect();
                keys = Some(parsed.filter(|keys| !keys.is_empty()).ok_or_else(|| {
                    error(format!("unknown key in '{value}'"))
                        .hint("keys look like: g, G, Space, Enter, Ctrl-x, Alt-x, F5, or 'g g'")
                })?);
                // Terminals send the same for both.
                if keys.iter().flatten().any(|key| key.to_string() == "Ctrl-h") {
                    return Err(error("Ctrl-h arrives as Backspace".into())
                        .hint("write Backspace, or choose another key"));
                }
            }
            "do" if value.as_ref() == "none" => action = Some(None),
            "do" => {
                action = Some(Some(Action::parse(value).map_err(|near| {
                    error(format!("unknown action '{value}'")).hint(meant(Some(near)))
                })?));
            }
            "where" => {
                let found = Place::ALL.iter().find(|p| p.name() == value.as_ref());
                place = *found.ok_or_else(|| {
                    let names = Place::ALL.iter().map(|place| place.name());
                    error(format!("unknown place '{value}'")).hint(meant(nearest(value, names)))
                })?;
            }
            "doc" => doc = Some(value.to_string()),
            other => {
                return Err(
                    error(format!("unknown field '{other}'")).hint("a row has: on, do, where, doc")
                );
            }
        }
    }
    match (keys, action) {
        (Some(keys), Some(action)) => Ok(Row { keys, action, place, doc, line }),
        _ => Err(error("a row needs 'on' and 'do'".into())),
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    fn keys(text: &str) -> Vec<Key> {
        text.split(' ').map(|k| Key::parse(k).unwrap()).collect()
    }

    #[test]
    fn the_shipped_rows_load() {
        let rows = parse("default.toml", DEFAULT).unwrap();
        assert!(rows.len() > 50);
    }

    #[test]
    fn a_key_that_never_arrives_is_refused() {
        let row = |on: &str| {
            let name = format!("on = \"{on}\"");
            format!("keys = [{{ {name}, do = \"first\", doc = \"Top\" }}]")
        };
        assert!(Keymap::with_user("settings.toml", &row("Ctrl-j")).is_ok());
        let error = Keymap::with_user("settings.toml", &row("Ctrl-h")).unwrap_err();
        assert!(error.message.contains("Backspace") && error.hint.is_some());
    }

    #[test]
    fn multiplexers_keep_their_chords() {
        for binding in Keymap::shipped().bindings() {
            for key in &binding.keys {
                if key.modifiers.contains(KeyModifiers::CONTROL) {
                    assert!(!"bagptnos".chars().any(|c| key.code == KeyCode::Char(c)), "{key}");
                }
            }
        }
    }

    #[test]
    fn the_users_rows_lie_over_the_shipped_ones() {
        let text = "theme = \"dark\"\nkeys = [\n{ on = \"g g\", do = \"first\" },\n{ on = \"x\", do = \"none\", where = \"runs\" } ]";
        let keymap = Keymap::with_user("settings.toml", text).unwrap();
        let places = [Place::Runs, Place::Global];
        assert_eq!(keymap.resolve(&places, &keys("g")), Resolved::Pending);
        assert_eq!(keymap.resolve(&places, &keys("g g")), Resolved::Action(Action::First));
        assert_eq!(keymap.resolve(&places, &keys("x")), Resolved::Unknown);
        assert_eq!(keymap.resolve(&places, &keys("q")), Resolved::Action(Action::Quit));
    }

    #[test]
    fn an_earlier_place_hides_the_keys_of_a_later_one() {
        let keymap = Keymap::shipped();
        let dialog = [Place::Dialog, Place::Global];
        assert_eq!(keymap.resolve(&dialog, &keys("q")), Resolved::Action(Action::Back));
        assert_eq!(keymap.keys_of(Action::Quit, &dialog).as_deref(), Some("Ctrl-c"));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let cases = [
            ("keys = [\n{ on = \"q\", do = \"quti\" } ]", ":2: unknown action 'quti'", "'quit'"),
            ("keys = [{ on = \"Hyper-q\", do = \"quit\" }]", ":1: unknown key", "Ctrl-x"),
            ("keys = [{ on = \"q\", do = \"quit\", where = \"rnus\" }]", "place 'rnus'", "'runs'"),
            ("keys = [{ on = \"q\" }]", "needs 'on' and 'do'", ""),
            ("keys = [{ on = \"q\", do = \"quit\", run = \"x\" }]", "field 'run'", "where"),
            (
                "keys = [\n{ on = \"a\", do = \"quit\" },\n{ on = \"a b\", do = \"help\" } ]",
                ":3: these keys already mean something in 'global' (line 2)",
                "",
            ),
            ("keys = 3", "list of rows", "on ="),
            ("keys = [", "settings.toml:1", ""),
        ];
        for (text, message, hint) in cases {
            let error = Keymap::with_user("settings.toml", text).unwrap_err();
            assert!(error.message.contains(message), "{error}");
            assert!(error.hint.unwrap_or_default().contains(hint), "{text}");
        }
    }
}
