//! The loop: wait for something to happen, let `update` decide, do what it asks for, draw if
//! anything changed, at most thirty times a second.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{Event, EventStream, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::app::{App, Setup, draw};
use super::attacks::{self, Attacks};
use super::capability;
use super::effect::Effect;
use super::glyphs::Glyphs;
use super::keymap::Keymap;
use super::launcher::{self, Launcher};
use super::message::{Gesture, Message, Notice, Pointer, Severity};
use super::pictures::decoder::Decoder;
use super::reader::Reader;
use super::screen::View;
use super::shell::quoted;
use super::signals::{Signal, Signals};
use super::terminal::{self, LateAnswer, Screen};
use super::theme::{Ground, Theme, embedded_text};
use crate::error::{Error, Result};
use crate::spec::expand::Surroundings;

/// Helix's choice too: faster than eyes, slower than SSH.
const FRAME: Duration = Duration::from_millis(33);
/// Long enough to be read, short enough not to be in the way.
const TOAST: Duration = Duration::from_secs(4);

/// What the command line, the environment and the settings say.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where runs live.
    pub runs_dir: PathBuf,
    /// Whether somebody said so: then commands that are copied say it, too.
    pub runs_dir_is_given: bool,
    /// Where reports of panics go.
    pub log_file: PathBuf,
    /// What may be deleted at any time.
    pub cache: PathBuf,
    /// Start and stop no run; attacking an image live changes none.
    pub readonly: bool,
    /// Draw without Unicode.
    pub ascii: bool,
    /// Leave the mouse to the terminal.
    pub no_mouse: bool,
    /// Draw no pictures.
    pub no_pictures: bool,
    /// A theme's name; `None` = what suits the terminal.
    pub theme: Option<String>,
    /// The user's theme files: name and text.
    pub themes: Vec<(String, String)>,
    /// The settings file, for its `keys`: name and text.
    pub settings: Option<(String, String)>,
    /// What is wrong with the settings as a whole.
    pub problem: Option<String>,
}

/// Runs the workbench until the user leaves it.
pub fn run(options: &Options) -> Result<()> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Error::bad_input("the workbench needs a terminal to draw on")
            .hint("glassbox runs lists the runs, glassbox run starts one, without a screen"));
    }
    if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
        return Err(Error::bad_input("the workbench cannot draw on a terminal that is TERM=dumb")
            .hint(
                "set TERM to what the terminal is (xterm-256color), or use glassbox run and watch",
            ));
    }
    let failed = |doing: &str, error: std::io::Error| {
        Error::failed(format!("failed to {doing}: {error}")).caused_by(error)
    };
    terminal::install_panic_hook(options.log_file.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed("start the loop", error))?;
    runtime.block_on(async {
        let mut workbench =
            Workbench::open(options).map_err(|error| failed("open the workbench", error))?;
        workbench.run().await.map_err(|error| failed("go on: the terminal is gone", error))?;
        workbench.finish_asides()
    })
}

struct Workbench {
    app: App,
    view: View,
    /// `None` only while an editor has the terminal.
    input: Option<EventStream>,
    late: LateAnswer,
    signals: Signals,
    reader: Reader,
    decoder: Decoder,
    launcher: Launcher,
    /// What was asked of runs and may not have been done yet.
    asides: Vec<std::thread::JoinHandle<()>>,
    sender: mpsc::Sender<Message>,
    inbox: mpsc::Receiver<Message>,
    // After the inbox, which its threads may wait for.
    attacks: Attacks,
    next_frame: Instant,
    /// Which toast, and when it goes.
    toast_until: Option<(u64, Instant)>,
    // Last, so that the terminal is restored when everything else is gone.
    screen: Screen,
}

impl Workbench {
    fn open(options: &Options) -> std::io::Result<Self> {
        // The order is TERMINALS rule 1: signals first, so that none finds the screen half taken.
        let signals = Signals::listen()?;
        let around = Surroundings::here()?;
        let reader = Reader::start(options.runs_dir.clone())?;
        let (sender, inbox) = mpsc::channel(64);
        let decoded = sender.clone();
        let decoder = Decoder::start(move |loaded| {
            // Full: the screen is behind; it asks again for what it still wants.
            let _ = decoded.blocking_send(Message::PictureLoaded(loaded));
        })?;
        let launcher =
            Launcher { executable: std::env::current_exe()?, runs_dir: options.runs_dir.clone() };
        let place = attacks::Place {
            executable: launcher.executable.clone(),
            runs_dir: options.runs_dir.clone(),
            cache: options.cache.clone(),
        };
        let answered = sender.clone();
        let attacks = Attacks::start(place, move |run, asked, answer| {
            let run = run.to_owned();
            let _ = answered.blocking_send(Message::AttackAnswered { run, asked, answer });
        })?;
        let mouse = !options.no_mouse;
        let screen = Screen::enter(mouse)?;
        let ground = if options.theme.is_some() { None } else { terminal::ask_ground() };
        let size = screen.size()?;
        let setup = setup(options, ground, around, size);
        Ok(Self {
            app: App::new(setup),
            view: View::default(),
            input: Some(EventStream::new()),
            late: LateAnswer::default(),
            signals,
            reader,
            decoder,
            launcher,
            asides: Vec::new(),
            sender,
            inbox,
            attacks,
            next_frame: Instant::now(),
            toast_until: None,
            screen,
        })
    }

    async fn run(&mut self) -> std::io::Result<()> {
        let mut dirty = true;
        loop {
            dirty |= self.app.take_dirty();
            let toast = self.arm_toast();
            let Some(input) = &mut self.input else { return Ok(()) };
            let message = tokio::select! { biased;
                signal = self.signals.next() => match signal {
                    Signal::End => Message::Terminated,
                    Signal::Sleep => {
                        self.sleep()?;
                        continue;
                    }
                    Signal::WokenUp => Message::FocusGained,
                },
                // Before the data: with `biased`, a chatty reader would starve the screen.
                () = sleep_until(self.next_frame), if dirty => {
                    self.draw()?;
                    dirty = false;
                    continue;
                }
                event = input.next() => match event {
                    Some(Ok(event)) => match self.translate(event) {
                        Some(message) => message,
                        None => continue,
                    },
                    Some(Err(error)) => return Err(error),
                    None => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                },
                Ok(()) = self.reader.world.changed() => {
                    Message::WorldChanged(self.reader.world.borrow_and_update().clone())
                }
                Ok(()) = self.reader.machine.changed() => {
                    match *self.reader.machine.borrow_and_update() {
                        Some(machine) => Message::MachineChanged(machine),
                        None => continue,
                    }
                }
                Some(message) = self.inbox.recv() => message,
                () = sleep_until(toast.unwrap_or(self.next_frame)), if toast.is_some() => {
                    self.toast_until = None;
                    Message::ToastExpired
                }
            };
            for effect in self.app.update(message) {
                if effect == Effect::Quit {
                    return Ok(());
                }
                self.perform(effect).await?;
            }
        }
    }

    fn arm_toast(&mut self) -> Option<Instant> {
        // A new one is shown for its whole time, whatever it took the place of.
        self.toast_until = self.app.passing_toast().map(|number| match self.toast_until {
            Some((shown, until)) if shown == number => (shown, until),
            _ => (number, Instant::now() + TOAST),
        });
        self.toast_until.map(|(_, until)| until)
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let app = &self.app;
        self.screen.draw(&mut self.view, |area, buf, view| draw::draw(app, area, buf, view))?;
        self.next_frame = Instant::now() + FRAME;
        Ok(())
    }

    fn translate(&mut self, event: Event) -> Option<Message> {
        if self.late.takes(&event) {
            return None;
        }
        Some(match event {
            Event::Key(key) => Message::KeyPressed(key),
            Event::Mouse(mouse) => Message::Pointed(self.point(mouse)?),
            Event::Paste(text) => Message::Pasted(text),
            Event::Resize(columns, rows) => Message::Resized(columns, rows),
            Event::FocusGained => Message::FocusGained,
            Event::FocusLost => return None,
        })
    }

    fn point(&self, mouse: MouseEvent) -> Option<Pointer> {
        let gesture = match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Gesture::Press,
            MouseEventKind::Drag(MouseButton::Left) => Gesture::Drag,
            MouseEventKind::Up(MouseButton::Left) => Gesture::Release,
            MouseEventKind::ScrollUp => Gesture::WheelUp,
            MouseEventKind::ScrollDown => Gesture::WheelDown,
            _ => return None,
        };
        let (column, row) = (mouse.column, mouse.row);
        Some(Pointer { gesture, on: self.view.at(column, row), column, row })
    }

    async fn perform(&mut self, effect: Effect) -> std::io::Result<()> {
        match effect {
            Effect::StartRun { spec } => self.aside(move |launcher| launcher.start(&spec)),
            Effect::StartEdited { spec } => {
                self.aside(move |launcher| match launcher.start(&spec) {
                    Message::Noticed(notice) => Message::SpecRefused { spec, why: notice.text },
                    started => started,
                });
            }
            Effect::ResumeRun { run } => self.aside(move |launcher| launcher.resume(&run)),
            Effect::Control { run, order } => {
                self.aside(move |launcher| launcher.control(&run, order));
            }
            Effect::Bookmark { run, layer, neuron, note } => {
                self.aside(move |launcher| launcher.bookmark(&run, &layer, neuron, note));
            }
            Effect::Follow(runs) => self.reader.follow(runs),
            Effect::LoadPictures(requests) => self.decoder.want(requests),
            Effect::EditSpec(spec) => match std::fs::read_to_string(&spec) {
                Ok(text) => self.edit(&text, true).await?,
                Err(error) => {
                    let text = format!("failed to read {}: {error}", spec.display());
                    self.answer(Message::Noticed(Notice::error(text)));
                }
            },
            Effect::EditAgain { spec } => self.edit(&spec, false).await?,
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::CaptureMouse(on) => self.screen.capture_mouse(on)?,
            Effect::Redraw => self.screen.forget()?,
            Effect::Suspend => self.sleep()?,
            Effect::Attack { run, ask } => self.attacks.ask(run, ask),
            Effect::EndAttacks => self.attacks.end(),
            // `App` shows notices itself, and the loop ends on its own.
            Effect::Notify(_) | Effect::Quit => {}
        }
        Ok(())
    }

    /// On a thread of its own: the runs folder may be slow, a command slower.
    fn aside(&mut self, work: impl FnOnce(&Launcher) -> Message + Send + 'static) {
        let (launcher, sender) = (self.launcher.clone(), self.sender.clone());
        let spawned = std::thread::Builder::new().name("launcher".into()).spawn(move || {
            let _ = sender.blocking_send(work(&launcher));
        });
        match spawned {
            Ok(thread) => {
                self.asides.retain(|thread| !thread.is_finished());
                self.asides.push(thread);
            }
            Err(error) => {
                self.answer(Message::Noticed(Notice::error(format!("failed to start: {error}"))));
            }
        }
    }

    /// Waits until what was asked last has been done: the process would take it along. Errors with
    /// what went wrong, which nobody would see any more.
    fn finish_asides(&mut self) -> Result<()> {
        for thread in self.asides.drain(..) {
            // One that panicked has said so itself.
            let _ = thread.join();
        }
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Noticed(notice) = message
                && notice.severity == Severity::Error
            {
                return Err(Error::failed(notice.text));
            }
        }
        Ok(())
    }

    fn answer(&self, message: Message) {
        // Full means that 64 answers wait already: one notice less is no loss.
        let _ = self.sender.try_send(message);
    }

    /// Leaves the terminal to an editor, with a copy of a spec. One that is a run's own and comes
    /// back unchanged was only looked at.
    async fn edit(&mut self, before: &str, is_a_runs_own: bool) -> std::io::Result<()> {
        let path = match launcher::copy_spec(before) {
            Ok(path) => path,
            Err(error) => {
                let text = format!("failed to write a copy for the editor: {error}");
                self.answer(Message::Noticed(Notice::error(text)));
                return Ok(());
            }
        };
        // The stream reads ahead: it must be gone before the editor reads.
        self.input = None;
        terminal::restore();
        let done = launcher::run_editor(&path);
        self.signals.forget_keyboard().await;
        self.come_back()?;
        let after = std::fs::read_to_string(&path);
        let _ = std::fs::remove_file(&path);
        match (done, after) {
            // Vi left by :cq, or no editor: what was typed before must not be lost with it.
            (Err(error), _) if !is_a_runs_own => {
                self.answer(Message::Noticed(Notice::error(error)));
                self.answer(Message::SpecEdited(before.to_owned()));
            }
            (Err(error), _) => self.answer(Message::Noticed(Notice::error(error))),
            (Ok(()), Ok(after)) if after != before || !is_a_runs_own => {
                self.answer(Message::SpecEdited(after));
            }
            (Ok(()), Err(error)) => self.answer(Message::Noticed(Notice::error(format!(
                "failed to read what the editor wrote: {error}"
            )))),
            (Ok(()), Ok(_)) => {}
        }
        Ok(())
    }

    /// Stops this process until the shell continues it.
    fn sleep(&mut self) -> std::io::Result<()> {
        self.input = None;
        terminal::restore();
        let stopped =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        self.come_back()?;
        stopped.map_err(Into::into)
    }

    fn come_back(&mut self) -> std::io::Result<()> {
        self.screen.enter_again(self.app.wants_mouse())?;
        self.input = Some(EventStream::new());
        let (columns, rows) = self.screen.size()?;
        self.answer(Message::Resized(columns, rows));
        Ok(())
    }
}

/// Puts together what `App` is made from; what is wrong with the settings is pinned, not fatal.
fn setup(
    options: &Options,
    ground: Option<Ground>,
    around: Surroundings,
    size: (u16, u16),
) -> Setup {
    let variable = |name: &str| std::env::var(name).ok();
    let depth = capability::depth(variable).value;
    let mut problems: Vec<String> = options.problem.iter().cloned().collect();
    let mut complain = |error: Error| {
        let hint = error.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
        problems.push(format!("{}{hint}", error.message));
    };
    let keymap = match &options.settings {
        Some((file, text)) => Keymap::with_user(file, text).unwrap_or_else(|error| {
            complain(error);
            Keymap::shipped()
        }),
        None => Keymap::shipped(),
    };
    let mut themes = Theme::embedded(depth);
    let find = |name: &str| {
        let own = options.themes.iter().find(|(file, _)| file.trim_end_matches(".toml") == name);
        own.map(|(_, text)| text.clone()).or_else(|| embedded_text(name))
    };
    for (file, text) in &options.themes {
        match Theme::load(&format!("themes/{file}.toml"), text, depth, &find) {
            Ok(theme) => {
                themes.retain(|old| old.name != theme.name);
                themes.push(theme);
            }
            Err(error) => complain(error),
        }
    }
    let suited = if ground == Some(Ground::Light) { "light" } else { "dark" };
    let wanted = options.theme.as_deref().unwrap_or(suited);
    let theme = themes.iter().position(|theme| theme.name == wanted);
    if theme.is_none() {
        let names: Vec<&str> = themes.iter().map(|theme| theme.name.as_str()).collect();
        complain(
            Error::bad_input(format!("unknown theme '{wanted}'"))
                .hint(format!("there are: {}", names.join(", "))),
        );
    }
    let ascii = options.ascii || capability::glyphs(variable).value.is_ascii();
    Setup {
        themes,
        theme: theme.unwrap_or(0),
        glyphs: if ascii { Glyphs::Ascii } else { Glyphs::Unicode },
        keymap,
        readonly: options.readonly,
        mouse: !options.no_mouse,
        pictures: !options.no_pictures,
        around,
        command_suffix: if options.runs_dir_is_given {
            format!(" --runs-dir {}", quoted(&options.runs_dir.display().to_string()))
        } else {
            String::new()
        },
        pinned: (!problems.is_empty()).then(|| problems.join("\n")),
        size,
    }
}
