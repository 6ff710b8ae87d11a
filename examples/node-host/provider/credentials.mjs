// `cache-health:capabilities/credentials`: credentials that can be used and not read.
import * as configuration from "./configuration.mjs";
import { misconfigured, failure, within } from "./failure.mjs";
import { authenticator } from "./secrets.mjs";
import * as tokens from "./tokens.mjs";

export async function configured() {
    return configuration.candidates().map(({ id, method, label }) => ({ id, method, label }));
}

/** The user of an access key. */
const DEFAULT_USER = "default";

const KEYS = { primary: "REDIS_ACCESS_KEY", secondary: "REDIS_ACCESS_KEY_SECONDARY" };

export class Credential {
    #description;

    constructor(description, user, password) {
        this.#description = description;
        authenticator.set(this, { user, password });
    }

    static async acquire(id, budget) {
        const candidate = configuration.candidates().find((candidate) => candidate.id === id);
        if (!candidate) throw failure("internal", { problem: "there is no such candidate" });
        const { method, label } = candidate;
        const description = { method, label, evidence: [] };
        if (method === "access-key") {
            const key = configuration.variable(KEYS[label]);
            if (!key) throw misconfigured(KEYS[label], "is not set");
            return new Credential(description, DEFAULT_USER, key);
        }
        const late = () => failure("token-unavailable", { "identity.problem": "timeout" });
        const { principal, expiresAt, text } = await within(budget, tokens.newest(label), late);
        return new Credential({ ...description, principal, expiresAt }, principal, text);
    }

    describe() {
        return this.#description;
    }
}
