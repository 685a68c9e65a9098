//! Everything the workbench can be told to do: one table that feeds the keymap, the palette and the
//! help. What an action does in a place is decided by `app` and by the screen that has focus.

use strsim::damerau_levenshtein;

/// Declares [`Action`]: its name (for keymap and palette), its label (for the bottom line), its help.
macro_rules! actions {
    ($($variant:ident $name:literal $label:literal $doc:literal;)*) => {
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

            /// A word or two for the bottom line; `…` where it asks or opens something.
            pub fn label(self) -> &'static str {
                match self { $(Action::$variant => $label,)* }
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
    ShowRuns "show_runs" "runs" "Go to the runs";
    ShowLaunch "show_launch" "launch" "Go to the launch screen";
    ShowAttack "show_attack" "attack" "Go to the attack screen";
    ShowNeurons "show_neurons" "neurons" "Go to the neurons";
    ShowConcepts "show_concepts" "concepts" "Go to the concepts";
    ShowTrace "show_trace" "trace" "Go to the trace: from predictions back to neurons";
    NextFocus "next_focus" "focus" "Focus the next region";
    PreviousFocus "previous_focus" "focus back" "Focus the previous region";
    Open "open" "open" "Open what is selected";
    Back "back" "back" "One layer back";
    // Moving
    Up "up" "up" "Up";
    Down "down" "down" "Down";
    Left "left" "left" "Left";
    Right "right" "right" "Right";
    First "first" "first" "Go to the first";
    Last "last" "last" "Go to the last";
    PageUp "page_up" "page up" "A page up";
    PageDown "page_down" "page down" "A page down";
    Filter "filter" "filter" "Filter by text";
    // Runs
    NewRun "new_run" "new" "Start a new run from a preset";
    Pause "pause" "pause" "Pause the run, or let it go on";
    Stop "stop" "stop…" "Stop the run at its next step (asks)";
    Checkpoint "checkpoint" "checkpoint" "Have the run write a checkpoint now";
    Resume "resume" "resume" "Take up a stopped, failed or lost run where it left off";
    Mark "mark" "mark" "Mark the run, or take the mark away";
    Compare "compare" "compare" "Lay the curves of the marked runs over one another";
    ClearMarks "clear_marks" "clear marks" "Take all marks away";
    EditSpec "edit_spec" "edit spec" "Open the spec in $EDITOR";
    WriteReport "write_report" "report" "Write the run's report into its folder: page, tables, figures";
    CopyCommand "copy_command" "copy command" "Copy the command that makes what is on the screen";
    // Curves
    SmoothMore "smooth_more" "smooth" "Smooth the curves more";
    SmoothLess "smooth_less" "smooth" "Smooth the curves less";
    SmoothOff "smooth_off" "raw" "Show the curves as measured";
    LogScale "log_scale" "log" "Logarithmic scale, on or off";
    NextCurve "next_curve" "curve" "The next group of curves";
    PreviousCurve "previous_curve" "curve" "The previous group of curves";
    Zoom "zoom" "zoom" "Let the focused region fill the screen, or back";
    // Launch
    Launch "launch" "start" "Start the run that the form describes";
    ResetValue "reset_value" "preset's value" "Set the value back to the preset's";
    // Attack
    AttackNow "attack_now" "attack" "Attack the selected image, and those selected next";
    NextMethod "next_method" "method" "Attack with the next method";
    PreviousMethod "previous_method" "method" "Attack with the previous method";
    EpsilonUp "epsilon_up" "ε" "Attack with a larger epsilon";
    EpsilonDown "epsilon_down" "ε" "Attack with a smaller epsilon";
    StepsUp "steps_up" "steps" "Attack with more steps";
    StepsDown "steps_down" "steps" "Attack with fewer steps";
    NextOutcome "next_outcome" "fooled, held" "List what fooled the network, what held, or all";
    // Neurons
    NextNeuron "next_neuron" "neuron" "The next neuron";
    PreviousNeuron "previous_neuron" "neuron" "The previous neuron";
    NextLayer "next_layer" "layer" "The next layer";
    PreviousLayer "previous_layer" "layer" "The previous layer";
    Sort "sort" "sort" "Sort by the next column";
    Region "region" "region" "Show what drives the neuron, and its concept: lit, outlined, cropped, or not at all";
    Originals "originals" "originals" "A row with the originals of the adversarial pictures, or none";
    Gallery "gallery" "gallery" "The top picture of every neuron of the layer, or back";
    OtherSide "other_side" "adversarial" "In the gallery: adversarial pictures, or real ones";
    SideBySide "side_by_side" "side by side" "A second run beside this one, or alone again";
    PreviousStep "previous_step" "time" "What the neuron liked at an earlier step of the training";
    NextStep "next_step" "time" "What it liked at a later step, and in the end";
    Bookmark "bookmark" "bookmark" "Mark the neuron with a note, or change its note";
    Unmark "unmark" "unmark" "Take the neuron's mark away, with its note";
    // Concepts
    ReverseSort "reverse_sort" "reverse" "Sort the list the other way round";
    // Trace
    NextPrediction "next_prediction" "prediction" "The next prediction";
    PreviousPrediction "previous_prediction" "prediction" "The previous prediction";
    SwitchOff "switch_off" "off, on" "Switch the selected neuron off, or on again: what would be the answer";
    SwitchAllOn "switch_all_on" "all on" "Switch all neurons on again";
    Measure "measure" "measure" "Prediction differences of probability, or of the logit";
    // Text fields and questions
    Accept "accept" "yes" "Yes, do it";
    DeleteBefore "delete_before" "delete" "Delete the character before the cursor";
    DeleteAfter "delete_after" "delete" "Delete the character under the cursor";
    DeleteAll "delete_all" "empty" "Empty the field";
    // Everywhere
    Help "help" "help…" "Show and search all keys";
    Palette "palette" "command…" "Find any command by its name";
    NextTheme "next_theme" "theme" "The next theme";
    ToggleMouse "toggle_mouse" "mouse" "Mouse on or off (off: the terminal selects text)";
    Redraw "redraw" "redraw" "Draw everything anew";
    Suspend "suspend" "sleep" "Put the workbench to sleep; the shell's fg wakes it";
    Quit "quit" "quit" "Leave the workbench; runs go on";
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

    /// Whether it moves the cursor or the focus, or opens and leaves what is there.
    pub fn is_motion(self) -> bool {
        use Action::{
            Back, Down, First, Last, Left, NextFocus, Open, PageDown, PageUp, PreviousFocus, Right,
            Up,
        };
        matches!(
            self,
            Back | Down
                | First
                | Last
                | Left
                | NextFocus
                | Open
                | PageDown
                | PageUp
                | PreviousFocus
                | Right
                | Up
        )
    }

    /// Whether it starts, stops or changes a run: what `--readonly` refuses.
    pub fn changes_runs(self) -> bool {
        use Action::{
            Bookmark, Checkpoint, Launch, NewRun, Pause, Resume, Stop, Unmark, WriteReport,
        };
        matches!(
            self,
            Bookmark | Unmark | Launch | NewRun | Pause | Stop | Checkpoint | Resume | WriteReport
        )
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
    /// The attack screen.
    Attack,
    /// The neurons screen.
    Neurons,
    /// The concepts screen.
    Concepts,
    /// The trace screen.
    Trace,
    /// A text field that takes letters: form values, filters, palette, help search.
    Text,
    /// A question.
    Dialog,
}

impl Place {
    /// Every place.
    pub const ALL: [Place; 10] = [
        Place::Global,
        Place::Runs,
        Place::Details,
        Place::Launch,
        Place::Attack,
        Place::Neurons,
        Place::Concepts,
        Place::Trace,
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
            Place::Attack => "attack",
            Place::Neurons => "neurons",
            Place::Concepts => "concepts",
            Place::Trace => "trace",
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
