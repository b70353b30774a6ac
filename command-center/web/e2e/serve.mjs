/** Serves the built page with the made-up city, to look at: `node e2e/serve.mjs [PORT]`. */
import { Fixture } from "./fixture.mjs";

const fixture = new Fixture();
console.log(await fixture.start(Number(process.argv[2] ?? 8090)));
setInterval(() => fixture.open(), 7_000);
