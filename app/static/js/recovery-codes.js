// Recovery codes: copied or printed while they are shown, which is once.
(function () {
  "use strict";

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-copy-codes], [data-print]");
    if (!button) return;
    if ("print" in button.dataset) {
      window.print();
      return;
    }
    const said = button.querySelector("[data-copy-text]");
    const codes = [...document.querySelectorAll("[data-codes] li")].map((one) => one.textContent.trim());
    try {
      await navigator.clipboard.writeText(codes.join("\n") + "\n");
      said.textContent = "Copied";
    } catch {
      // Without HTTPS browsers lend no clipboard: select the codes, so that one key copies them.
      const range = document.createRange();
      range.selectNodeContents(document.querySelector("[data-codes]"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      said.textContent = "Selected: press Ctrl+C";
    }
  });
})();
