// `cache-health:capabilities/settings`.
import * as configured from "./configuration.mjs";

export async function get() {
    const { auth, deadline, maxAge, host, port, healthKey } = configured.read();
    return { auth, deadline, maxAge, host, port, healthKey, spelling: "environment", warnings: [] };
}

export async function readiness() {
    return configured.read().readiness;
}
