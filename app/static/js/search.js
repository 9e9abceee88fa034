// The client search in the header: suggestions while typing, keyboard only if wished, "/" to get there.
(function () {
  "use strict";


  document.querySelectorAll("[data-suggest]").forEach((field) => {
    const list = document.getElementById(field.getAttribute("aria-controls"));
    let timer = null;
    let request = null;
    const options = () => [...list.querySelectorAll('[role="option"]')];
    const close = () => {
      list.hidden = true;
      field.setAttribute("aria-expanded", "false");
      field.removeAttribute("aria-activedescendant");
    };
    const mark = (index) => {
      options().forEach((option, place) => {
        option.id = "client-hit-" + place;
        option.setAttribute("aria-selected", String(place === index));
        if (place === index) {
          field.setAttribute("aria-activedescendant", option.id);
          option.scrollIntoView({ block: "nearest" });
        }
      });
      if (index < 0) field.removeAttribute("aria-activedescendant");
    };
    const find = async () => {
      const text = field.value.trim();
      if (request) request.abort();
      if (text.length < 2) { close(); return; }
      request = new AbortController();
      const address = new URL(field.dataset.suggest, window.location.href);
      address.searchParams.set("q", text);
      try {
        const answer = await fetch(address, { headers: { "HX-Request": "true" }, signal: request.signal });
        if (!answer.ok) { close(); return; }
        list.innerHTML = await answer.text();
      } catch { return; }
      list.hidden = false;
      field.setAttribute("aria-expanded", "true");
      mark(-1);
    };
    field.addEventListener("input", () => { window.clearTimeout(timer); timer = window.setTimeout(find, 180); });
    field.addEventListener("focus", () => { if (list.childElementCount && field.value.trim().length > 1) list.hidden = false; });
    field.addEventListener("keydown", (event) => {
      const all = options();
      const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
      if (event.key === "Escape") close();
      if (list.hidden || !all.length) return;
      if (event.key === "ArrowDown") { event.preventDefault(); mark((at + 1) % all.length); }
      if (event.key === "ArrowUp") { event.preventDefault(); mark(at <= 0 ? all.length - 1 : at - 1); }
      if (event.key === "Enter" && at >= 0) { event.preventDefault(); all[at].click(); }
    });
    field.addEventListener("blur", () => window.setTimeout(close, 200));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
    const field = document.getElementById("client-search");
    if (field) { event.preventDefault(); field.focus(); field.select(); }
  });
})();
