// Failures as the interface has them. What is thrown is the error of a WIT `result`.

/** A failure of this kind, with what was seen: never a secret, and never a text that somebody else wrote. */
export const failure = (code, seen = {}) => ({
    code,
    evidence: Object.entries(seen).map(([name, value]) => [name, String(value)]),
});

/** A setting that cannot be used, by its name and never its value. */
export const misconfigured = (variable, problem) =>
    failure("config", { "config.variable": variable, "config.problem": problem });

const NANOSECONDS = 1_000_000n;

/** The outcome of a promise within a budget in nanoseconds; `late()` is thrown when there is none by then. */
export async function within(budget, promise, late) {
    let timer;
    const ended = new Promise((_, reject) => {
        timer = setTimeout(() => reject(late()), Number(budget / NANOSECONDS));
    });
    try {
        return await Promise.race([promise, ended]);
    } finally {
        clearTimeout(timer);
    }
}

/** A length of time since `started` (of `process.hrtime.bigint()`), in nanoseconds. */
export const since = (started) => process.hrtime.bigint() - started;
