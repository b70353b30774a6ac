/**
 * The types of the API, from its description: `citywatch openapi | node api.mjs > src/api/schema.ts`.
 * What the server answers it answers whole: a property that it does not know is null, never left out.
 */
import openapiTS, { astToString } from "openapi-typescript";
import { pathToFileURL } from "node:url";

const HEAD = "/** Made by `citywatch openapi | node api.mjs > src/api/schema.ts`: do not edit. */\n";

/** The schemas that a schema is made of, and their own. */
function within(description, schema, found = new Set()) {
  if (schema === null || typeof schema !== "object") return found;
  const name = schema.$ref?.split("/").at(-1);
  if (name !== undefined && !found.has(name)) {
    found.add(name);
    within(description, description.components.schemas[name], found);
  }
  for (const part of Object.values(schema)) within(description, part, found);
  return found;
}

/** Marks every property of what is answered as there. What is sent keeps what may be left out. */
function whole(description) {
  const operations = Object.values(description.paths).flatMap((path) => Object.values(path));
  const sent = within(description, operations.map((operation) => operation.requestBody ?? null));
  const mark = (schema) => {
    if (schema.properties) schema.required = Object.keys(schema.properties);
    for (const part of schema.allOf ?? []) mark(part);
  };
  for (const [name, schema] of Object.entries(description.components.schemas)) if (!sent.has(name)) mark(schema);
  return description;
}

export async function typesOf(description) {
  const { components } = whole(structuredClone(description));
  // Only the shapes: paths are written where they are asked for.
  const shapes = { openapi: description.openapi, info: description.info, paths: {}, components: { schemas: components.schemas } };
  return HEAD + astToString(await openapiTS(shapes, { alphabetize: true }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  let text = "";
  for await (const piece of process.stdin) text += piece;
  process.stdout.write(await typesOf(JSON.parse(text)));
}
