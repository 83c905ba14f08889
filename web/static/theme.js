// Light or dark: as the system has it, unless a person chose; the choice is remembered.
// A classic script for <head>, so that it holds before the first paint; it works every <button data-theme-toggle>.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const current = () => root.dataset.theme ?? (system.matches ? "dark" : "light");
  const other = () => (current() === "dark" ? "light" : "dark");

  const remembered = localStorage.getItem("theme");
  if (remembered === "light" || remembered === "dark") root.dataset.theme = remembered;

  const label = (button) => {
    button.setAttribute("aria-label", `Switch to ${other()}`);
    button.title = `Switch to ${other()}`;
  };
  const labelAll = () => document.querySelectorAll("[data-theme-toggle]").forEach(label);
  document.addEventListener("DOMContentLoaded", labelAll);
  system.addEventListener("change", labelAll);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    root.dataset.theme = other();
    localStorage.setItem("theme", root.dataset.theme);
    labelAll();
  });
})();
