/** <date-line src="https://…/?type=contract" heading="Contracts" height="640">: a timeline on any page.
 *
 * It is as high as its timeline, and no higher than `height`, or else MAX_HEIGHT. Below 340 pixels it is
 * a picture without titles. The page around gets the events `dateline:select` and `dateline:zoom`.
 *
 * It is a frame: nothing of the chronology runs in the page around it. The page's variables
 * `--dateline-accent`, `-paper`, `-ink`, `-quiet`, `-line`, `-raised`, `-font`, `-title-font` are
 * handed to it. A plain <iframe> of this server grows with its timeline too, up to `data-height`.
 */

const HOME = new URL(".", import.meta.url);
const VARIABLES = ["accent", "paper", "ink", "quiet", "line", "raised", "font", "title-font"];
const LOOKS = ["view", "limit", "lanes", "rows", "event", "theme", "lang"]; // attributes that the frame is asked for
const MAX_HEIGHT = 640; // pixels
const TILE_HEIGHT = 344; // pixels, up to which a page in a frame is a picture: the style sheet says so
const frames = new Map(); // window of a frame → its element, for those inside components

/** The address of the bare timeline that an address of ours stands for; null where it is not. */
function bare(address) {
  const url = URL.parse(address, document.baseURI);
  if (url?.origin !== HOME.origin || !url.pathname.startsWith(HOME.pathname)) return null;
  url.pathname = `${HOME.pathname}embed`;
  return url;
}

class DateLine extends HTMLElement {
  static observedAttributes = ["src", "title", "heading", "height", ...LOOKS];
  #frame = document.createElement("iframe");

  constructor() {
    super();
    const style = new CSSStyleSheet();
    style.replaceSync(":host { display: block } iframe { border: 0; inline-size: 100%; block-size: 30rem; display: block }");
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    this.#frame.loading = "lazy";
  }

  connectedCallback() {
    this.#point();
  }

  disconnectedCallback() {
    for (const [held, { frame }] of frames) if (frame === this.#frame) frames.delete(held);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#point();
  }

  #point() {
    const url = bare(this.getAttribute("src") ?? "");
    if (!url) {
      this.shadowRoot.replaceChildren(document.createElement("slot"));
      console.error(`<date-line>: src must be an address of ${HOME}`);
      return;
    }
    for (const name of LOOKS) if (this.getAttribute(name)) url.searchParams.set(name, this.getAttribute(name));
    this.#frame.title = this.title || this.getAttribute("heading") || this.#frame.title;
    if (this.#frame.src !== url.href) this.#frame.src = url.href;
    if (!this.#frame.parentNode) this.shadowRoot.replaceChildren(this.#frame); // moving it loads it again
    frames.set(this.#frame.contentWindow, { frame: this.#frame, host: this });
    dress(this.#frame, this);
    bound(this.#frame, this);
  }
}

/** Make a frame as high as its page was last said to be, within bounds. */
function bound(frame, host, wanted = Number(frame.dataset.wanted)) {
  if (!(wanted > 0)) return;
  const highest = Number(host === frame ? frame.dataset.height : host.getAttribute("height")) || MAX_HEIGHT;
  // A frame begins so low that its page is a tile, which never asks for more: give it room once.
  const first = host === frame && !frame.dataset.wanted && frame.clientHeight <= TILE_HEIGHT;
  frame.dataset.wanted = wanted;
  frame.style.blockSize = `${first ? highest : Math.min(Math.ceil(wanted), highest)}px`;
  if (first) setTimeout(ask, 300, frame); // its page may be as high as before
}

/** Have the page in a frame tell its height. */
function ask(frame) {
  frame.contentWindow?.postMessage({ dateline: "ask" }, "*");
}

/** Hand the page's variables and its heading to a frame that is loaded. */
function dress(frame, host) {
  const style = getComputedStyle(host);
  const pairs = VARIABLES.map((name) => [`--dateline-${name}`, style.getPropertyValue(`--dateline-${name}`).trim()]);
  const variables = Object.fromEntries(pairs.filter(([, value]) => value));
  const heading = host.getAttribute("heading");
  if (frame.dataset.ready) frame.contentWindow.postMessage({ dateline: "theme", variables, heading }, HOME.origin);
}

addEventListener("message", ({ source, origin, data }) => {
  if (origin !== HOME.origin || !data?.dateline) return;
  const plain = [...document.querySelectorAll("iframe")].find((f) => f.contentWindow === source);
  const { frame, host } = frames.get(source) ?? { frame: plain, host: plain };
  if (!frame) return;
  if (data.dateline === "select" || data.dateline === "zoom") {
    const { dateline, ...detail } = data;
    host.dispatchEvent(new CustomEvent(`dateline:${dateline}`, { detail, bubbles: true }));
  }
  if (data.dateline === "height") bound(frame, host, data.height);
  if (data.dateline === "ready") {
    frame.dataset.ready = "true";
    frame.title ||= data.title;
    dress(frame, host);
  }
});

if (customElements.get("date-line")) console.warn("<date-line> is there already, of another server");
else customElements.define("date-line", DateLine);
// Frames that were there before this script have told their height to nobody. Not all are loaded
// yet, which is an error to a message for one origin.
for (const frame of document.querySelectorAll("iframe")) if (bare(frame.src)) ask(frame);
