// Tokens of Microsoft Entra: asked for, judged, and kept until they end.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { variable } from "./configuration.mjs";
import { failure } from "./failure.mjs";

const RESOURCE = "https://redis.azure.com";
/** The longest answer that can be a token, in characters. */
const MAX_ANSWER = 64 * 1024;
/** How long before its end a token is not handed out any more, in seconds. */
const MARGIN = 60;

const unavailable = (problem) => failure("token-unavailable", { "identity.problem": problem });
const rejected = (problem) => failure("token-rejected", { "identity.problem": problem });

const kept = new Map();
const underWay = new Map();

/** The newest token from this source. Whoever asks while one is asked for joins. */
export async function newest(source) {
    const token = kept.get(source);
    if (token && Number(token.expiresAt) - Date.now() / 1000 > MARGIN) return token;
    if (!underWay.has(source)) {
        const asked = REQUESTS[source]().then(judge);
        // Nobody may be waiting any more when it fails.
        asked.then((token) => kept.set(source, token), () => {});
        underWay.set(source, asked.finally(() => underWay.delete(source)));
        underWay.get(source).catch(() => {});
    }
    return underWay.get(source);
}

const REQUESTS = {
    "managed-identity": () => {
        const url = new URL(variable("IDENTITY_ENDPOINT"));
        url.searchParams.set("api-version", "2019-08-01");
        url.searchParams.set("resource", RESOURCE);
        const clientId = variable("AZURE_CLIENT_ID");
        if (clientId) url.searchParams.set("client_id", clientId);
        return send(url, { headers: { "X-IDENTITY-HEADER": variable("IDENTITY_HEADER") } });
    },
    "service-principal": () => {
        const authority = variable("AZURE_AUTHORITY_HOST") ?? "https://login.microsoftonline.com";
        const tenant = encodeURIComponent(variable("AZURE_TENANT_ID"));
        const form = new URLSearchParams({
            grant_type: "client_credentials",
            client_id: variable("AZURE_CLIENT_ID"),
            client_secret: variable("AZURE_CLIENT_SECRET"),
            scope: `${RESOURCE}/.default`,
        });
        const caFile = variable("AZURE_AUTHORITY_CA_FILE");
        return send(new URL(`${tenant}/oauth2/v2.0/token`, `${authority.replace(/\/$/, "")}/`), {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
            ca: caFile && readFileSync(caFile),
        }, form.toString());
    },
};

/** Status and body of an answer. */
function send(url, options, body) {
    return new Promise((resolve, reject) => {
        const { request } = url.protocol === "https:" ? https : http;
        const asked = request(url, options, (response) => {
            let text = "";
            response.setEncoding("utf8");
            response.on("data", (part) => {
                text += part;
                if (text.length > MAX_ANSWER) asked.destroy();
            });
            response.on("end", () => resolve({ status: response.statusCode, text }));
            response.on("error", () => reject(unavailable("not-a-token")));
        });
        asked.on("error", () => reject(unavailable("unreachable")));
        asked.end(body);
    });
}

/** The token in an answer, or why there is none. */
function judge({ status, text }) {
    if (status !== 200) {
        const code = [400, 401, 403, 404].includes(status) ? "token-rejected" : "token-unavailable";
        throw failure(code, { "identity.status": status });
    }
    const { access_token: token, expires_on: until, expires_in: for_ } = json(text) ?? {};
    if (typeof token !== "string" || !token) throw unavailable("not-a-token");
    const claims = json(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    if (!claims) throw rejected("not-a-jwt");
    if (typeof claims.oid !== "string" || !claims.oid) throw rejected("no-object-id");
    const now = Math.floor(Date.now() / 1000);
    const ends = [Number(until), now + Number(for_), Number(claims.exp)].filter(Number.isFinite);
    if (!ends.length) throw unavailable("not-a-token");
    const end = Math.min(...ends);
    if (end <= now) throw rejected("expired");
    return { text: token, principal: claims.oid, expiresAt: BigInt(end) };
}

function json(text) {
    try {
        const value = JSON.parse(text);
        return value && typeof value === "object" ? value : undefined;
    } catch {
        return undefined;
    }
}
