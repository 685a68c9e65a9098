//! What the screen knows of the small worker: for which run it is wanted, what it was asked last,
//! what it has answered. Answers to older questions are passed over.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::knobs::Knobs;
use crate::run::live::{Answer, Ask, Attacked};
use crate::tui::effect::Effect;
use crate::tui::pictures::{Cache, Request, gain_for};

/// The test split, as the worker has it open.
#[derive(Debug, PartialEq)]
pub(super) struct Split {
    /// By output of the network.
    pub(super) classes: Vec<String>,
    /// The true class of every image.
    pub(super) labels: Vec<u32>,
    /// What the network's weights are, in words.
    pub(super) weights: String,
    /// Where it computes.
    pub(super) device: String,
}

/// The newest question.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    id: u64,
    image: usize,
    knobs: Knobs,
}

/// How it stands with the newest question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// Nobody asked.
    Off,
    /// The network and the data are being opened.
    Starting,
    /// It is being computed; so is the image of this number.
    Computing(usize),
    /// Answered.
    Done,
    /// Could not be answered, with the reason.
    Refused(&'a str),
    /// The worker is gone, with the reason.
    Failed(&'a str),
}

/// The worker as the screen sees it.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// The run that it was last wanted for.
    run: Option<String>,
    /// Whether it has its network open, as far as it said.
    is_open: bool,
    split: Option<Arc<Split>>,
    asked: Option<Asked>,
    refusal: Option<String>,
    failure: Option<String>,
    /// What is on the screen.
    shown: Option<Box<Attacked>>,
    /// What comes onto it as soon as its pictures are decoded: nothing blinks.
    coming: Option<Box<Attacked>>,
    /// Answers before and after of every image that was attacked as it is set now.
    seen: HashMap<usize, (u32, u32)>,
    /// Counts the changes of `seen` and never back.
    changes: u64,
    /// The number of the newest question of this session: the next one's is larger.
    newest: u64,
}

impl Live {
    /// The run that the worker is wanted for; `None` = it is not, or it is gone.
    pub(super) fn run(&self) -> Option<&str> {
        self.run.as_deref().filter(|_| self.failure.is_none())
    }

    pub(super) fn split(&self) -> Option<&Arc<Split>> {
        self.split.as_ref()
    }

    pub(super) fn seen(&self, image: usize) -> Option<(u32, u32)> {
        self.seen.get(&image).copied()
    }

    /// Another number whenever [`Self::seen`] may answer otherwise.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// What the newest answered question brought.
    pub(super) fn shown(&self) -> Option<&Attacked> {
        self.shown.as_deref()
    }

    /// The image that was asked for last, while the worker is wanted.
    pub(super) fn image(&self) -> Option<usize> {
        self.run().and(self.asked.as_ref()).map(|asked| asked.image)
    }

    pub(super) fn standing(&self) -> Standing<'_> {
        if let Some(why) = &self.failure {
            return Standing::Failed(why);
        }
        if let Some(why) = &self.refusal {
            return Standing::Refused(why);
        }
        match (&self.run, &self.asked) {
            (None, _) | (_, None) => Standing::Off,
            (_, Some(asked)) if self.shown().is_some_and(|shown| shown.id == asked.id) => {
                Standing::Done
            }
            _ if !self.is_open => Standing::Starting,
            (_, Some(asked)) => Standing::Computing(asked.image),
        }
    }

    /// Asks, whatever was asked before.
    pub(super) fn ask(&mut self, run: &str, image: usize, knobs: &Knobs) -> Effect {
        self.newest += 1;
        self.run = Some(run.to_owned());
        (self.refusal, self.failure, self.coming) = (None, None, None);
        if self.asked.as_ref().is_some_and(|asked| asked.knobs != *knobs) {
            // Outcomes of two attacks in one list could not be told apart.
            self.seen.clear();
            self.changes += 1;
        }
        self.asked = Some(Asked { id: self.newest, image, knobs: knobs.clone() });
        let ask = Ask { id: self.newest, image, attack: knobs.ask() };
        Effect::Attack { run: run.to_owned(), ask }
    }

    /// Asks if the worker is wanted and was asked for something else.
    pub(super) fn ask_anew(&mut self, image: usize, knobs: &Knobs) -> Option<Effect> {
        let run = self.run()?.to_owned();
        let same = |asked: &Asked| asked.image == image && asked.knobs == *knobs;
        if self.asked.as_ref().is_some_and(same) {
            return None;
        }
        Some(self.ask(&run, image, knobs))
    }

    /// Takes in what the worker said; answers whether that changed anything.
    pub(super) fn hear(&mut self, run: &str, answer: Answer) -> bool {
        if self.run.as_deref() != Some(run) {
            return false;
        }
        let newest = self.asked.as_ref().map(|asked| asked.id);
        match answer {
            // Whoever says something after a failure is a worker that was started since.
            Answer::Ready { classes, labels, weights, device, .. } => {
                (self.is_open, self.failure) = (true, None);
                self.split = Some(Arc::new(Split { classes, labels, weights, device }));
            }
            Answer::Attacked(attacked) if Some(attacked.id) == newest => {
                (self.is_open, self.failure) = (true, None);
                let answers = (largest(&attacked.clean), largest(&attacked.adversarial));
                if let (Some(before), Some(after)) = answers {
                    self.seen.insert(attacked.image, (before, after));
                    self.changes += 1;
                }
                self.coming = Some(attacked);
            }
            Answer::Refused { id, why } if Some(id) == newest => {
                (self.refusal, self.failure) = (Some(why), None);
            }
            Answer::Failed { why } => {
                self.failure = Some(why);
                self.is_open = false;
                self.split = None;
            }
            Answer::Attacked(_) | Answer::Refused { .. } => return false,
        }
        true
    }

    /// Puts the newest answer on the screen once its pictures are there, or if none are drawn.
    pub(super) fn settle(&mut self, pictures: &Cache, draws_pictures: bool) {
        let there = |attacked: &Attacked| {
            let wanted = requests(attacked);
            !draws_pictures || wanted.iter().all(|request| pictures.get(request).is_some())
        };
        if let Some(attacked) = self.coming.take_if(|attacked| there(attacked)) {
            self.shown = Some(attacked);
        }
    }

    /// Pictures of what is on the screen and of what comes onto it.
    pub(super) fn wants(&self) -> Vec<Request> {
        let both = self.coming.iter().chain(&self.shown);
        both.flat_map(|attacked| requests(attacked)).collect()
    }

    /// Forgets the worker and all it said; answers whether there was one.
    pub(super) fn end(&mut self) -> bool {
        // Also one that is said to be gone: another may have been started since.
        let was_wanted = self.run.is_some();
        *self = Self { newest: self.newest, changes: self.changes + 1, ..Self::default() };
        was_wanted
    }
}

/// Original, perturbation, adversarial.
pub(super) fn requests(attacked: &Attacked) -> [Request; 3] {
    trio(&attacked.original_file, &attacked.adversarial_file, gain_for(attacked.linf))
}

/// The three pictures of two files.
pub(super) fn trio(original: &Path, adversarial: &Path, gain: u16) -> [Request; 3] {
    let (original, adversarial) = (original.to_owned(), adversarial.to_owned());
    [
        Request::File(original.clone()),
        Request::Difference { original, adversarial: adversarial.clone(), gain },
        Request::File(adversarial),
    ]
}

/// The class of the largest probability.
pub(super) fn largest(probabilities: &[f32]) -> Option<u32> {
    let all = probabilities.iter().enumerate().rev();
    all.max_by(|a, b| a.1.total_cmp(b.1)).and_then(|(class, _)| u32::try_from(class).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attacked(id: u64, image: usize) -> Answer {
        Answer::Attacked(Box::new(Attacked {
            id,
            image,
            attack: "fgsm ε 4".into(),
            label: 0,
            clean: vec![0.9, 0.1],
            adversarial: vec![0.2, 0.8],
            linf: 4.0,
            l2: 1.0,
            took_ms: 12,
            original_file: format!("{id}-o.png").into(),
            adversarial_file: format!("{id}-a.png").into(),
        }))
    }

    fn ready() -> Answer {
        Answer::Ready {
            images: 2,
            classes: vec!["a".into(), "b".into()],
            labels: vec![0, 1],
            weights: "the best of this run".into(),
            device: "cpu".into(),
        }
    }

    #[test]
    fn only_the_newest_question_of_its_run_is_answered() {
        let (mut live, cache) = (Live::default(), Cache::default());
        let knobs = Knobs::of(None);
        assert!(!live.hear("r", ready()), "nobody asked");
        live.ask("r", 0, &knobs);
        assert_eq!(live.standing(), Standing::Starting);
        live.hear("r", ready());
        assert_eq!(live.standing(), Standing::Computing(0));
        live.ask("r", 1, &knobs);
        assert!(!live.hear("r", attacked(1, 0)), "older");
        assert!(!live.hear("other", attacked(2, 1)), "of another run");
        assert!(!live.hear("r", Answer::Refused { id: 1, why: "x".into() }), "older");
        assert!(live.hear("r", attacked(2, 1)));
        // Not before its pictures are there, unless none are drawn.
        live.settle(&cache, true);
        assert_eq!(live.standing(), Standing::Computing(1));
        live.settle(&cache, false);
        assert_eq!((live.standing(), live.seen(1)), (Standing::Done, Some((0, 1))));
    }

    #[test]
    fn what_was_shown_stays_until_something_new_is_there() {
        let mut live = Live::default();
        live.ask("r", 0, &Knobs::of(None));
        live.hear("r", ready());
        live.hear("r", attacked(1, 0));
        live.settle(&Cache::default(), false);
        live.ask("r", 0, &Knobs::of(None).other_epsilon(true));
        assert_eq!(live.shown().map(|shown| shown.id), Some(1));
        live.hear("r", Answer::Refused { id: 2, why: "no room".into() });
        assert_eq!(live.standing(), Standing::Refused("no room"));
        assert_eq!(live.shown().map(|shown| shown.id), Some(1));
        live.hear("r", Answer::Failed { why: "gone".into() });
        assert_eq!((live.standing(), live.run()), (Standing::Failed("gone"), None));
    }

    #[test]
    fn what_other_settings_made_of_an_image_is_not_seen_any_more() {
        let (mut live, weak) = (Live::default(), Knobs::of(None));
        let strong = weak.other_epsilon(true);
        live.ask("r", 1, &strong);
        live.hear("r", ready());
        live.hear("r", attacked(1, 1));
        live.ask("r", 0, &strong);
        assert_eq!(live.seen(1), Some((0, 1)), "the same attack on another image");
        let changes = live.changes();
        live.ask("r", 0, &weak);
        assert!(live.seen(1).is_none() && live.changes() != changes);
    }

    #[test]
    fn a_late_failure_of_an_old_worker_does_not_silence_the_new_one() {
        let mut live = Live::default();
        live.ask("r", 0, &Knobs::of(None));
        live.ask("r", 1, &Knobs::of(None));
        live.hear("r", Answer::Failed { why: "gone".into() });
        assert_eq!((live.standing(), live.run()), (Standing::Failed("gone"), None));
        assert!(!live.hear("r", attacked(1, 0)), "older");
        assert_eq!(live.standing(), Standing::Failed("gone"));
        assert!(live.hear("r", attacked(2, 1)));
        live.settle(&Cache::default(), false);
        assert_eq!((live.standing(), live.run()), (Standing::Done, Some("r")));
        live.hear("r", Answer::Failed { why: "gone again".into() });
        assert!(live.end() && !live.end(), "it may be another that lives");
    }

    #[test]
    fn an_answer_tells_that_the_worker_is_open() {
        let mut live = Live::default();
        live.ask("r", 0, &Knobs::of(None));
        assert_eq!(live.standing(), Standing::Starting);
        live.hear("r", attacked(1, 0));
        live.settle(&Cache::default(), true);
        assert_eq!(live.standing(), Standing::Computing(0));
        live.settle(&Cache::default(), false);
        assert_eq!(live.standing(), Standing::Done);
        live.ask("r", 1, &Knobs::of(None));
        assert_eq!(live.standing(), Standing::Computing(1));
    }

    #[test]
    fn numbers_go_on_after_an_end() {
        let mut live = Live::default();
        live.ask("r", 0, &Knobs::of(None));
        assert!(live.end() && !live.end());
        let Effect::Attack { ask, .. } = live.ask("r", 0, &Knobs::of(None)) else { panic!() };
        assert_eq!(ask.id, 2);
        assert!(live.ask_anew(0, &Knobs::of(None)).is_none());
        assert!(live.ask_anew(1, &Knobs::of(None)).is_some());
    }
}
