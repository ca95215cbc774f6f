/** All agents: what needs attention first, then a table that is a list of cards on a phone. */

import { type Child, h } from "./build.ts";
import { type Format, NONE } from "./format.ts";
import { type Agent, type Attention, type Fleet, idOf, inOrder } from "./model.ts";
import type { Words } from "./words/words.ts";

export function listView(fleet: Fleet, words: Words, format: Format): HTMLElement {
  return h(
    "div",
    { class: "stack", "data-key": "list" },
    h("h1", { class: "visually-hidden" }, words.page.title),
    tiles(fleet, words, format),
    attentionSection(fleet.attention, words, true),
    h(
      "section",
      { class: "card", "aria-labelledby": "agents-title" },
      h("h2", { id: "agents-title" }, words.agents),
      fleet.agents.length === 0 ? h("p", { class: "muted" }, words.noAgents) : agentTable(fleet, words, format),
    ),
  );
}

export function attentionSection(found: readonly Attention[], words: Words, named: boolean): HTMLElement {
  const items = found.map((one) =>
    h(
      "li",
      { class: "attention", "data-severity": one.severity, "data-testid": "attention" },
      h("span", { class: "badge", "data-severity": one.severity }, words.severity[one.severity]),
      h(
        "p",
        {},
        named ? h("a", { href: `#${idOf({ namespace: one.namespace, name: one.agent })}` }, one.agent) : null,
        named ? h("span", { class: "muted small" }, ` ${one.namespace} `) : null,
        words.attention(one),
      ),
    ),
  );
  return h(
    "section",
    { class: "card", "aria-labelledby": "attention-title" },
    h("h2", { id: "attention-title" }, words.attentionTitle),
    items.length === 0 ? h("p", { class: "muted" }, words.nothingWrong) : h("ul", { class: "attentions" }, ...items),
  );
}

export function badge(agent: Agent, words: Words): HTMLElement {
  return h("span", { class: "badge", "data-health": agent.health }, words.health[agent.health]);
}

export function costOf(cost: string | null, currency: string | null, words: Words, format: Format): string {
  return cost === null ? words.notPriced : format.money(cost, currency);
}

/** Calls of the places for them, as a bar and in words. */
export function load(agent: Agent, words: Words): HTMLElement {
  const share = agent.capacity === 0 ? 0 : Math.min(1, agent.sessions / agent.capacity);
  return h(
    "span",
    { class: "load" },
    h("span", {}, words.callsOf(agent.sessions, agent.capacity)),
    h("span", { class: "bar", "aria-hidden": "true" }, h("span", { style: `width: ${Math.round(share * 100)}%` })),
  );
}

/** A table that stays one for screen readers where it is shown as cards. */
export function table(className: string, label: string, heads: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
  return h(
    "table",
    { class: `table ${className}`, role: "table", "aria-label": label },
    h(
      "thead",
      { role: "rowgroup" },
      h("tr", { role: "row" }, ...heads.map((head) => h("th", { role: "columnheader", scope: "col" }, head))),
    ),
    h("tbody", { role: "rowgroup" }, ...rows),
  );
}

export function row(heads: readonly string[], cells: readonly Child[], attributes: Record<string, string> = {}): HTMLElement {
  const made = cells.map((cell, index) => h("td", { role: "cell", "data-label": heads[index] ?? "" }, cell));
  return h("tr", { role: "row", ...attributes }, ...made);
}

function tiles(fleet: Fleet, words: Words, format: Format): HTMLElement {
  const failing = fleet.agents.filter(({ health }) => health === "failing" || health === "degraded").length;
  const tile = (label: string, value: string, state = ""): HTMLElement =>
    h("div", { class: "tile card", "data-state": state }, h("dt", {}, label), h("dd", {}, value));
  return h(
    "dl",
    { class: "tiles", "data-testid": "tiles" },
    tile(words.agents, String(fleet.agents.length)),
    tile(words.attentionTitle, String(failing), failing > 0 ? "warn" : ""),
    tile(words.calls, words.callsOf(fleet.sessions, fleet.capacity)),
    tile(words.costToday, costOf(fleet.cost, fleet.currency, words, format)),
  );
}

function agentTable(fleet: Fleet, words: Words, format: Format): HTMLElement {
  const heads = [words.agent, words.state, words.calls, words.pods, words.latency, words.costToday];
  const rows = inOrder(fleet).map((agent) =>
    row(
      heads,
      [
        h("span", { class: "name" }, h("a", { href: `#${idOf(agent)}` }, agent.name), h("span", { class: "muted small" }, agent.namespace)),
        badge(agent, words),
        load(agent, words),
        agent.ready_summary === "" ? String(agent.pods.length) : agent.ready_summary,
        waits(agent, words, format),
        costOf(agent.usage.cost, agent.usage.currency, words, format),
      ],
      { "data-key": idOf(agent), "data-testid": "agent" },
    ),
  );
  return table("agents", words.agents, heads, rows);
}

function waits(agent: Agent, words: Words, format: Format): Child {
  const { e2e_p50, e2e_p95 } = agent.latency;
  if (e2e_p50 === null) return NONE;
  return h(
    "span",
    { title: words.latencyNote },
    h("span", { class: "visually-hidden" }, `${words.half} `),
    format.wait(e2e_p50),
    h("span", { class: "visually-hidden" }, `, ${words.most} `),
    h("span", { class: "muted" }, ` / ${format.wait(e2e_p95)}`),
  );
}
