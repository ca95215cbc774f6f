import type { Attention } from "../model.ts";
import type { Words } from "./words.ts";

const number = (value: number): string => value.toFixed(1).replace(".", ",");
const count = (amount: unknown, one: string, many: string): string =>
  `${String(amount)} ${Number(amount) < 2 ? one : many}`;

/** The operator's own messages come in English and stay as they are. */
const withDetail = (beginning: string) => (found: Attention) => {
  const detail = found.values.detail ?? found.values.reason;
  return typeof detail === "string" && detail !== "" ? `${beginning}\u00a0: ${detail}` : `${beginning}.`;
};

const ATTENTION: Readonly<Record<string, (found: Attention) => string>> = {
  "not-reconciled": () => "L’opérateur ne l’a pas encore examiné.",
  stalled: withDetail("À l’arrêt tant que rien n’est changé"),
  "not-ready": withDetail("Il ne prend aucun appel"),
  "partly-ready": withDetail("Il n’est pas entièrement prêt"),
  "provider-refuses": withDetail("Un fournisseur refuse"),
  "config-not-synced": withDetail("Tous les pods n’ont pas la dernière configuration"),
  "not-scaling": withDetail("Ses pods ne suivent pas ses appels"),
  "budget-refuses": withDetail("Les nouveaux appels sont refusés jusqu’à 00:00 UTC"),
  "budget-exceeded": withDetail("Le budget du jour est épuisé"),
  reconciling: withDetail("Une modification est en cours"),
  suspended: () => "Il est suspendu\u00a0: il ne prend aucun appel tant que spec.suspend n’est pas false.",
  full: ({ values }) =>
    `Il est complet\u00a0: ${String(values.sessions)} appels sur ${String(values.capacity)}, et il ne peut pas avoir d’autre pod.`,
  growing: ({ values }) => `Les ${String(values.capacity)} places sont prises\u00a0; un autre pod doit venir.`,
  "pods-silent": ({ values }) =>
    `${count(values.count, "pod n’a pas répondu", "pods n’ont pas répondu")} à la dernière demande\u00a0: ${String(values.pod)}${Number(values.count) > 1 ? " et d’autres" : ""}.`,
  "config-refused": ({ values }) =>
    `Le pod ${String(values.pod)} garde sa dernière bonne configuration\u00a0: ${String(values.detail)}`,
  "drain-ends": ({ values }) =>
    `${count(values.sessions, "appel sur un pod qui se vide prend", "appels sur des pods qui se vident prennent")} fin à ${String(values.deadline)}.`,
  deleted: ({ values }) => `Il est supprimé\u00a0; ses derniers pods terminent ${count(values.sessions, "appel", "appels")}.`,
  slow: ({ values }) =>
    `Les appelants attendent\u00a0: 5 réponses sur 100 de la dernière heure ont pris plus de ${number(Number(values.milliseconds) / 1000)} s.`,
  "calls-failed": ({ values }) =>
    `${String(values.failed)} appels sur ${String(values.ended)} de la dernière heure ont fini par une panne.`,
};

export const fr: Words = {
  language: "fr",
  page: {
    title: "Agents vocaux",
    signIn: "Se connecter",
    signInWhy: "La flotte est montrée à qui a une clé pour lire les mesures. La clé est gardée jusqu’à la fermeture de l’onglet.",
    signOut: "Se déconnecter",
    key: "Clé d’API",
    language: "Langue",
    history: "Historique",
  },
  keyRefused: "La passerelle n’accepte pas cette clé. Vérifiez-la, ou demandez-en une nouvelle.",
  keyMalformed: "Ce ne peut être une clé\u00a0: elle contient des espaces ou des caractères qu’aucune clé n’a.",
  links: {
    connecting: "Connexion…",
    live: "En direct",
    reconnecting: "Connexion perdue, reconnexion… Ce qui est affiché peut dater.",
  },
  refused: (status, detail) =>
    status === 403
      ? `${detail === "" ? "Cette clé ne permet pas de voir la flotte." : detail} Déconnectez-vous pour utiliser une autre clé.`
      : `La passerelle a refusé\u00a0: ${detail === "" ? `HTTP ${status}` : detail} Rechargez la page pour réessayer.`,
  health: {
    failing: "En panne",
    degraded: "À examiner",
    healthy: "En bon état",
    idle: "En veille",
    suspended: "Suspendu",
    deleted: "Supprimé",
  },
  podState: { ready: "Prêt", starting: "Démarre", draining: "Se vide", unready: "Pas prêt" },
  severity: { critical: "Critique", warning: "Avertissement", info: "À savoir" },
  spans: { "1h": "1 heure", "24h": "24 heures", "7d": "7 jours" },
  attention: (found) => ATTENTION[found.code]?.(found) ?? found.message,
  conditions: {
    Ready: { True: "Prêt", False: "Pas prêt", Unknown: "On ne sait s’il est prêt" },
    Reconciling: { True: "Une modification est en cours", False: "Aucune modification en cours", Unknown: "On ne sait si une modification est en cours" },
    Stalled: { True: "À l’arrêt tant que rien n’est changé", False: "Rien ne le bloque", Unknown: "On ne sait s’il est bloqué" },
    ConfigSynced: {
      True: "Tous les pods ont la dernière configuration",
      False: "Tous les pods n’ont pas la dernière configuration",
      Unknown: "Aucun pod ne dit quelle configuration il a",
    },
    ProvidersReady: { True: "Les fournisseurs le servent", False: "Un fournisseur refuse", Unknown: "On ne sait ce que disent les fournisseurs" },
    ScalingActive: { True: "Ses pods suivent la demande", False: "Ses pods ne suivent pas ses appels", Unknown: "On ne sait s’il s’adapte" },
    BudgetOK: { True: "Dans son budget", False: "Au-delà de son budget", Unknown: "Son budget n’est pas encore mesuré" },
  },
  outcomes: {
    completed: "terminés",
    user_left: "raccrochés",
    timed_out: "trop longs",
    drained: "finis avec leur pod",
    error: "en échec",
    crashed: "plantés",
    memory_exceeded: "à court de mémoire",
    unknown: "inconnus",
  },
  attentionTitle: "À examiner",
  nothingWrong: "Rien à signaler.",
  agents: "Agents",
  noAgents: "Il n’y a aucun agent que vous puissiez voir.",
  noSuchAgent: (agent) => `Il n’y a pas d’agent ${agent} que vous puissiez voir.`,
  all: "Tous les agents",
  agent: "Agent",
  state: "État",
  calls: "Appels",
  callsOf: (sessions, capacity) => `${sessions} sur ${capacity}`,
  pods: "Pods",
  latency: "Temps de réponse",
  latencyNote: "Dernière heure\u00a0: la moitié des réponses / 95\u00a0% des réponses",
  half: "la moitié en",
  most: "95\u00a0% en",
  p99: "99\u00a0% en",
  costToday: "Coût du jour",
  cost: "Coût",
  notPriced: "sans prix",
  withoutPrice: (models) => `Sans ${models}, qui n’ont pas de prix.`,
  budget: (amount, refuses) =>
    `Budget de ${amount} par jour\u00a0; au-delà ${refuses ? "les nouveaux appels sont refusés" : "il y a un avertissement"}.`,
  callIt: "L’appeler",
  conditionsTitle: "Conditions",
  unknown: "Inconnu",
  since: (time) => `depuis le ${time}`,
  draining: "Pods qui se vident",
  drainingLine: (pods, sessions, revision) =>
    `${count(pods, "pod termine", "pods terminent")} ${count(sessions, "appel", "appels")} (révision ${revision})`,
  until: (time) => `au plus tard à ${time}`,
  revisions: "Révisions",
  revision: "Révision",
  current: "actuelle",
  ready: "Prêts",
  noPods: "Il n’y a pas de pod.",
  stale: "n’a pas répondu\u00a0; montré tel qu’il était",
  live: "Appels en cours",
  noCalls: "Aucun appel en cours.",
  shownOf: (shown, all) => `Les ${shown} plus récents sur ${all}.`,
  room: "Salle",
  pod: "Pod",
  running: "Depuis",
  turns: "Échanges",
  answerTime: "Temps de réponse",
  lastHour: "Appels terminés dans l’heure",
  noneEnded: "Aucun.",
  stages: { stt: "Transcription", llm: "Premier mot du modèle", tts: "Premier son de la voix" },
  sessionsChart: "Appels simultanés",
  latencyChart: "Temps de réponse, en secondes",
  chartSessions: (most) => `Au plus ${count(most, "appel à la fois", "appels à la fois")}.`,
  chartLatency: (half, most) =>
    half === null || most === null
      ? "Aucune réponse n’a été mesurée."
      : `Au pire, la moitié des réponses sont venues en ${number(half)} s, et 95\u00a0% en ${number(most)} s.`,
  historyAway: "L’historique ne peut être lu en ce moment. Il sera redemandé dans une minute.",
  time: "Heure",
};
