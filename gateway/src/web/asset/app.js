// What pages do beyond their forms. Everything here is an addition: without it they work, and are not live.
"use strict";

// --- Times: the exact one on tap ---------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const time = event.target.closest("time[title]");
  if (!time || time.closest("a, button")) return;
  const words = time.textContent;
  time.textContent = time.title;
  time.title = words;
});

// --- A button works once -----------------------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  if (form.dataset.keep && form.method === "post") {
    event.preventDefault();
    send(form);
  }
});

// --- What is typed outlives the line -----------------------------------------------------------------------------

// Passwords, PINs and codes are never kept; nothing is sent by itself.
const kept = (field) => field.name && !["hidden", "password", "submit"].includes(field.type) && field.autocomplete !== "one-time-code";
const who = () => document.querySelector(".who")?.textContent || "";
const drawer = (name) => `draft ${who()} ${name}`;

function draft(form) {
  const values = [...form.elements].filter((field) => kept(field) && (field.type !== "radio" || field.checked)).map((field) => [field.name, field.value]);
  try { localStorage.setItem(drawer(form.dataset.keep), JSON.stringify(values)); } catch { /* No room, or not allowed. */ }
}

function restore(form) {
  let values = [];
  try { values = JSON.parse(localStorage.getItem(drawer(form.dataset.keep)) || "[]"); } catch { /* Not ours. */ }
  for (const [name, value] of values) {
    for (const field of form.elements) {
      if (field.name !== name || !kept(field)) continue;
      if (field.type === "radio") field.checked = field.value === value;
      else if (!field.value) field.value = value;
    }
  }
}

// What was sent is over: the page that follows says so.
function clear() {
  for (const done of document.querySelectorAll("[data-clears]")) {
    const start = drawer(done.dataset.clears);
    for (const key of Object.keys(localStorage)) if (key.startsWith(start)) localStorage.removeItem(key);
  }
}

function notSent(form, isDown) {
  let note = form.querySelector(".unsent");
  if (!note && isDown) {
    note = document.createElement("p");
    note.className = "note attention unsent";
    note.setAttribute("role", "alert");
    form.prepend(note);
  }
  if (note) note.textContent = isDown ? "Not yet sent: there is no connection. What you typed is kept. Send it again when the connection is back." : "";
  if (note && !isDown) note.remove();
}

// A form is sent over a line that is there, or stays as it is.
async function send(form) {
  draft(form);
  try {
    await fetch("/login", { method: "GET", cache: "no-store", redirect: "manual" });
  } catch {
    delete form.dataset.sent;
    notSent(form, true);
    return;
  }
  notSent(form, false);
  form.submit();
}

try { clear(); } catch { /* Nothing is kept where that is not allowed. */ }
for (const form of document.querySelectorAll("form[data-keep]")) {
  restore(form);
  form.addEventListener("input", () => draft(form));
}
// Back from the page that followed: the form may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// --- Live parts --------------------------------------------------------------------------------------------------

const line = document.getElementById("line");
let down = 0;

function said(isDown) {
  clearTimeout(down);
  if (!line) return;
  if (isDown) down = setTimeout(() => { line.hidden = false; }, 3000);
  else line.hidden = true;
}

// A row whose words changed flashes once.
function mark(before, after) {
  const old = new Map();
  for (const row of before.querySelectorAll("[data-key]")) old.set(row.dataset.key, row.textContent);
  for (const row of after.querySelectorAll("[data-key]")) {
    if (old.get(row.dataset.key) !== row.textContent) row.classList.add("changed");
  }
}

// Focus stays where it was, as far as the part still has that place.
function place(part) {
  const at = document.activeElement;
  if (!at || !part.contains(at)) return null;
  const same = [...part.querySelectorAll("a, button, input")].filter((one) => one.href === at.href && one.name === at.name);
  return { href: at.href, name: at.name, index: same.indexOf(at) };
}

async function renew(part) {
  if (part.dataset.busy) {
    part.dataset.again = "yes";
    return;
  }
  part.dataset.busy = "yes";
  try {
    const answer = await fetch(part.dataset.live, { headers: { accept: "text/html" }, redirect: "manual" });
    if (answer.status === 401 || answer.type === "opaqueredirect") {
      location.reload();
      return;
    }
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    if (!fresh) return;
    // Somebody types in it: not now.
    const at = document.activeElement;
    if (at && part.contains(at) && at.matches("input, textarea, select")) return;
    const was = place(part);
    mark(part, fresh);
    const again = part.dataset.again;
    part.replaceWith(fresh);
    if (was) {
      const same = [...fresh.querySelectorAll("a, button, input")].filter((one) => one.href === was.href && one.name === was.name);
      same[was.index]?.focus();
    }
    document.dispatchEvent(new CustomEvent("renewed"));
    if (again) renew(fresh);
  } catch {
    said(true);
  } finally {
    delete part.dataset.busy;
  }
}

function renewFor(topics) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const of = (part.dataset.topics || "").split(" ");
    if (topics.some((topic) => of.includes(topic))) renew(part);
  }
}

function listen() {
  if (!document.querySelector("[data-live]") || !window.EventSource) return;
  let lost = false;
  const events = new EventSource("/events");
  events.onopen = () => {
    said(false);
    // What was missed while the line was down.
    if (lost) for (const part of document.querySelectorAll("[data-live]")) renew(part);
    lost = false;
  };
  events.onmessage = (event) => renewFor(event.data.split(" "));
  events.onerror = () => {
    lost = true;
    said(true);
    // Refused for good: asking for a part says why.
    if (events.readyState === EventSource.CLOSED) for (const part of document.querySelectorAll("[data-live]")) renew(part);
  };
  addEventListener("pagehide", () => events.close());
}

listen();
// A page that comes back from memory may show what was long ago, or to whom nobody is signed in any more.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
