/// Labels of a workload beyond its standard attributes, ordered by key, each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraLabels(Vec<(Box<str>, Box<str>)>);

impl ExtraLabels {
    /// No labels.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of the label with this key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find_map(|(known, value)| (known == key).then_some(value))
    }

    /// Keys and values, in the order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets one label; an empty value takes it away.
    pub fn set(&mut self, key: &str, value: &str) {
        self.0.retain(|(known, _)| **known != *key);
        if !key.is_empty() && !value.is_empty() {
            let at = self.0.partition_point(|(known, _)| **known < *key);
            self.0.insert(at, (key.into(), value.into()));
        }
    }
}
