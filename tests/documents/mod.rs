//! Documents with generated parts: between `<!-- generated: NAME -->` and `<!-- end -->`, the latter behind whatever begins a comment there.

pub mod chart;
#[cfg(target_os = "linux")]
pub mod notices;
#[cfg(target_os = "linux")]
pub mod tree;
pub mod yaml;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const END: &str = "<!-- end -->";

/// A document, and what it should be.
pub struct Document {
    name: &'static str,
    path: PathBuf,
    found: String,
    wanted: String,
}

impl Document {
    /// Reads a document by its name in the repository.
    pub fn read(name: &'static str) -> io::Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let found = fs::read_to_string(&path)?;
        Ok(Self { name, path, wanted: found.clone(), found })
    }

    /// Says what one part should be.
    pub fn with(mut self, part: &str, text: &str) -> Result<Self, String> {
        let begin = format!("<!-- generated: {part} -->\n");
        let missing = || format!("{} has no part {part}: it needs a line {}, and after it one {END}", self.name, begin.trim_end());
        let (before, rest) = self.wanted.split_once(&begin).ok_or_else(missing)?;
        let (found, after) = rest.split_once(END).ok_or_else(missing)?;
        let margin = found.rsplit('\n').next().unwrap_or_default();
        self.wanted = format!("{before}{begin}{}\n{margin}{END}{after}", text.trim_end());
        Ok(self)
    }

    /// Says what all of it should be.
    pub fn be(mut self, text: String) -> Self {
        self.wanted = text;
        self
    }

    /// What stands there now.
    pub fn text(&self) -> &str {
        &self.found
    }

    /// Compares, or writes where that is wished.
    pub fn settle(self) -> Result<(), Box<dyn std::error::Error>> {
        if env::var("BLESS_DOCS").is_ok_and(|wish| !wish.is_empty()) {
            if env::var("CI").as_deref() == Ok("true") {
                return Err("BLESS_DOCS is refused where CI=true: write the documents before they are committed".into());
            }
            return Ok(fs::write(&self.path, &self.wanted)?);
        }
        match self.wanted.lines().zip(self.found.lines().chain(std::iter::repeat(""))).find(|(wanted, found)| wanted != found) {
            None if self.wanted == self.found => Ok(()),
            None => Err(format!("{} goes on where it should end; `BLESS_DOCS=1 cargo test --test documentation` rewrites it", self.name).into()),
            Some((wanted, found)) => Err(format!(
                "{} is not what it is made from; `BLESS_DOCS=1 cargo test --test documentation` rewrites it\n  has   {found}\n  wants {wanted}",
                self.name
            )
            .into()),
        }
    }
}
