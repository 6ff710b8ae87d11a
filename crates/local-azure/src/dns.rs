//! A name server for one name (RFC 1035, as much as a stub resolver needs).

use anyhow::Result;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often to look whether somebody wants to leave.
const LOOK: Duration = Duration::from_millis(50);
const HEADER: usize = 12;

/// How questions are answered.
#[derive(Clone, Debug)]
pub enum Zone {
    /// With these addresses, in this order.
    Addresses(Vec<Ipv4Addr>),
    /// There is no such name.
    NoSuchName,
    /// With these addresses, after this long.
    Slow(Vec<Ipv4Addr>, Duration),
}

/// A name server that runs; stopped when dropped.
pub struct NameServer {
    zone: Arc<Mutex<Zone>>,
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// Starts a server at this address. Port 53 is for root.
    pub fn start(address: SocketAddr, zone: Zone) -> Result<Self> {
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(LOOK))?;
        let (zone, leave) = (Arc::new(Mutex::new(zone)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (zone, leave) = (Arc::clone(&zone), Arc::clone(&leave));
            std::thread::spawn(move || {
                let mut block = [0; 512];
                while !leave.load(Ordering::Relaxed) {
                    let Ok((length, client)) = socket.recv_from(&mut block) else {
                        continue;
                    };
                    let zone = zone.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let (query, socket) = (block[..length].to_vec(), socket.try_clone());
                    // One that is slow must not keep the others waiting.
                    std::thread::spawn(move || {
                        if let (Some(reply), Ok(socket)) = (reply(&query, &zone), socket) {
                            let _ = socket.send_to(&reply, client);
                        }
                    });
                }
            })
        };
        Ok(Self {
            zone,
            leave,
            thread: Some(thread),
        })
    }

    /// Answers differently from now on.
    pub fn serve(&self, zone: Zone) {
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner) = zone;
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn reply(query: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let name = query.get(HEADER..)?.iter().position(|byte| *byte == 0)?;
    let question = query.get(HEADER..HEADER + name + 5)?;
    let asks_for_ipv4 = question.get(name + 1..name + 3)? == [0, 1];
    let (addresses, code) = match zone {
        Zone::NoSuchName => (&[][..], 3),
        Zone::Addresses(addresses) => (addresses.as_slice(), 0),
        Zone::Slow(addresses, pause) => {
            std::thread::sleep(*pause);
            (addresses.as_slice(), 0)
        }
    };
    let addresses = if asks_for_ipv4 { addresses } else { &[] };
    let mut reply = query.get(..2)?.to_vec();
    // A response, recursion available, and the code.
    reply.extend([0x81, 0x80 | code]);
    reply.extend([0, 1, 0, u8::try_from(addresses.len()).ok()?]);
    reply.resize(HEADER, 0);
    reply.extend(question);
    for address in addresses {
        // The name is the question's; type A, class IN, a life of no seconds, four bytes.
        reply.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        reply.extend(address.octets());
    }
    Some(reply)
}
