// Loaded before the program (BUN_OPTIONS=--preload): it would listen on every interface.
const serve = Bun.serve;
Bun.serve = (options) => serve({ ...options, hostname: "127.0.0.1" });
