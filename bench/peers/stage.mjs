/** Shows a composition's page within another page. @returns seeks it, in milliseconds */
export function showLook(stage, { style, markup, draw }) {
  const callbacks = [];
  const animations = new Set();
  stage.innerHTML = `<style>${style}</style>${markup}`;
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
      if (!animations.has(animation)) animation.pause();
      animations.add(animation);
    }
    for (const animation of animations) animation.currentTime = ms;
  };
}
