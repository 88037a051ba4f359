/** Elements of SVG documents as text. */

/** An element with escaped attributes and content that is already markup. */
export function element(name: string, attributes: Record<string, string | number>, content = ""): string {
  const written = Object.entries(attributes).map(([key, value]) =>
    ` ${key}="${escapeXml(formatNumber(value))}"`
  );
  return content === ""
    ? `<${name}${written.join("")}/>`
    : `<${name}${written.join("")}>${content}</${name}>`;
}

/** Text made safe for content and attributes; characters that XML cannot hold become U+FFFD. */
export function escapeXml(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** About how wide a text is in a sans-serif font of this size, in pixels. */
export function textWidth(text: string, size: number): number {
  return [...text].length * size * 0.56;
}

function formatNumber(value: string | number): string {
  return typeof value === "string" ? value : String(Math.round(value * 10) / 10);
}
