//! The small worker behind the attack screen: opens a run's network and test split once, then
//! attacks one image a question. [`crate::run::live`] is what it is asked and answers.
//!
//! It is a guest: it writes nothing into the run folder, takes no place in the queue, and
//! [`step_back`] leaves the cores to whoever trains.

mod bench;
mod question;
mod questions;

use std::collections::VecDeque;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use self::bench::Bench;
use self::questions::Questions;
use crate::error::{Error, Result};
use crate::job::stage::pixels;
use crate::run::folder::RunFolder;
use crate::run::live::{Answer, Ask};
use crate::run::write;

/// Answers whose pictures stay: whoever asks has shown or forgotten the older ones.
const KEPT: usize = 8;

/// Who asks.
pub struct Asker<'a, W> {
    /// Where answers go, a line each.
    pub answers: W,
    /// The folder for the pictures.
    pub pictures: PathBuf,
    /// Told what a person should know, a line at a time.
    pub say: &'a mut dyn FnMut(&str),
}

/// Gives the processor to others first, and uses half of its cores at most. Call it before
/// anything computes: what computes already keeps its threads.
pub fn step_back() {
    // As `nice` does when it is told nothing. The system may forbid it, which changes no answer.
    let _ = rustix::process::nice(10);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let _ = rayon::ThreadPoolBuilder::new().num_threads((cores / 2).max(1)).build_global();
}

/// Answers questions until there are no more; of those that wait only the newest counts. `ended` is
/// called as soon as `questions` end, even in the middle of an attack.
///
/// Errors: network or data cannot be opened (told as [`Answer::Failed`], too), or nobody takes the
/// answers.
pub fn serve<W: Write>(
    run: &RunFolder,
    questions: impl BufRead + Send + 'static,
    asker: Asker<'_, W>,
    ended: impl FnOnce() + Send + 'static,
) -> Result<()> {
    let Asker { mut answers, pictures, say } = asker;
    let questions = Questions::read(questions, ended)?;
    let opened = Album::open(&pictures).and_then(|album| Ok((album, Bench::open(run, say)?)));
    let (mut album, mut bench) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            // Whoever hears this may close the input before the error has become an exit code.
            questions.forget_ended();
            tell(&mut answers, &Answer::Failed { why: in_words(&error) })?;
            return Err(error);
        }
    };
    tell(&mut answers, &bench.ready())?;
    while let Some(line) = questions.next() {
        let answer = match serde_json::from_str::<Ask>(&line) {
            Ok(ask) => match bench.attack(&ask, &mut album, say) {
                Ok(attacked) => Answer::Attacked(Box::new(attacked)),
                Err(error) => Answer::Refused { id: ask.id, why: in_words(&error) },
            },
            Err(error) => question::no_question(&line, &error),
        };
        if bench.was_reopened() {
            tell(&mut answers, &bench.ready())?;
        }
        tell(&mut answers, &answer)?;
    }
    Ok(())
}

fn tell(answers: &mut impl Write, answer: &Answer) -> Result<()> {
    let mut line = serde_json::to_vec(answer)
        .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
    line.push(b'\n');
    answers.write_all(&line).and_then(|()| answers.flush()).map_err(|error| {
        Error::failed(format!("nobody takes the answers any more: {error}")).caused_by(error)
    })
}

/// What went wrong and what to do, in a line.
fn in_words(error: &Error) -> String {
    match &error.hint {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

/// Pictures of the last answers. No two ever have the same name, so that whoever keeps them by name
/// keeps nothing stale.
struct Album {
    folder: PathBuf,
    answers: u64,
    kept: VecDeque<[PathBuf; 2]>,
}

impl Album {
    fn open(folder: &Path) -> Result<Self> {
        write::folder(folder)?;
        // Whoever asks may be in another folder.
        let folder =
            folder.canonicalize().map_err(|error| write::failed("open", folder, &error))?;
        Ok(Self { folder, answers: 0, kept: VecDeque::new() })
    }

    /// Writes the original and the adversarial image of an answer, `[channels, height, width]`
    /// bytes of this shape, and deletes the oldest pair.
    fn put(&mut self, images: [&[u8]; 2], shape: [usize; 3]) -> Result<[PathBuf; 2]> {
        // The cache may be deleted at any time.
        write::folder(&self.folder)?;
        self.answers += 1;
        let own = std::process::id();
        let path = |what| self.folder.join(format!("{own}-{:06}-{what}.png", self.answers));
        let files = [path("original"), path("adversarial")];
        for (file, image) in files.iter().zip(images) {
            write::whole_unsynced(file, &pixels::encode(image, shape)?)?;
        }
        self.kept.push_back(files.clone());
        if self.kept.len() > KEPT {
            for old in self.kept.pop_front().into_iter().flatten() {
                let _ = std::fs::remove_file(old);
            }
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_album_keeps_the_last_answers_under_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut album = Album::open(&folder.path().join("new")).unwrap();
        let mut put = |level: u8| album.put([&[level; 12], &[0; 12]], [3, 2, 2]).unwrap();
        let all: Vec<[PathBuf; 2]> = (0..KEPT as u8 + 2).map(&mut put).collect();
        for (age, files) in all.iter().rev().enumerate() {
            assert_eq!(
                files.iter().filter(|file| file.exists()).count(),
                2 * usize::from(age < KEPT)
            );
        }
        let names: std::collections::HashSet<_> = all.iter().flatten().collect();
        assert_eq!(names.len(), 2 * all.len());
        let newest = image::open(&all[KEPT + 1][0]).unwrap().into_rgb8();
        assert_eq!(newest.get_pixel(1, 1).0, [KEPT as u8 + 1; 3]);
        std::fs::remove_dir_all(folder.path().join("new")).unwrap();
        assert!(put(0).iter().all(|file| file.exists()), "the folder is made again");
    }
}
