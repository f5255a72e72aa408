//! W3C Baggage, and Istio's peer attributes in it: exact by the text, tolerant of what is really sent, and
//! impossible to hurt.
//!
//! [Baggage](https://www.w3.org/TR/baggage/) is the HTTP header in which name-value pairs travel with a
//! request. This crate reads and writes it, in three ways:
//!
//! ```text
//!   header lines (&[u8])                                    header line (String)
//!         |                                                        ^
//!         +--> Members ----------> look, without allocation        |
//!         +--> Baggage ----------> keep, change, merge ------------+
//!         +--> istio::PeerAttributesRef -> istio::PeerAttributes --+
//!              who is at the other end of the tunnel     (in a Dialect)
//! ```
//!
//! ```
//! use baggage::{Baggage, Limits};
//!
//! let lines = ["userId=Am%C3%A9lie;ttl=60, isProduction = false", "k8s.pod.name=p-0,oops"];
//! let parsed = Baggage::parse(lines, &Limits::default());
//! assert_eq!(parsed.baggage.get("userId").as_deref(), Some("Amélie"));
//! assert_eq!(parsed.baggage.len(), 3);
//! assert_eq!(parsed.skipped[0].to_string(), "baggage header line 1, byte 17: missing_equals (list member without `=`)");
//!
//! let mut baggage = parsed.baggage;
//! baggage.set("isProduction", "100 %")?;
//! assert_eq!(baggage.to_string(), "userId=Am%C3%A9lie;ttl=60,k8s.pod.name=p-0,isProduction=100%20%25");
//! # Ok::<(), baggage::EncodeError>(())
//! ```
//!
//! # What it does not do
//!
//! It does not carry baggage from a request to those that it causes: that is the caller's, who knows what
//! belongs together. It does not believe baggage: anyone can write anything into it, so it labels metrics and
//! logs and decides nothing. It does no IO, reads no clock, logs nothing.
//!
//! # Strict, lenient, and by hand
//!
//! W3C gives a grammar and leaves open what to do with a header that violates it. [`Baggage::parse`] skips a
//! malformed member, keeps the others and reports what it skipped; it never fails. [`Baggage::parse_strict`]
//! gives the first error instead. With [`Members`] the choice is made for each member:
//!
//! ```
//! use baggage::{Limits, Members};
//!
//! let header = "a=1,b c=2,d=3;p;q=%20";
//! for member in Members::new([header], &Limits::default()) {
//!     match member {
//!         Ok(member) => println!("{} is {} with {} properties", member.key(), member.value(), member.properties().count()),
//!         Err(error) => println!("left out: {error}"),
//!     }
//! }
//! ```
//!
//! The rules, each with its number and its reason, are in `docs/baggage.md` of the repository; tests are
//! named after them.
//!
//! # How W3C and Istio differ
//!
//! Istio's proxies tell each other in the `baggage` header of a CONNECT request, and of its answer, which
//! workload is at the other end. They read and write it by splitting at commas and equals signs:
//!
//! | | W3C, and this crate | ztunnel | Envoy in Istio |
//! |---|---|---|---|
//! | several header lines | one list | one list | the first only |
//! | white space around `,` and `=` | not part of the value | breaks the key | breaks the key |
//! | `%XX` in a value | decoded | stays | stays |
//! | `;property` | apart from the value | part of the value | part of the value |
//! | a second `=` | part of the value | cut off, with the rest | cut off, with the rest |
//! | an octet above 7F | that member is malformed | all baggage is lost | stays |
//! | an empty value | a value | unsets | unsets |
//!
//! So [`istio`] writes what all of them understand: one line, no white space, no properties, ASCII, escapes
//! only where something must be escaped, which Kubernetes' names never need. It reads by W3C's rules.
//!
//! ```
//! use baggage::Limits;
//! use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
//!
//! let us = PeerAttributes::builder()
//!     .cluster("east")
//!     .namespace("bookinfo")
//!     .workload(WorkloadKind::Deployment, "productpage-v1")
//!     .service("productpage")
//!     .build();
//! let mut header = String::new();
//! us.encode(Dialect::Ztunnel, &mut header);
//! assert_eq!(
//!     header,
//!     "k8s.cluster.name=east,k8s.namespace.name=bookinfo,k8s.deployment.name=productpage-v1,service.name=productpage"
//! );
//!
//! let peer = PeerAttributes::parse([&header], &Limits::default()).expect("it says something of a peer");
//! assert_eq!(peer.app(), Some("productpage")); // what is not said is inferred
//! ```
//!
//! # How to choose limits
//!
//! [`Limits::default`] is what W3C asks everyone to carry at least: 64 members and 8192 bytes. Carry more
//! only if those before and behind you do, and raise [`raw_bytes`](Limits::raw_bytes) with
//! [`bytes`](Limits::bytes), since it bounds the work that a hostile header can cause (the time is linear in
//! it, and at the defaults less than four times as much is allocated). Lower limits make sense where baggage
//! is only looked at: a peer's attributes fit into 16 members and 2 KiB. Limits apply to all lines of a
//! message together.
//!
//! # How to propagate an application's baggage
//!
//! * **Nothing to add: pass the header lines on as they are.** Parsing and writing again cannot make them better.
//! * **Something to add:** [`Baggage::parse`], [`Baggage::push`] or [`Baggage::set`], and write. Other
//!   members keep their order, their properties and their spelling.
//! * **A proxy's own members:** [`Baggage::merge`], or
//!   [`PeerAttributes::merge_into`](istio::PeerAttributes::merge_into), which also removes what an
//!   application claims under Istio's keys.
//! * **Show it to people** through [`Sanitized`]: a decoded value can hold line breaks, terminal escapes, and
//!   characters that turn the text around.
//!
//! ```
//! use baggage::istio::{Dialect, PeerAttributes};
//! use baggage::{Baggage, Limits};
//!
//! let mut baggage = Baggage::parse(["user=a;ttl=5,k8s.cluster.name=forged"], &Limits::default()).baggage;
//! let us = PeerAttributes::builder().cluster("east").build();
//! let left_out = us.merge_into(Dialect::Ztunnel, &mut baggage);
//! assert_eq!((left_out, baggage.to_string().as_str()), (0, "k8s.cluster.name=east,user=a;ttl=5"));
//! ```
//!
//! # Crate features
//!
//! None is on by default. The crate is `no_std` with `alloc`, and has no unsafe code.
//!
//! * `http`: read from a `HeaderMap`, write a `HeaderValue`. (Without it, the parsers still take any iterator
//!   of `&HeaderValue`.)
//! * `serde`: baggage as a list of maps (`key`, `value`, and `properties`, each a `key` and perhaps a `value`), peer attributes as a
//!   map of what is set, named as the getters are, with the kind of the workload under `workload_type`. Read within the default
//!   limits; an unknown name is an error.
//! * `arbitrary`: values for fuzzing.
//! * `std`: the features `std` of the dependencies. The first and the third imply it.
//!
//! # Specification
//!
//! Numbers such as `HBONE-T-009` are those of the requirements in `docs/SPEC.md` of the repository, which the item that names one
//! fulfils.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

pub mod istio;

#[cfg(feature = "arbitrary")]
mod arbitrary;
mod baggage;
mod cursor;
mod element;
mod encode_error;
#[cfg(feature = "http")]
mod headers;
mod iter;
mod limits;
mod member;
mod members;
mod next_stop;
mod parse_error;
mod parsed;
mod percent;
mod property;
mod sanitized;
#[cfg(feature = "serde")]
mod serde;
mod writer;

pub use baggage::Baggage;
pub use encode_error::EncodeError;
pub use iter::Iter;
pub use limits::Limits;
pub use member::Member;
pub use members::Members;
pub use parse_error::{ParseError, ParseErrorKind};
pub use parsed::Parsed;
pub use property::{Properties, Property};
pub use sanitized::Sanitized;
