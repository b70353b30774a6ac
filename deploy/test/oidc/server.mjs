/**
 * An OpenID provider for tests: `node server.mjs PORT ALGORITHM`, RS256 or ES256, with keys of its own at each start.
 * It prints its issuer when it listens, and ends with its input. People sign in by any password; who they are is below.
 */
import { createServer } from "node:http";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import Provider from "oidc-provider";

const [port = "0", algorithm = "RS256"] = process.argv.slice(2);
const PEOPLE = {
  wang: { preferred_username: "Wang", groups: ["staff", "command-center"] },
  li: { preferred_username: "li", groups: ["water-dongcheng"] },
  zhao: { preferred_username: "zhao", groups: ["kitchen"] },
  olga: { preferred_username: "olga", groups: ["command-center"] },
};

const kinds = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }] };
const { privateKey } = generateKeyPairSync(...kinds[algorithm]);
const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: algorithm, use: "sig" };

const server = createServer();
await new Promise((resolve) => server.listen(Number(port), "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "citywatch",
      client_secret: "a secret of tests: with / and ?",
      // A native client on loopback may come back to any port.
      application_type: "native",
      redirect_uris: ["http://127.0.0.1/api/v1/sign-in/oidc/callback"],
      id_token_signed_response_alg: algorithm,
    },
  ],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  cookies: { keys: [randomUUID()] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
  jwks: { keys: [key] },
  pkce: { required: () => true },
});
server.on("request", provider.callback());
process.stdin.resume().on("end", () => process.exit(0));
console.log(issuer);
