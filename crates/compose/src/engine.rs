//! The one configuration of wasmtime. A component precompiled with other settings than it is run
//! with would be refused when it is loaded, so both sides take theirs from here.

use wasmtime::{Config, Result};

/// The configuration for running components.
pub fn config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    // Without it a component that loops would take its thread with it for ever.
    config.epoch_interruption(true);
    config
}

/// The configuration for precompiling for a target.
///
/// The target is set explicitly so that the code is for the architecture's baseline: by default
/// it would be for whatever the build machine's processor can do, and die on a lesser one.
pub fn config_for(target: &str) -> Result<Config> {
    let mut config = config();
    config.target(target)?;
    Ok(config)
}
