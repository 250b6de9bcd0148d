// Paths that another client sends as they are. A path is a client's text: resolved, it could be a call of the control API.

const DOTS = /\/(\.|%2e){1,2}(\/|$)/i;

function bare(target: string): string {
  return target.split("?")[0]!;
}

/** Returns whether clients resolve segments of dots in a path, as in `/v1/../api/reset`. */
export function hasDots(target: string): boolean {
  return DOTS.test(bare(target));
}

/** Returns whether a browser sends a path as it is. It resolves dots, takes `\\` for `/`, and sends no `#`. */
export function isKeptByBrowsers(target: string): boolean {
  return !hasDots(target) && !bare(target).includes("\\") && !target.includes("#");
}
