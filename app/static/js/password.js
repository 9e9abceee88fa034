// Password fields: show what is typed on demand, and say how hard it is to guess.
// <input type="password" data-reveal data-meter="5">; data-meter is the least length.
(function () {
  "use strict";

  const { make } = window.kontor;
  const WORDS = ["Too short", "Easy to guess", "Fair", "Good", "Strong"];
  const COMMON = ["password", "passwort", "qwert", "asdf", "yxcv", "letmein", "welcome", "willkommen",
    "hallo", "iloveyou", "admin", "login", "secret", "geheim", "dragon", "monkey", "schatz", "sommer", "summer"];

  // 0 to 4. Length counts most; runs, repeats and the words that everybody tries count as one sign.
  function strength(password, shortest) {
    const signs = [...password];
    if (signs.length < shortest) return 0;
    let plain = password.toLowerCase();
    COMMON.forEach((word) => { plain = plain.replaceAll(word, word[0]); });
    let worth = 0;
    [...plain].forEach((sign, index, all) => {
      const step = index ? sign.codePointAt(0) - all[index - 1].codePointAt(0) : 9;
      worth += Math.abs(step) <= 1 ? 0.3 : 1;
    });
    const different = new Set(plain).size;
    worth = Math.min(worth, different * 2);
    const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(password)).length;
    worth += Math.max(0, kinds - 1) * 1.5;
    return worth < 7 ? 1 : worth < 11 ? 2 : worth < 16 ? 3 : 4;
  }

  function meter(field) {
    const box = make("div", "k-meter");
    const bar = make("div", "k-meter-bar");
    const parts = [0, 1, 2, 3].map(() => make("span"));
    const words = make("span", "form-hint");
    words.id = field.id + "-meter";
    words.setAttribute("role", "status");
    bar.setAttribute("aria-hidden", "true");
    bar.append(...parts);
    box.append(bar, words);
    box.hidden = true;
    (field.closest(".input-group") || field).after(box);
    field.addEventListener("input", () => {
      const score = strength(field.value, Number(field.dataset.meter) || 1);
      box.hidden = field.value === "";
      box.dataset.score = String(score);
      parts.forEach((part, index) => part.classList.toggle("k-on", index < Math.max(1, score)));
      words.textContent = WORDS[score];
    });
  }

  function reveal(field) {
    const group = make("div", "input-group k-reveal");
    const button = make("button", "btn", "Show");
    button.type = "button";
    const label = document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
    const name = label ? label.textContent.replace("*", "").trim() : "password";
    const say = (shown) => {
      button.textContent = shown ? "Hide" : "Show";
      button.setAttribute("aria-label", `${shown ? "Hide" : "Show"}: ${name}`);
    };
    say(false);
    const focused = document.activeElement === field;
    field.before(group);
    group.append(field, button);
    if (focused) field.focus();
    button.addEventListener("click", () => {
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      say(shown);
    });
    // Shown or not, browsers and drafts are to treat it as the password it is.
    if (field.form) field.form.addEventListener("submit", () => { field.type = "password"; }, true);
  }

  document.querySelectorAll("input[type=password][data-reveal]").forEach(reveal);
  document.querySelectorAll("input[data-meter]").forEach(meter);
})();
