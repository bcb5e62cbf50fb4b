/** What the timeline page gains from a script: it changes in place, zooms, replays, and loads on.
 *
 * The server draws everything. Each state is a URL, and going there means to fetch that page and to
 * put its live parts where the old ones stand; without this script the same links and forms work.
 */

const LIVE = "[data-live]";
const PAUSE = 250; // milliseconds after the last keystroke or move of the slider
const STEP = 1200; // milliseconds that a step of the replay stays
const COPIED = 2000; // milliseconds that a button says so
const MIN_SWIPE = 50; // pixels
const PAGE = 50; // events that come at once
const MAX_LOADS = 3; // pages that come by themselves, so that the end of the page can be reached

const form = document.querySelector("#filters");
const reader = new DOMParser();
let under_way = null; // the request whose answer will be shown
let timer = null; // set while the form says more than the page shows
let last_typed = null; // the field that the last state came from: its states replace each other
let replay = { stop() {} };
let opened_from = null; // the mark from which the event was opened
let loads = 0; // pages that came by themselves
let list_scroll = null; // the place in the list, while an event stands in its place

/** What the server refuses, as it says it: `faults` are elements, each naming a parameter. */
class Refused extends Error {
  constructor(said, faults = []) {
    super(said);
    this.faults = faults;
  }
}

/** A page of another kind or in another language, which is not shown in place. */
class Elsewhere extends Error {}

// -- going from state to state --------------------------------------------------------------------

async function page_at(url) {
  under_way = new AbortController();
  const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: under_way.signal });
  const found = reader.parseFromString(await answer.text(), "text/html");
  const [here, there] = [document, found].map(({ body, documentElement }) => body.className + documentElement.lang);
  if (here !== there && found.querySelector(LIVE)) throw new Elsewhere();
  if (found.querySelector(LIVE)) return { found, url: answer.url };
  throw new Refused(answer.statusText, [...found.querySelectorAll("[data-fault]")]);
}

/** What is waited for is waited for no longer: what comes next knows more. */
function drop_what_waits() {
  clearTimeout(timer);
  timer = null;
  under_way?.abort();
}

/** Show the state that a URL stands for; what cannot be shown in place is gone to.
 *
 * `typed` names the field that is being changed; what is refused then is said beside the form,
 * which stays as it is. `scroll` is the place to be at again.
 */
async function go(url, { push = true, focus = null, typed = null, scroll = null } = {}) {
  drop_what_waits();
  if (typed !== "replay") replay.stop();
  document.body.ariaBusy = "true";
  try {
    const { found, url: reached } = await page_at(url);
    const same = same_list(reached, shown_at);
    const how = (typed && typed === last_typed) || reached === shown_at ? "replaceState" : "pushState";
    if (push) {
      history.replaceState({ scroll: scrollY }, ""); // where the reader leaves it
      history[how](null, "", reached);
    }
    [last_typed, shown_at] = [typed, reached];
    if (!form && !same && parent !== window) parent.postMessage({ dateline: "zoom", date: new URL(reached).searchParams.get("date") }, "*");
    const hidden = list_is_hidden();
    if (!hidden) list_scroll = scrollY;
    show(found, { same, whole: !typed });
    if (!typed || typed === "form") form?.hidePopover();
    const target = typeof focus === "string" ? document.querySelector(focus) : focus;
    target?.focus({ preventScroll: true });
    if (scroll !== null) jump(scroll);
    else if (list_is_hidden()) jump(0);
    else if (hidden) jump(list_scroll);
    else if (!same && typed !== "replay") show_first_event();
  } catch (error) {
    if (error.name === "AbortError") return; // a later one is under way
    if (!push && error instanceof Elsewhere) return location.reload(); // the history has it already
    if (!typed) return location.assign(url);
    refuse(error instanceof Refused ? error : new Refused(form?.dataset.unreachable));
  }
  document.body.ariaBusy = null;
}

const jump = (top) => scrollTo({ top, behavior: "instant" });

/** Whether an event stands in the place of the list, as on a phone. */
const list_is_hidden = () => document.querySelector(".listing")?.offsetParent === null;

/** Scroll up to the first event of the list, if it is out of sight. */
function show_first_event() {
  const list = document.querySelector("#events");
  const bar = document.querySelector("#strip");
  if (!list || !form) return;
  const above = getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0;
  const top = list.getBoundingClientRect().top - above;
  if (top < 0) jump(scrollY + top);
}

let shown_at = location.href;

/** Whether two states differ in nothing but the event that is open. */
function same_list(one, other) {
  const list = (address) => {
    const url = new URL(address);
    for (const name of ["event", "cursor"]) url.searchParams.delete(name);
    return url.search;
  };
  return list(one) === list(other);
}

/** Say what is refused, if anything still is: by its label beside its field, else above them all. */
function refuse(refused = null) {
  for (const place of form?.querySelectorAll(".refused") ?? []) place.replaceChildren();
  for (const field of form?.querySelectorAll("[aria-invalid]") ?? []) field.ariaInvalid = null;
  if (!refused) return;
  const general = form.querySelector("#refused");
  for (const fault of refused.faults) {
    const place = document.getElementById(`${fault.dataset.fault}-refused`);
    if (place) {
      for (const field of form.querySelectorAll(`[aria-describedby~="${place.id}"]`))
        if (field.value) field.ariaInvalid = "true";
      fault.querySelector("code").replaceWith(place.dataset.name);
    }
    (place ?? general).append(...document.adoptNode(fault).childNodes);
  }
  if (!refused.faults.length) general.textContent = refused.message;
  form.querySelector(".refused:not(:empty)").scrollIntoView({ block: "nearest" });
}

/** Put what is new where the old stands: all of it, or where the list is the `same` the event.
 *
 * `whole`: the field that has the focus gets its value too, which nobody is typing.
 */
function show(found, { same, whole }) {
  refuse();
  const [before, marks] = [ids(), mark_ids()];
  const kept = mark_of(document.activeElement);
  const open = [...document.querySelectorAll("details[open]")].map((details) => details.id);
  const entered = [...document.querySelectorAll("[data-find], [data-builder] :is(select, input)")].map((field) => [field.id, field.value]);
  document.title = found.title;
  for (const part of found.querySelectorAll(LIVE)) {
    if ((same && part.id !== "opened") || (replay.playing && part.id === "replay")) continue;
    document.getElementById(part.id).replaceWith(document.adoptNode(part));
  }
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, value] of entered) {
    const field = document.getElementById(id);
    if (field) field.value = value;
    if (field?.matches("[data-find]")) find_values(field, value);
  }
  const opened = document.querySelector(".opened");
  document.querySelector("#page")?.classList.toggle("with-event", !!opened);
  const open_id = opened?.dataset.event;
  for (const event of document.querySelectorAll(".event, [data-mark]"))
    event.ariaCurrent = open_id && [event.dataset.mark, event.id.slice(6)].includes(open_id) ? "true" : null;
  show_open_in_strip(open_id);
  for (const field of form?.querySelectorAll(`input:not(${LIVE} *)`) ?? []) {
    if (field === document.activeElement && !whole) continue;
    const now = found.querySelector(`[name="${field.name}"]`);
    field[field.type === "checkbox" ? "checked" : "value"] = now[field.type === "checkbox" ? "checked" : "value"];
  }
  if (kept) document.querySelector(kept)?.focus({ preventScroll: true });
  if (same) return;
  loads = 0;
  mark_arrived(before, marks);
  enhance();
}

// -- arrows move between the marks of the overview, and between bars --------------------------------

document.addEventListener("keydown", (event) => {
  const mark = event.target.closest?.("[data-roving]");
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
  if (!mark || !step || event.altKey || event.ctrlKey || event.metaKey) return;
  const group = `[data-roving="${CSS.escape(mark.dataset.roving)}"]`;
  const marks = [...document.querySelectorAll(group)].filter((one) => one.getClientRects().length);
  const next = marks[Math.min(Math.max(marks.indexOf(mark) + step, 0), marks.length - 1)];
  event.preventDefault();
  next.focus();
});

/** A selector that finds an element again after its part was replaced. */
function mark_of(element) {
  if (!element?.closest(LIVE)) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.name) return `[name="${element.name}"][value="${CSS.escape(element.value)}"]`;
  return null;
}

const ids = () => new Set([...document.querySelectorAll(".event")].map((event) => event.id));
const mark_ids = () => new Set([...document.querySelectorAll("[data-mark]")].map(({ dataset }) => dataset.mark));

function mark_arrived(events, marks) {
  for (const event of document.querySelectorAll(".event"))
    if (!events.has(event.id)) event.classList.add("arrived");
  if (marks.size || replay.playing) // a picture that was there
    for (const mark of document.querySelectorAll("[data-mark]"))
      if (!marks.has(mark.dataset.mark)) mark.classList.add("arrived");
}

/** Leave those values of a facet whose names have these letters. */
function find_values(field, letters) {
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const facet = field.closest("fieldset");
  for (const option of facet.querySelectorAll(".option:has(.label)"))
    option.hidden = !plain(option.querySelector(".label").textContent).includes(plain(letters));
  if (letters) facet.querySelector("details").open = true;
}

/** The state that the form says, without what is empty. */
function asked() {
  const pairs = [...new FormData(form)].filter(([, value]) => value.trim());
  const url = new URL(form.action);
  url.search = new URLSearchParams(pairs);
  return url;
}

/** Show what the form says, once it stays as it is for a moment. */
function soon(typed) {
  drop_what_waits();
  if (typed !== "replay") replay.stop();
  timer = setTimeout(() => go(asked(), { typed }), PAUSE);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey) return;
  if (event.shiftKey || event.altKey || link.target === "_blank" || link.hreflang) return;
  // In a picture, `href` is an object.
  const url = new URL(link.getAttribute("href"), document.baseURI);
  if (url.origin !== location.origin || url.pathname !== location.pathname) return;
  if (url.hash && url.search === location.search) return;
  event.preventDefault();
  if (link.rel === "next") return load_more(link);
  const opens = url.searchParams.get("event");
  if (!opens) return go(url, { focus: link.dataset.close === undefined ? null : opener() });
  opened_from = link.closest("[data-mark]");
  const to = timer ? asked() : url; // what is being typed goes along
  to.searchParams.set("event", opens);
  go(to, { focus: "#opened-title" });
});

/** Where the focus was before the event that is shown was opened: on its title, or on its mark. */
function opener() {
  const open = new URL(shown_at).searchParams.get("event");
  if (!open) return null;
  const in_overview = opened_from?.isConnected && opened_from.dataset.mark === open;
  return in_overview ? opened_from : `#event-${CSS.escape(open)} a.open`;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector("[data-close]")?.click();
});

// -- one event a screen: arrows, swipes, the whole screen ------------------------------------------

const [FORTH, BACK] = document.dir === "rtl" ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
const PRESENT_KEYS = { [FORTH]: "#to-next", PageDown: "#to-next", [BACK]: "#to-previous", PageUp: "#to-previous" };

function enhance_presentation() {
  if (!document.querySelector("#present")) return;
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const selector = event.key === "Escape" && !document.fullscreenElement ? "[data-leave]" : PRESENT_KEYS[event.key];
    const link = selector && document.querySelector(selector);
    if (!link) return;
    event.preventDefault();
    link.click();
  });
  let from = null;
  document.addEventListener("touchstart", ({ touches }) => (from = touches.length === 1 ? touches[0] : null), { passive: true });
  document.addEventListener("touchend", ({ changedTouches: [to] }) => {
    if (!from) return;
    const [x, y] = [to.clientX - from.clientX, to.clientY - from.clientY];
    const forth = document.dir === "rtl" ? x > 0 : x < 0;
    if (Math.abs(x) > MIN_SWIPE && Math.abs(x) > 2 * Math.abs(y))
      document.querySelector(forth ? "#to-next" : "#to-previous")?.click();
  });
  const button = document.querySelector("[data-full-screen]");
  if (!button) return;
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () =>
    document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
  );
}

addEventListener("popstate", ({ state }) =>
  go(location.href, { push: false, focus: opener(), scroll: state?.scroll ?? null }),
);

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(asked(), { focus: "#main", typed: "form" });
  });
  form.addEventListener("change", ({ target }) => {
    if (target.name && !target.closest("[data-replay]") && target.id !== "q") soon(target.name);
  });
  form.addEventListener("input", ({ target }) => {
    if (target.id === "q") soon("q");
    if (target.dataset.find !== undefined) find_values(target, target.value);
  });
}

/** Scroll to the event that a link opened, unless its mark is in sight, or it stands in place of the list. */
function show_opened() {
  if (!form || location.hash) return;
  const shown = [...document.querySelectorAll("[aria-current][data-mark], .event[aria-current]")];
  const [first] = shown.filter((one) => one.getClientRects().length);
  const { top, bottom } = first?.getBoundingClientRect() ?? {};
  if (first && (top < 0 || bottom > innerHeight)) first.scrollIntoView({ block: "center" });
}

// -- more events, as the end comes into view ------------------------------------------------------

async function load_more(link) {
  if (link.ariaBusy) return;
  link.ariaBusy = "true";
  const holder = document.querySelector("#events");
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const found = reader.parseFromString(await answer.text(), "text/html").querySelector("#events");
    if (!found) throw new Refused(answer.statusText);
    if (holder !== document.querySelector("#events")) return; // another state by now
    link.closest(".more").remove();
    // What was laid out keeps its height, and is laid out again only where it comes into view.
    for (const event of holder.querySelectorAll(".year > ol > li")) event.classList.add("settled");
    const last = holder.querySelector(".year:last-of-type");
    for (const part of found.querySelectorAll(":scope > .year, :scope > :has([rel=next])")) {
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
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting || target.ariaBusy) continue; // it may come into view again meanwhile
      loads += 1;
      load_more(target);
    }
  },
  { rootMargin: "1000000px 0px 600px" }, // also when it is behind: the End key leaps over it
);

function watch_end() {
  end.disconnect();
  const link = document.querySelector("a[rel=next]");
  if (!link || !form) return;
  const { total, more } = document.querySelector("#events").dataset;
  const number = Math.min(PAGE, total - ids().size).toLocaleString(`${document.documentElement.lang}-u-nu-latn`); // digits as the server writes them
  link.textContent = more.replace("{number}", number);
  if (loads < MAX_LOADS) end.observe(link); // in a frame that is as high as its page, all is in view
}

// -- the strip: what is on screen, and which event is open ----------------------------------------

/** Shade the stretch of the strip whose events are on screen. */
function shade_strip() {
  const shade = document.querySelector(".on-screen");
  if (!shade) return;
  const top = shade.parentElement.getBoundingClientRect().bottom;
  const starts = [];
  for (const track of document.querySelectorAll(".track")) {
    const { y, height } = track.getBoundingClientRect();
    if (height && y > top && y < innerHeight) starts.push(Number(track.dataset.start));
  }
  shade.hidden = !starts.length;
  if (shade.hidden) return;
  const first = Math.min(...starts);
  const bar = Number(document.querySelector("[data-strip] a").dataset.width);
  shade.style.left = `${first}%`;
  shade.style.width = `${Math.min(Math.max(...starts) + bar, 100) - first}%`;
}

let shading = null;
addEventListener("scroll", () => {
  shading ??= requestAnimationFrame(() => {
    shading = null;
    shade_strip();
  });
}, { passive: true });

/** Underline the open event in the strip. */
function show_open_in_strip(open_id) {
  const picture = document.querySelector("[data-strip] svg");
  picture?.querySelector(".open-event")?.remove();
  const track = open_id && document.querySelector(`#event-${CSS.escape(open_id)} .track`);
  if (!picture || !track) return;
  const line = document.createElementNS(picture.namespaceURI, "line");
  const ends = { class: "open-event", x1: `${track.dataset.start}%`, x2: `${track.dataset.end}%`, y1: "100%", y2: "100%" };
  for (const [name, value] of Object.entries(ends)) line.setAttribute(name, value);
  picture.append(line);
}

// -- the strip: drag over a stretch of time to zoom into it ---------------------------------------

function enhance_strip() {
  const strip = document.querySelector("[data-strip]");
  if (!strip) return;
  const bars = [...strip.querySelectorAll("a")];
  const brush = Object.assign(document.createElement("div"), { className: "brush", hidden: true });
  const shade = Object.assign(document.createElement("div"), { className: "on-screen", hidden: true });
  strip.append(shade, brush);
  shade_strip();
  const readout = document.querySelector(".readout");
  const read = (bar) => {
    readout.value = bar?.querySelector("title").textContent ?? "";
  };
  for (const kind of ["pointerdown", "pointermove"]) strip.addEventListener(kind, (event) => read(bars[at(event)]));
  strip.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && read(null)); // a finger hides it
  strip.addEventListener("focusin", ({ target }) => read(target.closest("a")));
  strip.addEventListener("focusout", () => read(null));
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
    if (!event.button) from = at(event);
  });
  strip.addEventListener("pointermove", (event) => {
    if (from === null || (brush.hidden && at(event) === from)) return;
    strip.setPointerCapture(event.pointerId); // also beyond its edges
    draw(from, at(event));
  });
  strip.addEventListener("dragstart", (event) => event.preventDefault());
  strip.addEventListener("pointerup", (event) => {
    const dragged = from !== null && !brush.hidden;
    const [first, last] = dragged ? draw(from, at(event)) : [];
    from = null;
    brush.hidden = true;
    if (!dragged) return; // a click is the link's
    const url = new URL(first.getAttribute("href"), document.baseURI);
    const start = first.dataset.window.split("/")[0];
    const finish = last.dataset.window.split("/").at(-1);
    url.searchParams.set("date", `${start}/${finish}`);
    go(url);
  });
}

// -- the map: drag over a part of it to find the events there -------------------------------------

function enhance_map() {
  for (const map of document.querySelectorAll("svg[data-box]")) {
    const [west, south, east, north] = map.dataset.box.split(",").map(Number);
    const { width, height } = map.viewBox.baseVal;
    const box = document.createElementNS(map.namespaceURI, "rect");
    box.classList.add("box");
    let from = null;

    const at = ({ clientX, clientY }) => {
      const place = new DOMPoint(clientX, clientY).matrixTransform(map.getScreenCTM().inverse());
      return [Math.min(Math.max(place.x, 0), width), Math.min(Math.max(place.y, 0), height)];
    };
    const sides = (event) => {
      const [x, y] = at(event);
      return [Math.min(x, from[0]), Math.min(y, from[1]), Math.max(x, from[0]), Math.max(y, from[1])];
    };
    map.addEventListener("pointerdown", (event) => {
      if (!event.button && event.pointerType === "mouse") from = at(event);
    });
    map.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [left, top, right, bottom] = sides(event);
      if (!box.isConnected && right - left + bottom - top < 8) return;
      map.setPointerCapture(event.pointerId);
      map.append(box);
      for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) box.setAttribute(name, value);
    });
    map.addEventListener("dragstart", (event) => event.preventDefault());
    map.addEventListener("pointerup", (event) => {
      const [left, top, right, bottom] = from ? sides(event) : [];
      const dragged = box.isConnected;
      from = null;
      box.remove();
      if (!dragged) return; // a click is the link's
      const url = new URL(shown_at, document.baseURI);
      const corners = [[left, bottom], [right, top]].flatMap(([x, y]) => [west + ((east - west) * x) / width, north - ((north - south) * y) / height]);
      url.searchParams.set("bbox", corners.map((degrees) => Number(degrees.toFixed(3))).join());
      for (const name of ["cursor", "event"]) url.searchParams.delete(name);
      go(url);
    });
  }
}

// -- the replay: how the story became known -------------------------------------------------------

function enhance_replay() {
  const holder = document.querySelector("[data-replay]");
  if (!holder || replay.playing) return;
  const [slider, output, button] = ["input", "output", "button"].map((n) => holder.querySelector(n));
  const steps = [...holder.querySelectorAll("li")].map((item) => ({ day: item.dataset.day, words: item.textContent }));
  const last = steps.length - 1; // behind the last day: all that is known
  const field = form.elements.namedItem("known_by");

  /** Say in words which day the slider stands at, and return it. */
  const tell = () => {
    output.value = slider.ariaValueText = steps[slider.value].words;
    return steps[slider.value].day;
  };
  const bar = document.querySelector("#playing");
  const stop = () => {
    clearTimeout(replay.playing);
    replay.playing = null;
    button.textContent = button.dataset.start;
    bar.hidden = true;
  };
  const play = async () => {
    field.value = tell();
    bar.firstElementChild.value = output.value;
    await go(asked(), { typed: "replay" });
    if (!replay.playing) return;
    if (Number(slider.value) >= last) return stop();
    replay.playing = setTimeout(() => {
      slider.value = Number(slider.value) + 1;
      play();
    }, STEP);
  };

  replay = { playing: null, stop };
  slider.addEventListener("input", () => {
    stop();
    field.value = tell();
    soon("replay");
  });
  button.addEventListener("click", () => {
    if (replay.playing) return stop();
    form.hidePopover(); // on a phone it hides what is replayed
    button.textContent = button.dataset.stop;
    bar.hidden = false;
    bar.lastElementChild.onclick = stop;
    slider.value = 0;
    replay.playing = true;
    play();
  });
  const later = steps.findIndex((step) => step.day > field.value);
  slider.value = field.value === "" ? last : Math.max(0, (later < 0 ? last : later) - 1);
  holder.hidden = false;
  tell();
}

// -- to be copied, and to be framed ---------------------------------------------------------------

document.documentElement.classList.toggle("copies", !!navigator.clipboard);

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  const { copy, done } = button.dataset; // a text, or the field that has it
  await navigator.clipboard.writeText(copy.startsWith("#") ? document.querySelector(copy).value : copy);
  const label = button.textContent;
  button.textContent = done;
  setTimeout(() => (button.textContent = label), COPIED);
});

/** Write the embed code as it is chosen, and show what it shows. */
function enhance_builder() {
  const builder = document.querySelector("[data-builder]");
  if (!builder) return;
  const [code, frame] = [document.querySelector("#code"), builder.querySelector("iframe")];
  const plain = code.value;
  const build = () => {
    const field = (name) => builder.querySelector(`#embed-${name}`);
    const chosen = (name) => (field(name).checkValidity() && field(name).value !== field(name).defaultValue ? field(name).value : "");
    const looks = { view: field("view").value, theme: field("theme").value, height: chosen("height") };
    const accent = chosen("accent") && `--dateline-accent: ${chosen("accent")}`;
    const width = chosen("width") && `max-inline-size: ${chosen("width")}px`;
    const pairs = Object.entries({ ...looks, style: [width, accent].filter(Boolean).join("; ") }).filter(([, value]) => value);
    const attributes = pairs.map(([name, value]) => ` ${name}="${value}"`).join("");
    code.value = plain.replace(/<date-line src="[^"]*"/, (start) => start + attributes);
    const url = new URL(frame.dataset.src, document.baseURI);
    for (const name of ["view", "theme"]) if (looks[name]) url.searchParams.set(name, looks[name]);
    if (frame.src !== url.href) frame.src = url.href;
    frame.style.inlineSize = chosen("width") && `${chosen("width")}px`;
    frame.height = looks.height || field("height").defaultValue;
    const variables = accent ? { "--dateline-accent": chosen("accent") } : {};
    builder.dress = () => frame.contentWindow.postMessage({ dateline: "theme", variables }, location.origin);
    if (frame.dataset.ready) builder.dress();
  };
  builder.addEventListener("input", build);
  build();
}

addEventListener("message", ({ source, data }) => {
  const builder = document.querySelector("[data-builder]");
  const frame = builder?.querySelector("iframe");
  if (source !== frame?.contentWindow || data?.dateline !== "ready") return;
  frame.dataset.ready = "true";
  builder.dress();
});

/** Tell the page around how high this one is, and take its theme: variables, never rules.
 *
 * Unless a theme is asked for, a paper settles whether the colours that are not given are light or dark.
 */
function enhance_frame() {
  if (parent === window || form) return;
  const tell = () => parent.postMessage({ dateline: "height", height: document.body.scrollHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
  addEventListener("message", ({ source, data }) => {
    if (source !== parent) return;
    if (data?.dateline === "ask") tell();
    if (data?.dateline === "theme" && typeof data.heading === "string") {
      const heading = document.querySelector("h1");
      heading.textContent = data.heading;
      heading.hidden = !data.heading;
    }
    if (data?.dateline !== "theme") return;
    for (const [name, value] of Object.entries(data.variables ?? {}))
      if (/^--dateline-[a-z-]+$/.test(name)) document.documentElement.style.setProperty(name, value);
    if (data.variables?.["--dateline-paper"]) document.documentElement.dataset.theme ||= scheme_of_paper();
    tell(); // the observer sleeps while the frame is out of sight
  });
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("[data-mark], .open");
    const event = link && new URL(link.getAttribute("href"), document.baseURI).searchParams.get("event");
    if (event) parent.postMessage({ dateline: "select", event }, "*");
  });
  parent.postMessage({ dateline: "ready", title: document.title }, "*");
}

/** The scheme whose ink can be read on the paper; none where one sees through it. */
function scheme_of_paper() {
  const swatch = document.body.appendChild(document.createElement("span"));
  swatch.style.color = "oklch(from var(--paper) l 0 0)";
  const told = getComputedStyle(swatch).color; // oklch(0.98 0 0), or oklch(0.98 0 0 / 0.5)
  swatch.remove();
  if (told.includes("/")) return "";
  return parseFloat(told.slice("oklch(".length)) > 0.6 ? "light" : "dark";
}

/** What has to be done again for parts that are new. */
function enhance() {
  enhance_strip();
  enhance_map();
  enhance_replay();
  enhance_builder();
  watch_end();
}

document.documentElement.classList.add("enhanced");
enhance();
enhance_frame();
enhance_presentation();
show_opened();
