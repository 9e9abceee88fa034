// Sets the remembered theme before anything is painted. Loaded in the head, not deferred.
(function () {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function remembered() {
    try { return localStorage.getItem("kontor-theme"); } catch { return null; }
  }
  function apply() {
    const theme = remembered() || (dark.matches ? "dark" : "light");
    document.documentElement.setAttribute("data-bs-theme", theme);
  }
  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", (event) => { if (event.key === "kontor-theme") apply(); });
})();
