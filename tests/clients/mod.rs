//! The stand-ins for Azure are held to Microsoft's own clients: what these ask is accepted, and what they would have
//! refused is refused. Entra itself cannot be reached from here.

mod recorded;
mod released;
