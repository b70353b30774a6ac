/**
 * Whether the shapes that the page was written to (`src/api/types.ts`) are those that the program describes
 * (`/api/openapi.json`): every property the page knows must be there, and be null only where the page expects it.
 */
import { readFileSync } from "node:fs";
import ts from "typescript";

/** Our interface, and the schema it stands for. */
const SCHEMAS = {
  Session: "SessionView", Overview: "Overview", Area: "Area", MapSensors: "SensorMap", LastValue: "LastView", Sensor: "Sensor",
  Neighbour: "Near", SensorDetail: "SensorDetail", Series: "SeriesView", Acknowledgement: "Acknowledged", Incident: "Incident",
  Act: "Act", Threshold: "ChartLine", ChartSpec: "Chart", IncidentDetail: "IncidentDetail", Problem: "Problem",
  Coverage: "Coverage", UnknownSensor: "UnknownSensor", UnknownSensorPage: "UnknownSensorPage",
  RuleVersion: "RuleVersion", RuleVersions: "RuleVersions",
};

/** The interfaces of the file: for each its own properties, each with whether it may be null or absent. */
function interfaces() {
  const path = new URL("../src/api/types.ts", import.meta.url);
  const source = ts.createSourceFile("types.ts", readFileSync(path, "utf8"), ts.ScriptTarget.ES2022);
  const found = new Map();
  source.forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node)) return;
    const own = node.members.filter(ts.isPropertySignature).map((member) => {
      const text = member.type.getText(source);
      return [member.name.getText(source), member.questionToken !== undefined || /\bnull\b/.test(text)];
    });
    found.set(node.name.text, new Map(own));
  });
  return found;
}

/** The properties of a schema, with those of the schemas it is made of. */
function properties(description, schema) {
  if (schema.$ref) return properties(description, description.components.schemas[schema.$ref.split("/").at(-1)]);
  const parts = (schema.allOf ?? []).map((part) => properties(description, part));
  return Object.assign({}, ...parts, schema.properties ?? {});
}

function mayBeNull(property) {
  const types = [property.type ?? []].flat();
  return types.includes("null") || (property.oneOf ?? property.anyOf ?? []).some(mayBeNull);
}

/** What differs, one line each; empty when the page and the program agree. */
export function differences(description) {
  const differing = [];
  const ours = interfaces();
  for (const [name, schemaName] of Object.entries(SCHEMAS)) {
    const schema = description.components.schemas[schemaName];
    if (!schema) {
      differing.push(`${schemaName} is not described`);
      continue;
    }
    const theirs = properties(description, schema);
    for (const [property, expectsNull] of ours.get(name)) {
      if (!theirs[property]) differing.push(`${name}.${property}: ${schemaName} has no such property`);
      else if (mayBeNull(theirs[property]) && !expectsNull) differing.push(`${name}.${property} may be null`);
    }
  }
  return differing;
}
