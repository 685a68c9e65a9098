//! PyTorch at our side: `steps.py` in a process of its own, one step at a time.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/table/steps.py");

/// A Python that can import torch and torchvision: `PYTHON`, `python3` or `python`.
pub fn find() -> Option<PathBuf> {
    let asked = std::env::var_os("PYTHON").map(PathBuf::from);
    let known = ["python3", "python"].map(PathBuf::from);
    asked.into_iter().chain(known).find(|python| {
        let mut command = Command::new(python);
        command.args(["-c", "import torch, torchvision"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// The process that runs steps when told to.
pub struct PyTorch {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl PyTorch {
    /// `how`: threads, device, precision.
    pub fn start(python: &PathBuf, how: &[String]) -> anyhow::Result<Self> {
        let mut child = Command::new(python)
            .arg(SCRIPT)
            .args(how)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let to = child.stdin.take().context("no pipe to Python")?;
        let from = BufReader::new(child.stdout.take().context("no pipe from Python")?);
        Ok(Self { child, to, from })
    }

    /// Seconds that one run of `step` takes there.
    pub fn time(&mut self, step: &str) -> anyhow::Result<f64> {
        writeln!(self.to, "{step}")?;
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        line.trim().parse().with_context(|| format!("PyTorch did not run '{step}'"))
    }
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes by which a fresh Python grows in three runs of `step`.
pub fn memory(python: &PathBuf, how: &[String], step: &str) -> anyhow::Result<f64> {
    let output = Command::new(python).arg(SCRIPT).args(how).arg(step).output()?;
    String::from_utf8(output.stdout)?.trim().parse().context("no figure from Python")
}
