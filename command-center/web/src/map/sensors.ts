/** Sensors as a layer of circles, coloured by state or by domain, their states kept by the live stream. */
import type { ExpressionSpecification, LayerSpecification, Map as GlMap } from "maplibre-gl";
import { DOMAINS, SENSOR_STATES, type SensorChange } from "../api/types";
import { colour } from "../theme";
import type { Columns } from "./columns";

export type ColourBy = "state" | "domain";

/** Rows as points; the feature id is the row. */
export function sensorPoints(held: Columns, rows: Iterable<number>): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  for (const row of rows) {
    features.push({
      type: "Feature",
      id: row,
      geometry: { type: "Point", coordinates: [held.lon[row] ?? 0, held.lat[row] ?? 0] },
      properties: { domain: held.domain[row], state: held.state[row] },
    });
  }
  return { type: "FeatureCollection", features };
}

export function showStates(map: GlMap, held: Columns, changes: SensorChange[]): void {
  for (const { id, state } of changes) {
    const row = held.row.get(id);
    if (row !== undefined) map.setFeatureState({ source: "sensors", id: row }, { state });
  }
}

function chosen(words: readonly string[], fallback: string, value: ExpressionSpecification): ExpressionSpecification {
  const cases = words.flatMap((word) => [word, colour(`--${word}`)]);
  return ["match", value, ...cases, colour(fallback)] as unknown as ExpressionSpecification;
}

const STATE: ExpressionSpecification = ["coalesce", ["feature-state", "state"], ["get", "state"]];

export function sensorColour(by: ColourBy): ExpressionSpecification {
  if (by === "state") return chosen(SENSOR_STATES, "--never", STATE);
  return chosen([...DOMAINS, "weather"], "--device", ["get", "domain"]);
}

/** `bold` sensors are few and wanted; the others are the ground that incidents stand on. */
export function sensorLayers(by: ColourBy, bold = false, scale = 1): LayerSpecification[] {
  const paint = sensorColour(by);
  const quiet: ExpressionSpecification = ["!=", STATE, "online"];
  return [
    {
      id: "sensors",
      type: "circle",
      source: "sensors",
      paint: {
        "circle-color": paint,
        "circle-radius": bold ? 5 * scale : ["interpolate", ["linear"], ["zoom"], 7, 1.5 * scale, 10, 2.4 * scale, 13, 5 * scale, 16, 9 * scale],
        // Sensors that work are quiet; the others are rings that stand out without their colour.
        "circle-opacity": ["case", quiet, 0.15, 0.75],
        "circle-stroke-color": paint,
        "circle-stroke-width": ["case", quiet, ["match", STATE, "never", 0.8, 1.4], 0],
        "circle-stroke-opacity": ["match", STATE, "never", 0.55, 0.95],
      },
    },
  ];
}
