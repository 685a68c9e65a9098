//! The loop: wait for something to happen, let `update` decide, do what it asks for, draw if
//! anything changed, at most thirty times a second.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use crossterm::event::{Event, MouseButton, MouseEvent, MouseEventKind};
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
use super::pictures::encoder::{Encoded, Encoder};
use super::pictures::protocol;
use super::pictures::stage::Stage;
use super::reader::Reader;
use super::screen::View;
use super::shell::quoted;
use super::signals::{Signal, Signals};
use super::terminal::parse::{Answer, Input, Parser};
use super::terminal::query::{self, Answers};
use super::terminal::{self, Screen, input};
use super::theme::{Ground, Theme, embedded_text};
use crate::error::{Error, Result};
use crate::spec::expand::Surroundings;

/// Helix's choice too: faster than eyes, slower than SSH.
const FRAME: Duration = Duration::from_millis(33);
/// Long enough to be read, short enough not to be in the way.
const TOAST: Duration = Duration::from_secs(4);

/// Answers that have not come by then are not waited for when the terminal is given back.
const LATEST: Duration = Duration::from_secs(2);

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
    /// How pictures are drawn: `auto`, `off`, or a way that somebody insists on.
    pub images: String,
    /// How long the terminal may take to say what it can.
    pub patience: Duration,
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
    input: Option<input::Reader>,
    answers: Answers,
    tmux: query::Tmux,
    /// Of the last round of questions, while its answers may still come: so far, and since when.
    asking: Option<(Answers, Instant)>,
    /// `--images`, and why there can only be text.
    images: (String, Option<String>),
    signals: Signals,
    reader: Reader,
    decoder: Decoder,
    encoder: Encoder,
    encoded: mpsc::Receiver<Encoded>,
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
        let (ready, encoded) = mpsc::channel(16);
        let encoder = Encoder::start(move |encoded| {
            let _ = ready.blocking_send(encoded);
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
        let variable = |name: &str| std::env::var(name).ok();
        let tmux = query::tmux(variable);
        let begin = Instant::now();
        let asked = query::ask(tmux, options.patience)?;
        let is_complete = asked.answers.are_complete();
        let size = screen.size()?;
        let setup = setup(options, ground(&asked.answers), around, size);
        let plain = capability::plain(variable, options.ascii);
        let mut workbench = Self {
            app: App::new(setup),
            view: View { stage: Rc::new(Stage::new(number())), ..View::default() },
            input: Some(input::Reader::start(asked.parser, asked.early)?),
            asking: (!is_complete).then(|| (asked.answers.clone(), begin)),
            answers: asked.answers,
            tmux,
            images: (options.images.clone(), plain),
            signals,
            reader,
            decoder,
            encoder,
            encoded,
            launcher,
            asides: Vec::new(),
            sender,
            inbox,
            attacks,
            next_frame: Instant::now(),
            toast_until: None,
            screen,
        };
        workbench.choose();
        Ok(workbench)
    }

    /// Goes by what the terminal has answered so far; over a slow line that may change.
    fn choose(&mut self) {
        let (wanted, plain) = &self.images;
        let choice = protocol::choose(&self.answers, wanted, plain.as_deref());
        self.view.stage.take(choice.value);
        if self.answers.attributes.is_some() {
            let around = self.answers.around.as_ref();
            self.screen.trust(around.is_some_and(|around| around.attributes.is_some()));
        }
    }

    async fn run(&mut self) -> std::io::Result<()> {
        let mut dirty = true;
        loop {
            dirty |= self.app.take_dirty();
            let toast = self.arm_toast();
            // What is drawn now would only wait behind what is on its way.
            let next_frame = match self.screen.blocked_until().filter(|_| dirty) {
                Some(until) => self.next_frame.max(until.into()),
                None => self.next_frame,
            };
            let Some(input) = &mut self.input else { return Ok(()) };
            let message = tokio::select! { biased;
                signal = self.signals.next() => match signal {
                    Signal::End => Message::Terminated,
                    Signal::Sleep => {
                        self.sleep().await?;
                        continue;
                    }
                    Signal::WokenUp => Message::FocusGained,
                    Signal::Resized => {
                        let (columns, rows) = self.screen.size()?;
                        Message::Resized(columns, rows)
                    }
                },
                // Before the data: with `biased`, a chatty reader would starve the screen.
                () = sleep_until(next_frame), if dirty => {
                    dirty = self.draw()?;
                    continue;
                }
                input = input.next() => match input {
                    Some(Ok(Input::Event(event))) => match self.translate(event) {
                        Some(message) => message,
                        None => continue,
                    },
                    Some(Ok(Input::Answer(answer))) => {
                        dirty |= self.hear(answer);
                        continue;
                    }
                    Some(Err(error)) => return Err(error),
                    None => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                },
                Some(encoded) = self.encoded.recv() => {
                    dirty |= self.view.stage.put(encoded);
                    continue;
                }
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
                    self.hear_the_rest().await;
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

    /// Draws; answers whether the next frame will bring more of it.
    fn draw(&mut self) -> std::io::Result<bool> {
        let app = &self.app;
        self.screen.draw(&mut self.view, |area, buf, view| draw::draw(app, area, buf, view))?;
        self.next_frame = Instant::now() + FRAME;
        if let Some(jobs) = self.view.stage.jobs() {
            self.encoder.want(jobs);
        }
        Ok(self.view.stage.has_more())
    }

    /// The terminal answered; whether that changes what is to be seen.
    fn hear(&mut self, answer: Answer) -> bool {
        if answer == Answer::Ready {
            return self.screen.confirmed() && self.view.stage.doubt();
        }
        let Some((answers, _)) = &mut self.asking else { return false };
        answers.take(answer);
        let is_complete = answers.are_complete();
        // A second round counts when it is whole: half of it would look like another terminal.
        if self.answers.are_complete() && !is_complete {
            return false;
        }
        answers.look_at_window();
        self.answers = answers.clone();
        if is_complete {
            self.asking = None;
        }
        let before = self.view.stage.status();
        self.choose();
        self.view.stage.status() != before
    }

    /// Another terminal may be there by now.
    fn ask_again(&mut self) -> std::io::Result<()> {
        let in_tmux = self.tmux == query::Tmux::Yes || self.answers.name_tmux();
        self.asking = Some((Answers::none(in_tmux), Instant::now()));
        self.screen.ask(&query::questions(in_tmux))
    }

    /// Waits a little for what was asked: answered later, it would be typed into the shell, or into
    /// an editor.
    async fn hear_the_rest(&mut self) {
        let until = Instant::now() + query::PATIENCE;
        loop {
            // Who has said nothing for long will not say it now.
            let is_asked = self.asking.as_ref().is_some_and(|(_, since)| since.elapsed() < LATEST);
            if !is_asked && !self.screen.awaits_answers() {
                return;
            }
            let Some(input) = &mut self.input else { return };
            match tokio::time::timeout_at(until, input.next()).await {
                Ok(Some(Ok(Input::Answer(answer)))) => {
                    self.hear(answer);
                }
                Ok(Some(Ok(Input::Event(_)))) => {}
                Ok(Some(Err(_)) | None) | Err(_) => return,
            }
        }
    }

    fn translate(&mut self, event: Event) -> Option<Message> {
        Some(match event {
            Event::Key(key) => Message::KeyPressed(key),
            Event::Mouse(mouse) => Message::Pointed(self.point(mouse)?),
            Event::Paste(text) => Message::Pasted(text),
            Event::Resize(columns, rows) => Message::Resized(columns, rows),
            Event::FocusGained => {
                self.screen.seen_again();
                Message::FocusGained
            }
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
            Effect::WriteReport { runs } => self.aside(move |of| of.report(&runs)),
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
            Effect::Redraw => {
                self.screen.forget()?;
                self.view.stage.cleared();
            }
            Effect::SendAgain => {
                self.screen.forget()?;
                self.view.stage.forget();
                self.ask_again()?;
            }
            Effect::Suspend => self.sleep().await?,
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
        self.hear_the_rest().await;
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
    async fn sleep(&mut self) -> std::io::Result<()> {
        self.hear_the_rest().await;
        self.input = None;
        terminal::restore();
        let stopped =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        self.come_back()?;
        stopped.map_err(Into::into)
    }

    fn come_back(&mut self) -> std::io::Result<()> {
        self.screen.enter_again(self.app.wants_mouse())?;
        // The terminal was told to forget them, and may be another one now.
        self.view.stage.forget();
        self.input = Some(input::Reader::start(Parser::default(), Vec::new())?);
        self.ask_again()?;
        let (columns, rows) = self.screen.size()?;
        self.answer(Message::Resized(columns, rows));
        Ok(())
    }
}

/// A number that no other process of this user has, here or on another host of the same tmux.
fn number() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

/// Whether the background that the terminal told is light: by the brightness that eyes see, ITU-R
/// BT.601.
fn ground(answers: &Answers) -> Option<Ground> {
    let [r, g, b] = answers.background?.map(f64::from);
    let light = 0.299 * r + 0.587 * g + 0.114 * b;
    Some(if light > 127.5 { Ground::Light } else { Ground::Dark })
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
        pictures: options.images != "off",
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
