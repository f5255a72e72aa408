/// How a CONNECT is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// Whether headers unknown to this crate are kept.
    pub keep_unknown: bool,
    /// How many elements `forwarded` may have: any number by default.
    pub max_forwarded: Option<usize>,
}

impl ConnectOptions {
    /// The defaults: nothing unknown is kept, and loops are not looked for.
    pub const fn new() -> Self {
        Self {
            keep_unknown: false,
            max_forwarded: None,
        }
    }

    /// The same, with headers unknown to this crate kept or dropped.
    #[must_use]
    pub const fn with_keep_unknown(mut self, keep: bool) -> Self {
        self.keep_unknown = keep;
        self
    }

    /// The same, with a CONNECT refused as [`Reject::Loop`](crate::Reject::Loop) if its `forwarded` has more than `most` elements, or is
    /// too long to be read (more than 8 KiB or 32 elements).
    ///
    /// For proxies that send on what they are sent, and may send it to each other for ever. Each must add its own element to those that
    /// it was sent: the header then counts the proxies on the way. `most` is the length of the longest way that is meant, and what a
    /// peer writes into the header can only make its own CONNECT be refused sooner. Elements without a parameter known to us do not
    /// count, nor does a malformed header, which is not sent on.
    ///
    /// ```
    /// use hbone::forwarded::{Element, Node};
    /// use hbone::{Connect, ConnectOptions, Forwarded, Reject};
    ///
    /// /// What each proxy on the way does with a CONNECT.
    /// fn forward(request: http::Request<()>, from: std::net::IpAddr) -> Result<Connect, Reject> {
    ///     let options = ConnectOptions::new().with_max_forwarded(3);
    ///     let mut connect = Connect::from_parts(&request.into_parts().0, options)?;
    ///     let so_far = connect.forwarded.iter().flat_map(Forwarded::elements).cloned();
    ///     let ours = Element::new().with_for(Node::from(from));
    ///     connect.forwarded = Some(Forwarded::new(so_far.chain([ours])).map_err(|_| Reject::Loop)?);
    ///     Ok(connect)
    /// }
    ///
    /// let mut passed = 0;
    /// let mut connect = Connect::new("10.0.0.7:80".parse()?);
    /// let end = loop {
    ///     match forward(connect.to_request(), "10.0.0.1".parse()?) {
    ///         Ok(next) => connect = next,
    ///         Err(reject) => break reject,
    ///     }
    ///     passed += 1;
    /// };
    /// assert_eq!((passed, end), (4, Reject::Loop));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_max_forwarded(mut self, most: usize) -> Self {
        self.max_forwarded = Some(most);
        self
    }
}
