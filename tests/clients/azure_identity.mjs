// What Microsoft's client in JavaScript makes of the endpoint; prints the token.
import {createRequire} from "node:module";

const require = createRequire(process.env.CACHE_HEALTH_CLIENTS + "/");
const {DefaultAzureCredential, ManagedIdentityCredential} = require("@azure/identity");

const credential = process.argv[2] === "default" ? new DefaultAzureCredential() : new ManagedIdentityCredential();
const {token} = await credential.getToken("https://redis.azure.com/.default");
console.log(token);
