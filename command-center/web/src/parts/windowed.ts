/** Which part of a long list is drawn, when its rows differ in height. Pure. */

export interface Part {
  /** The first row drawn, and the one after the last. */
  from: number;
  to: number;
  /** Height of what is left out above and below. */
  before: number;
  after: number;
}

/** The rows that touch `view` pixels from `top` on, and those within `margin` pixels around. */
export function partOf(heights: ArrayLike<number>, top: number, view: number, margin: number): Part {
  let [at, sum] = [0, 0];
  while (at < heights.length && sum + (heights[at] ?? 0) <= top - margin) sum += heights[at++] ?? 0;
  const [from, before] = [at, sum];
  while (at < heights.length && sum < top + view + margin) sum += heights[at++] ?? 0;
  const to = at;
  const end = sum;
  while (at < heights.length) sum += heights[at++] ?? 0;
  return { from, to, before, after: sum - end };
}

/** How far to scroll so that a row is in sight: not at all when it is. */
export function scrollFor(heights: ArrayLike<number>, row: number, top: number, view: number): number {
  let begin = 0;
  for (let at = 0; at < row; at += 1) begin += heights[at] ?? 0;
  const end = begin + (heights[row] ?? 0);
  if (begin < top) return begin;
  return end > top + view ? end - view : top;
}
