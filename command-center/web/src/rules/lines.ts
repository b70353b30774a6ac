/** What changed between two texts, line by line: the shortest edit (Myers, Algorithmica 1, 1986), with some lines around it. Pure. */

export interface Line {
  kind: "same" | "added" | "removed" | "gap";
  text: string;
  /** Numbers from 1 in the text before and after; null where the line is not there. */
  before: number | null;
  after: number | null;
}

/** Lines shown around a change. */
const AROUND = 3;
/** Texts that differ in more lines are told as one removed and one added: finding the shortest edit takes its square. */
const EDITS_MAX = 600;

/** The edit from one list of lines to another, every line of both. */
export function edit(before: string[], after: string[]): Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const same = (from: number, to: number, shift: number): Line[] => before.slice(from, to).map((text, at) => ({ kind: "same", text, before: from + at + 1, after: from + at + 1 + shift }));
  return [
    ...same(0, head, 0),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail), head),
    ...same(before.length - tail, before.length, after.length - before.length),
  ];
}

function middle(before: string[], after: string[], shift: number): Line[] {
  const trace = search(before, after);
  const removed = (at: number): Line => ({ kind: "removed", text: before[at] ?? "", before: shift + at + 1, after: null });
  const added = (at: number): Line => ({ kind: "added", text: after[at] ?? "", before: null, after: shift + at + 1 });
  if (trace === null) return [...before.map((_, at) => removed(at)), ...after.map((_, at) => added(at))];
  const lines: Line[] = [];
  let [x, y] = [before.length, after.length];
  for (let steps = trace.length - 1; x > 0 || y > 0; steps -= 1) {
    const reached = trace[steps - 1] ?? new Map<number, number>();
    const diagonal = x - y;
    const down = steps > 0 && (diagonal === -steps || (diagonal !== steps && (reached.get(diagonal - 1) ?? -1) < (reached.get(diagonal + 1) ?? -1)));
    const from = down ? diagonal + 1 : diagonal - 1;
    const startX = steps === 0 ? 0 : (reached.get(from) ?? 0);
    const startY = steps === 0 ? 0 : startX - from;
    while (x > startX && y > startY) {
      x -= 1;
      y -= 1;
      lines.push({ kind: "same", text: before[x] ?? "", before: shift + x + 1, after: shift + y + 1 });
    }
    if (steps === 0) break;
    if (down) lines.push(added(--y));
    else lines.push(removed(--x));
  }
  return lines.reverse();
}

/** For each number of edits the furthest place on each diagonal; null where too many are needed. */
function search(before: string[], after: string[]): Map<number, number>[] | null {
  const trace: Map<number, number>[] = [];
  for (let steps = 0; steps <= Math.min(before.length + after.length, EDITS_MAX); steps += 1) {
    const reached = trace.at(-1) ?? new Map<number, number>();
    const next = new Map<number, number>();
    for (let diagonal = -steps; diagonal <= steps; diagonal += 2) {
      const down = diagonal === -steps || (diagonal !== steps && (reached.get(diagonal - 1) ?? -1) < (reached.get(diagonal + 1) ?? -1));
      let x = steps === 0 ? 0 : down ? (reached.get(diagonal + 1) ?? 0) : (reached.get(diagonal - 1) ?? 0) + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return [...trace, next];
    }
    trace.push(next);
  }
  return null;
}

/** The changed lines with some around them; what lies between is one gap. */
export function changes(before: string, after: string): Line[] {
  const split = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
  const lines = edit(split(before), split(after));
  const near = new Set<number>();
  lines.forEach((line, at) => {
    if (line.kind === "same") return;
    for (let beside = at - AROUND; beside <= at + AROUND; beside += 1) near.add(beside);
  });
  const shown: Line[] = [];
  lines.forEach((line, at) => {
    if (near.has(at)) shown.push(line);
    else if (near.size > 0 && shown.at(-1)?.kind !== "gap") shown.push({ kind: "gap", text: "", before: null, after: null });
  });
  return shown;
}

/** How many lines came and went. */
export function counted(lines: Line[]): { added: number; removed: number } {
  const of = (kind: Line["kind"]): number => lines.filter((line) => line.kind === kind).length;
  return { added: of("added"), removed: of("removed") };
}
