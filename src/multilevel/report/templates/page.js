(function () {
  var root = document.documentElement, button = document.getElementById("theme");
  var system = matchMedia("(prefers-color-scheme: dark)");
  function isDark() { return (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark"; }
  function name() { button.textContent = isDark() ? "Light colours" : "Dark colours"; }
  button.hidden = false;
  button.addEventListener("click", function () {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("multilevel-theme", root.dataset.theme); } catch (error) { /* not kept */ }
    name();
  });
  system.addEventListener("change", name);
  name();
  var contents = document.getElementById("contents"), wide = matchMedia("(min-width: 72rem)");
  if (contents) {
    contents.open = wide.matches;
    wide.addEventListener("change", function () { contents.open = wide.matches; });
  }
  var opened = [];
  addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("main details:not([open])"));
    opened.forEach(function (one) { one.open = true; });
  });
  addEventListener("afterprint", function () {
    opened.forEach(function (one) { one.open = false; });
  });
})();
