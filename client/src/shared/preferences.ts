/** What a visitor chose and would not like to choose again: language and devices, kept by the browser if it does. */

export type Preference = "language" | "microphone" | "speaker";

export function preference(name: Preference): string {
  try {
    return localStorage.getItem(`voiceagent.${name}`) ?? "";
  } catch {
    return "";
  }
}

export function prefer(name: Preference, value: string): void {
  try {
    localStorage.setItem(`voiceagent.${name}`, value);
  } catch {
    // It counts for as long as the page, then.
  }
}
