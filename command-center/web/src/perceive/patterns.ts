/** Coverage as a map shows it: each class has a colour and a pattern of its own, the same as its sign beside the words. */
import type { LayerSpecification, Map as GlMap } from "maplibre-gl";
import { colour } from "../theme";
import { CLASSES, type CoverageClass } from "./parts";

/** Lines in a 12 × 12 box that may be laid side by side, and how much of the colour lies under them. */
export const PATTERNS: Record<CoverageClass, { path: string; ground: number; colour: string }> = {
  full: { path: "", ground: 0.42, colour: "--online" },
  partial: { path: "M-1 7 7 -1M5 13 13 5", ground: 0.16, colour: "--moderate" },
  poor: { path: "M-1 7 7 -1M5 13 13 5M-1 5 7 13M5 -1 13 7", ground: 0.2, colour: "--severe" },
  none: { path: "M3.5 3.5 8.5 8.5M8.5 3.5 3.5 8.5", ground: 0.4, colour: "--extreme" },
  unknown: { path: "M6 5.5v1M0 11.5v1M12 11.5v1M0 -.5v1M12 -.5v1", ground: 0, colour: "--muted" },
};

const SIDE = 12;
const RATIO = 2;

function picture(one: CoverageClass): ImageData | null {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE * RATIO;
  const context = canvas.getContext("2d");
  if (!context) return null;
  const { path, ground, colour: variable } = PATTERNS[one];
  context.scale(RATIO, RATIO);
  context.fillStyle = context.strokeStyle = colour(variable);
  context.globalAlpha = ground;
  context.fillRect(0, 0, SIDE, SIDE);
  context.globalAlpha = 0.75;
  context.lineWidth = 1.2;
  context.stroke(new Path2D(path));
  return context.getImageData(0, 0, SIDE * RATIO, SIDE * RATIO);
}

/** Draws the patterns in the theme's colours; called again when the theme changes. */
export function coverageIcons(map: GlMap): void {
  for (const one of CLASSES) {
    const [name, data] = [`coverage-${one}`, picture(one)];
    if (!data) continue;
    if (map.hasImage(name)) map.updateImage(name, data);
    else map.addImage(name, data, { pixelRatio: RATIO });
  }
}

/** Of a source whose cells have a `watch`: bare, or quiet. */
export function cellLayer(source: string): LayerSpecification {
  const hue = colour("--extreme");
  return { id: "cells", type: "fill", source, paint: { "fill-color": hue, "fill-opacity": ["match", ["get", "watch"], "bare", 0.55, 0.25], "fill-outline-color": hue } };
}

/** Of a source whose areas have a `class`. */
export function coverageLayer(source: string): LayerSpecification {
  return { id: "coverage", type: "fill", source, paint: { "fill-pattern": ["concat", "coverage-", ["get", "class"]] } };
}
