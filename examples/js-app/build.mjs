// Builds the application: `node build.mjs <dist/wit> <output>`.
//
// componentize-qjs 0.4.5 stops at an import that is `async func` ("type mismatch with async"): the wasmtime in it is older than
// such imports in what it makes. So the application is built against a copy of the WIT in which `check` is not async, and
// then its import is declared as it is: the calls are the same, and the host waits. Take both out when a later version
// builds against the WIT as it stands.
import { parse, print } from "@bytecodealliance/jco";
import { componentize } from "componentize-qjs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ASYNC = "check: async func";
const [, , published, output] = process.argv;
const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;

const wit = await mkdtemp(join(tmpdir(), "wit-"));
try {
    await cp(join(here, "wit"), wit, { recursive: true });
    await cp(join(published, "deps"), join(wit, "deps"), { recursive: true });
    // Which it does not import.
    await rm(join(wit, "deps/cache-health-capabilities"), { recursive: true });
    const health = join(wit, "deps/cache-health-probe/health.wit");
    const declared = await readFile(health, "utf8");
    if (!declared.includes(ASYNC)) throw new Error(`no "${ASYNC}" in ${health}`);
    await writeFile(health, declared.replace(ASYNC, "check: func"));

    const jsSource = await readFile(join(here, "app.js"), "utf8");
    const { component } = await componentize({ witPath: wit, jsSource, world: "app" });
    const text = await print(component);
    // As the tool made it: no host has a `check` that fits.
    await writeFile(output.replace(/wasm$/, "sync.wasm"), component);
    await writeFile(output, await parse(asyncCheck(text)));
} finally {
    await rm(wit, { recursive: true });
}

// The component's text with the type of every `check` made async, and of nothing else.
function asyncCheck(text) {
    const lines = text.split("\n");
    let made = 0;
    lines.forEach((line, at) => {
        const type = line.match(/\(export \(;\d+;\) "check" \(func \(type (\d+)\)\)\)/)?.[1];
        if (type === undefined) return;
        // Its type is the nearest of that number above it: numbers count within a scope.
        for (let above = at; above >= 0; above--) {
            if (lines[above].includes(`(type (;${type};) (func (param "options"`)) {
                lines[above] = lines[above].replace("(func (param", "(func async (param");
                made += 1;
                return;
            }
        }
    });
    if (made === 0) throw new Error("the component does not import check");
    return lines.join("\n");
}
