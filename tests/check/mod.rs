//! `cache-health check`: the verdict, the command line, TLS, a cluster.

mod as_root;
mod cli;
mod cluster;
mod credentials;
mod endpoint;
mod targets;
mod tls;
mod verdict;
