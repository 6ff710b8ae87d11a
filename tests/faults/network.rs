//! Faults between the app and its cache, names included.

use super::row::{Expect, OnSpin, Row};
use super::scene::{DEADLINE, Scene};
use cache_health_local_azure::black_hole::BlackHole;
use cache_health_local_azure::certificates::Leaf;
use cache_health_local_azure::dns::Zone;
use cache_health_local_azure::proxy::{Action, Welcome};
use cache_health_report::{Kind, Step};
use std::net::Ipv4Addr;
use std::time::Duration;

const GROUP: &str = "Network";
/// Where the name servers listen, one each: rows run side by side.
const NAME_SERVERS: [Ipv4Addr; 3] = [
    Ipv4Addr::new(127, 0, 0, 151),
    Ipv4Addr::new(127, 0, 0, 152),
    Ipv4Addr::new(127, 0, 0, 153),
];
/// An address of loopback beside the one that everything listens on.
const ANOTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// More than the deadline, as an operator would call it slow.
const DELAY: Duration = Duration::from_secs(2);
/// A reply that nobody should read to its end, in bytes.
const HUGE: usize = 100_000_000;

const NOT_SPINS: OnSpin = OnSpin::Absent("names are resolved by Spin, with the machine's resolver");

pub fn rows() -> Vec<Row> {
    let fail = |kind, step| Expect::Fail(kind, Some(step));
    let row = |fault, expect| Row::new(GROUP, fault, expect);
    let here = || Zone::Addresses(vec![Ipv4Addr::LOCALHOST]);
    vec![
        row("connection refused", fail(Kind::Connect, Step::Tcp))
            .begin(|s| s.proxy.refuse())
            .end(|s| s.proxy.heal().expect("healed")),
        row(
            "packets dropped (black hole)",
            fail(Kind::Timeout, Step::Tcp),
        )
        .begin(|s| {
            s.proxy.refuse();
            let address = s.address(Ipv4Addr::LOCALHOST);
            s.black_hole = Some(BlackHole::open(address).expect("a black hole"));
        })
        .end(|s| {
            s.black_hole = None;
            s.proxy.heal().expect("healed");
        }),
        row("half-open: the kept connection is dead", Expect::Pass)
            .begin(|s| {
                let before = s.proxy.accepted();
                s.proxy.on_command(move |command| match command.connection {
                    number if number <= before => Action::Silence,
                    _ => Action::Forward,
                });
            })
            .end(|s| s.proxy.heal().expect("healed")),
        row("reset after SET", fail(Kind::Closed, Step::Set))
            .begin(|s| {
                s.proxy.on_command(|command| match command.is("SET") {
                    true => Action::Reset,
                    false => Action::Forward,
                });
            })
            .end(|s| s.proxy.heal().expect("healed")),
        row(
            "each command delayed by 2 s",
            fail(Kind::Timeout, Step::Set),
        )
        .begin(|s| s.proxy.on_command(|_| Action::Delay(DELAY)))
        .end(|s| s.proxy.heal().expect("healed")),
        row("replies one byte at a time", Expect::Pass)
            .begin(|s| s.proxy.on_command(|_| Action::Drip))
            .end(|s| s.proxy.heal().expect("healed")),
        row(
            "replies that are not Redis",
            fail(Kind::Protocol, Step::Auth),
        )
        .begin(|s| {
            s.proxy
                .on_command(|_| Action::Answer(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
        })
        .end(|s| s.proxy.heal().expect("healed")),
        row("a reply of 100 MB", fail(Kind::Protocol, Step::Get))
            .begin(|s| {
                s.proxy.on_command(|command| match command.is("GET") {
                    true => Action::Flood(HUGE),
                    false => Action::Forward,
                });
            })
            .end(|s| s.proxy.heal().expect("healed"))
            .on_spin(OnSpin::Absent(
                "Spin reads replies into its own memory, before the provider sees them",
            )),
        row("TLS handshake cut off", fail(Kind::Closed, Step::Tls))
            .begin(|s| {
                s.proxy.refuse();
                s.proxy.heal().expect("healed");
                s.proxy.welcome(Welcome::Truncated);
            })
            .end(|s| s.proxy.heal().expect("healed")),
        row(
            "server that speaks no TLS",
            fail(Kind::TlsProtocol, Step::Tls),
        )
        .begin(|s| {
            s.proxy.refuse();
            s.proxy.heal().expect("healed");
            s.proxy.welcome(Welcome::Plaintext);
        })
        .end(|s| s.proxy.heal().expect("healed")),
        row(
            "silence after the ClientHello",
            fail(Kind::Timeout, Step::Tls),
        )
        .begin(|s| {
            s.proxy.refuse();
            s.proxy.heal().expect("healed");
            s.proxy.welcome(Welcome::Silence);
        })
        .end(|s| s.proxy.heal().expect("healed")),
        row("no such name", fail(Kind::Dns, Step::Dns))
            .needs_root()
            .starts_with_it()
            .prepare(|s| s.resolve_with(NAME_SERVERS[0], Zone::NoSuchName))
            .prepare_certificate()
            .end(move |s| s.zone(here()))
            .on_spin(NOT_SPINS),
        row(
            "name server slower than the deadline",
            fail(Kind::Timeout, Step::Dns),
        )
        .needs_root()
        .starts_with_it()
        .prepare(|s| {
            let addresses = vec![Ipv4Addr::LOCALHOST];
            s.resolve_with(NAME_SERVERS[1], Zone::Slow(addresses, DEADLINE * 2));
        })
        .prepare_certificate()
        .end(move |s| s.zone(here()))
        .on_spin(NOT_SPINS),
        row("two addresses, the first dead", Expect::Pass)
            .needs_root()
            .starts_with_it()
            .prepare(|s| {
                let addresses = vec![ANOTHER, Ipv4Addr::LOCALHOST];
                s.resolve_with(NAME_SERVERS[2], Zone::Addresses(addresses));
            })
            .prepare_certificate()
            .begin(|s| {
                let address = s.address(ANOTHER);
                s.black_hole = Some(BlackHole::open(address).expect("a black hole"));
            })
            .end(|s| s.black_hole = None)
            .on_spin(NOT_SPINS),
    ]
}

impl Row {
    /// With a certificate for the name that only the row's name server knows.
    fn prepare_certificate(mut self) -> Self {
        let prepare = self.prepare;
        self.prepare = Box::new(move |s: &mut Scene| {
            prepare(s);
            s.certify(&Leaf {
                names: vec![super::scene::NAME.to_owned()],
                ..Leaf::default()
            });
        });
        self
    }
}
