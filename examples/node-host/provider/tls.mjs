// The way to a verified TLS connection, step by step.
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { failure, since } from "./failure.mjs";

/** Node's and OpenSSL's codes of certificates that are not trusted. */
const UNTRUSTED = [
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_GET_ISSUER_CERT",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "CERT_SIGNATURE_FAILURE",
];

/** By Node's code of an error, never by its text. */
function tlsFailure({ code }) {
    if (UNTRUSTED.includes(code)) return failure("tls-untrusted");
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return failure("tls-hostname");
    if (["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"].includes(code)) return failure("tls-expired");
    return failure(["ECONNRESET", "EPIPE"].includes(code) ? "closed" : "tls-protocol");
}

const opened = (socket, event) =>
    new Promise((resolve, reject) => socket.once(event, resolve).once("error", reject));

/** Connects. `walk.step` says where it is, `walk.steps` what is done; what it returns is verified. */
export async function connect({ host, port, caFile }, walk) {
    const addresses = await step(walk, "dns", lookup(host, { all: true }), () => failure("dns"));
    walk.addresses = addresses.map(({ address }) => address).join(", ");
    const plain = net.connect({ host, port, lookup: (_, options, done) => answer(addresses, options, done) });
    walk.socket = plain;
    await step(walk, "tcp", opened(plain, "connect"), () => failure("connect", { addresses: walk.addresses }));
    const secure = tls.connect({
        socket: plain,
        servername: net.isIP(host) ? undefined : host,
        ca: caFile && readFileSync(caFile),
        checkServerIdentity: (_, certificate) => tls.checkServerIdentity(host, certificate),
        minVersion: "TLSv1.2",
    });
    walk.socket = secure;
    await step(walk, "tls", opened(secure, "secureConnect"), tlsFailure);
    secure.setNoDelay(true);
    return secure;
}

/** One step: timed when it succeeds, named when it fails. */
async function step(walk, name, promise, failed) {
    walk.step = name;
    const started = process.hrtime.bigint();
    try {
        const value = await promise;
        walk.steps.push({ step: name, duration: since(started) });
        return value;
    } catch (error) {
        throw failed(error);
    }
}

function answer(addresses, options, done) {
    if (options.all) return done(null, addresses);
    const [{ address, family }] = addresses;
    return done(null, address, family);
}

/** What the handshake established. */
export function session(secure) {
    const { issuer, subjectaltname, valid_to: end } = secure.getPeerCertificate();
    const names = subjectaltname?.split(", ").map((name) => name.replace(/^(DNS|IP Address):/, ""));
    return {
        protocol: secure.getProtocol(),
        cipher: secure.getCipher().standardName,
        issuer: Object.entries(issuer ?? {}).map(([name, value]) => `${name}=${value}`).join(","),
        names: names ?? [],
        notAfter: BigInt(Math.floor(Date.parse(end) / 1000)),
        verified: secure.authorized,
    };
}
