// Light or dark: as the system has it, until somebody chooses.

import { Cell } from "./cells.ts";

export type Theme = "auto" | "light" | "dark";
const KEY = "mockllm-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme {
  try {
    const found = localStorage.getItem(KEY);
    return found === "light" || found === "dark" ? found : "auto";
  } catch {
    return "auto";
  }
}

export const theme = new Cell<{ chosen: Theme; dark: boolean }>({ chosen: stored(), dark: false });

function apply(): void {
  const { chosen } = theme.value;
  const dark = chosen === "dark" || (chosen === "auto" && system.matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  theme.set({ chosen, dark });
}

export function choose(chosen: Theme): void {
  try {
    if (chosen === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, chosen);
  } catch {
    // it is not remembered, then
  }
  theme.value = { ...theme.value, chosen };
  apply();
}

system.addEventListener("change", apply);
apply();
