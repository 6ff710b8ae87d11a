// `cache-health:capabilities/redis`: one connection to the one cache, and the two commands.
import * as configuration from "./configuration.mjs";
import { failure, since, within } from "./failure.mjs";
import { command, refused, reply } from "./resp.mjs";
import { authenticator } from "./secrets.mjs";
import * as tls from "./tls.mjs";

/** The connection that is kept between checks. */
let kept;

/** A connection, whoever uses it. */
class Link {
    #secure;
    #received = Buffer.alloc(0);
    #waiting;

    constructor(secure, walk, login) {
        this.#secure = secure;
        this.walk = walk;
        this.login = login;
        this.tls = tls.session(secure);
        secure.on("data", (bytes) => this.#take(bytes));
        secure.on("close", () => this.#end(failure("closed")));
        secure.on("error", () => this.#end(failure("closed")));
        // An idle connection keeps no process alive.
        secure.unref();
    }

    get usable() {
        return !this.ended;
    }

    /** Sends a command, and waits for its reply. One at a time: after a reply that is late, the connection is of no use. */
    async ask(budget, ...words) {
        if (this.ended || this.#waiting) throw this.ended ?? failure("closed");
        const answered = new Promise((resolve, reject) => {
            this.#waiting = { resolve, reject };
        });
        this.#secure.write(command(...words));
        try {
            const said = await within(budget, answered, () => failure("timeout"));
            if (said.error !== undefined) throw refused(said.error);
            return said;
        } catch (error) {
            if (["timeout", "closed", "protocol", "auth-required"].includes(error.code)) this.discard(error);
            throw error;
        }
    }

    discard(why) {
        this.#end(why);
        this.#secure.destroy();
    }

    #take(bytes) {
        this.#received = Buffer.concat([this.#received, bytes]);
        let said;
        try {
            said = reply(this.#received);
        } catch (error) {
            return this.discard(error);
        }
        if (said === undefined) return undefined;
        this.#received = Buffer.alloc(0);
        const waiting = this.#waiting;
        this.#waiting = undefined;
        return waiting?.resolve(said);
    }

    #end(why) {
        this.ended ??= why;
        if (kept === this) kept = undefined;
        this.#waiting?.reject(this.ended);
        this.#waiting = undefined;
    }
}

async function open(credential, budget) {
    const started = process.hrtime.bigint();
    const { user, password } = authenticator.get(credential);
    const walk = { step: "dns", steps: [], addresses: "" };
    const left = () => budget - since(started);
    const late = () => failure("timeout", { addresses: walk.addresses });
    try {
        const secure = await within(left(), tls.connect(configuration.read(), walk), late);
        const link = new Link(secure, walk, { user, password });
        walk.step = "auth";
        const asked = process.hrtime.bigint();
        await link.ask(left(), "AUTH", user, password);
        walk.steps.push({ step: "auth", duration: since(asked) });
        return link;
    } catch (error) {
        walk.socket?.destroy();
        // An error of our own making, or a fault of this program: its text is nobody's business.
        const said = error.code && error.evidence ? error : failure("internal");
        throw {
            failure: said,
            step: walk.step,
            session: { steps: walk.steps, origin: "new", evidence: [] },
        };
    }
}

export class Connection {
    #link;
    #origin;

    constructor(link, origin) {
        this.#link = link;
        this.#origin = origin;
    }

    static async connect(credential, { budget, newConnection }) {
        const { user, password } = authenticator.get(credential);
        const same = kept?.usable && kept.login.user === user && kept.login.password === password;
        if (same && !newConnection) return new Connection(kept, "kept");
        const link = await open(credential, budget);
        kept?.discard(failure("closed"));
        kept = link;
        return new Connection(link, "new");
    }

    async set(value, ttl, budget) {
        const { healthKey } = configuration.read();
        await this.#link.ask(budget, "SET", healthKey, value, "EX", String(ttl));
    }

    async get(budget) {
        const { bytes } = await this.#link.ask(budget, "GET", configuration.read().healthKey);
        return bytes;
    }

    session() {
        const steps = this.#origin === "new" ? this.#link.walk.steps : [];
        return { steps, origin: this.#origin, tls: this.#link.tls, evidence: [] };
    }
}
