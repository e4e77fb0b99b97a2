// Shows the API's description with Swagger UI, whose faults of accessibility are mended here: controls without a name,
// texts that scroll but cannot be reached by keyboard, links inside buttons, and a dialog that takes no focus.

const NAMES = [
  ["select#servers", () => "Server"],
  [".examples-select-element", () => "Example"],
  ["textarea.body-param__text", () => "Request body"],
  [".close-modal", () => "Close"],
  ['button.auth[aria-label="Apply credentials"]', () => "Authorize: apply credentials"],
  ['button.auth[aria-label="Remove authorization"]', () => "Logout: remove authorization"],
  ["tr[data-param-name] :is(select, input, textarea):not([type=hidden])", parameterName],
  [".body-param select", () => "Media type"],
];

followColorScheme();
mendWhatIsShown();
void show();

/** What is tried goes to where the page comes from, by whatever name the service was reached. */
async function show() {
  const response = await fetch("openapi.json");
  const description = await response.json();
  const address = new URL(".", location.href).href.replace(/\/$/, "");
  SwaggerUIBundle({
    spec: { ...description, servers: [{ url: address }] },
    dom_id: "#page",
    deepLinking: true,
    validatorUrl: null,
    queryConfigEnabled: false,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    plugins: [plainPaths],
  });
}

function followColorScheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  apply();
  dark.addEventListener("change", apply);
}

/** Swagger UI makes an operation's path a link inside the button that opens it. */
function plainPaths({ React }) {
  return {
    components: { DeepLink: ({ text }) => React.createElement("span", { className: "nostyle" }, text) },
  };
}

function mendWhatIsShown() {
  let isQueued = false;
  let dialog = null;
  const mend = () => {
    isQueued = false;
    dialog = focusOnOpening(dialog);
    for (const text of document.querySelectorAll("pre")) text.tabIndex = 0;
    for (const [selector, nameOf] of NAMES) {
      for (const control of document.querySelectorAll(selector)) {
        const hasOwn = control.hasAttribute("aria-label") || control.labels?.length;
        if (!hasOwn || /^(button|select#)/.test(selector))
          control.setAttribute("aria-label", nameOf(control));
      }
    }
  };
  const changes = new MutationObserver(() => {
    if (!isQueued) requestAnimationFrame(mend);
    isQueued = true;
  });
  changes.observe(document.getElementById("page"), { childList: true, subtree: true });
}

/** Puts the focus into the first field of the dialog of Authorize when it opens. */
function focusOnOpening(before) {
  const dialog = document.querySelector(".dialog-ux");
  if (dialog && dialog !== before) dialog.querySelector(".auth-container input")?.focus();
  return dialog;
}

function parameterName(control) {
  return control.closest("tr").dataset.paramName;
}
