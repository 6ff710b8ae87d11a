// Whom a credential authenticates as, and with what. By the credential itself and not in it: what the generated code, a log or
// a debugger shows of a credential is not the secret. JavaScript cannot wipe a string; a host that must, cannot be in it.

/** A credential's user and password. */
export const authenticator = new WeakMap();
