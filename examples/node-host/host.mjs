// A host of the health component in Node 24 or later: `node host.mjs [<checks>]` makes one check after the other, in one
// instance, and prints each report as a line of JSON. Configured by the variables of docs/reference/configuration.md that the
// provider reads. Ends with 1 when the last one failed.
import { health } from "./generated/health.js";

const checks = Number(process.argv[2] ?? 1);
let report;
for (let made = 0; made < checks; made++) {
    report = await health.check({ fresh: true, newConnection: false });
    console.log(JSON.stringify(report, (_, value) => (typeof value === "bigint" ? Number(value) : value)));
}
process.exit(report.status === "fail" ? 1 : 0);
