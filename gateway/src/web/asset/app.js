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
  if (event.defaultPrevented) return;
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "yes";
});
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
