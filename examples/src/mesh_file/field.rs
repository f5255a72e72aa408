use std::fmt;

/// The way to a value in a document, such as `workloads[2].waypoint`.
#[derive(Debug, Clone, Default)]
pub(super) struct Field(Vec<Step>);

/// From a value to one that is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Item(usize),
    Key(String),
}

impl Field {
    /// An item of a list at the top.
    pub(super) fn item(list: &str, index: usize) -> Self {
        Self(vec![Step::Key(list.to_owned()), Step::Item(index)])
    }

    /// A field of this one.
    pub(super) fn key(&self, key: impl Into<String>) -> Self {
        self.then(Step::Key(key.into()))
    }

    /// An item of this list.
    pub(super) fn nth(&self, index: usize) -> Self {
        self.then(Step::Item(index))
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The steps to it, from the top.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(item) => write!(f, "[{item}]")?,
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_written_as_people_write_it() {
        let field = Field::item("workloads", 2).key("waypoint").nth(1);
        assert_eq!(field.to_string(), "workloads[2].waypoint[1]");
    }
}
