// Start here: which screen, which language, and sending what waits.
import { enrol, flush } from "./api.js";
import { el, show, tell } from "./dom.js";
import { consent, more } from "./more.js";
import { keep, kept } from "./records.js";
import { alarmCard, measure, symptoms, today } from "./screens.js";
import { language, switchLanguage, t } from "./texts.js";

const SCREENS = { home: today, measure, symptoms, more: () => more(start) };
let current = "home";

async function open(name) {
  current = name;
  drawTabs();
  try {
    await SCREENS[name]();
  } catch (problem) {
    if (problem.status === 401) return signedOut();
    show(el("p", { class: "wrong" }, problem.code ? problem.message : t("offline")));
  }
}

function drawTabs() {
  const tabs = document.getElementById("tabs");
  tabs.hidden = false;
  tabs.replaceChildren(...Object.keys(SCREENS).map((name) => el("button", { type: "button",
    "aria-current": name === current ? "page" : null, onclick: () => open(name) }, t(name))));
}

function drawFrame() {
  document.documentElement.lang = language();
  document.title = t("title");
  document.getElementById("title").textContent = t("title");
  document.getElementById("language").textContent = t("other");
  const offline = document.getElementById("offline");
  offline.textContent = t("offline");
  offline.hidden = navigator.onLine;
}

async function sendWaiting() {
  if (!navigator.onLine || !(await kept("session"))) return;
  const answers = await flush();
  const alarm = answers.map((answer) => answer.alarm).find(Boolean);
  if (alarm) document.getElementById("screen").prepend(alarmCard(alarm));
}

// The session ended; what waits stays here until the same patient connects this phone again.
async function signedOut() {
  await keep("session", undefined);
  await start();
}

function enrolScreen() {
  document.getElementById("tabs").hidden = true;
  const place = el("div");
  const code = el("input", { id: "code", type: "text", autocomplete: "off", autocapitalize: "characters", maxlength: "32" });
  const model = el("input", { id: "model", type: "text", autocomplete: "off", maxlength: "120" });
  const ticked = (name) => el("input", { type: "checkbox", id: name });
  const [validated, fits] = [ticked("validated"), ticked("cuffFits")];
  const form = el("form", { class: "card" }, el("h2", {}, t("enrol")),
    el("label", { for: "code" }, t("code")), code,
    el("label", { for: "model" }, t("monitor")), model,
    el("label", { class: "check" }, validated, t("validated")),
    el("label", { class: "check" }, fits, t("cuffFits")),
    el("button", { class: "wide" }, t("connect")), place);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      // What is not ticked is not known: it is left out, never sent as "no".
      await enrol(code.value.trim(), {
        model: model.value.trim() || "unknown monitor",
        ...(validated.checked ? { validated: true } : {}),
        ...(fits.checked ? { cuff_fits: true } : {}),
      });
      show(await consent(() => open("home")));
    } catch (problem) {
      tell(place, problem.code ? problem.message : t("failed"));
    }
  });
  show(form);
}

async function start() {
  drawFrame();
  if (!(await kept("session"))) return enrolScreen();
  await sendWaiting();
  await open(current);
}

document.getElementById("language").addEventListener("click", () => { switchLanguage(); start(); });
addEventListener("online", () => { drawFrame(); sendWaiting(); });
addEventListener("offline", drawFrame);
navigator.serviceWorker?.register("/app/sw.js", { scope: "/app/" });
start();
