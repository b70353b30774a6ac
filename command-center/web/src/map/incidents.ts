/** Incidents as a layer of signs: shape and colour are the severity, hollow is acknowledged. */
import type { ExpressionSpecification, LayerSpecification, Map as GlMap } from "maplibre-gl";
import { type Incident, SEVERITIES, type Severity } from "../api/types";
import { colour } from "../theme";
import { RANK, SHAPES } from "./marks";

/** Pixels of a sign's picture; drawn for screens of two device pixels to one. */
const PICTURE = 56;
const RATIO = 2;

function picture(severity: Severity, hollow: boolean): ImageData | null {
  const canvas = document.createElement("canvas");
  canvas.width = PICTURE;
  canvas.height = PICTURE;
  const context = canvas.getContext("2d");
  if (!context) return null;
  const scale = PICTURE / 20;
  context.setTransform(scale, 0, 0, scale, 2 * scale, 2 * scale);
  const shape = new Path2D(SHAPES[severity]);
  context.lineJoin = "round";
  // A rim in the map's own colour keeps signs apart where they lie on each other.
  context.strokeStyle = colour("--map-halo");
  context.lineWidth = 4;
  context.stroke(shape);
  context.fillStyle = hollow ? colour("--map-halo") : colour(`--${severity}`);
  context.fill(shape);
  context.strokeStyle = colour(`--${severity}`);
  context.lineWidth = hollow ? 2.2 : 1.2;
  context.stroke(shape);
  return context.getImageData(0, 0, PICTURE, PICTURE);
}

/** Draws the signs in the theme's colours; called again when the theme changes. */
export function incidentIcons(map: GlMap): void {
  for (const severity of SEVERITIES) {
    for (const hollow of [false, true]) {
      const data = picture(severity, hollow);
      const name = hollow ? `${severity}-hollow` : severity;
      if (!data) continue;
      if (map.hasImage(name)) map.updateImage(name, data);
      else map.addImage(name, data, { pixelRatio: RATIO });
    }
  }
}

export function incidentPoints(incidents: Incident[], arrived: Set<string>): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  for (const incident of incidents) {
    if (!incident.place) continue;
    const { id, severity, acknowledged, place } = incident;
    features.push({
      type: "Feature",
      geometry: { type: "Point", coordinates: [place.lon, place.lat] },
      properties: {
        id,
        severity,
        rank: RANK[severity] + (acknowledged ? 0 : 0.5),
        icon: acknowledged ? `${severity}-hollow` : severity,
        acknowledged: acknowledged !== null,
        arrived: arrived.has(id),
      },
    });
  }
  return { type: "FeatureCollection", features };
}

export function incidentLayers(scale = 1): LayerSpecification[] {
  const paint = ["match", ["get", "severity"], ...SEVERITIES.flatMap((word) => [word, colour(`--${word}`)]), colour("--minor")];
  const size: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 7, 0.5 * scale, 11, 0.75 * scale, 15, scale];
  const glow: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 7, ["*", scale, ["+", 8, ["get", "rank"]]], 13, ["*", scale, ["+", 16, ["*", 3, ["get", "rank"]]]]];
  return [
    {
      id: "incident-glow",
      type: "circle",
      source: "incidents",
      filter: ["!", ["get", "acknowledged"]],
      layout: { "circle-sort-key": ["get", "rank"] },
      paint: {
        "circle-color": paint as unknown as ExpressionSpecification,
        "circle-radius": glow,
        "circle-blur": 0.9,
        "circle-opacity": ["case", ["get", "arrived"], 0.6, 0.3],
      },
    },
    {
      id: "incident-selected",
      type: "circle",
      source: "incidents",
      filter: ["==", ["get", "id"], ""],
      paint: {
        "circle-color": "transparent",
        "circle-radius": 15,
        "circle-stroke-color": colour("--focus"),
        "circle-stroke-width": 2.5,
      },
    },
    {
      id: "incident",
      type: "symbol",
      source: "incidents",
      layout: {
        "icon-image": ["get", "icon"],
        "icon-size": size,
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": ["get", "rank"],
      },
    },
  ];
}
