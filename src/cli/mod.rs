//! The command line: one file a command; prints, and nothing else.

pub mod check;
pub mod completions;
pub mod control;
pub mod doctor;
mod figures;
mod follow;
pub mod man;
mod metrics;
pub mod predict;
pub mod presets;
pub mod print;
pub mod report;
pub mod run;
pub mod runs;
pub mod show;
pub mod view;
pub mod watch;
pub mod workbench;
pub mod worker;

use std::path::{Path, PathBuf};

use clap::builder::TypedValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::error::{Error, Result};
use crate::report::figure::Options;
use crate::run::control::Command as Ask;
use crate::run::folder::RunFolder;
use crate::run::study::{alone, members};
use crate::settings::{Flags, Settings};
use crate::tui::capability;
use crate::tui::glyphs::Glyphs;

/// What `--version` says. The licences of WordNet's data and of the figures' typeface ask to go with
/// every copy, and this binary is one.
const VERSION_AND_LICENCES: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\nMIT OR Apache-2.0\n\n",
    include_str!("../data/wordnet/LICENSE"),
    "\n",
    include_str!("../../assets/fonts/LICENSE"),
);

/// What `worker --live` reads and writes.
const LIVE: &str = "With --live it opens the run's network, with its best weights, and the test \
    split, and answers one question a line until standard input ends:\n  \
    {\"id\":1,\"image\":0,\"attack\":\"method = 'pgd', epsilon = 8\"}\n\
    An answer is a line of JSON on standard output; of questions that wait only the newest is \
    answered. It changes nothing in the run folder, waits in no queue, and leaves half of the cores \
    to others.";

/// A terminal workbench for people who study how image classifiers fail.
#[derive(Debug, Parser)]
#[command(
    name = "glassbox",
    version,
    long_version = VERSION_AND_LICENCES,
    before_long_help = "Examples:\n  \
        glassbox                         the workbench, full screen\n  \
        glassbox run quickstart          train, attack and look at neurons, in three minutes\n  \
        glassbox runs                    what ran, what runs, what waits\n  \
        glassbox show last --json        the last run's state, metrics and results"
)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do; nothing = open the workbench.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Where runs live [env: GLASSBOX_RUNS_DIR]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub runs_dir: Option<PathBuf>,
    /// The settings file [env: GLASSBOX_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How pictures are drawn; auto asks the terminal [env: GLASSBOX_IMAGES]
    #[arg(long, global = true, value_enum, value_name = "HOW")]
    pub images: Option<Images>,
    /// dark, light, high-contrast, or a theme of your own
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Start and stop no run; an image is still attacked live, which changes none
    #[arg(long, global = true)]
    pub readonly: bool,
    /// Draw without Unicode
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long, global = true)]
    pub no_mouse: bool,
    /// Draw without colours, as NO_COLOR=1 does
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// How pictures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Images {
    /// What suits the terminal.
    Auto,
    /// kitty's graphics.
    Kitty,
    /// Sixels.
    Sixel,
    /// iTerm2's inline images.
    Iterm2,
    /// Half-blocks.
    Half,
    /// Not at all.
    Off,
}

/// Everything that can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a run and watch it; Ctrl-C once stops it with a checkpoint, twice at once
    #[command(before_long_help = "Examples:\n  \
        glassbox run quickstart\n  \
        glassbox run mine.toml --set train.epochs=2 --set seed=7\n  \
        glassbox run cifar10 --detach            prints the id and lets it go")]
    Run(RunArgs),
    /// Validate a spec, show it with every key, tell what it will cost; starts nothing
    #[command(before_long_help = "Examples:\n  \
        glassbox check mine.toml\n  \
        glassbox check quickstart > mine.toml    a spec of your own to start from")]
    Check(CheckArgs),
    /// What ships, with a line on each
    Presets,
    /// List the runs, newest first
    #[command(before_long_help = "Examples:\n  \
        glassbox runs\n  \
        glassbox runs --json | jq -r '.[] | select(.status == \"failed\") | .id'")]
    Runs(JsonArgs),
    /// One run: state, last metrics, results
    #[command(before_long_help = "Examples:\n  \
        glassbox show last\n  \
        glassbox show 20261123-1415 --json\n  \
        glassbox show last --metrics csv > metrics.csv")]
    Show(ShowArgs),
    /// Follow a run in plain lines; Ctrl-C leaves the run alone
    #[command(before_long_help = "Examples:\n  \
        glassbox watch last\n  \
        glassbox watch last --json               waits for its end, then prints it")]
    Watch(RunJsonArgs),
    /// Hold a run still; it keeps its device
    Pause(RunJsonArgs),
    /// Let a paused run go on, or take up one that ended early from its last checkpoint
    Resume(RunJsonArgs),
    /// Let a run write a checkpoint and end
    Stop(RunJsonArgs),
    /// Print a neuron's pictures into the scrollback, or write them as a figure
    #[command(before_long_help = "Examples:\n  \
        glassbox view last --layer conv5 --neuron 12 --region lit\n  \
        glassbox view last --layer conv5 --neuron 12 --neuron 40 --out figure.png\n  \
        glassbox view last --layer conv5 --neuron 12 --with 20261123-1415 --out both.png\n  \
        glassbox view last --layer conv5 --neuron 12 | grep adversarial")]
    View(ViewArgs),
    /// The results of runs as tables and figures; several runs stand in one
    #[command(before_long_help = "Examples:\n  \
        glassbox report last\n  \
        glassbox report last --format html > report.html\n  \
        glassbox report last --format png --out figures/\n  \
        glassbox report 20261123-1415 20261123-1502 --out tables/\n  \
        glassbox report last --format csv | column -s, -t\n  \
        glassbox report last --format tensorboard --out logs && tensorboard --logdir logs")]
    Report(report::ReportArgs),
    /// What a network says of pictures
    #[command(before_long_help = "Examples:\n  \
        glassbox predict --weights run:last photo.jpg\n  \
        glassbox predict --arch resnet18 --weights resnet18.pth photos/ --top 3\n  \
        glassbox predict --weights run:last photos/ --json | jq '.images[].top[0].label'")]
    Predict(PredictArgs),
    /// Terminal, devices, folders, data: what works and how to fix the rest
    #[command(before_long_help = "Examples:\n  \
        glassbox doctor\n  \
        glassbox doctor --json | jq '.sections[].findings[] | select(.standing == \"fix\")'")]
    Doctor(JsonArgs),
    /// A completion script for a shell
    #[command(before_long_help = "Examples:\n  \
        glassbox completions bash > ~/.local/share/bash-completion/completions/glassbox\n  \
        glassbox completions fish > ~/.config/fish/completions/glassbox.fish")]
    Completions(CompletionsArgs),
    /// The manual page, for man
    #[command(before_long_help = "Examples:\n  \
        glassbox man | man -l -\n  \
        glassbox man --out ~/.local/share/man/man1    a page for each command")]
    Man(man::ManArgs),
    /// Work on a run folder, which is what `run` starts; or, with --live, attack single images of a run
    #[command(hide = true)]
    #[command(after_long_help = LIVE)]
    Worker(WorkerArgs),
}

/// `glassbox run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// A spec file, or a preset's name
    #[arg(value_name = "SPEC|PRESET")]
    pub source: String,
    /// Override a key of the spec; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Print the id and let the run go by itself
    #[arg(long)]
    pub detach: bool,
    /// Write TensorBoard's event files, too; as --set tensorboard=true [env: GLASSBOX_TENSORBOARD]
    #[arg(long)]
    pub tensorboard: bool,
    /// Print one JSON value at the end, and nothing else on standard output
    #[arg(long)]
    pub json: bool,
}

/// `glassbox check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A spec file, or a preset's name
    #[arg(value_name = "SPEC|PRESET")]
    pub source: String,
    /// Override a key of the spec; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

/// `glassbox runs`
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

/// The commands on one run.
#[derive(Debug, Args)]
pub struct RunJsonArgs {
    /// An id, the beginning of one, or 'last'
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

/// `glassbox show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// An id, the beginning of one, or 'last'
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
    /// Print everything that was measured, line by line of events.jsonl, and nothing else
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json")]
    pub metrics: Option<metrics::Format>,
}

/// `glassbox view`
#[derive(Debug, Args)]
pub struct ViewArgs {
    /// An id, the beginning of one, or 'last'
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The layer tap
    #[arg(long, value_name = "NAME")]
    pub layer: String,
    /// The neuron, counted from 0; may be repeated with --out
    #[arg(long, value_name = "N", required = true)]
    pub neuron: Vec<usize>,
    /// Show in each picture what drives the neuron
    #[arg(long, value_enum, value_name = "LOOK", default_value_t = view::Region::Off)]
    pub region: view::Region,
    /// Show the clean originals below the adversarial pictures
    #[arg(long)]
    pub originals: bool,
    /// Look at the neuron as it was at this step of the training
    #[arg(long, value_name = "STEP")]
    pub step: Option<u64>,
    /// Show the same neuron of another run below
    #[arg(long, value_name = "RUN")]
    pub with: Option<String>,
    /// The N most exciting pictures of each row [default: all that were kept; in a figure 25]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub top: Option<u32>,
    /// Write a PNG figure into this file, and print its name
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `glassbox predict`
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// The architecture; weights that glassbox wrote know theirs
    #[arg(long, value_name = "NAME")]
    pub arch: Option<String>,
    /// A .safetensors, .pth or .th file, run:ID, run:ID@best or run:ID@last
    #[arg(long, value_name = "FILE|run:ID")]
    pub weights: String,
    /// JPEG and PNG files, and folders of them
    #[arg(value_name = "IMAGE", required = true)]
    pub pictures: Vec<PathBuf>,
    /// Taken off pixels of 0..1, per channel [default: the weights' own, else ImageNet's]
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', allow_hyphen_values = true)]
    pub mean: Option<Vec<f64>>,
    /// Divided by, per channel [default: the weights' own, else ImageNet's]
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub std: Option<Vec<f64>>,
    /// Scale the short side to this many pixels first [default: 8/7 of the crop; of small networks the crop]
    #[arg(long, value_name = "N", value_parser = pixels())]
    pub resize: Option<usize>,
    /// Cut a square of this side out of the centre [default: what the network was trained on]
    #[arg(long, value_name = "N", value_parser = pixels())]
    pub crop: Option<usize>,
    /// How many classes to tell of each image
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = count())]
    pub top: usize,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

/// A side that a picture can have.
fn pixels() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u32).range(1..=4096).map(|side| side as usize)
}

/// At least one.
fn count() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u32).range(1..).map(|count| count as usize)
}

/// `glassbox completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `glassbox worker`
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// How many runs may use one device at a time [default: as the settings say]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub slots: Option<u32>,
    /// Answer questions on standard input instead: attacks on single images of the run
    #[arg(long, requires = "pictures", conflicts_with = "slots")]
    pub live: bool,
    /// The folder for the pictures of the last answers
    #[arg(long, requires = "live", value_name = "FOLDER")]
    pub pictures: Option<PathBuf>,
    /// The run folder; with --live also an id, the beginning of one, or 'last'
    #[arg(value_name = "RUN_FOLDER")]
    pub folder: PathBuf,
}

impl Global {
    /// What the settings need to know of the command line.
    fn flags(&self) -> Flags {
        let images = self.images.and_then(|images| images.to_possible_value());
        Flags {
            runs_dir: self.runs_dir.clone(),
            config: self.config.clone(),
            theme: self.theme.clone(),
            images: images.map(|images| images.get_name().to_owned()),
            no_mouse: self.no_mouse,
            ascii: self.ascii,
        }
    }

    /// Bad input under `--readonly`.
    fn may_change_runs(&self) -> Result<()> {
        if !self.readonly {
            return Ok(());
        }
        Err(Error::bad_input("--readonly starts and stops nothing").hint("leave out --readonly"))
    }
}

/// Does what the command line says.
pub fn run(cli: Cli) -> Result<()> {
    let Cli { global, command } = cli;
    if global.no_color && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) {
        return again_without_colours();
    }
    let settings = || Settings::load(&global.flags());
    let find = |word: &str| RunFolder::resolve(settings()?.runs_dir()?, word);
    let Some(command) = command else {
        return open_workbench(&global);
    };
    match command {
        Command::Run(args) => {
            global.may_change_runs()?;
            let settings = settings()?;
            run::run(&args, &settings, glyphs(&settings))
        }
        Command::Check(args) => check::run(&args.source, &args.overrides, &settings()?),
        Command::Presets => presets::run(),
        Command::Runs(args) => {
            let settings = settings()?;
            runs::run(settings.runs_dir()?, glyphs(&settings), args.json)
        }
        Command::Show(args) => {
            let folder = find(&args.run)?;
            match args.metrics {
                Some(format) => {
                    alone(&folder)?;
                    metrics::run(&folder, format)
                }
                None => show::run(&folder, glyphs(&settings()?), args.json),
            }
        }
        Command::Watch(args) => watch::run(&find(&args.run)?, glyphs(&settings()?), args.json),
        Command::Pause(args) => {
            global.may_change_runs()?;
            control::ask(&find(&args.run)?, Ask::Pause, args.json)
        }
        Command::Resume(args) => {
            global.may_change_runs()?;
            control::resume(&find(&args.run)?, settings()?.slots, args.json)
        }
        Command::Stop(args) => {
            global.may_change_runs()?;
            control::ask(&find(&args.run)?, Ask::Stop, args.json)
        }
        Command::View(args) => {
            let settings = settings()?;
            let options = Options {
                look: args.region.look(),
                originals: args.originals,
                top: args.top.map(|top| top as usize),
            };
            let view = view::View {
                layer: &args.layer,
                neurons: &args.neuron,
                options,
                step: args.step,
                out: args.out.as_deref(),
                images: &settings.images,
                patience: settings.patience,
                glyphs: glyphs(&settings),
            };
            let words = std::iter::once(&args.run).chain(&args.with);
            let folders: Vec<RunFolder> = words.map(|word| find(word)).collect::<Result<_>>()?;
            folders.iter().try_for_each(alone)?;
            view::run(&folders, view)
        }
        Command::Report(args) => {
            let folders: Vec<RunFolder> =
                args.runs.iter().map(|word| find(word)).collect::<Result<_>>()?;
            // A study has the results of its runs.
            let members: Vec<Vec<RunFolder>> =
                folders.iter().map(members).collect::<Result<_>>()?;
            // At least one run is asked for.
            let Some(home) = folders.first() else { return Ok(()) };
            report::run(home, &members.concat(), &args, global.readonly)
        }
        Command::Predict(args) => predict::run(&args, settings),
        Command::Doctor(args) => examine(&global.flags(), args.json),
        Command::Completions(args) => completions::run(Cli::command(), args.shell),
        Command::Man(args) => man::run(Cli::command(), args.out.as_deref()),
        Command::Worker(args) => worker::run(&args, || Ok(settings()?.slots), find),
    }
}

/// The workbench opens even when the settings file is wrong: on defaults, saying so.
fn open_workbench(global: &Global) -> Result<()> {
    let flags = global.flags();
    match Settings::load(&flags) {
        Ok(settings) => workbench::run(&settings, global.readonly, None),
        Err(problem) => {
            // Without the file: what is still wrong then, nobody can work around.
            let settings = Settings::without_file(&flags)?;
            workbench::run(&settings, global.readonly, Some(problem))
        }
    }
}

/// The doctor works when the settings file is wrong, too: then above all.
fn examine(flags: &Flags, json: bool) -> Result<()> {
    let (settings, problem) = match Settings::load(flags) {
        Ok(settings) => (settings, None),
        Err(problem) => (Settings::without_file(flags)?, Some(problem)),
    };
    let themes = settings.themes();
    let patient = doctor::Patient {
        places: &places(&settings),
        asks: asks(&settings),
        settings: settings.file.as_ref().filter(|_| problem.is_none()),
        problem: problem.as_ref(),
        themes: &themes,
    };
    doctor::run(&patient, json)
}

fn asks(settings: &Settings) -> doctor::Asks<'_> {
    let Settings { images, patience, ascii, .. } = settings;
    doctor::Asks { images, patience: *patience, ascii: *ascii }
}

/// Which characters may be printed: as in the workbench.
fn glyphs(settings: &Settings) -> Glyphs {
    if settings.ascii {
        return Glyphs::Ascii;
    }
    capability::glyphs(|name| std::env::var(name).ok()).value
}

/// This same command with `NO_COLOR=1`: every part of the program goes by the variable, and so do
/// the programs that it starts.
fn again_without_colours() -> Result<()> {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe()
        .map_err(|error| Error::failed(format!("failed to find this program: {error}")))?;
    let error = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .env("NO_COLOR", "1")
        .exec();
    Err(Error::failed(format!("failed to start again without colours: {error}"))
        .hint("NO_COLOR=1 glassbox … does the same"))
}

/// The folders and files that `doctor` looks at.
fn places(settings: &Settings) -> Vec<doctor::Place> {
    let mut places = Vec::new();
    let mut place = |name, path, written, moved_by| {
        places.push(doctor::Place { name, path, written, moved_by });
    };
    // Without a home nobody says where they are.
    let runs = settings.runs_dir().map(Path::to_owned).unwrap_or_default();
    place("runs", runs, true, "--runs-dir FOLDER, or GLASSBOX_RUNS_DIR=FOLDER");
    if let Some(folders) = &settings.folders {
        let file = settings.file.as_ref().map(|file| file.path.clone());
        let file = file.unwrap_or_else(|| folders.config.join("config.toml"));
        place("settings", file, false, "--config FILE, or GLASSBOX_CONFIG=FILE");
        place("themes", folders.config.join("themes"), false, "XDG_CONFIG_HOME=FOLDER");
        place("cache", folders.cache.clone(), true, "XDG_CACHE_HOME=FOLDER");
        place("log", folders.state.clone(), true, "XDG_STATE_HOME=FOLDER");
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_may_stand_before_and_after_the_command() {
        for line in
            [["glassbox", "--runs-dir", "/r", "runs"], ["glassbox", "runs", "--runs-dir", "/r"]]
        {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!(cli.global.runs_dir.as_deref(), Some("/r".as_ref()));
        }
    }

    #[test]
    fn readonly_changes_no_run() {
        let cli = Cli::try_parse_from(["glassbox", "run", "quickstart", "--readonly"]).unwrap();
        assert_eq!(run(cli).unwrap_err().exit_code(), 2);
    }
}
