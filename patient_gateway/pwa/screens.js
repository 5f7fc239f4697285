// Today, measuring, symptoms, and what to do when something is wrong.
import { get, post, upload } from "./api.js";
import { button, card, el, show, tell } from "./dom.js";
import { language, t } from "./texts.js";

const RED_FLAGS = ["chest_pain", "breathlessness", "weakness_or_speech", "severe_headache",
  "vision_loss", "confusion", "face_swelling"];
const OTHER = ["syncope", "dizziness", "fall", "palpitations", "vomiting_or_diarrhoea", "cough",
  "ankle_swelling", "fatigue"];
let emergencyNumber = "112";

export const emergency = () => emergencyNumber;
export const callLink = () => el("a", { class: "call", href: `tel:${emergencyNumber}` }, `${t("call")} ${emergencyNumber}`);

export function localInstant(date = new Date()) {
  const pad = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const shifted = new Date(date.getTime() + offset * 60000).toISOString().slice(0, 19);
  return `${shifted}${offset < 0 ? "-" : "+"}${pad(offset / 60)}:${pad(offset % 60)}`;
}

export function alarmCard(alarm) {
  if (!alarm) return null;
  return el("div", { role: "alert" }, card("critical", el("h2", {}, alarm.title),
    ...alarm.instructions.map((line) => el("p", {}, line)),
    alarm.urgency === "emergency" ? callLink() : null));
}

export async function today() {
  let plan;
  try {
    plan = await get("/v1/plan");
  } catch (problem) {
    show(el("p", { class: "wrong" }, problem.code ? problem.message : t("offline")));
    return;
  }
  emergencyNumber = plan.emergency_number;
  const date = (text) => new Date(text).toLocaleDateString(language(), { dateStyle: "full" });
  show(el("h2", {}, t("home")),
    plan.simulated ? el("p", { class: "simulated" }, t("simulated")) : null,
    plan.halted ? card("", el("p", {}, t("halted"))) : null,
    ...plan.advice.map(adviceCard),
    el("h2", {}, t("medicines")),
    ...(plan.medicines.length ? plan.medicines.map(medicineCard) : [el("p", {}, t("noMedicines"))]),
    plan.asked.length ? card("", el("h2", {}, t("asked")),
      el("ul", {}, ...plan.asked.map((asked) => el("li", {}, asked.text)))) : null,
    plan.next_visit ? card("", el("p", {}, `${t("nextVisit")}: ${date(plan.next_visit)}`)) : null);
}

function tabletWord(count) {
  return t(["1", "1/2"].includes(String(count)) ? "tablet" : "tablets");
}

function medicineCard(medicine) {
  const place = el("div");
  const count = medicine.tablets_per_intake
    ? `${medicine.tablets_per_intake} ${tabletWord(medicine.tablets_per_intake)} ${t("tabletsOf")} ${medicine.tablet_strength}` : "";
  const record = async (taken) => {
    const item = { client_id: crypto.randomUUID(), drug: medicine.drug, taken,
      intake_dose: medicine.intake_dose, taken_at: localInstant() };
    await attempt(place, () => upload("/v1/doses", item));
  };
  return card("", el("p", { class: "big" }, `${medicine.name} ${medicine.intake_dose}`),
    el("p", { class: "quiet" }, [count, medicine.times.map(t).join(", ")].filter(Boolean).join(" · ")),
    medicine.paused ? el("p", { class: "wrong" }, t("paused"))
      : el("div", {}, button(t("taken"), () => record(true)), " ", button(t("notTaken"), () => record(false), "second")),
    place);
}

function adviceCard(advice) {
  const place = el("div");
  const tick = el("input", { type: "checkbox", id: `read-${advice.advice_id}` });
  const accept = button(t("accept"), () => answer("accept"), "wide");
  accept.disabled = true;
  tick.addEventListener("change", () => { accept.disabled = !tick.checked; });
  const key = crypto.randomUUID();
  const answer = async (choice) => {
    accept.disabled = true;
    try {
      await post(`/v1/advice/${advice.advice_id}/answer`, { answer: choice }, `${key}-${choice}`);
      tell(place, t("answered"), "quiet");
      setTimeout(today, 1500);
    } catch (problem) {
      tell(place, problem.code ? problem.message : t("failed"));
      accept.disabled = !tick.checked;
    }
  };
  return card("advice", el("h2", {}, t("advice")),
    ...advice.changes.map((change) => el("p", { class: "big" }, change.text)),
    el("p", {}, t("readBack")),
    el("label", { class: "check", for: tick.id }, tick, advice.read_back),
    accept, button(t("decline"), () => answer("decline"), "second wide"), place);
}

async function attempt(place, work) {
  try {
    const answer = await work();
    if (answer === null) return tell(place, t("queued"), "quiet");
    const refused = answer.items.find((item) => item.status === "refused");
    if (refused) return tell(place, refused.problem.title);
    place.replaceChildren(el("p", { class: "quiet", role: "status" }, t("stored")), alarmCard(answer.alarm) ?? "");
  } catch (problem) {
    tell(place, problem.code ? problem.message : t("failed"));
  }
}

export function measure() {
  const place = el("div");
  show(el("h2", {}, t("measure")), el("p", {}, t("rest")), readingForm("first", place, countDown), place);
}

function readingForm(name, place, next) {
  const field = (id) => el("div", {}, el("label", { for: id }, t(id)),
    el("input", { id, class: "number", inputmode: "numeric", maxlength: "3", autocomplete: "off" }));
  const form = el("form", { class: "card" }, el("h2", {}, t(name)),
    el("div", { class: "row" }, field("systolic"), field("diastolic"), field("pulse")),
    el("button", { class: "wide" }, t("saveReading")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const number = (id) => Number.parseInt(form.querySelector(`#${id}`).value, 10);
    const [systolic, diastolic, pulse] = ["systolic", "diastolic", "pulse"].map(number);
    if (!(systolic > diastolic)) return tell(place, t("check"));
    form.querySelector("button").disabled = true;
    await attempt(place, () => upload("/v1/readings", { client_id: crypto.randomUUID(), systolic,
      diastolic, unit: "mm[Hg]", pulse: Number.isNaN(pulse) ? null : pulse,
      taken_at: localInstant(), source: "typed" }));
    if (place.querySelector(".wrong")) form.querySelector("button").disabled = false;
    else next?.(form, place);
  });
  return form;
}

function countDown(form, place) {
  const until = Date.now() + 60000;
  const clock = el("p", { class: "big", role: "timer" });
  form.replaceWith(clock);
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (!clock.isConnected) return;
    if (left <= 0) return clock.replaceWith(readingForm("second", place));
    clock.textContent = `${t("waitMinute")} ${left} ${t("seconds")}`;
    setTimeout(tick, 250);
  };
  tick();
}

export function symptoms() {
  const place = el("div");
  const boxes = (names) => names.map((name) => el("label", { class: "check" },
    el("input", { type: "checkbox", name: "symptom", value: name }), t(name)));
  const form = el("form", {},
    card("critical", el("p", {}, t("redFlags")), callLink(), ...boxes(RED_FLAGS)),
    card("", el("h2", {}, t("otherSymptoms")), ...boxes(OTHER)),
    el("button", { class: "wide" }, t("report")), place);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const box of form.querySelectorAll("input:checked")) {
      await attempt(place, () => upload("/v1/symptoms", { client_id: crypto.randomUUID(),
        symptom: box.value, reported_at: localInstant(), open: true }));
      box.checked = false;
    }
  });
  show(el("h2", {}, t("symptomsTitle")), form);
}
