/** What the chart of history shows, as ECharts options: a period with its least and largest values, and others beside it. Pure. */
import type { SeriesPoint } from "../api/types";
import { axes, BAND, type Colours, extent, tooltipBox, withHoles } from "./options";

/** A period that is put beside, moved by `shift` onto the one that is asked for. */
export interface Other {
  word: string;
  points: SeriesPoint[];
  step: number;
  shift: number;
  dashes: number[];
}

export interface HistoryDrawn {
  points: SeriesPoint[];
  step: number;
  from: number;
  to: number;
  unit: string;
  /** CSS font families. */
  font: string;
  others: Other[];
  holes: [number, number][];
}

export interface HistoryWords {
  mean: string;
  range: string;
  value(number: number): string;
  tick(time: number): string;
  dateTime(time: number): string;
  /** How many readings a point is made of, and of how many sensors. */
  made(time: number, readings: number): string;
}

export function historyOptions(drawn: HistoryDrawn, words: HistoryWords, colour: Colours): Record<string, unknown> {
  const rows = withHoles(drawn.points, drawn.step);
  const span = extent([...drawn.points, ...drawn.others.flatMap((one) => one.points.map((point): SeriesPoint => [point[0], point[1], point[1], point[1], 1]))], []);
  const line = colour("--accent");
  const text = colour("--muted");
  return {
    animation: false,
    grid: { left: 56, right: 16, top: 30, bottom: 26 },
    textStyle: { fontFamily: drawn.font },
    ...axes(drawn, span, words, colour),
    tooltip: tooltip(drawn, words, colour),
    series: [
      { ...BAND, name: "low", data: rows.map((row) => [row[0], row[2]]) },
      { ...BAND, name: words.range, data: rows.map((row) => [row[0], row[2] === null || row[3] === null ? null : row[3] - row[2]]), areaStyle: { color: line, opacity: 0.18 } },
      ...drawn.others.map((one) => ({
        type: "line",
        name: one.word,
        data: withHoles(one.points, one.step).map((row) => [row[0] + one.shift, row[1]]),
        symbol: "none",
        lineStyle: { width: 1.4, type: one.dashes, color: colour("--soft") },
        itemStyle: { color: colour("--soft") },
      })),
      {
        type: "line",
        name: words.mean,
        data: rows.map((row) => [row[0], row[1]]),
        showSymbol: drawn.points.length < 40,
        symbolSize: 4,
        lineStyle: { width: 1.8, color: line },
        itemStyle: { color: line },
        markArea: { silent: true, itemStyle: { color: text, opacity: 0.12 }, data: drawn.holes.map(([begin, end]) => [{ xAxis: begin }, { xAxis: end }]) },
      },
    ],
  };
}

/** Of each of the others the point that stands nearest to a moment, within its step. */
function beside(other: Other, time: number): SeriesPoint | null {
  const wanted = time - other.shift;
  const near = other.points.reduce<SeriesPoint | null>((best, point) => (best === null || Math.abs(point[0] - wanted) < Math.abs(best[0] - wanted) ? point : best), null);
  return near !== null && Math.abs(near[0] - wanted) <= other.step ? near : null;
}

/** What stands in the box under the pointer. */
export function told(drawn: HistoryDrawn, words: HistoryWords, time: number): string {
  const point = drawn.points.find((one) => one[0] === time);
  const value = (number: number): string => `${words.value(number)} ${drawn.unit}`.trim();
  const lines = [words.dateTime(time)];
  if (point) {
    const [, mean, low, high, count] = point;
    lines.push(`${words.mean}: ${value(mean)}`);
    if (low !== high) lines.push(`${words.range}: ${words.value(low)} – ${words.value(high)}`);
    lines.push(words.made(time, count));
  }
  for (const other of drawn.others) {
    const then = beside(other, time);
    if (then) lines.push(`${other.word}: ${value(then[1])}`);
  }
  return lines.join("\n");
}

function tooltip(drawn: HistoryDrawn, words: HistoryWords, colour: Colours): Record<string, unknown> {
  return {
    ...tooltipBox(colour),
    axisPointer: { lineStyle: { color: colour("--soft"), type: "dashed" } },
    formatter(hovered: { seriesName: string; value: [number, number | null] }[]): string {
      const own = hovered.find((one) => one.seriesName === words.mean) ?? hovered[0];
      return own ? told(drawn, words, own.value[0]) : "";
    },
  };
}
