// The capabilities of cache-health, as another host has them: `cache-health:capabilities@0.2.0` over node:tls and node:http(s).
// The promises are those of docs/compose.md, "Write a provider".
export * as credentials from "./credentials.mjs";
export * as redis from "./redis.mjs";
export * as settings from "./settings.mjs";
