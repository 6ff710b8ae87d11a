//! What an OpenTelemetry collector is told, over real gRPC and by the published definitions.

mod collector;
mod exports;
mod without;
