// Adds a button below each scenario: it copies a command that writes the example to a file and checks it, so that a
// reader can edit it in their own folder.
const SCENARIO = /^(mockllm|use|rules|modifiers|servers|examples):/m;
const LABEL = "Copy as a file for your folder";

function command(text, fallback) {
  const name = /^# (\S+\.yaml)\n/.exec(text)?.[1] ?? fallback;
  const folder = name.includes("/") ? `mkdir -p ${name.replace(/\/[^/]*$/, "")}\n` : "";
  return `${folder}cat > ${name} <<'END-OF-EXAMPLE'\n${text.trimEnd()}\nEND-OF-EXAMPLE\nmockllm check ${name}\n`;
}

function addButtons() {
  const page = location.pathname.replace(/^.*\//, "").replace(/\.html$/, "") || "index";
  let number = 0;
  for (const block of document.querySelectorAll(".highlight.language-yaml, .language-yaml.highlight")) {
    const text = block.querySelector("code")?.textContent ?? "";
    if (!SCENARIO.test(text) || block.nextElementSibling?.matches(".save-example")) continue;
    number += 1;
    const file = `scenarios/${page}-${number}.yaml`;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "save-example";
    button.textContent = LABEL;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command(text, file));
      button.textContent = "Copied: paste it into a shell";
      setTimeout(() => (button.textContent = LABEL), 3000);
    });
    block.after(button);
  }
}

// The theme replaces the page without loading it anew where instant navigation is on.
if (window.document$) window.document$.subscribe(addButtons);
else addButtons();

// The theme adds the list of versions when it has read versions.json, and its button is called "Select version" only. Who
// speaks to the browser says what the button shows, so the version has to be in its name (WCAG 2.5.3).
function nameVersions() {
  const button = document.querySelector(".md-version__current");
  button?.setAttribute("aria-label", `${button.textContent}: select version`);
  return button !== null;
}

if (!nameVersions()) {
  const observer = new MutationObserver(() => nameVersions() && observer.disconnect());
  observer.observe(document.body, { childList: true, subtree: true });
}
