// An element that is hidden and shown again gets new animations: they must not run before they are seeked.
const PAUSED = '#stage, #stage * { animation-play-state: paused !important; }';

/** Shows a composition's page within another page. @returns seeks it, in milliseconds */
export function showLook(stage, { style, markup, draw }) {
  const callbacks = [];
  stage.innerHTML = `<style>${style}${PAUSED}</style>${markup}`;
  draw(
    {
      body: stage,
      createElement: (name) => document.createElement(name),
      querySelector: (selector) => stage.querySelector(selector),
    },
    (callback) => callbacks.push(callback),
  );
  return (ms) => {
    for (const callback of callbacks.splice(0)) callback(ms);
    for (const animation of document.getAnimations()) {
      animation.pause();
      animation.currentTime = ms;
    }
  };
}
