import type { Words } from "./words.ts";

const TELL_OTHERS = "Si cela dure, prévenez le responsable de ce service.";

export const fr: Words = {
  tag: "fr",
  texts: {
    title: "Appeler un agent",
    agent: "Agent",
    call: "Appeler",
    callAgain: "Rappeler",
    hangUp: "Raccrocher",
    mute: "Muet",
    turnOnSound: "Activer le son",
    transcript: "Transcription",
    transcriptEmpty: "Ce que vous et l’agent direz s’affichera ici.",
    message: "Message à l’agent",
    messageHint: "Ou écrivez…",
    send: "Envoyer",
    devices: "Micro et haut-parleur",
    microphone: "Micro",
    microphoneLevel: "Niveau du micro",
    speaker: "Haut-parleur",
    speakerLevel: "Niveau du haut-parleur",
    testSound: "Jouer un son d’essai",
    tryMicrophone: "Essayer le micro",
    signInTitle: "Se connecter",
    signInWhy: "Ce service demande qui appelle. La clé reste dans cet onglet et disparaît à sa fermeture.",
    key: "Clé d’API",
    signIn: "Se connecter",
    signOut: "Se déconnecter",
    language: "Langue",
  },
  steps: {
    loading: "Chargement…",
    "signed-out": "Connectez-vous pour appeler",
    microphone: "Demande d’accès au micro…",
    connecting: "Connexion…",
    waiting: "En attente de l’agent…",
    reconnecting: "Connexion perdue, reconnexion…",
    failed: "L’appel n’a pas abouti",
    ended: "Appel terminé",
  },
  choices: {
    ready: "Prêt à appeler",
    unready: "L’agent n’est pas prêt",
    none: "Aucun agent à appeler",
  },
  agentStates: {
    initializing: "L’agent se prépare…",
    idle: "L’agent est inactif",
    listening: "À l’écoute",
    thinking: "Réflexion…",
    speaking: "L’agent parle",
  },
  waits: {
    "agent-waking": "L’agent se réveille…",
    "agent-growing": "Toutes les lignes sont occupées, une autre s’ouvre…",
    "agent-full": "Toutes les lignes sont occupées…",
    "too-many-waiting": "Beaucoup d’appels sont en attente…",
  },
  waitsOtherwise: "L’agent n’est pas encore prêt…",
  onTheLine: "L’agent est en ligne.",
  allowHint: "Votre navigateur peut vous demander de l’autoriser.",
  mutedHint: "Micro coupé\u00a0: l’agent ne vous entend pas.",
  you: "Vous",
  anAgent: "Agent",
  looking: "Recherche des agents…",
  noAgents: "Aucun agent",
  notReady: "pas prêt",
  notReadyYet: "Pas encore prêt.",
  ready: "Prêt",
  standardDevice: "Choix du système",
  keyMalformed: "Une clé n’a ni espace ni accent. Copiez-la de nouveau, de va_ à son dernier caractère.",
  keyRefused: "Le service n’accepte pas cette clé. Vérifiez qu’elle est complète, ou demandez-en une autre.",
  nextTry: (seconds) => (seconds === 0 ? "Nouvel essai." : `Nouvel essai dans ${seconds} s.`),
  tryAgainIn: (seconds) => (seconds === 0 ? "Réessayez maintenant." : `Réessayez dans ${inWords(seconds)}.`),
  speaks: (language) => `Prêt, parle ${language}`,
  answeredIn: (seconds) => `a répondu en ${seconds}`,
  problems: {
    "gateway-unreachable": () => ({
      what: "Le serveur ne répond pas.",
      todo: `Vérifiez votre connexion, puis réessayez. ${TELL_OTHERS}`,
    }),
    "gateway-answer": ({ status }) => ({
      what: `Le serveur a envoyé une réponse que cette page ne comprend pas (HTTP ${status}).`,
      todo: `Rechargez la page. ${TELL_OTHERS}`,
    }),
    "no-agents": () => ({
      what: "Il n’y a pas encore d’agent à appeler.",
      todo: "Les agents apparaissent ici dès qu’un VoiceAgent est appliqué dans le cluster. La page continue de chercher.",
    }),
    "agent-unknown": ({ agent }) => ({
      what: `Il n’y a pas d’agent ${agent} ici.`,
      todo: "Vérifiez le lien que vous avez suivi, ou ouvrez cette page sans lui pour choisir parmi tous les agents.",
    }),
    "microphone-denied": () => ({
      what: "Le navigateur n’a pas pu utiliser votre micro\u00a0: l’accès est refusé.",
      todo: "Autorisez le micro dans les réglages du site, à côté de la barre d’adresse, puis rappelez.",
    }),
    "microphone-missing": () => ({ what: "Aucun micro trouvé.", todo: "Branchez-en un ou allumez-le, puis rappelez." }),
    "microphone-busy": () => ({
      what: "Votre micro est déjà utilisé ou ne démarre pas.",
      todo: "Fermez les autres programmes ou onglets qui s’en servent, puis rappelez.",
    }),
    "microphone-insecure": () => ({
      what: "Le navigateur ne donne pas de micro à cette page, car son adresse n’est pas sûre.",
      todo: "Ouvrez la page à une adresse https://, ou à http://localhost.",
    }),
    "microphone-failed": () => ({
      what: "Votre micro n’a pas pu démarrer.",
      todo: "Choisissez un autre micro ci-dessous ou dans les réglages du système, puis rappelez.",
    }),
    "microphone-lost": () => ({
      what: "Votre micro s’est arrêté\u00a0: l’agent ne vous entend pas.",
      todo: "Rebranchez-le et réactivez-le, ou écrivez votre message.",
    }),
    "media-unreachable": () => ({
      what: "L’appel n’a pas pu être établi\u00a0: le serveur média est injoignable.",
      todo: "Vérifiez votre réseau, votre pare-feu ou votre VPN, puis rappelez.",
    }),
    "media-refused": () => ({
      what: "Le serveur média n’a pas accepté l’appel.",
      todo: "Rappelez. Si cela dure, prévenez le responsable de ce service\u00a0: sa clé LiveKit est peut-être fausse.",
    }),
    "agent-absent": ({ seconds }) => ({
      what: `L’agent n’est pas arrivé en ${seconds} secondes.`,
      todo: "Il est peut-être occupé ou en train de démarrer. Rappelez dans un instant, ou choisissez un autre agent.",
    }),
    "agent-left": () => ({ what: "L’agent a quitté l’appel et n’est pas revenu.", todo: "Rappelez pour continuer." }),
    "agent-failed": () => ({ what: "L’agent est tombé en panne pendant l’appel.", todo: `Rappelez. ${TELL_OTHERS}` }),
    "connection-lost": () => ({
      what: "La connexion est perdue et n’a pas pu être rétablie.",
      todo: "Vérifiez votre connexion, puis rappelez.",
    }),
    "server-stopped": () => ({
      what: "Le serveur média a été arrêté pendant l’appel.",
      todo: "Attendez un instant, puis rappelez.",
    }),
    "joined-elsewhere": () => ({
      what: "Une autre fenêtre avec la même identité a repris cet appel.",
      todo: "Continuez là-bas, ou fermez-la et rappelez.",
    }),
    removed: () => ({
      what: "Le service a mis fin à l’appel.",
      todo: "Il a peut-être atteint sa durée maximale. Rappelez au besoin.",
    }),
    "message-not-sent": () => ({
      what: "Votre message n’est pas parti.",
      todo: "Il est encore dans le champ\u00a0: réessayez.",
    }),
    "device-failed": () => ({
      what: "Cet appareil n’a pas pu être utilisé.",
      todo: "Choisissez-en un autre\u00a0; le précédent reste en service.",
    }),
    unexpected: ({ detail }) => ({
      what: `Une erreur s’est produite${detail === "" ? "." : `\u00a0: ${/[.!?…]$/.test(detail) ? detail : `${detail}.`}`}`,
      todo: "Rechargez la page et rappelez.",
    }),
  },
  refusals: {
    "agent-full": { what: "Toutes les lignes de cet agent sont occupées.", todo: "Réessayez dans quelques minutes." },
    "too-many-waiting": { what: "Trop d’appels sont en attente.", todo: "Réessayez dans quelques minutes." },
    "origin-not-allowed": {
      what: "Le site qui montre cette page ne peut pas appeler ici.",
      todo: "Demandez au responsable de ce service d’autoriser ce site.",
    },
  },
  refusalsByStatus: {
    401: { what: "Le service demande qui vous êtes.", todo: "Connectez-vous, puis rappelez." },
    403: {
      what: "Vous ne pouvez pas appeler cet agent.",
      todo: "Choisissez un autre agent, ou demandez l’accès au responsable de ce service.",
    },
    404: { what: "Cet agent n’existe plus.", todo: "Choisissez un autre agent." },
    409: { what: "Cet agent ne prend pas d’appel en ce moment.", todo: "Choisissez un autre agent, ou réessayez plus tard." },
    429: { what: "Il y a eu trop d’appels d’ici.", todo: "Attendez une minute, puis réessayez." },
    503: { what: "L’agent n’est pas prêt.", todo: "Réessayez dans un instant, ou choisissez un autre agent." },
  },
  refused: (status) => ({
    what: `Le serveur a répondu par une erreur (HTTP ${status}).`,
    todo: status >= 500 ? `Réessayez. ${TELL_OTHERS}` : `Rechargez la page et réessayez. ${TELL_OTHERS}`,
  }),
};

function inWords(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? "1 seconde" : `${seconds} secondes`;
  return `${Math.round(seconds / 60)} minutes`;
}
