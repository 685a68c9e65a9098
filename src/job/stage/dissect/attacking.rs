//! Attacks every labelled image, writes what comes out in 8 bits, and ranks what was written.

use candle_core::Tensor;
use rayon::prelude::*;

use super::Read;
use crate::attack::{Attack, Target, Victims};
use crate::error::Result;
use crate::job::build;
use crate::job::context::{Context, Flow};
use crate::job::stage::evaluate::cost_of_attack;
use crate::job::stage::ranking::side::Side;
use crate::job::stage::ranking::{Ranking, put};
use crate::job::stage::rounded::attacked;
use crate::job::stage::{pixels, read_before, runs_of};
use crate::spec::{self, AttackMethod, DissectAttackSpec, TargetName};

/// `[dissect.attack]`, ready to be carried out.
pub(super) struct Attacking {
    attack: Box<dyn Attack>,
    /// In pixel levels.
    bound: f64,
    /// Where it aims; `None` = away from what the network says of the clean image.
    target: Option<Target>,
    /// Passes an image.
    cost: u64,
}

/// What an image costs, in forward passes: attacked, and looked at.
pub(super) fn cost(section: &DissectAttackSpec) -> u64 {
    cost_of_attack(&section.how) as u64 + 1
}

/// `pgd ε 4, random targets`
pub(super) fn name(section: &DissectAttackSpec) -> String {
    let method = spec::word(section.how.method);
    let bound = match section.how.bound() {
        0.0 => String::new(),
        bound => format!(" ε {bound}"),
    };
    let target = match section.target() {
        spec::Target::Named(TargetName::None) => String::new(),
        spec::Target::Named(TargetName::Random) => ", random targets".into(),
        spec::Target::Named(TargetName::LeastLikely) => ", least likely targets".into(),
        spec::Target::Class(class) => format!(", target {class}"),
    };
    format!("{method}{bound}{target}")
}

/// Whether a picture that is counted as written is not there: pictures are not synced one by one, and
/// a power cut may have taken some.
pub(super) fn is_any_lost(ranking: &Ranking, written: usize) -> bool {
    let is_there =
        |file: &std::path::Path| std::fs::metadata(file).is_ok_and(|file| file.len() > 0);
    !ranking.twins.par_iter().take(written).all(|twin| is_there(&twin.path))
}

impl Attacking {
    /// Opens what it needs besides the run's own network.
    pub(super) fn new(context: &Context, section: &DissectAttackSpec) -> Result<Self> {
        let (spec, runs) = (context.spec(), runs_of(context.folder()));
        Ok(Self {
            attack: build::attack(spec, &section.how, runs)?,
            bound: section.how.pixel_bound(),
            target: match section.how.method {
                // It aims there by itself.
                AttackMethod::LeastLikely => Some(Target::LeastLikely),
                _ => build::target(spec, section.target()),
            },
            cost: cost(section),
        })
    }

    /// Goes on with the images that `side` has not seen.
    pub(super) fn run(
        &self,
        context: &mut Context,
        ranking: &mut Ranking,
        read: &Read,
        side: &mut Side,
    ) -> Result<Flow> {
        let (size, all, shape) = (ranking.batch_size, read.images.len(), ranking.dataset.shape());
        ranking.goes_on(context, side.next(), self.cost)?;
        if side.next() >= all {
            return Ok(Flow::Continue);
        }
        let device = ranking.model.device().clone();
        let (order, first) = (read.images.clone(), side.next() / size);
        let mut loader = read_before(context, &ranking.dataset, order, size, first)?;
        while let Some(batch) = loader.next() {
            let batch = batch?.to_device(&device)?;
            let end = (loader.position() * size).min(all);
            let places: Vec<usize> = (end - batch.indices.len()..end).collect();
            let labels = Tensor::new(&read.predictions[places[0]..end], &device)?;
            let (images, indices) = (&batch.images, &batch.indices);
            let choose = |target: Target| target.choose(&ranking.model, images, &labels, indices);
            let targets = self.target.map(choose).transpose()?;
            let victims = Victims { images, labels: &labels, indices, targets: targets.as_ref() };
            let how = (&*self.attack, self.bound);
            let made = attacked(how, &ranking.model, &victims, shape)?;
            made.bytes.par_iter().zip(&places).try_for_each(|(image, &place)| {
                put(&ranking.twins[place].path, &pixels::encode(image, shape)?)
            })?;
            side.add(&ranking.model, &made.images, &places)?;
            let steps = places.len() * self.cost as usize;
            if ranking.go_on(context, side, end, steps)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        side.reach(all, true)?;
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{MethodSpec, Target as Aim};

    #[test]
    fn an_attack_is_named_with_its_bound_and_target() {
        let mut section = DissectAttackSpec::default();
        assert_eq!(name(&section), "pgd ε 4, random targets");
        section.target = Some(Aim::Class(7));
        section.how = MethodSpec::new(AttackMethod::Fgsm, Some(8.0));
        assert_eq!(name(&section), "fgsm ε 8, target 7");
        section.target = Some(Aim::None);
        section.how = MethodSpec::new(AttackMethod::Cw, None);
        assert_eq!(name(&section), "cw");
        section.target = None;
        assert_eq!(name(&section), "cw, random targets");
        section.how = MethodSpec::new(AttackMethod::Deepfool, None);
        assert_eq!(name(&section), "deepfool");
    }
}
