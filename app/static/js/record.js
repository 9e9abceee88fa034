// The comparison of an edit conflict: each field, or row, is turned to mine or to theirs.
(function () {
  "use strict";

  const { on } = window.kontor;

  function set(field, values) {
    if (field.type === "checkbox") field.checked = values.includes(field.value);
    else if (field.tomselect) {
      values.filter(Boolean).forEach((value) => field.tomselect.addOption({ value, text: words(field, value) }));
      field.tomselect.setValue(field.multiple ? values : values[0] || "", true);
    } else if (field.multiple) {
      [...field.options].forEach((option) => { option.selected = values.includes(option.value); });
    } else field.value = values[0] || "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // The text of a chosen record stands in the comparison; its number alone would tell nobody.
  function words(field, value) {
    const line = document.querySelector(`[data-conflict="${CSS.escape(field.name)}"]`);
    const side = ["mine", "theirs"].find((one) => JSON.parse(line.dataset[one] || "[]").includes(value));
    const place = side && line.querySelector(`[data-words="${side}"]`);
    const known = field.querySelector(`option[value="${CSS.escape(value)}"]`);
    return (known && known.textContent) || (place && place.firstChild && place.firstChild.textContent.trim()) || value;
  }

  const away = new Map(); // rows taken out of the form, with the place they stood in
  function turnRow(line, side) {
    const name = line.dataset.conflict;
    const head = document.getElementById(name + "-head");
    if (side === line.dataset.conflictRow && head) {
      const row = head.closest("[data-row]");
      const place = document.createComment(name);
      row.replaceWith(place);
      away.set(name, [row, place]);
    } else if (side !== line.dataset.conflictRow && away.has(name)) {
      const [row, place] = away.get(name);
      place.replaceWith(row);
      away.delete(name);
    }
    document.querySelectorAll("[data-rows]").forEach((box) =>
      box.querySelectorAll("[data-row-number]").forEach((number, index) => { number.textContent = String(index + 1); }));
  }

  on("click", "[data-take]", (event, button) => {
    const line = button.closest("[data-conflict]");
    const side = button.dataset.take;
    if ("conflictRow" in line.dataset) turnRow(line, side);
    else {
      const form = line.closest("form");
      const values = JSON.parse(line.dataset[side]);
      [...form.elements].filter((field) => field.name === line.dataset.conflict).forEach((field) => set(field, values));
    }
    line.querySelectorAll("[data-take]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
  });

  document.querySelectorAll(".k-take").forEach((group) => { group.hidden = false; });
})();
