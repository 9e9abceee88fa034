// Side by side: when another customer is to stay, what nobody has touched follows the defaults.
(() => {
  "use strict";
  const form = document.querySelector("[data-sides]");
  if (!form) return;
  const touched = new Set();
  form.addEventListener("change", (event) => {
    const field = event.target;
    if (field.name.startsWith("take-")) {
      touched.add(field.name);
      return;
    }
    if (field.name !== "winner") return;
    for (const row of form.querySelectorAll("tr[data-first]")) {
      const radios = [...row.querySelectorAll("input[type=radio]")];
      if (touched.has(radios[0].name)) continue;
      const side = row.dataset[field.value];
      radios.find((radio) => radio.value === side).checked = true;
    }
  });
})();
