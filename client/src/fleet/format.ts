/** Numbers, money and moments as a reader of a language expects them. Pure. */

export interface Format {
  readonly duration: (milliseconds: number) => string;
  /** Milliseconds of waiting, as seconds. */
  readonly wait: (milliseconds: number | null) => string;
  readonly money: (amount: string, currency: string | null) => string;
  readonly moment: (time: string) => string;
}

export const NONE = "–";

export function formatOf(language: string): Format {
  const seconds = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const moment = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  return {
    duration: (milliseconds) => {
      const whole = Math.max(0, Math.floor(milliseconds / 1000));
      if (whole < 60) return `${whole} s`;
      if (whole < 3600) return `${Math.floor(whole / 60)} min`;
      return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
    },
    wait: (milliseconds) => (milliseconds === null ? NONE : `${seconds.format(milliseconds / 1000)} s`),
    money: (amount, currency) => {
      const value = Number(amount);
      // Cents, but no cost that rounds to nothing.
      const digits = value !== 0 && Math.abs(value) < 0.1 ? 4 : 2;
      const options = { minimumFractionDigits: 2, maximumFractionDigits: digits };
      try {
        return new Intl.NumberFormat(language, { ...options, style: "currency", currency: currency ?? "" }).format(value);
      } catch {
        // The list of prices may be in what no bank knows.
        return `${new Intl.NumberFormat(language, options).format(value)} ${currency ?? ""}`.trim();
      }
    },
    moment: (time) => {
      const at = Date.parse(time);
      return Number.isNaN(at) ? time : moment.format(at);
    },
  };
}
