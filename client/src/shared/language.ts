/** Which language a page speaks: the address says it, or the visitor chose it before, or the browser prefers it. */

export type Language = "en" | "fr";

export const LANGUAGES: readonly Language[] = ["en", "fr"];

export function chooseLanguage(wishes: readonly (string | null | undefined)[]): Language {
  for (const wish of wishes) {
    const language = wish?.toLowerCase().split("-")[0];
    const known = LANGUAGES.find((one) => one === language);
    if (known !== undefined) return known;
  }
  return "en";
}
