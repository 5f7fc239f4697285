// Consent, messages, goals, the brake, and logging out.
import { get, post, put } from "./api.js";
import { button, card, el, show, tell } from "./dom.js";
import { waitingKeys, wipe } from "./records.js";
import { emergency } from "./screens.js";
import { t } from "./texts.js";

const PURPOSES = ["monitoring", "titration", "research"];

export async function consent(onSaved) {
  const place = el("div");
  const agreed = await get("/v1/consent");
  const form = el("form", { class: "card" }, el("h2", {}, t("consentTitle")),
    el("p", {}, t("consentText")),
    ...PURPOSES.map((purpose) => el("label", { class: "check" }, el("input", { type: "checkbox",
      name: "purpose", value: purpose, checked: agreed.purposes.includes(purpose) }), t(purpose))),
    el("button", { class: "wide" }, t("save")), place);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const purposes = [...form.querySelectorAll("input:checked")].map((box) => box.value);
    await attempt(place, async () => {
      await put("/v1/consent", { purposes });
      onSaved?.();
    });
  });
  return form;
}

export async function more(onLogout) {
  const place = el("div");
  const [consentForm, goals, messages, waiting] = await Promise.all([consent(),
    get("/v1/goals"), get("/v1/messages"), waitingKeys()]);
  show(el("h2", {}, t("more")),
    waiting.length ? el("p", {}, `${t("waitingUploads")} ${waiting.length}`) : null,
    goalCard(goals.items, place, () => more(onLogout)),
    messageCard(messages.items, () => more(onLogout)),
    consentForm,
    card("", button(t("stopAll"), () => brake("/v1/halt", place), "danger wide"),
      button(t("resume"), () => brake("/v1/resume", place), "second wide"), place),
    button(t("logout"), async () => { await wipe(); onLogout(); }, "danger wide"));
}

function goalCard(goals, place, again) {
  if (!goals.length) return null;
  const answer = (goal, choice) => attempt(place, async () => {
    await post(`/v1/goals/${goal.goal_id}/answer`, { answer: choice });
    await again();
  });
  return card("", el("h2", {}, t("goals")), ...goals.map((goal) => el("div", {},
    el("p", {}, goal.text),
    goal.awaits_patient ? el("div", {}, button(t("agree"), () => answer(goal, "agree")), " ",
      button(t("noAgree"), () => answer(goal, "decline"), "second")) : null)));
}

function messageCard(messages, again) {
  const place = el("div");
  const text = el("textarea", { id: "message", rows: "3", maxlength: "2000" });
  const send = () => attempt(place, async () => {
    if (!text.value.trim()) return;
    await post("/v1/messages", { text: text.value });
    await again();
  });
  return card("", el("h2", {}, t("messages")),
    ...messages.slice(-5).map((message) => el("p", {}, message.text)),
    el("label", { for: "message" }, t("write")), text, button(t("sendMessage"), send),
    el("p", { class: "quiet" }, `${t("notEmergency")} ${emergency()}.`), place);
}

const brake = (path, place) => attempt(place, async () => {
  await post(path, {});
  tell(place, t("stored"), "quiet");
});

async function attempt(place, work) {
  try {
    await work();
  } catch (problem) {
    tell(place, problem.code ? problem.message : t("failed"));
  }
}
