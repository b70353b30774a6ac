/** What the hotline tells its callers: the new numbers and secrets of a list, as CSV. Pure. */
import type { ImportedAppeals } from "../api/serve";

/** A field of RFC 4180; one that a table program would calculate is text. */
function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** With a mark of UTF-8 in front, for table programs. */
export function takenCsv(taken: ImportedAppeals["taken"]): string {
  const rows = taken.map(({ reference, number, secret }) => [reference, number, secret].map(cell).join(","));
  return `\uFEFF${["reference,number,secret", ...rows].join("\r\n")}\r\n`;
}
