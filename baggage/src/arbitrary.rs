//! Values for fuzzing: everything that can be built, nothing that cannot.

use alloc::string::String;
use alloc::vec::Vec;

use ::arbitrary::{Arbitrary, Result, Unstructured};

use crate::baggage::Baggage;
use crate::istio::{Dialect, PeerAttributes, WorkloadKind};
use crate::limits::Limits;

impl<'a> Arbitrary<'a> for Baggage {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut baggage = Self::new();
        for _ in 0..u.arbitrary_len::<(u8, u8)>()? {
            let key = token(u)?;
            let value: &str = u.arbitrary()?;
            let mut properties = Vec::new();
            for _ in 0..u.int_in_range(0..=3)? {
                properties.push((token(u)?, u.arbitrary::<Option<&str>>()?));
            }
            let properties = properties.iter().map(|(key, value)| (key.as_str(), *value));
            if baggage
                .push_with_properties(&key, value, properties)
                .is_err()
            {
                break; // full
            }
        }
        Ok(baggage)
    }
}

impl<'a> Arbitrary<'a> for PeerAttributes {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self::builder()
            .cluster(u.arbitrary::<&str>()?)
            .namespace(u.arbitrary::<&str>()?)
            .workload(u.arbitrary()?, u.arbitrary::<&str>()?)
            .service(u.arbitrary::<&str>()?)
            .revision(u.arbitrary::<&str>()?)
            .app(u.arbitrary::<&str>()?)
            .version(u.arbitrary::<&str>()?)
            .instance(u.arbitrary::<&str>()?)
            .region(u.arbitrary::<&str>()?)
            .zone(u.arbitrary::<&str>()?)
            .build())
    }
}

impl<'a> Arbitrary<'a> for WorkloadKind {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(*u.choose(&[Self::CronJob, Self::Deployment, Self::Job, Self::Pod])?)
    }
}

impl<'a> Arbitrary<'a> for Dialect {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(*u.choose(&[Self::Agentgateway, Self::Envoy, Self::Ztunnel, Self::W3c])?)
    }
}

impl<'a> Arbitrary<'a> for Limits {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self::new()
            .with_members(u.int_in_range(0..=200)?)
            .with_bytes(u.int_in_range(0..=20_000)?)
            .with_raw_bytes(u.int_in_range(0..=40_000)?)
            .with_reports(u.int_in_range(0..=100)?))
    }
}

fn token(u: &mut Unstructured<'_>) -> Result<String> {
    const TCHARS: &[u8] =
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
    let length = u.int_in_range(1..=8)?;
    (0..length)
        .map(|_| u.choose(TCHARS).map(|&byte| char::from(byte)))
        .collect()
}
