/**
 * Sensors as layers of circles, coloured by state or by domain, their states kept by the live stream. Where many lie
 * close a larger circle stands for them, and its core for the share that is not online.
 */
import type { ExpressionSpecification, FilterSpecification, LayerSpecification, Map as GlMap } from "maplibre-gl";
import { DOMAINS, SENSOR_STATES } from "../api/types";
import { colour } from "../theme";
import { type City, EMPTY } from "./base";
import type { Clusters } from "./clusters";
import type { Columns } from "./columns";

/** What the layers of all sensors are drawn from. */
export const SENSOR_SOURCES = ["clusters", "sensors"];

export type ColourBy = "state" | "domain";

/** Rows as points; the feature id is the row. Without `alone`, the zoom from which each is drawn, they are drawn at all. */
export function sensorPoints(held: Columns, rows: Iterable<number>, alone: ArrayLike<number> = []): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  for (const row of rows) {
    features.push({
      type: "Feature",
      id: row,
      geometry: { type: "Point", coordinates: [held.lon[row] ?? 0, held.lat[row] ?? 0] },
      properties: { domain: held.domain[row], state: held.state[row], alone: alone[row] ?? 0 },
    });
  }
  return { type: "FeatureCollection", features };
}

function clusterPoints(clusters: Clusters): GeoJSON.FeatureCollection {
  const features = Array.from({ length: clusters.size }, (_, id): GeoJSON.Feature => {
    const { lon, lat, ...properties } = clusters.crowd(id);
    return { type: "Feature", id, geometry: { type: "Point", coordinates: [lon, lat] }, properties };
  });
  return { type: "FeatureCollection", features };
}

/** Draws all sensors as they are now. */
export function drawSensors({ map, fill }: City, held: Columns): void {
  for (const source of SENSOR_SOURCES) map.removeFeatureState({ source });
  fill("clusters", held.clusters ? clusterPoints(held.clusters) : EMPTY);
  fill("sensors", sensorPoints(held, held.ids.keys(), held.clusters?.alone));
}

/** Shows rows in the state that they are in by now. */
export function showStates(map: GlMap, held: Columns, rows: number[], clusters: number[] = []): void {
  for (const row of rows) map.setFeatureState({ source: "sensors", id: row }, { state: held.state[row] });
  for (const id of clusters) map.setFeatureState({ source: "clusters", id }, { ...held.clusters?.off(id) });
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

/** What is drawn at the zoom of a tile: a whole number. */
const ALONE: FilterSpecification = [">=", ["zoom"], ["get", "alone"]];
const CROWDED: FilterSpecification = ["==", ["zoom"], ["get", "zoom"]];

/** Clusters below the sensors that stand alone. */
export function clusterLayers(by: ColourBy, scale = 1): LayerSpecification[] {
  const count: ExpressionSpecification = ["get", "count"];
  const off: ExpressionSpecification = ["coalesce", ["feature-state", "off"], ["get", "off"]];
  const radius: ExpressionSpecification = ["interpolate", ["linear"], ["ln", count], 1.9, 4 * scale, 6.2, 8.5 * scale, 9.2, 12 * scale];
  const layer = (id: string, paint: NonNullable<Extract<LayerSpecification, { type: "circle" }>["paint"]>): LayerSpecification => ({ id, type: "circle", source: "clusters", filter: CROWDED, paint });
  return [
    layer("clusters", { "circle-radius": radius, "circle-color": clusterColour(by), "circle-opacity": 0.4, "circle-stroke-width": 1, "circle-stroke-color": clusterColour(by), "circle-stroke-opacity": 0.8 }),
    // As much of the circle's area as sensors are not online.
    layer("clusters-off", { "circle-radius": ["*", radius, ["sqrt", ["/", off, count]]], "circle-color": sensorColour("state"), "circle-opacity": 0.95 }),
  ];
}

export function clusterColour(by: ColourBy): ExpressionSpecification | string {
  return by === "state" ? colour("--online") : sensorColour("domain");
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
      filter: ALONE,
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
