//! One entry of `model.layers`: `"conv 16 4 stride=2 padding=1"`. Its own words first, then options
//! as `name=value`, in any order.

use std::str::FromStr;

use super::nearest::nearest;

/// A layer of a `sequential` network, as PyTorch's module of that name. Windows are square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Layer {
    /// `conv OUTPUTS KERNEL`
    Conv {
        /// Channels that come out.
        outputs: usize,
        /// Side of the window.
        kernel: usize,
        /// Pixels between two windows; 1.
        stride: usize,
        /// Zeros round the maps; 0.
        padding: usize,
        /// Pixels between two numbers of the kernel; 1.
        dilation: usize,
        /// Channels are cut into so many groups; 1.
        groups: usize,
        /// Whether a number is added to each channel; true.
        bias: bool,
    },
    /// `batch-norm`
    BatchNorm,
    /// `relu`
    Relu,
    /// `max-pool KERNEL`
    MaxPool(Pool),
    /// `avg-pool KERNEL`
    AvgPool(Pool),
    /// `adaptive-avg-pool SIZE`
    AdaptiveAvgPool {
        /// Side of the maps that come out.
        size: usize,
    },
    /// `dropout PROBABILITY`
    Dropout {
        /// How likely a number is dropped while training, 0 to below 1.
        probability: f32,
    },
    /// `flatten`
    Flatten,
    /// `linear OUTPUTS`
    Linear {
        /// Numbers that come out.
        outputs: usize,
    },
}

/// How a pooling layer's window moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Side of the window.
    pub kernel: usize,
    /// Pixels between two windows; as many as the window is wide.
    pub stride: usize,
    /// Round the maps; 0.
    pub padding: usize,
    /// Whether a last window may stick out; false.
    pub ceil: bool,
}

/// Each layer's name and how it is written.
const FORMS: [(&str, &str); 9] = [
    ("conv", "conv OUTPUTS KERNEL [stride=1 padding=0 dilation=1 groups=1 bias=true]"),
    ("batch-norm", "batch-norm"),
    ("relu", "relu"),
    ("max-pool", "max-pool KERNEL [stride=KERNEL padding=0 ceil=false]"),
    ("avg-pool", "avg-pool KERNEL [stride=KERNEL padding=0 ceil=false]"),
    ("adaptive-avg-pool", "adaptive-avg-pool SIZE"),
    ("dropout", "dropout PROBABILITY"),
    ("flatten", "flatten"),
    ("linear", "linear OUTPUTS"),
];

impl FromStr for Layer {
    type Err = String;

    /// Errors say what was expected, as the end of a sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let Some((_, form)) = FORMS.iter().find(|(known, _)| *known == name) else {
            let names = FORMS.map(|(name, _)| name);
            let near = nearest(name, names).map(|near| format!("; did you mean '{near}'?"));
            return Err(format!(
                "expected a layer, one of {}{}",
                names.join(", "),
                near.unwrap_or_default()
            ));
        };
        let mut words = Words { form, left: words.collect() };
        let layer = match name {
            "conv" => Self::Conv {
                outputs: words.count()?,
                kernel: words.count()?,
                stride: words.option("stride", 1, at_least_1)?,
                padding: words.option("padding", 0, whole)?,
                dilation: words.option("dilation", 1, at_least_1)?,
                groups: words.option("groups", 1, at_least_1)?,
                bias: words.option("bias", true, flag)?,
            },
            "batch-norm" => Self::BatchNorm,
            "relu" => Self::Relu,
            "max-pool" => Self::MaxPool(words.pool()?),
            "avg-pool" => Self::AvgPool(words.pool()?),
            "adaptive-avg-pool" => Self::AdaptiveAvgPool { size: words.count()? },
            "dropout" => Self::Dropout { probability: words.own(probability)? },
            "flatten" => Self::Flatten,
            _ => Self::Linear { outputs: words.count()? },
        };
        words.end()?;
        Ok(layer)
    }
}

/// What is left of an entry, and how the whole is written.
struct Words<'t> {
    form: &'static str,
    left: Vec<&'t str>,
}

impl Words<'_> {
    /// The next word that is no option.
    fn own<T>(&mut self, read: fn(&str) -> Option<T>) -> Result<T, String> {
        let at = self.left.iter().position(|word| !word.contains('='));
        let value = at.and_then(|at| read(self.left.remove(at)));
        value.ok_or_else(|| self.expected())
    }

    fn count(&mut self) -> Result<usize, String> {
        self.own(at_least_1)
    }

    fn option<T>(
        &mut self,
        name: &str,
        default: T,
        read: fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        let of = |word: &&str| word.split_once('=').is_some_and(|(known, _)| known == name);
        let Some(at) = self.left.iter().position(of) else { return Ok(default) };
        let word = self.left.remove(at);
        read(&word[name.len() + 1..]).ok_or_else(|| self.expected())
    }

    fn pool(&mut self) -> Result<Pool, String> {
        let kernel = self.count()?;
        let pool = Pool {
            kernel,
            stride: self.option("stride", kernel, at_least_1)?,
            padding: self.option("padding", 0, whole)?,
            ceil: self.option("ceil", false, flag)?,
        };
        if pool.padding > kernel / 2 {
            return Err(format!("expected a padding of at most half the window, {}", kernel / 2));
        }
        Ok(pool)
    }

    /// Nothing may be left.
    fn end(self) -> Result<(), String> {
        if self.left.is_empty() { Ok(()) } else { Err(self.expected()) }
    }

    fn expected(&self) -> String {
        format!("expected '{}'", self.form)
    }
}

/// Larger numbers than any network has are slips of the finger.
const LARGEST: usize = 1 << 20;

fn whole(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&number| number <= LARGEST)
}

fn at_least_1(text: &str) -> Option<usize> {
    whole(text).filter(|&number| number > 0)
}

fn flag(text: &str) -> Option<bool> {
    text.parse().ok()
}

fn probability(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number| (0.0..1.0).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_words_and_options_in_any_order() {
        let conv = Layer::Conv {
            outputs: 16,
            kernel: 4,
            stride: 2,
            padding: 1,
            dilation: 1,
            groups: 1,
            bias: true,
        };
        assert_eq!("conv 16 4 stride=2 padding=1".parse(), Ok(conv));
        assert_eq!("  conv padding=1 16 stride=2 4 ".parse(), Ok(conv));
        let pool = Pool { kernel: 3, stride: 3, padding: 0, ceil: false };
        assert_eq!("max-pool 3".parse(), Ok(Layer::MaxPool(pool)));
        let pool = Pool { stride: 2, padding: 1, ceil: true, ..pool };
        assert_eq!("avg-pool 3 stride=2 padding=1 ceil=true".parse(), Ok(Layer::AvgPool(pool)));
        assert_eq!("dropout 0.5".parse(), Ok(Layer::Dropout { probability: 0.5 }));
        for (text, layer) in [
            ("batch-norm", Layer::BatchNorm),
            ("relu", Layer::Relu),
            ("flatten", Layer::Flatten),
            ("linear 10", Layer::Linear { outputs: 10 }),
            ("adaptive-avg-pool 6", Layer::AdaptiveAvgPool { size: 6 }),
        ] {
            assert_eq!(text.parse(), Ok(layer));
        }
    }

    #[test]
    fn says_what_was_expected() {
        for (wrong, expected) in [
            ("", "one of conv, batch-norm"),
            ("convv 16 3", "did you mean 'conv'?"),
            ("maxpool 2", "did you mean 'max-pool'?"),
            ("conv 16", "'conv OUTPUTS KERNEL [stride=1"),
            ("conv 16 3 2", "'conv OUTPUTS KERNEL"),
            ("conv 16 3 strid=2", "'conv OUTPUTS KERNEL"),
            ("conv 16 3 stride=2 stride=3", "'conv OUTPUTS KERNEL"),
            ("conv 0 3", "'conv OUTPUTS KERNEL"),
            ("conv 99999999999 3", "'conv OUTPUTS KERNEL"),
            ("relu 3", "'relu'"),
            ("dropout 1", "'dropout PROBABILITY'"),
            ("dropout NaN", "'dropout PROBABILITY'"),
            ("linear -1", "'linear OUTPUTS'"),
            ("max-pool 2 padding=2", "at most half the window, 1"),
        ] {
            let error = wrong.parse::<Layer>().unwrap_err();
            assert!(error.contains(expected), "{wrong}: {error}");
        }
    }
}
