//! The attack that the keys set: method, bound, steps; and the words that ask the small worker for
//! it. What each method takes is the spec's to say.

use crate::spec::help::{self, ValueKind};
use crate::spec::{AttackMethod, MethodSpec, Norm, word};
use crate::tui::text;
use crate::tui::world::RunDetail;

/// Bounds in pixel levels: halves below one, where 8 bits end; the papers' own above.
const LEVELS: [f64; 13] = [0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0];
/// Bounds in L2, in the unit of an l2 epsilon: some 100 are seen at 64×64 pixels.
const LENGTHS: [f64; 10] = [25.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 600.0, 800.0, 1200.0];
const STEPS: [usize; 8] = [1, 2, 5, 10, 20, 50, 100, 200];
const QUERIES: [usize; 8] = [50, 100, 200, 500, 1000, 2000, 5000, 10_000];
/// Square's own 5000 take seconds an image; this many answer at once and fool most networks.
const LIVE_QUERIES: usize = 500;

/// What is set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Knobs {
    /// The attack as the spec would have it.
    pub(super) how: MethodSpec,
    /// `attack.target`: what the network should see; `None` = anything but the truth.
    target: Option<toml::Value>,
    /// The last bound in pixel levels, for the next method that has one.
    level: f64,
}

impl Knobs {
    fn new(how: MethodSpec, target: Option<toml::Value>) -> Self {
        let linf = how.bounding_norm() == Norm::Linf;
        let level = how.resolved().epsilon.filter(|epsilon| linf && *epsilon > 0.0).unwrap_or(4.0);
        Self { how, target, level }
    }

    /// The run's own attack, as its spec has it, so that the first live answer is what the run
    /// wrote; else FGSM at the papers' 4.
    pub(super) fn of(detail: Option<&RunDetail>) -> Self {
        let own = detail.and_then(|detail| {
            let spec = detail.spec.parse::<toml::Table>().ok()?;
            let section = spec.get("attack")?;
            let how = section.clone().try_into::<MethodSpec>().ok()?;
            let aimed = section.get("target").filter(|target| target.as_str() != Some("none"));
            (how.method != AttackMethod::None).then(|| Self::new(how, aimed.cloned()))
        });
        own.unwrap_or_else(|| Self::new(MethodSpec::new(AttackMethod::Fgsm, Some(4.0)), None))
    }

    /// The method `by` places further in the spec's list.
    pub(super) fn other_method(&self, by: isize) -> Self {
        let methods = methods();
        let at = methods.iter().position(|method| *method == self.how.method).unwrap_or(0);
        let count = methods.len().max(1) as isize;
        let next = (at as isize + by).rem_euclid(count) as usize;
        let Some(method) = methods.get(next) else { return self.clone() };
        let mut how = MethodSpec::new(*method, None);
        // What looks for the nearest boundary needs no bound, and in L2 levels are no measure.
        if method.needs_epsilon() {
            how.epsilon = Some(self.level);
        }
        if method.keys().contains(&"queries") {
            how.queries = Some(LIVE_QUERIES);
        }
        let target = self.target.clone().filter(|_| method.takes_target());
        Self { how, target, level: self.level }
    }

    /// The next larger or smaller bound. Above the largest, a method that can do without has none.
    pub(super) fn other_epsilon(&self, larger: bool) -> Self {
        let linf = self.how.bounding_norm() == Norm::Linf;
        let ladder: &[f64] = if linf { &LEVELS } else { &LENGTHS };
        let optional = !self.how.method.needs_epsilon();
        let now = self.how.resolved().epsilon.filter(|epsilon| *epsilon > 0.0);
        let next = match (now, larger) {
            (None, true) => None,
            (None, false) => ladder.last().copied(),
            (Some(now), true) => {
                let above = ladder.iter().copied().find(|level| *level > now);
                if above.is_none() && optional { None } else { above.or(Some(now)) }
            }
            (Some(now), false) => {
                ladder.iter().rev().copied().find(|level| *level < now).or(Some(now))
            }
        };
        if next == now {
            return self.clone();
        }
        let level = next.filter(|_| linf).unwrap_or(self.level);
        // A step size that was made for another bound would waste it or leave it.
        let how = MethodSpec { epsilon: next, step_size: None, ..self.how.clone() };
        Self { how, level, target: self.target.clone() }
    }

    /// More or fewer steps, or queries; `None` = the method has none.
    pub(super) fn other_steps(&self, more: bool) -> Option<Self> {
        let full = self.how.resolved();
        let (now, ladder) = match (full.steps, full.queries) {
            (Some(steps), _) => (steps, &STEPS),
            (None, Some(queries)) => (queries, &QUERIES),
            (None, None) => return None,
        };
        let next = if more {
            ladder.iter().find(|rung| **rung > now)
        } else {
            ladder.iter().rev().find(|rung| **rung < now)
        };
        let Some(next) = next.copied() else { return Some(self.clone()) };
        let mut how = MethodSpec { step_size: None, ..self.how.clone() };
        if full.steps.is_some() {
            how.steps = Some(next);
        } else {
            how.queries = Some(next);
        }
        Some(Self { how, ..self.clone() })
    }

    /// The same for the whole section, with what the run's own says beside the attack.
    pub(super) fn section(&self, spec: &str) -> String {
        let own = spec.parse::<toml::Table>().ok();
        let own = own.as_ref().and_then(|spec| spec.get("attack"));
        let of_own = |key: &str| own.and_then(|section| section.get(key));
        // Several images of each original make sense only where they are aimed as the run's were.
        let is_aimed_alike = self.target.is_some() && self.target.as_ref() == of_own("target");
        let beside = [("batch_size", true), ("targets_per_image", is_aimed_alike)];
        let beside = beside.into_iter().filter(|(_, stays)| *stays);
        let beside = beside.filter_map(|(key, _)| Some(format!("{key} = {}", of_own(key)?)));
        std::iter::once(self.ask()).chain(beside).collect::<Vec<_>>().join(", ")
    }

    /// One inline table of the spec, without its braces: `method = "pgd", epsilon = 8, steps = 20`.
    pub(super) fn ask(&self) -> String {
        let table = toml::Table::try_from(&self.how).unwrap_or_default();
        let keys = std::iter::once(&"method").chain(self.how.method.keys());
        let pairs = keys.filter_map(|key| {
            let value = match table.get(*key)? {
                toml::Value::Float(value) => value.to_string(),
                other => other.to_string(),
            };
            Some(format!("{key} = {value}"))
        });
        let target = self.target.iter().map(|target| format!("target = {target}"));
        pairs.chain(target).collect::<Vec<_>>().join(", ")
    }

    /// `pgd`
    pub(super) fn method(&self) -> String {
        word(self.how.method)
    }

    /// `ε 8`, `ε 300 l2`, or that there is none.
    pub(super) fn bound(&self) -> String {
        match self.how.resolved().epsilon.filter(|epsilon| *epsilon > 0.0) {
            Some(epsilon) if self.how.bounding_norm() == Norm::L2 => format!("ε {epsilon} l2"),
            Some(epsilon) => format!("ε {epsilon}"),
            None => "no bound".into(),
        }
    }

    /// `20 steps`, `500 queries`; `None` = the method has neither.
    pub(super) fn effort(&self) -> Option<String> {
        let full = self.how.resolved();
        let of = |count: usize, thing: &str, things: &str| {
            format!("{count} {}", if count == 1 { thing } else { things })
        };
        full.steps
            .map(|steps| of(steps, "step", "steps"))
            .or_else(|| full.queries.map(|queries| of(queries, "query", "queries")))
    }

    /// What it aims at; `None` = nothing.
    pub(super) fn aim(&self) -> Option<String> {
        self.target.as_ref().map(|target| match target {
            toml::Value::String(word) => format!("target {}", text::clean(word)),
            class => format!("target class {}", text::clean(&class.to_string())),
        })
    }

    /// The bound in pixel levels, if that is what it is measured in.
    pub(super) fn level(&self) -> Option<f64> {
        let linf = self.how.bounding_norm() == Norm::Linf;
        self.how.resolved().epsilon.filter(|epsilon| linf && *epsilon > 0.0)
    }
}

/// The methods that change an image, in the spec's order.
pub(super) fn methods() -> Vec<AttackMethod> {
    let kind = help::find("attack.method").map(|key| key.kind);
    let Some(ValueKind::Choice(words)) = kind else { return Vec::new() };
    let named = words.iter().filter_map(|word| AttackMethod::named(word));
    named.filter(|method| *method != AttackMethod::None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Document;

    /// What the spec's parser makes of an ask.
    fn parsed(ask: &str) -> MethodSpec {
        let text = "[data]\nformat = \"shapes\"\n";
        let mut document = Document::parse("ask", text).unwrap();
        document.set(&format!("attack={{ {ask} }}")).unwrap_or_else(|e| panic!("{ask}: {e:?}"));
        let spec = document.spec().unwrap_or_else(|problems| panic!("{ask}: {problems:?}"));
        spec.attack.unwrap().how
    }

    #[test]
    fn every_method_at_every_bound_and_effort_asks_what_the_spec_accepts() {
        let mut knobs = Knobs::of(None);
        let mut seen = Vec::new();
        for _ in 0..methods().len() {
            knobs = knobs.other_method(1);
            seen.push(knobs.how.method);
            for larger in [true, false] {
                let (mut bound, mut effort) = (knobs.clone(), knobs.clone());
                for _ in 0..15 {
                    bound = bound.other_epsilon(larger);
                    effort = effort.other_steps(larger).unwrap_or(effort);
                    for asked in [&bound, &effort] {
                        let how = parsed(&asked.ask());
                        // The parser fills in what nobody wrote.
                        assert_eq!(how.resolved(), asked.how.resolved(), "{}", asked.ask());
                    }
                }
            }
        }
        assert_eq!(seen.len(), 11);
        assert_eq!(knobs.how.method, AttackMethod::Fgsm);
        assert!(methods().iter().all(|method| seen.contains(method)));
    }

    #[test]
    fn the_first_ask_is_the_runs_own_attack() {
        let spec = "[attack]\nmethod = \"pgd\"\nepsilon = 8.0\nsteps = 7\nstep_size = 3.5\n\
                    target = \"none\"\nbatch_size = 100\n";
        let detail = RunDetail { spec: spec.into(), ..RunDetail::default() };
        let knobs = Knobs::of(Some(&detail));
        assert_eq!(knobs.ask(), r#"method = "pgd", epsilon = 8, steps = 7, step_size = 3.5"#);
        let words = (knobs.method(), knobs.bound(), knobs.effort());
        assert_eq!(words, ("pgd".into(), "ε 8".into(), Some("7 steps".into())));
        assert_eq!(knobs.aim(), None);
        let wider = knobs.other_epsilon(true);
        assert_eq!(wider.ask(), r#"method = "pgd", epsilon = 12, steps = 7"#);
        assert_eq!(Knobs::of(None).ask(), r#"method = "fgsm", epsilon = 4"#);
    }

    #[test]
    fn an_aim_stays_while_the_method_can_take_one() {
        let spec = "[attack]\nmethod = \"fgsm\"\nepsilon = 4.0\ntarget = \"least-likely\"\n";
        let detail = RunDetail { spec: spec.into(), ..RunDetail::default() };
        let knobs = Knobs::of(Some(&detail));
        assert_eq!(knobs.ask(), r#"method = "fgsm", epsilon = 4, target = "least-likely""#);
        assert_eq!(knobs.aim().as_deref(), Some("target least-likely"));
        parsed(&knobs.other_method(1).ask());
        let cannot = knobs.other_method(4);
        assert_eq!(cannot.ask(), r#"method = "least-likely", epsilon = 4"#);
    }

    #[test]
    fn a_section_keeps_what_the_runs_own_says_beside_the_attack() {
        let spec = "[attack]\nmethod = \"pgd\"\nepsilon = 8.0\ntarget = \"random\"\n\
                    targets_per_image = 3\nbatch_size = 50\n";
        let detail = RunDetail { spec: spec.into(), ..RunDetail::default() };
        let knobs = Knobs::of(Some(&detail)).other_epsilon(true);
        let section = "method = \"pgd\", epsilon = 12, target = \"random\", batch_size = 50, \
                       targets_per_image = 3";
        assert_eq!(knobs.section(spec), section);
        parsed(section);
        let cannot = MethodSpec::new(AttackMethod::Deepfool, None);
        let aimless = Knobs::new(cannot, None).section(spec);
        assert_eq!(aimless, r#"method = "deepfool", batch_size = 50"#);
        parsed(&aimless);
        assert_eq!(Knobs::of(None).section(""), r#"method = "fgsm", epsilon = 4"#);
    }

    #[test]
    fn what_a_spec_aims_at_reaches_no_terminal_raw() {
        let spec = "[attack]\nmethod = \"fgsm\"\ntarget = \"a\\u001b[2Jb\"\n";
        let detail = RunDetail { spec: spec.into(), ..RunDetail::default() };
        assert_eq!(Knobs::of(Some(&detail)).aim().as_deref(), Some("target a[2Jb"));
    }

    #[test]
    fn a_bound_is_carried_over_methods_that_have_none() {
        let knobs = Knobs::of(None).other_epsilon(true);
        assert_eq!(knobs.level(), Some(6.0));
        let mut around = knobs.clone();
        for _ in 0..methods().len() {
            around = around.other_method(1);
            match around.how.method {
                AttackMethod::Cw | AttackMethod::Deepfool => {
                    assert_eq!((around.bound(), around.level()), ("no bound".into(), None));
                    // The widest bound comes first.
                    assert_eq!(around.other_epsilon(false).bound(), "ε 1200 l2");
                    assert_eq!(around.other_epsilon(true), around);
                }
                AttackMethod::Ensemble => {}
                _ => assert_eq!(around.level(), Some(6.0)),
            }
        }
        assert_eq!(around.how.method, AttackMethod::Fgsm);
        assert_eq!(Knobs::of(None).other_steps(true), None);
    }
}
