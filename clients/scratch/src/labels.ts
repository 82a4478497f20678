/** Smalruby shows the name of a group, which is hexadecimal, as six hiragana: one for each of its first digits. */

const HIRAGANA = "いしかたうんてとのつはこになくき";

/** The digits that six hiragana stand for, or undefined for a text that is no such label. */
export function hexOfLabel(text: string): string | undefined {
  const digits = [...text].map((letter) => HIRAGANA.indexOf(letter));
  if (digits.length !== 6 || digits.includes(-1)) return undefined;
  return digits.map((digit) => digit.toString(16)).join("");
}
