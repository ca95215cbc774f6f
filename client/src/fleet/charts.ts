/** The two charts of an agent's history. */

import "uplot/dist/uPlot.min.css";

import uPlot from "uplot";

import { h } from "./build.ts";
import { type Columns, highest } from "./history.ts";
import type { Words } from "./words/words.ts";

const HEIGHT = 200;

/** Draws into the folder of charts, in the page's colours and as wide as there is room. */
export class Charts {
  readonly #root: HTMLElement;
  #drawn: uPlot[] = [];
  #last: { columns: Columns; words: Words } | null = null;

  constructor(root: HTMLElement) {
    this.#root = root;
    new ResizeObserver(() => {
      this.#fit();
    }).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      if (this.#last !== null) this.show(this.#last.columns, this.#last.words);
    });
  }

  show(columns: Columns, words: Words): void {
    this.clear();
    this.#last = { columns, words };
    const { seconds, sessions, p50, p95, p99 } = columns;
    this.#draw(words.sessionsChart, words.chartSessions(highest(sessions) ?? 0), words, [seconds, sessions], [
      { label: words.calls, stroke: colour("--accent"), fill: colour("--accent-soft"), width: 2 },
    ]);
    const waits = words.chartLatency(highest(p50), highest(p95));
    this.#draw(words.latencyChart, waits, words, [seconds, p50, p95, p99], [
      { label: words.half, stroke: colour("--accent"), width: 2 },
      { label: words.most, stroke: colour("--focus"), width: 2, dash: [8, 4] },
      { label: words.p99, stroke: colour("--danger"), width: 1, dash: [2, 4] },
    ]);
    // The first was drawn while it had the room of both.
    this.#fit();
  }

  clear(): void {
    for (const chart of this.#drawn) chart.destroy();
    this.#drawn = [];
    this.#last = null;
    this.#root.replaceChildren();
  }

  #draw(title: string, inWords: string, words: Words, data: uPlot.AlignedData, series: uPlot.Series[]): void {
    const place = h("div", { role: "img", "aria-label": `${title}. ${inWords}` });
    this.#root.append(h("figure", {}, h("figcaption", {}, title), place, h("p", { class: "muted small" }, inWords)));
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const options: uPlot.Options = {
      width: this.#width(),
      height: HEIGHT,
      // A single point between nothing and nothing is to be seen as well.
      series: [{ label: words.time }, ...series.map((one) => ({ ...one, points: { show: data[0].length < 2 ? true : isolated } }))],
      axes: [axis, { ...axis, size: 44 }],
      scales: { y: { range: (_, __, max) => [0, Math.max(1, max) * 1.1] } },
      cursor: { drag: { x: false, y: false } },
      ...(words.language === "fr" ? { fmtDate: french } : {}),
    };
    this.#drawn.push(new uPlot(options, data, place));
  }

  #fit(): void {
    for (const chart of this.#drawn) {
      if (chart.width !== this.#width()) chart.setSize({ width: this.#width(), height: HEIGHT });
    }
  }

  #width(): number {
    const figure = this.#root.querySelector("figure");
    return Math.max(200, Math.floor(figure?.clientWidth ?? this.#root.clientWidth));
  }
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Points of a series that no line would show. */
function isolated(chart: uPlot, series: number): boolean {
  const values = chart.data[series] ?? [];
  return values.some((value, index) => value != null && values[index - 1] == null && values[index + 1] == null);
}

const TWELVE_HOURS = /\{h\}(?::\{mm\})?(?::\{ss\})?\s?\{aa\}/g;

/** uPlot's own templates are American: hours by twelve, months before days. */
function french(template: string): (date: Date) => string {
  const own = template
    .replace(TWELVE_HOURS, (found) => found.replace("{h}", "{HH}").replace(/\s?\{aa\}/, found.includes("mm") ? "" : " h"))
    .replaceAll("{M}/{D}", "{DD}/{MM}");
  return uPlot.fmtDate(own, { MMMM: [], MMM: [], WWWW: [], WWW: [] });
}
