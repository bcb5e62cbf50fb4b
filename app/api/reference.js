// Swagger UI over this server's document, and what it leaves out for keyboards and screen readers.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const page = document.querySelector("main");
const levels = [["h3.opblock-tag", 2], ["h4", 3], ["h5", 4]];

// Its summaries are buttons with a link inside, which is one control too many.
function mend() {
  for (const link of page.querySelectorAll(".opblock-summary-control a[href]")) {
    link.removeAttribute("href");
  }
  for (const [headings, level] of levels) {
    for (const heading of page.querySelectorAll(`${headings}:not([aria-level])`)) {
      heading.setAttribute("aria-level", level);
    }
  }
  const fields = "input:not([aria-label]), select:not([aria-label]), textarea:not([aria-label])";
  for (const field of page.querySelectorAll(fields)) {
    const row = field.closest("[data-param-name]");
    const name = row ? row.dataset.paramName : field.closest(".servers") ? "Server" : "Value";
    field.setAttribute("aria-label", name);
  }
  for (const button of page.querySelectorAll(".copy-to-clipboard button:not([aria-label])")) {
    button.setAttribute("aria-label", "Copy");
  }
  for (const block of page.querySelectorAll("pre:not([tabindex])")) block.tabIndex = 0;
}

let waiting = false;
new MutationObserver(() => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; mend(); });
}).observe(page, { childList: true, subtree: true });

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
