(function () {
  try {
    var theme = localStorage.getItem("multilevel-theme");
    if (theme) document.documentElement.dataset.theme = theme;
  } catch (error) { /* no storage: the system's choice stands */ }
})();
