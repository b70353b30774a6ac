/**
 * Holds an AsyncAPI document against the standard's own JSON Schema, and records of a log against the document:
 * `node test/asyncapi.mjs DOCUMENT [RECORDS]`. A line of RECORDS is `{"channel","headers","value"}`, the value as text
 * or null.
 */
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Errors that are told of a document. */
const ERRORS_MAX = 20;
/** Formats that schemars writes beside those of JSON Schema. */
const NUMBERS = ["uint", "uint8", "uint16", "uint32", "uint64"];

function fail(text) {
  console.error(text);
  process.exit(1);
}

/** The document, if it is one. */
function read(path) {
  const document = JSON.parse(readFileSync(path, "utf8"));
  const standard = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json");
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats(ajv);
  const isDocument = ajv.compile(standard);
  if (!isDocument(document)) {
    fail(`${path} is no AsyncAPI 3.0.0:\n${ajv.errorsText(isDocument.errors.slice(0, ERRORS_MAX), { separator: "\n" })}`);
  }
  console.log(`${path} is AsyncAPI ${document.asyncapi}: ${Object.keys(document.channels).length} channels`);
  return document;
}

/** Gives the checks of a message by name: its headers, and its data, which has no field that the schema lacks. */
function checker(document) {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  for (const format of NUMBERS) ajv.addFormat(format, true);
  ajv.addSchema(document, "asyncapi");
  const compiled = new Map();
  return (name) => {
    if (!compiled.has(name)) {
      const at = `asyncapi#/components/messages/${name}`;
      const message = document.components.messages[name];
      compiled.set(name, {
        isText: message.contentType === "text/plain",
        head: ajv.compile(message.headers ? { $ref: `${at}/headers` } : { not: { required: ["ce_id"] } }),
        data: ajv.compile({ $ref: `${at}/payload`, unevaluatedProperties: false }),
      });
    }
    return compiled.get(name);
  };
}

/** Every record must be one of its channel's messages. */
function hold(document, lines) {
  const checks = checker(document);
  const seen = new Map();
  for (const line of lines) {
    const { channel, headers, value } = JSON.parse(line);
    const { messages, bindings } = document.channels[channel];
    const isCompacted = bindings.kafka.topicConfiguration["cleanup.policy"].includes("compact");
    const why = [];
    const found = Object.keys(messages).find((name) => {
      const { isText, head, data } = checks(name);
      if (!head(headers)) {
        why.push(`${name}, headers: ${JSON.stringify(head.errors)}`);
        return false;
      }
      if (value === null) return isCompacted;
      const fits = data(isText ? value : JSON.parse(value));
      if (!fits) why.push(`${name}: ${JSON.stringify(data.errors)}`);
      return fits;
    });
    if (!found) fail(`a record of ${channel} is not as described:\n${line.slice(0, 2000)}\n${why.join("\n")}`);
    seen.set(found, (seen.get(found) ?? 0) + 1);
  }
  const total = [...seen.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${total} records are as described: ${[...seen].map(([name, count]) => `${name} ${count}`).join(", ")}`);
}

const [path, records] = process.argv.slice(2);
const document = read(path);
if (records) hold(document, readFileSync(records, "utf8").split("\n").filter(Boolean));
