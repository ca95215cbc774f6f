/** Numbers, money and moments as a reader of a language expects them. Pure. */

export interface Format {
  /** At most two places after the point. */
  readonly number: (value: number) => string;
  readonly duration: (milliseconds: number) => string;
  /** Milliseconds of waiting, as seconds. */
  readonly wait: (milliseconds: number | null) => string;
  readonly money: (amount: string, currency: string | null) => string;
  readonly moment: (time: string | number) => string;
  /** The words at a chart's marks, seconds since 1970 that are `step` seconds apart: a date where a new day begins. */
  readonly marks: (seconds: readonly number[], step: number) => string[];
}

export const NONE = "–";

const DAY_SECONDS = 86_400;
const UNIT_SPACE = "\u00a0";

/** How the visitor's country writes the page's language, where the browser tells a country; else the language alone. */
export function localeOf(language: string, preferred: readonly string[]): string {
  return preferred.find((tag) => tag.toLowerCase().split("-")[0] === language) ?? language;
}

export function formatOf(locale: string, timeZone?: string): Format {
  const zone = timeZone === undefined ? {} : { timeZone };
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  const seconds = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const moment = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", ...zone });
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", ...zone });
  const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", ...zone });
  return {
    number: (value) => number.format(value),
    duration: (milliseconds) => {
      const whole = Math.max(0, Math.floor(milliseconds / 1000));
      if (whole < 60) return `${whole}${UNIT_SPACE}s`;
      if (whole < 3600) return `${Math.floor(whole / 60)}${UNIT_SPACE}min`;
      return `${Math.floor(whole / 3600)}${UNIT_SPACE}h ${Math.floor((whole % 3600) / 60)}${UNIT_SPACE}min`;
    },
    wait: (milliseconds) => (milliseconds === null ? NONE : `${seconds.format(milliseconds / 1000)}${UNIT_SPACE}s`),
    money: (amount, currency) => {
      const value = Number(amount);
      // Cents, but no cost that rounds to nothing.
      const digits = value !== 0 && Math.abs(value) < 0.1 ? 4 : 2;
      const options = { minimumFractionDigits: 2, maximumFractionDigits: digits };
      try {
        return new Intl.NumberFormat(locale, { ...options, style: "currency", currency: currency ?? "" }).format(value);
      } catch {
        // The list of prices may be in what no bank knows.
        return `${new Intl.NumberFormat(locale, options).format(value)}${UNIT_SPACE}${currency ?? ""}`.trim();
      }
    },
    moment: (time) => {
      const at = typeof time === "number" ? time : Date.parse(time);
      return Number.isNaN(at) ? String(time) : moment.format(at);
    },
    marks: (marks, step) => {
      let told = "";
      return marks.map((at) => {
        const date = day.format(at * 1000);
        if (step >= DAY_SECONDS) return date;
        const label = date === told ? "" : `\n${date}`;
        told = date;
        return clock.format(at * 1000) + label;
      });
    },
  };
}
