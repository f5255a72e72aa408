//! The mesh file as ztunnel's users have it.

use crate::applications::{echo, serve};
use crate::socks::{connect, exchange};
use crate::world::World;

const AS_ZTUNNEL_READS_IT: &str = include_str!("../local_configuration.yaml");

#[test]
fn a_file_for_ztunnel_carries_connections() {
    let world = World::new(73, AS_ZTUNNEL_READS_IT);
    let _proxy = world.start("client", 1);
    // Either endpoint of the service may be chosen: ourselves by a tunnel, or the other one without.
    serve(world.at(1, 8080), echo);
    serve(world.at(2, 8080), echo);
    let ip = |host| world.at(host, 80).ip().to_string();
    for (destination, port) in [
        (ip(100), 80),
        ("example.com".to_owned(), 80),
        (ip(1), 8080),
        (ip(2), 8080),
    ] {
        let socket = connect(world.at(1, 15080), &destination, port).expect("a connection");
        assert_eq!(exchange(socket, b"hello"), b"hello", "{destination}");
    }
}
