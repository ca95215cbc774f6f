/** The two charts of an agent's history. */

import "uplot/dist/uPlot.min.css";

import uPlot from "uplot";

import { h } from "./build.ts";
import { type Format, NONE } from "./format.ts";
import { type Columns, highest } from "./history.ts";
import type { Words } from "./words/words.ts";

const HEIGHT = 200;
/** What a time of day takes at the least, in pixels. */
const MARK_PIXELS = 64;
/** There is no half call. */
const WHOLE_STEPS = [1, 2, 5].flatMap((step) => [1, 10, 100, 1000].map((times) => step * times)).sort((a, b) => a - b);

interface Chart {
  readonly title: string;
  /** For those who cannot see it. */
  readonly inWords: string;
  /** Counts, of which there are no parts. */
  readonly whole: boolean;
}

/** Draws into the folder of charts, in the page's colours and as wide as there is room. */
export class Charts {
  readonly #root: HTMLElement;
  #drawn: uPlot[] = [];
  #last: { columns: Columns; words: Words; format: Format } | null = null;

  constructor(root: HTMLElement) {
    this.#root = root;
    new ResizeObserver(() => {
      this.#fit();
    }).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      if (this.#last !== null) this.show(this.#last.columns, this.#last.words, this.#last.format);
    });
  }

  show(columns: Columns, words: Words, format: Format): void {
    this.clear();
    this.#last = { columns, words, format };
    const { seconds, sessions, p50, p95, p99 } = columns;
    this.#draw(
      { title: words.sessionsChart, inWords: words.chartSessions(highest(sessions) ?? 0), whole: true },
      [seconds, sessions],
      [{ label: words.calls, stroke: colour("--accent"), fill: colour("--accent-soft"), width: 2 }],
      words,
      format,
    );
    this.#draw(
      { title: words.latencyChart, inWords: words.chartLatency(highest(p50), highest(p95)), whole: false },
      [seconds, p50, p95, p99],
      [
        { label: words.half, stroke: colour("--accent"), width: 2 },
        { label: words.most, stroke: colour("--focus"), width: 2, dash: [8, 4] },
        { label: words.p99, stroke: colour("--danger"), width: 2, dash: [2, 4] },
      ],
      words,
      format,
    );
    // The first was drawn while it had the room of both.
    this.#fit();
  }

  clear(): void {
    for (const chart of this.#drawn) chart.destroy();
    this.#drawn = [];
    this.#last = null;
    this.#root.replaceChildren();
  }

  #draw(chart: Chart, data: uPlot.AlignedData, series: uPlot.Series[], words: Words, format: Format): void {
    const { title, inWords, whole } = chart;
    const place = h("div", { role: "img", "aria-label": `${title}. ${inWords}` });
    this.#root.append(h("figure", {}, h("figcaption", {}, title), place, h("p", { class: "muted small" }, inWords)));
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const value = (_: uPlot, number: number | null): string => (number === null ? NONE : format.number(number));
    const options: uPlot.Options = {
      width: this.#width(),
      height: HEIGHT,
      // A single point between nothing and nothing is to be seen as well.
      series: [
        { label: words.time, value: (_, at: number | null) => (at === null ? NONE : format.moment(at * 1000)) },
        ...series.map((one) => ({ ...one, value, points: { show: data[0].length < 2 ? true : isolated } })),
      ],
      axes: [
        { ...axis, space: MARK_PIXELS, values: (_, marks, __, ___, step) => format.marks(marks, step) },
        {
          ...axis,
          size: 44,
          values: (_, marks) => marks.map((mark) => format.number(mark)),
          ...(whole ? { incrs: WHOLE_STEPS } : {}),
        },
      ],
      scales: { y: { range: (_, __, max) => [0, Math.max(1, max) * 1.1] } },
      cursor: { drag: { x: false, y: false } },
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
