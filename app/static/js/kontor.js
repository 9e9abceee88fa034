// What the panel's pages do in the browser. Everything hangs on data attributes and delegated
// listeners, so that fragments loaded later work without further ado and the CSP stays strict.
(function () {
  "use strict";

  const csrf = () => document.querySelector('meta[name="csrf-token"]').content;
  const on = (type, selector, handle) =>
    document.addEventListener(type, (event) => {
      const found = event.target instanceof Element && event.target.closest(selector);
      if (found) handle(event, found);
    });
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  };

  // Asking first ------------------------------------------------------------------------------
  // <button data-confirm="Delete {count} customers?" data-confirm-label="Delete" data-confirm-danger
  //         data-ask="lock_text" data-ask-label="Lock text" data-ask-required>
  // The dialog's answer goes along as a hidden field, with _confirmed=yes for the server.

  function ask(button) {
    const data = button.dataset;
    const dialog = make("dialog", "k-dialog");
    const form = make("form");
    form.method = "dialog";
    form.noValidate = false;
    const count = button.form && button.form.matches("[data-bulk]") ? chosen().length : 1;
    const title = make("h2", "k-dialog-title", data.confirmLabel || button.textContent.trim());
    title.id = "dialog-title";
    dialog.setAttribute("aria-labelledby", "dialog-title");
    form.append(title, make("p", "", data.confirm.replaceAll("{count}", String(count))));
    let answer = null;
    if (data.ask) {
      const label = make("label", "form-label", data.askLabel);
      label.htmlFor = "dialog-answer";
      answer = make("textarea", "form-control");
      answer.id = "dialog-answer";
      answer.rows = 3;
      answer.maxLength = Number(data.askMax || 400);
      answer.required = "askRequired" in data;
      if (answer.required) label.append(make("span", "k-required", " *"));
      form.append(label, answer);
      if (data.askHint) form.append(make("div", "form-hint", data.askHint));
    }
    const buttons = make("div", "k-dialog-buttons");
    const no = make("button", "btn", "Cancel");
    no.type = "button";
    const yes = make("button", "btn " + ("confirmDanger" in data ? "btn-danger" : "btn-primary"),
      data.confirmLabel || "Continue");
    yes.value = "yes";
    buttons.append(no, yes);
    form.append(buttons);
    dialog.append(form);
    document.body.append(dialog);
    return new Promise((resolve) => {
      no.addEventListener("click", () => dialog.close("no"));
      dialog.addEventListener("close", () => {
        dialog.remove();
        button.focus();
        resolve(dialog.returnValue === "yes" ? { text: answer ? answer.value : null } : null);
      });
      dialog.showModal();
      (answer || no).focus();
    });
  }

  function hidden(form, name, value) {
    let field = form.querySelector(`input[type="hidden"][data-answer][name="${name}"]`);
    if (!field) {
      field = make("input");
      field.type = "hidden";
      field.name = name;
      field.dataset.answer = "";
      form.append(field);
    }
    field.value = value;
  }

  // Capture, so that neither htmx nor the form sees the click before the question is answered.
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-confirm]");
    if (!button || button.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const answer = await ask(button);
    if (!answer) return;
    const form = button.form;
    if (form) {
      hidden(form, "_confirmed", "yes");
      if (answer.text !== null) hidden(form, button.dataset.ask, answer.text);
    }
    button.dataset.confirmed = "yes";
    button.click();
    delete button.dataset.confirmed;
  }, true);

  // Rows that open their record -----------------------------------------------------------------

  on("click", "tr[data-href]", (event, row) => {
    if (event.target.closest("a, button, input, label, select, textarea")) return;
    if (String(window.getSelection())) return; // somebody is marking text, not opening
    if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
    else window.location.assign(row.dataset.href);
  });
  on("auxclick", "tr[data-href]", (event, row) => {
    if (event.button === 1 && !event.target.closest("a, button, input, label")) {
      window.open(row.dataset.href, "_blank", "noopener");
    }
  });

  // Choosing several ------------------------------------------------------------------------------

  const chosen = () => [...document.querySelectorAll("[data-check-row]:checked")];

  function showChosen() {
    const bar = document.querySelector("[data-bulk]");
    if (!bar) return;
    const count = chosen().length;
    bar.hidden = count === 0;
    document.body.classList.toggle("k-has-bulk", count > 0);
    bar.querySelector("[data-bulk-count]").textContent = String(count);
    const all = document.querySelector("[data-check-all]");
    const rows = document.querySelectorAll("[data-check-row]").length;
    all.checked = count === rows;
    all.indeterminate = count > 0 && count < rows;
    document.querySelectorAll("[data-check-row]").forEach((box) =>
      box.closest("tr").classList.toggle("k-chosen", box.checked));
  }
  let lastBox = null;
  on("click", "[data-check-row]", (event, box) => {
    const boxes = [...document.querySelectorAll("[data-check-row]")];
    if (event.shiftKey && lastBox) {
      const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
      boxes.slice(from, to + 1).forEach((one) => { one.checked = box.checked; });
    }
    lastBox = box;
    showChosen();
  });
  on("change", "[data-check-all]", (event, all) => {
    document.querySelectorAll("[data-check-row]").forEach((box) => { box.checked = all.checked; });
    showChosen();
  });
  on("click", "[data-bulk-clear]", () => {
    document.querySelectorAll("[data-check-row]").forEach((box) => { box.checked = false; });
    showChosen();
  });

  // Theme --------------------------------------------------------------------------------------------

  on("click", "[data-theme-toggle]", () => {
    const root = document.documentElement;
    const next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    root.setAttribute("data-bs-theme", next);
    try { localStorage.setItem("kontor-theme", next); } catch { /* private window: this page only */ }
  });

  on("change", "[data-submit]", (event, field) => field.form.requestSubmit());

  // htmx -----------------------------------------------------------------------------------------------

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrf();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const from = event.detail.elt;
    if (event.detail.successful && from.matches("[data-once]")) from.remove();
  });
  function failed(event) {
    const target = event.detail.target || event.detail.elt;
    const place = target && target.querySelector(".k-loading");
    const words = "This could not be loaded. Reload the page to try again.";
    if (place) place.textContent = words;
    else announce(words);
  }
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);

  function announce(words) {
    const notices = document.querySelector(".k-notices");
    if (!notices || notices.textContent.includes(words)) return;
    notices.append(make("div", "alert alert-warning", words));
  }

  // Tabs -------------------------------------------------------------------------------------------------

  function openTab(tab, focus) {
    const box = tab.closest("[data-tabs]");
    box.querySelectorAll('[role="tab"]').forEach((one) => {
      const open = one === tab;
      one.classList.toggle("active", open);
      one.setAttribute("aria-selected", String(open));
      one.tabIndex = open ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = !open;
    });
    const panel = document.getElementById(tab.getAttribute("aria-controls"));
    if (window.htmx && panel.hasAttribute("hx-get")) window.htmx.trigger(panel, "open");
    const address = new URL(window.location.href);
    if (tab.dataset.tab) address.searchParams.set("tab", tab.dataset.tab);
    else address.searchParams.delete("tab");
    window.history.replaceState(null, "", address);
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (focus) tab.focus();
  }
  on("click", "[data-tab]", (event, tab) => openTab(tab, false));
  on("keydown", "[data-tab]", (event, tab) => {
    const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    let next = null;
    if (step) next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    if (event.key === "Home") next = tabs[0];
    if (event.key === "End") next = tabs[tabs.length - 1];
    if (next) { event.preventDefault(); openTab(next, true); }
  });

  // Select fields that can be searched ----------------------------------------------------------------------

  function enhance(root) {
    if (!window.TomSelect) return;
    root.querySelectorAll("select[data-select], select[data-lookup]").forEach((select) => {
      if (select.tomselect || select.closest("template")) return;
      const settings = {
        allowEmptyOption: true, maxOptions: 200, hidePlaceholder: true,
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
      const described = select.getAttribute("aria-describedby");
      if (described) box.control_input.setAttribute("aria-describedby", described);
    });
  }

  // Repeated rows -----------------------------------------------------------------------------------------------

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
    if (first) first.focus();
    touched(box);
  });
  on("click", "[data-row-remove]", (event, button) => {
    const box = button.closest("[data-rows]");
    button.closest("[data-row]").remove();
    number(box);
    touched(box);
    (box.querySelector("[data-row-add]") || box).focus();
  });

  // Nothing typed is lost -----------------------------------------------------------------------------------------

  let unsaved = false;
  function touched(inside) {
    const form = inside.closest("form[data-guard]");
    if (!form) return;
    unsaved = true;
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

  // A form sent after the session had ended comes back after the log-in: what was typed waits in
  // this tab's storage, never a password or a file, and is dropped as soon as the form was taken.
  const draftKey = () => "kontor-draft:" + window.location.pathname + window.location.search;
  function keepDraft(form) {
    const entries = [...new FormData(form)].filter(([name, value]) => {
      const field = form.elements[name];
      return typeof value === "string" && !(field && field.type === "password") &&
        !["csrf_token", "_version", "url"].includes(name);
    });
    try { sessionStorage.setItem(draftKey(), JSON.stringify(entries)); } catch { /* no room: no draft */ }
  }
  function drafts() {
    const login = document.body.classList.contains("k-login");
    const form = document.querySelector("form[data-guard]");
    let draft = null;
    try {
      draft = sessionStorage.getItem(draftKey());
      if (!login) {
        Object.keys(sessionStorage).filter((key) => key.startsWith("kontor-draft:"))
          .forEach((key) => sessionStorage.removeItem(key));
      }
    } catch { return; }
    if (!draft || !form || form.querySelector("[data-summary]")) return;
    restore(form, JSON.parse(draft));
  }
  function restore(form, entries) {
    entries.forEach(([name]) => { // rows that had been added
      const place = name.match(/^(.+)-(\d+)-[^-]+$/);
      const box = place && document.getElementById(place[1]);
      if (!box || !box.matches("[data-rows]")) return;
      while (Number(box.dataset.next) <= Number(place[2])) box.querySelector("[data-row-add]").click();
    });
    form.querySelectorAll('input[type="checkbox"]').forEach((box) => { box.checked = false; });
    entries.forEach(([name, value]) => {
      const fields = form.querySelectorAll(`[name="${CSS.escape(name)}"]`);
      fields.forEach((field) => {
        if (field.type === "hidden") return;
        if (field.type === "checkbox" || field.type === "radio") field.checked = field.checked || field.value === value;
        else if (field.tomselect) field.tomselect.addItem(value, true);
        else field.value = value;
      });
    });
    touched(form);
    announce("What you had typed before logging in again is back in the form. It is not saved yet.");
  }

  // Checks when a field is left -----------------------------------------------------------------------------------

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
    (field.dataset.checkWith || "").split(" ").filter(Boolean).forEach((name) => {
      const other = form.elements[name];
      if (other) body.set(name, other.value);
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
  }

  // The client search in the header -----------------------------------------------------------------------------------

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

  // Start ---------------------------------------------------------------------------------------------------------------

  enhance(document);
  document.querySelectorAll("[data-rows]").forEach(number);
  showChosen();
  const summary = document.querySelector("[data-summary]");
  if (summary) summary.focus();
  drafts();
  document.addEventListener("htmx:afterSwap", (event) => {
    enhance(event.detail.target);
    event.detail.target.querySelectorAll("[data-rows]").forEach(number);
  });
})();
