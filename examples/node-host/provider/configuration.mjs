// What is configured, by the variables of docs/reference/configuration.md. Only a part of them: this is an example.
import { misconfigured } from "./failure.mjs";

const { env } = process;

/** The value of a variable, if it is set. Secrets are read when they are used. */
export const variable = (name) => env[name]?.trim() || undefined;

const UNITS = { ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n };

function duration(name, otherwise) {
    const [, count, unit] = (variable(name) ?? otherwise).match(/^(\d+)(ms|s|m)$/) ?? [];
    if (!count || !Number(count)) throw misconfigured(name, "must be a time such as 5s");
    return BigInt(count) * UNITS[unit];
}

function oneOf(name, values) {
    const value = variable(name) ?? values[0];
    if (!values.includes(value)) throw misconfigured(name, `must be one of ${values.join(", ")}`);
    return value;
}

/** The configuration; throws the first failure. */
export function read() {
    const host = variable("REDIS_HOST");
    if (!host) throw misconfigured("REDIS_HOST", "is not set");
    const port = Number(variable("REDIS_PORT") ?? 6380);
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
        throw misconfigured("REDIS_PORT", "must be a port");
    }
    return {
        host,
        port,
        auth: oneOf("REDIS_AUTH", ["auto", "entra", "access-key"]),
        healthKey: variable("REDIS_HEALTH_KEY") ?? "health",
        deadline: duration("CACHE_HEALTH_TIMEOUT", "5s"),
        maxAge: duration("CACHE_HEALTH_INTERVAL", "10s"),
        readiness: oneOf("CACHE_HEALTH_READINESS", ["cache", "replica", "never"]),
        caFile: variable("REDIS_CA_FILE"),
    };
}

/** What may be tried, in the order of preference: how it is called, and what it needs. */
export function candidates() {
    const { auth } = read();
    const entra = [
        {
            method: "entra",
            label: "service-principal",
            there: variable("AZURE_CLIENT_ID") && variable("AZURE_TENANT_ID") && variable("AZURE_CLIENT_SECRET"),
        },
        {
            method: "entra",
            label: "managed-identity",
            there: variable("IDENTITY_ENDPOINT") && variable("IDENTITY_HEADER"),
        },
    ];
    const keys = [
        { method: "access-key", label: "primary", there: variable("REDIS_ACCESS_KEY") },
        { method: "access-key", label: "secondary", there: variable("REDIS_ACCESS_KEY_SECONDARY") },
    ];
    const all = [...entra, ...keys].map((candidate, id) => ({ id, ...candidate }));
    return all.filter(
        ({ method, there }) => there && (auth === "auto" || auth === method),
    );
}
