// Forms: fields that can be searched, repeated rows, checks while typing, and nothing typed lost.
(function () {
  "use strict";

  const { announce, csrf, make, on } = window.kontor;

  // Select fields that can be searched --------------------------------------------------------------

  function enhance(root) {
    if (!window.TomSelect) return;
    root.querySelectorAll("select[data-select], select[data-lookup]").forEach((select) => {
      if (select.tomselect || select.closest("template")) return;
      const settings = {
        allowEmptyOption: true, maxOptions: 200, hidePlaceholder: true, refreshThrottle: 0,
        plugins: select.multiple ? ["remove_button"] : [],
        placeholder: select.dataset.placeholder || (select.dataset.lookup ? "Type to find …" : ""),
      };
      if (select.dataset.lookup) {
        Object.assign(settings, {
          valueField: "value", labelField: "text", searchField: [], preload: "focus",
          allowEmptyOption: false, plugins: ["clear_button"], maxItems: 1, openOnFocus: true,
          load: (query, done) => {
            const address = new URL(select.dataset.lookup, window.location.href);
            address.searchParams.set("query", query);
            fetch(address, { headers: { Accept: "application/json" } })
              .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer)))
              .then((found) => { box.clearOptions((option) => box.items.includes(option.value)); done(found); })
              .catch(() => done());
          },
        });
      }
      const box = new window.TomSelect(select, settings);
      select.setAttribute("aria-hidden", "true"); // the label names the box that stands in for it
      const described = select.getAttribute("aria-describedby");
      if (described) box.control_input.setAttribute("aria-describedby", described);
    });
  }

  // Repeated rows -----------------------------------------------------------------------------------

  function number(box) {
    box.querySelectorAll("[data-row-list] > [data-row]").forEach((row, index) => {
      const place = row.querySelector("[data-row-number]");
      if (place) place.textContent = String(index + 1);
    });
  }
  on("click", "[data-row-add]", (event, button) => {
    const box = button.closest("[data-rows]");
    const next = Number(box.dataset.next);
    box.dataset.next = String(next + 1);
    const template = box.querySelector("template[data-row-template]");
    const holder = make("template");
    holder.innerHTML = template.innerHTML.replaceAll("__index__", String(next));
    const row = holder.content.firstElementChild;
    box.querySelector("[data-row-list]").append(row);
    number(box);
    enhance(row);
    const first = row.querySelector("input:not([type=hidden]), select, textarea");
    if (first) (first.tomselect || first).focus();
    touched(box);
  });
  on("click", "[data-row-remove]", (event, button) => {
    const box = button.closest("[data-rows]");
    button.closest("[data-row]").remove();
    number(box);
    touched(box);
    (box.querySelector("[data-row-add]") || box).focus();
  });

  // Nothing typed is lost ---------------------------------------------------------------------------

  let unsaved = false;
  let keeping = 0;
  function touched(inside) {
    const form = inside.closest("form[data-guard]");
    if (!form) return;
    unsaved = true;
    window.clearTimeout(keeping);
    keeping = window.setTimeout(() => keepDraft(form), 500);
    form.querySelectorAll("[data-unsaved]").forEach((note) => { note.hidden = false; });
  }
  ["input", "change"].forEach((type) => on(type, "form[data-guard] *", (event, field) => touched(field)));
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    unsaved = false;
    const form = event.target;
    if (!form.matches("form[data-guard]")) return;
    keepDraft(form);
    form.querySelectorAll('button[type="submit"]').forEach((button) => {
      window.setTimeout(() => { button.disabled = true; });
    });
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-guard] button[type=submit]").forEach((b) => { b.disabled = false; });
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
  window.addEventListener("pagehide", () => {
    if (unsaved) keepDraft(document.querySelector("form[data-guard]"));
  });

  // What is typed waits in this tab's storage, never a password or a file: a form sent after the
  // session had ended comes back after the log-in, one that was reloaded, or whose tab or browser
  // was closed and opened again, at once. It is dropped as soon as another page of the panel is
  // there: the record that was saved, or the list after Cancel.
  const draftKey = () => "kontor-draft:" + window.location.pathname + window.location.search;
  function keepDraft(form) {
    window.clearTimeout(keeping);
    const entries = [...new FormData(form)].filter(([name, value]) => {
      const field = form.elements[name];
      return typeof value === "string" && !(field && field.type === "password") &&
        !["csrf_token", "_once", "url"].includes(name);
    }).map(([name, value]) => [name, value, textOf(form.elements[name], value)]);
    try { sessionStorage.setItem(draftKey(), JSON.stringify(entries)); } catch { /* no room: no draft */ }
  }
  // What a select that is filled while typing shows for a value; the page itself does not know it.
  function textOf(field, value) {
    const option = field && field.tomselect && field.dataset.lookup && field.tomselect.options[value];
    return option ? option.text : "";
  }
  function drafts() {
    const inside = document.querySelector(".k-sidebar") !== null; // not the log-in
    const form = document.querySelector("form[data-guard]");
    let draft = null;
    try {
      draft = sessionStorage.getItem(draftKey());
      if (inside) {
        Object.keys(sessionStorage).filter((key) => key.startsWith("kontor-draft:"))
          .forEach((key) => sessionStorage.removeItem(key));
      }
    } catch { return; }
    if (!draft || !form || form.querySelector("[data-summary]")) return;
    restore(form, JSON.parse(draft));
  }
  function restore(form, entries) {
    restoreRows(form, entries);
    const given = new Map();
    entries.forEach(([name, value, text]) => given.set(name, [...(given.get(name) || []), [value, text]]));
    form.querySelectorAll("input[type=checkbox], select[multiple]").forEach((field) => {
      if (!given.has(field.name)) given.set(field.name, []);
    });
    given.forEach((pairs, name) => {
      const values = pairs.map(([value]) => value);
      form.querySelectorAll(`[name="${CSS.escape(name)}"]`).forEach((field) => {
        // What the form had been opened with comes back too, so that a save of somebody else is seen.
        if (field.type === "hidden" && !/^(_version|_base|.+-\d+-id)$/.test(name)) return;
        if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
        else if (field.tomselect) {
          if (field.dataset.lookup) pairs.forEach(([value, text]) => field.tomselect.addOption({ value, text }));
          field.tomselect.setValue(field.multiple ? values : values[0], true);
        } else if (field.multiple) {
          [...field.options].forEach((option) => { option.selected = values.includes(option.value); });
        } else field.value = values[0];
      });
    });
    touched(form);
    document.activeElement.blur(); // rows that came and went have taken the page with them
    window.scrollTo(0, 0);
    announce("What you had typed is back in the form. It is not saved yet.");
  }
  function restoreRows(form, entries) {
    entries.forEach(([name]) => { // those that had been added
      const place = name.match(/^(.+)-(\d+)-[^-]+$/);
      const box = place && document.getElementById(place[1]);
      if (!box || !box.matches("[data-rows]")) return;
      while (Number(box.dataset.next) <= Number(place[2])) box.querySelector("[data-row-add]").click();
    });
    form.querySelectorAll("[data-row-list] > [data-row]").forEach((row) => { // those that had been removed
      const prefix = rowOf(row.querySelector("[name]"));
      if (!entries.some(([name]) => name.startsWith(prefix))) row.querySelector("[data-row-remove]").click();
    });
  }

  // Checks when a field is left ---------------------------------------------------------------------

  on("focusout", "[data-check]", async (event, field) => {
    const form = field.closest("form[data-check-url]");
    const place = form && document.getElementById(field.id + "-errors");
    if (!place || field.value === field.dataset.checked) return;
    field.dataset.checked = field.value;
    const body = new URLSearchParams();
    body.set("check", field.dataset.check);
    body.set("field", field.name);
    body.set("value", field.value);
    const id = form.querySelector('input[name="id"]');
    if (id) body.set("id", id.value);
    // "country" names one other field, ".country" one of the same row, "addresses-*" all whose names
    // begin so.
    (field.dataset.checkWith || "").split(" ").filter(Boolean).forEach((given) => {
      const name = given.startsWith(".") ? rowOf(field) + given.slice(1) : given;
      const fits = (other) => (name.endsWith("*") ? other.name.startsWith(name.slice(0, -1)) : other.name === name);
      [...form.elements].filter(fits).forEach((other) => {
        if (other.type !== "checkbox" || other.checked) body.set(other.name, other.value);
      });
    });
    let answer;
    try {
      const response = await fetch(form.dataset.checkUrl, {
        method: "POST", body, headers: { "X-CSRFToken": csrf(), Accept: "application/json" },
      });
      if (!response.ok) return; // the check helps; saving checks again anyway
      answer = await response.json();
    } catch { return; }
    if (field.value !== body.get("value")) return;
    showCheck(form, field, place, answer);
  });

  const rowOf = (field) => field.name.slice(0, field.name.lastIndexOf("-") + 1); // "addresses-3-"

  function showCheck(form, field, place, answer) {
    place.replaceChildren();
    const bad = answer.problems.length > 0;
    field.classList.toggle("is-invalid", bad);
    field.setAttribute("aria-invalid", String(bad));
    answer.problems.forEach((problem) => {
      const line = make("div", "", problem.message + (problem.hint ? ". " + problem.hint : ""));
      if (problem.link) {
        const link = make("a", "", problem.link[0]);
        [link.href, link.target, link.rel] = [problem.link[1], "_blank", "noopener"];
        line.append(" ", link);
      }
      place.append(line);
    });
    if (!bad && answer.note) place.append(make("div", "k-note", answer.note));
    Object.entries(answer.fill).forEach(([name, value]) => {
      const other = form.elements[name];
      if (!other || other.value === value) return;
      if (other.tomselect) other.tomselect.setValue(value, true);
      else other.value = value;
    });
    // Within a row: nothing that somebody typed is touched, only what stands empty or was filled in here.
    Object.entries(answer.fill_row || {}).forEach(([name, value]) => {
      const other = form.elements[rowOf(field) + name];
      if (!other || (other.value.trim() && other.value !== other.dataset.filled)) return;
      other.value = value;
      other.dataset.filled = value;
      place.append(make("div", "k-note", `Filled in: ${value}`));
    });
  }

  // Counting while typing; nothing is cut -------------------------------------------------------------

  function count(field) {
    const most = Number(field.dataset.count);
    const used = [...field.value.trim()].length; // a line break counts as one
    let place = document.getElementById(field.id + "-count");
    if (!place) {
      place = make("div", "form-hint");
      place.id = field.id + "-count";
      field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") || ""} ${place.id}`.trim());
      field.after(place);
    }
    place.textContent = used > most ? `${used} of ${most} characters: ${used - most} too many` : `${used} of ${most} characters`;
    place.classList.toggle("k-over", used > most);
  }
  on("input", "[data-count]", (event, field) => count(field));

  // Start

  enhance(document);
  document.querySelectorAll("[data-rows]").forEach(number);
  const summary = document.querySelector("[data-summary]");
  if (summary) summary.focus();
  drafts();
  document.querySelectorAll("[data-count]").forEach(count);
  document.addEventListener("htmx:afterSwap", (event) => {
    enhance(event.detail.target);
    event.detail.target.querySelectorAll("[data-rows]").forEach(number);
  });
})();
