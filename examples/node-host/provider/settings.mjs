// `cache-health:capabilities/settings`.
import * as configuration from "./configuration.mjs";

export async function get() {
    const { auth, deadline, maxAge, host, port, healthKey } = configuration.read();
    return { auth, deadline, maxAge, host, port, healthKey, spelling: "environment", warnings: [] };
}

export async function readiness() {
    return configuration.read().readiness;
}
