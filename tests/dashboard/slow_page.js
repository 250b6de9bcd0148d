// Delays what a page receives: each response, each message of a WebSocket, and some frames. A test that waits for
// luck instead of for the page then fails. The delays are drawn from a seed.
(() => {
  let state = SEED;
  const drawn = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const delay = () => new Promise((resolve) => setTimeout(resolve, drawn() * drawn() * MOST));
  const { fetch } = window;
  window.fetch = async (...call) => {
    const response = await fetch(...call);
    await delay();
    return response;
  };
  const property = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", {
    configurable: true,
    get: property.get,
    set(receive) {
      let before = Promise.resolve();
      property.set.call(this, (message) => {
        before = before.then(delay).then(() => receive.call(this, message));
      });
    },
  });
  const frame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (draw) => frame(() => setTimeout(() => draw(performance.now()), drawn() ** 4 * MOST));
})();
