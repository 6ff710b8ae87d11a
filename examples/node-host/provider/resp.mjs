// Commands and replies of Redis (RESP 2), as far as AUTH, SET and GET need them.
import { failure } from "./failure.mjs";

/** The longest reply that is read, in bytes. */
const MAX_REPLY = 64 * 1024;

/** A command as it is sent: an array of bulk strings. */
export function command(...words) {
    const parts = words.map((word) => Buffer.from(word));
    const bulks = parts.flatMap((part) => [`$${part.length}\r\n`, part, "\r\n"]);
    return Buffer.concat([`*${parts.length}\r\n`, ...bulks].map((part) => Buffer.from(part)));
}

/** The first reply in `bytes`: `{ text }`, `{ bytes }`, `{ error }` or `{ nil: true }`; none when it is not whole yet. */
export function reply(bytes) {
    if (bytes.length > MAX_REPLY) throw failure("protocol");
    const end = bytes.indexOf("\r\n");
    if (end < 0) return undefined;
    const line = bytes.subarray(1, end).toString();
    switch (String.fromCharCode(bytes[0])) {
        case "+":
            return { text: line };
        case "-":
            return { error: line };
        case "$": {
            const length = Number(line);
            if (length === -1) return { nil: true };
            if (!Number.isInteger(length) || length < 0) throw failure("protocol");
            const start = end + 2;
            if (bytes.length < start + length + 2) return undefined;
            return { bytes: bytes.subarray(start, start + length) };
        }
        default:
            throw failure("protocol");
    }
}

const CODES = {
    NOAUTH: "auth-required",
    NOPERM: "permission-denied",
    LOADING: "loading",
    READONLY: "read-only",
    OOM: "out-of-memory",
};

/** What an error reply says. Its first word is a code; the rest can repeat what was sent, and goes no further. */
export function refused(line) {
    if (line.includes("WRONGPASS") || line.startsWith("ERR invalid password")) {
        return failure("auth-rejected");
    }
    const [code, slot, node] = line.split(" ");
    if (CODES[code]) return failure(CODES[code]);
    if (code === "MOVED") return failure("moved", { "redis.slot": slot, "redis.node": node });
    return failure("server-error", { "redis.code": /^[A-Z]{1,24}$/.test(code) ? code : "ERR" });
}
