// Choosing all rows that a list has found, beyond those of its page. kontor.js keeps the ticks;
// this says which buttons are meant for the page and which for all, and tells the server.
(function () {
  "use strict";

  const field = document.querySelector("[data-all-field]");
  if (!field) return;
  const rows = () => [...document.querySelectorAll("[data-check-row]")];
  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
  let all = false;

  function show() {
    const whole = rows().length > 0 && rows().every((box) => box.checked);
    if (!whole) all = false;
    field.disabled = !all;
    each("[data-all-offer]", (line) => { line.hidden = !whole || all; });
    each("[data-all-chosen]", (line) => { line.hidden = !all; });
    each("[data-all-only]", (part) => { part.hidden = !all; });
    each("[data-page-only]", (part) => { part.hidden = all; });
  }

  function tickPage(ticked) {
    const head = document.querySelector("[data-check-all]");
    head.checked = ticked;
    head.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    if (target.closest("[data-all-choose]")) {
      tickPage(true);
      all = true;
    }
    if (target.closest("[data-all-less]")) all = false;
    show();
  });
  document.addEventListener("change", show);
  show();
})();
