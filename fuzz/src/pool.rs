use crate::pool_schedule::{CONFIGURATIONS, nest, take, wind_up, with, world};
use crate::pool_world::{Limits, MILLI, World};
use crate::script::Script;

/// Any schedule with faults: at every step the pool's books agree with the naive ones that the world keeps, and in the end nothing is left.
pub fn pool(data: &[u8]) {
    let mut script = Script::new(data);
    let mut world = chosen(&mut script);
    let way = script.octet();
    let (spread, nested, late) = (way & 1 == 1, way & 2 == 2, way & 12 == 12);
    world.is_prompt = !late;
    let mut steps = 0;
    while !script.is_over() && steps < 2_000 {
        steps += 1;
        if nested && script.below(4) == 3 {
            let (dial, stream) = (script.octet(), script.octet());
            nest(&mut world, dial.into(), stream.into());
        }
        let (kind, pick) = (script.below(32), script.below(65_536));
        let below = |bound| script.below(bound);
        take(&mut world, kind, pick, below, spread);
        if late {
            world.poll(script.below(4));
        }
    }
    world.poll(usize::MAX);
    world.is_prompt = true;
    wind_up(&mut world);
}

/// One that the model's tests know, or any.
fn chosen(script: &mut Script<'_>) -> World {
    let which = script.below(CONFIGURATIONS + 1);
    if which < CONFIGURATIONS {
        return world(which);
    }
    with(Limits {
        connections: 1 + script.below(8),
        per_key: 1 + script.below(4),
        streams: 1 + u32::from(script.octet() % 5),
        wait: u32::from(script.octet()) * 20 * MILLI + MILLI,
        idle: u32::from(script.octet()) * 20 * MILLI + MILLI,
        age: script.maybe(|script| u32::from(script.octet()) * 50 * MILLI + MILLI),
    })
}
