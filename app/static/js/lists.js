// Lists: pages that open as dialogs, columns put in order, filters under the headings, and the keys
// that lead from one record to the next. Without this file all of it works as pages of its own.
(function () {
  "use strict";

  const { make, on } = window.kontor;

  // Dialogs -----------------------------------------------------------------------------------------
  // <a href="…" data-dialog> shows the form of that page in a dialog; sent, it is a page again.

  on("click", "a[data-dialog]", async (event, link) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    let content;
    try {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" } });
      if (!answer.ok) throw new Error(String(answer.status));
      content = await answer.text();
    } catch {
      window.location.assign(link.href);
      return;
    }
    const dialog = make("dialog", "k-dialog k-dialog-page");
    dialog.setAttribute("aria-labelledby", "dialog-title");
    dialog.innerHTML = content;
    document.body.append(dialog);
    dialog.addEventListener("close", () => { dialog.remove(); });
    dialog.showModal();
    const first = dialog.querySelector("input:not([type=hidden]):not([type=checkbox]), input:not([type=hidden]):not(:disabled)");
    if (first) first.focus();
  });
  on("click", "dialog [data-dialog-close]", (event, button) => {
    event.preventDefault();
    button.closest("dialog").close();
  });

  // Columns in order --------------------------------------------------------------------------------

  function showEnds(list) {
    const lines = [...list.children];
    lines.forEach((line, place) => {
      line.querySelector('[value^="up:"]').disabled = place === 0;
      line.querySelector('[value^="down:"]').disabled = place === lines.length - 1;
    });
  }
  on("click", '[data-columns] [name="move"]', (event, button) => {
    event.preventDefault();
    const line = button.closest("[data-column]");
    const list = line.parentElement;
    const up = button.value.startsWith("up:");
    if (up && line.previousElementSibling) line.previousElementSibling.before(line);
    if (!up && line.nextElementSibling) line.nextElementSibling.after(line);
    showEnds(list);
    // At an end the pressed button is off: the other one keeps the place.
    (button.disabled ? line.querySelector('[name="move"]:not(:disabled)') : button).focus();
    line.scrollIntoView({ block: "nearest" });
    const label = line.querySelector(".form-check-label").textContent;
    const place = [...list.children].indexOf(line) + 1;
    button.form.querySelector("[data-moved]").textContent = `${label} is number ${place} of ${list.children.length}`;
  });

  // Filters under the headings ------------------------------------------------------------------------
  // What was changed there counts; everything else stands in the form above, also what was typed
  // there and not sent yet.

  function isChanged(field) {
    if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
    const before = [...field.options].find((option) => option.defaultSelected);
    return field.value !== (before ? before.value : "");
  }
  function filter() {
    const above = document.getElementById("filter-form");
    const changed = [...document.querySelectorAll("[data-head]")].filter(isChanged);
    const names = changed.map((field) => field.name);
    const address = new URLSearchParams();
    new FormData(above).forEach((value, name) => {
      if (value && !names.includes(name)) address.append(name, value);
    });
    changed.forEach((field) => { if (field.value) address.append(field.name, field.value); });
    window.location.assign(above.action.split("?")[0] + "?" + address);
  }
  on("submit", "#heads", (event) => {
    event.preventDefault();
    filter();
  });
  on("change", "[data-head]", filter);

  // From one record to the next -----------------------------------------------------------------------

  on("click", "a[data-walk]", (event, link) => {
    // The tab that is open stays open on the next record.
    const tab = new URL(window.location.href).searchParams.get("tab");
    const address = new URL(link.href);
    if (tab) address.searchParams.set("tab", tab);
    else address.searchParams.delete("tab");
    link.href = address.href;
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
    const link = document.querySelector(`a[data-walk="${CSS.escape(event.key)}"]`);
    if (link) link.click();
  });
})();
