// Somebody else's application in JavaScript: it imports `cache-health:probe/health` and nothing else of ours, and answers 503
// with the remedy when its cache cannot be used.
import { check } from "cache-health:probe/health@0.2.0";
import { Fields, Response } from "wasi:http/types@0.3.0";

export const handler = {
    async handle(_request) {
        const report = await check({ fresh: false, newConnection: false });
        const [status, text] = report.failure
            ? [503, `${report.failure.output}\nWhat to do: ${report.failure.remedy}\n`]
            : [200, `Hello! ${report.output}\n`];
        const body = (async function* () {
            yield utf8(text);
        })();
        const noTrailers = Promise.resolve({ tag: "ok", val: null });
        const [response, _sent] = Response.new(new Fields(), body, noTrailers);
        response.setStatusCode(status);
        return response;
    },
};

// QuickJS has no TextEncoder.
function utf8(text) {
    return Uint8Array.from(unescape(encodeURIComponent(text)), (byte) => byte.charCodeAt(0));
}
