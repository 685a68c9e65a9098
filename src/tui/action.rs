//! Everything the workbench can be told to do: one table that feeds the keymap, the palette and the
//! help. What an action does in a place is decided by `app` and by the screen that has focus.

use strsim::damerau_levenshtein;

/// Declares [`Action`] with its name (for the keymap and the palette) and its line of help.
macro_rules! actions {
    ($($variant:ident $name:literal $doc:literal;)*) => {
        /// Something the user can ask for, by key, click, palette or help.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $doc] $variant,)*
        }

        impl Action {
            /// Every action, in the table's order.
            pub const ALL: &'static [Action] = &[$(Action::$variant,)*];

            /// The name that keymaps use: `next_neuron`.
            pub fn name(self) -> &'static str {
                match self { $(Action::$variant => $name,)* }
            }

            /// One line of help.
            pub fn doc(self) -> &'static str {
                match self { $(Action::$variant => $doc,)* }
            }
        }
    };
}

actions! {
    // Where to
    ShowRuns "show_runs" "Go to the runs";
    ShowLaunch "show_launch" "Go to the launch screen";
    ShowNeurons "show_neurons" "Go to the neurons";
    NextFocus "next_focus" "Focus the next region";
    PreviousFocus "previous_focus" "Focus the previous region";
    Open "open" "Open what is selected";
    Back "back" "One layer back";
    // Moving
    Up "up" "Up";
    Down "down" "Down";
    Left "left" "Left";
    Right "right" "Right";
    First "first" "Go to the first";
    Last "last" "Go to the last";
    PageUp "page_up" "A page up";
    PageDown "page_down" "A page down";
    Filter "filter" "Filter by text";
    // Runs
    NewRun "new_run" "Start a new run from a preset";
    Pause "pause" "Pause the run, or let it go on";
    Stop "stop" "Stop the run at its next step (asks)";
    Checkpoint "checkpoint" "Have the run write a checkpoint now";
    Resume "resume" "Take up a stopped, failed or lost run where it left off";
    Mark "mark" "Mark the run, or take the mark away";
    Compare "compare" "Lay the curves of the marked runs over one another";
    ClearMarks "clear_marks" "Take all marks away";
    EditSpec "edit_spec" "Open the spec in $EDITOR";
    CopyCommand "copy_command" "Copy the command that makes what is on the screen";
    // Curves
    SmoothMore "smooth_more" "Smooth the curves more";
    SmoothLess "smooth_less" "Smooth the curves less";
    SmoothOff "smooth_off" "Show the curves as measured";
    LogScale "log_scale" "Logarithmic scale, on or off";
    NextCurve "next_curve" "The next group of curves";
    PreviousCurve "previous_curve" "The previous group of curves";
    Zoom "zoom" "Let the focused region fill the screen, or back";
    // Launch
    Launch "launch" "Start the run that the form describes";
    ResetValue "reset_value" "Set the value back to the preset's";
    // Neurons
    NextNeuron "next_neuron" "The next neuron";
    PreviousNeuron "previous_neuron" "The previous neuron";
    NextLayer "next_layer" "The next layer";
    PreviousLayer "previous_layer" "The previous layer";
    Overlay "overlay" "The exciting region: outlined, or plain pictures";
    Sort "sort" "Sort by the next column";
    // Text fields and questions
    Accept "accept" "Yes, do it";
    DeleteBefore "delete_before" "Delete the character before the cursor";
    DeleteAfter "delete_after" "Delete the character under the cursor";
    DeleteAll "delete_all" "Empty the field";
    // Everywhere
    Help "help" "Show and search all keys";
    Palette "palette" "Find any command by its name";
    NextTheme "next_theme" "The next theme";
    ToggleMouse "toggle_mouse" "Mouse on or off (off: the terminal selects text)";
    Redraw "redraw" "Draw everything anew";
    Suspend "suspend" "Put the workbench to sleep; the shell's fg wakes it";
    Quit "quit" "Leave the workbench; runs go on";
}

impl Action {
    /// The action of that name, or the nearest name.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        if let Some(action) = Self::ALL.iter().find(|action| action.name() == name) {
            return Ok(*action);
        }
        let nearest = Self::ALL.iter().min_by_key(|a| damerau_levenshtein(a.name(), name));
        Err(nearest.map_or("", |action| action.name()))
    }

    /// Whether it starts, stops or changes a run: what `--readonly` refuses.
    pub fn changes_runs(self) -> bool {
        use Action::{Checkpoint, Launch, NewRun, Pause, Resume, Stop};
        matches!(self, Launch | NewRun | Pause | Stop | Checkpoint | Resume)
    }
}

/// Where a key has its meaning. A key is offered to the focused place first, then to its screen,
/// then to `Global`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Everywhere, unless a text field or a question has the keys.
    Global,
    /// The runs screen.
    Runs,
    /// The right-hand side of the runs screen.
    Details,
    /// The launch screen.
    Launch,
    /// The neurons screen.
    Neurons,
    /// A text field that takes letters: form values, filters, palette, help search.
    Text,
    /// A question.
    Dialog,
}

impl Place {
    /// Every place.
    pub const ALL: [Place; 7] = [
        Place::Global,
        Place::Runs,
        Place::Details,
        Place::Launch,
        Place::Neurons,
        Place::Text,
        Place::Dialog,
    ];

    /// The name that keymaps use.
    pub fn name(self) -> &'static str {
        match self {
            Place::Global => "global",
            Place::Runs => "runs",
            Place::Details => "details",
            Place::Launch => "launch",
            Place::Neurons => "neurons",
            Place::Text => "text",
            Place::Dialog => "dialog",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_parse_back() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.name()), Ok(*action));
        }
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest() {
        assert_eq!(Action::parse("next_neurone"), Err("next_neuron"));
    }
}
