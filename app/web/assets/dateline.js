/** What the timeline page gains from a script: it changes in place, zooms, replays, and loads on.
 *
 * The server draws everything. Each state is a URL, and going there means to fetch that page and to
 * put its live parts where the old ones stand; without this script the same links and forms work.
 */

const LIVE = "[data-live]";
const PAUSE = 250; // milliseconds after the last keystroke or move of the slider
const STEP = 1200; // milliseconds that a step of the replay stays

const form = document.querySelector("#filters");
const reader = new DOMParser();
let under_way = null;
let timer = null;
let last_typed = null; // what the last state came from, where one replaces another

class Refused extends Error {}

// -- going from state to state --------------------------------------------------------------------

async function page_at(url) {
  under_way?.abort();
  under_way = new AbortController();
  const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: under_way.signal });
  const found = reader.parseFromString(await answer.text(), "text/html");
  if (found.querySelector(LIVE)) return { found, url: answer.url };
  const said = [...found.querySelectorAll(".problem li")].map((item) => item.textContent.trim());
  throw new Refused(said.join(" ") || answer.statusText);
}

/** Show the state that a URL stands for; what cannot be shown in place is gone to.
 *
 * `typed` names the field that is being changed: its states replace each other in the history, and
 * what is refused is said beside the form, which stays as it is.
 */
async function go(url, { push = true, focus = null, typed = null } = {}) {
  document.body.ariaBusy = "true";
  try {
    const { found, url: reached } = await page_at(url);
    if (push) history[typed && typed === last_typed ? "replaceState" : "pushState"](null, "", reached);
    last_typed = typed;
    show(found);
    document.querySelector(focus)?.focus({ preventScroll: focus === "#main" });
  } catch (error) {
    if (error.name === "AbortError") return; // a later one is under way
    if (!(typed && error instanceof Refused)) return location.assign(url);
    refuse(error.message);
  }
  document.body.ariaBusy = null;
}

function refuse(said) {
  const place = form?.querySelector(".refused");
  if (place) place.textContent = said;
}

function show(found) {
  refuse("");
  const before = ids();
  const kept = mark_of(document.activeElement);
  document.title = found.title;
  for (const part of found.querySelectorAll(LIVE)) {
    const held = document.getElementById(part.id);
    if (part.id === "replay" && playing) continue; // it would lose its place
    held.replaceWith(document.adoptNode(part));
  }
  document.querySelector("#page")?.classList.toggle("with-event", !!document.querySelector(".opened"));
  for (const field of form ? form.elements : []) {
    const now = field.id && found.getElementById(field.id);
    if (!now || field === document.activeElement || field.closest(LIVE)) continue;
    field.value = now.value;
  }
  const match = form?.elements.namedItem("match");
  if (match) match.checked = found.querySelector("[name=match]").checked;
  if (kept) document.querySelector(kept)?.focus({ preventScroll: true });
  if (before.size) mark_arrived(before);
  enhance();
}

/** A selector that finds an element again after its part was replaced. */
function mark_of(element) {
  if (!element?.closest(LIVE)) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.name) return `[name="${element.name}"][value="${CSS.escape(element.value)}"]`;
  return null;
}

const ids = () => new Set([...document.querySelectorAll(".event")].map((event) => event.id));

function mark_arrived(before) {
  for (const event of document.querySelectorAll(".event"))
    if (!before.has(event.id)) event.classList.add("arrived");
}

/** The state that the form says, without what is empty. */
function asked() {
  const pairs = [...new FormData(form)].filter(([, value]) => value.trim());
  const url = new URL(form.action);
  url.search = new URLSearchParams(pairs);
  return url;
}

function soon(work) {
  clearTimeout(timer);
  timer = setTimeout(work, PAUSE);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey) return;
  if (event.shiftKey || event.altKey || link.target === "_blank") return;
  // In a picture, `href` is an object.
  const url = new URL(link.getAttribute("href"), document.baseURI);
  if (url.origin !== location.origin || url.pathname !== location.pathname) return;
  if (url.hash && url.search === location.search) return;
  event.preventDefault();
  if (link.rel === "next") load_more(link);
  else if (url.searchParams.has("event")) go(url, { focus: "#opened-title" });
  else go(url, { focus: link.dataset.close === undefined ? null : opener() });
});

/** Where the focus was before an event was opened. */
function opener() {
  const open = new URLSearchParams(location.search).get("event");
  return open ? `#event-${CSS.escape(open)} a.open` : null;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector("[data-close]")?.click();
});

addEventListener("popstate", () => go(location.href, { push: false }));

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.matches(":popover-open")) form.hidePopover();
    go(asked(), { focus: "#main", typed: "form" });
  });
  form.addEventListener("change", ({ target }) => {
    if (target.closest("[data-replay]") || target.id === "q") return;
    soon(() => go(asked(), { typed: target.name }));
  });
  form.addEventListener("input", ({ target }) => {
    if (target.id === "q") soon(() => go(asked(), { typed: "q" }));
  });
}

// -- more events, as the end comes into view ------------------------------------------------------

async function load_more(link) {
  if (link.ariaBusy) return;
  link.ariaBusy = "true";
  const holder = document.querySelector("#events");
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const found = reader.parseFromString(await answer.text(), "text/html").querySelector("#events");
    if (holder !== document.querySelector("#events")) return; // another state by now
    link.closest(".more").remove();
    const last = holder.querySelector(".year:last-of-type");
    for (const part of [...found.children]) {
      const same = last && part.dataset.year === last.dataset.year;
      if (same) last.querySelector("ol").append(...part.querySelectorAll("ol > li"));
      else holder.append(document.adoptNode(part));
    }
    watch_end();
  } catch {
    link.ariaBusy = null; // it stays a link
  }
}

const end = new IntersectionObserver(
  (seen) => {
    for (const { isIntersecting, target } of seen) if (isIntersecting) load_more(target);
  },
  { rootMargin: "600px" },
);

function watch_end() {
  end.disconnect();
  const link = document.querySelector("a[rel=next]");
  if (link && form) end.observe(link); // in a frame that is as high as its page, all is in view
}

// -- the strip: drag over a stretch of time to zoom into it ---------------------------------------

function enhance_strip() {
  const strip = document.querySelector("[data-strip]");
  if (!strip) return;
  const bars = [...strip.querySelectorAll("a")];
  const brush = Object.assign(document.createElement("div"), { className: "brush", hidden: true });
  strip.append(brush);
  let from = null;

  const at = (event) => {
    const { left, width } = strip.getBoundingClientRect();
    const place = (100 * (event.clientX - left)) / width;
    const number = bars.findLastIndex((bar) => Number(bar.dataset.x) <= place);
    return Math.max(0, number);
  };
  const draw = (one, other) => {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    const left = Number(bars[first].dataset.x);
    const right = Number(bars[last].dataset.x) + Number(bars[last].dataset.width);
    brush.style.left = `${left}%`;
    brush.style.width = `${right - left}%`;
    brush.hidden = first === last;
    return [bars[first], bars[last]];
  };
  strip.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = at(event);
  });
  strip.addEventListener("pointermove", (event) => {
    if (from !== null) draw(from, at(event));
  });
  strip.addEventListener("dragstart", (event) => event.preventDefault());
  addEventListener("pointerup", (event) => {
    if (from === null || !strip.isConnected) return;
    const [first, last] = draw(from, at(event));
    const dragged = !brush.hidden;
    from = null;
    brush.hidden = true;
    if (!dragged) return; // a click is the link's
    strip.addEventListener("click", (click) => click.preventDefault(), { once: true, capture: true });
    const url = new URL(first.getAttribute("href"), document.baseURI);
    const start = first.dataset.asks.split("/")[0];
    const finish = last.dataset.asks.split("/").at(-1);
    url.searchParams.set("date", `${start}/${finish}`);
    go(url);
  });
}

// -- the replay: how the story became known -------------------------------------------------------

let playing = null;

function enhance_replay() {
  const replay = document.querySelector("[data-replay]");
  if (!replay) return;
  const [slider, output, button] = ["input", "output", "button"].map((n) => replay.querySelector(n));
  const steps = [...replay.querySelectorAll("li")].map((item) => ({ ...item.dataset, label: item.textContent }));
  const field = form.elements.namedItem("known_by");

  const tell = () => {
    const step = steps[slider.value];
    const said = step ? `by ${step.label}: ${step.known} event${step.known === "1" ? "" : "s"} known` : "all that is known now";
    output.value = said;
    slider.ariaValueText = said;
    return step;
  };
  const place = () => {
    const later = steps.findIndex((step) => step.day > field.value);
    slider.value = field.value && later >= 0 ? Math.max(0, later - 1) : field.value ? steps.length - 1 : steps.length;
    tell();
  };
  const move = () => {
    field.value = tell()?.day ?? "";
    return go(asked(), { typed: "replay" });
  };
  slider.addEventListener("input", () => {
    stop();
    field.value = tell()?.day ?? "";
    soon(move);
  });
  button.addEventListener("click", () => {
    if (playing) return stop();
    button.textContent = "Pause";
    slider.value = 0;
    const next = async () => {
      await move();
      if (!playing) return;
      if (Number(slider.value) >= steps.length) return stop();
      playing = setTimeout(() => {
        slider.value = Number(slider.value) + 1;
        next();
      }, STEP);
    };
    playing = true;
    next();
  });
  const stop = () => {
    clearTimeout(playing);
    playing = null;
    button.textContent = "Replay";
  };
  replay.hidden = false;
  place();
}

// -- to be copied, and to be framed ---------------------------------------------------------------

function enhance_copying() {
  const button = document.querySelector("[data-copy]");
  if (!button || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent = "Copied";
  });
}

/** Tell the page around how high this one is, and take its theme: variables, never rules. */
function enhance_frame() {
  if (parent === window || form) return;
  const tell = () => parent.postMessage({ dateline: "height", height: document.body.scrollHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
  addEventListener("message", ({ source, data }) => {
    if (source !== parent) return;
    if (data?.dateline === "ask") tell();
    if (data?.dateline !== "theme") return;
    for (const [name, value] of Object.entries(data.variables ?? {}))
      if (/^--dateline-[a-z-]+$/.test(name)) document.documentElement.style.setProperty(name, value);
  });
  parent.postMessage({ dateline: "ready" }, "*");
}

/** What has to be done again for parts that are new. */
function enhance() {
  enhance_strip();
  enhance_replay();
  enhance_copying();
  watch_end();
}

document.documentElement.classList.add("enhanced");
enhance();
enhance_frame();
