/** Text as pixels: a 5 x 7 font for titles in pictures. */

/** Seven rows of five pixels a glyph, each row one digit in base 32, the leftmost pixel its highest bit. */
const GLYPHS: Readonly<Record<string, string>> = {
  ...{ A: "ehhvhhh", B: "uhhuhhu", C: "ehggghe", D: "uhhhhhu", E: "vgguggv", F: "vgguggg", G: "ehgnhhf" },
  ...{ H: "hhhvhhh", I: "e44444e", J: "72222ic", K: "hikokih", L: "ggggggv", M: "hrllhhh", N: "hhpljhh" },
  ...{ O: "ehhhhhe", P: "uhhuggg", Q: "ehhhlid", R: "uhhukih", S: "fgge11u", T: "v444444", U: "hhhhhhe" },
  ...{ V: "hhhhha4", W: "hhhllla", X: "hha4ahh", Y: "hhha444", Z: "v1248gv" },
  ...{ a: "00e1fhf", b: "ggmphhu", c: "00egghe", d: "11djhhf", e: "00ehvge", f: "698s888", g: "0fhhf1e" },
  ...{ h: "ggmphhh", i: "40c444e", j: "20622ic", k: "ggikoki", l: "c44444e", m: "00qllhh", n: "00mphhh" },
  ...{ o: "00ehhhe", p: "00uhugg", q: "00djf11", r: "00mpggg", s: "00ege1u", t: "88s8896", u: "00hhhjd" },
  ...{ v: "00hhha4", w: "00hhlla", x: "00ha4ah", y: "00hhf1e", z: "00v248v" },
  ...{ 0: "ehjlphe", 1: "4c4444e", 2: "eh1248v", 3: "v2421he", 4: "26aiv22", 5: "vgu11he", 6: "68guhhe" },
  ...{ 7: "v124888", 8: "ehhehhe", 9: "ehhf12c" },
  ...{ ".": "00000cc", ",": "0000c48", ":": "0cc0cc0", "-": "000v000", "+": "044v440", "=": "00v0v00" },
  ...{ "/": "01248g0", "(": "2488842", ")": "8422248", "%": "op248j3", "_": "000000v", "^": "4ah0000" },
  ...{ "'": "c480000", "[": "e88888e", "]": "e22222e", "*": "04lel40", "#": "aavavaa", "<": "248g842" },
  ...{ ">": "8421248", "!": "4444004", "?": "eh12404", "|": "4444444", "&": "cik8lid", " ": "0000000" },
};
const UNKNOWN = "vhhhhhv";
/** Width of a glyph with the space after it. */
const ADVANCE = 6;

/** Height of a line of text, in pixels at scale 1. */
export const TEXT_HEIGHT = 7;

/** Width of `text` in pixels at scale 1. */
export function textWidth(text: string): number {
  return Math.max(0, [...text].length * ADVANCE - 1);
}

/** Calls `ink` for every inked pixel of `text` at scale 1, from the top left corner at (0, 0). */
export function drawText(text: string, ink: (row: number, column: number) => void): void {
  [...text].forEach((character, index) => {
    const glyph = GLYPHS[character] ?? UNKNOWN;
    for (let row = 0; row < TEXT_HEIGHT; row++) {
      const bits = parseInt(glyph[row], 32);
      for (let column = 0; column < ADVANCE - 1; column++) {
        if (bits >> (ADVANCE - 2 - column) & 1) ink(row, index * ADVANCE + column);
      }
    }
  });
}
