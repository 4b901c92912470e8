"use strict";
// Shows later lines and the time until a restart, and loads the page again when
// there is another one: this, or the service's own.
const root = document.documentElement, log = document.querySelector("pre"), until = document.querySelector("time");
async function look() {
  if (!document.hidden) {
    try {
      const options = { headers: { "X-Devports-Page": root.dataset.version }, cache: "no-store", redirect: "manual" };
      const now = await (await fetch(location.href, options)).json();
      if (now.version !== root.dataset.version) return location.reload();
      const text = (now.lines || []).join("\n");
      if (log && text && log.textContent !== text) log.textContent = text;
    } catch { /* the front restarts */ }
  }
  setTimeout(look, Number(root.dataset.poll));
}
function count() {
  const left = Math.ceil((Date.parse(until.dateTime) - Date.now()) / 1000);
  until.textContent = left > 0 ? "in " + left + " s" : "now";
  setTimeout(count, 250);
}
if (until) count();
setTimeout(look, Number(root.dataset.poll));
