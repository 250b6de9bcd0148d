// Light or dark colours: those of the system, until the user chooses.

import { Observable } from "./observable.ts";

export type Theme = "auto" | "light" | "dark";
const KEY = "mockllm-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "auto";
  } catch {
    return "auto";
  }
}

export const theme = new Observable<{ chosen: Theme; dark: boolean }>({ chosen: stored(), dark: false });

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
    // without storage, the choice ends with the page
  }
  theme.value = { ...theme.value, chosen };
  apply();
}

system.addEventListener("change", apply);
apply();
