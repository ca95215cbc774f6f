/**
 * The call button for other sites: one script tag, of which nothing else on the page is touched.
 *
 *     <script src="https://GATEWAY/embed.js" data-agent="default/receptionist" async></script>
 *
 * The button opens the call page in a frame, so that the microphone is asked for by the gateway's own address, and no
 * key or token is ever on the site. It imports nothing: browsers load it as the plain script that it is.
 */

(() => {
  const script = document.currentScript;
  if (!(script instanceof HTMLScriptElement)) return;
  const { agent = "", label, lang, position = "right" } = script.dataset;
  const side = position === "left" ? "left" : "right";
  const french = (lang ?? document.documentElement.lang).toLowerCase().startsWith("fr");
  const open = label ?? (french ? "Appelez-nous" : "Call us");
  const close = french ? "Raccrocher et fermer" : "Hang up and close";
  const page = new URL("./", script.src);
  page.searchParams.set("embedded", "1");
  if (agent !== "") page.searchParams.set("agent", agent);
  page.searchParams.set("lang", french ? "fr" : "en");

  const host = document.createElement("div");
  host.dataset.voiceagent = "";
  // Its styles are its own, in both directions, and need no leave of the site's Content-Security-Policy.
  const root = host.attachShadow({ mode: "open" });
  const styles = new CSSStyleSheet();
  styles.replaceSync(`
    :host { all: initial; color-scheme: light dark; position: fixed; z-index: 2147483000; bottom: 1rem; ${side}: 1rem; }
    .button { display: flex; align-items: center; gap: 0.5rem; min-height: 3rem; margin-${side === "left" ? "right" : "left"}: auto;
      padding: 0 1.25rem; border: 0; border-radius: 999px; background: #0f6b66; color: #fff; cursor: pointer;
      font: 600 16px/1.2 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
      box-shadow: 0 2px 6px rgb(16 24 40 / 20%), 0 8px 24px rgb(16 24 40 / 18%); }
    .button:hover { background: #0b5551; }
    .button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #1757c2; }
    .button[aria-expanded="true"] { background: #b3261e; }
    .panel { margin-bottom: 0.75rem; width: min(24rem, calc(100vw - 2rem)); height: min(40rem, calc(100vh - 6rem));
      overflow: hidden; border-radius: 16px; background: Canvas; box-shadow: 0 4px 12px rgb(16 24 40 / 18%), 0 16px 48px rgb(16 24 40 / 24%); }
    .panel[hidden] { display: none; }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    svg { width: 1.25rem; height: 1.25rem; fill: currentcolor; }`);
  root.adoptedStyleSheets = [styles];

  const panel = document.createElement("div");
  panel.className = "panel";
  panel.id = "panel";
  panel.hidden = true;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.setAttribute("aria-controls", "panel");
  const text = document.createElement("span");
  button.append(receiver(), text);
  root.append(panel, button);
  show(false);

  button.addEventListener("click", () => {
    show(panel.hidden === true);
  });
  root.addEventListener("keydown", (event) => {
    if (event instanceof KeyboardEvent && event.key === "Escape" && !panel.hidden) show(false);
  });
  // In the head of a page there is no body yet.
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", place);
  else place();

  function place(): void {
    document.body.append(host);
  }

  /** A closed panel has no frame: that ends the call, and lets the microphone go. */
  function show(opened: boolean): void {
    panel.hidden = !opened;
    button.setAttribute("aria-expanded", String(opened));
    text.textContent = opened ? close : open;
    if (!opened) {
      panel.replaceChildren();
      return;
    }
    const frame = document.createElement("iframe");
    frame.title = open;
    frame.allow = "microphone; autoplay; speaker-selection";
    frame.src = page.href;
    panel.replaceChildren(frame);
  }

  function receiver(): SVGSVGElement {
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("viewBox", "0 0 24 24");
    icon.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute(
      "d",
      "M6.6 10.8a15 15 0 0 0 6.6 6.6l2.2-2.2a1 1 0 0 1 1-.24 11.4 11.4 0 0 0 3.6.57 1 1 0 0 1 1 1V20a1 1 0 0 1-1 1A17 17 0 0 1 3 4a1 1 0 0 1 1-1h3.5a1 1 0 0 1 1 1 11.4 11.4 0 0 0 .57 3.6 1 1 0 0 1-.25 1z",
    );
    icon.append(path);
    return icon;
  }
})();
