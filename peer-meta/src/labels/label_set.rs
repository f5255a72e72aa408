use super::label::Label;
use super::label_value::LabelValue;
use super::{OTHER, UNKNOWN};

/// Values for an ordered list of labels, in one allocation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LabelSet {
    order: &'static [Label],
    /// Where the value of each label ends in `text`; a principal is at most 2,048 bytes long, so 16 bits are enough.
    ends: [u16; MOST],
    text: String,
}

/// As many labels as the longest set has.
const MOST: usize = 29;

impl LabelSet {
    pub(super) fn new<'a>(
        order: &'static [Label],
        value: impl Fn(Label) -> LabelValue<'a>,
    ) -> Self {
        let mut values = [LabelValue::Fixed(""); MOST];
        let mut capacity = 0;
        for (label, slot) in order.iter().zip(&mut values) {
            *slot = value(*label);
            capacity += slot.capacity();
        }
        let mut text = String::with_capacity(capacity);
        let mut ends = [0; MOST];
        for (end, value) in ends.iter_mut().zip(values).take(order.len()) {
            value.write(&mut text);
            *end = u16::try_from(text.len()).unwrap_or(u16::MAX);
        }
        Self { order, ends, text }
    }

    /// The same labels with everything but the reporter folded away.
    pub(super) fn folded(&self) -> Self {
        let reporter = self.get(Label::Reporter.name());
        Self::new(self.order, |label| match label {
            Label::Reporter => LabelValue::text(reporter),
            _ => LabelValue::Fixed(OTHER),
        })
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &str)> {
        let mut start = 0;
        self.order.iter().zip(&self.ends).map(move |(label, end)| {
            let end = usize::from(*end);
            let value = self.text.get(start..end).unwrap_or(UNKNOWN);
            start = end;
            (label.name(), value)
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(label, value)| (label == name).then_some(value))
    }

    pub(super) fn unknown(&self) -> usize {
        self.iter().filter(|(_, value)| *value == UNKNOWN).count()
    }
}
