//! docs/SPEC.md, and who names its requirements: a number that is named anywhere is one of them, every MUST is named by a test
//! or by a case of the conformance suite, and by the source file that fulfils it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The requirements of a specification, with what each says, and what is wrong with its table rows.
struct Spec {
    requirements: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Spec {
    fn read(text: &str) -> Self {
        let (mut requirements, mut faults) = (BTreeMap::new(), Vec::new());
        for row in text.lines().filter(|line| line.starts_with("| HBONE-")) {
            let mut cells = row.split('|').map(str::trim).skip(1);
            let (number, says) = (cells.next(), cells.next());
            let (number, says) = (number.unwrap_or_default(), says.unwrap_or_default());
            if numbers(number) != BTreeSet::from([number.to_owned()]) {
                faults.push(format!("{number} is no number of the form HBONE-x-nnn"));
            }
            let earlier = requirements.insert(number.to_owned(), says.to_owned());
            if earlier.is_some() {
                faults.push(format!("{number} stands there twice"));
            }
        }
        Self {
            requirements,
            faults,
        }
    }

    /// Those that nobody may leave out.
    fn musts(&self) -> BTreeSet<String> {
        let musts = self.requirements.iter();
        musts
            .filter(|(_, says)| {
                says.split(|c: char| !c.is_alphabetic())
                    .any(|word| word == "MUST")
            })
            .map(|(number, _)| number.clone())
            .collect()
    }

    /// Which of these texts names a number that is none of its requirements.
    fn unknown(&self, texts: &BTreeMap<PathBuf, String>) -> String {
        let mut unknown = String::new();
        for (path, text) in texts {
            for number in numbers(text) {
                if !self.requirements.contains_key(&number) {
                    let _ = writeln!(unknown, "{} names {number}", path.display());
                }
            }
        }
        unknown
    }

    /// Which MUST none of these texts names.
    fn unnamed<'a>(&self, texts: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
        let named: BTreeSet<_> = texts.flat_map(|text| numbers(text)).collect();
        &self.musts() - &named
    }
}

/// All numbers of requirements in a text.
fn numbers(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("HBONE-") {
        let number = text.get(at..at + 11).unwrap_or_default();
        let tail = number.as_bytes().get(6..).unwrap_or_default();
        let form = matches!(tail, [b'A'..=b'Z', b'-', digits @ ..] if digits.len() == 3
            && digits.iter().all(u8::is_ascii_digit));
        let longer = text.as_bytes().get(at + 11).is_some_and(u8::is_ascii_digit);
        if form && !longer {
            found.insert(number.to_owned());
        }
    }
    found
}

/// The repository's own texts: what is under version control as far as a person wrote it.
fn repository() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut texts, mut folders) = (BTreeMap::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(root.join(&folder)).expect("a folder");
        for entry in entries {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("its type");
            let made = ["target", ".git", "corpus", "cache", "node_modules"];
            if kind.is_dir() && !made.contains(&&*name) && !name.starts_with("target") {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = fs::read_to_string(root.join(&path))
            {
                texts.insert(path, text);
            }
        }
    }
    texts
}

fn spec() -> Spec {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/SPEC.md");
    Spec::read(&fs::read_to_string(path).expect("docs/SPEC.md"))
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// A test, or a case of the suite.
fn tries(path: &Path) -> bool {
    let suite = path.starts_with("examples/src/bin/conformance");
    let tests = path.components().any(|part| part.as_os_str() == "tests");
    is_rust(path) && (suite || tests) && !path.ends_with("examples/tests/spec.rs")
}

/// A source file of a crate or a program.
fn fulfils(path: &Path) -> bool {
    let source = path.components().nth(1);
    is_rust(path) && source.is_some_and(|part| part.as_os_str() == "src") && !tries(path)
}

#[test]
fn the_specification_numbers_each_requirement_once() {
    let spec = spec();
    assert_eq!(spec.faults, [""; 0]);
    assert!(
        spec.requirements.len() >= 132,
        "numbers are never taken back"
    );
}

#[test]
fn every_number_that_is_named_exists() {
    let mut texts = repository();
    // Its own wrong examples are below.
    texts.retain(|path, _| !path.ends_with("examples/tests/spec.rs"));
    assert!(texts.len() > 500, "{} texts", texts.len());
    let unknown = spec().unknown(&texts);
    assert!(unknown.is_empty(), "not in docs/SPEC.md:\n{unknown}");
}

#[test]
fn every_must_is_named_by_a_test_or_a_case() {
    let texts = repository();
    let tries = texts.iter().filter(|(path, _)| tries(path));
    let unnamed = spec().unnamed(tries.map(|(_, text)| text));
    assert!(unnamed.is_empty(), "nobody tries {unnamed:?}");
}

#[test]
fn every_must_is_named_where_it_is_fulfilled() {
    let texts = repository();
    let fulfils = texts.iter().filter(|(path, _)| fulfils(path));
    let unnamed = spec().unnamed(fulfils.map(|(_, text)| text));
    assert!(unnamed.is_empty(), "no source file names {unnamed:?}");
}

/// What the checks above would miss if they were broken.
#[test]
fn a_wrong_number_or_a_must_that_nobody_names_is_found() {
    let text = "| HBONE-T-001 | A server MUST do this. | why |\n| HBONE-T-002 | It SHOULD do that. | |\n\
                | HBONE-T-003 | It MUST NOT do this. | |\n| HBONE-T-003 | MUSTARD | |\n| HBONE-T-4 | odd | |\n";
    let spec = Spec::read(text);
    let faults = [
        "HBONE-T-003 stands there twice",
        "HBONE-T-4 is no number of the form HBONE-x-nnn",
    ];
    assert_eq!(spec.faults, faults);
    assert_eq!(spec.musts(), BTreeSet::from(["HBONE-T-001".to_owned()]));

    let spec = Spec::read("| HBONE-T-001 | MUST | |\n| HBONE-T-003 | MUST NOT | |\n");
    let test = "/// HBONE-T-001, HBONE-T-0035, HBONE-T-9, HBONE-\u{e9}-003".to_owned();
    let unnamed = spec.unnamed([&test].into_iter());
    assert_eq!(unnamed, BTreeSet::from(["HBONE-T-003".to_owned()]));

    let file = PathBuf::from("a.rs");
    let texts = BTreeMap::from([(file, "HBONE-T-001 (HBONE-T-002)".to_owned())]);
    assert_eq!(spec.unknown(&texts), "a.rs names HBONE-T-002\n");
}
