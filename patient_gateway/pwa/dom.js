// Elements are made from text only: nothing that came over the network is ever parsed as HTML.
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

export const button = (text, onclick, className = "") =>
  el("button", { type: "button", class: className, onclick }, text);

export const card = (className, ...children) => el("section", { class: `card ${className}` }, ...children);

export function show(...children) {
  const screen = document.getElementById("screen");
  screen.replaceChildren(...children.filter((child) => child != null));
  screen.focus({ preventScroll: true });
  scrollTo(0, 0);
}

export const tell = (place, text, className = "wrong") =>
  place.replaceChildren(el("p", { class: className, role: "alert" }, text));
