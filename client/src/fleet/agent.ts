/** One agent: its conditions in words, pods, what drains, revisions, cost, and the calls that run. */

import { type Child, h } from "./build.ts";
import { type Format, NONE } from "./format.ts";
import { attentionSection, badge, costOf, load, row, table } from "./list.ts";
import { type Agent, type Condition, type Fleet, idOf } from "./model.ts";
import { saidCell, saidHead } from "./transcript_panel.ts";
import type { Words } from "./words/words.ts";

export function agentView(fleet: Fleet, id: string, words: Words, format: Format, now: number): HTMLElement {
  const agent = fleet.agents.find((one) => idOf(one) === id);
  const back = h("p", {}, h("a", { href: "#", "data-testid": "back" }, `← ${words.all}`));
  if (agent === undefined) {
    return h("div", { class: "stack", "data-key": id }, back, h("p", { class: "card" }, words.noSuchAgent(id)));
  }
  const found = fleet.attention.filter(({ namespace, agent: name }) => namespace === agent.namespace && name === agent.name);
  return h(
    "div",
    { class: "stack", "data-key": id },
    back,
    head(agent, words),
    attentionSection(found, words, false),
    numbers(agent, words, format),
    section("conditions", words.conditionsTitle, conditions(agent, words, format)),
    section("pods", words.pods, pods(agent, words, format)),
    agent.draining.length === 0 ? null : section("draining", words.draining, draining(agent, words, format)),
    agent.revisions.length === 0 ? null : section("revisions", words.revisions, revisions(agent, words)),
    section("live", words.live, live(agent, words, format, now)),
  );
}

function head(agent: Agent, words: Words): HTMLElement {
  const page = `/?${new URLSearchParams({ agent: idOf(agent) }).toString()}`;
  return h(
    "header",
    { class: "agent-head" },
    h("h1", { tabindex: "-1", id: "agent-title" }, agent.name),
    h("span", { class: "muted" }, agent.namespace),
    badge(agent, words),
    agent.health === "deleted" ? null : h("a", { href: page, class: "call-link" }, words.callIt),
  );
}

function section(name: string, title: string, ...content: readonly Child[]): HTMLElement {
  const id = `${name}-title`;
  return h(
    "section",
    { class: "card", "aria-labelledby": id, "data-key": name, "data-testid": name },
    h("h2", { id }, title),
    ...content,
  );
}

function numbers(agent: Agent, words: Words, format: Format): HTMLElement {
  const { latency, usage } = agent;
  const budget =
    usage.budget_per_day === null
      ? null
      : words.budget(format.money(usage.budget_per_day, usage.currency), usage.on_exceeded === "Refuse");
  const unpriced = usage.unpriced.length === 0 ? null : words.withoutPrice(usage.unpriced.join(", "));
  const ended = Object.entries(agent.ended).map(([outcome, number]) => `${number} ${words.outcomes[outcome] ?? outcome}`);
  const stages = (["stt", "llm", "tts"] as const).map((stage) => {
    const value = { stt: latency.stt, llm: latency.llm_ttft, tts: latency.tts_ttfb }[stage];
    return `${words.stages[stage]} ${format.wait(value)}`;
  });
  return h(
    "dl",
    { class: "tiles", "data-testid": "numbers" },
    tile(words.calls, load(agent, words)),
    tile(
      words.latency,
      latency.e2e_p50 === null ? NONE : `${format.wait(latency.e2e_p50)} / ${format.wait(latency.e2e_p95)}`,
      latency.e2e_p50 === null ? null : words.latencyNote,
      latency.e2e_p50 === null ? null : stages.join(" · "),
    ),
    tile(words.costToday, costOf(usage.cost, usage.currency, words, format), budget, unpriced),
    tile(words.lastHour, ended.length === 0 ? words.noneEnded : ended.join(", ")),
  );
}

function tile(label: string, value: Child, ...notes: readonly (string | null)[]): HTMLElement {
  const lines = notes.map((note) => (note === null ? null : h("span", { class: "note-line muted small" }, note)));
  return h("div", { class: "tile card" }, h("dt", {}, label), h("dd", {}, value, ...lines));
}

function conditions(agent: Agent, words: Words, format: Format): HTMLElement {
  return h("ul", { class: "plain" }, ...agent.conditions.map((condition) => conditionLine(condition, words, format)));
}

function conditionLine(condition: Condition, words: Words, format: Format): HTMLElement {
  const { type, status, reason, message, since } = condition;
  // Of these two it is False that is good.
  const good = type === "Stalled" || type === "Reconciling" ? status === "False" : status === "True";
  const state = status === "Unknown" ? "unknown" : good ? "good" : "bad";
  return h(
    "li",
    { class: "condition", "data-state": state, "data-key": type },
    h("strong", {}, words.conditions[type]?.[status] ?? `${type}: ${status}`),
    h("span", { class: "muted small" }, ` ${type} · ${reason} · ${words.since(format.moment(since))}`),
    message === "" ? null : h("p", { class: "message", lang: "en" }, message),
  );
}

function pods(agent: Agent, words: Words, format: Format): HTMLElement {
  if (agent.pods.length === 0) return h("p", { class: "muted" }, words.noPods);
  const heads = [words.pod, words.state, words.calls, words.revision];
  const rows = agent.pods.map((pod) => {
    const notes = [
      pod.stale ? { text: words.stale, lang: null } : null,
      // The gateway's own words are English.
      pod.error === null ? null : { text: pod.error, lang: "en" },
      pod.deadline === null ? null : { text: words.until(format.moment(pod.deadline)), lang: null },
    ].filter((note) => note !== null);
    const state = h(
      "span",
      { class: "name" },
      h("span", { class: "badge", "data-pod": pod.stale ? "stale" : pod.state }, words.podState[pod.state]),
      ...notes.map(({ text, lang }) => h("span", { class: "muted small", lang }, text)),
    );
    const calls = words.callsOf(pod.sessions, pod.capacity);
    return row(heads, [h("code", {}, pod.name), state, calls, h("code", {}, pod.revision)], { "data-key": pod.name });
  });
  return table("pods", words.pods, heads, rows);
}

function draining(agent: Agent, words: Words, format: Format): HTMLElement {
  const lines = agent.draining.map(({ pods: number, sessions, revision, deadline }) => {
    const end = deadline === null ? "" : `, ${words.until(format.moment(deadline))}`;
    return h("li", {}, `${words.drainingLine(number, sessions, revision)}${end}.`);
  });
  return h("ul", { class: "plain" }, ...lines);
}

function revisions(agent: Agent, words: Words): HTMLElement {
  const heads = [words.revision, words.pods, words.ready, words.calls];
  const rows = agent.revisions.map((one) => {
    const mark = one.current ? h("span", { class: "badge", "data-health": "healthy" }, words.current) : null;
    const name = h("span", {}, h("code", {}, one.revision), " ", mark);
    return row(heads, [name, String(one.pods), String(one.ready), String(one.sessions)], { "data-key": one.revision });
  });
  return table("revisions", words.revisions, heads, rows);
}

function live(agent: Agent, words: Words, format: Format, now: number): HTMLElement {
  if (agent.live.length === 0) return h("p", { class: "muted" }, words.noCalls);
  const heads = [words.room, words.running, words.turns, words.answerTime, saidHead(words.language), words.pod];
  const rows = agent.live.map((call) =>
    row(
      heads,
      [
        h("code", {}, call.room),
        format.duration(now - Date.parse(call.started_at)),
        String(call.turns),
        format.wait(call.e2e),
        saidCell(call, words.language),
        h("code", { title: call.stale ? words.stale : null }, call.pod),
      ],
      { "data-key": call.id, "data-testid": "call" },
    ),
  );
  const more = agent.sessions > agent.live.length ? words.shownOf(agent.live.length, agent.sessions) : null;
  return h(
    "div",
    {},
    table("live", words.live, heads, rows),
    more === null ? null : h("p", { class: "muted small" }, more),
  );
}
