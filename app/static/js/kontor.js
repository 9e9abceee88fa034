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

  // Asking first ------------------------------------------------------------------------------------
  // <button data-confirm="Delete {this customer|# customers}?" data-confirm-label="Delete" data-confirm-danger
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
    const question = data.confirm.replace(/\{([^|{}]*)\|([^|{}]*)\}/g,
      (all, one, many) => (count === 1 ? one : many.replace("#", count.toLocaleString("en-GB")))).replaceAll("{count}", String(count));
    form.append(title, make("p", "", question));
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
    // Where something is cancelled, "Cancel" could be taken for doing it.
    const no = make("button", "btn", title.textContent.startsWith("Cancel") ? "Go back" : "Cancel");
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

  // Rows that open their record ---------------------------------------------------------------------

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

  // Choosing several --------------------------------------------------------------------------------

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

  // Theme -------------------------------------------------------------------------------------------

  on("click", "[data-theme-toggle]", () => {
    const root = document.documentElement;
    const next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    root.setAttribute("data-bs-theme", next);
    try { localStorage.setItem("kontor-theme", next); } catch { /* private window: this page only */ }
  });

  // An address without empty conditions can be read and shared.
  on("submit", "form[method=get]", (event, form) => {
    const blank = [...form.elements].filter((field) => field.name && field.value === "");
    blank.forEach((field) => { field.disabled = true; });
    window.setTimeout(() => blank.forEach((field) => { field.disabled = false; }));
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

  // Tabs --------------------------------------------------------------------------------------------

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

  window.kontor = { announce, csrf, make, on };
  showChosen();
})();
