/** Where in a rule file the cursor stands, as far as completion needs it: by indentation, without parsing YAML. Pure. */

export interface Place {
  /** A key, the value of a key, or an expression. */
  kind: "key" | "value" | "expression";
  /** The keys around it, from the outside in. */
  around: string[];
  /** The key whose value it is; empty for a key. */
  key: string;
  /** Where what was typed so far begins, in the line. */
  from: number;
}

/** Keys whose values are expressions. */
const EXPRESSIONS = new Set(["when", "clear_when", "where", "not"]);

interface KeyLine {
  name: string;
  /** Of the key itself, behind the dashes of a list. */
  column: number;
  rest: string;
}

function keyOf(line: string): KeyLine | null {
  const found = /^(\s*(?:- +)*)([\w-]+):(?:\s+(.*))?$/.exec(line);
  return found && { name: found[2] ?? "", column: (found[1] ?? "").length, rest: found[3] ?? "" };
}

/** The keys around a key that stands at `column` of line `at`. */
function around(lines: string[], at: number, column: number): string[] {
  const keys: string[] = [];
  for (let line = at - 1, left = column; line >= 0 && left > 0; line -= 1) {
    const key = keyOf(lines[line] ?? "");
    if (key && key.column < left) {
      keys.unshift(key.name);
      left = key.column;
    }
  }
  return keys;
}

/** Where the last brace of a line that is not closed yet stands, outside of quotes; -1 if there is none. */
function openBrace(text: string): number {
  const open: number[] = [];
  let quote = "";
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === "#" && /\s/.test(text.charAt(at - 1) || " ")) break;
    else if (char === "{") open.push(at);
    else if (char === "}") open.pop();
  }
  return open.at(-1) ?? -1;
}

/** The last entry of a mapping in braces, which is being written. */
function lastEntry(inside: string): { text: string; from: number } {
  let [from, quote, depth] = [0, "", 0];
  for (let at = 0; at < inside.length; at += 1) {
    const char = inside.charAt(at);
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === "[" || char === "(") depth += 1;
    else if (char === "]" || char === ")") depth -= 1;
    else if (char === "," && depth === 0) from = at + 1;
  }
  return { text: inside.slice(from), from };
}

function valueAt(key: string, keys: string[], text: string, from: number): Place {
  const kind = EXPRESSIONS.has(key) ? "expression" : "value";
  const typed = /[\w.-]*$/.exec(text)?.[0] ?? "";
  return { kind, around: keys, key, from: from + text.length - typed.length };
}

/** Where the cursor stands in line `at` (from 0) behind `column` characters; null in a comment and where nothing fits. */
export function placeAt(lines: string[], at: number, column: number): Place | null {
  const text = (lines[at] ?? "").slice(0, column);
  if (/^\s*#|\s#\s/.test(text)) return null;
  const brace = openBrace(text);
  if (brace >= 0) {
    const outer = keyOf(text.slice(0, brace).trimEnd());
    const indent = /^\s*(?:- +)*/.exec(text)?.[0].length ?? 0;
    const keys = outer ? [...around(lines, at, outer.column), outer.name] : around(lines, at, indent);
    const entry = lastEntry(text.slice(brace + 1));
    const from = brace + 1 + entry.from;
    const value = /^\s*([\w-]+):\s+(.*)$/.exec(entry.text);
    if (value) return valueAt(value[1] ?? "", keys, value[2] ?? "", from + entry.text.length - (value[2] ?? "").length);
    const key = /^\s*([\w-]*)$/.exec(entry.text);
    return key && { kind: "key", around: keys, key: "", from: from + entry.text.length - (key[1] ?? "").length };
  }
  const lead = /^\s*(?:- +)*/.exec(text)?.[0].length ?? 0;
  const rest = text.slice(lead);
  const value = /^([\w-]+):\s+(.*)$/.exec(rest);
  if (value) return valueAt(value[1] ?? "", around(lines, at, lead), value[2] ?? "", text.length - (value[2] ?? "").length);
  // Below `when: |` and the like, indented further, the text goes on.
  const above = ownerOf(lines, at, lead);
  if (above && EXPRESSIONS.has(above.name)) return valueAt(above.name, around(lines, above.line, above.column), rest, lead);
  return /^[\w-]*$/.test(rest) ? { kind: "key", around: around(lines, at, lead), key: "", from: lead } : null;
}

/** The key that a line belongs to: the nearest above that stands further left. */
function ownerOf(lines: string[], at: number, column: number): (KeyLine & { line: number }) | null {
  for (let line = at - 1; line >= 0; line -= 1) {
    const text = lines[line] ?? "";
    if (text.trim() === "" || text.trimStart().startsWith("#")) continue;
    const key = keyOf(text);
    if (key && key.column < column) return { ...key, line };
  }
  return null;
}

/** The UTF-16 offset in a line of a column in characters, from 1, as the server counts them. */
export function offsetOf(line: string, column: number): number {
  let [offset, left] = [0, column - 1];
  for (const char of line) {
    if (left <= 0) break;
    offset += char.length;
    left -= 1;
  }
  return offset;
}
